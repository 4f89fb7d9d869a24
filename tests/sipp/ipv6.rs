//! Calls over IPv6.

use crate::facts::{Setting, Transport, facts};
use crate::ringfence::{Ringfence, Role, Scene, counts};
use crate::sipp::{CALLER, Sipp};

const CALLS: usize = 10;

/// The binary between a caller and a callee who have one address, [::1]: each has a socket of Ringfence for himself, by which
/// he is known.
fn start(scene: &Scene) -> Ringfence<'_> {
    let Setting { transport, workers } = scene.setting;
    let transport = if transport == Transport::Tcp { "tcp" } else { "udp" };
    let [outer, inner, callee] = [Role::Ringfence, Role::Second, Role::Callee].map(|role| scene.address(role));
    scene.start_with(&format!(
        r#"
[sip]
listen = [{{ name = "outer", addr = "{transport}:{outer}" }}, {{ name = "inner", addr = "{transport}:{inner}" }}]
workers = {workers}
[admin]
listen = "[::1]:0"
[state]
dir = "state"
[[trunk]]
name = "caller"
from = ["::1"]
on = "outer"
via = "outer"
trusted = true
[[trunk]]
name = "callee"
from = ["::1"]
to = ["sip:{callee};transport={transport}"]
on = "inner"
via = "inner"
trusted = true
[[route]]
name = "all"
trunks = ["caller"]
to = "callee"
"#
    ))
}

facts! {
    fn a_dialog_over_ipv6_lives_through_re_invites_of_both_sides(setting) {
        let scene = Scene::over_ipv6(setting);
        let ringfence = start(&scene);
        let callee = Sipp::play(&scene, Role::Callee, "callee_reinvites_and_is_hung_up", CALLS).start();
        Sipp::play(&scene, Role::Caller, "caller_reinvites_and_hangs_up", CALLS).from(&CALLER).rate(50).run();
        callee.finish();
        assert!(ringfence.metrics().contains("trunk=\"callee\""), "the admin port answers on [::1]");
        let records = ringfence.stop();
        assert_eq!(counts(&records, "status"), [("200", CALLS)].into());
        assert!(records.iter().filter(|record| record["event"] == "call").all(|record| record["peer"].starts_with("[::1]:")));
    }

    fn a_caller_over_ipv6_who_gives_up_stops_the_ringing(setting) {
        let scene = Scene::over_ipv6(setting);
        let ringfence = start(&scene);
        let callee = Sipp::play(&scene, Role::Callee, "callee_is_cancelled", CALLS).start();
        Sipp::play(&scene, Role::Caller, "caller_cancels", CALLS).from(&CALLER).rate(50).run();
        callee.finish();
        assert_eq!(counts(&ringfence.stop(), "status"), [("487", CALLS)].into());
    }
}
