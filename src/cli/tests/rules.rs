//! `ringfence rule`.

use super::*;
use crate::admin::tests::Fake;

#[test]
fn show_has_a_line_for_each_rule() {
    let served = Served::new(Fake::default());
    let expected = "RULE     KIND      MODE     ACTION   DECIDED  OBSERVED  LISTS\n\
                    hotline  inbound   enforce  decline        3         1  default\n\
                    sale     campaign  enforce  decline        0         0  default\n\
                    plain    campaign  enforce  decline        0         0\n";
    assert_eq!(done(&served, &["rule", "show"]), expected);
    assert!(done(&served, &["rule", "show", "--json"]).contains(r#""configured":"enforce""#));
}

#[test]
fn a_mode_is_set_and_reset() {
    let served = Served::new(Fake::default());
    for (word, mode, generation) in [("observe", "observe", 8), ("off", "off", 9), ("enforce", "enforce", 10)] {
        let said = done(&served, &["rule", word, "hotline", "--reason", "a bad night"]);
        assert_eq!(said, format!("hotline: {mode}; generation {generation}\n"));
        assert!(done(&served, &["rule", "show"]).contains(&format!("{mode} by hand")));
    }
    assert_eq!(done(&served, &["rule", "reset", "hotline"]), "hotline: enforce; generation 11\n");
    assert!(!done(&served, &["rule", "show"]).contains("by hand"));
    let log = done(&served, &["list", "log"]);
    assert!(log.contains("reset") && log.contains("rule hotline") && log.contains("a bad night"), "{log}");
}

#[test]
fn an_unknown_rule_is_refused() {
    let served = Served::new(Fake::default());
    let (end, _, err) = of(&served, &["rule", "off", "hotlin"]);
    assert_eq!(end, End::Refused);
    assert!(err.contains("there is no rule \"hotlin\""), "{err}");
}
