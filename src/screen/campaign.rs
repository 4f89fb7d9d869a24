//! What only campaigns have: callees who must be listed, hours, attempts, and the list that their callees are put on.

use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use crate::lists::ListId;
use crate::screen::hours::CallingHours;
use crate::screen::policy::{HeaderMatch, Policy, Rule, RuleId, Stage, TrunkId};
use crate::usage::AttemptLimit;

/// The `statuses` of a campaign: texts of the Reason header, by what the callee was refused for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatusesConfig {
    /// Of those whom `only` refuses.
    pub only: Option<Spanned<String>>,
    /// Of those whom `hours` refuse.
    pub hours: Option<Spanned<String>>,
    /// Of those whom `attempts` refuse.
    pub attempts: Option<Spanned<String>>,
}

/// A campaign's position among the campaigns of its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CampaignId(pub u32);

/// What a campaign asks of its callees beside its lists, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Campaign {
    pub(crate) id: CampaignId,
    pub(crate) only: Option<Check<Vec<ListId>>>,
    pub(crate) hours: Option<Check<CallingHours>>,
    pub(crate) attempts: Option<Check<AttemptLimit>>,
    /// One of the rule's lists.
    pub(crate) block_into: Option<ListId>,
}

impl Campaign {
    /// Whether there is anything to be asked.
    pub(crate) fn checks(&self) -> bool {
        self.only.is_some() || self.hours.is_some() || self.attempts.is_some()
    }
}

/// A campaign of a policy, for whoever shows it or asks what it would do.
#[derive(Debug, Clone, Copy)]
pub struct CampaignRule<'p> {
    rule: &'p Rule,
    campaign: &'p Campaign,
}

impl Policy {
    /// The campaigns in file order: the position of each is its [`CampaignId`].
    pub fn campaigns(&self) -> impl Iterator<Item = CampaignRule<'_>> {
        let campaign = |rule| Rule::campaign(rule).map(|campaign| CampaignRule { rule, campaign });
        self.campaigns.rules.iter().filter_map(campaign)
    }

    /// The campaign of that name.
    pub fn campaign_named(&self, name: &str) -> Option<CampaignRule<'_>> {
        self.campaigns().find(|campaign| **campaign.name() == *name)
    }
}

impl Rule {
    fn campaign(&self) -> Option<&Campaign> {
        self.campaign.as_deref()
    }
}

impl<'p> CampaignRule<'p> {
    /// Its name.
    pub fn name(&self) -> &'p Arc<str> {
        &self.rule.name
    }

    /// Which rule it is, for whoever asks a world for its mode.
    pub fn rule(&self) -> RuleId {
        let position = usize::try_from(self.campaign.id.0).expect("rules are few");
        RuleId { stage: Stage::Campaign, position }
    }

    /// The lists whose callees it acts on.
    pub fn lists(&self) -> &'p [ListId] {
        &self.rule.lists
    }

    /// The lists one of which must hold the callee; `None`: it asks for no consent.
    pub fn only(&self) -> Option<&'p [ListId]> {
        self.campaign.only.as_ref().map(|only| &only.asks[..])
    }

    /// Whether callees have calling hours.
    pub fn has_hours(&self) -> bool {
        self.campaign.hours.is_some()
    }

    /// How often a callee may be called.
    pub fn attempts(&self) -> Option<AttemptLimit> {
        self.campaign.attempts.as_ref().map(|attempts| attempts.asks)
    }

    /// The Reason text for whom `attempts` refuses.
    pub fn attempts_status(&self) -> Option<&'p str> {
        self.campaign.attempts.as_ref().map(|attempts| &*attempts.status)
    }

    /// The list that callees are blocked into.
    pub fn block_into(&self) -> Option<ListId> {
        self.campaign.block_into
    }

    /// The trunks that its calls come from; none: any.
    pub fn trunks(&self) -> &'p [TrunkId] {
        &self.rule.trunks.0
    }

    /// Whether it is about some callers only.
    pub fn has_callers(&self) -> bool {
        self.rule.callers.is_some()
    }

    /// The header that marks its calls: its position in [`Policy::headers`] and a value that it may have.
    pub fn header(&self) -> Option<(usize, &'p str)> {
        let HeaderMatch { header, value } = self.rule.header.as_ref()?;
        Some((*header, value.as_deref().unwrap_or_default()))
    }
}

/// What is asked, and the Reason text for whom it refuses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Check<T> {
    pub(crate) asks: T,
    pub(crate) status: Arc<str>,
}
