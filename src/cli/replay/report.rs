//! What came out of a replay.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::decision::Decision;
use crate::records::{Column, Record};
use crate::screen::{Mode, Policy, RuleId, Stage};

/// All of it, in the form of `--json`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether the lists have what was edited at run time.
    pub(super) edits_included: bool,
    /// The last edit or reload that is in them.
    pub(super) generation: u64,
    pub(super) files: u64,
    /// All that lie between `--since` and `--until`.
    pub(super) calls: u64,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) changed: Calls,
    pub(super) unchanged: Calls,
    /// The most frequent first.
    pub(super) changes: Vec<Change>,
    /// Headers that the candidate reads and that no record holds.
    pub(super) headers_not_recorded: Vec<Arc<str>>,
    /// Calls in which one of them was looked for.
    pub(super) by_headers: u64,
    /// Calls that attempts, or the showings and rests of numbers, decided: then or now.
    pub(super) decided_by_counts: ByCounts,
    /// Trunks that the candidate does not have, with their calls.
    pub(super) unknown_trunks: BTreeMap<String, u64>,
    /// Calls that were refused because somebody had closed their trunk.
    pub(super) closed_by_hand: u64,
    pub(super) damaged_lines: u64,
    /// The first of them.
    pub(super) damaged: Vec<String>,
    pub(super) observing: Vec<Observing>,
    pub(super) unmatched: Vec<Named>,
}

/// How many calls, and of how many it is not certain: the candidate reads a header that no record holds, or counts of calls
/// decided, which a replay does not have as the engine had them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(super) struct Calls {
    pub(super) calls: u64,
    pub(super) not_certain: u64,
}

impl Calls {
    pub(super) fn plus(self, other: Calls) -> Calls {
        Calls { calls: self.calls + other.calls, not_certain: self.not_certain + other.not_certain }
    }
}

/// Calls that counts decided.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct ByCounts {
    pub(super) changed: u64,
    pub(super) unchanged: u64,
}

/// A rule or route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Named {
    /// `inbound rule`, `campaign rule`, `rule` where the candidate has none of that name, or `route`.
    pub(super) kind: &'static str,
    pub(super) name: Arc<str>,
}

/// A rule that only observes.
#[derive(Debug, Serialize)]
pub(super) struct Observing {
    #[serde(flatten)]
    pub(super) rule: Named,
    /// Calls on which it would act.
    pub(super) calls: u64,
}

/// Calls that would go the same other way.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    /// The rule or route that makes the difference.
    pub(super) by: Option<Named>,
    #[serde(flatten)]
    pub(super) calls: Calls,
    pub(super) before: Decision<'static>,
    pub(super) after: Decision<'static>,
    /// Only another number is shown.
    pub(super) shows: bool,
    pub(super) examples: Vec<Example>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub(super) struct Example {
    pub(super) time: String,
    pub(super) call_id: String,
    pub(super) trunk: String,
    pub(super) from: String,
    pub(super) to: String,
    /// The entries of lists that decided, and the numbers that were shown: then and now.
    pub(super) entries: [String; 2],
    pub(super) shown: [String; 2],
    pub(super) certain: bool,
}

impl Example {
    pub(super) fn new(record: &Record<'_>, entry: String, shown: String) -> Example {
        let text = |column| record.text(column).into_owned();
        // Earlier versions recorded the URIs only.
        let either = |column, uri| if record.field(column).is_empty() { text(uri) } else { text(column) };
        Example {
            time: text(Column::Time),
            call_id: text(Column::CallId),
            trunk: text(Column::FromTrunk),
            from: either(Column::Caller, Column::From),
            to: either(Column::Callee, Column::RequestUri),
            entries: [text(Column::Entry), entry],
            shown: [text(Column::Presented), shown],
            certain: true,
        }
    }

    pub(super) fn certain(self, certain: bool) -> Example {
        Example { certain, ..self }
    }
}

impl Change {
    pub(super) fn new(
        policy: &Policy,
        before: Decision<'static>,
        after: Decision<'static>,
        shows: bool,
        calls: Calls,
        examples: Vec<Example>,
    ) -> Change {
        let rule = if after.rule.is_empty() { &before.rule } else { &after.rule };
        let route = if after.route.is_empty() { &before.route } else { &after.route };
        let by_route = rule.is_empty() || shows || before.route != after.route && before.rule == after.rule;
        let by = match by_route {
            true if route.is_empty() => None,
            true => Some(Named { kind: ROUTE, name: (&**route).into() }),
            false => Some(rule_named(policy, rule)),
        };
        Change { by, calls, before, after, shows, examples }
    }

    /// The most frequent first, and always in the same order.
    pub(super) fn place(&self) -> impl Ord + '_ {
        (std::cmp::Reverse(self.calls.calls), &self.by, &self.before, &self.after)
    }
}

impl Report {
    /// Whether a caller would notice. A trunk that the candidate does not have makes strangers of its calls. What counts
    /// decided is left out: the config of the time would seem to change its own calls.
    pub fn changes_something(&self) -> bool {
        self.changed.calls > self.decided_by_counts.changed || !self.unknown_trunks.is_empty()
    }

    /// Why "nothing changes" says nothing, if so.
    pub(super) fn proves_nothing(&self) -> Option<&'static str> {
        if self.changed.calls + self.unchanged.calls == 0 {
            Some("no call was judged again: there is nothing that could have changed")
        } else {
            (self.damaged_lines > 0).then_some("some lines of the records cannot be read: their calls may change")
        }
    }

    /// Calls that were not judged again.
    pub(super) fn left_out(&self) -> u64 {
        self.closed_by_hand + self.unknown_trunks.values().sum::<u64>()
    }

    pub(super) fn observing(policy: &Policy, counted: &HashMap<Arc<str>, [u64; 2]>) -> Vec<Observing> {
        let observing = rules(policy).filter(|(_, mode)| *mode == Mode::Observe);
        let calls = |rule: &Named| counted.get(&rule.name).map_or(0, |[_, would]| *would);
        observing.map(|(rule, _)| Observing { calls: calls(&rule), rule }).filter(|rule| rule.calls > 0).collect()
    }

    /// Rules and routes that no call has met, save those that are off.
    pub(super) fn unmatched(policy: &Policy, counted: &HashMap<Arc<str>, [u64; 2]>, routes: &[u64]) -> Vec<Named> {
        let rules = rules(policy).filter(|(rule, mode)| *mode != Mode::Off && !counted.contains_key(&rule.name));
        let routes = policy.routes.iter().zip(routes).filter(|(_, count)| **count == 0);
        let routes = routes.map(|(route, _)| Named { kind: ROUTE, name: route.name.clone() });
        rules.map(|(rule, _)| rule).chain(routes).collect()
    }
}

fn rules(policy: &Policy) -> impl Iterator<Item = (Named, Mode)> {
    policy.rules().map(|(RuleId { stage, .. }, rule)| {
        let kind = match stage {
            Stage::Inbound => "inbound rule",
            Stage::Campaign => "campaign rule",
        };
        (Named { kind, name: rule.name.clone() }, rule.mode)
    })
}

/// One that was there then may be gone.
fn rule_named(policy: &Policy, name: &str) -> Named {
    let found = rules(policy).map(|(rule, _)| rule).find(|rule| &*rule.name == name);
    found.unwrap_or_else(|| Named { kind: "rule", name: name.into() })
}

const ROUTE: &str = "route";
