use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::*;
use crate::lists::{Base, BaseBuilder, Change, Class, Details, Edit, Entry, List, Lists};
use crate::number::DialPlan;
use crate::screen::config::{RouteConfig, RuleConfig, RulesConfig, TrunkConfig};
use crate::screen::{World, compile};
use crate::time::WallTime;
use crate::usage::{LiveCall, Usage};

const RULES: &str = r#"
    [[trunk]]
    name = "carrier"
    from = ["127.0.0.2"]
    to = ["sip:127.0.0.2:5060"]
    trusted = true
    [[inbound]]
    name = "hotline"
    lists = ["default"]
    [[route]]
    name = "back"
    to = "carrier"
"#;

fn world() -> World {
    #[derive(Deserialize)]
    struct Rules {
        trunk: Vec<TrunkConfig>,
        inbound: Vec<RuleConfig>,
        route: Vec<RouteConfig>,
    }
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
    let lists = Lists::new(lists).unwrap();
    let Rules { trunk, inbound, route } = toml::from_str(RULES).unwrap();
    let rules = RulesConfig { trunks: trunk, inbound, routes: route, ..RulesConfig::default() };
    let (policy, _) = compile(&rules, &lists).unwrap();
    World::new(7, lists, Arc::new(policy)).unwrap()
}

/// Edits in memory; everything else stands still.
struct Fake {
    world: Mutex<Arc<World>>,
    usage: Usage,
    actors: Mutex<Vec<Arc<str>>>,
    healthy: bool,
    storage_fails: bool,
    reload: Result<Reloaded, ReloadFailure>,
}

impl Default for Fake {
    fn default() -> Fake {
        Fake {
            world: Mutex::new(Arc::new(world())),
            usage: Usage::new(),
            actors: Mutex::new(Vec::new()),
            healthy: true,
            storage_fails: false,
            reload: Ok(Reloaded::default()),
        }
    }
}

impl Backend for Fake {
    fn world(&self) -> Arc<World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn usage(&self) -> &Usage {
        &self.usage
    }

    fn now(&self) -> WallTime {
        WallTime::parse("2026-11-22T12:00:00Z").unwrap()
    }

    fn dial_plan(&self, _: Option<&str>) -> DialPlan {
        DialPlan::default()
    }

    fn loaded(&self) -> WallTime {
        WallTime::parse("2026-11-22T11:00:00Z").unwrap()
    }

    async fn edit(&self, actor: Arc<str>, edit: Edit) -> Result<Edited, EditFailure> {
        if self.storage_fails {
            return Err(EditFailure::Unavailable("no space left on the disk".into()));
        }
        let mut world = self.world.lock().unwrap();
        let list = world.lists.get(&edit.list).ok_or(EditFailure::UnknownList)?;
        let effect = match (&edit.change, list.contains(&edit.entry)) {
            (Change::Put(_), true) => Effect::Changed,
            (Change::Put(_), false) => Effect::Added,
            (Change::Remove, true) => Effect::Removed,
            (Change::Remove, false) => return Err(EditFailure::Absent),
        };
        let next = world.with_edits(&[edit]).map_err(|error| EditFailure::Unfit(error.to_string()))?;
        let generation = next.generation;
        *world = Arc::new(next);
        self.actors.lock().unwrap().push(actor);
        Ok(Edited { effect, generation })
    }

    async fn reload(&self, actor: Arc<str>) -> Result<Reloaded, ReloadFailure> {
        self.actors.lock().unwrap().push(actor);
        self.reload.clone()
    }

    fn health(&self) -> Vec<HealthDetail> {
        vec![HealthDetail { name: "records", ok: self.healthy, detail: "written".into() }]
    }

    fn metrics(&self) -> Vec<MetricFamily> {
        let family = |name: &str, kind, labels| MetricFamily {
            name: name.into(),
            help: "Entries in force".into(),
            kind,
            samples: vec![MetricSample { labels, value: 250 }],
        };
        vec![
            family("list_entries", MetricKind::Gauge, vec![("list", "default".into())]),
            family("entries", MetricKind::Counter, vec![]),
        ]
    }
}

/// A real server on a free loopback port, with a real client.
struct Served {
    address: SocketAddr,
    backend: Arc<Fake>,
    _stop: watch::Sender<bool>,
    _runtime: Runtime,
    token: Option<&'static str>,
}

impl Served {
    fn new(backend: Fake) -> Served {
        Served::with_config(backend, &Config { listen: "127.0.0.1:0".parse().unwrap(), tokens: None })
    }

    fn with_config(backend: Fake, config: &Config) -> Served {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Server::bind(config)).unwrap();
        let address = server.local_address().unwrap();
        let backend = Arc::new(backend);
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(server.serve(Arc::clone(&backend), stopped));
        Served { address, backend, _stop: stop, _runtime: runtime, token: None }
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).allow_non_standard_methods(true).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        if let Some(token) = self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut response = agent.run(request.body(body.to_owned()).unwrap()).unwrap();
        let header = |name: &str| {
            response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        Answer {
            status: response.status().as_u16(),
            kind: header("content-type"),
            allow: header("allow"),
            challenge: header("www-authenticate"),
            text: response.body_mut().read_to_string().unwrap(),
        }
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    kind: String,
    allow: String,
    challenge: String,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Checks that this is a problem with that status, and gives its detail.
    #[track_caller]
    fn problem(&self, status: u16) -> String {
        assert_eq!((self.status, self.kind.as_str()), (status, "application/problem+json"), "{}", self.text);
        assert_eq!(self.json()["status"], status);
        assert!(self.json()["title"].is_string());
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

#[test]
fn lists_are_shown_with_class_entries_edits_and_last_load() {
    let served = Served::new(Fake::default());
    let answer = served.call("GET", "/v1/lists", "");
    assert_eq!((answer.status, answer.kind.as_str()), (200, "application/json"));
    let default = json!({
        "name": "default", "class": "personal", "entries": 250, "edits": 0, "file": null,
        "loaded": "2026-11-22T11:00:00.000000Z"
    });
    assert_eq!(answer.json()["generation"], 7);
    assert_eq!(answer.json()["lists"][0], default);
    assert_eq!(served.call("GET", "/v1/lists/our%20numbers", "").json()["class"], "pool");
    assert!(served.call("GET", "/v1/lists/missing", "").problem(404).contains("missing"));
}

#[test]
fn an_entry_is_added_changed_and_removed() {
    let served = Served::new(Fake::default());
    let path = "/v1/lists/default/entries/%2B48%20600-100-200";
    let body = r#"{"date": "2026-03-25", "description": "called at night", "expires": "2027-01-01T00:00:00Z"}"#;
    let answer = served.call("PUT", path, body);
    let expected = json!({
        "list": "default", "entry": "48600100200", "kind": "number", "date": "2026-03-25",
        "description": "called at night", "expires": "2027-01-01T00:00:00.000000Z",
        "added_by": "admin@127.0.0.1", "generation": 8
    });
    assert_eq!((answer.status, answer.json()), (201, expected.clone()));
    assert_eq!(served.call("GET", "/v1/lists/default/entries/600100200", "").json(), expected);
    let changed = served.call("PUT", path, "");
    assert_eq!(
        (changed.status, &changed.json()["generation"], &changed.json()["date"]),
        (200, &json!(9), &Value::Null)
    );
    let removed = served.call("DELETE", path, "");
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    served.call("DELETE", path, "").problem(404);
    served.call("GET", path, "").problem(404);
    let actors = served.backend.actors.lock().unwrap().clone();
    assert_eq!(actors, vec![Arc::<str>::from("admin@127.0.0.1"); 3]);
}

#[test]
fn every_kind_of_entry_has_a_path() {
    let served = Served::new(Fake::default());
    for (path, entry, kind) in [
        ("4870*", "4870*", "prefix"),
        ("48700000000-48700009999", "48700000000-48700009999", "range"),
        ("112", "112", "code"),
        ("anonymous", "anonymous", "anonymous"),
        ("unavailable", "unavailable", "unavailable"),
        ("alice%2Fdesk", "alice/desk", "user"),
    ] {
        let answer = served.call("PUT", &format!("/v1/lists/default/entries/{path}"), "");
        assert_eq!(
            (answer.status, &answer.json()["entry"], &answer.json()["kind"]),
            (201, &json!(entry), &json!(kind))
        );
    }
}

/// 223334455 is both a national number of Poland and a number of country 223.
#[test]
fn an_entry_is_spelled_so_that_it_leads_back_to_itself() {
    let served = Served::new(Fake::default());
    let added = served.call("PUT", "/v1/lists/default/entries/%2B223334455", "");
    assert_eq!((added.status, &added.json()["entry"]), (201, &json!("+223334455")));
    let listed = served.call("GET", "/v1/lists/default/entries?search=223334455", "").json();
    assert_eq!(listed["entries"][0]["entry"], "+223334455");
    served.call("DELETE", "/v1/lists/default/entries/223334455", "").problem(404);
    assert_eq!(served.call("DELETE", "/v1/lists/default/entries/%2B223334455", "").status, 204);
}

#[test]
fn bad_requests_are_told_what_was_expected() {
    let served = Served::new(Fake::default());
    let put = |path: &str, body: &str| served.call("PUT", &format!("/v1/lists/{path}"), body);
    assert!(put("missing/entries/48600100200", "").problem(404).contains("missing"));
    assert!(put("default/entries/4,86E%2B10", "").problem(422).contains("spreadsheet"));
    assert!(put("default/entries/4*", "").problem(422).contains("at least 2"));
    put("default/entries/48600100200", "{").problem(400);
    put("default/entries/48600100200", "[1,").problem(400);
    assert!(put("default/entries/48600100200", r#" ["2026-03-25"]"#).problem(422).contains("object"));
    assert!(put("default/entries/48600100200", r#"{"dat": "2026-03-25"}"#).problem(422).contains("dat"));
    assert!(put("default/entries/48600100200", r#"{"date": "25.3.2026"}"#).problem(422).contains("2026-03-25"));
    assert!(put("default/entries/48600100200", r#"{"expires": "soon"}"#).problem(422).contains("expected a time"));
    let long = format!(r#"{{"description": "{}"}}"#, "x".repeat(1001));
    put("default/entries/48600100200", &long).problem(422);
    let oversized = format!(r#"{{"description": "{}"}}"#, "x".repeat(200_000));
    assert!(put("default/entries/48600100200", &oversized).problem(413).contains("65536"));
    assert!(put("our%20numbers/entries/4870*", "").problem(422).contains("numbers and ranges"));
    put("default/entries/%FF", "").problem(400);
    served.call("GET", "/v2", "").problem(404);
    assert_eq!(served.backend.world().generation, 7, "none of them changed anything");
}

#[test]
fn an_unknown_method_is_told_the_allowed_ones() {
    let served = Served::new(Fake::default());
    let answer = served.call("POST", "/v1/lists/default/entries/48600100200", "");
    answer.problem(405);
    assert_eq!(answer.allow, "GET,HEAD,PUT,DELETE");
    let answer = served.call("GET", "/v1/reload", "");
    answer.problem(405);
    assert_eq!(answer.allow, "POST");
}

#[test]
fn entries_come_in_pages() {
    let served = Served::new(Fake::default());
    let mut after = String::new();
    let mut seen = Vec::new();
    loop {
        let page = served.call("GET", &format!("/v1/lists/default/entries?limit=100{after}"), "").json();
        seen.extend(
            page["entries"].as_array().unwrap().iter().map(|entry| entry["entry"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..250).map(|number| format!("48221{number:06}")).collect();
    assert_eq!(seen, expected);
    let found = served.call("GET", "/v1/lists/default/entries?search=00024", "").json();
    assert_eq!(found["entries"].as_array().unwrap().len(), 11, "24 and 240 to 249");
    served.call("GET", "/v1/lists/default/entries?limit=0", "").problem(422);
    served.call("GET", "/v1/lists/default/entries?limit=many", "").problem(400);
    assert!(served.call("GET", "/v1/lists/default/entries?serach=1", "").problem(400).contains("serach"));
    served.call("GET", "/v1/lists/default/entries?after=48*70", "").problem(422);
    served.call("GET", "/v1/lists/missing/entries", "").problem(404);
}

#[test]
fn a_number_is_found_through_the_entry_that_holds_it() {
    let served = Served::new(Fake::default());
    served.call("PUT", "/v1/lists/vip/entries/4822*", r#"{"description": "all of Warsaw"}"#);
    let answer = served.call("GET", "/v1/numbers/%2B48%2022%20100%2000%2001", "").json();
    assert_eq!(answer["number"], "48221000001");
    let lists: Vec<_> =
        answer["lists"].as_array().unwrap().iter().map(|held| (&held["list"], &held["entry"])).collect();
    assert_eq!(lists, [(&json!("default"), &json!("48221000001")), (&json!("vip"), &json!("4822*"))]);
    assert_eq!(served.call("GET", "/v1/numbers/48999999999", "").json()["lists"], json!([]));
    served.call("GET", "/v1/numbers/4822*", "").problem(422);
    served.call("GET", "/v1/numbers/48x", "").problem(422);
}

#[test]
fn explain_tells_the_verdict_and_its_steps() {
    let served = Served::new(Fake::default());
    let body = r#"{"from": "+48221000001", "to": "48221234567", "trunk": "carrier"}"#;
    let answer = served.call("POST", "/v1/explain", body);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!(603)), "{}", answer.text);
    assert_eq!(answer.json()["rule"], "hotline");
    assert_eq!(answer.json()["entry"], "48221000001");
    assert!(!answer.json()["steps"].as_array().unwrap().is_empty());
    let asserted = r#"{"from": "1", "to": "48221234567", "trunk": "carrier",
        "headers": {"p-asserted-identity": "\"A, B\" <sip:+48221000001@h>, <tel:+48221000001>", "Privacy": "id"}}"#;
    assert_eq!(served.call("POST", "/v1/explain", asserted).json()["entry"], "48221000001");
    let unknown = r#"{"from": "1", "to": "2", "trunk": "carier"}"#;
    assert!(served.call("POST", "/v1/explain", unknown).problem(422).contains("carrier"));
    served.call("POST", "/v1/explain", "").problem(400);
    served.call("POST", "/v1/explain", r#"{"from": "1"}"#).problem(422);
}

#[test]
fn a_reload_answers_what_changed_or_where_the_mistake_is() {
    let done = Reloaded {
        generation: 8,
        lists: vec![ListChange { list: "default".into(), before: Some(250), after: Some(251) }],
        restart_needed: vec!["sip.listen".into()],
        ..Reloaded::default()
    };
    let served = Served::new(Fake { reload: Ok(done), ..Fake::default() });
    let answer = served.call("POST", "/v1/reload", "");
    let expected = json!({
        "generation": 8, "lists": [{"list": "default", "before": 250, "after": 251}], "rules": [],
        "restart_needed": ["sip.listen"], "warnings": []
    });
    assert_eq!((answer.status, answer.json()), (200, expected));

    let problem = ReloadProblem {
        detail: "expected digits".into(),
        file: Some("lists/a.csv".into()),
        line: Some(3),
        column: Some(1),
    };
    let served = Served::new(Fake { reload: Err(ReloadFailure::Invalid(vec![problem])), ..Fake::default() });
    let answer = served.call("POST", "/v1/reload", "");
    assert_eq!(answer.problem(422), "lists/a.csv:3:1: expected digits; nothing was changed");
    let place = json!([{"detail": "expected digits", "file": "lists/a.csv", "line": 3, "column": 1}]);
    assert_eq!(answer.json()["errors"], place);
}

#[test]
fn storage_that_fails_is_answered_503() {
    let served = Served::new(Fake { storage_fails: true, ..Fake::default() });
    assert!(served.call("PUT", "/v1/lists/default/entries/112", "").problem(503).contains("no space"));
    let failure = ReloadFailure::Unavailable("no space left on the disk".into());
    let served = Served::new(Fake { reload: Err(failure), ..Fake::default() });
    assert!(served.call("POST", "/v1/reload", "").problem(503).contains("no space"));
}

#[test]
fn trunks_and_calls_show_what_is_up() {
    let served = Served::new(Fake::default());
    let call = LiveCall {
        call_id: "a@b".into(),
        caller: "48600100200".into(),
        callee: "48221234567".into(),
        from_trunk: "carrier".into(),
        to_trunk: "pbx".into(),
        rule: None,
        since: WallTime::parse("2026-11-22T11:59:00Z").unwrap(),
    };
    served.backend.usage.open(1, call);
    let trunk = served.call("GET", "/v1/trunks", "").json()["trunks"][0].clone();
    let expected = json!({
        "name": "carrier", "trusted": true, "to": ["udp:127.0.0.2:5060"], "calls_from": 1, "calls_to": 0
    });
    assert_eq!(trunk, expected);
    let calls = served.call("GET", "/v1/calls", "").json();
    assert_eq!((&calls["live"], &calls["calls"][0]["seconds"]), (&json!(1), &json!(60)));
}

#[test]
fn readiness_follows_the_details_and_health_only_the_process() {
    let served = Served::new(Fake::default());
    assert_eq!(served.call("GET", "/readyz", "").status, 200);
    let served = Served::new(Fake { healthy: false, ..Fake::default() });
    let answer = served.call("GET", "/readyz", "");
    assert_eq!((answer.status, &answer.json()["details"][0]["name"]), (503, &json!("records")));
    assert_eq!(served.call("GET", "/healthz", "").status, 200);
}

#[test]
fn metrics_are_open_metrics_text() {
    let served = Served::new(Fake::default());
    let answer = served.call("GET", "/metrics", "");
    assert!(answer.kind.starts_with("application/openmetrics-text"));
    let expected = "# HELP list_entries Entries in force\n# TYPE list_entries gauge\nlist_entries{list=\"default\"} 250\n\
                    # HELP entries Entries in force\n# TYPE entries counter\nentries_total 250\n# EOF\n";
    assert_eq!(answer.text, expected);
}

#[test]
fn a_token_names_the_actor_and_its_absence_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin-tokens.toml");
    // printf 'a secret of two words' | sha256sum
    let sha256 = sha256_hex("a secret of two words");
    let text = format!(
        "[[token]]\nname = \"ops\"\ntoken = \"0123456789abcdef\"\n[[token]]\nname = \"crm\"\nsha256 = \"{sha256}\"\n"
    );
    std::fs::write(&path, text).unwrap();
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), tokens: Some(path) };
    let mut served = Served::with_config(Fake::default(), &config);
    let put = |served: &Served| served.call("PUT", "/v1/lists/default/entries/112", "");
    let refused = put(&served);
    refused.problem(401);
    assert_eq!(refused.challenge, "Bearer");
    served.token = Some("0123456789abcdeF");
    put(&served).problem(401);
    served.token = Some("0123456789abcdef");
    assert_eq!(put(&served).json()["added_by"], "ops");
    served.token = Some("a secret of two words");
    assert_eq!(put(&served).json()["added_by"], "crm");
    served.token = None;
    assert_eq!(served.call("GET", "/healthz", "").status, 200);
    served.call("GET", "/metrics", "").problem(401);
}

fn sha256_hex(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_bad_file_of_tokens_refuses_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin-tokens.toml");
    let error = |text: &str| {
        std::fs::write(&path, text).unwrap();
        token::Tokens::load(&path).unwrap_err()
    };
    assert!(matches!(error(""), TokenError::None { .. }));
    assert!(matches!(error("[[token]]\nname = \"a\"\n"), TokenError::Value { .. }));
    assert!(matches!(error("[[token]]\nname = \"a\"\ntoken = \"short\"\n"), TokenError::Value { .. }));
    assert!(matches!(error("[[token]]\nname = \"a\"\nsha256 = \"12\"\n"), TokenError::Value { .. }));
    assert!(matches!(error("[[token]]\nname = \"a\"\nsecret = \"12\"\n"), TokenError::Toml { .. }));
    let twice = "[[token]]\nname = \"a\"\ntoken = \"0123456789abcdef\"\n".repeat(2);
    assert!(matches!(error(&twice), TokenError::Duplicate { .. }));
    let unclosed = error("[[token]]\nname = \"a\"\ntoken = \"0123456789abcdef\n").to_string();
    assert!(unclosed.starts_with(&format!("{}:3:", path.display())), "{unclosed}");
    for secret in ["\"0123456789abcdef\n", "123456789", "0123456789abcdef", "\"x\"\n0123456789abcdef = 1"] {
        let told = error(&format!("[[token]]\nname = \"a\"\ntoken = {secret}\n")).to_string();
        assert!(!told.contains("3456789"), "{told}");
    }
    let missing = dir.path().join("missing.toml");
    let told = token::Tokens::load(&missing).unwrap_err().to_string();
    assert!(told.starts_with("admin.tokens: ") && told.contains("missing.toml"), "{told}");
}

#[test]
fn the_port_is_only_opened_to_the_network_with_tokens() {
    let runtime = Runtime::new().unwrap();
    let address: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let error = runtime.block_on(Server::bind(&Config { listen: address, tokens: None })).unwrap_err();
    assert_eq!(error, AdminError::Open { address });
}

#[test]
fn a_taken_address_is_named() {
    let runtime = Runtime::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = runtime.block_on(Server::bind(&Config { listen: address, tokens: None })).unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn pages_of_other_sites_are_refused() {
    use std::io::{Read, Write};
    let served = Served::new(Fake::default());
    let status = |origin: &str| {
        let mut stream = std::net::TcpStream::connect(served.address).unwrap();
        let host = served.address;
        let request =
            format!("POST /v1/reload HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status("http://evil.example"), "403");
    assert_eq!(status(&format!("http://{}", served.address)), "200");
}

#[test]
fn a_name_that_was_made_to_lead_here_is_refused_without_tokens() {
    use std::io::{Read, Write};
    let served = Served::new(Fake::default());
    let status = |path: &str, hosts: &[&str]| {
        let mut stream = std::net::TcpStream::connect(served.address).unwrap();
        let mut request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n");
        for host in hosts {
            request += &format!("Host: {host}\r\nOrigin: http://{host}\r\n");
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    for named in ["evil.example", "evil.example:8060", "localhost.evil.example", "127.0.0.1.evil.example:1", "[::1", ""]
    {
        assert_eq!(status("/v1/lists", &[named]), "403", "{named}");
    }
    assert_eq!(status("/v1/lists", &["127.0.0.1", "evil.example"]), "403");
    for address in ["127.0.0.1", "127.0.0.1:8060", "[::1]", "[::1]:8060", "localhost", "LocalHost:8060"] {
        assert_eq!(status("/v1/lists", &[address]), "200", "{address}");
    }
    assert_eq!(status("/healthz", &[]), "200", "probes of HTTP/1.0 name no host");
}

#[test]
fn edits_of_many_clients_are_all_made() {
    let served = Arc::new(Served::new(Fake::default()));
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let served = Arc::clone(&served);
            thread::spawn(move || {
                (0..10)
                    .map(|number| served.call("PUT", &format!("/v1/lists/vip/entries/48600{client}0000{number}"), ""))
                    .filter(|answer| answer.status == 201)
                    .count()
            })
        })
        .collect();
    let added: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert_eq!(added, 80);
    assert_eq!(served.backend.world().lists.get("vip").unwrap().len(), 80);
    assert!(served.backend.world().lists.get("vip").unwrap().contains(&"48600000009".parse::<Entry>().unwrap()));
}
