//! A dialler that calls out.

use crate::office::{Calls, Office};

const MARKED: &str = "X-Campaign: spring-offer";
const AGENT: &str = "48221234567";
const LEAD: &str = "48600700800";
const LISTS: &str = r#"
[[list]]
name = "do-not-call"
class = "dnc"
[[list]]
name = "consented"
class = "allow"
entries = ["48600700800"]
"#;
/// At all hours, so that no test depends on when it runs.
const HOURS: (&str, &str) =
    ("days = \"mon-sat\", open = \"08:00-20:00\"", "days = \"mon-sun\", open = \"00:00-24:00\"");

fn office() -> Office {
    Office::of("Outbound campaigns", Calls::Out).but(HOURS.0, HOURS.1).and(LISTS)
}

fn reason(text: &str) -> String {
    format!("SIP;cause=603;text=\"{text}\"")
}

#[test]
fn a_number_that_is_blocked_while_the_campaign_runs_is_not_called_again() {
    let office = office();
    let open = office.opens();
    let carrier = open.answering(1);
    assert_eq!(open.call(AGENT, LEAD, &[MARKED]).start(), "200 OK");
    let [invite] = &carrier.was_called()[..] else { panic!("one call") };
    assert!(!invite.text().contains("X-Campaign"), "{invite:?}");

    assert_eq!(open.admin("POST", "/v1/campaigns/spring-offer/block/48600700800"), 201);
    let heard = open.call(AGENT, LEAD, &[MARKED]);
    assert_eq!((heard.start(), heard.header("Reason")), ("603 Decline", &*reason("Blacklist")));
}

#[test]
fn who_has_not_consented_is_not_called() {
    let office = office();
    let open = office.opens();
    let heard = open.call(AGENT, "48600700999", &[MARKED]);
    assert_eq!((heard.start(), heard.header("Reason")), ("603 Decline", &*reason("Not consented")));
}

#[test]
fn nobody_is_called_outside_his_hours() {
    let office = Office::of("Outbound campaigns", Calls::Out).and(LISTS);
    // The rest of the world has no hours at all.
    let office = office.but("prefix = \"48\"", "prefix = \"44\"");
    let heard = office.opens().call(AGENT, LEAD, &[MARKED]);
    assert_eq!((heard.start(), heard.header("Reason")), ("603 Decline", &*reason("Outside calling hours")));
}

#[test]
fn nobody_is_called_more_often_than_three_times_a_day() {
    let office = office();
    let open = office.opens();
    let carrier = open.answering(3);
    for _ in 0..3 {
        assert_eq!(open.call(AGENT, LEAD, &[MARKED]).start(), "200 OK");
    }
    assert_eq!(carrier.was_called().len(), 3);
    let heard = open.call(AGENT, LEAD, &[MARKED]);
    assert_eq!((heard.start(), heard.header("Reason")), ("603 Decline", &*reason("Too many attempts")));
    assert!(heard.header("Retry-After").parse::<u32>().is_ok_and(|seconds| seconds <= 24 * 3600), "{heard:?}");
}

#[test]
fn a_lead_list_is_scrubbed_before_anybody_is_called() {
    let office = office();
    let open = office.opens();
    let leads = "number\n48600700800\n48600700999\n112x\n";
    let scrubbed = open.posts("/v1/screen?campaign=spring-offer&trunk=pbx", "text/csv", leads);
    let lines: Vec<&str> = scrubbed.lines().collect();
    assert_eq!(lines.len(), 4, "{scrubbed}");
    assert!(lines[1].contains("48600700800") && lines[1].contains("pass"), "{scrubbed}");
    assert!(lines[2].contains("48600700999") && lines[2].contains("not-consented"), "{scrubbed}");
}
