//! What was decided of a call, as far as a record tells it.

use std::borrow::Cow;

use serde::Serialize;

use crate::records::{Column, Record};
use crate::screen::{Outcome, Policy, RedressId, Verdict};

/// What a record and a verdict can be compared by. Empty texts: none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub(super) struct Decision<'a> {
    pub(super) verdict: Cow<'a, str>,
    pub(super) rule: Cow<'a, str>,
    pub(super) list: Cow<'a, str>,
    /// Of an answer of our own.
    pub(super) status: Option<u64>,
    /// The text of its Reason, without the redress id: each call has its own.
    pub(super) reason: Cow<'a, str>,
    pub(super) route: Cow<'a, str>,
    /// The next trunk.
    pub(super) trunk: Cow<'a, str>,
}

impl<'a> Decision<'a> {
    /// What the candidate decides.
    pub(super) fn of(verdict: &'a Verdict, policy: &'a Policy) -> Decision<'a> {
        let name = |name: &'a Option<std::sync::Arc<str>>| Cow::Borrowed(name.as_deref().unwrap_or(""));
        let mut decision = Decision {
            verdict: Cow::Borrowed(verdict.word()),
            rule: name(&verdict.cause.rule),
            list: name(&verdict.cause.list),
            route: verdict.route().map_or("", |route| &*policy.route(route).name).into(),
            ..Decision::default()
        };
        match &verdict.outcome {
            Outcome::Answer(answer) => {
                decision.status = Some(answer.status.into());
                decision.reason = without_redress_id(answer.reason_text().unwrap_or_default());
            }
            Outcome::Drop => {}
            Outcome::Proceed(passage) => {
                decision.trunk = Cow::Borrowed(&policy.trunk(passage.trunk).name);
            }
        }
        decision
    }

    /// What was decided at the time; what the file has no column for is taken to be as it is `now`.
    pub(super) fn recorded(record: &Record<'a>, now: &Decision<'a>) -> Decision<'a> {
        let text = |column, now: &Cow<'a, str>| if record.has(column) { record.text(column) } else { now.clone() };
        let verdict = record.text(Column::Verdict);
        let goes_on = matches!(&*verdict, "pass" | "forward" | "hide" | "drop");
        Decision {
            rule: record.text(Column::Rule),
            list: record.text(Column::List),
            status: if goes_on { None } else { record.decimal(Column::Status) },
            reason: without_redress_id(text(Column::Reason, &now.reason)),
            route: text(Column::Route, &now.route),
            trunk: record.text(Column::ToTrunk),
            verdict,
        }
    }

    pub(super) fn into_owned(self) -> Decision<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Decision {
            verdict: owned(self.verdict),
            rule: owned(self.rule),
            list: owned(self.list),
            status: self.status,
            reason: owned(self.reason),
            route: owned(self.route),
            trunk: owned(self.trunk),
        }
    }
}

fn without_redress_id(reason: Cow<'_, str>) -> Cow<'_, str> {
    let id = reason.rsplit_once(";id=").filter(|(_, id)| id.parse::<RedressId>().is_ok());
    match (id.map(|(before, _)| before.len()), reason) {
        (None, reason) => reason,
        (Some(end), Cow::Borrowed(reason)) => Cow::Borrowed(&reason[..end]),
        (Some(end), Cow::Owned(mut reason)) => {
            reason.truncate(end);
            Cow::Owned(reason)
        }
    }
}
