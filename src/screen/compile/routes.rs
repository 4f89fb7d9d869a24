//! `[[route]]`.

use std::collections::HashMap;
use std::sync::Arc;

use toml::Spanned;

use super::Compiler;
use crate::screen::config::RouteConfig;
use crate::screen::decide::DEFAULT_UNAVAILABLE;
use crate::screen::index::RuleIndex;
use crate::screen::policy::Route;
use crate::screen::problem::{Kind, RuleError};

impl Compiler<'_> {
    pub(super) fn routes(&mut self, configs: &[RouteConfig]) {
        let mut names = HashMap::new();
        let routes: Vec<Route> = configs.iter().filter_map(|config| self.route(config, &mut names)).collect();
        self.policy.route_index = RuleIndex::new(routes.iter().map(|route| (&route.trunks, route.called.as_ref())));
        self.policy.routes = routes;
    }

    fn route(&mut self, config: &RouteConfig, names: &mut HashMap<Arc<str>, ()>) -> Option<Route> {
        let name = self.name(Kind::Route, &config.name, names);
        let to = self.trunk(&config.to);
        if let Some(to) = to {
            self.check_has_targets(&config.to, to);
        }
        let route = Route {
            name,
            to: to?,
            present: config.present.as_ref().and_then(|present| self.present(present, to?)),
            unavailable: self.unavailable(config.unavailable.as_ref()),
            trunks: self.trunk_set(config.trunks.as_ref()),
            called: self.called(config.called.as_ref()),
            callers: self.patterns(config.callers.as_ref()),
            header: self.header(config.header.as_ref()),
        };
        Some(route)
    }

    fn unavailable(&mut self, status: Option<&Spanned<u16>>) -> u16 {
        let Some(status) = status else { return DEFAULT_UNAVAILABLE };
        if !(400..700).contains(status.get_ref()) {
            self.problem(status.span(), RuleError::Status(400, 699));
        }
        *status.get_ref()
    }
}
