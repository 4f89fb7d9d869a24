//! The `[records]` table.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::time::parse_span;

/// How the files of records are kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// A day's file that would grow longer is followed by another part, in bytes.
    #[serde(deserialize_with = "size")]
    pub max_size: u64,
    /// How long files are kept after their day; `None`: for ever.
    #[serde(deserialize_with = "days")]
    pub keep: Option<Duration>,
    /// Whether a file is compressed once nothing more is written to it.
    pub gzip: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config { max_size: DEFAULT_MAX_SIZE, keep: None, gzip: true }
    }
}

/// A number and one of `kB`, `MB`, `GB`, `TB`, powers of 1000 as those who sell disks count.
fn parse_size(text: &str) -> Option<u64> {
    let split = text.find(|char: char| !char.is_ascii_digit())?;
    let (digits, unit) = text.split_at(split);
    let unit = match unit.trim_start() {
        "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let size = parse_size(&text).filter(|size| *size >= LEAST_MAX_SIZE);
    size.ok_or_else(|| de::Error::custom("expected a size of at least 1 MB, such as \"1GB\" or \"500MB\""))
}

fn days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let span = parse_span(&text).filter(|span| *span >= DAY);
    span.map(Some).ok_or_else(|| de::Error::custom("expected a time of at least a day, such as \"30d\""))
}

/// Some three million calls: it is opened, copied and compressed in seconds.
const DEFAULT_MAX_SIZE: u64 = 1_000_000_000;

/// Chunks of lines are up to 60 kB long; a part shall hold many.
const LEAST_MAX_SIZE: u64 = 1_000_000;

/// Files are removed by the day.
const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_and_are_no_slips() {
        let read = ["1GB", "500MB", "20 MB", "1000kB", "2TB"].map(parse_size);
        assert_eq!(
            read,
            [Some(1_000_000_000), Some(500_000_000), Some(20_000_000), Some(1_000_000), Some(2_000_000_000_000)]
        );
        for wrong in ["", "1", "GB", "1gb", "-1GB", "1.5GB", "99999999999TB", "1GiB"] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
    }
}
