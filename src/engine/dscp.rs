//! The DSCP of what a socket sends (RFC 2474): how routers treat signalling.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A differentiated services code point, from 0 to 63; 0, the default, asks for no treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dscp(u8);

impl Dscp {
    /// The byte that carries it: `IP_TOS` and `IPV6_TCLASS`.
    pub fn traffic_class(self) -> u8 {
        self.0 << 2
    }

    /// Reads `cs0` to `cs7`, `af11` to `af43`, or `ef`, in any case.
    fn named(name: &str) -> Option<Dscp> {
        let digit = |byte: u8, range: std::ops::RangeInclusive<u8>| {
            Some(byte.wrapping_sub(b'0')).filter(|digit| range.contains(digit))
        };
        let value = match *name.to_ascii_lowercase().as_bytes() {
            [b'c', b's', class] => digit(class, 0..=7)? * 8,
            // RFC 2597 section 6: class and drop precedence.
            [b'a', b'f', class, drop] => digit(class, 1..=4)? * 8 + digit(drop, 1..=3)? * 2,
            [b'e', b'f'] => EXPEDITED,
            _ => return None,
        };
        Some(Dscp(value))
    }
}

impl<'de> Deserialize<'de> for Dscp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dscp, D::Error> {
        deserializer.deserialize_any(NameOrNumber)
    }
}

struct NameOrNumber;

impl Visitor<'_> for NameOrNumber {
    type Value = Dscp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a DSCP such as \"cs3\", \"af31\" or \"ef\", or a number from 0 to 63")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Dscp, E> {
        Dscp::named(name).ok_or_else(|| E::invalid_value(Unexpected::Str(name), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Dscp, E> {
        let value = u8::try_from(number).ok().filter(|&value| value <= LARGEST);
        value.map(Dscp).ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }
}

/// RFC 3246.
const EXPEDITED: u8 = 46;

/// It has six bits.
const LARGEST: u8 = 63;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<u8> {
        #[derive(Deserialize)]
        struct Table {
            dscp: Dscp,
        }
        toml::from_str::<Table>(&format!("dscp = {value}")).ok().map(|table| table.dscp.0)
    }

    #[test]
    fn a_code_point_is_a_name_or_a_number() {
        for (value, code) in [
            ("\"cs0\"", 0),
            ("\"CS3\"", 24),
            ("\"cs7\"", 56),
            ("\"af11\"", 10),
            ("\"af31\"", 26),
            ("\"AF43\"", 38),
            ("\"ef\"", 46),
            ("0", 0),
            ("63", 63),
        ] {
            assert_eq!(read(value), Some(code), "{value}");
        }
        for value in ["\"cs8\"", "\"af14\"", "\"af51\"", "\"af01\"", "\"24\"", "\"\"", "64", "-1", "2.0"] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn it_stands_in_the_upper_six_bits_of_its_byte() {
        assert_eq!(Dscp(46).traffic_class(), 184);
    }
}
