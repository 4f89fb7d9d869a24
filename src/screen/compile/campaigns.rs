//! The keys that only `[[campaign]]` has.

use std::sync::Arc;

use jiff::tz::TimeZoneDatabase;
use toml::Spanned;

use super::Compiler;
use crate::lists::{Class, ListId};
use crate::screen::campaign::{Campaign, CampaignId, Check};
use crate::screen::config::{CampaignConfig, HoursConfig, InboundConfig, RuleConfig};
use crate::screen::hours::{CallingHours, DaySpan, Days, Hours, Leading, Week};
use crate::screen::problem::{Notice, RuleError, nearest};
use crate::screen::verdict::ActionWord;
use crate::usage::AttemptLimit;

impl Compiler<'_> {
    /// What would mean nothing in an `inbound` rule.
    pub(super) fn refuse_campaign_keys(&mut self, config: &InboundConfig) {
        let keys = [
            ("only", config.only.as_ref().map(|only| only.first().map_or(config.name.span(), Spanned::span))),
            ("hours", config.hours.as_ref().map(Spanned::span)),
            ("attempts", config.attempts.as_ref().map(Spanned::span)),
            ("statuses", config.statuses.as_ref().map(Spanned::span)),
            ("block_into", config.block_into.as_ref().map(Spanned::span)),
        ];
        for (key, span) in keys {
            if let Some(span) = span {
                self.problem(span, RuleError::CampaignOnly(key));
            }
        }
    }

    pub(super) fn campaign(&mut self, id: CampaignId, config: &CampaignConfig, word: ActionWord) -> Box<Campaign> {
        let statuses = config.statuses.as_ref().map(Spanned::get_ref).cloned().unwrap_or_default();
        let [only_status, hours_status, attempts_status] = [
            ("only", &statuses.only, config.only.is_some(), NOT_CONSENTED),
            ("hours", &statuses.hours, config.hours.is_some(), OUTSIDE_HOURS),
            ("attempts", &statuses.attempts, config.attempts.is_some(), TOO_MANY_ATTEMPTS),
        ]
        .map(|(key, given, used, default)| self.check_status(key, given.as_ref(), used, default));
        let only = config.only.as_ref().map(|names| {
            self.refuse_empty(names);
            Check { asks: self.list_ids(names), status: only_status }
        });
        let hours = config.hours.as_ref().map(|hours| Check { asks: self.calling_hours(hours), status: hours_status });
        let attempts = config.attempts.as_ref().and_then(|text| self.attempts(text));
        let attempts = attempts.map(|asks| Check { asks, status: attempts_status });
        let campaign = Campaign { id, only, hours, attempts, block_into: self.block_into(config, word) };
        if campaign.checks() && config.lists.is_empty() {
            self.refuse_keys_of_lists(config);
        }
        Box::new(campaign)
    }

    fn check_status(
        &mut self,
        key: &'static str,
        given: Option<&Spanned<String>>,
        used: bool,
        default: &str,
    ) -> Arc<str> {
        let Some(status) = given else { return default.into() };
        self.refuse_control(status);
        if !used {
            self.problem(status.span(), RuleError::IdleStatus(key));
        }
        status.get_ref().as_str().into()
    }

    /// Without lists nobody meets what is said of those whom lists hold.
    fn refuse_keys_of_lists(&mut self, config: &RuleConfig) {
        let keys = [
            ("except", config.except.first().map(Spanned::span)),
            ("action", config.action.as_ref().map(Spanned::span)),
            ("status", config.status.as_ref().map(Spanned::span)),
        ];
        for (key, span) in keys {
            if let Some(span) = span {
                self.problem(span, RuleError::IdleWithoutLists(key));
            }
        }
    }

    fn attempts(&mut self, text: &Spanned<String>) -> Option<AttemptLimit> {
        let limit = AttemptLimit::parse(text.get_ref());
        match limit {
            Some(limit) => {
                let kept = &mut self.policy.attempts_kept;
                *kept = Some(kept.map_or(limit, |kept| kept.covering(limit)));
            }
            None => self.problem(text.span(), RuleError::Attempts),
        }
        limit
    }

    fn calling_hours(&mut self, config: &Spanned<Vec<HoursConfig>>) -> CallingHours {
        if config.get_ref().is_empty() {
            self.problem(config.span(), RuleError::EmptyArray);
        }
        // Of the binary: what the system has of zones must not change a decision.
        let zones = TimeZoneDatabase::bundled();
        CallingHours::new(config.get_ref().iter().filter_map(|hours| self.hours(hours, &zones)).collect())
    }

    fn hours(&mut self, config: &HoursConfig, zones: &TimeZoneDatabase) -> Option<Hours> {
        let HoursConfig { prefix, zone, days, open } = config;
        let leading = self.read(prefix, RuleError::HoursPrefix, Leading::parse);
        let found = zones.get(zone.get_ref()).ok();
        if found.is_none() {
            let known: Vec<String> = zones.available().map(|name| name.to_string()).collect();
            let near = nearest(zone.get_ref(), known.iter().map(String::as_str)).map(Arc::from);
            let name = zone.get_ref().as_str().into();
            self.problem(zone.span(), RuleError::HoursZone { name, nearest: near });
        }
        let days = days.as_ref().map_or(Some(Days::ALL), |days| self.read(days, RuleError::HoursDays, Days::parse));
        let spans = self.read(open, RuleError::HoursOpen, DaySpan::parse_all);
        Some(Hours { prefix: leading?, zone: found?, week: Week::new(days?, &spans?) })
    }

    fn read<T>(&mut self, text: &Spanned<String>, error: RuleError, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let read = parse(text.get_ref());
        if read.is_none() {
            self.problem(text.span(), error);
        }
        read
    }

    /// The list that callees are put on, if it blocks them.
    fn block_into(&mut self, config: &CampaignConfig, word: ActionWord) -> Option<ListId> {
        let name = config.block_into.as_ref()?;
        let id = self.list(name)?;
        let (list, class) = (self.lists[id].name().clone(), self.lists[id].class());
        let is_among = |lists: &[Spanned<String>]| lists.iter().any(|own| own.get_ref() == name.get_ref());
        if matches!(class, Class::Allow | Class::Pool) {
            self.problem(name.span(), RuleError::BlockIntoClass { list, class });
        } else if !is_among(&config.lists) || is_among(&config.except) || !word.refuses() {
            self.problem(name.span(), RuleError::BlockIntoNothing(list));
        } else if self.policy.inbound.rules.iter().any(|rule| rule.lists.contains(&id)) {
            self.notices.push((name.span(), Notice::BlockIntoInbound(list)));
        }
        Some(id)
    }
}

/// The Reason texts where the config has none.
const NOT_CONSENTED: &str = "Not consented";
const OUTSIDE_HOURS: &str = "Outside calling hours";
const TOO_MANY_ATTEMPTS: &str = "Too many attempts";
