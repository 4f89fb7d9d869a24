//! A call centre: the real binary between a carrier and a PBX, which SIPp plays.

use std::cell::Cell;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::facts::{Setting, Transport};
use crate::readme;
use crate::ringfence::{Ringfence, Role, Scene};
use crate::sipp::{Running, Sipp};

/// Who calls, and so which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// The carrier calls the PBX.
    In,
    /// The PBX calls the carrier.
    Out,
}

/// Addresses and a folder, with README's config under a heading.
pub(crate) struct Office {
    scene: Scene,
    config: String,
}

impl Office {
    /// With the config under this heading of README's "Using it".
    pub(crate) fn of(heading: &str, calls: Calls) -> Office {
        Office::with(&readme::config(heading), calls)
    }

    /// With these tables besides the trunks, and the ways between the two where they name none.
    pub(crate) fn with(tables: &str, calls: Calls) -> Office {
        let scene = Scene::new(Setting { transport: Transport::Udp, workers: 2 });
        let (caller, callee) = match calls {
            Calls::In => ("carrier", "pbx"),
            Calls::Out => ("pbx", "carrier"),
        };
        let [caller_is_at, callee_is_at, second] =
            [Role::Caller, Role::Callee, Role::Second].map(|role| scene.address(role));
        let listen = scene.address(Role::Ringfence);
        let routes = if tables.contains("[[route]]") { "" } else { ROUTES };
        let config = format!(
            r#"
[sip]
listen = ["udp:{listen}"]
workers = 2
[admin]
listen = "127.0.0.1:0"
[state]
dir = "state"
[[trunk]]
name = "{caller}"
from = ["{}"]
to = ["sip:{caller_is_at}"]
trusted = true
[[trunk]]
name = "{callee}"
from = ["{}"]
to = ["sip:{callee_is_at}", "sip:{second}"]
trusted = true
{tables}
{routes}"#,
            caller_is_at.ip(),
            callee_is_at.ip()
        );
        Office { scene, config }
    }

    /// The same with another text in the config.
    pub(crate) fn but(mut self, text: &str, instead: &str) -> Office {
        assert!(self.config.contains(text), "the config has no {text}:\n{}", self.config);
        self.config = self.config.replace(text, instead);
        self
    }

    /// The same with further tables.
    pub(crate) fn and(mut self, tables: &str) -> Office {
        self.config += tables;
        self
    }

    /// Where its files are.
    pub(crate) fn dir(&self) -> &Path {
        self.scene.dir()
    }

    /// Writes the same config with another text in it as `candidate.toml`.
    pub(crate) fn write_candidate(&self, text: &str, instead: &str) {
        assert!(self.config.contains(text), "the config has no {text}");
        self.scene.write("candidate.toml", &self.config.replace(text, instead));
    }

    pub(crate) fn opens(&self) -> Open<'_> {
        Open { ringfence: self.scene.start_with(&self.config), office: self, parties: Cell::new(0) }
    }
}

/// An office at work.
pub(crate) struct Open<'o> {
    ringfence: Ringfence<'o>,
    office: &'o Office,
    parties: Cell<u32>,
}

impl<'o> Deref for Open<'o> {
    type Target = Ringfence<'o>;

    fn deref(&self) -> &Ringfence<'o> {
        &self.ringfence
    }
}

impl<'o> Open<'o> {
    /// Who is called and answers so many calls.
    pub(crate) fn answering(&self, calls: usize) -> Callee<'o> {
        self.callee(Sipp::play(&self.office.scene, Role::Callee, "callee_answers", calls))
    }

    /// Who is called and refuses so many calls with this answer and header line.
    pub(crate) fn refusing(&self, calls: usize, answer: &str, header: &str) -> Callee<'o> {
        let scene = &self.office.scene;
        let scenario = fs::read_to_string(folder().join("callee_refuses.xml")).expect("a scenario");
        scene.write("callee_refuses.xml", &scenario.replace("[answer]", answer).replace("[header]", header));
        self.callee(Sipp::play_of(scene, Role::Callee, scene.dir(), "callee_refuses", calls))
    }

    fn callee(&self, sipp: Sipp<'o>) -> Callee<'o> {
        let name = self.unique("callee");
        let running = sipp.with(&["-trace_msg", "-message_file", &name]).start();
        Callee { scene: &self.office.scene, running, name }
    }

    /// A call: what the caller hears at last. Parties are numbers; `headers` are whole lines.
    pub(crate) fn call(&self, from: &str, to: &str, headers: &[&str]) -> Message {
        let (sipp, name) = self.caller("caller", from, to, headers);
        sipp.run();
        let mut of_invite =
            received(&self.office.scene, &name).into_iter().filter(|message| message.header("CSeq") == "1 INVITE");
        of_invite.next_back().expect("the caller hears something")
    }

    /// A call that is answered nothing, though it is sent again.
    pub(crate) fn call_in_vain(&self, from: &str, to: &str) {
        let (sipp, name) = self.caller("caller_hears_nothing", from, to, &[]);
        // To SIPp a call without an answer has failed.
        sipp.start().end();
        assert!(received(&self.office.scene, &name).is_empty(), "the caller hears something");
    }

    /// A caller, and the file of what he hears.
    fn caller(&self, scenario: &str, from: &str, to: &str, headers: &[&str]) -> (Sipp<'o>, String) {
        let name = self.unique(scenario);
        let headers = if headers.is_empty() { "X-Test: none".to_owned() } else { headers.join("\r\n") };
        let from = format!("<sip:+{from}@example.net>");
        let sipp = Sipp::play_of(&self.office.scene, Role::Caller, &folder(), scenario, 1);
        let sipp = sipp.with(&["-key", "from", &from, "-key", "called", to, "-key", "headers", &headers]);
        (sipp.with(&["-trace_msg", "-message_file", &name]), name)
    }

    /// What the admin port says.
    pub(crate) fn gets(&self, path: &str) -> Value {
        self.asks(path).unwrap_or_else(|| panic!("{path} says nothing good"))
    }

    /// Asks until it says so: records are written within half a second.
    pub(crate) fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.asks(path);
            if let Some(said) = said.as_ref().filter(|said| is_so(said)) {
                return said.clone();
            }
            assert!(Instant::now() < deadline, "{path} goes on saying {said:?}");
        }
    }

    fn asks(&self, path: &str) -> Option<Value> {
        let url = format!("http://{}{path}", self.admin);
        let said = ureq::get(&url).call().ok()?.body_mut().read_to_string().ok()?;
        serde_json::from_str(&said).ok()
    }

    /// Sends a body, and reads what is said to it.
    pub(crate) fn posts(&self, path: &str, content_type: &str, body: &str) -> String {
        let url = format!("http://{}{path}", self.admin);
        let said = ureq::post(&url).content_type(content_type).send(body);
        said.expect("it is good").body_mut().read_to_string().expect("a text")
    }

    /// Puts something.
    pub(crate) fn puts(&self, path: &str, body: &str) {
        let url = format!("http://{}{path}", self.admin);
        ureq::put(&url).content_type("application/json").send(body).expect("it is good");
    }

    /// Ends the program in order.
    pub(crate) fn ends(mut self) {
        self.ringfence.end();
    }

    /// Ends the program in order, and starts it again.
    pub(crate) fn restart(&mut self) {
        self.ringfence.end();
        self.ringfence = self.office.scene.start_with(&self.office.config);
    }

    /// A name for a file of messages.
    fn unique(&self, who: &str) -> String {
        self.parties.set(self.parties.get() + 1);
        format!("{who}-{}.messages.log", self.parties.get())
    }
}

/// Who is called.
pub(crate) struct Callee<'o> {
    scene: &'o Scene,
    running: Running,
    name: String,
}

impl Callee<'_> {
    /// The INVITEs that came, once all calls are over.
    pub(crate) fn was_called(self) -> Vec<Message> {
        self.running.finish();
        let received = received(self.scene, &self.name).into_iter();
        received.filter(|message| message.start().starts_with("INVITE ")).collect()
    }
}

/// A message that somebody received.
#[derive(Debug)]
pub(crate) struct Message(String);

impl Message {
    /// Status code and phrase, or the request line.
    pub(crate) fn start(&self) -> &str {
        let line = self.0.lines().next().unwrap_or_default();
        line.strip_prefix("SIP/2.0 ").unwrap_or(line)
    }

    /// All of it.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The value of a header; empty where it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = |line: &'_ str| line.strip_prefix(name)?.strip_prefix(": ").map(str::len);
        let found = self.0.lines().find_map(|line| value(line).map(|length| &line[line.len() - length..]));
        found.unwrap_or_default()
    }
}

/// What SIPp has received, by its trace.
fn received(scene: &Scene, name: &str) -> Vec<Message> {
    let trace = fs::read_to_string(scene.dir().join(name)).expect("a trace of SIPp");
    let message =
        |block: &str| Some(Message(block.split_once("message received")?.1.split_once(":\n\n")?.1.to_owned()));
    trace.split("-----------------------------------------------").filter_map(message).collect()
}

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the scenarios of these tests are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/uses/scenarios")
}

/// Both ways.
const ROUTES: &str = r#"
[[route]]
name = "to-pbx"
trunks = ["carrier"]
to = "pbx"
[[route]]
name = "out"
trunks = ["pbx"]
to = "carrier"
"#;
