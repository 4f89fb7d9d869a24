//! What two configs do not have in common.

use toml::{Table, Value};

use crate::admin::RuleChange;

/// The trunks, rules and their tables that differ between the texts of two configs. Both were read before, so that
/// they are TOML.
pub(super) fn rules(before: &str, after: &str) -> Vec<RuleChange> {
    let parse = |text: &str| text.parse::<Table>().unwrap_or_default();
    let (before, after) = (parse(before), parse(after));
    let mut changes = Vec::new();
    for table in SINGLE {
        match (before.get(table), after.get(table)) {
            (None, Some(_)) => changes.push(RuleChange { table, name: None, change: "added" }),
            (Some(_), None) => changes.push(RuleChange { table, name: None, change: "removed" }),
            (one, other) if one != other => changes.push(RuleChange { table, name: None, change: "changed" }),
            _ => {}
        }
    }
    for table in ARRAYS {
        array(table, &named(&before, table), &named(&after, table), &mut changes);
    }
    changes
}

type Named<'t> = Vec<(&'t str, &'t Value)>;

fn named<'t>(config: &'t Table, table: &str) -> Named<'t> {
    let tables = config.get(table).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    tables.iter().map(|table| (table.get("name").and_then(Value::as_str).unwrap_or_default(), table)).collect()
}

fn array(table: &'static str, before: &Named<'_>, after: &Named<'_>, changes: &mut Vec<RuleChange>) {
    let known = changes.len();
    let find = |tables: &Named<'_>, name: &str| tables.iter().position(|(known, _)| *known == name);
    let mut push = |name: &str, change| changes.push(RuleChange { table, name: Some(name.to_owned()), change });
    for (name, value) in after {
        match find(before, name) {
            None => push(name, "added"),
            Some(at) if before[at].1 != *value => push(name, "changed"),
            Some(_) => {}
        }
    }
    for (name, _) in before {
        if find(after, name).is_none() {
            push(name, "removed");
        }
    }
    if changes.len() == known && before != after {
        changes.push(RuleChange { table, name: None, change: "reordered" });
    }
}

/// Tables of which there is one.
const SINGLE: [&str; 3] = ["numbers", "answers", "tls"];

/// Tables of which there are many; lists are told apart by their counts.
const ARRAYS: [&str; 4] = ["trunk", "inbound", "campaign", "route"];
