//! The `present` table of a route.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::Compiler;
use super::rules::{HEADERS_OF_CALLERS, HEADERS_OF_SIP};
use crate::lists::{Class, ListId, Pool};
use crate::screen::config::{PresentConfig, Privacy, RulesConfig};
use crate::screen::policy::{Destination, Otherwise, Present};
use crate::screen::present::{MOST_LOOKS, Strategy};
use crate::screen::problem::{Notice, RuleError};
use crate::screen::verdict::PresentHeaders;
use crate::usage::{RestRule, ShowLimits};

impl Compiler<'_> {
    pub(super) fn present(&mut self, config: &PresentConfig, to: &Destination) -> Option<Present> {
        let (strategy, is_local) = self.strategy(config);
        let headers = config.headers.as_deref().map(|names| self.present_headers(names));
        let of_trunk = match to {
            Destination::Trunk(trunk) => self.policy.trunk(*trunk).present_headers,
            Destination::Switch { .. } => None,
        };
        let headers = headers.or(of_trunk).unwrap_or(DEFAULT_HEADERS);
        if headers.no_privacy && config.privacy == Privacy::Keep {
            self.problem(config.pool.span(), RuleError::PrivacyTwice);
        }
        let limits = self.show_limits(config);
        let explicit = config.explicit.as_ref().and_then(|name| self.asking_header(name));
        let pool = self.list(&config.pool)?;
        self.check_pool(config, pool);
        Some(Present {
            pool,
            exclude: self.exclude(config, pool),
            strategy,
            local: is_local || config.local,
            explicit,
            limits,
            headers,
            keep_privacy: config.privacy == Privacy::Keep,
            otherwise: config.otherwise,
        })
    }

    /// The strategy, and whether it is that of the numbers nearest to the callee.
    fn strategy(&mut self, config: &PresentConfig) -> (Strategy, bool) {
        let Some(name) = &config.strategy else { return (Strategy::default(), false) };
        match name.get_ref().as_str() {
            "random" => (Strategy::Random, false),
            "local" => (Strategy::Random, true),
            "sticky" => (Strategy::Sticky, false),
            "least-used" => (Strategy::LeastUsed, false),
            "round-robin" => (Strategy::RoundRobin, false),
            other => {
                self.problem(name.span(), RuleError::Strategy(other.into()));
                (Strategy::default(), false)
            }
        }
    }

    fn check_pool(&mut self, config: &PresentConfig, list: ListId) {
        match Pool::new(&self.lists[list]) {
            Ok(pool) if pool.count() == 0 && config.otherwise == Otherwise::Refuse => {
                let name = self.lists[list].name().clone();
                self.notices.push((config.pool.span(), Notice::EmptyPool(name)));
            }
            Ok(pool) if pool.count() > MOST_LOOKS => {
                self.notices.push((config.pool.span(), Notice::LargePool(pool.count())));
            }
            Ok(_) => {}
            Err(error) => {
                let list = self.lists[list].name().clone();
                self.problem(config.pool.span(), RuleError::PoolEntry { list, entry: error.0 });
            }
        }
    }

    fn exclude(&mut self, config: &PresentConfig, pool: ListId) -> Vec<ListId> {
        let Some(names) = &config.exclude else {
            let excluded = self.lists.iter().filter(|(id, list)| *id != pool && blocks(list.class()));
            return excluded.map(|(id, _)| id).collect();
        };
        let excluded = self.list_ids(names);
        if excluded.contains(&pool) {
            self.problem(config.pool.span(), RuleError::PoolExcluded(self.lists[pool].name().clone()));
        }
        excluded
    }

    fn show_limits(&mut self, config: &PresentConfig) -> ShowLimits {
        let cool_down = config.cool_down.as_ref().map(|text| {
            let span = self.span(Some(text), ShowLimits::LONGEST_COOL_DOWN);
            if span > ShowLimits::LONGEST_COOL_DOWN {
                self.problem(text.span(), RuleError::LongCoolDown(ShowLimits::LONGEST_COOL_DOWN));
            }
            span
        });
        if let (Some(text), None) = (&config.rest_for, &config.rest_after) {
            self.problem(text.span(), RuleError::IdleRest);
        }
        let length = self.span(config.rest_for.as_ref(), DEFAULT_REST);
        ShowLimits {
            per_hour: config.per_hour.map(NonZeroU16::get),
            per_day: config.per_day.map(NonZeroU16::get),
            cool_down,
            rest: config.rest_after.as_ref().map(|after| RestRule { after: after.get_ref().get(), length }),
        }
    }

    /// The headers that carry a number, by name.
    pub(super) fn present_headers(&mut self, names: &[Spanned<String>]) -> PresentHeaders {
        let mut headers = PresentHeaders::default();
        for name in names {
            match name.get_ref().to_ascii_lowercase().as_str() {
                "p-asserted-identity" => headers.asserted = true,
                "from" => headers.from = true,
                "remote-party-id" => headers.remote_party = true,
                "privacy" => headers.no_privacy = true,
                _ => self.problem(name.span(), RuleError::PresentHeader),
            }
        }
        match names {
            [] => self.problem(self.here.clone(), RuleError::EmptyArray),
            [only] if headers.no_privacy => self.problem(only.span(), RuleError::PrivacyAlone),
            _ => {}
        }
        headers
    }

    /// The header by which the caller's side asks for a number: as a campaign's, it does not go on.
    fn asking_header(&mut self, name: &Spanned<String>) -> Option<usize> {
        let lower: Arc<str> = name.get_ref().to_ascii_lowercase().into();
        if !crate::sip::is_token(lower.as_bytes()) {
            self.problem(name.span(), RuleError::HeaderName);
            return None;
        }
        if HEADERS_OF_SIP.contains(&&*lower) || HEADERS_OF_CALLERS.contains(&&*lower) {
            self.problem(name.span(), RuleError::AskingHeader(name.get_ref().as_str().into()));
            return None;
        }
        if !self.policy.removed_headers.contains(&lower) {
            self.policy.removed_headers.push(lower.clone());
        }
        let position = self.header_position(lower);
        if !self.policy.asking_headers.contains(&position) {
            self.policy.asking_headers.push(position);
        }
        Some(position)
    }

    /// A rule goes by the first of two headers of one name, and who asks by them asks for nothing: one name cannot be both, or
    /// a caller could keep a campaign from being known by sending its header twice.
    pub(super) fn check_asking_headers(&mut self, config: &RulesConfig) {
        let of_rules = config.inbound.iter().chain(&config.campaigns).filter_map(|rule| rule.header.as_ref());
        let of_routes = config.routes.iter().filter_map(|route| route.header.as_ref());
        let read: Vec<String> = of_rules.chain(of_routes).map(|header| header.name.get_ref().to_lowercase()).collect();
        for route in &config.routes {
            let Some(name) = route.present.as_ref().and_then(|present| present.explicit.as_ref()) else { continue };
            if read.contains(&name.get_ref().to_lowercase()) {
                self.problem(name.span(), RuleError::SharedHeader(name.get_ref().as_str().into()));
            }
        }
    }
}

/// Lists of people who are not called or not answered: their numbers are not shown to anybody either.
fn blocks(class: Class) -> bool {
    matches!(class, Class::Personal | Class::Dnc | Class::Dno | Class::Reputation)
}

/// What carries a number where neither the route nor its trunk says.
const DEFAULT_HEADERS: PresentHeaders =
    PresentHeaders { asserted: true, from: false, remote_party: false, no_privacy: false };

/// A network that has refused a number has forgotten it by then, or will refuse it again.
const DEFAULT_REST: Duration = Duration::from_secs(24 * 3_600);
