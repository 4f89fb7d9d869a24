//! IPv6, and calls between it and IPv4, in every header that has an address.

use crate::stage::{Sent, Stage, from_callee, from_caller, invite, invite_from_six, ok, response};

const FOUR: &str = "198.51.100.7:5060";
const CALLER: &str = "[2001:db8:6::7]:5060";
const CALLEE: &str = "[2001:db8:6::9]:5070";
/// The sockets by their position.
const UDP4: u16 = 0;
const UDP6: u16 = 2;

/// A call from IPv4 to the trunk on IPv6.
fn to_six() -> String {
    invite(9).replace("+4822", "+4836")
}

/// The INVITE as it arrived at the callee, and the 200 as it arrived at the caller.
fn answered(stage: &mut Stage, caller: (&str, u16), text: &str, callee_socket: u16) -> (Sent, Sent) {
    stage.receive_by(caller.0, caller.1, text);
    let sent = stage.one();
    stage.receive_by(&sent.to(), callee_socket, &ok(&sent));
    (sent, stage.one())
}

#[test]
fn a_call_from_ipv4_reaches_ipv6_with_brackets_wherever_an_address_stands() {
    let (sent, answer) = answered(&mut Stage::dual_stack(&[]), (FOUR, UDP4), &to_six(), UDP6);
    assert_eq!(sent.to(), CALLEE);
    assert_eq!(sent.uri(), "sip:+48361234567@[2001:db8:6::9]:5070");
    assert!(sent.headers("Via")[0].starts_with("SIP/2.0/UDP [2001:db8::1]:5060;branch="));
    let routes = sent.headers("Record-Route");
    assert!(routes[0].ends_with("@[2001:db8::1]:5060;lr>") && routes[1].ends_with("@10.0.0.1:5060;lr>"), "{routes:?}");
    assert_eq!(sent.header("P-Asserted-Identity"), "<sip:+48501000000@[2001:db8::1]:5060;user=phone>");
    assert_eq!((answer.to().as_str(), answer.status()), (FOUR, 200));
    assert_eq!(answer.headers("Record-Route"), routes);
}

#[test]
fn requests_inside_the_dialog_cross_both_ways() {
    for (caller, text, callee_socket) in [((FOUR, UDP4), to_six(), UDP6), ((CALLER, UDP6), invite_from_six(9), UDP4)] {
        let mut stage = Stage::dual_stack(&[]);
        let (sent, answer) = answered(&mut stage, caller, &text, callee_socket);
        for (cseq, method) in [(1, "ACK"), (2, "INVITE"), (3, "BYE")] {
            stage.receive_by(caller.0, caller.1, &from_caller(method, cseq, &answer));
            let onward = stage.one();
            assert_eq!((onward.to(), onward.flow.listener.0), (sent.to(), callee_socket), "{method}");
            assert!(onward.headers("Route").is_empty());
            if method == "INVITE" {
                assert_eq!(onward.headers("Record-Route"), sent.headers("Record-Route"));
                stage.receive_by(&sent.to(), callee_socket, &ok(&onward));
                assert_eq!(stage.one().to(), caller.0);
            }
        }
        let mut stage = Stage::dual_stack(&[]);
        let (sent, _) = answered(&mut stage, caller, &text, callee_socket);
        stage.receive_by(&sent.to(), callee_socket, &from_callee("BYE", 7, &sent));
        let bye = stage.one();
        assert_eq!((bye.to().as_str(), bye.flow.listener.0), caller);
    }
}

#[test]
fn a_caller_hangs_up_across_the_families_before_he_is_answered() {
    for (caller, text, callee_socket) in [((FOUR, UDP4), to_six(), UDP6), ((CALLER, UDP6), invite_from_six(9), UDP4)] {
        let mut stage = Stage::dual_stack(&[]);
        stage.receive_by(caller.0, caller.1, &text);
        let sent = stage.one();
        stage.receive_by(&sent.to(), callee_socket, &response(&sent, 180, "")).sent();
        stage.receive_by(caller.0, caller.1, &text.replace("INVITE", "CANCEL"));
        let [ok, cancel] = &stage.sent()[..] else { panic!("a 200 and a CANCEL") };
        assert_eq!((ok.status(), ok.to().as_str()), (200, caller.0));
        assert!(cancel.is_request("CANCEL"));
        assert_eq!((cancel.to(), cancel.flow.listener.0), (sent.to(), callee_socket));
        assert_eq!(cancel.header("Via"), sent.headers("Via")[0]);
    }
}

#[test]
fn received_is_written_without_brackets_and_rport_beside_it() {
    for (sent_by, params, stamped) in [
        ("phone.example.net", ";rport", ";received=2001:db8:6::7;rport=40001"),
        ("[2001:db8:6::8]:5062", "", ";received=2001:db8:6::7"),
        // What the sender writes of himself is replaced, in either spelling.
        ("[2001:db8:6::7]", ";received=[2001:db8::bad]", ";received=2001:db8:6::7"),
        ("[2001:db8:6::7]", ";received=2001:db8::bad", ";received=2001:db8:6::7"),
        ("[2001:DB8:6:0::7]", "", ""),
    ] {
        let mut stage = Stage::dual_stack(&[]);
        let via = format!("{sent_by};branch=z9hG4bKinvite");
        let text = invite_from_six(9).replace("[2001:db8:6::7]:5060;branch=z9hG4bKinvite", &format!("{via}{params}"));
        stage.receive_by("[2001:db8:6::7]:40001", UDP6, &text);
        assert_eq!(stage.one().headers("Via")[1], format!("SIP/2.0/UDP {via}{stamped}"));
    }
}

#[test]
fn responses_go_to_the_source_to_its_rport_or_to_maddr() {
    for (sent_by, to) in [
        ("[2001:db8:6::7]:5062;branch=z9hG4bKinvite", "[2001:db8:6::7]:5062"),
        ("2001:db8:6::7;branch=z9hG4bKinvite", "[2001:db8:6::7]:5060"),
        ("[2001:db8:6::8];branch=z9hG4bKinvite;rport", "[2001:db8:6::7]:40001"),
        ("[2001:db8:6::7];branch=z9hG4bKinvite;maddr=[2001:db8:6::40]", "[2001:db8:6::40]:5060"),
    ] {
        let mut stage = Stage::dual_stack(&[]);
        let text = invite_from_six(9).replace("[2001:db8:6::7]:5060;branch=z9hG4bKinvite", sent_by);
        stage.receive_by("[2001:db8:6::7]:40001", UDP6, &text.replace("Max-Forwards: 70", "Max-Forwards: 0"));
        let answer = stage.one();
        assert_eq!((answer.status(), answer.to().as_str()), (483, to), "{sent_by}");
    }
}

#[test]
fn a_contact_with_maddr_leads_there() {
    let mut stage = Stage::dual_stack(&[]);
    stage.receive(FOUR, &to_six());
    let sent = stage.one();
    let contact = "Contact: <sip:desk@phone.example.net:5072;maddr=[2001:db8:6::40]>";
    stage.receive_by(CALLEE, UDP6, &response(&sent, 200, contact));
    let answer = stage.one();
    stage.receive(FOUR, &from_caller("ACK", 1, &answer));
    assert_eq!(stage.one().to(), "[2001:db8:6::40]:5072");
}

#[test]
fn an_ipv4_mapped_address_is_the_ipv4_address() {
    let mut stage = Stage::dual_stack(&[("sip:[2001:db8:6::9]:5070", "sip:[::ffff:192.0.2.60]:5070")]);
    stage.receive(FOUR, &to_six());
    let sent = stage.one();
    assert_eq!((sent.to().as_str(), sent.uri()), ("192.0.2.60:5070", "sip:+48361234567@192.0.2.60:5070"));
    stage.receive(&sent.to(), &response(&sent, 200, "Contact: <sip:desk@[::FFFF:192.0.2.61]>"));
    let answer = stage.one();
    stage.receive(FOUR, &from_caller("ACK", 1, &answer));
    assert_eq!(stage.one().to(), "192.0.2.61:5060");
}

#[test]
fn a_link_local_peer_is_answered_by_its_interface_and_no_zone_is_sent() {
    let mut stage = Stage::dual_stack(&[]);
    let text = invite_from_six(9)
        .replace("[2001:db8:6::7]", "[fe80::7]")
        .replace("branch=z9hG4bKinvite", "branch=z9hG4bKx;rport");
    stage.receive_by("[fe80::7%3]:5060", UDP6, &text);
    let sent = stage.one();
    assert!(!sent.text.contains('%'), "{}", sent.text);
    stage.receive(&sent.to(), &response(&sent, 180, ""));
    let ringing = stage.one();
    assert_eq!(ringing.to(), "[fe80::7%3]:5060");
    assert!(!ringing.text.contains('%'), "{}", ringing.text);
}

#[test]
fn our_own_address_is_known_in_every_spelling() {
    for uri in ["sip:[2001:db8::1]", "sip:[2001:DB8:0:0::1]:5060", "sip:[2001:0db8::0001]"] {
        let mut stage = Stage::dual_stack(&[]);
        let text = invite_from_six(9).replace("INVITE sip:+48221234567@[2001:db8::1]", &format!("INVITE {uri}"));
        stage.receive_by(CALLER, UDP6, &text.replace("INVITE", "OPTIONS"));
        assert_eq!(stage.one().status(), 200, "{uri}");
    }
}

#[test]
fn an_advertised_address_is_known_in_every_spelling() {
    let advertised =
        ("\"udp:[2001:db8::1]:5060\"", "{ addr = \"udp:[2001:db8::1]:5060\", advertise = \"[2001:db8:a::1]:5060\" }");
    for uri in ["sip:[2001:db8:a::1]", "sip:[2001:DB8:A:0::1]:5060"] {
        let mut stage = Stage::dual_stack(&[advertised]);
        let text = invite_from_six(9).replace("INVITE sip:+48221234567@[2001:db8::1]", &format!("INVITE {uri}"));
        stage.receive_by(CALLER, UDP6, &text.replace("INVITE", "OPTIONS"));
        assert_eq!(stage.one().status(), 200, "{uri}");
    }
}

#[test]
fn diversion_and_a_redirects_contact_have_brackets() {
    let redirect = ("sip:+48221112233@pbx.example.net", "sip:+48221112233@[2001:db8::5]:5062");
    let mut stage = Stage::dual_stack(&[redirect]);
    stage.receive_by(CALLER, UDP6, &invite_from_six(9).replace("48600000009", "48600000004"));
    let sent = stage.one();
    assert_eq!(sent.header("Diversion"), "<sip:+48221234567@[2001:db8::1]>;reason=unconditional;counter=1");
    stage.receive_by(
        CALLER,
        UDP6,
        &invite_from_six(9).replace("48600000009", "48600000005").replace("z9hG4bK", "z9hG4bKr"),
    );
    let moved = stage.sent().into_iter().find(|sent| sent.text.starts_with("SIP/2.0 302")).expect("a 302");
    assert_eq!(moved.header("Contact"), "<sip:+48221112233@[2001:db8::5]:5062>");
}
