//! DESIGN section 5, point 4.

use super::*;
use crate::lists::Change;
use crate::screen::EditError;

const STRICT: &str = r#"
[numbers]
never_block = ["112", "116117"]
never_block_callers = ["48112*", "48221110001"]
[[list]]
name = "ours"
class = "pool"
entries = ["48223900001"]
[[inbound]]
name = "nobody"
action = "decline"
[[route]]
name = "present"
trunks = ["pbx"]
to = "carrier"
present = { pool = "ours" }
"#;

#[test]
fn an_emergency_callee_is_never_blocked_in_any_spelling() {
    let world = world(STRICT);
    for to in [
        "112",
        "+48112",
        "0048112",
        "sip:%2B48112@host",
        "tel:112;phone-context=+48",
        "sip:112@host;user=phone",
        "urn:service:sos",
        "URN:service:SOS.police",
        "116117",
        "+48116117",
    ] {
        let passage = call("48221110009", to).passage(&world);
        assert!(passage.emergency, "{to}");
    }
    for to in ["113", "+48113", "urn:service:counseling", "48112112112", "+49112"] {
        assert_eq!(call("48221110009", to).word(&world), "decline", "{to}");
    }
}

#[test]
fn a_trunk_of_another_country_reaches_both_emergency_numbers() {
    let text = format!(
        "{STRICT}[[trunk]]\nname = \"london\"\nfrom = [\"192.0.2.1\"]\ntrusted = true\ncountry = \"44\"\n\
         national = \"0\"\nnational_length = [10]\n"
    );
    let world = world(&text);
    for to in ["112", "+48112", "0048112", "+44112"] {
        assert!(call("442079460000", to).on("london").passage(&world).emergency, "{to}");
    }
}

#[test]
fn an_emergency_call_is_neither_hidden_nor_forwarded_nor_redirected() {
    for action in
        ["action = \"hide\"", "action = \"forward\"\nto = \"48220000000\"", "action = \"redirect\"\nto = \"sip:x@y\""]
    {
        let world = world(&format!("[[inbound]]\nname = \"all\"\n{action}\n"));
        let passage = call("48221110009", "112").passage(&world);
        assert!(!passage.hide && !passage.forwarded && passage.emergency, "{action}");
    }
}

#[test]
fn an_emergency_call_keeps_its_own_number() {
    let world = world(STRICT.replace("[[inbound]]\nname = \"nobody\"\naction = \"decline\"\n", "").as_str());
    assert!(call("48221110009", "112").on("pbx").passage(&world).present.is_none());
    assert!(call("48221110009", "48229990000").on("pbx").passage(&world).present.is_some());
}

#[test]
fn a_campaign_does_not_block_an_emergency_callee() {
    let world = world(
        r#"
        [[list]]
        name = "dnc"
        class = "dnc"
        entries = ["112"]
        [[campaign]]
        name = "c"
        trunks = ["carrier"]
        lists = ["dnc"]
        "#,
    );
    assert!(call("48221110009", "112").passage(&world).emergency);
}

#[test]
fn an_emergency_service_urn_is_routed_as_the_first_never_block_number() {
    let world = bare_world(&format!("{TRUNKS}[[route]]\nname = \"sos\"\ncalled = [\"112\"]\nto = \"pbx\"\n"));
    assert!(call("48221110009", "urn:service:sos").passage(&world).emergency);
    assert_eq!(call("48221110009", "998").answer(&world).status, 404);
}

#[test]
fn emergency_centres_calling_back_skip_blocks() {
    let world = world(STRICT);
    assert_eq!(call("48112000000", "48229990000").word(&world), "pass");
    assert_eq!(call("221110001", "48229990000").word(&world), "pass");
    assert_eq!(call("221110002", "48229990000").word(&world), "decline");
}

#[test]
fn a_forged_from_of_an_emergency_centre_opens_no_door() {
    let world = world(STRICT);
    assert_eq!(call("48112000000", "48229990000").asserted("48221110009").word(&world), "decline");
    assert_eq!(call("48221110009", "48229990000").asserted("48112000000").word(&world), "pass");
}

#[test]
fn check_warns_of_a_never_block_number_without_a_route() {
    let routes = "[[route]]\nname = \"out\"\ncalled = [\"48*\", \"112\"]\nto = \"carrier\"\n";
    assert_eq!(
        notices(&format!("[numbers]\nnever_block = [\"112\", \"999\"]\n{routes}")),
        [Notice::NoRoute("999".into())]
    );
    assert_eq!(notices(&format!("[numbers]\nnever_block = [\"112\"]\n{routes}")), []);
}

#[test]
fn no_edit_puts_a_never_block_number_into_a_list_that_could_block_it() {
    let text = format!(
        "{STRICT}[[list]]\nname = \"bad\"\nclass = \"personal\"\n[[list]]\nname = \"vip\"\nclass = \"allow\"\n"
    );
    let world = world(&text.replace("\"116117\"", "\"116117\", \"800111222\""));
    let edit = |list: &str, entry: &str, change| {
        let entry = Entry::parse(entry, &DialPlan::default()).expect("an entry");
        Edit { list: list.into(), entry, change }
    };
    let put = || Change::Put(Details::default());
    for entry in ["112", "+48112", "0048116117", "800111222", "48800*", "48800111000-48800111999"] {
        for list in ["bad", "ours"] {
            let refused = edit(list, entry, put());
            let error = EditError::NeverBlock { list: list.into(), entry: refused.entry.clone() };
            assert_eq!(world.accepts(&refused), Err(error.clone()), "{entry}");
            assert_eq!(world.with_edits(&[edit("bad", "48221110001", put()), refused]).err(), Some(error), "{entry}");
        }
        assert_eq!(world.accepts(&edit("vip", entry, put())), Ok(()), "{entry}");
        assert_eq!(world.accepts(&edit("bad", entry, Change::Remove)), Ok(()), "{entry}");
    }
    for entry in ["113", "800111223", "48801*", "48800111223-48800111999", "anonymous", "sos"] {
        assert_eq!(world.accepts(&edit("bad", entry, put())), Ok(()), "{entry}");
    }
}
