//! What a rule's decline answers: by the class of the list that matched, the region's law and what the caller's side
//! understands.

use std::sync::Arc;

use crate::lists::Class;
use crate::screen::policy::{Answers, NetworkBlocked};
use crate::screen::redress::RedressId;
use crate::screen::verdict::{Answer, AnswerKind};
use crate::screen::view::CallView;
use crate::sip::has_feature;

/// The answer to a call that a rule declines, with the rule's `status` and `reply`, through a list of this class.
pub(crate) fn declined(
    call: &CallView<'_>,
    answers: &Answers,
    class: Option<Class>,
    status: Option<&str>,
    reply: Option<&(u16, Arc<str>)>,
    id: RedressId,
) -> Answer {
    if let (Some(Class::Reputation), Some(blocked)) = (class, &answers.blocked_by_analytics) {
        return blocked.answer(id);
    }
    let mut card = None;
    let (code, phrase) = match reply {
        Some((REJECTED, _)) if !understands_608(call, answers) => PLAIN,
        Some((code, phrase)) => {
            card = answers.card.clone().filter(|_| *code == REJECTED);
            (*code, &**phrase)
        }
        None => PLAIN,
    };
    let reason = status.map(|status| {
        let escaped = status.replace('\\', "\\\\").replace('"', "\\\"");
        format!("SIP;cause={code};text=\"{escaped}\"").into()
    });
    Answer { reason, card, ..Answer::new(code, phrase, AnswerKind::Declined) }
}

impl NetworkBlocked {
    /// 603+ (ATIS-1000099).
    fn answer(&self, id: RedressId) -> Answer {
        let NetworkBlocked { contacts, location } = self;
        let reason = format!("SIP;cause=603;text=\"v=analytics1;{contacts};id={id}\";location={location}");
        Answer { reason: Some(reason.into()), ..Answer::new(603, "Network Blocked", AnswerKind::Declined) }
    }
}

/// Whether somebody on the caller's side of the call says that he can tell the caller of a 608 (RFC 8688 section 3.2).
fn understands_608(call: &CallView<'_>, answers: &Answers) -> bool {
    let said = answers.feature_caps.and_then(|at| call.headers.get(at).copied().flatten());
    said.is_some_and(signals_608)
}

/// Whether a Feature-Caps header says so.
pub fn signals_608(feature_caps: &[u8]) -> bool {
    has_feature(feature_caps, b"sip.608")
}

/// The header that says what those on the way of a call can do (RFC 6809), in lower case as in
/// [`Policy::headers`](crate::screen::Policy::headers).
pub const FEATURE_CAPS: &str = "feature-caps";

/// The callee himself did not want the call (RFC 8197).
pub(crate) const UNWANTED: u16 = 607;

/// Rejected by an intermediary (RFC 8688).
pub(crate) const REJECTED: u16 = 608;

/// The answer of a rule that asks for no other.
const PLAIN: (u16, &str) = (603, "Decline");
