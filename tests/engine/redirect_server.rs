//! A redirect server: clean calls go back to the switch that asks, which goes on itself.

use crate::stage::{CARRIER, Sent, Stage, columns, invite};

/// A stage where calls to +4835… are answered, and to +4850… with a presented number.
fn stage(answer: &str, changes: &[(&str, &str)]) -> Stage {
    let routes = format!("[[route]]\nname = \"ask\"\ncalled = [\"4835*\", \"112\"]\n{answer}\n");
    let out = ("to = \"carrier\"\npresent", "answer = 302\npresent");
    let unavailable = ("unavailable = 486\n", "");
    Stage::with(&[&[out, unavailable], changes].concat(), &routes)
}

fn asking(caller: u32) -> String {
    invite(caller).replace("+4822123", "+4835123")
}

fn answer(stage: &mut Stage, text: &str) -> Sent {
    stage.receive(CARRIER, text);
    let answer = stage.one();
    let load = stage.load();
    assert_eq!((load.transactions, load.proxies, load.remembered), (0, 0, 1), "it costs no state");
    answer
}

/// The Contact of the 302 to this INVITE.
fn contact(changes: &[(&str, &str)], answer_with: &str, text: &str) -> String {
    answer(&mut stage(answer_with, changes), text).header("Contact").to_owned()
}

#[test]
fn a_302_names_the_callee_as_the_call_did() {
    let contact = |text: &str| contact(&[], "answer = 302", text);
    assert_eq!(contact(&asking(9)), "<sip:+48351234567@10.0.0.1;user=phone>");
    let ported = asking(9).replacen("+48351234567", "0048351234567;npdi;rn=+48999", 1);
    assert_eq!(contact(&ported), "<sip:0048351234567;npdi;rn=+48999@10.0.0.1;user=phone>");
    assert_eq!(
        contact(&asking(9).replacen("@10.0.0.1 ", "@10.0.0.1:5060;x=y ", 1)),
        "<sip:+48351234567@10.0.0.1:5060;user=phone>"
    );
}

#[test]
fn the_number_is_written_as_the_switch_writes_its_own() {
    let format = ("name = \"carrier\"", "name = \"carrier\"\nnumber_format = \"national\"\nprefix = \"9\"");
    assert_eq!(contact(&[format], "answer = 302", &asking(9)), "<sip:351234567@10.0.0.1;user=phone>");
}

#[test]
fn the_route_may_name_the_host() {
    let at = contact(&[], "answer = 302\nhost = \"sbc.example.net:5070\"", &asking(9));
    assert_eq!(at, "<sip:+48351234567@sbc.example.net:5070;user=phone>");
    let tel = asking(9).replacen("sip:+48351234567@10.0.0.1", "tel:+48351234567", 1);
    assert_eq!(contact(&[], "answer = 302\nhost = \"h\"", &tel), "<sip:+48351234567@h;user=phone>");
    assert_eq!(contact(&[], "answer = 302", &tel), "<tel:+48351234567>");
}

#[test]
fn a_presented_number_stands_in_the_contact_and_in_a_header() {
    let mut stage = stage("answer = 302", &[]);
    let answer = answer(&mut stage, &invite(9).replace("+4822123", "+4850123"));
    let identity = "<sip:+48501000000@10.0.0.1;user=phone>";
    assert_eq!(answer.header("P-Asserted-Identity"), identity);
    let escaped = "%3Csip%3A%2B48501000000%4010.0.0.1%3Buser%3Dphone%3E";
    let expected = format!("<sip:+48501234567@10.0.0.1;user=phone?P-Asserted-Identity={escaped}>");
    assert_eq!(answer.header("Contact"), expected);
    let record = stage.records().pop().expect("a record");
    let told = columns(&record, ["verdict", "route", "presented", "status"]);
    assert_eq!(told, ["return", "out", "48501000000", "302"]);
    assert_eq!(stage.counters().blocked.get(), 0);
}

#[test]
fn the_routes_host_stands_in_all_of_the_answer() {
    let host = ("name = \"carrier\"", "name = \"carrier\"\nhost = \"a.example.net\"");
    let out = ("to = \"carrier\"\npresent", "answer = 302\nhost = \"b.example.net\"\npresent");
    let unavailable = ("unavailable = 486\n", "");
    let mut stage = Stage::with(&[host, out, unavailable], "");
    let answer = answer(&mut stage, &invite(9).replace("+4822123", "+4850123"));
    assert_eq!(answer.header("P-Asserted-Identity"), "<sip:+48501000000@b.example.net;user=phone>");
    assert_eq!(answer.text.matches("a.example.net").count(), 0);
}

#[test]
fn a_forward_and_a_hide_are_told() {
    let to = ("to = \"48229999999\"", "to = \"48359999999\"");
    let forwarded = answer(&mut stage("answer = 302", &[to]), &asking(4));
    assert_eq!(forwarded.header("Contact"), "<sip:+48359999999@10.0.0.1;user=phone>");
    assert_eq!(forwarded.header("Diversion"), "<sip:+48351234567@10.0.0.1>;reason=unconditional;counter=1");
    let hidden = answer(&mut stage("answer = 302", &[]), &asking(3));
    assert_eq!(hidden.header("Contact"), "<sip:+48351234567@10.0.0.1;user=phone?Privacy=id>");
    assert_eq!(hidden.header("Privacy"), "id");
}

#[test]
fn a_404_and_a_503_say_nothing_more() {
    for status in [404, 503] {
        let answer = answer(&mut stage(&format!("answer = {status}"), &[]), &asking(9));
        assert_eq!(answer.status(), status);
        for name in ["Contact", "Retry-After", "P-Asserted-Identity", "Reason"] {
            assert!(answer.headers(name).is_empty(), "{name}");
        }
    }
}

#[test]
fn a_listed_caller_is_declined() {
    assert_eq!(answer(&mut stage("answer = 302", &[]), &asking(1)).first_line(), "SIP/2.0 603 Decline");
}

#[test]
fn a_call_for_help_is_never_declined() {
    let help = invite(1).replace("+48221234567", "112");
    let contact = |text: &str| contact(&[], "answer = 302", text);
    assert_eq!(contact(&help), "<sip:112@10.0.0.1;user=phone>");
    let service = invite(1).replacen("sip:+48221234567@10.0.0.1", "urn:service:sos.fire", 1);
    assert_eq!(contact(&service), "<urn:service:sos.fire>");
}
