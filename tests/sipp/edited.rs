//! Lists that change between calls, and under them.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::facts::facts;
use crate::ringfence::{Role, Scene, calls, counts};
use crate::sipp::{CALLER, Sipp};

const RULES: &str = r#"
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
file = "blocked.csv"
"#;

const LISTED: &str = "number\n48600100200\n";
const UNLISTED: &str = "number\n48600100201\n";

facts! {
    fn an_edit_through_the_admin_port_decides_the_next_call(setting) {
        let scene = Scene::new(setting);
        scene.write("blocked.csv", UNLISTED);
        let ringfence = scene.start(RULES);
        let passes = || {
            let callee = Sipp::play(&scene, Role::Callee, "callee_answers", 1).start();
            Sipp::play(&scene, Role::Caller, "caller_answered", 1).from(&CALLER).run();
            callee.finish();
        };
        let entry = "/v1/lists/blocked/entries/%2B48600100200";
        passes();
        assert_eq!(ringfence.admin("PUT", entry), 201);
        Sipp::play(&scene, Role::Caller, "caller_declined", 1).from(&CALLER).run();
        assert_eq!(ringfence.admin("DELETE", entry), 204);
        passes();
        let records = ringfence.stop();
        let mut told: Vec<(u64, &str, &str)> = calls(&records)
            .iter()
            .map(|call| (call["generation"].parse().expect("a number"), &*call["verdict"], &*call["entry"]))
            .collect();
        // Each worker hands its lines over when it likes.
        told.sort_unstable();
        let first = told[0].0;
        assert_eq!(told, [(first, "pass", ""), (first + 1, "decline", "48600100200"), (first + 2, "pass", "")]);
    }

    fn a_reload_under_calls_loses_none_and_decides_every_later_invite(setting) {
        let scene = Scene::new(setting);
        scene.write("blocked.csv", UNLISTED);
        let ringfence = scene.start(RULES);
        let (rate, calls_made) = (200, 1000);
        // It stays until all calls are through: how many reach it the lists decide.
        let callee = Sipp::play(&scene, Role::Callee, "callee_answers", calls_made).start();
        let caller = Sipp::play(&scene, Role::Caller, "caller_answered_or_declined", calls_made)
            .from(&CALLER)
            .rate(rate)
            .with(&["-trace_shortmsg", "-shortmessage_file", "messages.csv"]);
        let mut caller = caller.start();
        // The lists in force, and when the first INVITE under them was certainly sent.
        let mut phases = vec![(Duration::ZERO, Duration::ZERO, false)];
        for listed in [true, false, true] {
            caller.goes_on_for(Duration::from_secs(1));
            scene.write("blocked.csv", if listed { LISTED } else { UNLISTED });
            let asked = now();
            assert_eq!(ringfence.admin("POST", "/v1/reload"), 200);
            phases.push((asked, now(), listed));
        }
        caller.finish();
        drop(callee);

        let records = ringfence.stop();
        let by_call: HashMap<&str, &str> =
            calls(&records).iter().map(|call| (&*call["call_id"], &*call["verdict"])).collect();
        assert_eq!(by_call.len(), calls_made, "each call has one record");
        let sent = invites_sent(&std::fs::read_to_string(scene.dir().join("messages.csv")).expect("SIPp's messages"));
        assert_eq!(sent.len(), calls_made);
        let mut judged = [0; 4];
        for (call_id, at) in &sent {
            let phase = phases.iter().rposition(|(asked, _, _)| asked <= at).expect("the first begins at zero");
            let (_, answered, listed) = phases[phase];
            // Between question and answer either list may hold.
            if *at > answered {
                judged[phase] += 1;
                assert_eq!(by_call[&**call_id], if listed { "decline" } else { "pass" }, "sent at {at:?}: {phases:?}");
            }
        }
        // Of the 200 calls of a second.
        assert!(judged.iter().all(|&calls| calls >= 50), "{judged:?}");
        let statuses: BTreeSet<&str> = counts(&records, "status").into_keys().collect();
        assert_eq!(statuses, ["200", "603"].into());
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970")
}

/// When SIPp first sent the INVITE of each Call-ID, by what `-trace_shortmsg` writes: date, time and seconds since 1970,
/// direction, Call-ID, CSeq, and first line, with tabs between them.
fn invites_sent(messages: &str) -> HashMap<String, Duration> {
    let mut sent = HashMap::new();
    for line in messages.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        if let [_, _, seconds, "S", call_id, _, first] = fields[..]
            && first.starts_with("INVITE ")
        {
            let at = Duration::from_secs_f64(seconds.trim().parse().expect("seconds"));
            sent.entry(call_id.to_owned()).or_insert(at);
        }
    }
    sent
}
