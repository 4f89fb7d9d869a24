//! The call as rules see it.

use smallvec::SmallVec;

use crate::number::{DialPlan, Number, Party};
use crate::screen::policy::{Policy, TrunkId};
use crate::sip::{Scheme, Uri};

/// The raw material of a decision. The engine fills it from a message, `explain` and the replay of records from text.
#[derive(Debug, Clone, Copy)]
pub struct CallFacts<'a> {
    /// The trunk that the call came from.
    pub trunk: TrunkId,
    /// addr-spec of From.
    pub from: &'a [u8],
    /// Display name of From. It decides nothing: only the URI can be anonymous (RFC 3323 section 4.1.1.3).
    pub from_display: &'a [u8],
    /// addr-specs of P-Asserted-Identity; ignored when the trunk is not trusted.
    pub asserted: &'a [&'a [u8]],
    /// Privacy holds `id`, `user` or `header`.
    pub privacy: bool,
    /// The Request-URI.
    pub request_uri: &'a [u8],
    /// addr-specs of Diversion; ignored when the trunk is not trusted.
    pub diversions: &'a [&'a [u8]],
    /// Values of the headers [`Policy::headers`]; a shorter slice means that the rest are absent.
    pub headers: &'a [Option<&'a [u8]>],
}

/// All that a rule may look at.
#[derive(Debug, Clone)]
pub struct CallView<'a> {
    pub(crate) trunk: TrunkId,
    pub(crate) from: Party<'a>,
    pub(crate) asserted: SmallVec<[Party<'a>; 2]>,
    pub(crate) anonymous: bool,
    pub(crate) unavailable: bool,
    pub(crate) callee: Party<'a>,
    pub(crate) emergency: bool,
    pub(crate) diversions: SmallVec<[Party<'a>; 2]>,
    pub(crate) headers: &'a [Option<&'a [u8]>],
}

impl<'a> CallView<'a> {
    /// Reads the parties of a call by the dial plan of its trunk. What cannot be read counts as unavailable.
    pub fn new(policy: &Policy, facts: &CallFacts<'a>) -> CallView<'a> {
        let trunk = policy.trunk(facts.trunk);
        let plan = &trunk.plan;
        let believed = |uris: &'a [&'a [u8]]| -> SmallVec<[Party<'a>; 2]> {
            if trunk.trusted { uris.iter().map(|uri| party(uri, plan)).collect() } else { SmallVec::new() }
        };
        let from = party(facts.from, plan);
        let asserted = believed(facts.asserted);
        let known = std::iter::once(&from).chain(&asserted).any(is_usable);
        let called = callee(policy, facts.request_uri, plan);
        CallView {
            trunk: facts.trunk,
            anonymous: facts.privacy || from == Party::Anonymous,
            unavailable: !known,
            from,
            asserted,
            emergency: called.1,
            callee: called.0,
            diversions: believed(facts.diversions),
            headers: facts.headers,
        }
    }

    /// The trunk that the call came from.
    pub fn trunk(&self) -> TrunkId {
        self.trunk
    }

    /// The From number, if it is one.
    pub fn from_number(&self) -> Option<Number> {
        number(&self.from)
    }

    /// The asserted number, if the trunk is trusted and gave one.
    pub fn asserted_number(&self) -> Option<Number> {
        self.asserted.iter().find_map(number)
    }

    /// Everybody that the caller is said to be: the asserted identities, then From.
    pub fn callers(&self) -> impl Iterator<Item = &Party<'a>> {
        self.asserted.iter().chain(std::iter::once(&self.from))
    }

    /// The callee.
    pub fn callee(&self) -> &Party<'a> {
        &self.callee
    }

    /// Whether the caller asked not to be shown.
    pub fn is_anonymous(&self) -> bool {
        self.anonymous
    }

    /// Whether the callee is one of `numbers.never_block` or an emergency service.
    pub fn is_emergency(&self) -> bool {
        self.emergency
    }

    /// Who the caller is for everything that opens a door: the asserted identity when there is one, else From.
    pub(crate) fn identity(&self) -> &[Party<'a>] {
        if self.asserted.is_empty() { std::slice::from_ref(&self.from) } else { &self.asserted }
    }
}

fn number(party: &Party<'_>) -> Option<Number> {
    match party {
        Party::Number(number) => Some(*number),
        _ => None,
    }
}

fn is_usable(party: &Party<'_>) -> bool {
    matches!(party, Party::Number(_) | Party::Code(_))
}

/// Whether a Request-URI that came from this trunk stands for a callee that nothing may refuse.
pub fn is_emergency(policy: &Policy, trunk: TrunkId, request_uri: &[u8]) -> bool {
    callee(policy, request_uri, &policy.trunk(trunk).plan).1
}

/// The callee, and whether it must never be blocked.
fn callee<'a>(policy: &Policy, request_uri: &'a [u8], plan: &DialPlan) -> (Party<'a>, bool) {
    let never_block = &policy.never_block;
    if is_emergency_service(request_uri) {
        return (never_block.urn.clone().unwrap_or(Party::Unavailable), true);
    }
    let callee = party(request_uri, plan);
    // Also by the plan of `[numbers]`: a trunk of another country still reaches our 112 as +48112.
    let emergency = never_block.holds(&callee)
        || (plan != &never_block.plan && never_block.holds(&party(request_uri, &never_block.plan)));
    (callee, emergency)
}

/// `urn:service:sos` and its sub-services (RFC 5031), in any case.
fn is_emergency_service(uri: &[u8]) -> bool {
    const SOS: &[u8] = b"urn:service:sos";
    match uri.split_at_checked(SOS.len()) {
        Some((head, rest)) => head.eq_ignore_ascii_case(SOS) && matches!(rest.first(), None | Some(b'.' | b';' | b'?')),
        None => false,
    }
}

/// Who a URI stands for.
pub(crate) fn party<'a>(uri: &'a [u8], plan: &DialPlan) -> Party<'a> {
    let Ok(uri) = Uri::parse(uri) else { return Party::Unavailable };
    let user = match uri.scheme {
        Scheme::Sip | Scheme::Sips | Scheme::Tel => uri.user.unwrap_or_default(),
        _ => return Party::Unavailable,
    };
    if is_anonymous(user, uri.host) {
        return Party::Anonymous;
    }
    plan.party(user)
}

/// RFC 3323 section 4.1.1.3: `anonymous@anonymous.invalid`; many gateways put their own host there.
fn is_anonymous(user: &[u8], host: &[u8]) -> bool {
    user.eq_ignore_ascii_case(b"anonymous") || host.eq_ignore_ascii_case(b"anonymous.invalid")
}
