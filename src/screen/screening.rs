//! [`Screening`]: what would become of the calls of a campaign, for many callees at one moment.

use std::sync::Arc;

use thiserror::Error;

use crate::lists::{Entry, EntryError};
use crate::number::Party;
use crate::screen::campaign::CampaignRule;
use crate::screen::decide::decide;
use crate::screen::policy::{Policy, TrunkId};
use crate::screen::problem::{did_you_mean, nearest};
use crate::screen::question::uri_of;
use crate::screen::verdict::Verdict;
use crate::screen::view::{CallFacts, CallView};
use crate::screen::world::World;
use crate::time::WallTime;
use crate::usage::Usage;

/// Judges callees as calls of one campaign are judged: with its header, from one of its trunks, by one caller. All of one
/// moment: what changes meanwhile does not show.
#[derive(Debug)]
pub struct Screening {
    world: Arc<World>,
    at: WallTime,
    trunk: TrunkId,
    /// The caller's URI.
    from: String,
    /// By [`Policy::headers`].
    headers: Vec<Option<Box<[u8]>>>,
}

impl Screening {
    /// From `trunk`, or the campaign's first one, by `from`, or nobody who is known.
    pub fn new(
        world: Arc<World>,
        at: WallTime,
        campaign: &str,
        trunk: Option<&str>,
        from: Option<&str>,
    ) -> Result<Screening, ScreeningError> {
        let policy = &world.policy;
        let rule = policy.campaign_named(campaign).ok_or_else(|| {
            let known = policy.campaigns().map(|campaign| &**campaign.name());
            ScreeningError::UnknownCampaign { name: campaign.into(), nearest: nearest(campaign, known).map(Arc::from) }
        })?;
        if rule.has_callers() && from.is_none() {
            return Err(ScreeningError::NoCaller(rule.name().clone()));
        }
        let trunk = trunk_of(policy, rule, trunk)?;
        let mut headers = vec![None; policy.headers.len()];
        if let Some((at, value)) = rule.header() {
            headers[at] = Some(value.as_bytes().into());
        }
        let from = uri_of(from.unwrap_or_default());
        Ok(Screening { at, trunk, from, headers, world })
    }

    /// The world that it judges by.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What would become of a call to `number`. Nothing of it is counted.
    pub fn judge(&self, usage: &Usage, number: &str) -> Result<Verdict, NoNumber> {
        let policy = &self.world.policy;
        let callee = uri_of(number);
        let headers: Vec<Option<&[u8]>> = self.headers.iter().map(Option::as_deref).collect();
        let facts = CallFacts {
            trunk: self.trunk,
            from: self.from.as_bytes(),
            from_display: b"",
            asserted: &[],
            privacy: false,
            request_uri: callee.as_bytes(),
            diversions: &[],
            headers: &headers,
        };
        let view = CallView::new(policy, &facts);
        if !matches!(view.callee(), Party::Number(_) | Party::Code(_)) {
            return Err(match Entry::parse(number, &policy.trunk(self.trunk).plan) {
                Err(error) => NoNumber::Malformed(error),
                Ok(_) => NoNumber::Other,
            });
        }
        // The draw chooses who is presented, which nobody is told here.
        Ok(decide(&view, &self.world, usage, self.at, 0))
    }
}

/// The trunk that the calls would come from.
fn trunk_of(policy: &Policy, rule: CampaignRule<'_>, name: Option<&str>) -> Result<TrunkId, ScreeningError> {
    let Some(name) = name else {
        return rule.trunks().first().copied().ok_or_else(|| ScreeningError::NoTrunk(rule.name().clone()));
    };
    let trunk = policy.trunk_named(name).ok_or_else(|| {
        let known = policy.trunks.iter().map(|trunk| &*trunk.name);
        ScreeningError::UnknownTrunk { name: name.into(), nearest: nearest(name, known).map(Arc::from) }
    })?;
    if !rule.trunks().is_empty() && !rule.trunks().contains(&trunk) {
        return Err(ScreeningError::OtherTrunk { campaign: rule.name().clone(), trunk: name.into() });
    }
    Ok(trunk)
}

/// Why nothing can be screened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScreeningError {
    /// There is no such campaign.
    #[error("there is no campaign \"{name}\"{}", did_you_mean(.nearest))]
    UnknownCampaign {
        /// The name that was asked for.
        name: Arc<str>,
        /// The known name that is spelled most like it.
        nearest: Option<Arc<str>>,
    },
    /// There is no such trunk.
    #[error("there is no trunk \"{name}\"{}", did_you_mean(.nearest))]
    UnknownTrunk {
        /// The name that was asked for.
        name: Arc<str>,
        /// The known name that is spelled most like it.
        nearest: Option<Arc<str>>,
    },
    /// The campaign does not see calls from there.
    #[error("the campaign \"{campaign}\" is not about calls from trunk \"{trunk}\"")]
    OtherTrunk {
        /// The campaign.
        campaign: Arc<str>,
        /// The trunk.
        trunk: Arc<str>,
    },
    /// The campaign names no trunk, and none was said.
    #[error("the campaign \"{0}\" names no trunk: say which one the calls come from")]
    NoTrunk(Arc<str>),
    /// The campaign is about some callers, and none was said.
    #[error("the campaign \"{0}\" is about some callers only: say who calls")]
    NoCaller(Arc<str>),
}

/// Why nobody can be called at what should be a number.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoNumber {
    /// It cannot be read.
    #[error(transparent)]
    Malformed(EntryError),
    /// It is a name, or stands for many numbers or for none.
    #[error("expected one number")]
    Other,
}
