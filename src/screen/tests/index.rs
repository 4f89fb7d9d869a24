//! The index finds what asking every rule finds.
//!
//! `Naive` is a second judge that shares no code with the first: it holds rules as plain data and asks one after another.

use proptest::prelude::*;

use super::*;
use crate::number::Party;
use crate::screen::index::Candidates;
use crate::screen::policy::TrunkId;
use crate::screen::{CallFacts, CallView};

const LISTS: [(&str, &[&str]); 4] = [
    ("l0", &["48221110000-48221110004", "48221110011"]),
    ("l1", &["4822111000*", "desk"]),
    ("l2", &["48221110002", "112233", "anonymous"]),
    ("l3", &[]),
];

/// Few digits, so that rules overlap and calls hit them.
fn number() -> impl Strategy<Value = u64> {
    (0u64..20).prop_map(|last| 48_221_110_000 + last)
}

#[derive(Debug, Clone)]
enum Pattern {
    Number(u64),
    /// So many digits of a number.
    Prefix(u64, usize),
    Range(u64, u64),
    Text(&'static str),
}

impl Pattern {
    fn text(&self) -> String {
        match self {
            Pattern::Number(number) => number.to_string(),
            Pattern::Prefix(number, digits) => format!("{}*", &number.to_string()[..*digits]),
            Pattern::Range(low, high) => format!("{low}-{high}"),
            Pattern::Text(text) => (*text).to_owned(),
        }
    }

    fn matches(&self, party: &str) -> bool {
        match self {
            Pattern::Number(number) => party == number.to_string(),
            Pattern::Prefix(number, digits) => party.len() == 11 && party.starts_with(&number.to_string()[..*digits]),
            Pattern::Range(low, high) => {
                party.len() == 11 && party.parse().is_ok_and(|party: u64| (*low..=*high).contains(&party))
            }
            Pattern::Text(text) => party == *text,
        }
    }
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        number().prop_map(Pattern::Number),
        (number(), 2usize..=11).prop_map(|(number, digits)| Pattern::Prefix(number, digits)),
        (number(), 0u64..3000).prop_map(|(low, more)| Pattern::Range(low.saturating_sub(more / 2), low + more)),
        prop_oneof![Just("desk"), Just("112233"), Just("0123456")].prop_map(Pattern::Text),
    ]
}

fn party() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => number().prop_map(|number| number.to_string()),
        1 => prop_oneof![Just("desk"), Just("112233"), Just("0123456"), Just("other")].prop_map(str::to_owned),
    ]
}

#[derive(Debug, Clone)]
struct Naive {
    trunks: Vec<u16>,
    called: Vec<Pattern>,
    callers: Vec<Pattern>,
    lists: Vec<usize>,
    except: Vec<usize>,
    action: &'static str,
    mode: &'static str,
}

fn rule() -> impl Strategy<Value = Naive> {
    (
        prop::collection::vec(0u16..3, 0..3),
        prop::collection::vec(pattern(), 0..4),
        prop::collection::vec(pattern(), 0..2),
        prop::collection::vec(0usize..4, 0..3),
        prop::collection::vec(0usize..4, 0..2),
        prop_oneof![Just("decline"), Just("drop"), Just("hide"), Just("pass")],
        prop_oneof![6 => Just("enforce"), 1 => Just("observe"), 1 => Just("off")],
    )
        .prop_map(|(trunks, called, callers, lists, except, action, mode)| Naive {
            trunks,
            called,
            callers,
            lists,
            except,
            action,
            mode,
        })
}

impl Naive {
    fn toml(&self, name: usize) -> String {
        let quoted = |texts: Vec<String>| {
            format!("[{}]", texts.iter().map(|t| format!("\"{t}\"")).collect::<Vec<_>>().join(", "))
        };
        let mut text =
            format!("[[inbound]]\nname = \"{name}\"\naction = \"{}\"\nmode = \"{}\"\n", self.action, self.mode);
        if !self.trunks.is_empty() {
            text += &format!(
                "trunks = {}\n",
                quoted(self.trunks.iter().map(|t| ["carrier", "pbx", "wild"][usize::from(*t)].to_owned()).collect())
            );
        }
        if !self.called.is_empty() {
            text += &format!("called = {}\n", quoted(self.called.iter().map(Pattern::text).collect()));
        }
        if !self.callers.is_empty() {
            text += &format!("callers = {}\n", quoted(self.callers.iter().map(Pattern::text).collect()));
        }
        let names = |lists: &[usize]| quoted(lists.iter().map(|list| LISTS[*list].0.to_owned()).collect());
        text + &format!("lists = {}\nexcept = {}\n", names(&self.lists), names(&self.except))
    }

    fn matches(&self, trunk: u16, caller: &str, callee: &str) -> bool {
        let among =
            |patterns: &[Pattern], party: &str| patterns.is_empty() || patterns.iter().any(|p| p.matches(party));
        (self.trunks.is_empty() || self.trunks.contains(&trunk))
            && among(&self.called, callee)
            && among(&self.callers, caller)
            && (self.lists.is_empty() || self.lists.iter().any(|list| listed(*list, caller)))
            && !self.except.iter().any(|list| listed(*list, caller))
    }
}

/// The lists again, by hand.
fn listed(list: usize, caller: &str) -> bool {
    let last = || caller.strip_prefix("482211100").and_then(|rest| rest.parse::<u64>().ok());
    match list {
        0 => last().is_some_and(|last| last <= 4 || last == 11),
        1 => last().is_some_and(|last| last <= 9) || caller == "desk",
        2 => last() == Some(2) || caller == "112233",
        _ => false,
    }
}

fn build(rules: &[Naive]) -> World {
    let lists: String = LISTS
        .iter()
        .map(|(name, entries)| format!("[[list]]\nname = \"{name}\"\nclass = \"personal\"\nentries = {entries:?}\n"))
        .collect();
    let rules: String = rules.iter().enumerate().map(|(name, rule)| rule.toml(name)).collect();
    world(&format!("{lists}{rules}"))
}

proptest! {
    #[test]
    fn the_index_decides_as_a_linear_search_over_all_rules_does(
        rules in prop::collection::vec(rule(), 0..24),
        calls in prop::collection::vec((0u16..3, party(), party()), 1..12),
    ) {
        let world = build(&rules);
        for (trunk, caller, callee) in calls {
            let matching = || rules.iter().enumerate().filter(|(_, rule)| {
                rule.mode != "off" && rule.matches(trunk, &caller, &callee)
            });
            let expected = matching().find(|(_, rule)| rule.mode == "enforce");
            let observed: Vec<String> = matching()
                .take_while(|(_, rule)| rule.mode == "observe")
                .chain(matching().skip_while(|(_, rule)| rule.mode == "observe").filter(|(at, rule)| {
                    rule.mode == "observe" && expected.is_none_or(|(decided, _)| *at < decided)
                }))
                .map(|(at, _)| at.to_string())
                .collect();
            let question = call(&caller, &callee).on(["carrier", "pbx", "wild"][usize::from(trunk)]);
            let verdict = question.verdict(&world);
            prop_assert_eq!(verdict.word(), expected.map_or("pass", |(_, rule)| rule.action));
            prop_assert_eq!(verdict.cause.rule.as_deref().map(str::to_owned), expected.map(|(at, _)| at.to_string()));
            let seen: Vec<String> =
                verdict.observed.iter().filter_map(|seen| seen.cause.rule.as_deref().map(str::to_owned)).collect();
            prop_assert_eq!(seen, observed);
        }
    }

    #[test]
    fn candidates_come_in_file_order_each_once(rules in prop::collection::vec(rule(), 0..24), trunk in 0u16..3, callee in party()) {
        let world = build(&rules);
        let uri = format!("sip:{callee}@host");
        let facts = CallFacts {
            trunk: TrunkId(trunk), from: b"sip:x@y", from_display: b"", asserted: &[], privacy: false,
            request_uri: uri.as_bytes(), diversions: &[], headers: &[],
        };
        let view = CallView::new(&world.policy, &facts);
        let found = candidates(&world, TrunkId(trunk), view.callee());
        prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", found);
    }
}

#[test]
fn a_rule_for_another_callee_or_trunk_is_no_candidate() {
    let rules: String = (0..500)
        .map(|at| format!("[[inbound]]\nname = \"{at}\"\ncalled = [\"48220000{at:03}\"]\n"))
        .chain((0..500).map(|at| format!("[[inbound]]\nname = \"p{at}\"\ncalled = [\"*\"]\ntrunks = [\"pbx\"]\n")))
        .collect();
    let world = world(&rules);
    let number = Party::Number(Number::new(48_220_000_123).expect("a number"));
    assert_eq!(candidates(&world, TrunkId(0), &number), [123]);
    assert_eq!(candidates(&world, TrunkId(1), &number).len(), 501);
}

fn candidates(world: &World, trunk: TrunkId, callee: &Party<'_>) -> Vec<usize> {
    let mut candidates = Candidates::default();
    world.policy.inbound.index.gather(trunk, callee, &mut candidates);
    candidates.collect()
}
