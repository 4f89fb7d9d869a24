//! What a campaign asks of a callee whom its lists do not refuse: consent, hours, attempts.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Answer, Judge, Judged, Outcome, Subject, Trace, label};
use crate::number::Party;
use crate::screen::campaign::{Campaign, Check};
use crate::screen::decline::{REJECTED, UNWANTED};
use crate::screen::hours::{Calling, CallingHours};
use crate::screen::policy::{Action, Mode, Rule, Stage};
use crate::screen::verdict::{ActionWord, Cause, CountedAttempt, Ground, Observed};
use crate::usage::AttemptLimit;

/// Why a callee is not called.
struct Refusal<'j> {
    ground: Ground,
    status: &'j Arc<str>,
    /// In seconds.
    retry_after: Option<u32>,
    /// For the trace.
    why: String,
}

impl<'j, 'c: 'j, T: Trace> Judge<'j, 'c, T> {
    /// A campaign begins to judge the call; whatever it finds, the call counts among its attempts if it goes on.
    pub(super) fn enter(&mut self, campaign: &Campaign) {
        self.campaigns.push(campaign.id);
        if let (Some(_), Party::Number(callee)) = (&campaign.attempts, &self.callee) {
            self.attempt.get_or_insert_with(|| CountedAttempt { callee: *callee, limits: SmallVec::new() });
        }
    }

    /// Asks what the campaign asks beside its lists; there is nothing where the rule is none.
    pub(super) fn check(&mut self, rule: &'j Rule, by_hand: Option<Mode>) -> Judged {
        let Some(campaign) = rule.campaign.as_deref().filter(|campaign| campaign.checks()) else { return Judged::Next };
        let mode = by_hand.unwrap_or(rule.mode);
        let label = || label(Stage::Campaign, rule, by_hand);
        let spared = self.caller_is_among(Some(&self.policy.never_block_callers));
        let Some(Refusal { ground, status, retry_after, why }) = self.refusal(campaign) else {
            self.trace.step(|| format!("{}: the callee may be called", label()));
            if let (Some(Check { asks, .. }), Some(attempt), Mode::Enforce, false) =
                (&campaign.attempts, &mut self.attempt, mode, spared)
            {
                attempt.limits.push(*asks);
            }
            return Judged::Next;
        };
        let cause = Cause { rule: Some(rule.name.clone()), ground: Some(ground), ..Cause::default() };
        if mode == Mode::Observe {
            self.trace.step(|| format!("{}: {why}; it only observes, and would decline", label()));
            self.observed.push(Observed { cause, action: ActionWord::Decline });
            return Judged::Next;
        }
        if spared {
            self.trace.step(|| format!("{}: {why}, but the caller is in numbers.never_block_callers", label()));
            return Judged::Next;
        }
        self.trace.deciding_step(|| format!("{}: {why}: decline", label()));
        self.cause = cause;
        let reply = match &rule.action {
            // Neither the callee nor a machine that weighs callers has said anything.
            Action::Decline { reply, .. } => reply.as_ref().filter(|(code, _)| !matches!(*code, UNWANTED | REJECTED)),
            _ => None,
        };
        let declined = self.decline(Some(status), reply);
        let retry_after = retry_after.filter(|_| RETRIED.contains(&declined.status));
        Judged::Over(Outcome::Answer(Answer { retry_after, ..declined }))
    }

    fn refusal(&mut self, campaign: &'j Campaign) -> Option<Refusal<'j>> {
        campaign
            .only
            .as_ref()
            .and_then(|only| self.consent(only))
            .or_else(|| campaign.hours.as_ref().and_then(|hours| self.calling_hours(hours)))
            .or_else(|| campaign.attempts.as_ref().and_then(|limit| self.attempts(limit)))
    }

    fn consent(&mut self, Check { asks, status }: &'j Check<Vec<crate::lists::ListId>>) -> Option<Refusal<'j>> {
        if asks.iter().any(|&list| self.is_member(list, Subject::Callee)) {
            return None;
        }
        let why = self.told(|| "no list of `only` holds the callee".to_owned());
        Some(Refusal { ground: Ground::NotConsented, status, retry_after: None, why })
    }

    fn calling_hours(&self, Check { asks, status }: &'j Check<CallingHours>) -> Option<Refusal<'j>> {
        let (why, retry_after) = match asks.ask(&self.callee, self.wall) {
            Calling::Open => return None,
            Calling::Closed(wait) => {
                let why = || {
                    let next = wait.map(|wait| format!(", which begin at {}", self.in_seconds(wait)));
                    format!("it is outside the callee's calling hours{}", next.unwrap_or_default())
                };
                (self.told(why), wait)
            }
            Calling::Nowhere => (self.told(|| "no calling hours are for the callee".to_owned()), None),
        };
        Some(Refusal { ground: Ground::OutsideHours, status, retry_after, why })
    }

    fn attempts(&self, Check { asks, status }: &'j Check<AttemptLimit>) -> Option<Refusal<'j>> {
        let Party::Number(callee) = &self.callee else { return None };
        let wait = self.usage.attempts().wait(*callee, *asks, self.wall)?;
        let AttemptLimit { calls, within } = *asks;
        let why = self.told(|| {
            let until = self.in_seconds(wait);
            format!("the callee was called {calls} times within {within} s, and may be again at {until}")
        });
        Some(Refusal { ground: Ground::Attempts, status, retry_after: Some(wait), why })
    }

    fn in_seconds(&self, wait: u32) -> crate::time::WallTime {
        self.wall + std::time::Duration::from_secs(wait.into())
    }

    /// A text for the trace, where one is told.
    fn told(&self, text: impl FnOnce() -> String) -> String {
        if T::TELLS { text() } else { String::new() }
    }
}

/// The codes that RFC 3261 section 20.33 allows Retry-After with.
const RETRIED: [u16; 8] = [404, 413, 480, 486, 500, 503, 600, 603];
