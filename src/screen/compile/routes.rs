//! `[[route]]`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::Compiler;
use crate::screen::config::RouteConfig;
use crate::screen::decide::{DEFAULT_UNAVAILABLE, MOVED};
use crate::screen::index::RuleIndex;
use crate::screen::policy::{Action, Destination, Policy, Route, Rule};
use crate::screen::problem::{Kind, Notice, RuleError};
use crate::sip::Uri;

impl Compiler<'_> {
    pub(super) fn routes(&mut self, configs: &[RouteConfig]) {
        let mut names = HashMap::new();
        let routes: Vec<Route> = configs.iter().filter_map(|config| self.route(config, &mut names)).collect();
        self.policy.route_index = RuleIndex::new(routes.iter().map(|route| (&route.trunks, route.called.as_ref())));
        self.policy.routes = routes;
    }

    fn route(&mut self, config: &RouteConfig, names: &mut HashMap<Arc<str>, ()>) -> Option<Route> {
        let name = self.name(Kind::Route, &config.name, names);
        let to = self.destination(config);
        let route = Route {
            name,
            present: config.present.as_ref().and_then(|present| self.present(present, to.as_ref()?)),
            to: to?,
            unavailable: self.unavailable(config.unavailable.as_ref()),
            trunks: self.trunk_set(config.trunks.as_ref()),
            called: self.called(config.called.as_ref()),
            callers: self.patterns(config.callers.as_ref()),
            header: self.header(config.header.as_ref()),
        };
        Some(route)
    }

    fn destination(&mut self, config: &RouteConfig) -> Option<Destination> {
        if let Some(host) = config.host.as_ref().filter(|_| config.answer.is_none()) {
            self.problem(host.span(), RuleError::HostOfRoute);
        }
        match (&config.to, &config.answer) {
            (Some(name), None) => {
                let to = self.trunk(name)?;
                self.check_has_targets(name, to);
                Some(Destination::Trunk(to))
            }
            (None, Some(answer)) => self.switch(config, answer),
            (Some(place), Some(_)) => self.refuse_end(place.span()),
            (None, None) => self.refuse_end(config.name.span()),
        }
    }

    fn refuse_end(&mut self, place: Range<usize>) -> Option<Destination> {
        self.problem(place, RuleError::RouteEnd);
        None
    }

    /// A redirect server's end of a route. Of what we know only a 302 can tell something.
    fn switch(&mut self, config: &RouteConfig, answer: &Spanned<u16>) -> Option<Destination> {
        let status = *answer.get_ref();
        if !matches!(status, MOVED | 404 | 503) {
            self.problem(answer.span(), RuleError::RouteAnswer);
            return None;
        }
        let moved = status == MOVED;
        let present = config.present.as_ref();
        let idle = [
            ("unavailable", config.unavailable.as_ref().map(Spanned::span)),
            ("present", present.map(|present| present.pool.span()).filter(|_| !moved)),
            // What becomes of the call is between the switch and its next hop.
            (
                "rest_after",
                present.and_then(|present| present.rest_after.as_ref()).map(Spanned::span).filter(|_| moved),
            ),
            ("rest_for", present.and_then(|present| present.rest_for.as_ref()).map(Spanned::span).filter(|_| moved)),
            ("host", config.host.as_ref().map(Spanned::span).filter(|_| !moved)),
        ];
        for (key, place) in idle {
            if let Some(place) = place {
                self.problem(place, RuleError::IdleInRoute { key, answer: status });
            }
        }
        let headers = present.and_then(|present| present.headers.as_ref()).into_iter().flatten();
        for name in headers.filter(|name| !name.get_ref().eq_ignore_ascii_case("P-Asserted-Identity")) {
            self.problem(name.span(), RuleError::PresentFromSwitch);
        }
        let host = config.host.as_ref().map(|host| self.contact_host(host));
        Some(Destination::Switch { status, host })
    }

    fn contact_host(&mut self, host: &Spanned<String>) -> Arc<str> {
        let text = format!("sip:{}", host.get_ref());
        let is_host = |uri: Uri<'_>| uri.user.is_none() && uri.params.is_empty() && uri.headers.is_empty();
        if !Uri::parse(text.as_bytes()).is_ok_and(is_host) {
            self.problem(host.span(), RuleError::ContactHost);
        }
        host.get_ref().as_str().into()
    }

    /// A switch that only takes its next route does so with the call as it was.
    pub(super) fn check_told(&mut self, configs: &[RouteConfig]) {
        let Policy { inbound, campaigns, routes, .. } = &self.policy;
        for (route, config) in routes.iter().zip(configs) {
            let Destination::Switch { status, .. } = route.to else { continue };
            let untold = |rule: &&Rule| {
                let changes = matches!(rule.action, Action::Hide | Action::Forward { trunk: None, .. });
                changes && rule.trunks.meets(&route.trunks) && status != MOVED
            };
            let rules = inbound.rules.iter().chain(&campaigns.rules);
            if let (Some(rule), Some(answer)) = (rules.into_iter().find(untold), &config.answer) {
                let (rule, action) = (rule.name.clone(), rule.action.word().as_str());
                self.notices.push((answer.span(), Notice::Untold { rule, action, status }));
            }
        }
    }

    fn unavailable(&mut self, status: Option<&Spanned<u16>>) -> u16 {
        let Some(status) = status else { return DEFAULT_UNAVAILABLE };
        if !(400..700).contains(status.get_ref()) {
            self.problem(status.span(), RuleError::Status(400, 699));
        }
        self.refuse_refusals(*status.get_ref(), status.span());
        *status.get_ref()
    }
}
