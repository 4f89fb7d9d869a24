//! What cannot be meant by the keys of campaigns, and which calls of diallers no campaign sees.

use super::*;

const LISTS: &str = r#"
[[list]]
name = "dnc"
class = "dnc"
[[list]]
name = "vip"
class = "allow"
"#;

/// What is wrong with a campaign of these keys, each with the text that it points at.
fn wrong(keys: &str) -> Vec<(RuleError, String)> {
    problems(&format!("{LISTS}[[campaign]]\nname = \"sale\"\ntrunks = [\"carrier\"]\n{keys}\n"))
}

#[test]
fn the_keys_of_campaigns_are_refused_on_inbound_rules() {
    for (key, value) in [
        ("only", "[\"vip\"]"),
        ("hours", "[]"),
        ("attempts", "\"3/24h\""),
        ("statuses", "{ only = \"No\" }"),
        ("block_into", "\"dnc\""),
    ] {
        let found = problems(&format!("{LISTS}[[inbound]]\nname = \"r\"\nlists = [\"dnc\"]\n{key} = {value}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, RuleError::CampaignOnly(key));
        assert!(value.contains(&found[0].1), "{found:?}");
    }
}

#[test]
fn hours_and_attempts_that_say_nothing_are_named_with_their_place() {
    let hours = |prefix: &str, zone: &str, days: &str, open: &str| {
        let mut found = wrong(&format!(
            "hours = [{{ prefix = \"{prefix}\", zone = \"{zone}\", days = \"{days}\", open = \"{open}\" }}]"
        ));
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    };
    let (zone, days, open) = ("Europe/Warsaw", "mon-sat", "08:00-20:00");
    for prefix in ["", "+48", "048", "4 8", "1234567890123456"] {
        assert_eq!(hours(prefix, zone, days, open), (RuleError::HoursPrefix, format!("\"{prefix}\"")));
    }
    let near = RuleError::HoursZone { name: "Europe/Warsow".into(), nearest: Some("Europe/Warsaw".into()) };
    assert_eq!(hours("48", "Europe/Warsow", days, open), (near, "\"Europe/Warsow\"".to_owned()));
    for days in ["", "mon-", "monday", "mon;tue", "1-5"] {
        assert_eq!(hours("48", zone, days, open), (RuleError::HoursDays, format!("\"{days}\"")));
    }
    for open in ["", "8:00-20:00", "08:00", "08:00-08:00", "24:00-02:00", "08:00-25:00", "08:60-09:00", "08:00-20:00,"]
    {
        assert_eq!(hours("48", zone, days, open), (RuleError::HoursOpen, format!("\"{open}\"")));
    }
    assert_eq!(wrong("hours = []"), [(RuleError::EmptyArray, "[]".to_owned())]);
    assert_eq!(wrong("only = []")[0].0, RuleError::EmptyArray);
    assert_eq!(wrong("attempts = \"3 a day\""), [(RuleError::Attempts, "\"3 a day\"".to_owned())]);
}

#[test]
fn what_nobody_meets_is_a_mistake() {
    assert_eq!(
        wrong("lists = [\"dnc\"]\nstatuses = { hours = \"No\" }"),
        [(RuleError::IdleStatus("hours"), "\"No\"".to_owned())]
    );
    for (key, value) in [("except", "[\"vip\"]"), ("action", "\"drop\""), ("status", "\"No\"")] {
        let found = wrong(&format!("attempts = \"3/24h\"\n{key} = {value}"));
        assert_eq!(found[0].0, RuleError::IdleWithoutLists(key), "{found:?}");
        assert_eq!(wrong(&format!("lists = [\"dnc\"]\nattempts = \"3/24h\"\n{key} = {value}")), []);
    }
    assert_eq!(wrong("attempts = \"3/24h\"\nstatuses = { attempts = \"a\\u0007\" }")[0].0, RuleError::ControlCharacter);
}

#[test]
fn a_list_that_callees_are_blocked_into_must_block_them() {
    let of = |keys: &str| wrong(&format!("{keys}\nblock_into = \"dnc\"")).into_iter().map(|(error, _)| error);
    assert!(of("lists = [\"dnc\"]").next().is_none());
    let nothing = || vec![RuleError::BlockIntoNothing("dnc".into())];
    for keys in [
        "attempts = \"3/24h\"",
        "lists = [\"default\"]\n[[list]]\nname = \"default\"\nclass = \"personal\"\n[[campaign]]\nname = \"b\"\ncallers = [\"4860*\"]",
        "lists = [\"dnc\"]\nexcept = [\"dnc\"]",
        "lists = [\"dnc\"]\naction = \"pass\"",
    ] {
        assert_eq!(of(keys).collect::<Vec<_>>(), nothing(), "{keys}");
    }
    let class = RuleError::BlockIntoClass { list: "vip".into(), class: Class::Allow };
    assert_eq!(wrong("lists = [\"dnc\"]\nblock_into = \"vip\""), [(class, "\"vip\"".to_owned())]);
    let unknown = wrong("lists = [\"dnc\"]\nblock_into = \"dno\"");
    assert!(matches!(&unknown[0].0, RuleError::Unknown { .. }), "{unknown:?}");
    let shared = format!(
        "{LISTS}[[inbound]]\nname = \"r\"\nlists = [\"dnc\"]\n\
         [[campaign]]\nname = \"sale\"\ncallers = [\"4860*\"]\nlists = [\"dnc\"]\nblock_into = \"dnc\"\n{ROUTE}"
    );
    assert!(notices(&shared).contains(&Notice::BlockIntoInbound("dnc".into())));
}

/// The routes that calls of diallers take unscreened.
fn uncovered(text: &str) -> Vec<(String, String)> {
    let found = notices(&format!("{LISTS}{text}")).into_iter().filter_map(|notice| match notice {
        Notice::Uncovered { trunk, route } => Some((trunk.to_string(), route.to_string())),
        _ => None,
    });
    found.collect()
}

#[test]
fn a_route_of_a_dialler_that_no_campaign_covers_is_told() {
    let routes = "[[route]]\nname = \"poland\"\ncalled = [\"48*\", \"112\"]\nto = \"carrier\"\n\
                  [[route]]\nname = \"other\"\ntrunks = [\"carrier\", \"wild\"]\nto = \"pbx\"\n";
    let of = |keys: &str| uncovered(&format!("[[campaign]]\nname = \"sale\"\nlists = [\"dnc\"]\n{keys}\n{routes}"));
    let both = || vec![("pbx".to_owned(), "poland".to_owned())];
    assert_eq!(of("trunks = [\"pbx\"]"), []);
    assert_eq!(of("callers = [\"4860*\"]"), [], "no trunk is a dialler's");
    assert_eq!(of("trunks = [\"pbx\"]\ncallers = [\"4860*\"]"), both());
    assert_eq!(of("trunks = [\"pbx\"]\nheader = { name = \"X-Campaign\" }"), both());
    assert_eq!(of("trunks = [\"pbx\"]\nmode = \"observe\""), both());
    assert_eq!(of("trunks = [\"pbx\"]\ncalled = [\"4860*\"]"), both());
    assert_eq!(of("trunks = [\"pbx\"]\ncalled = [\"48*\"]"), [], "calls for help need no screening");
    let two = "trunks = [\"pbx\"]\nheader = { name = \"X-Campaign\" }\n\
               [[campaign]]\nname = \"rest\"\ntrunks = [\"pbx\"]\nonly = [\"vip\"]\n";
    assert_eq!(of(two), [], "one rule asks all calls");
    let told = of("trunks = [\"pbx\", \"carrier\"]\ncallers = [\"4860*\"]");
    assert_eq!(
        told,
        [("carrier", "poland"), ("pbx", "poland"), ("carrier", "other")]
            .map(|(trunk, route)| (trunk.to_owned(), route.to_owned()))
    );
}

#[test]
fn a_route_is_covered_by_a_campaign_of_the_same_header_or_of_wider_callees() {
    let of = |rule: &str, route: &str| {
        uncovered(&format!(
            "[[campaign]]\nname = \"sale\"\ntrunks = [\"pbx\"]\nlists = [\"dnc\"]\n{rule}\n\
             [[route]]\nname = \"out\"\nto = \"carrier\"\n{route}\n"
        ))
        .is_empty()
    };
    let header = "header = { name = \"X-Campaign\", value = \"sale\" }";
    assert!(of(header, header));
    assert!(!of(header, "header = { name = \"X-Campaign\", value = \"other\" }"));
    let called = |texts: &str| format!("called = [{texts}]");
    for (rule, route) in [
        ("\"48*\"", "\"4860*\", \"48600000000-48600000099\", \"48221234567\""),
        ("\"48600000000-48699999999\"", "\"48610000000-48620000000\", \"48600000000\""),
        ("\"19115\", \"desk\"", "\"desk\", \"19115\""),
    ] {
        assert!(of(&called(rule), &called(route)), "{rule} {route}");
        assert!(!of(&called(route), &called("\"4*\"").replace("4*", "44*")), "{route}");
    }
    assert!(!of(&called("\"4860*\""), &called("\"48*\"")));
    assert!(!of(&called("\"48*\""), ""), "any callee");
}
