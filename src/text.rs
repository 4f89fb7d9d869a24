//! Numbers and addresses as text, appended to bytes: the formatter of the standard library takes several times as long,
//! and each message that is forwarded has a dozen of them.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Appends a number in decimal.
pub fn put_decimal(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// What is joined with spaces.
pub fn words(joined: &[u8]) -> impl Iterator<Item = &[u8]> {
    joined.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
}

/// A number as 16 hexadecimal digits.
pub fn hex64(value: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(value.to_be_bytes()) {
        pair.copy_from_slice(&hex(byte));
    }
    digits
}

/// A number as 8 hexadecimal digits.
pub fn hex32(value: u32) -> [u8; 8] {
    let mut digits = [0; 8];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(value.to_be_bytes()) {
        pair.copy_from_slice(&hex(byte));
    }
    digits
}

/// Reads 16 hexadecimal digits.
pub fn parse_hex64(digits: &[u8; 16]) -> Option<u64> {
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | u64::from(parse_hex(digit)?)))
}

/// Reads 8 hexadecimal digits.
pub fn parse_hex32(digits: &[u8; 8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value << 4 | u32::from(parse_hex(digit)?)))
}

fn parse_hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// Appends an address without brackets.
pub fn put_ip(ip: IpAddr, out: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => {
            // Each octet with the dot behind it; the last dot stays behind.
            let (mut text, mut end) = ([0; 16], 0);
            for octet in ip.octets() {
                let (digits, length) = OCTETS[usize::from(octet)];
                text[end..end + 4].copy_from_slice(&digits);
                end += usize::from(length);
            }
            out.extend_from_slice(&text[..end - 1]);
        }
        // A vector takes all bytes. IPv6 is rare enough for the formatter, which knows its shortest form.
        IpAddr::V6(ip) => write!(out, "{ip}").unwrap_or_default(),
    }
}

/// Each octet in decimal with a dot behind it, and the length of both.
const OCTETS: [([u8; 4], u8); 256] = {
    let mut table = [([b'.'; 4], 0); 256];
    let mut octet = 0u8;
    loop {
        let digits = [octet / 100 + b'0', octet / 10 % 10 + b'0', octet % 10 + b'0'];
        table[octet as usize] = match octet {
            0..10 => ([digits[2], b'.', 0, 0], 2),
            10..100 => ([digits[1], digits[2], b'.', 0], 3),
            100.. => ([digits[0], digits[1], digits[2], b'.'], 4),
        };
        if octet == u8::MAX {
            break table;
        }
        octet += 1;
    }
};

/// Appends an address as it stands in a URI or Via: IPv6 in brackets.
pub fn put_host(ip: IpAddr, out: &mut Vec<u8>) {
    if ip.is_ipv4() {
        return put_ip(ip, out);
    }
    out.push(b'[');
    put_ip(ip, out);
    out.push(b']');
}

/// Appends `address:port`, as it stands in a URI.
pub fn put_socket(address: SocketAddr, out: &mut Vec<u8>) {
    put_host(address.ip(), out);
    out.push(b':');
    put_decimal(address.port(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_addresses_read_as_the_formatter_writes_them() {
        for address in
            ["192.0.2.1:5060", "0.0.0.0:0", "9.10.99.100:1", "255.255.255.255:65535", "[2001:db8::1]:5060", "[::]:1"]
        {
            let address: SocketAddr = address.parse().unwrap_or_else(|_| panic!("{address}"));
            let mut out = Vec::new();
            put_socket(address, &mut out);
            assert_eq!(out, address.to_string().as_bytes());
        }
        for value in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(hex64(value), format!("{value:016x}").as_bytes());
        }
        assert_eq!(hex32(0xab), *b"000000ab");
        for value in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(parse_hex64(&hex64(value)), Some(value));
        }
        assert_eq!(parse_hex32(b"00fEdC10"), Some(0xfe_dc10));
        for digits in [b"0000000g", b"+0000000", b" 0000000", b"00_00000"] {
            assert_eq!(parse_hex32(digits), None);
        }
    }
}
