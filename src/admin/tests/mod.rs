mod access;
mod bases;
mod campaigns;
mod edits;
mod entries;
mod exports;
mod fake;
mod imports;
mod lists;
mod past;
mod pools;
mod records;
mod rules;
mod screen;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;

pub(crate) use fake::{Fake, eventful};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::*;
use crate::lists::{Base, BaseBuilder, Change, Class, Details, Entry, List, Lists};
use crate::number::DialPlan;
use crate::screen::config::{RouteConfig, RuleConfig, RulesConfig, TrunkConfig};
use crate::screen::{World, compile};
use crate::time::WallTime;
use crate::usage::Usage;

const RULES: &str = r#"
    [[trunk]]
    name = "carrier"
    from = ["127.0.0.2"]
    to = ["sip:127.0.0.2:5060"]
    trusted = true
    [[inbound]]
    name = "hotline"
    lists = ["default"]
    [[campaign]]
    name = "sale"
    trunks = ["carrier"]
    header = { name = "X-Campaign", value = "sale" }
    lists = ["default"]
    attempts = "2/1h"
    block_into = "default"
    [[campaign]]
    name = "plain"
    callers = ["4860*"]
    only = ["vip"]
    [[route]]
    name = "back"
    to = "carrier"
"#;

fn world() -> World {
    let mut builder = BaseBuilder::new();
    for number in 0..250 {
        builder.push(format!("48221{number:06}").parse().unwrap(), &Details::default());
    }
    let list = |name: &str, class, base| List::new(name.into(), class, None, Arc::new(base));
    let lists = vec![
        list("default", Class::Personal, builder.build()),
        list("our numbers", Class::Pool, BaseBuilder::new().build()),
        list("vip", Class::Allow, Base::default()),
    ];
    world_of(RULES, lists)
}

/// A world of these rules and lists.
fn world_of(rules: &str, lists: Vec<List>) -> World {
    #[derive(Deserialize)]
    struct Rules {
        trunk: Vec<TrunkConfig>,
        inbound: Vec<RuleConfig>,
        #[serde(default)]
        campaign: Vec<RuleConfig>,
        route: Vec<RouteConfig>,
    }
    let lists = Lists::new(lists).unwrap();
    let Rules { trunk, inbound, campaign, route } = toml::from_str(rules).unwrap();
    let rules = RulesConfig { trunks: trunk, inbound, campaigns: campaign, routes: route, ..RulesConfig::default() };
    let (policy, _) = compile(&rules, &lists).unwrap();
    World::new(7, lists, Arc::new(policy)).unwrap()
}

/// A real server on a free loopback port, with a real client.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) backend: Arc<Fake>,
    _stop: watch::Sender<bool>,
    _runtime: Runtime,
    token: Option<&'static str>,
}

impl Served {
    pub(crate) fn new(backend: Fake) -> Served {
        Served::with_config(backend, &Config { listen: "127.0.0.1:0".parse().unwrap(), tokens: None })
    }

    pub(crate) fn with_config(backend: Fake, config: &Config) -> Served {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::bind(config)).unwrap();
        let address = server.local_address().unwrap();
        let backend = Arc::new(backend);
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(server.serve(Arc::clone(&backend), stopped));
        Served { address, backend, _stop: stop, _runtime: runtime, token: None }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, path, &[], body.as_bytes().to_vec())
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = agent.run(request.body(body).unwrap()).unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.body_mut().read_to_string().unwrap(),
        }
    }

    pub(crate) fn list(&self, name: &str) -> List {
        self.backend.world().lists.get(name).unwrap().clone()
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Empty when it is not there.
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Checks that this is a problem with that status, and gives its detail.
    #[track_caller]
    fn problem(&self, status: u16) -> String {
        assert_eq!((self.status, self.header("content-type")), (status, "application/problem+json"), "{}", self.text);
        assert_eq!(self.json()["status"], status);
        assert!(self.json()["title"].is_string());
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}
