//! What operators watch: the dashboard and the alerts of `config`, as a real Prometheus reads them while calls come.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::counted::{DECLINED, PASSED, RULES};
use crate::facts::{Setting, Transport, try_with};
use crate::prometheus::{Prometheus, file};
use crate::ringfence::{Role, Scene};
use crate::sipp::Sipp;

/// So that there is something of everything: a rule that observes, a list of a file, a trunk that is full.
const MORE: &str = r#"
[[inbound]]
name = "trial"
lists = ["tried"]
action = "decline"
mode = "observe"
[[list]]
name = "tried"
class = "personal"
file = "tried.csv"
[[route]]
name = "full"
trunks = ["caller"]
called = ["48339999999"]
to = "narrow"
"#;

const TO_NARROW: (&str, &str, &str) = ("<sip:+48600100299@example.net>", "48339999999", "X-Test: none");

fn dashboard() -> Value {
    serde_json::from_slice(&fs::read(file("grafana/ringfence.json")).expect("the dashboard")).expect("JSON")
}

/// All texts that stand under this key, wherever.
fn all_under<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|field| all_under(field, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| all_under(value, key, found)),
        _ => {}
    }
}

/// The names of our metrics in an expression.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|char: char| !char.is_ascii_alphanumeric() && char != '_');
    words.filter(|word| word.starts_with("ringfence_"))
}

/// As Grafana would ask, where everything is chosen.
fn filled_in(expression: &str) -> String {
    expression.replace("$__rate_interval", "10s").replace("$instance", ".*").replace("$trunk", ".*")
}

#[test]
fn dashboard_and_alerts_find_all_that_they_ask_for_in_a_real_prometheus() {
    try_with(Transport::Udp, 1, |setting: Setting| {
        let scene = Scene::new(setting);
        scene.write("tried.csv", "number\n48600100299\n");
        let nobody = scene.address(Role::Second);
        let trunk = |name: &str, keys: &str| format!("[[trunk]]\nname = \"{name}\"\nto = [\"sip:{nobody}\"]\n{keys}\n");
        let trunks = trunk("narrow", "max_calls = 1\ntry_for = \"1s\"") + &trunk("silent", "probe = \"1s\"");
        let ringfence = scene.start(&(trunks + MORE + RULES));
        let mut prometheus = Prometheus::start(&scene, &ringfence);
        let play = || {
            Sipp::play(&scene, Role::Caller, "caller_declined", 2).from(&[DECLINED]).run();
            Sipp::play(&scene, Role::Caller, "caller_hears_unavailable", 3).from(&[TO_NARROW]).rate(50).run();
            let callee = Sipp::play(&scene, Role::Callee, "callee_answers", 4).start();
            Sipp::play(&scene, Role::Caller, "caller_answered", 4).from(&[PASSED]).rate(50).run();
            callee.finish();
        };
        // What rises from nothing is not seen to rise.
        play();
        prometheus.until("what was counted is read", |it| {
            let read = |name: &str| !it.values(name).is_empty();
            (read("ringfence_trunk_limited_total") && read("ringfence_trunk_answered_total")).then_some(())
        });
        play();

        let dashboard = dashboard();
        let mut asked = Vec::new();
        all_under(&dashboard["panels"], "expr", &mut asked);
        assert!(asked.len() > 40, "{asked:?}");
        for expression in &asked {
            prometheus.until(expression, |it| {
                let values = it.values(&filled_in(expression));
                values.iter().any(|(_, value)| !value.is_nan()).then_some(())
            });
        }
        let ratio = "sum(increase(ringfence_trunk_answered_total{trunk=\"callee\",direction=\"to\"}[15m])) \
            / sum(increase(ringfence_trunk_seizures_total{trunk=\"callee\",direction=\"to\"}[15m]))";
        assert_eq!(prometheus.values(ratio)[0].1, 1.0, "all calls to it were answered");

        let groups = prometheus.until("all rules are evaluated", |it| {
            let groups = it.data("/api/v1/rules")["groups"].take();
            let mut health = Vec::new();
            all_under(&groups, "health", &mut health);
            (health.len() > 10 && health.iter().all(|health| *health != "unknown")).then_some(groups)
        });
        let (mut health, mut queries) = (Vec::new(), Vec::new());
        all_under(&groups, "health", &mut health);
        all_under(&groups, "query", &mut queries);
        assert!(health.iter().all(|health| *health == "ok"), "{groups:#}");

        let known = prometheus.data("/api/v1/label/__name__/values");
        let known: BTreeSet<&str> = known.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut others = Vec::new();
        all_under(&dashboard["templating"], "query", &mut others);
        all_under(&dashboard["annotations"], "expr", &mut others);
        let used: BTreeSet<&str> =
            asked.iter().chain(&queries).chain(&others).flat_map(|expression| names(expression)).collect();
        let unknown: Vec<&&str> = used.difference(&known).collect();
        assert!(unknown.is_empty(), "there is no {unknown:?}");
        ringfence.stop();
    });
}

#[test]
fn the_dashboard_is_whole() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().expect("panels");
    let (mut ids, mut below) = (BTreeSet::new(), 0);
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64().expect("a number")), "the id of {title} is taken");
        let place = |name: &str| panel["gridPos"][name].as_u64().expect("a place");
        assert!(place("x") + place("w") <= 24 && place("y") >= below, "{title} lies over another or outside");
        if place("x") + place("w") == 24 {
            below = place("y") + place("h");
        }
        match panel["type"].as_str().expect("a type") {
            "row" => continue,
            kind => assert!(["stat", "timeseries"].contains(&kind), "{title} is a {kind}"),
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        assert!(!panel["description"].as_str().expect("a description").is_empty(), "{title}");
        let targets = panel["targets"].as_array().expect("targets");
        let letters: BTreeSet<&str> = targets.iter().filter_map(|target| target["refId"].as_str()).collect();
        assert_eq!((letters.len(), letters.is_empty()), (targets.len(), false), "{title}");
    }
    let variables = dashboard["templating"]["list"].as_array().expect("variables").iter();
    let variables: Vec<&str> = variables.filter_map(|variable| variable["name"].as_str()).collect();
    assert_eq!(variables, ["datasource", "instance", "trunk"]);
}

/// Runs `promtool`, which is to find nothing wrong.
#[track_caller]
fn promtool(arguments: &[&str], path: &Path) {
    let output = Command::new("promtool").args(arguments).arg(path).output();
    let output = output.expect("promtool runs (Debian package prometheus; tests/run installs it)");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn each_alert_fires_when_it_should_and_not_before() {
    promtool(&["check", "config"], &file("prometheus/prometheus.yml"));
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sipp/alerts.yml");
    promtool(&["test", "rules"], &tests);
    let rules = fs::read_to_string(file("prometheus/ringfence.rules.yml")).expect("the rules");
    let tests = fs::read_to_string(tests).expect("the tests");
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        let fires = format!("exp_samples: [{{ labels: 'ALERTS{{alertname=\"{alert}\"");
        assert!(tests.contains(&fires), "nothing makes {alert} fire");
    }
}
