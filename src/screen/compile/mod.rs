//! From the tables of the config to a [`Policy`]: names become ids, texts become entries, and what cannot be meant is
//! reported, all of it at once.

mod answers;
mod campaigns;
mod coverage;
mod present;
mod routes;
mod rules;
mod sockets;
mod trunks;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use crate::lists::{Entry, ListId, Lists};
use crate::number::DialPlan;
use crate::screen::config::{NumbersConfig, RulesConfig, SocketConfig};
use crate::screen::index::RuleIndex;
use crate::screen::never_block::NeverBlock;
use crate::screen::pattern::Patterns;
use crate::screen::policy::{HeaderMatch, Policy, Rule, RuleSet, TrunkId, TrunkSet};
use crate::screen::problem::{Kind, Notice, Problem, RuleError, nearest};
use crate::screen::verdict::Callee;

/// A policy, and what is worth a warning with its place in the text of the config.
pub type Compiled = (Policy, Vec<(Range<usize>, Notice)>);

/// Compiles rules against the lists that they name. Gives all mistakes, or the policy and what is worth a warning.
pub fn compile(config: &RulesConfig, lists: &Lists) -> Result<Compiled, Vec<Problem>> {
    let mut compiler = Compiler {
        plan: config.numbers.plan(),
        lists,
        sockets: &config.sockets,
        trunk_ids: HashMap::new(),
        policy: Policy::default(),
        here: 0..0,
        problems: Vec::new(),
        notices: Vec::new(),
    };
    compiler.trunks(&config.trunks);
    compiler.answers(&config.answers);
    compiler.never_block(config);
    let inbound = compiler.rules(Kind::Inbound, &config.inbound);
    compiler.policy.inbound = indexed(inbound);
    let campaigns = compiler.rules(Kind::Campaign, &config.campaigns);
    compiler.check_names_differ(&config.inbound, &config.campaigns);
    compiler.routes(&config.routes);
    compiler.check_coverage(&campaigns, &config.routes);
    compiler.policy.campaigns = indexed(campaigns);
    compiler.check_told(&config.routes);
    compiler.check_asking_headers(config);
    compiler.check_never_block_has_routes(&config.numbers);
    if compiler.problems.is_empty() { Ok((compiler.policy, compiler.notices)) } else { Err(compiler.problems) }
}

/// Gathers what was understood and what was not. A part that is wrong is left out, so that the rest is still checked.
pub(super) struct Compiler<'c> {
    pub(super) plan: DialPlan,
    pub(super) lists: &'c Lists,
    pub(super) sockets: &'c [SocketConfig],
    pub(super) trunk_ids: HashMap<Arc<str>, TrunkId>,
    pub(super) policy: Policy,
    /// The name of the table that is being read.
    pub(super) here: Range<usize>,
    pub(super) problems: Vec<Problem>,
    pub(super) notices: Vec<(Range<usize>, Notice)>,
}

impl Compiler<'_> {
    pub(super) fn problem(&mut self, span: Range<usize>, error: RuleError) {
        self.problems.push(Problem { span, error });
    }

    fn never_block(&mut self, config: &RulesConfig) {
        self.entries(&config.numbers.never_block);
        self.policy.never_block = NeverBlock::new(config);
        self.policy.never_block_callers = Patterns(self.entries(&config.numbers.never_block_callers));
    }

    fn check_never_block_has_routes(&mut self, numbers: &NumbersConfig) {
        for text in &numbers.never_block {
            let Some(callee) = Entry::parse(text.get_ref(), &self.plan).ok().and_then(|entry| callee_of(&entry)) else {
                continue;
            };
            let reached = self.policy.routes.iter().any(|route| {
                route.callers.is_none()
                    && route.header.is_none()
                    && route.called.as_ref().is_none_or(|called| called.holds(&callee.party()))
            });
            if !reached {
                self.notices.push((text.span(), Notice::NoRoute(text.get_ref().as_str().into())));
            }
        }
    }

    pub(super) fn name(&mut self, kind: Kind, name: &Spanned<String>, others: &mut HashMap<Arc<str>, ()>) -> Arc<str> {
        self.here = name.span();
        let text: Arc<str> = name.get_ref().as_str().into();
        if text.is_empty() {
            self.problem(name.span(), RuleError::EmptyName);
        } else if others.insert(text.clone(), ()).is_some() {
            self.problem(name.span(), RuleError::SameName { kind, name: text.clone() });
        }
        text
    }

    pub(super) fn trunk(&mut self, name: &Spanned<String>) -> Option<TrunkId> {
        let found = self.trunk_ids.get(name.get_ref().as_str()).copied();
        if found.is_none() {
            let near = nearest(name.get_ref(), self.trunk_ids.keys().map(|name| &**name)).map(Arc::from);
            let error = RuleError::Unknown { kind: Kind::Trunk, name: name.get_ref().as_str().into(), nearest: near };
            self.problem(name.span(), error);
        }
        found
    }

    pub(super) fn trunk_set(&mut self, names: Option<&Vec<Spanned<String>>>) -> TrunkSet {
        let Some(names) = names else { return TrunkSet::default() };
        self.refuse_empty(names);
        TrunkSet(names.iter().filter_map(|name| self.trunk(name)).collect())
    }

    pub(super) fn list(&mut self, name: &Spanned<String>) -> Option<ListId> {
        let found = self.lists.id(name.get_ref());
        if found.is_none() {
            let near = nearest(name.get_ref(), self.lists.iter().map(|(_, list)| &**list.name())).map(Arc::from);
            let error = RuleError::Unknown { kind: Kind::List, name: name.get_ref().as_str().into(), nearest: near };
            self.problem(name.span(), error);
        }
        found
    }

    pub(super) fn list_ids(&mut self, names: &[Spanned<String>]) -> Vec<ListId> {
        names.iter().filter_map(|name| self.list(name)).collect()
    }

    fn entry(&mut self, text: &Spanned<String>) -> Option<Entry> {
        match Entry::parse(text.get_ref(), &self.plan) {
            Ok(entry) => Some(entry),
            Err(error) => {
                self.problem(text.span(), RuleError::Entry(error));
                None
            }
        }
    }

    fn entries(&mut self, texts: &[Spanned<String>]) -> Vec<Entry> {
        texts.iter().filter_map(|text| self.entry(text)).collect()
    }

    /// `called` or `callers`: `None` means any, be it left out or `"*"`.
    pub(super) fn patterns(&mut self, texts: Option<&Vec<Spanned<String>>>) -> Option<Patterns> {
        let texts = texts?;
        self.refuse_empty(texts);
        let (any, entries): (Vec<_>, Vec<_>) = texts.iter().partition(|text| text.get_ref() == "*");
        let entries = entries.into_iter().filter_map(|text| self.entry(text)).collect();
        any.is_empty().then_some(Patterns(entries))
    }

    pub(super) fn called(&mut self, texts: Option<&Vec<Spanned<String>>>) -> Option<Patterns> {
        for text in texts.into_iter().flatten() {
            if let Ok(entry @ (Entry::Anonymous | Entry::Unavailable)) = Entry::parse(text.get_ref(), &self.plan) {
                self.problem(text.span(), RuleError::NotACallee(entry));
            }
        }
        self.patterns(texts)
    }

    pub(super) fn header(&mut self, config: Option<&crate::screen::config::HeaderConfig>) -> Option<HeaderMatch> {
        let config = config?;
        let name: Arc<str> = config.name.get_ref().to_ascii_lowercase().into();
        if !crate::sip::is_token(name.as_bytes()) {
            self.problem(config.name.span(), RuleError::HeaderName);
            return None;
        }
        let header = self.header_position(name);
        Some(HeaderMatch { header, value: config.value.as_deref().map(|value| value.trim_ascii().into()) })
    }

    /// Where a header stands in [`Policy::headers`], in which it is from now on; its name is in lower case.
    pub(super) fn header_position(&mut self, name: Arc<str>) -> usize {
        let headers = &mut self.policy.headers;
        headers.iter().position(|known| *known == name).unwrap_or_else(|| {
            headers.push(name);
            headers.len() - 1
        })
    }

    pub(super) fn refuse_empty(&mut self, texts: &[Spanned<String>]) {
        // An empty array has no element to point at: the name of its table is the nearest.
        if texts.is_empty() {
            self.problem(self.here.clone(), RuleError::EmptyArray);
        }
    }

    pub(super) fn refuse_control(&mut self, text: &Spanned<String>) {
        if text.get_ref().chars().any(char::is_control) {
            self.problem(text.span(), RuleError::ControlCharacter);
        }
    }
}

fn indexed(rules: Vec<Rule>) -> RuleSet {
    let index = RuleIndex::new(rules.iter().map(|rule| (&rule.trunks, rule.called.as_ref())));
    RuleSet { rules, index }
}

/// Whom an entry calls, when it stands for one callee.
pub(crate) fn callee_of(entry: &Entry) -> Option<Callee> {
    match entry {
        Entry::Number(number) => Some(Callee::Number(*number)),
        Entry::Code(code) => Some(Callee::Code(*code)),
        Entry::User(user) => Some(Callee::User(user.clone())),
        Entry::Prefix(_) | Entry::Range(_) | Entry::Anonymous | Entry::Unavailable => None,
    }
}
