//! A call as its record has it, to be judged again; and what a replay asks of the rules.

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::percent_decode;
use smallvec::SmallVec;

use crate::screen::policy::{HeaderMatch, Mode, Policy, TrunkId, TrunkSet};
use crate::screen::view::{CallFacts, CallView};
use crate::text::words;

/// What a record holds of the question that [`decide`](crate::screen::decide) was asked, as it stands in its columns.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recorded<'a> {
    /// The URI of From.
    pub from: &'a [u8],
    /// The URIs of P-Asserted-Identity, joined with a space.
    pub asserted: &'a [u8],
    /// Privacy was asked for.
    pub privacy: bool,
    /// The Request-URI.
    pub request_uri: &'a [u8],
    /// The URIs of Diversion, joined with a space.
    pub diversions: &'a [u8],
    /// Headers, as `name=value`, percent-encoded and joined with `&`.
    pub headers: &'a [u8],
}

impl<'a> Recorded<'a> {
    /// Hands the call to `judge`, as one that comes from `trunk` of this policy.
    pub fn ask<R>(&self, policy: &Policy, trunk: TrunkId, judge: impl FnOnce(&CallView<'_>) -> R) -> R {
        let (asserted, diversions): (Uris<'_>, Uris<'_>) =
            (words(self.asserted).collect(), words(self.diversions).collect());
        let given: SmallVec<[_; HEADERS]> = self.given().collect();
        let value = |name: &Arc<str>| given.iter().find(|(it, _)| *it == name.as_bytes()).map(|(_, value)| &**value);
        let headers: SmallVec<[Option<&[u8]>; HEADERS]> = policy.headers.iter().map(value).collect();
        let facts = CallFacts {
            trunk,
            from: self.from,
            from_display: b"",
            asserted: &asserted,
            privacy: self.privacy,
            request_uri: self.request_uri,
            diversions: &diversions,
            headers: &headers,
        };
        judge(&CallView::new(policy, &facts))
    }

    /// Whether the record holds a header of this name, in lower case.
    pub fn holds(&self, header: &str) -> bool {
        self.given().any(|(name, _)| name == header.as_bytes())
    }

    fn given(&self) -> impl Iterator<Item = (&'a [u8], Cow<'a, [u8]>)> + use<'a> {
        self.headers.split(|byte| *byte == b'&').filter_map(|pair| {
            let equals = memchr::memchr(b'=', pair)?;
            Some((&pair[..equals], Cow::from(percent_decode(&pair[equals + 1..]))))
        })
    }
}

type Uris<'a> = SmallVec<[&'a [u8]; 2]>;

/// A call seldom has more of those that rules read.
const HEADERS: usize = 4;

impl Policy {
    /// The positions in [`Policy::headers`] of those that rules and routes read in calls from this trunk.
    pub fn headers_read(&self, trunk: TrunkId) -> impl Iterator<Item = usize> {
        let rules = self.inbound.rules.iter().chain(&self.campaigns.rules);
        let acting = rules.filter(|rule| rule.mode != Mode::Off).map(|rule| (&rule.trunks, &rule.header));
        let all = acting.chain(self.routes.iter().map(|route| (&route.trunks, &route.header)));
        let matched = all.filter_map(move |(trunks, header): (&TrunkSet, &Option<HeaderMatch>)| {
            header.as_ref().filter(|_| trunks.holds(trunk)).map(|header| header.header)
        });
        let routes = self.routes.iter().filter(move |route| route.trunks.holds(trunk));
        let asking = routes.filter_map(|route| route.present.as_ref()?.explicit);
        matched.chain(asking).chain(self.answers.feature_caps)
    }
}
