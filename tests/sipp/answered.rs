//! Calls that go through: dialogs, CANCEL, busy, and targets that do not answer.

use std::net::{TcpListener, UdpSocket};

use crate::facts::{Transport, facts};
use crate::ringfence::{ROUTE, Record, Role, Scene, calls, counts};
use crate::sipp::{CALLER, Sipp, logged};

const ROUTE_TO_TWO: &str = r#"
[[route]]
name = "all"
trunks = ["caller"]
to = "callees"
"#;

/// Enough calls that each of three workers has some: (2/3)^20 * 3 < 0.1 % that one has none, and then only that is
/// not tried.
const CALLS: usize = 20;

/// Plays a caller and a callee, and returns the records.
fn play(scene: &Scene, rules: &str, caller: &str, callee: &str) -> Vec<Record> {
    let ringfence = scene.start(rules);
    let callee = Sipp::play(scene, Role::Callee, callee, CALLS).start();
    Sipp::play(scene, Role::Caller, caller, CALLS).from(&CALLER).rate(50).run();
    callee.finish();
    ringfence.stop()
}

/// How the calls ended, by the `end` lines.
fn ended_by<'a>(records: &'a [Record], who: &'a str) -> usize {
    records.iter().filter(|record| record["event"] == "end" && record["ended_by"] == who).count()
}

facts! {
    fn a_dialog_lives_through_re_invites_of_both_sides_until_the_caller_hangs_up(setting) {
        let scene = Scene::new(setting);
        let records =
            play(&scene, ROUTE, "caller_reinvites_and_hangs_up", "callee_reinvites_and_is_hung_up");
        assert_eq!(counts(&records, "status"), [("200", CALLS)].into());
        assert_eq!(ended_by(&records, "caller"), CALLS);
    }

    fn a_dialog_lives_through_re_invites_of_both_sides_until_the_callee_hangs_up(setting) {
        let scene = Scene::new(setting);
        let records =
            play(&scene, ROUTE, "caller_reinvites_and_is_hung_up", "callee_reinvites_and_hangs_up");
        assert_eq!(counts(&records, "status"), [("200", CALLS)].into());
        assert_eq!(ended_by(&records, "callee"), CALLS);
    }

    fn a_caller_who_gives_up_stops_the_ringing(setting) {
        let scene = Scene::new(setting);
        let records = play(&scene, ROUTE, "caller_cancels", "callee_is_cancelled");
        assert_eq!(counts(&records, "status"), [("487", CALLS)].into());
    }

    fn a_busy_callee_is_busy_for_the_caller(setting) {
        let scene = Scene::new(setting);
        let records = play(&scene, ROUTE, "caller_hears_busy", "callee_is_busy");
        assert_eq!(counts(&records, "status"), [("486", CALLS)].into());
    }

    fn a_listed_caller_is_forwarded_to_another_number(setting) {
        let scene = Scene::new(setting);
        let rules = format!(
            r#"
[[inbound]]
name = "night"
lists = ["default"]
action = "forward"
to = "48221112233"
[[list]]
name = "default"
class = "personal"
entries = ["48600100200"]
{ROUTE}"#
        );
        let ringfence = scene.start(&rules);
        let callee = Sipp::play(&scene, Role::Callee, "callee_answers", CALLS)
            .with(&["-trace_logs", "-log_file", "seen.log"])
            .start();
        Sipp::play(&scene, Role::Caller, "caller_answered", CALLS).from(&CALLER).rate(50).run();
        callee.finish();
        assert_eq!(counts(&ringfence.stop(), "verdict"), [("forward", CALLS)].into());
        let seen = logged(&scene, "seen.log");
        assert_eq!(seen.len(), CALLS);
        for line in seen {
            let [_, uri, _, diversion] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
            assert!(uri.starts_with("sip:+48221112233@"), "{line}");
            assert!(diversion.contains("sip:48221234567@"), "{line}");
        }
    }

    fn a_target_that_does_not_respond_is_passed_over(setting) {
        let scene = Scene::new(setting);
        let ringfence = scene.start(ROUTE_TO_TWO);
        // Open, and silent.
        let address = scene.address(Role::Callee);
        let (_udp, _tcp) = (UdpSocket::bind(address).expect("free"), TcpListener::bind(address).expect("free"));
        let second = Sipp::play(&scene, Role::Second, "callee_answers", CALLS).start();
        Sipp::play(&scene, Role::Caller, "caller_answered", CALLS).from(&CALLER).rate(50).run();
        second.finish();
        assert_eq!(counts(&ringfence.stop(), "status"), [("200", CALLS)].into());
    }

    fn a_target_that_takes_no_calls_is_passed_over(setting) {
        let scene = Scene::new(setting);
        let ringfence = scene.start(ROUTE_TO_TWO);
        let first = Sipp::play(&scene, Role::Callee, "callee_is_unavailable", CALLS).start();
        let second = Sipp::play(&scene, Role::Second, "callee_answers", CALLS).start();
        Sipp::play(&scene, Role::Caller, "caller_answered", CALLS).from(&CALLER).rate(50).run();
        first.finish();
        second.finish();
        assert_eq!(counts(&ringfence.stop(), "status"), [("200", CALLS)].into());
    }

    fn targets_of_which_none_can_be_reached_are_told_as_500(setting) {
        let scene = Scene::new(setting);
        let ringfence = scene.start(ROUTE_TO_TWO);
        // Over TCP the connections are refused; over UDP nothing at all may come back.
        let silent = [Role::Callee, Role::Second].map(|role| UdpSocket::bind(scene.address(role)).expect("free"));
        Sipp::play(&scene, Role::Caller, "caller_hears_unavailable", CALLS).from(&CALLER).rate(50).run();
        drop(silent);
        let records = ringfence.stop();
        assert_eq!(counts(&records, "status"), [("500", CALLS)].into());
        if setting.transport == Transport::Tcp {
            assert!(calls(&records).iter().all(|call| call["setup_ms"].parse::<u64>().is_ok_and(|ms| ms < 1000)));
        }
    }
}
