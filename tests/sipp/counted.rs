//! What calls move in the metrics, and what `promtool` (Debian package `prometheus`) says of them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::facts::facts;
use crate::ringfence::{Role, Scene};
use crate::sipp::Sipp;

/// A listed caller is declined, everybody else goes on.
pub(crate) const RULES: &str = r#"
[[inbound]]
name = "hotline"
lists = ["blocked"]
action = "decline"
status = "Unwanted"
[[route]]
name = "all"
trunks = ["caller"]
to = "callee"
[[list]]
name = "blocked"
class = "personal"
entries = ["48600100200"]
"#;

const CALLED: &str = "48221234567";
pub(crate) const DECLINED: (&str, &str, &str) = ("<sip:+48600100200@example.net>", CALLED, "X-Test: none");
pub(crate) const PASSED: (&str, &str, &str) = ("<sip:+48600100299@example.net>", CALLED, "X-Test: none");

/// Series with their values, of these families.
fn series(metrics: &str, families: &[&str]) -> BTreeMap<String, u64> {
    let of = |line: &&str| families.iter().any(|family| line.split(['{', ' ']).next() == Some(family));
    let value = |line: &str| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap_or(0)));
    metrics.lines().filter(of).filter_map(value).collect()
}

/// `promtool check metrics` accepts it and warns of nothing.
#[track_caller]
fn is_accepted(metrics: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs (Debian package prometheus; tests/run installs it)");
    promtool.stdin.take().expect("a pipe").write_all(metrics.as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}\n{metrics}", String::from_utf8_lossy(&said));
}

facts! {
    fn calls_move_exactly_their_counters(setting) {
        let scene = Scene::new(setting);
        let ringfence = scene.start(RULES);
        is_accepted(&ringfence.metrics());
        Sipp::play(&scene, Role::Caller, "caller_declined", 5).from(&[DECLINED]).rate(50).run();
        let callee = Sipp::play(&scene, Role::Callee, "callee_answers", 3).start();
        Sipp::play(&scene, Role::Caller, "caller_answered", 3).from(&[PASSED]).rate(50).run();
        callee.finish();
        let metrics = ringfence.metrics();
        is_accepted(&metrics);

        let expected = |lines: &[(&str, u64)]| -> BTreeMap<String, u64> {
            lines.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
        };
        let told = series(&metrics, &["ringfence_verdicts_total", "ringfence_answers_total"]);
        let calls = expected(&[
            (r#"ringfence_verdicts_total{list="blocked",rule="hotline",verdict="decline"}"#, 5),
            (r#"ringfence_verdicts_total{list="",rule="",verdict="pass"}"#, 3),
            (r#"ringfence_answers_total{trunk="caller",request="call",origin="own",code="603"}"#, 5),
            (r#"ringfence_answers_total{trunk="caller",request="call",origin="passed_on",code="200"}"#, 3),
            (r#"ringfence_answers_total{trunk="caller",request="other",origin="passed_on",code="200"}"#, 3),
        ]);
        assert_eq!(told, calls);
        let messages = series(&metrics, &["ringfence_messages_total"]);
        let message = |trunk: &str, direction: &str, kind: &str, method: &str, count| {
            let labels = format!("trunk=\"{trunk}\",direction=\"{direction}\",kind=\"{kind}\",method=\"{method}\"");
            (format!("ringfence_messages_total{{{labels}}}"), count)
        };
        let traffic = BTreeMap::from([
            message("caller", "in", "request", "INVITE", 8),
            message("caller", "in", "request", "ACK", 8),
            message("caller", "in", "request", "BYE", 3),
            // 603, and of each call that passed 180 and 200.
            message("caller", "out", "response", "INVITE", 5 + 6),
            message("caller", "out", "response", "BYE", 3),
            message("callee", "out", "request", "INVITE", 3),
            message("callee", "out", "request", "ACK", 3),
            message("callee", "out", "request", "BYE", 3),
            message("callee", "in", "response", "INVITE", 6),
            message("callee", "in", "response", "BYE", 3),
        ]);
        assert_eq!(messages, traffic);

        let one = |name: &str| series(&metrics, &[name]).values().sum::<u64>();
        assert_eq!(one("ringfence_judged_total"), 8);
        assert_eq!(one("ringfence_call_setup_seconds_count"), 3);
        assert!(one("ringfence_decision_seconds_count") >= 1);
        assert_eq!((one("ringfence_calls_live"), one("ringfence_malformed_total")), (0, 0));
        assert_eq!(metrics.matches("ringfence_shard_queue_length{").count(), usize::from(setting.workers));
        assert_eq!(metrics.matches("ringfence_udp_receive_drops_total{").count(), usize::from(setting.workers));
        assert!(!metrics.contains("600100") && !metrics.contains(CALLED), "{metrics}");
        ringfence.stop();
    }
}
