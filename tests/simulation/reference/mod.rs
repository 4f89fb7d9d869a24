//! A reference model of a proxy by RFC 3261 section 16: for each step of an engine it says what must leave and what may.
//!
//! It knows nothing of the engine's code and keeps its own transactions, branches, tokens and dialogs, learned from what
//! goes in and comes out. A step that a message causes has exactly one right outcome; of what a timer causes it says
//! whether it is allowed. Its memory ends with the process, save for the tokens: they are to outlive it.

mod branch;
mod deeds;
mod dialog;
mod incoming;
mod requests;
mod responses;
mod timers;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use ringfence::engine::{QueryId, Ticket};
use ringfence::sip::Message;

use crate::agent::{Agent, Plan};
use crate::watch::Worlds;
use branch::Branch;
use dialog::DialogKey;
pub(crate) use dialog::{Dialog, State};
pub(crate) use incoming::Incoming;

/// 64*T1, less what a message may be under way.
const SURELY: Duration = Duration::from_millis(31_500);
/// 64*T1 and a little.
const NO_LONGER: Duration = Duration::from_millis(32_100);
/// An INVITE must be answered something within this (RFC 3261 section 17.2.1).
const TRYING: Duration = Duration::from_millis(210);
/// Timer C may run out after this.
const RINGS: Duration = Duration::from_secs(180);

/// What an engine is told in a step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause<'a> {
    Message { agent: usize, message: &'a Message },
    Timer,
    Resolved(QueryId),
    SendFailed(Ticket),
}

/// What it does in that step.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) sent: Vec<Sent>,
    /// For whom it asks the way.
    pub(crate) asked: Vec<(QueryId, usize)>,
}

#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) agent: usize,
    pub(crate) message: Message,
    pub(crate) bytes: Bytes,
    pub(crate) ticket: Option<Ticket>,
}

/// What does not change while the model looks on.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) now: Duration,
    pub(crate) shard: usize,
    pub(crate) agents: &'a [Agent],
    pub(crate) plans: &'a [Plan],
    pub(crate) worlds: &'a Worlds,
}

impl Scene<'_> {
    fn has_number_to_show(&self) -> bool {
        self.worlds.current().1.has_number_to_show(self.worlds.wall(self.now))
    }
}

/// Branch and method; that of an ACK to a failure and of a CANCEL's target is INVITE.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    branch: String,
    method: String,
}

/// A message, as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Deed {
    /// The request goes on.
    Forward {
        request: Key,
        agent: usize,
    },
    /// An answer that has not been given before.
    Respond {
        request: Key,
        status: u16,
    },
    /// The last answer, byte for byte.
    Repeat {
        request: Key,
    },
    /// A request of ours, byte for byte.
    Resend {
        branch: String,
    },
    /// To a 300-699.
    Ack {
        branch: String,
    },
    Cancel {
        branch: String,
    },
    /// The ACK to a 2xx goes on.
    PassAck {
        agent: usize,
    },
    /// To a 2xx that nobody waits for.
    AckLate {
        call_id: String,
        tag: String,
    },
    ByeLate {
        call_id: String,
        tag: String,
    },
}

/// What a step must do.
#[derive(Debug)]
enum Duty {
    Exactly(Vec<Deed>),
    /// Some of it: a timer may have run out already.
    Perhaps(Vec<Deed>),
    /// Whatever [`Reference::explain`] allows.
    Explained,
    /// That, and something at least.
    Something,
}

/// What a Record-Route of ours stands for.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) call_id: String,
    pub(crate) caller_tag: String,
    epoch: usize,
}

/// What waits for a way.
#[derive(Debug)]
enum Waiting {
    Forward { request: Key, agent: usize },
    Ack { agent: usize },
}

/// Where a request inside a dialog goes.
enum Way {
    To(usize),
    /// Its call may be over.
    Perhaps(usize),
    Nowhere,
}

/// One process of the proxy, as it should be.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    epoch: usize,
    requests: BTreeMap<Key, Incoming>,
    branches: BTreeMap<String, Branch>,
    pub(crate) dialogs: BTreeMap<DialogKey, Dialog>,
    /// Dialogs that a BYE ended before they began.
    over: BTreeSet<DialogKey>,
    /// By their text; also those of earlier processes.
    pub(crate) tokens: BTreeMap<String, Token>,
    /// BYEs of our own by their branch.
    byes: BTreeMap<String, (usize, Bytes, Duration)>,
    /// How often what happened, so that it shows whether it does.
    pub(crate) census: BTreeMap<&'static str, u64>,
    waiting: BTreeMap<(usize, QueryId), Waiting>,
    tickets: BTreeMap<(usize, Ticket), String>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Reference {
    /// The process that comes after this one: it knows the tokens and nothing else.
    pub(crate) fn restarted(&self) -> Reference {
        let (tokens, census) = (self.tokens.clone(), self.census.clone());
        Reference { epoch: self.epoch + 1, tokens, census, ..Reference::default() }
    }

    fn count(&mut self, what: &'static str) {
        *self.census.entry(what).or_default() += 1;
    }

    pub(crate) fn requests(&self) -> impl Iterator<Item = &Incoming> {
        self.requests.values()
    }

    /// Holds one step of an engine against what a proxy must do; says what is wrong with it.
    pub(crate) fn step(&mut self, scene: Scene<'_>, cause: Cause<'_>, effects: &Effects) -> Vec<String> {
        let duty = match cause {
            Cause::Message { agent, message: Message::Request(request) } => self.expect_request(scene, agent, request),
            Cause::Message { message: Message::Response(response), .. } => self.expect_response(scene, response),
            Cause::Resolved(query) => self.expect_resolved(scene, query, effects),
            Cause::SendFailed(ticket) => self.expect_after_failure(scene, ticket),
            Cause::Timer => Duty::Explained,
        };
        let came = match cause {
            Cause::Message { message: Message::Response(response), .. } => Some(response),
            _ => None,
        };
        let mut wrong = Vec::new();
        let mut deeds = Vec::new();
        for sent in &effects.sent {
            match self.classify(scene, sent, came) {
                Ok(deed) => deeds.push(deed),
                Err(complaint) => wrong.push(complaint),
            }
        }
        match duty {
            Duty::Exactly(expected) => self.compare(scene, expected, true, deeds, &effects.asked, &mut wrong),
            Duty::Perhaps(expected) => self.compare(scene, expected, false, deeds, &effects.asked, &mut wrong),
            Duty::Explained | Duty::Something => {
                if matches!(duty, Duty::Something) && deeds.is_empty() && effects.asked.is_empty() {
                    wrong.push("nothing follows".to_owned());
                }
                wrong.extend(deeds.iter().filter_map(|deed| self.explain(scene, deed).err()));
                for asked in &effects.asked {
                    wrong.extend(self.explain_asked(scene, *asked).err());
                }
            }
        }
        wrong
    }

    /// What was done must be what was expected; a question for the way stands for what waits for its answer.
    fn compare(
        &mut self,
        scene: Scene<'_>,
        mut missing: Vec<Deed>,
        exactly: bool,
        deeds: Vec<Deed>,
        asked: &[(QueryId, usize)],
        wrong: &mut Vec<String>,
    ) {
        let mut waits = None;
        for (query, _) in asked {
            let found = missing.iter().position(|deed| matches!(deed, Deed::Forward { .. } | Deed::PassAck { .. }));
            let waiting = match found.map(|at| missing.remove(at)) {
                Some(Deed::Forward { request, agent }) => {
                    self.abandon(&request, 0);
                    waits = Some(request.clone());
                    Waiting::Forward { request, agent }
                }
                Some(Deed::PassAck { agent }) => Waiting::Ack { agent },
                _ => {
                    wrong.push("asks for the way without a need".to_owned());
                    continue;
                }
            };
            self.waiting.insert((scene.shard, *query), waiting);
        }
        for deed in deeds {
            // Who must wait for a way is told so at once.
            let is_trying = match &deed {
                Deed::Respond { request, status: 100 } | Deed::Repeat { request } => {
                    Some(request) == waits.as_ref() && request.method == "INVITE"
                }
                _ => false,
            };
            match missing.iter().position(|expected| *expected == deed) {
                Some(at) => {
                    if let Deed::Forward { request, .. } = missing.remove(at) {
                        self.abandon(&request, 1);
                    }
                }
                None if is_trying => {}
                None => wrong.push(format!("{deed:?} is not called for, but {missing:?}")),
            }
        }
        if exactly && !missing.is_empty() {
            wrong.push(format!("lacks {missing:?}"));
        }
    }

    /// When all is quiet each request has had its answer.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = (&str, &str)> {
        let waits = |incoming: &&Incoming| {
            // What its next hop does not answer is not answered at all, if it is no INVITE (RFC 4320 section 4.2).
            incoming.answer.is_none() && !incoming.dropped && incoming.is_invite() && !incoming.is_strangers
        };
        self.requests.values().filter(waits).map(|incoming| (&*incoming.call_id, &*incoming.method))
    }

    /// When another target is tried, those before are no longer waited for; the newest `spared` are the other target's.
    fn abandon(&mut self, request: &Key, spared: usize) {
        let Some(incoming) = self.requests.get(request).filter(|incoming| incoming.is_invite()) else { return };
        for name in incoming.branches.iter().rev().skip(spared) {
            let branch = self.branches.get_mut(name).expect("a branch of a request");
            branch.abandoned |= branch.answer.is_none();
        }
    }
}
