//! Judges recorded calls again.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::Arc;

use super::decision::Decision;
use super::report::{ByCounts, Calls, Change, Example, Report};
use crate::records::{Column, Event, Record};
use crate::screen::{Ground, PoolView, Present, Recorded, TrunkId, Verdict, VerdictKind, World, decide};
use crate::time::WallTime;
use crate::usage::Usage;

/// Which calls are replayed, and how many are shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Those from this moment on.
    pub since: Option<WallTime>,
    /// Those before this one.
    pub until: Option<WallTime>,
    /// At most so many of each change.
    pub examples: usize,
}

/// Takes calls one after another and remembers what would become of them.
#[derive(Debug)]
pub struct Replayer<'w> {
    world: &'w World,
    /// Of this replay alone.
    usage: Usage,
    options: Options,
    trunks: HashMap<&'w [u8], TrunkId>,
    /// By [`TrunkId`]: the headers that rules read in its calls, a bit each.
    read: Vec<u64>,
    /// The headers that some record holds: the config of that time read them.
    seen: u64,
    clock: Clock,
    shown: Vec<u8>,
    files: u64,
    calls: Calls,
    from: Option<WallTime>,
    to: Option<WallTime>,
    unchanged: Certainty,
    changes: HashMap<Changed, Group>,
    /// By rule: how often it decided, and how often it would have, if it acted.
    rules: HashMap<Arc<str>, [u64; 2]>,
    /// By `RouteId`.
    routes: Vec<u64>,
    unknown_trunks: BTreeMap<String, u64>,
    closed: u64,
    damaged: Vec<String>,
    damaged_lines: u64,
}

/// What tells one change from another.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Changed {
    before: Decision<'static>,
    after: Decision<'static>,
    /// Only the number that is shown is another.
    shows: bool,
}

#[derive(Debug, Default)]
struct Group {
    certainty: Certainty,
    examples: Vec<(u64, Example)>,
}

/// Calls by what makes them uncertain: a bit for each header that was looked for in vain, and [`COUNTS`].
#[derive(Debug, Default)]
struct Certainty(Vec<(u64, u64)>);

impl Certainty {
    fn count(&mut self, missing: u64) {
        match self.0.iter_mut().find(|(it, _)| *it == missing) {
            Some((_, count)) => *count += 1,
            None => self.0.push((missing, 1)),
        }
    }

    /// All of them, and those that one of these bits makes uncertain.
    fn calls(&self, doubts: u64) -> Calls {
        let all = self.0.iter().map(|(_, count)| count).sum();
        let uncertain = self.0.iter().filter(|(missing, _)| missing & doubts != 0).map(|(_, count)| count).sum();
        Calls { calls: all, not_certain: uncertain }
    }
}

impl<'w> Replayer<'w> {
    /// For the calls of one run.
    pub fn new(world: &'w World, options: Options) -> Replayer<'w> {
        let policy = &*world.policy;
        let ids = (0..).map(TrunkId).take(policy.trunks.len());
        Replayer {
            world,
            usage: Usage::new(),
            options,
            trunks: ids.clone().map(|id| (policy.trunk(id).name.as_bytes(), id)).collect(),
            read: ids.map(|id| policy.headers_read(id).fold(0, |read, at| read | bit(at))).collect(),
            seen: 0,
            clock: Clock::default(),
            shown: Vec::new(),
            files: 0,
            calls: Calls::default(),
            from: None,
            to: None,
            unchanged: Certainty::default(),
            changes: HashMap::new(),
            rules: HashMap::new(),
            routes: vec![0; policy.routes.len()],
            unknown_trunks: BTreeMap::new(),
            closed: 0,
            damaged: Vec::new(),
            damaged_lines: 0,
        }
    }

    /// Another file begins.
    pub fn begin_file(&mut self) {
        self.files += 1;
    }

    /// A line cannot be read, and why, with its place.
    pub fn lose(&mut self, damage: String) {
        self.damaged_lines += 1;
        if self.damaged.len() < MOST_DAMAGED {
            self.damaged.push(damage);
        }
    }

    /// Judges a call again; other lines are passed over. An error says what of the line cannot be used.
    pub fn take(&mut self, record: &Record<'_>) -> Result<(), &'static str> {
        if record.event() != Event::Call {
            return Ok(());
        }
        let time = self.clock.read(record.field(Column::Time)).ok_or("the time is none")?;
        if self.options.since.is_some_and(|since| time < since) || self.options.until.is_some_and(|until| time >= until)
        {
            return Ok(());
        }
        let draw = record.decimal(Column::Draw).ok_or("there is no draw")?;
        self.calls.calls += 1;
        self.from = self.from.map_or(Some(time), |from| Some(from.min(time)));
        self.to = self.to.max(Some(time));
        if record.field(Column::Verdict) == CLOSED {
            self.closed += 1;
            return Ok(());
        }
        let Some(&trunk) = self.trunks.get(record.field(Column::FromTrunk)) else {
            *self.unknown_trunks.entry(record.text(Column::FromTrunk).into_owned()).or_default() += 1;
            return Ok(());
        };
        let recorded = Recorded {
            from: record.field(Column::From),
            asserted: record.field(Column::Asserted),
            privacy: record.wants_privacy(),
            request_uri: record.field(Column::RequestUri),
            diversions: record.field(Column::Diversion),
            headers: record.field(Column::Headers),
        };
        let missing = self.look_for_headers(trunk, &recorded);
        let verdict = self.judge(&recorded, trunk, time, draw);
        self.count_rules(&verdict);
        self.compare(record, &verdict, missing);
        Ok(())
    }

    /// Decides, and counts what goes on: `usage` is kept here as the engine keeps its own.
    fn judge(&mut self, recorded: &Recorded<'_>, trunk: TrunkId, time: WallTime, draw: u64) -> Verdict {
        let (world, usage) = (self.world, &self.usage);
        let verdict = recorded.ask(&world.policy, trunk, |call| decide(call, world, usage, time, draw));
        if let (Some(counted), Some(kept)) = (verdict.counted_attempt(), world.policy.attempts_kept())
            && let Some(attempt) = usage.attempts().commit(counted.callee, &counted.limits, kept, time)
        {
            attempt.stand();
        }
        if let Some(route) = verdict.route() {
            self.routes[route.0 as usize] += 1;
            if let (Some(number), Some(view)) = (verdict.presented(), PoolView::new(world, usage, route, time)) {
                view.enter_sent(number);
            }
        }
        verdict
    }

    /// The headers that rules read in calls of this trunk, and that this call did not have.
    fn look_for_headers(&mut self, trunk: TrunkId, recorded: &Recorded<'_>) -> u64 {
        let read = self.read[usize::from(trunk.0)];
        let mut missing = 0;
        if read != 0 {
            for (at, name) in self.world.policy.headers.iter().enumerate().filter(|(at, _)| read & bit(*at) != 0) {
                let side = if recorded.holds(name) { &mut self.seen } else { &mut missing };
                *side |= bit(at);
            }
        }
        missing
    }

    fn count_rules(&mut self, verdict: &Verdict) {
        let mut count = |rule: &Option<Arc<str>>, which: usize| {
            if let Some(rule) = rule {
                match self.rules.get_mut(rule) {
                    Some(counts) => counts[which] += 1,
                    None => self.rules.entry(rule.clone()).or_default()[which] += 1,
                }
            }
        };
        count(&verdict.cause.rule, 0);
        verdict.observed.iter().for_each(|observed| count(&observed.cause.rule, 1));
    }

    fn compare(&mut self, record: &Record<'_>, verdict: &Verdict, missing: u64) {
        let after = Decision::of(verdict, &self.world.policy);
        let before = Decision::recorded(record, &after);
        self.shown.clear();
        if let Some(presented) = verdict.presented() {
            write!(self.shown, "{presented}").expect("memory can be written");
        }
        let decides_alike = before == after;
        let shows = decides_alike && self.shown != record.field(Column::Presented);
        let missing = if self.is_by_counts(&before, verdict, shows) { missing | COUNTS } else { missing };
        if decides_alike && !shows {
            return self.unchanged.count(missing);
        }
        let entry = verdict.cause.entry.as_ref().map(ToString::to_string).unwrap_or_default();
        let changed = Changed { before: before.into_owned(), after: after.into_owned(), shows };
        let group = self.changes.entry(changed).or_default();
        group.certainty.count(missing);
        if group.examples.len() < self.options.examples {
            let shown = String::from_utf8_lossy(&self.shown).into_owned();
            group.examples.push((missing, Example::new(record, entry, shown)));
        }
    }

    /// Whether the decision of then or of now goes by what was counted of other calls. `usage` only comes near the engine's
    /// account: that takes back the attempts of calls that are refused later, knows what was before the first record and
    /// which numbers rest, and records stand in the order of final answers.
    fn is_by_counts(&self, before: &Decision<'_>, verdict: &Verdict, shows: bool) -> bool {
        let policy = &*self.world.policy;
        let is_attempts = verdict.cause.ground == Some(Ground::Attempts)
            || before.list.is_empty()
                && policy
                    .campaign_named(&before.rule)
                    .and_then(|campaign| campaign.attempts_status())
                    .is_some_and(|status| before.reason.is_empty() || before.reason == status);
        let is_empty = verdict.kind() == VerdictKind::EmptyPool || before.verdict == VerdictKind::EmptyPool.as_str();
        let present = verdict.route().and_then(|route| policy.route(route).present.as_ref());
        is_attempts || (is_empty || shows) && present.is_some_and(Present::is_counted)
    }

    /// What came out of it.
    pub fn report(self, edits_included: bool) -> Report {
        let policy = &self.world.policy;
        let looked_for = self.read.iter().fold(0, |all, read| all | read);
        let unseen = looked_for & !self.seen;
        let doubts = unseen | COUNTS;
        let of_all = |bits| {
            let changed = self.changes.values().map(|group| group.certainty.calls(bits).not_certain).sum();
            ByCounts { changed, unchanged: self.unchanged.calls(bits).not_certain }
        };
        let (decided_by_counts, by_headers) = (of_all(COUNTS), of_all(unseen));
        let headers = policy.headers.iter().enumerate().filter(|(at, _)| unseen & bit(*at) != 0);
        let mut changes: Vec<Change> = self
            .changes
            .into_iter()
            .map(|(Changed { before, after, shows }, Group { certainty, examples })| {
                let examples = examples.into_iter().map(|(missing, example)| example.certain(missing & doubts == 0));
                Change::new(policy, before, after, shows, certainty.calls(doubts), examples.collect())
            })
            .collect();
        changes.sort_by(|one, other| one.place().cmp(&other.place()));
        let total = |changes: &[Change]| changes.iter().fold(Calls::default(), |sum, change| sum.plus(change.calls));
        Report {
            edits_included,
            generation: self.world.generation,
            files: self.files,
            calls: self.calls.calls,
            from: self.from.map(|time| time.to_string()),
            to: self.to.map(|time| time.to_string()),
            changed: total(&changes),
            unchanged: self.unchanged.calls(doubts),
            changes,
            headers_not_recorded: headers.map(|(_, name)| name.clone()).collect(),
            by_headers: by_headers.changed + by_headers.unchanged,
            decided_by_counts,
            unknown_trunks: self.unknown_trunks,
            closed_by_hand: self.closed,
            damaged_lines: self.damaged_lines,
            damaged: self.damaged,
            observing: Report::observing(policy, &self.rules),
            unmatched: Report::unmatched(policy, &self.rules, &self.routes),
        }
    }
}

/// There are seldom more than a few headers; those beyond 63 share a bit.
fn bit(header: usize) -> u64 {
    1 << header.min(62)
}

/// Counts of other calls decided.
const COUNTS: u64 = 1 << 63;

/// What somebody had closed by hand then is no matter of a config.
const CLOSED: &[u8] = b"trunk-closed";

/// Whoever reads more of them has understood.
const MOST_DAMAGED: usize = 20;

/// Reads the times of records, of which many fall into one second.
#[derive(Debug, Default)]
struct Clock {
    /// As it was read last, up to the dot.
    second: Vec<u8>,
    begins: WallTime,
}

impl Clock {
    fn read(&mut self, text: &[u8]) -> Option<WallTime> {
        // 2026-03-25T08:00:00.123456Z
        const DOT: usize = 19;
        let micros = match text.split_at_checked(DOT + 1) {
            Some((second, [micros @ .., b'Z'])) if micros.len() == 6 && second == self.second => micros
                .iter()
                .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0'))),
            _ => None,
        };
        if let Some(micros) = micros {
            return Some(WallTime::from_micros(self.begins.as_micros() + micros));
        }
        let time = WallTime::parse(std::str::from_utf8(text).ok()?)?;
        if text.get(DOT) == Some(&b'.') && text.last() == Some(&b'Z') {
            self.second = text[..=DOT].to_vec();
            self.begins = WallTime::from_micros(time.as_micros() / 1_000_000 * 1_000_000);
        }
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_a_wall_time_reads_them() {
        let mut clock = Clock::default();
        for text in [
            "2026-03-25T08:00:00.000001Z",
            "2026-03-25T08:00:00.999999Z",
            "2026-03-25T08:00:01.5Z",
            "2026-03-25T08:00:01.250000Z",
            "2026-03-25T08:00:01.12345Z",
            "2026-03-25T08:00:01Z",
            "2026-03-25T09:00:01.000000+01:00",
            "2026-03-25T08:00:01.x23456Z",
            "",
        ] {
            assert_eq!(clock.read(text.as_bytes()), WallTime::parse(text), "{text}");
        }
    }
}
