//! `[[route]]`.

use std::collections::HashMap;
use std::sync::Arc;

use toml::Spanned;

use super::Compiler;
use crate::lists::{Class, ListId, Pool};
use crate::screen::config::{PresentConfig, Privacy, RouteConfig};
use crate::screen::decide::DEFAULT_UNAVAILABLE;
use crate::screen::index::RuleIndex;
use crate::screen::policy::{Otherwise, Present, Route};
use crate::screen::problem::{Kind, Notice, RuleError};
use crate::screen::verdict::PresentHeaders;

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
            present: config.present.as_ref().and_then(|present| self.present(present)),
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

    fn present(&mut self, config: &PresentConfig) -> Option<Present> {
        if let Some(strategy) = config.strategy.as_ref().filter(|strategy| strategy.get_ref() != "random") {
            self.problem(strategy.span(), RuleError::Strategy(strategy.get_ref().as_str().into()));
        }
        let headers = self.present_headers(config.headers.as_deref());
        let pool = self.list(&config.pool)?;
        match Pool::new(&self.lists[pool]) {
            Ok(counted) if counted.count() == 0 && config.otherwise == Otherwise::Refuse => {
                let name = self.lists[pool].name().clone();
                self.notices.push((config.pool.span(), Notice::EmptyPool(name)));
            }
            Ok(_) => {}
            Err(error) => {
                let list = self.lists[pool].name().clone();
                self.problem(config.pool.span(), RuleError::PoolEntry { list, entry: error.0 });
            }
        }
        Some(Present {
            pool,
            exclude: self.exclude(config, pool),
            headers,
            keep_privacy: config.privacy == Privacy::Keep,
            otherwise: config.otherwise,
        })
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

    fn present_headers(&mut self, names: Option<&[Spanned<String>]>) -> PresentHeaders {
        let Some(names) = names else { return PresentHeaders { asserted: true, from: false } };
        let mut headers = PresentHeaders { asserted: false, from: false };
        for name in names {
            if name.get_ref().eq_ignore_ascii_case("P-Asserted-Identity") {
                headers.asserted = true;
            } else if name.get_ref().eq_ignore_ascii_case("From") {
                headers.from = true;
            } else {
                self.problem(name.span(), RuleError::PresentHeader);
            }
        }
        if names.is_empty() {
            self.problem(self.here.clone(), RuleError::EmptyArray);
        }
        headers
    }
}

/// Lists of people who are not called or not answered: their numbers are not shown to anybody either.
fn blocks(class: Class) -> bool {
    matches!(class, Class::Personal | Class::Dnc | Class::Dno | Class::Reputation)
}
