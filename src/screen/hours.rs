//! When callees may be called: hours by the wall clock of their country.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use toml::Spanned;

use crate::number::{Number, Party};
use crate::time::WallTime;

/// An element of the `hours` of a campaign.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoursConfig {
    /// The digits that the callees' numbers begin with: a country code, or more.
    pub prefix: Spanned<String>,
    /// A time zone by its name in the IANA database.
    pub zone: Spanned<String>,
    /// Days and spans of days, such as `mon-fri,sun`; every day when omitted.
    pub days: Option<Spanned<String>>,
    /// Spans of those days, such as `08:00-12:00,14:00-20:00`; one that ends before it begins ends on the next day.
    pub open: Spanned<String>,
}

/// The `hours` of a campaign: those of the longest prefix that fits a callee, all that have it together.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CallingHours(Vec<Hours>);

/// The hours of one prefix in one zone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hours {
    pub(crate) prefix: Leading,
    pub(crate) zone: TimeZone,
    pub(crate) week: Week,
}

/// Whether a callee may be called at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calling {
    Open,
    /// In so many seconds he may be called, as far as that is known.
    Closed(Option<u32>),
    /// No prefix fits him.
    Nowhere,
}

impl CallingHours {
    pub(crate) fn new(mut hours: Vec<Hours>) -> CallingHours {
        hours.sort_by_key(|hours| (std::cmp::Reverse(hours.prefix.digits), hours.prefix.value));
        CallingHours(hours)
    }

    /// Local wall-clock time decides, whatever a change of the clocks does to it.
    pub(crate) fn ask(&self, callee: &Party<'_>, at: WallTime) -> Calling {
        let hours = match callee {
            Party::Number(number) => self.of(*number),
            _ => &[],
        };
        let Some(now) = timestamp(at).filter(|_| !hours.is_empty()) else { return Calling::Nowhere };
        if hours.iter().any(|hours| hours.are_open(now)) {
            return Calling::Open;
        }
        let opening = hours.iter().filter_map(|hours| hours.next_opening(now)).min();
        Calling::Closed(opening.map(|opening| seconds_until(now, opening)))
    }

    /// Those of the longest prefix that fits.
    fn of(&self, callee: Number) -> &[Hours] {
        let Some(first) = self.0.iter().position(|hours| hours.prefix.fits(callee)) else { return &[] };
        let same = |hours: &&Hours| hours.prefix == self.0[first].prefix;
        let count = self.0[first..].iter().take_while(same).count();
        &self.0[first..first + count]
    }
}

impl Hours {
    fn are_open(&self, at: Timestamp) -> bool {
        self.week.holds(minute_of_week(self.zone.to_datetime(at)))
    }

    /// When they are open next, where they are not now.
    fn next_opening(&self, now: Timestamp) -> Option<Timestamp> {
        let is_opening = |at: &Timestamp| *at > now && self.are_open(*at);
        let today = self.zone.to_datetime(now).date();
        let scheduled = (0..=DAYS_AHEAD).find_map(|ahead| {
            let day = today.checked_add(ahead.days()).ok()?;
            let midnight = minute_of_week(day.into());
            let starts = self.week.starts_within(midnight..midnight + DAY);
            let openings = starts.flat_map(|start| {
                let (hour, minute) = ((start - midnight) / 60, (start - midnight) % 60);
                let narrow = |part: u16| i8::try_from(part).expect("an hour or a minute of a day");
                let local = self.zone.to_ambiguous_timestamp(day.to_datetime(Time::constant(
                    narrow(hour),
                    narrow(minute),
                    0,
                    0,
                )));
                // A time that comes twice opens twice; one that a change leaves out, never by itself.
                [local.earlier(), local.later()].into_iter().flatten()
            });
            openings.filter(is_opening).min()
        });
        // A change of the clocks can lead into the hours as well.
        let changes = self.zone.following(now).map(|change| change.timestamp()).take(CHANGES_AHEAD);
        let changed = changes.take_while(|at| scheduled.is_none_or(|opening| *at < opening)).find(is_opening);
        changed.or(scheduled)
    }
}

/// The digits that a number begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leading {
    digits: u32,
    value: u64,
}

impl Leading {
    /// 1 to 15 digits, the first of them no 0.
    pub(crate) fn parse(text: &str) -> Option<Leading> {
        let is_one = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.parse::<u64>().ok().filter(|_| is_one && !text.starts_with('0'))?;
        Some(Leading { digits: value.ilog10() + 1, value })
    }

    fn fits(self, number: Number) -> bool {
        let behind = number.digits().checked_sub(self.digits);
        behind.is_some_and(|behind| number.get() / 10u64.pow(behind) == self.value)
    }
}

impl std::fmt::Display for Leading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.value, f)
    }
}

/// Spans of a week in minutes since Monday 00:00: ascending, apart from each other, within the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Week(Vec<std::ops::Range<u16>>);

impl Week {
    /// These spans of these days.
    pub(crate) fn new(days: Days, spans: &[DaySpan]) -> Week {
        let starts = (0..7u16).filter(|day| days.0[usize::from(*day)]).map(|day| day * DAY);
        let mut all: Vec<std::ops::Range<u16>> = starts
            .flat_map(|midnight| spans.iter().map(move |span| midnight + span.opens..midnight + span.closes))
            .flat_map(|span| match span.end.checked_sub(WEEK) {
                Some(into_next) if into_next > 0 => vec![0..into_next, span.start..WEEK],
                _ => vec![span],
            })
            .collect();
        all.sort_by_key(|span| span.start);
        let mut apart: Vec<std::ops::Range<u16>> = Vec::with_capacity(all.len());
        for span in all {
            match apart.last_mut().filter(|last| span.start <= last.end) {
                Some(last) => last.end = last.end.max(span.end),
                None => apart.push(span),
            }
        }
        Week(apart)
    }

    fn holds(&self, minute: u16) -> bool {
        self.0.iter().any(|span| span.contains(&minute))
    }

    fn starts_within(&self, minutes: std::ops::Range<u16>) -> impl Iterator<Item = u16> {
        self.0.iter().map(|span| span.start).filter(move |start| minutes.contains(start))
    }
}

/// Days of the week, from Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days([bool; 7]);

impl Days {
    pub(crate) const ALL: Days = Days([true; 7]);

    /// `mon-sat`, `mon,wed`, `fri-mon`; in any case.
    pub(crate) fn parse(text: &str) -> Option<Days> {
        let day = |name: &str| NAMES.iter().position(|known| name.trim().eq_ignore_ascii_case(known));
        let mut days = [false; 7];
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (mut at, last) = (day(first)?, day(last)?);
            days[at] = true;
            while at != last {
                at = (at + 1) % 7;
                days[at] = true;
            }
        }
        Some(Days(days))
    }
}

/// A span of a day, in minutes since midnight; it may close on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DaySpan {
    opens: u16,
    closes: u16,
}

impl DaySpan {
    /// `08:00-12:00,14:00-20:00`, `22:00-06:00`, `00:00-24:00`.
    pub(crate) fn parse_all(text: &str) -> Option<Vec<DaySpan>> {
        text.split(',').map(DaySpan::parse).collect()
    }

    fn parse(text: &str) -> Option<DaySpan> {
        let (opens, closes) = text.split_once('-')?;
        let opens = minute_of_day(opens.trim()).filter(|minute| *minute < DAY)?;
        let closes = minute_of_day(closes.trim())?;
        // Nothing and a whole day look alike.
        (opens != closes).then_some(DaySpan { opens, closes: if closes < opens { closes + DAY } else { closes } })
    }
}

/// `HH:MM`, 24:00 included.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| {
        part.parse::<u16>().ok().filter(|_| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= DAY).then_some(total)
}

fn minute_of_week(local: DateTime) -> u16 {
    let [day, hour, minute] = [local.weekday().to_monday_zero_offset(), local.hour(), local.minute()]
        .map(|part| u16::try_from(part).expect("a day, an hour, a minute"));
    day * DAY + hour * 60 + minute
}

fn timestamp(at: WallTime) -> Option<Timestamp> {
    Timestamp::from_microsecond(i64::try_from(at.as_micros()).ok()?).ok()
}

/// Rounded up: a moment too early they are still closed.
fn seconds_until(now: Timestamp, then: Timestamp) -> u32 {
    let micros = then.as_microsecond() - now.as_microsecond();
    u32::try_from((micros + 999_999) / 1_000_000).unwrap_or(u32::MAX)
}

/// In minutes.
const DAY: u16 = 24 * 60;

/// In minutes.
const WEEK: u16 = 7 * DAY;

/// From Monday.
const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A week, a day that a change of the clocks may have left without its hours, and the same day of the next week.
const DAYS_AHEAD: i32 = 8;

/// The next opening lies before more of them in any zone that people live in.
const CHANGES_AHEAD: usize = 4;
