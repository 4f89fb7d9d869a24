//! `[[inbound]]` and `[[campaign]]`.

use std::collections::HashMap;
use std::sync::Arc;

use toml::Spanned;

use super::{Compiler, callee_of};
use crate::lists::{Class, Entry, ListId};
use crate::screen::campaign::CampaignId;
use crate::screen::config::RuleConfig;
use crate::screen::policy::{Action, Rule, TrunkId};
use crate::screen::problem::{Kind, RuleError};
use crate::screen::verdict::{ActionWord, Callee};
use crate::screen::view;
use crate::sip::{Scheme, Uri};

impl Compiler<'_> {
    pub(super) fn rules(&mut self, kind: Kind, configs: &[RuleConfig]) -> Vec<Rule> {
        let mut names = HashMap::new();
        let mut rules = Vec::with_capacity(configs.len());
        for config in configs {
            // The position is that of the rule: one that is wrong is left out.
            let position = u32::try_from(rules.len()).expect("rules are indexed by u32");
            rules.extend(self.rule(kind, config, position, &mut names));
        }
        rules
    }

    /// A rule is known by its name alone, wherever its mode is set and its calls are counted.
    pub(super) fn check_names_differ(&mut self, inbound: &[RuleConfig], campaigns: &[RuleConfig]) {
        for campaign in campaigns {
            let name = &campaign.name;
            let Some(other) = inbound.iter().find(|rule| rule.name.get_ref() == name.get_ref()) else { continue };
            let text: Arc<str> = name.get_ref().as_str().into();
            for (place, other) in [(&other.name, Kind::Campaign), (name, Kind::Inbound)] {
                self.problem(place.span(), RuleError::SameRuleName { other, name: text.clone() });
            }
        }
    }

    fn rule(
        &mut self,
        kind: Kind,
        config: &RuleConfig,
        position: u32,
        names: &mut HashMap<Arc<str>, ()>,
    ) -> Option<Rule> {
        let name = self.name(kind, &config.name, names);
        let lists = self.list_ids(&config.lists);
        let word = config.action.as_ref().map_or(ActionWord::Decline, |action| *action.get_ref());
        self.check_classes(config, word);
        let campaign = if kind == Kind::Campaign {
            self.check_campaign(config);
            Some(self.campaign(CampaignId(position), config, word))
        } else {
            self.refuse_campaign_keys(config);
            None
        };
        let action = self.action(kind, config, word, &lists);
        Some(Rule {
            name,
            mode: config.mode,
            trunks: self.trunk_set(config.trunks.as_ref()),
            called: self.called(config.called.as_ref()),
            callers: self.patterns(config.callers.as_ref()),
            header: self.header(config.header.as_ref()),
            except: self.list_ids(&config.except),
            lists,
            action: action?,
            campaign,
        })
    }

    /// A list of callers or callees that are welcome, or of our own numbers, is no reason to refuse.
    fn check_classes(&mut self, config: &RuleConfig, action: ActionWord) {
        if !matches!(action, ActionWord::Decline | ActionWord::Drop) {
            return;
        }
        for name in &config.lists {
            let Some(list) = self.lists.get(name.get_ref()) else { continue };
            let class = list.class();
            if matches!(class, Class::Allow | Class::Pool) {
                let list = list.name().clone();
                self.problem(name.span(), RuleError::NotBlocking { list, class, action: action.as_str() });
            }
        }
    }

    fn check_campaign(&mut self, config: &RuleConfig) {
        if config.header.is_none() && config.trunks.is_none() && config.callers.is_none() {
            self.problem(config.name.span(), RuleError::UnboundCampaign);
        }
        let Some(header) = &config.header else { return };
        let name: Arc<str> = header.name.get_ref().to_ascii_lowercase().into();
        if HEADERS_OF_SIP.contains(&&*name) || HEADERS_OF_CALLERS.contains(&&*name) {
            self.problem(header.name.span(), RuleError::HeaderOfSip(header.name.get_ref().as_str().into()));
        } else if !self.policy.campaign_headers.contains(&name) {
            self.policy.campaign_headers.push(name.clone());
            self.policy.removed_headers.push(name);
        }
    }

    fn action(&mut self, kind: Kind, config: &RuleConfig, word: ActionWord, lists: &[ListId]) -> Option<Action> {
        let is_decline = word == ActionWord::Decline;
        let takes_to = matches!(word, ActionWord::Redirect | ActionWord::Forward);
        for (key, given, used) in
            [("to", &config.to, takes_to), ("status", &config.status, is_decline), ("reply", &config.reply, is_decline)]
        {
            if let (Some(value), false) = (given, used) {
                self.problem(value.span(), RuleError::Idle { key, action: word.as_str() });
            }
        }
        if takes_to && config.to.is_none() {
            self.problem(config.name.span(), RuleError::MissingTo(word.as_str()));
        }
        match word {
            ActionWord::Decline => Some(self.decline(kind, config, lists)),
            ActionWord::Redirect => self.redirect(config.to.as_ref()?),
            ActionWord::Forward => self.forward(config.to.as_ref()?),
            ActionWord::Hide => Some(Action::Hide),
            ActionWord::Drop => Some(self.drop(config, lists)),
            ActionWord::Pass => Some(Action::Pass),
        }
    }

    fn decline(&mut self, kind: Kind, config: &RuleConfig, lists: &[ListId]) -> Action {
        if let Some(status) = &config.status {
            self.refuse_control(status);
            if let Some(list) = self.answered_by_law(lists) {
                self.problem(status.span(), RuleError::StatusOfAnalytics(list));
            }
        }
        let given = config.status.as_ref().map(|status| status.get_ref().as_str());
        let default = (kind == Kind::Campaign).then_some(DEFAULT_CAMPAIGN_STATUS);
        let reply = config.reply.as_ref().and_then(|reply| self.reply(reply, lists));
        Action::Decline { status: given.or(default).map(Arc::from), reply }
    }

    fn drop(&mut self, config: &RuleConfig, lists: &[ListId]) -> Action {
        if let (Some(list), Some(action)) = (self.answered_by_law(lists), &config.action) {
            self.problem(action.span(), RuleError::DropOfAnalytics(list));
        }
        Action::Drop
    }

    fn redirect(&mut self, to: &Spanned<String>) -> Option<Action> {
        let text = to.get_ref();
        let contact = match Uri::parse(text.as_bytes()) {
            Ok(uri) if matches!(uri.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel) => text.as_str().into(),
            Ok(_) => return self.refuse(to, RuleError::RedirectTo),
            Err(_) => match Entry::parse(text, &self.plan) {
                Ok(Entry::Number(number)) => format!("tel:+{number}").into(),
                _ => return self.refuse(to, RuleError::RedirectTo),
            },
        };
        Some(Action::Redirect { contact })
    }

    fn forward(&mut self, to: &Spanned<String>) -> Option<Action> {
        let text = to.get_ref();
        let Ok(uri) = Uri::parse(text.as_bytes()) else {
            let callee = Entry::parse(text, &self.plan).ok().and_then(|entry| callee_of(&entry));
            return match callee {
                Some(callee @ (Callee::Number(_) | Callee::Code(_))) => Some(Action::Forward { callee, trunk: None }),
                _ => self.refuse(to, RuleError::ForwardTo),
            };
        };
        let plain = uri.port.is_none() && uri.params.is_empty() && uri.headers.is_empty();
        if !plain || !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
            return self.refuse(to, RuleError::ForwardTo);
        }
        let host = String::from_utf8_lossy(uri.host).into_owned();
        let trunk = self.trunk(&Spanned::new(to.span(), host))?;
        self.check_has_targets(to, trunk);
        let party = view::party(text.as_bytes(), &self.policy.trunk(trunk).plan);
        match Callee::of(&party) {
            Some(callee) => Some(Action::Forward { callee, trunk: Some(trunk) }),
            None => self.refuse(to, RuleError::ForwardTo),
        }
    }

    pub(super) fn check_has_targets(&mut self, at: &Spanned<String>, trunk: TrunkId) {
        let trunk = self.policy.trunk(trunk);
        if trunk.to.is_empty() {
            let name = trunk.name.clone();
            self.problem(at.span(), RuleError::NoTargets(name));
        }
    }

    fn refuse(&mut self, at: &Spanned<String>, error: RuleError) -> Option<Action> {
        self.problem(at.span(), error);
        None
    }
}

/// The Reason text of a campaign's decline, as diallers know it.
const DEFAULT_CAMPAIGN_STATUS: &str = "Blacklist";

/// What says who calls, and so can neither mark a campaign nor ask for a number.
pub(super) const HEADERS_OF_CALLERS: [&str; 6] =
    ["p-asserted-identity", "p-preferred-identity", "remote-party-id", "privacy", "identity", "diversion"];

/// Headers without which the call could not go on, long and compact.
pub(super) const HEADERS_OF_SIP: [&str; 22] = [
    "via",
    "v",
    "from",
    "f",
    "to",
    "t",
    "call-id",
    "i",
    "cseq",
    "contact",
    "m",
    "route",
    "record-route",
    "max-forwards",
    "content-length",
    "l",
    "content-type",
    "c",
    "require",
    "proxy-require",
    "supported",
    "k",
];
