//! Records of real calls, replayed by the binary against the config that made them and against another.

use std::process::Command;

use crate::counted::{DECLINED, PASSED, RULES};
use crate::facts::{Setting, Transport, try_with};
use crate::ringfence::{Role, Scene};
use crate::sipp::Sipp;

/// Listed at run time.
const EDITED: (&str, &str, &str) = ("<sip:+48600100300@example.net>", "48221234567", "X-Test: none");

/// Replays the records of the scene against a config: the exit code and what it says.
fn replay(scene: &Scene, config: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    command.args(["replay", "state/records", "--state", "state", "--fail-on-change", "--config", config]).args(more);
    let output = command.current_dir(scene.dir()).output().expect("the binary runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn records_of_a_run_are_the_same_under_its_config_and_told_under_another() {
    try_with(Transport::Udp, 3, |setting: Setting| {
        let scene = Scene::new(setting);
        let ringfence = scene.start(RULES);
        assert_eq!(ringfence.admin("PUT", "/v1/lists/blocked/entries/48600100300"), 201);
        Sipp::play(&scene, Role::Caller, "caller_declined", 4).from(&[DECLINED, EDITED]).rate(50).run();
        let callee = Sipp::play(&scene, Role::Callee, "callee_answers", 6).start();
        Sipp::play(&scene, Role::Caller, "caller_answered", 6).from(&[PASSED]).rate(50).run();
        callee.finish();
        let config = std::fs::read_to_string(scene.dir().join("ringfence.toml")).expect("its config");
        scene.write("candidate.toml", &config.replace("48600100200\"", "48600100299\""));
        let records = ringfence.stop();
        assert_eq!(crate::ringfence::calls(&records).len(), 10);

        let (code, said) = replay(&scene, "ringfence.toml", &[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("\n0 calls would change, 10 calls would not\n"), "{said}");
        let (code, said) = replay(&scene, "candidate.toml", &["--examples", "0"]);
        assert_eq!(code, Some(4), "{said}");
        let head = "inbound rule \"hotline\": ";
        assert!(
            said.contains(&format!(
                "\n{head}6 calls pass (route all, to callee) → decline (list blocked, 603, reason Unwanted)\n"
            )),
            "{said}"
        );
        assert!(
            said.contains(&format!(
                "\n{head}2 calls decline (list blocked, 603, reason Unwanted) → pass (route all, to callee)\n"
            )),
            "{said}"
        );
        assert!(said.contains("\n8 calls would change, 2 calls would not\n"), "{said}");
    });
}
