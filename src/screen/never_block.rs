//! [`NeverBlock`]: the callees that nothing blocks, and that no list may hold.

use toml::Spanned;

use crate::lists::{Class, Entry, Refuse};
use crate::number::{DialPlan, Number, Party};
use crate::screen::compile::callee_of;
use crate::screen::config::RulesConfig;
use crate::screen::pattern::Patterns;

/// What `numbers.never_block` names, in every spelling that `[numbers]` and the trunks dial it in.
///
/// As a [`Refuse`] it is the guard of lists: an entry that is or holds one of them is a slip of the hand.
#[derive(Debug, Default)]
pub struct NeverBlock {
    /// The dial plan of `[numbers]`.
    pub(crate) plan: DialPlan,
    /// Sorted, each once.
    callees: Patterns,
    /// What `urn:service:sos` is routed as.
    pub(crate) urn: Option<Party<'static>>,
    /// Those of `callees` that are single numbers: a registry asks for each of its own, a hundred million times.
    numbers: Vec<Number>,
    /// Those that hold many numbers.
    wide: Vec<Entry>,
}

impl NeverBlock {
    /// From the tables of the config. What cannot be read there is left out; [`compile`](crate::screen::compile) tells it.
    pub fn new(config: &RulesConfig) -> NeverBlock {
        let plan = config.numbers.plan();
        let plans = || config.trunks.iter().map(|trunk| trunk.plan().over(&plan)).chain([plan]);
        let texts = || config.numbers.never_block.iter().map(Spanned::get_ref);
        let parsed = |text: &String| Entry::parse(text, &plan).ok();
        let mut callees: Vec<Entry> = texts()
            .filter_map(|text| Some((text, parsed(text)?)))
            .flat_map(|(text, entry)| {
                // What each plan makes of it, dialled with and without its national prefix.
                let spelled = plans().flat_map(move |plan| {
                    ["".to_owned(), plan.national.to_string()]
                        .into_iter()
                        .filter_map(move |prefix| Entry::parse(&format!("{prefix}{text}"), &plan).ok())
                });
                spelled.chain([entry])
            })
            .collect();
        callees.sort_unstable();
        callees.dedup();
        let number = |entry: &Entry| match entry {
            Entry::Number(number) => Some(*number),
            _ => None,
        };
        NeverBlock {
            plan,
            urn: texts().filter_map(parsed).find_map(|entry| callee_of(&entry)).map(|callee| callee.into_party()),
            numbers: callees.iter().filter_map(number).collect(),
            wide: callees.iter().filter(|entry| matches!(entry, Entry::Prefix(_) | Entry::Range(_))).cloned().collect(),
            callees: Patterns(callees),
        }
    }

    /// All of them, in `Entry` order.
    pub fn entries(&self) -> &[Entry] {
        &self.callees.0
    }

    /// The guard of a list of this class. Lists that let calls through may hold anybody: it harms nobody.
    pub fn guard(&self, class: Class) -> Option<&NeverBlock> {
        (class != Class::Allow).then_some(self)
    }

    pub(crate) fn holds(&self, callee: &Party<'_>) -> bool {
        self.callees.holds(callee)
    }
}

impl Refuse for NeverBlock {
    fn refuses(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Number(number) => {
                self.numbers.binary_search(number).is_ok() || self.wide.iter().any(|wide| wide.overlaps(entry))
            }
            // Words for callers without a number: nobody dials them, so they can be meant by no spelling of a callee.
            Entry::Anonymous | Entry::Unavailable => false,
            other => self.entries().iter().any(|own| own.overlaps(other)),
        }
    }
}
