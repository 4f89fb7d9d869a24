//! Mistakes and warnings as the log may tell them: without numbers and names of people. Whoever asks for a reload, and
//! `ringfence check`, are shown all of it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::worlds::BuildError;
use crate::config::{BaseError, Mistake, SourceNotice};
use crate::lists::FileError;
use crate::number::DialPlan;
use crate::screen::{EditError, Notice, RuleError};

/// A mistake of the config.
pub(super) fn mistake(mistake: &Mistake) -> String {
    match mistake {
        Mistake::Row { reason, .. } => reason.to_string(),
        Mistake::Entry { error, .. } => error.to_string(),
        Mistake::Pool(_) => POOL.to_owned(),
        Mistake::Rule(error) => rule(error),
        // The TOML reader quotes the value that it did not expect.
        Mistake::Toml(_) => "not the TOML that is expected here; `ringfence check` tells more".to_owned(),
        Mistake::UnknownKey { .. } => "unknown key; `ringfence check` tells more".to_owned(),
        Mistake::File(error) => file(error),
        Mistake::Option(_)
        | Mistake::Unreadable { .. }
        | Mistake::NotUtf8
        | Mistake::NotAnArray(_)
        | Mistake::NotATable(_)
        | Mistake::NoListener
        | Mistake::SameSocket(_)
        | Mistake::NoTls
        | Mistake::NoTlsSocket
        | Mistake::NoCertificates
        | Mistake::OpenAdminPort
        | Mistake::MoreRows { .. }
        | Mistake::SkipLimit { .. }
        | Mistake::NotRegular { .. }
        | Mistake::Changed
        | Mistake::TooManyLists => mistake.to_string(),
    }
}

fn file(error: &FileError) -> String {
    match error {
        FileError::Rows(report) | FileError::TooManySkipped { report, .. } => {
            format!("{} rows are wrong", report.total)
        }
        FileError::Io { .. }
        | FileError::Truncated { .. }
        | FileError::Damaged { .. }
        | FileError::Utf16
        | FileError::Empty
        | FileError::NoColumn(_) => error.to_string(),
    }
}

fn rule(error: &RuleError) -> String {
    match error {
        RuleError::PoolEntry { list, .. } => {
            format!("numbers are presented from the list \"{list}\", so it can hold numbers and ranges only")
        }
        RuleError::NotACallee(_) => "`called` holds an entry that nobody calls".to_owned(),
        // They hold names of the config's tables and keys, codes, and reasons that tell a single character.
        RuleError::EmptyName
        | RuleError::SameName { .. }
        | RuleError::SameRuleName { .. }
        | RuleError::Unknown { .. }
        | RuleError::UnknownSocket { .. }
        | RuleError::TooManyTrunks
        | RuleError::Source
        | RuleError::SameSource { .. }
        | RuleError::TargetUri(_)
        | RuleError::TargetScheme
        | RuleError::TargetParts
        | RuleError::TargetName
        | RuleError::SipsTransport
        | RuleError::TlsName
        | RuleError::SameTlsName { .. }
        | RuleError::CertificateAlone
        | RuleError::IdleCertificate
        | RuleError::Transport
        | RuleError::Span
        | RuleError::ShortProbe(_)
        | RuleError::IdleWeight
        | RuleError::IdleReply
        | RuleError::Status(..)
        | RuleError::Method
        | RuleError::RequestUriPart(_)
        | RuleError::Entry(_)
        | RuleError::EmptyArray
        | RuleError::HeaderName
        | RuleError::HeaderOfSip(_)
        | RuleError::UnboundCampaign
        | RuleError::NotBlocking { .. }
        | RuleError::CampaignOnly(_)
        | RuleError::Attempts
        | RuleError::HoursPrefix
        | RuleError::HoursZone { .. }
        | RuleError::HoursDays
        | RuleError::HoursOpen
        | RuleError::IdleStatus(_)
        | RuleError::IdleWithoutLists(_)
        | RuleError::BlockIntoClass { .. }
        | RuleError::BlockIntoNothing(_)
        | RuleError::MissingTo(_)
        | RuleError::Idle { .. }
        | RuleError::RedirectTo
        | RuleError::ForwardTo
        | RuleError::NoTargets(_)
        | RuleError::ControlCharacter
        | RuleError::Reply
        | RuleError::Challenge(_)
        | RuleError::Unwanted
        | RuleError::Rejected
        | RuleError::Card
        | RuleError::NobodyRefused(_)
        | RuleError::DropOfAnalytics(_)
        | RuleError::NetworkBlocked
        | RuleError::ReplyToAnalytics(_)
        | RuleError::StatusOfAnalytics(_)
        | RuleError::AnswersNeed(_)
        | RuleError::Contact
        | RuleError::Location
        | RuleError::RouteEnd
        | RuleError::RouteAnswer
        | RuleError::IdleInRoute { .. }
        | RuleError::HostOfRoute
        | RuleError::ContactHost
        | RuleError::PresentFromSwitch
        | RuleError::Strategy(_)
        | RuleError::PresentHeader
        | RuleError::PrivacyAlone
        | RuleError::PrivacyTwice
        | RuleError::AskingHeader(_)
        | RuleError::SharedHeader(_)
        | RuleError::IdleRest
        | RuleError::LongCoolDown(_)
        | RuleError::PoolExcluded(_) => error.to_string(),
    }
}

/// What works but is hardly meant.
pub(super) fn notice(notice: &Notice) -> String {
    match notice {
        Notice::NoRoute(_) => "no route takes calls to this number of numbers.never_block".to_owned(),
        Notice::ServiceUnavailable
        | Notice::Unreachable(_)
        | Notice::BlockIntoInbound(_)
        | Notice::Uncovered { .. }
        | Notice::EmptyPool(_)
        | Notice::LargePool(_)
        | Notice::Untold { .. } => notice.to_string(),
    }
}

/// Why a list has another base than its files say.
pub(super) fn source(notice: &SourceNotice) -> String {
    match notice {
        SourceNotice::Fallback(BaseError::File { path, error }) => {
            format!("{}: {}; the last good snapshot is in force", path.display(), file(error))
        }
        SourceNotice::Fallback(
            BaseError::Unreadable { .. } | BaseError::NotRegular { .. } | BaseError::Changed { .. },
        )
        | SourceNotice::Waits { .. }
        | SourceNotice::SetAside(_)
        | SourceNotice::NoSnapshot(_) => notice.to_string(),
    }
}

/// Why no world can be built of what the database holds.
pub(super) fn build(error: &BuildError) -> String {
    match error {
        BuildError::Edit(error) => edit(error),
        BuildError::Import { .. } => error.to_string(),
    }
}

/// An edit of before that does not fit the config of now.
pub(super) fn edit(error: &EditError) -> String {
    match error {
        EditError::UnknownList { .. } => error.to_string(),
        EditError::NeverBlock { list, .. } => {
            format!("an edit of the list \"{list}\" is or holds a number of numbers.never_block")
        }
        EditError::NotForPool { list, .. } => format!(
            "numbers are presented from the list \"{list}\", but an edit has put an entry into it that is neither a \
             number nor a range; under the config of before remove it: DELETE /v1/lists/{}/entries/ENTRY",
            utf8_percent_encode(list, IN_A_PATH)
        ),
    }
}

/// The same for whoever asked for the reload. `plan` is that of the list while the entry is removed.
pub(super) fn edit_in_full(error: &EditError, plan: impl FnOnce(&str) -> DialPlan) -> String {
    match error {
        EditError::UnknownList { .. } => error.to_string(),
        EditError::NotForPool { list, entry } | EditError::NeverBlock { list, entry } => format!(
            "{error}; remove it: DELETE /v1/lists/{}/entries/{}",
            utf8_percent_encode(list, IN_A_PATH),
            utf8_percent_encode(&entry.spelled(&plan(list)), IN_A_PATH)
        ),
    }
}

const POOL: &str = "a pool can hold numbers and ranges only";

/// What RFC 3986 section 2.3 leaves as it is, and the `*` of prefixes.
const IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'*');
