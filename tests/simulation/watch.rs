//! What is checked of each message that passes the engines, and of the records when all is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ringfence::screen::{CallFacts, CallView, Outcome, World, explain};
use ringfence::sip::{HeaderName, Headers, Message, Method, Request, Response};
use ringfence::time::WallTime;
use ringfence::usage::Usage;

use crate::agent::{Agent, Plan};
use crate::rules::Model;

/// What is known of one call.
#[derive(Debug, Default)]
pub(crate) struct Call {
    /// When its first request first reached an engine, and the generation then in force.
    pub(crate) arrived: Option<(Duration, u64)>,
    /// Requests that reached an engine.
    seen: BTreeMap<RequestKey, Seen>,
    /// INVITEs that reached an engine, by branch, with the final responses that it gave them.
    pub(crate) finals: BTreeMap<(Vec<u8>, u32), BTreeSet<Final>>,
    pub(crate) forwarded: bool,
    /// A 2xx to its INVITE has left for the caller.
    pub(crate) answered: bool,
    /// A BYE for the answered call has reached the engine.
    pub(crate) ended: bool,
    pub(crate) ladder: Vec<String>,
}

/// Method, CSeq and From tag.
type RequestKey = (Vec<u8>, u32, Vec<u8>);

/// Status and To tag.
type Final = (u16, Vec<u8>);

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
    pub(crate) fn arrives(&mut self, at: Duration, generation: u64, message: &Message) {
        let Message::Request(request) = message else { return };
        let call = self.call(&text(request.call_id()));
        let headers = request.headers();
        if request.to_tag().is_none() && matches!(request.method_name(), b"INVITE" | b"MESSAGE") {
            call.arrived.get_or_insert((at, generation));
        }
        if matches!(request.method_name(), b"INVITE" | b"MESSAGE") {
            call.finals.entry((request.branch().to_vec(), request.cseq())).or_default();
        }
        if request.method() == Method::Bye && call.answered {
            call.ended = true;
        }
        let seen = Seen {
            vias: headers.values(HeaderName::Via).count(),
            max_forwards: request.max_forwards(),
            body: headers.body().to_vec(),
        };
        call.seen.insert((request.method_name().to_vec(), request.cseq(), request.from_tag().to_vec()), seen);
    }

    /// A message leaves an engine for an agent.
    pub(crate) fn leaves(&mut self, agent: &Agent, message: &Message, plans: &[Plan], world: &Worlds) {
        let call_id = text(message.call_id());
        let Some(plan) = plans.iter().find(|plan| plan.call_id == call_id) else {
            return self.complain(&call_id, "a message of no call");
        };
        let complaint = match message {
            Message::Request(request) => self.request_leaves(agent, request, plan, world),
            Message::Response(response) => self.response_leaves(response),
        };
        if let Err(complaint) = complaint {
            self.complain(&call_id, complaint);
        }
        if let Some(leak) = self.leak(agent, message.headers(), plan, world, plans) {
            self.complain(&call_id, leak);
        }
    }

    fn response_leaves(&mut self, response: &Response) -> Result<(), String> {
        if !matches!(response.method(), Method::Invite | Method::Message) || response.status() < 200 {
            return Ok(());
        }
        let call = self.call(&text(response.call_id()));
        let key = (response.branch().to_vec(), response.cseq());
        let finals = call.finals.get_mut(&key).ok_or("a response to no request")?;
        finals.insert((response.status(), response.to_tag().unwrap_or_default().to_vec()));
        if finals.len() > 1 {
            return Err(format!("two final responses to one request: {finals:?}"));
        }
        // Requests inside the dialog count on from 1 at the caller and from 100 at the callee.
        if response.status() < 300 && response.cseq() == 1 && response.method() == Method::Invite {
            call.answered = true;
        }
        Ok(())
    }

    fn request_leaves(&mut self, agent: &Agent, request: &Request, plan: &Plan, world: &Worlds) -> Result<(), String> {
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
        let call = self.call(&plan.call_id);
        if vias == 1 {
            // One that we made ourselves.
            let made_by_us = matches!(&*method, "ACK" | "CANCEL" | "BYE") && headers.body().is_empty();
            return if made_by_us { Ok(()) } else { Err(format!("a {method} with one Via")) };
        }
        let key = (request.method_name().to_vec(), request.cseq(), request.from_tag().to_vec());
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
        if plan.invented_tag {
            return Err(format!("a {method} escaped with an invented tag"));
        }
        if request.to_tag().is_some() || method == "CANCEL" {
            return Ok(());
        }
        call.forwarded = true;
        let (at, generation) = call.arrived.ok_or("forwarded before it came")?;
        let judgement = world.model(generation).judge(&plan.facts, world.wall(at));
        if judgement.trunk.is_empty() || !agent.name.starts_with(judgement.trunk) {
            return Err(format!("a call that the model judges {judgement:?} went to {}", agent.name));
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

    /// A hidden caller's names must not reach anybody else.
    fn leak(&self, agent: &Agent, headers: &Headers, plan: &Plan, world: &Worlds, plans: &[Plan]) -> Option<String> {
        let (at, generation) = self.calls.get(&plan.call_id)?.arrived?;
        let judgement = world.model(generation).judge(&plan.facts, world.wall(at));
        if judgement.word != "hide" || agent.ip == world.ip_of(plans, plan) {
            return None;
        }
        let trusted = !agent.name.starts_with("wild");
        let name = plan.from.split(['<', '>']).nth(1).unwrap_or(&plan.from);
        headers.fields().iter().find_map(|field| {
            let line = text(headers.slice(field.line));
            let allowed = field.name == HeaderName::PAssertedIdentity && trusted;
            let told = line.contains(&plan.contact_user) || (!name.contains("anonymous") && line.contains(name));
            (told && !allowed).then(|| format!("{} hears of a hidden caller: {}", agent.name, line.trim_end()))
        })
    }
}

/// Every world that was in force, with its model.
pub(crate) struct Worlds {
    pub(crate) begin: WallTime,
    pub(crate) worlds: BTreeMap<u64, (World, Model)>,
    pub(crate) agents: Vec<std::net::IpAddr>,
}

impl Worlds {
    pub(crate) fn wall(&self, at: Duration) -> WallTime {
        self.begin + at
    }

    pub(crate) fn current(&self) -> &(World, Model) {
        self.worlds.last_key_value().expect("there is always a world").1
    }

    fn model(&self, generation: u64) -> &Model {
        &self.worlds[&generation].1
    }

    fn ip_of(&self, _: &[Plan], plan: &Plan) -> std::net::IpAddr {
        self.agents[plan.caller]
    }
}

/// The columns of a record that are looked at.
type Row = BTreeMap<String, String>;

/// Reads the records.
pub(crate) fn rows(records: &[u8]) -> Vec<Row> {
    let names: Vec<String> = ringfence::engine::RECORD_HEADER.split(',').map(str::to_owned).collect();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(records);
    let rows = reader.records().map(|record| {
        let record = record.expect("whole CSV lines");
        assert_eq!(record.len(), names.len(), "columns of {record:?}");
        names.iter().cloned().zip(record.iter().map(str::to_owned)).collect()
    });
    rows.collect()
}

/// Holds the records against the calls, the model and `explain`.
pub(crate) fn check_records(watch: &mut Watch, records: &[u8], plans: &[Plan], worlds: &Worlds) {
    let rows = rows(records);
    for plan in plans {
        let mine = |event: &str| -> Vec<&Row> {
            rows.iter().filter(|row| row["event"] == event && row["call_id"] == plan.call_id).collect()
        };
        let (calls, ends) = (mine("call"), mine("end"));
        let Some(call) = watch.calls.get(&plan.call_id) else { continue };
        let mut found = Vec::new();
        let judged = call.arrived.filter(|_| plan.max_forwards != Some(0));
        if calls.len() != usize::from(judged.is_some()) {
            found.push(format!("{} call lines", calls.len()));
        }
        if ends.len() != usize::from(call.answered) {
            found.push(format!("{} end lines, answered: {}", ends.len(), call.answered));
        }
        if let Some(by) = ends.first().map(|end| &*end["ended_by"])
            && (by == "expiry") == call.ended
        {
            found.push(format!("ended by {by}, though a BYE came: {}", call.ended));
        }
        if let (Some((at, generation)), Some(row)) = (judged, calls.first()) {
            let wall = worlds.wall(at);
            if row["generation"] != generation.to_string() || row["time"] != wall.to_string() {
                found.push(format!("judged at {} under {}", row["time"], row["generation"]));
            }
            let (world, model) = &worlds.worlds[&generation];
            let judgement = model.judge(&plan.facts, wall);
            if row["verdict"] != judgement.word || row["to_trunk"] != judgement.trunk {
                let explained = explained(row, world);
                found.push(format!("{} to {}, not {judgement:?}\n{explained:?}", row["verdict"], row["to_trunk"]));
            }
            if let Ok(presented) = row["presented"].parse()
                && !model.may_present(presented, wall)
            {
                found.push(format!("presents {presented}"));
            }
            found.extend(check_explained(row, world).err());
            found.extend(check_status(row, call).err());
        }
        for text in found {
            watch.complain(&plan.call_id, text);
        }
    }
}

/// The status of the record is the one that was sent, and what screening answers is what it says.
fn check_status(row: &Row, call: &Call) -> Result<(), String> {
    let ours = match &*row["verdict"] {
        "decline" => Some("603"),
        "redirect" => Some("302"),
        "no-route" => Some("404"),
        "empty-pool" => Some("403"),
        "drop" => Some(""),
        _ => None,
    };
    if ours.is_some_and(|ours| row["status"] != ours || call.forwarded) {
        return Err(format!("{}: status {}, forwarded: {}", row["verdict"], row["status"], call.forwarded));
    }
    let sent = call.finals.iter().filter(|((_, cseq), _)| *cseq == 1).flat_map(|(_, finals)| finals);
    let sent: Vec<String> = sent.map(|(status, _)| status.to_string()).collect();
    let recorded: Vec<String> = Some(row["status"].clone()).filter(|status| !status.is_empty()).into_iter().collect();
    if sent != recorded { Err(format!("recorded {recorded:?}, sent {sent:?}")) } else { Ok(()) }
}

/// Asks `explain` again with all that the record says.
fn explained(row: &Row, world: &World) -> ringfence::screen::Explanation {
    let policy = &world.policy;
    let list = |name: &str| row[name].split(' ').filter(|text| !text.is_empty()).map(str::as_bytes).collect::<Vec<_>>();
    let (asserted, diversions) = (list("asserted"), list("diversion"));
    let values: BTreeMap<&str, Vec<u8>> = row["headers"]
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name, percent_encoding::percent_decode_str(value).collect()))
        .collect();
    let headers: Vec<Option<&[u8]>> =
        policy.headers.iter().map(|name| values.get(&**name).map(Vec::as_slice)).collect();
    let facts = CallFacts {
        trunk: policy.trunk_named(&row["from_trunk"]).expect("a trunk"),
        from: row["from"].as_bytes(),
        from_display: b"",
        asserted: &asserted,
        privacy: row["privacy"] == "yes",
        request_uri: row["request_uri"].as_bytes(),
        diversions: &diversions,
        headers: &headers,
    };
    let wall = WallTime::parse(&row["time"]).expect("a time");
    let draw = row["draw"].parse().expect("a draw");
    explain(&CallView::new(policy, &facts), world, &Usage::new(), wall, draw)
}

fn check_explained(row: &Row, world: &World) -> Result<(), String> {
    let explanation = explained(row, world);
    let verdict = &explanation.verdict;
    let presented = match &verdict.outcome {
        Outcome::Proceed(passage) => passage.present.map(|presented| presented.number.to_string()),
        _ => None,
    };
    let observed: Vec<String> = verdict
        .observed
        .iter()
        .map(|would| format!("{} {}", would.action.as_str(), would.cause.rule.as_deref().unwrap_or("")))
        .collect();
    let told = [
        ("verdict", verdict.word().to_owned()),
        ("rule", verdict.cause.rule.as_deref().unwrap_or("").to_owned()),
        ("list", verdict.cause.list.as_deref().unwrap_or("").to_owned()),
        ("entry", verdict.cause.entry.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("observed", observed.join("; ")),
        ("presented", presented.unwrap_or_default()),
        ("generation", verdict.generation.to_string()),
    ];
    match told.iter().find(|(column, value)| row[*column] != *value) {
        Some((column, value)) => Err(format!("{column} is {}, but explained as {value}\n{explanation}", row[*column])),
        None => Ok(()),
    }
}
