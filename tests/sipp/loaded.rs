//! SIPp's own caller and callee, as they are.

use std::time::Duration;

use crate::facts::{Setting, Transport, alone};
use crate::ringfence::{ROUTE, Role, Scene, counts};
use crate::sipp::Sipp;

const RATE: usize = 1000;

const SECONDS: usize = 15;

fn uac_and_uas_talk(workers: u16) {
    let _machine = alone();
    let scene = Scene::new(Setting { transport: Transport::Udp, workers });
    let ringfence = scene.start(ROUTE);
    let calls = RATE * SECONDS;
    let callee = Sipp::builtin(&scene, Role::Callee, "uas", calls).at_most(PATIENCE).start();
    Sipp::builtin(&scene, Role::Caller, "uac", calls).rate(RATE).with(&["-s", "48221234567"]).at_most(PATIENCE).run();
    callee.finish();
    assert_eq!(counts(&ringfence.stop(), "status"), [("200", calls)].into());
}

/// The calls take 15 s; a machine that is busy makes fewer a second.
const PATIENCE: Duration = Duration::from_secs(90);

#[test]
fn a_thousand_calls_a_second_of_sipps_uac_to_its_uas_all_succeed_with_one_worker() {
    uac_and_uas_talk(1);
}

#[test]
fn a_thousand_calls_a_second_of_sipps_uac_to_its_uas_all_succeed_with_three_workers() {
    uac_and_uas_talk(3);
}
