//! `ringfence trunk`.

use super::*;
use crate::admin::tests::Fake;
use crate::flow::Transport;
use crate::reach::{Place, State};
use crate::sip::Target;
use crate::time::WallTime;

#[test]
fn show_has_a_line_for_each_target() {
    let served = Served::new(Fake::default());
    let unprobed = "TRUNK    STATE  CALLS  TARGET              ANSWERS     SINCE  LAST\n\
                    carrier  up         0  udp:127.0.0.2:5060  not probed\n";
    assert_eq!(done(&served, &["trunk", "show"]), unprobed);
    let target = Target::Address { transport: Transport::Udp, addr: "127.0.0.2:5060".parse().expect("an address") };
    let standing = served.backend.reach.enter(&Place { trunk: "carrier".into(), target });
    standing.set(State::Down, WallTime::parse("2026-11-22T12:00:00Z").expect("a time"));
    standing.tell(|told| told.last = Some(Err("no answer")));
    let shown = done(&served, &["trunk", "show"]);
    assert!(shown.contains("udp:127.0.0.2:5060  down     2026-11-22T12:00:00.000000Z  no answer"), "{shown}");
    assert!(done(&served, &["trunk", "show", "--json"]).contains(r#""state":"down""#));
}

#[test]
fn a_trunk_is_drained_switched_off_and_used_again() {
    let served = Served::new(Fake::default());
    for (word, generation) in [("drain", 8), ("off", 9), ("up", 10)] {
        let said = done(&served, &["trunk", word, "carrier", "--reason", "works at night"]);
        assert_eq!(said, format!("carrier: {word}; generation {generation}\n"));
    }
    let log = done(&served, &["list", "log"]);
    assert!(log.contains("off") && log.contains("trunk carrier") && log.contains("works at night"), "{log}");
}

#[test]
fn an_unknown_trunk_is_refused() {
    let served = Served::new(Fake::default());
    let (end, _, err) = of(&served, &["trunk", "off", "carier"]);
    assert_eq!(end, End::Refused);
    assert!(err.contains("there is no trunk \"carier\""), "{err}");
}
