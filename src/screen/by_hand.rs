//! What somebody has set at run time: trunks that are closed, and the modes of rules.
//!
//! It is part of what decides, as lists are, and so of the [`World`](crate::screen::World): it has a generation, and the same
//! question to the same world has the same answer. Whether a trunk's targets answer is not: that changes by itself.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::lists::Action;
use crate::screen::policy::{Mode, Policy, Rule, RuleId, Stage};

/// All that is set by hand, by name: what the config no longer has keeps its setting and does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ByHand {
    /// The trunks that are not up.
    pub trunks: BTreeMap<Arc<str>, TrunkState>,
    /// The rules whose mode is not that of the config.
    pub modes: BTreeMap<Arc<str>, Mode>,
}

/// One thing that is set by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A trunk is closed, or opened again.
    Trunk {
        /// Which.
        name: Arc<str>,
        /// What it is used for from now on.
        state: TrunkState,
    },
    /// A rule gets another mode.
    Rule {
        /// Which.
        name: Arc<str>,
        /// `None`: that of the config again.
        mode: Option<Mode>,
    },
}

impl Setting {
    /// Whether there is what it sets; what is `set` already can be taken back without it.
    pub fn fits(&self, policy: &Policy, set: &ByHand) -> bool {
        match self {
            Setting::Trunk { name, state } => {
                policy.trunk_named(name).is_some() || *state == TrunkState::Up && set.trunks.contains_key(name)
            }
            Setting::Rule { name, mode } => {
                policy.rule_named(name).is_some() || mode.is_none() && set.modes.contains_key(name)
            }
        }
    }

    /// What the trail says was done.
    pub fn action(&self) -> Action {
        match self {
            Setting::Trunk { state: TrunkState::Up, .. } => Action::Up,
            Setting::Trunk { state: TrunkState::Drain, .. } => Action::Drain,
            Setting::Rule { mode: Some(Mode::Enforce), .. } => Action::Enforce,
            Setting::Rule { mode: Some(Mode::Observe), .. } => Action::Observe,
            Setting::Rule { mode: None, .. } => Action::Reset,
            Setting::Trunk { state: TrunkState::Off, .. } | Setting::Rule { mode: Some(Mode::Off), .. } => Action::Off,
        }
    }
}

/// As a log tells it.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let action = self.action().as_str();
        match self {
            Setting::Trunk { name, .. } => write!(f, "trunk \"{name}\": {action}"),
            Setting::Rule { name, .. } => write!(f, "rule \"{name}\": {action}"),
        }
    }
}

impl ByHand {
    /// Rules that have another mode than that of the config, and settings of what it does not have: each in words.
    pub fn deviations(&self, policy: &Policy) -> Vec<String> {
        let trunks = self.trunks.iter().filter(|(name, _)| policy.trunk_named(name).is_none());
        let trunks = trunks.map(|(name, state)| {
            format!("trunk \"{name}\" is {} by hand, and the config does not have it", state.as_str())
        });
        let modes = self.modes.iter().filter_map(|(name, mode)| {
            let by_hand = format!("rule \"{name}\" is set to {} by hand", mode.as_str());
            match policy.rule_named(name).map(|id| policy.rule(id).mode) {
                Some(configured) if configured == *mode => None,
                Some(configured) => Some(format!("{by_hand}: the config says {}", configured.as_str())),
                None => Some(format!("{by_hand}, and the config does not have it")),
            }
        });
        trunks.chain(modes).collect()
    }

    /// The same after one more setting.
    #[must_use]
    pub fn with(&self, setting: &Setting) -> ByHand {
        let mut all = self.clone();
        match setting {
            Setting::Trunk { name, state: TrunkState::Up } => drop(all.trunks.remove(name)),
            Setting::Trunk { name, state } => drop(all.trunks.insert(name.clone(), *state)),
            Setting::Rule { name, mode: None } => drop(all.modes.remove(name)),
            Setting::Rule { name, mode: Some(mode) } => drop(all.modes.insert(name.clone(), *mode)),
        }
        all
    }
}

/// What a trunk is used for. Requests inside dialogs go on in each state, and so do calls for help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TrunkState {
    /// Calls, both ways.
    #[default]
    Up,
    /// Calls that come from it; none goes to it.
    Drain,
    /// No call, either way.
    Off,
}

impl TrunkState {
    /// All of them.
    pub const ALL: [TrunkState; 3] = [TrunkState::Up, TrunkState::Drain, TrunkState::Off];

    /// As the admin port and the database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            TrunkState::Up => "up",
            TrunkState::Drain => "drain",
            TrunkState::Off => "off",
        }
    }
}

impl FromStr for TrunkState {
    type Err = ();

    fn from_str(text: &str) -> Result<TrunkState, ()> {
        TrunkState::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// The modes that were set by hand, by the positions of rules, so that a call needs no look at names. Empty where none is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Modes {
    inbound: Arc<[Option<Mode>]>,
    campaigns: Arc<[Option<Mode>]>,
}

impl Modes {
    pub(crate) fn new(policy: &Policy, set: &BTreeMap<Arc<str>, Mode>) -> Modes {
        if set.is_empty() {
            return Modes::default();
        }
        let of = |rules: &[Rule]| rules.iter().map(|rule| set.get(&rule.name).copied()).collect();
        Modes { inbound: of(&policy.inbound.rules), campaigns: of(&policy.campaigns.rules) }
    }

    /// The mode of a rule, if one was set.
    pub(crate) fn of(&self, rule: RuleId) -> Option<Mode> {
        let modes = match rule.stage {
            Stage::Inbound => &self.inbound,
            Stage::Campaign => &self.campaigns,
        };
        modes.get(rule.position).copied().flatten()
    }
}
