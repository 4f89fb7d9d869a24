//! Calls that screening answers itself.

use std::io::ErrorKind;
use std::net::{TcpListener, UdpSocket};

use crate::facts::{Transport, facts};
use crate::ringfence::{Role, Scene, calls, counts};
use crate::sipp::Sipp;

const DECLINE: &str = r#"
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
"#;

/// A call of each of these callers hears 603 and never reaches the callee, a call of each of the others does.
fn decline(scene: &Scene, entries: &str, declined: &[(&str, &str, &str)], passed: &[(&str, &str, &str)]) {
    let ringfence = scene.start(&format!("{DECLINE}entries = [{entries}]\n"));
    let callee = Callee::listen(scene);
    let several = declined.len() * 5;
    Sipp::play(scene, Role::Caller, "caller_declined", several).from(declined).rate(200).run();
    callee.has_heard_nothing();
    drop(callee);
    let callee = Sipp::play(scene, Role::Callee, "callee_answers", passed.len()).start();
    Sipp::play(scene, Role::Caller, "caller_answered", passed.len()).from(passed).run();
    callee.finish();
    let records = ringfence.stop();
    assert_eq!(counts(&records, "verdict"), [("decline", several), ("pass", passed.len())].into());
    let blocked = |record: &&&crate::ringfence::Record| record["verdict"] == "decline";
    for record in calls(&records).iter().filter(blocked) {
        assert_eq!((&*record["rule"], &*record["list"], &*record["status"]), ("hotline", "blocked", "603"));
    }
}

/// A callee who is never called.
enum Callee {
    Udp(UdpSocket),
    Tcp(TcpListener),
}

impl Callee {
    fn listen(scene: &Scene) -> Callee {
        let address = scene.address(Role::Callee);
        if scene.setting.transport == Transport::Tcp {
            let listener = TcpListener::bind(address).expect("the port is free");
            listener.set_nonblocking(true).expect("a socket can be asked");
            Callee::Tcp(listener)
        } else {
            let socket = UdpSocket::bind(address).expect("the port is free");
            socket.set_nonblocking(true).expect("a socket can be asked");
            Callee::Udp(socket)
        }
    }

    fn has_heard_nothing(&self) {
        let heard = match self {
            Callee::Udp(socket) => socket.recv(&mut [0; 64]).err(),
            Callee::Tcp(listener) => listener.accept().err(),
        };
        assert_eq!(heard.map(|error| error.kind()), Some(ErrorKind::WouldBlock), "the callee was called");
    }
}

const CALLED: &str = "48221234567";
const NO_HEADER: &str = "X-Test: none";

/// A caller who shows a From and nothing else.
fn caller(from: &'static str) -> (&'static str, &'static str, &'static str) {
    (from, CALLED, NO_HEADER)
}

const STRANGER: (&str, &str, &str) = ("<sip:+48600100299@example.net>", CALLED, NO_HEADER);

facts! {
    fn a_listed_caller_is_declined_in_every_spelling(setting) {
        let listed = [
            caller("<sip:+48600100200@example.net>"),
            caller("<sip:0048600100200@example.net>"),
            caller("<sip:48600100200@example.net>"),
            caller("<sip:600100200@example.net>"),
            caller("<sip:%2B48600100200@example.net>"),
            caller("\"48600100299\" <sip:600-100-200@example.net>"),
            caller("<tel:+48-600-100-200>"),
        ];
        decline(&Scene::new(setting), r#""48600100200""#, &listed, &[STRANGER]);
    }

    fn a_listed_asserted_identity_is_declined_whatever_from_says(setting) {
        let listed = ("<sip:+48600100299@example.net>", CALLED, "P-Asserted-Identity: <sip:+48600100200@example.net>");
        let stranger = ("<sip:+48600100299@example.net>", CALLED, "P-Asserted-Identity: <sip:+48600100298@example.net>");
        decline(&Scene::new(setting), r#""48600100200""#, &[listed], &[stranger]);
    }

    fn a_caller_below_a_listed_prefix_is_declined(setting) {
        let listed = [caller("<sip:+48700000001@example.net>"), caller("<sip:709999999@example.net>")];
        let others = [caller("<sip:+48690000001@example.net>"), caller("<sip:+48710000001@example.net>")];
        decline(&Scene::new(setting), r#""4870*""#, &listed, &others);
    }

    fn a_caller_in_a_listed_range_is_declined_its_ends_included(setting) {
        let listed = [
            caller("<sip:+48700000000@example.net>"),
            caller("<sip:+48700004321@example.net>"),
            caller("<sip:+48700009999@example.net>"),
        ];
        let others = [caller("<sip:+48699999999@example.net>"), caller("<sip:+48700010000@example.net>")];
        decline(&Scene::new(setting), r#""48700000000-48700009999""#, &listed, &others);
    }

    fn an_anonymous_caller_is_declined_even_with_a_known_number(setting) {
        let listed = [
            caller("\"Anonymous\" <sip:anonymous@anonymous.invalid>"),
            ("<sip:+48600100299@example.net>", CALLED, "Privacy: id"),
        ];
        decline(&Scene::new(setting), r#""anonymous""#, &listed, &[STRANGER]);
    }

    fn a_caller_without_usable_number_is_declined(setting) {
        let listed = [caller("<sip:unavailable@unknown.invalid>"), caller("<sip:example.net>")];
        decline(&Scene::new(setting), r#""unavailable""#, &listed, &[STRANGER]);
    }

    fn a_listed_caller_is_redirected(setting) {
        let scene = Scene::new(setting);
        let ringfence = scene.start(
            r#"
[[inbound]]
name = "moved"
lists = ["default"]
action = "redirect"
to = "sip:+48221112233@pbx.example.net"
[[route]]
name = "all"
trunks = ["caller"]
to = "callee"
[[list]]
name = "default"
class = "personal"
entries = ["48600100200"]
"#,
        );
        let callee = Callee::listen(&scene);
        Sipp::play(&scene, Role::Caller, "caller_redirected", 20)
            .from(&[caller("<sip:+48600100200@example.net>")])
            .rate(200)
            .run();
        callee.has_heard_nothing();
        let records = ringfence.stop();
        assert_eq!(counts(&records, "verdict"), [("redirect", 20)].into());
        assert_eq!(counts(&records, "status"), [("302", 20)].into());
    }

    fn a_switch_that_asks_is_told_whom_to_call_and_which_number_to_show(setting) {
        let scene = Scene::new(setting);
        let ringfence = scene.start(
            r#"
[[route]]
name = "ask"
trunks = ["caller"]
answer = 302
host = "sbc.example.net:5070"
present = { pool = "our-numbers" }
[[list]]
name = "our-numbers"
class = "pool"
entries = ["48221110009"]
"#,
        );
        let callee = Callee::listen(&scene);
        let asking = ("<sip:+48600100200@example.net>", "+48221234567", NO_HEADER);
        Sipp::play(&scene, Role::Caller, "switch_asks", 20).from(&[asking]).rate(200).run();
        callee.has_heard_nothing();
        let records = ringfence.stop();
        assert_eq!(counts(&records, "verdict"), [("return", 20)].into());
        assert_eq!(counts(&records, "presented"), [("48221110009", 20)].into());
    }
}
