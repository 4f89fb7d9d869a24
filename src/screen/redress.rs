//! The id by which a blocked caller asks for redress.

use std::fmt;
use std::str::FromStr;

use crate::time::WallTime;

/// What a 603+ gives the caller as `id`. It leads to the record of the call: its second to the file, its draw to the line.
///
/// `Display` and `FromStr` are the second since 1970 in 8 lower-case hexadecimal digits, a dash, and the draw in 16: within
/// the 64 characters of `[A-Za-z0-9_-]` that ATIS-1000099 allows. The second is enough until 2106.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RedressId {
    second: u32,
    draw: u64,
}

impl RedressId {
    /// Of the call that was judged at `wall` with this draw.
    pub fn new(wall: WallTime, draw: u64) -> RedressId {
        RedressId { second: u32::try_from(wall.as_micros() / MICROS).unwrap_or(u32::MAX), draw }
    }

    /// The second in which the call was judged, as its beginning.
    pub fn second(self) -> WallTime {
        WallTime::from_micros(u64::from(self.second) * MICROS)
    }

    /// As it stands in the record.
    pub fn draw(self) -> u64 {
        self.draw
    }
}

impl fmt::Display for RedressId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:016x}", self.second, self.draw)
    }
}

/// The text is no id of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an id such as 69c3c100-00b17f3a00b17f3a")]
pub struct NoRedressId;

impl FromStr for RedressId {
    type Err = NoRedressId;

    fn from_str(text: &str) -> Result<RedressId, NoRedressId> {
        let (second, draw) = text.split_once('-').ok_or(NoRedressId)?;
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if (second.len(), draw.len()) != (8, 16) || !is_hex(second) || !is_hex(draw) {
            return Err(NoRedressId);
        }
        let second = u32::from_str_radix(second, 16).map_err(|_| NoRedressId)?;
        let draw = u64::from_str_radix(draw, 16).map_err(|_| NoRedressId)?;
        Ok(RedressId { second, draw })
    }
}

const MICROS: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let wall = WallTime::from_micros(1_774_440_000_123_456);
        let id = RedressId::new(wall, 0xb1_7f3a);
        assert_eq!(id.to_string(), "69c3ce40-0000000000b17f3a");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!((id.second(), id.draw()), (WallTime::from_micros(1_774_440_000_000_000), 0xb1_7f3a));
    }

    #[test]
    fn any_other_text_is_no_id() {
        for text in [
            "",
            "-",
            "69c3ce40",
            "69c3ce40-b17f3a",
            "69C3CE40-0000000000b17f3a",
            "69c3ce40-0000000000B17F3A",
            "+9c3cf40-0000000000b17f3a",
            "69c3ce40-0000000000b17f3a-",
            "69c3ce400000000000b17f3a1",
        ] {
            assert_eq!(text.parse::<RedressId>(), Err(NoRedressId), "{text}");
        }
    }

    #[test]
    fn an_id_is_short_and_of_the_characters_that_the_standard_allows() {
        let id = RedressId::new(WallTime::from_micros(u64::MAX), u64::MAX).to_string();
        assert!(id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{id}");
    }
}
