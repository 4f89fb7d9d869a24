//! What screening decides for a call: a value with its rule and reason, never a `bool`.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::counters::{ACTIONS, GROUNDS, VERDICTS, assert_numbered};
use crate::lists::{Class, Entry};
use crate::number::{Code, Number};
use crate::screen::present::Occasion;
use crate::screen::{CampaignId, RouteId, TrunkId};
use crate::usage::AttemptLimit;

/// What was decided for one call, by which rule, and under which world.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What is to be done.
    pub outcome: Outcome,
    /// The rule, list and entry that decided; empty when only a route, or no route, decided.
    pub cause: Cause,
    /// What rules with `mode = "observe"` would have done, in the order of judgement.
    pub observed: Vec<Observed>,
    /// The campaigns that the call was judged by, in the order of judgement; one that decided is the last.
    pub campaigns: SmallVec<[CampaignId; 2]>,
    /// What campaigns with `attempts` count of the call, should it go on.
    pub attempt: Option<CountedAttempt>,
    /// The generation of the world that was asked.
    pub generation: u64,
}

impl Verdict {
    /// What is to be counted of a call that goes on: by us, or by the switch that asked.
    pub fn counted_attempt(&self) -> Option<&CountedAttempt> {
        let goes_on = match &self.outcome {
            Outcome::Proceed(_) => true,
            Outcome::Answer(answer) => answer.kind == AnswerKind::Returned,
            Outcome::Drop => false,
        };
        self.attempt.as_ref().filter(|_| goes_on)
    }

    /// One word for records and tables.
    pub fn word(&self) -> &'static str {
        self.kind().as_str()
    }

    /// The caller number that is shown instead of the call's own.
    pub fn presented(&self) -> Option<Number> {
        let presented = match &self.outcome {
            Outcome::Proceed(passage) => passage.present,
            Outcome::Answer(answer) => answer.presented(),
            Outcome::Drop => None,
        };
        presented.map(|presented| presented.number)
    }

    /// The route that chose the trunk or the answer.
    pub fn route(&self) -> Option<RouteId> {
        match &self.outcome {
            Outcome::Proceed(passage) => passage.route,
            Outcome::Answer(answer) => answer.route,
            Outcome::Drop => None,
        }
    }

    /// The text of the Reason header that our own answer bears.
    pub fn reason_text(&self) -> Option<Cow<'_, str>> {
        match &self.outcome {
            Outcome::Answer(answer) => answer.reason_text(),
            Outcome::Proceed(_) | Outcome::Drop => None,
        }
    }

    /// What it comes to.
    pub fn kind(&self) -> VerdictKind {
        match &self.outcome {
            Outcome::Answer(answer) => match answer.kind {
                AnswerKind::Declined => VerdictKind::Decline,
                AnswerKind::Redirected => VerdictKind::Redirect,
                AnswerKind::NoRoute => VerdictKind::NoRoute,
                AnswerKind::EmptyPool => VerdictKind::EmptyPool,
                AnswerKind::ForwardedTwice => VerdictKind::ForwardedTwice,
                AnswerKind::TrunkClosed => VerdictKind::TrunkClosed,
                AnswerKind::Returned => VerdictKind::Return,
            },
            Outcome::Drop => VerdictKind::Drop,
            Outcome::Proceed(passage) if passage.forwarded => VerdictKind::Forward,
            Outcome::Proceed(passage) if passage.hide => VerdictKind::Hide,
            Outcome::Proceed(_) => VerdictKind::Pass,
        }
    }
}

/// What a verdict comes to, for whoever counts and lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerdictKind {
    /// A rule declined the call.
    Decline,
    /// A rule redirected it.
    Redirect,
    /// No route matches.
    NoRoute,
    /// No number of the route's pool may be presented.
    EmptyPool,
    /// It was forwarded before.
    ForwardedTwice,
    /// Its trunk, or the one that it would go to, was closed by somebody.
    TrunkClosed,
    /// A rule dropped it.
    Drop,
    /// It goes on to another callee.
    Forward,
    /// It goes on without its caller's number.
    Hide,
    /// It goes on.
    Pass,
    /// The switch that asked goes on with it.
    Return,
}

impl VerdictKind {
    /// All of them, in the order of their numbers.
    pub const ALL: [VerdictKind; VERDICTS] = [
        VerdictKind::Decline,
        VerdictKind::Redirect,
        VerdictKind::NoRoute,
        VerdictKind::EmptyPool,
        VerdictKind::ForwardedTwice,
        VerdictKind::TrunkClosed,
        VerdictKind::Drop,
        VerdictKind::Forward,
        VerdictKind::Hide,
        VerdictKind::Pass,
        VerdictKind::Return,
    ];

    /// As it stands in records and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            VerdictKind::Decline => "decline",
            VerdictKind::Redirect => "redirect",
            VerdictKind::NoRoute => "no-route",
            VerdictKind::EmptyPool => "empty-pool",
            VerdictKind::ForwardedTwice => "forwarded-twice",
            VerdictKind::TrunkClosed => "trunk-closed",
            VerdictKind::Drop => "drop",
            VerdictKind::Forward => "forward",
            VerdictKind::Hide => "hide",
            VerdictKind::Pass => "pass",
            VerdictKind::Return => "return",
        }
    }
}

assert_numbered!(VerdictKind::ALL, VerdictKind::Return);

/// Which rule decided, on what ground, and through which entry of which list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cause {
    /// The `inbound` or `campaign` rule.
    pub rule: Option<Arc<str>>,
    /// The list that matched; `None` when the rule has no lists.
    pub list: Option<Arc<str>>,
    /// The entry of that list.
    pub entry: Option<Entry>,
    /// The class of that list.
    pub class: Option<Class>,
    /// What the rule found; `None` when it has no lists and matches whatever they are.
    pub ground: Option<Ground>,
}

/// Why a rule acts on a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    /// One of its lists holds the caller or, in a campaign, the callee.
    Listed,
    /// None of the lists of `only` holds the callee.
    NotConsented,
    /// The callee is not called at this time of the day and week.
    OutsideHours,
    /// The callee was called too often of late.
    Attempts,
}

impl Ground {
    /// All of them, in the order of their numbers.
    pub const ALL: [Ground; GROUNDS] = [Ground::Listed, Ground::NotConsented, Ground::OutsideHours, Ground::Attempts];

    /// As it stands in answers and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Ground::Listed => "listed",
            Ground::NotConsented => "not-consented",
            Ground::OutsideHours => "outside-hours",
            Ground::Attempts => "attempts",
        }
    }
}

assert_numbered!(Ground::ALL, Ground::Attempts);

/// What a rule with `mode = "observe"` would have done.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The rule with its list and entry.
    pub cause: Cause,
    /// Its action.
    pub action: ActionWord,
}

/// The six actions of a rule, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionWord {
    /// Answer with a refusal.
    Decline,
    /// Answer 302 with another address.
    Redirect,
    /// Send to another callee.
    Forward,
    /// Let through without showing the caller.
    Hide,
    /// Do not answer at all.
    Drop,
    /// Let through, past the rules below.
    Pass,
}

impl ActionWord {
    /// All of them, in the order of their numbers.
    pub const ALL: [ActionWord; ACTIONS] = [
        ActionWord::Decline,
        ActionWord::Redirect,
        ActionWord::Forward,
        ActionWord::Hide,
        ActionWord::Drop,
        ActionWord::Pass,
    ];

    /// Whether it keeps a call from going on.
    pub fn refuses(self) -> bool {
        matches!(self, ActionWord::Decline | ActionWord::Redirect | ActionWord::Drop)
    }

    /// As it stands in the config.
    pub fn as_str(self) -> &'static str {
        match self {
            ActionWord::Decline => "decline",
            ActionWord::Redirect => "redirect",
            ActionWord::Forward => "forward",
            ActionWord::Hide => "hide",
            ActionWord::Drop => "drop",
            ActionWord::Pass => "pass",
        }
    }
}

assert_numbered!(ActionWord::ALL, ActionWord::Pass);

/// What the engine is to do with the call.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Answer it ourselves.
    Answer(Answer),
    /// Neither answer nor forward it.
    Drop,
    /// Send it on.
    Proceed(Passage),
}

/// A final answer of our own.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Status code, 300 to 699.
    pub status: u16,
    /// Reason phrase of the status line.
    pub phrase: Arc<str>,
    /// The whole value of a Reason header (RFC 3326).
    pub reason: Option<Arc<str>>,
    /// Seconds after which the call may be tried again, as far as that is known.
    pub retry_after: Option<u32>,
    /// The URI of a redirect's Contact.
    pub contact: Option<Arc<str>>,
    /// Whether to add a Diversion header (RFC 5806) that names the callee.
    pub diverted: bool,
    /// The URL of a 608's card (RFC 8688), for Call-Info.
    pub card: Option<Arc<str>>,
    /// How the switch that asked is to go on, in a 302.
    pub directions: Option<Box<Directions>>,
    /// The route that says so, where it is one.
    pub route: Option<RouteId>,
    /// Why we answer.
    pub kind: AnswerKind,
}

impl Answer {
    /// The caller number that a switch is told to present.
    pub fn presented(&self) -> Option<Presented> {
        self.directions.as_ref()?.presented
    }

    pub(crate) fn new(status: u16, phrase: &str, kind: AnswerKind) -> Answer {
        Answer {
            status,
            phrase: phrase.into(),
            reason: None,
            retry_after: None,
            contact: None,
            diverted: false,
            card: None,
            directions: None,
            route: None,
            kind,
        }
    }

    /// The text of its Reason header.
    pub fn reason_text(&self) -> Option<Cow<'_, str>> {
        let quoted = self.reason.as_deref()?.split_once("text=\"")?.1;
        let text = &quoted[..quoted.rfind('"')?];
        if !text.contains('\\') {
            return Some(text.into());
        }
        // RFC 3261 section 25.1, quoted-pair.
        let mut escaped = false;
        let plain = text.chars().filter(|char| {
            escaped = *char == '\\' && !escaped;
            !escaped
        });
        Some(plain.collect::<String>().into())
    }
}

/// How a switch that asked is to go on with its call. What is the same as in the call it knows already.
#[derive(Debug, Clone, PartialEq)]
pub struct Directions {
    /// Whom to call.
    pub callee: Callee,
    /// The host of his URI; `None`: that of the Request-URI.
    pub host: Option<Arc<str>>,
    /// Whether the caller is not to be shown.
    pub hide: bool,
    /// The caller number to present instead of the call's own.
    pub presented: Option<Presented>,
}

/// Why we answer a call ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerKind {
    /// A rule declined it.
    Declined,
    /// A rule redirected it.
    Redirected,
    /// No route matches: 404.
    NoRoute,
    /// No number of the route's pool may be presented: 403.
    EmptyPool,
    /// It was forwarded before: 482.
    ForwardedTwice,
    /// Its trunk is off: 500; or the one that it would go to is drained or off: the route's `unavailable`.
    TrunkClosed,
    /// The switch that asked goes on with it: 302, 404 or 503, as its route says.
    Returned,
}

/// How a call goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The route that chose the trunk; `None` when a forward named the trunk and no route to it matches.
    pub route: Option<RouteId>,
    /// The next trunk.
    pub trunk: TrunkId,
    /// Whom to call.
    pub callee: Callee,
    /// Whether a `forward` changed the callee: add a Diversion header that names the one before.
    pub forwarded: bool,
    /// Whether the caller is not to be shown.
    pub hide: bool,
    /// The caller number to present instead of the call's own.
    pub present: Option<Presented>,
    /// A call to a number of `numbers.never_block`: no cap and no overload refusal applies to it.
    pub emergency: bool,
    /// The status that answers the call when the trunk is down, capped or unreachable.
    pub unavailable: u16,
}

/// A call of a campaign that has `attempts`.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedAttempt {
    /// Whom it is for.
    pub callee: Number,
    /// The limits that it was found within, and that must still hold when it is counted.
    pub limits: SmallVec<[AttemptLimit; 1]>,
}

impl Passage {
    /// Whether the callee sees another From than the caller's.
    pub fn shows_other_from(&self) -> bool {
        self.hide || self.present.is_some_and(|presented| presented.headers.from)
    }
}

/// Whom a call that goes on is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Callee {
    /// The Request-URI's user, as the call came.
    Unchanged,
    /// Another number.
    Number(Number),
    /// A short code, or digits that are no E.164 number.
    Code(Code),
    /// A SIP user, decoded.
    User(Arc<str>),
}

/// The caller number to show to the callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// The number.
    pub number: Number,
    /// The headers that carry it.
    pub headers: PresentHeaders,
    /// Whether `Privacy: id` stays (`privacy = "keep"`, or the caller is hidden anyway).
    pub keep_privacy: bool,
    /// What it was chosen by: with this another is chosen, should it not be shown after all.
    pub occasion: Occasion,
}

/// Which headers carry the presented number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PresentHeaders {
    /// P-Asserted-Identity: replaced or added.
    pub asserted: bool,
    /// From: its URI is rewritten, and restored inside the dialog.
    pub from: bool,
    /// Remote-Party-ID (draft-ietf-sip-privacy): replaced or added.
    pub remote_party: bool,
    /// Privacy is `none` (RFC 3323 section 4.2), whatever it was.
    pub no_privacy: bool,
}
