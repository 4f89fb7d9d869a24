//! Asking the admin port.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// A connection to the admin port.
pub(crate) struct Client {
    agent: ureq::Agent,
    base: String,
}

/// What it answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The text itself where it is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// The explanation of an error.
    pub(crate) fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn generation(&self) -> u64 {
        self.body["generation"].as_u64().unwrap_or_else(|| panic!("no generation: {self:?}"))
    }

    /// The same answer, which must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

impl Client {
    pub(crate) fn new(admin: SocketAddr) -> Client {
        Client { agent: agent(), base: format!("http://{admin}") }
    }

    /// Another connection to the same port.
    pub(crate) fn another(&self) -> Client {
        Client { agent: agent(), base: self.base.clone() }
    }

    /// An error: nobody knows what became of the request.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer, ureq::Error> {
        let url = format!("{}{path}", self.base);
        let mut response = match method {
            "GET" => self.agent.get(&url).call()?,
            "PUT" => self.agent.put(&url).send(body)?,
            "POST" => self.agent.post(&url).send(body)?,
            _ => self.agent.delete(&url).call()?,
        };
        let text = response.body_mut().with_config().limit(LONGEST).read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status: response.status().as_u16(), body })
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, b"").expect("the admin port answers")
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Answer {
        self.ask("POST", path, body.as_ref()).expect("the admin port answers")
    }

    /// Puts an entry into the list `default`.
    #[track_caller]
    pub(crate) fn put(&self, entry: &str) -> Answer {
        self.ask("PUT", &entry_path("default", entry), b"").expect("the admin port answers")
    }

    /// Removes it again.
    #[track_caller]
    pub(crate) fn remove(&self, entry: &str) -> Answer {
        self.ask("DELETE", &entry_path("default", entry), b"").expect("the admin port answers")
    }

    /// Whether a list holds an entry.
    #[track_caller]
    pub(crate) fn holds(&self, list: &str, entry: &str) -> bool {
        self.get(&entry_path(list, entry)).status == 200
    }

    #[track_caller]
    pub(crate) fn reload(&self) -> Answer {
        self.post("/v1/reload", "")
    }

    /// What is told of a list.
    #[track_caller]
    pub(crate) fn list(&self, name: &str) -> Value {
        self.get(&format!("/v1/lists/{name}")).expect(200).body
    }

    /// All entries of a list and what is said of each.
    #[track_caller]
    pub(crate) fn entries(&self, list: &str) -> BTreeMap<String, Option<String>> {
        self.found_entries(list, "")
    }

    /// Those that a search finds.
    #[track_caller]
    pub(crate) fn found_entries(&self, list: &str, search: &str) -> BTreeMap<String, Option<String>> {
        let mut entries = BTreeMap::new();
        let mut after = String::new();
        loop {
            let path = format!("/v1/lists/{list}/entries?limit=10000&search={search}{after}");
            let page = self.get(&path).expect(200).body;
            for entry in page["entries"].as_array().expect("entries") {
                let text = entry["entry"].as_str().expect("an entry").to_owned();
                entries.insert(text, entry["description"].as_str().map(str::to_owned));
            }
            let Some(next) = page["next"].as_str() else { return entries };
            after = format!("&after={}", encoded(next));
        }
    }

    /// Whether the daemon says that all of it works, and what it says of one part of it.
    #[track_caller]
    pub(crate) fn ready(&self, part: &str) -> (bool, String) {
        let answer = self.get("/readyz");
        let details = answer.body["details"].as_array().expect("details");
        let detail = details.iter().find(|detail| detail["name"] == part).expect("such a part");
        (answer.status == 200, detail["detail"].as_str().expect("a text").to_owned())
    }

    /// A metric, by its line up to the value.
    #[track_caller]
    pub(crate) fn metric(&self, line: &str) -> Option<u64> {
        let metrics = self.get("/metrics").expect(200).body;
        let mut lines = metrics.as_str().expect("a text").lines();
        lines.find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIME)).build().into()
}

/// Where an entry of a list is put, read and removed.
pub(crate) fn entry_path(list: &str, entry: &str) -> String {
    format!("/v1/lists/{}/entries/{}", encoded(list), encoded(entry))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Longer than the longest work that is asked of it.
const TIME: Duration = Duration::from_secs(60);

/// A page of the largest lists here has a megabyte.
const LONGEST: u64 = 64 << 20;
