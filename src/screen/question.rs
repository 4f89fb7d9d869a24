//! A call described by hand, for `explain` on the command line and on the admin port.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use thiserror::Error;

use crate::screen::explain::{Explanation, explain};
use crate::screen::policy::Policy;
use crate::screen::problem::{did_you_mean, nearest};
use crate::screen::view::{CallFacts, CallView};
use crate::screen::world::World;
use crate::sip::Uri;
use crate::time::WallTime;
use crate::usage::Usage;

/// What would become of such a call? Parties are numbers, SIP or tel URIs, user names, or `anonymous`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The caller in From.
    pub from: String,
    /// The callee.
    pub to: String,
    /// The name of the trunk that it comes from.
    pub trunk: String,
    /// The callers in P-Asserted-Identity.
    #[serde(default)]
    pub asserted: Vec<String>,
    /// The Privacy header holds `id`, `user` or `header`.
    #[serde(default)]
    pub privacy: bool,
    /// Who forwarded it before (Diversion).
    #[serde(default)]
    pub diversions: Vec<String>,
    /// Other headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

impl Question {
    /// Decides and tells how, exactly as for a call with these headers.
    pub fn explain(
        &self,
        world: &World,
        usage: &Usage,
        wall: WallTime,
        draw: u64,
    ) -> Result<Explanation, QuestionError> {
        self.ask(&world.policy, |call| explain(call, world, usage, wall, draw))
    }

    /// Hands the call that is described to `judge`.
    pub fn ask<R>(&self, policy: &Policy, judge: impl FnOnce(&CallView<'_>) -> R) -> Result<R, QuestionError> {
        let trunk = policy.trunk_named(&self.trunk).ok_or_else(|| {
            let known = policy.trunks.iter().map(|trunk| &*trunk.name);
            QuestionError::UnknownTrunk {
                name: self.trunk.as_str().into(),
                nearest: nearest(&self.trunk, known).map(Arc::from),
            }
        })?;
        let uris = |texts: &[String]| -> Vec<String> { texts.iter().map(|text| uri_of(text)).collect() };
        let (from, to) = (uri_of(&self.from), uri_of(&self.to));
        let (asserted, diversions) = (uris(&self.asserted), uris(&self.diversions));
        let headers: Vec<Option<&[u8]>> = policy.headers.iter().map(|name| self.header(name)).collect();
        let facts = CallFacts {
            trunk,
            from: from.as_bytes(),
            from_display: b"",
            asserted: &asserted.iter().map(|uri| uri.as_bytes()).collect::<Vec<_>>(),
            privacy: self.privacy,
            request_uri: to.as_bytes(),
            diversions: &diversions.iter().map(|uri| uri.as_bytes()).collect::<Vec<_>>(),
            headers: &headers,
        };
        Ok(judge(&CallView::new(policy, &facts)))
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_bytes())
    }
}

/// Why a question cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuestionError {
    /// There is no such trunk.
    #[error("there is no trunk \"{name}\"{}", did_you_mean(.nearest))]
    UnknownTrunk {
        /// The name that was asked for.
        name: Arc<str>,
        /// The known name that is spelled most like it.
        nearest: Option<Arc<str>>,
    },
}

/// The URI of a party that an operator typed: URIs stay, `anonymous` becomes that of RFC 3323, anything else the user of
/// a SIP URI.
pub(super) fn uri_of(text: &str) -> String {
    let text = text.trim();
    if text.eq_ignore_ascii_case("anonymous") {
        return "sip:anonymous@anonymous.invalid".to_owned();
    }
    if text.is_empty() || text.eq_ignore_ascii_case("unavailable") {
        return "sip:unavailable.invalid".to_owned();
    }
    if Uri::parse(text.as_bytes()).is_ok() {
        return text.to_owned();
    }
    format!("sip:{}@localhost", percent_encoding::utf8_percent_encode(text, NOT_OF_A_USER))
}

/// All that RFC 3261 section 25.1 does not allow in a user.
const NOT_OF_A_USER: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
