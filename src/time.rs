//! Time as a parameter: nothing below the I/O row reads a clock.

use std::fmt;
use std::time::{Duration, Instant};

/// The moment at which something is handled, read once per batch of work by the I/O row.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For timers.
    pub mono: Instant,
    /// For records, expiry and dates.
    pub wall: WallTime,
}

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(u64);

impl WallTime {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: u64) -> WallTime {
        WallTime(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, as far as 32 bits reach: until 2106.
    pub fn seconds(self) -> u32 {
        u32::try_from(self.0 / 1_000_000).unwrap_or(u32::MAX)
    }

    /// Reads an RFC 3339 time such as `2026-03-25T08:00:00Z`; `None` when it is none or lies before 1970.
    pub fn parse(text: &str) -> Option<WallTime> {
        let stamp: jiff::Timestamp = text.parse().ok()?;
        u64::try_from(stamp.as_microsecond()).ok().map(WallTime)
    }

    /// The start of a day in UTC; `None` before 1970.
    pub fn start_of(day: jiff::civil::Date) -> Option<WallTime> {
        let start = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        u64::try_from(start.as_microsecond()).ok().map(WallTime)
    }

    /// The time since `earlier`, zero when the clock was set back meanwhile.
    pub fn since(self, earlier: WallTime) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for WallTime {
    type Output = WallTime;

    fn add(self, span: Duration) -> WallTime {
        WallTime(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// RFC 3339 in UTC with microseconds, the form of records and of the admin port.
impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match i64::try_from(self.0).ok().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok()) {
            Some(stamp) => write!(f, "{stamp:.6}"),
            None => f.write_str("9999-12-31T23:59:59.999999Z"),
        }
    }
}

/// Reads a span as the config writes it: a number above zero and one of `ms`, `s`, `m`, `h`, `d`.
pub fn parse_span(text: &str) -> Option<Duration> {
    let split = text.find(|char: char| !char.is_ascii_digit())?;
    let (digits, unit) = text.split_at(split);
    let count = digits.parse::<u64>().ok().filter(|count| *count > 0)?;
    let unit_millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    // A span that overflows milliseconds of 64 bits is a slip of the hand.
    count.checked_mul(unit_millis).map(Duration::from_millis)
}
