//! What is checked of the content of each message that passes the engines.

use std::collections::BTreeMap;
use std::time::Duration;

use ringfence::screen::World;
use ringfence::sip::{HeaderName, Headers, Message, Request};
use ringfence::time::WallTime;

use crate::agent::{Agent, Plan};
use crate::rules::Model;

/// What is known of one call.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// Requests that reached an engine.
    seen: BTreeMap<RequestKey, Seen>,
    pub(crate) ladder: Vec<String>,
}

/// Method, CSeq and From tag.
type RequestKey = (Vec<u8>, u32, Vec<u8>);

#[derive(Debug)]
struct Seen {
    vias: usize,
    max_forwards: Option<u8>,
    body: Vec<u8>,
}

/// All calls, and what was found wrong.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) calls: BTreeMap<String, Call>,
    pub(crate) violations: Vec<(String, String)>,
    /// What each branch was used for: call, CSeq number and next hop.
    branches: BTreeMap<Vec<u8>, (String, u32, &'static str)>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Watch {
    pub(crate) fn complain(&mut self, call_id: &str, text: impl Into<String>) {
        self.violations.push((call_id.to_owned(), text.into()));
    }

    pub(crate) fn call(&mut self, call_id: &str) -> &mut Call {
        self.calls.entry(call_id.to_owned()).or_default()
    }

    /// A message reaches an engine.
    pub(crate) fn arrives(&mut self, message: &Message) {
        let Message::Request(request) = message else { return };
        let call = self.call(&text(request.call_id()));
        let headers = request.headers();
        let seen = Seen {
            vias: headers.values(HeaderName::Via).count(),
            max_forwards: request.max_forwards(),
            body: headers.body().to_vec(),
        };
        call.seen.insert((request.method_name().to_vec(), request.cseq(), request.from_tag().to_vec()), seen);
    }

    /// A message leaves an engine for an agent; `hidden` says that its caller is to stay unknown but to his own trunk.
    pub(crate) fn leaves(&mut self, agent: &Agent, message: &Message, plan: &Plan, hidden: bool) {
        if let Message::Request(request) = message
            && let Err(complaint) = self.request_leaves(agent, request, plan)
        {
            self.complain(&plan.call_id, complaint);
        }
        if hidden
            && !agent.name.starts_with(plan.facts.trunk)
            && let Some(leak) = leak(agent, message.headers(), plan)
        {
            self.complain(&plan.call_id, leak);
        }
    }

    fn request_leaves(&mut self, agent: &Agent, request: &Request, plan: &Plan) -> Result<(), String> {
        let method = text(request.method_name());
        let headers = request.headers();
        let via = request.via();
        if !matches!(via.host, b"10.0.0.1" | b"10.0.0.2") || via.port != Some(5060) {
            return Err(format!("the top Via of a {method} is not ours"));
        }
        if !request.branch().starts_with(b"z9hG4bK") {
            return Err(format!("the branch of a {method} has no cookie"));
        }
        let used = (plan.call_id.clone(), request.cseq(), agent.name);
        let first = self.branches.entry(request.branch().to_vec()).or_insert_with(|| used.clone());
        if *first != used {
            return Err(format!("a {method} has the branch of {first:?}"));
        }
        let vias = headers.values(HeaderName::Via).count();
        if vias == 1 {
            // One that we made ourselves.
            let made_by_us = matches!(&*method, "ACK" | "CANCEL" | "BYE") && headers.body().is_empty();
            return if made_by_us { Ok(()) } else { Err(format!("a {method} with one Via")) };
        }
        let key = (request.method_name().to_vec(), request.cseq(), request.from_tag().to_vec());
        let call = self.call(&plan.call_id);
        let seen = call.seen.get(&key).ok_or_else(|| format!("a {method} that nobody sent"))?;
        if vias != seen.vias + 1 {
            return Err(format!("{method}: {vias} Via after {}", seen.vias));
        }
        let expected = seen.max_forwards.map_or(70, |left| left - 1);
        if request.max_forwards() != Some(expected) {
            return Err(format!("{method}: Max-Forwards {:?}, not {expected}", request.max_forwards()));
        }
        if headers.body() != seen.body {
            return Err(format!("the body of a {method} was changed"));
        }
        if request.to_tag().is_some() || method == "CANCEL" {
            return Ok(());
        }
        if headers.other(b"x-campaign").is_some() || headers.named(HeaderName::Route).next().is_some() {
            return Err("X-Campaign or Route went on".to_owned());
        }
        let host = text(request.uri().host);
        let expected_routes = usize::from(method == "INVITE");
        if host != agent.ip.to_string() || headers.values(HeaderName::RecordRoute).count() < expected_routes {
            return Err("the Request-URI's host is not the target's, or Record-Route is missing".to_owned());
        }
        Ok(())
    }
}

/// A hidden caller's names must not reach anybody else.
fn leak(agent: &Agent, headers: &Headers, plan: &Plan) -> Option<String> {
    let trusted = !agent.name.starts_with("wild");
    let name = plan.from.split(['<', '>']).nth(1).unwrap_or(&plan.from);
    headers.fields().iter().find_map(|field| {
        let line = text(headers.slice(field.line));
        let allowed = field.name == HeaderName::PAssertedIdentity && trusted;
        let told = line.contains(&plan.contact_user) || (!name.contains("anonymous") && line.contains(name));
        (told && !allowed).then(|| format!("{} hears of a hidden caller: {}", agent.name, line.trim_end()))
    })
}

/// Every world that was in force, with its model.
pub(crate) struct Worlds {
    pub(crate) begin: WallTime,
    pub(crate) worlds: BTreeMap<u64, (World, Model)>,
}

impl Worlds {
    pub(crate) fn wall(&self, at: Duration) -> WallTime {
        self.begin + at
    }

    /// The models of the world of this generation and of those that came after it.
    pub(crate) fn since(&self, generation: u64) -> impl Iterator<Item = &Model> {
        self.worlds.range(generation..).map(|(_, (_, model))| model)
    }

    pub(crate) fn current(&self) -> &(World, Model) {
        self.worlds.last_key_value().expect("there is always a world").1
    }
}
