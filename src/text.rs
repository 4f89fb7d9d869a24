//! Numbers and addresses as text, appended to bytes: the formatter of the standard library takes several times as long,
//! and each message that is forwarded has a dozen of them.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

/// Appends a number in decimal.
pub fn put_decimal(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
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

fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// Appends an address without brackets.
pub fn put_ip(ip: IpAddr, out: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            put_decimal(a, out);
            for octet in [b, c, d] {
                out.push(b'.');
                put_decimal(octet, out);
            }
        }
        // A vector takes all bytes. IPv6 is rare enough for the formatter, which knows its shortest form.
        IpAddr::V6(ip) => write!(out, "{ip}").unwrap_or_default(),
    }
}

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
        for address in ["192.0.2.1:5060", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:5060", "[::]:1"] {
            let address: SocketAddr = address.parse().unwrap_or_else(|_| panic!("{address}"));
            let mut out = Vec::new();
            put_socket(address, &mut out);
            assert_eq!(out, address.to_string().as_bytes());
        }
        for value in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(hex64(value), format!("{value:016x}").as_bytes());
        }
        assert_eq!(hex32(0xab), *b"000000ab");
    }
}
