//! What can be wrong with rules that are well-formed TOML.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::lists::{Class, Entry, EntryError};
use crate::screen::present::MOST_LOOKS;
use crate::sip::UriError;

/// A mistake in the rules, and where it stands in the text of the config.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Bytes of the config.
    pub span: Range<usize>,
    /// What is wrong.
    pub error: RuleError,
}

/// A mistake in the rules.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum RuleError {
    /// A name without characters.
    #[error("a name cannot be empty")]
    EmptyName,
    /// Two of one kind have one name.
    #[error("there is a {kind} \"{name}\" already")]
    SameName {
        /// trunk, rule or route.
        kind: Kind,
        /// The name.
        name: Arc<str>,
    },
    /// An inbound and a campaign rule have one name; told at both.
    #[error("the {other} \"{name}\" has this name too: a rule is known by its name alone")]
    SameRuleName {
        /// What the other one is.
        other: Kind,
        /// The name.
        name: Arc<str>,
    },
    /// A trunk or list that does not exist.
    #[error("there is no {kind} \"{name}\"{}", did_you_mean(.nearest))]
    Unknown {
        /// trunk or list.
        kind: Kind,
        /// The name.
        name: Arc<str>,
        /// The known name that is spelled most like it.
        nearest: Option<Arc<str>>,
    },
    /// More trunks or routes than can be numbered.
    #[error("there are too many trunks: at most 65535")]
    TooManyTrunks,
    /// A `via` or `on` names no socket.
    #[error("no socket of `sip.listen` has the name or the `addr` \"{name}\"{}", did_you_mean(.nearest))]
    UnknownSocket {
        /// What is written.
        name: Arc<str>,
        /// The known name that is spelled most like it.
        nearest: Option<Arc<str>>,
    },
    /// A `from` is no address.
    #[error("expected an address, an address with port, or a network such as 198.51.100.0/24")]
    Source,
    /// Two trunks with one `from`.
    #[error("trunk \"{owner}\" has the same `from`: a call from there could belong to either")]
    SameSource {
        /// The other trunk; it may be the same one.
        owner: Arc<str>,
    },
    /// A `to` is no SIP URI.
    #[error("expected a SIP URI such as sip:198.51.100.7:5060: {0}")]
    TargetUri(UriError),
    /// A `to` has a scheme other than sip and sips.
    #[error("expected a SIP URI such as sip:198.51.100.7:5060")]
    TargetScheme,
    /// A `to` has a user, headers, or a parameter other than transport.
    #[error("a target is a host with a port and `;transport=udp`, `tcp` or `tls` only")]
    TargetParts,
    /// A `to` with a host that is neither.
    #[error("expected an IP address or the name of a host")]
    TargetName,
    /// A transport that is not spoken.
    #[error("expected the transport udp, tcp or tls")]
    Transport,
    /// `sips:` and a transport that has no TLS.
    #[error("sips: is spoken over TLS: leave the transport out")]
    SipsTransport,
    /// A name of `tls_names`.
    #[error("expected the name of a domain or host, as it stands in a certificate; a wildcard stands for nothing")]
    TlsName,
    /// Two trunks that nothing but one name would tell apart.
    #[error("trunk \"{owner}\" has this name too, and one of both has no `from`: a call could belong to either")]
    SameTlsName {
        /// The other trunk.
        owner: Arc<str>,
    },
    /// One of `certificate` and `key` without the other.
    #[error("`certificate` and `key` belong together: the other one is missing")]
    CertificateAlone,
    /// A certificate for a trunk that TLS does not lead to.
    #[error("nobody is shown this certificate: no `to` of the trunk speaks TLS, and it has no `tls_names`")]
    IdleCertificate,
    /// A span of time.
    #[error("expected a time such as \"500ms\", \"4s\", \"10m\" or \"12h\", above zero")]
    Span,
    /// A `probe` that would ask all the time.
    #[error("expected at least {} s between two probes", .0.as_secs())]
    ShortProbe(Duration),
    /// A weight without a use.
    #[error("a weight means nothing with load_balance = \"ordered\"")]
    IdleWeight,
    /// A trunk's `reply` without a limit.
    #[error("`reply` means nothing without max_calls or max_cps")]
    IdleReply,
    /// A status code outside its range.
    #[error("expected a status code from {0} to {1}")]
    Status(u16, u16),
    /// A method name.
    #[error("expected a method such as \"INVITE\", or \"*\" alone")]
    Method,
    /// A prefix or host that cannot stand in a Request-URI.
    #[error("it cannot stand in a Request-URI: {0}")]
    RequestUriPart(UriError),
    /// An entry that cannot be read.
    #[error(transparent)]
    Entry(EntryError),
    /// `anonymous` or `unavailable` as a callee.
    #[error("`called` holds numbers, prefixes, ranges, short codes and user names: nobody calls \"{0}\"")]
    NotACallee(Entry),
    /// An empty array where omission means any.
    #[error("an empty array would match nothing: leave the key out to match any")]
    EmptyArray,
    /// A header name.
    #[error("expected a header name such as X-Campaign")]
    HeaderName,
    /// A header that has a meaning of its own.
    #[error("{0} has another meaning in SIP: a campaign's header is removed before the call goes on")]
    HeaderOfSip(Arc<str>),
    /// A campaign that would judge every call.
    #[error("a campaign needs at least one of header, trunks and callers")]
    UnboundCampaign,
    /// An allow or pool list among those that block.
    #[error("list \"{list}\" has the class {class}, which no rule can {action}: name it in `except` instead")]
    NotBlocking {
        /// The list.
        list: Arc<str>,
        /// Its class.
        class: Class,
        /// decline or drop.
        action: &'static str,
    },
    /// A campaign's key in an inbound rule.
    #[error("`{0}` is for campaigns: an inbound rule has no use for it")]
    CampaignOnly(&'static str),
    /// A campaign's `attempts`.
    #[error("expected a number of calls up to 100 and a time up to 366 days in whole seconds, such as \"3/24h\"")]
    Attempts,
    /// The prefix of calling hours.
    #[error("expected the digits that numbers begin with, such as \"48\"")]
    HoursPrefix,
    /// The time zone of calling hours.
    #[error("there is no time zone \"{name}\" in the IANA database{}", did_you_mean(.nearest))]
    HoursZone {
        /// What is written.
        name: Arc<str>,
        /// The known name that is spelled most like it.
        nearest: Option<Arc<str>>,
    },
    /// The days of calling hours.
    #[error("expected days such as \"mon-fri,sun\"")]
    HoursDays,
    /// The spans of calling hours.
    #[error("expected spans such as \"08:00-12:00,14:00-20:00\", from 00:00 to 24:00, none of them empty")]
    HoursOpen,
    /// A text of `statuses` that nobody gets.
    #[error("`statuses.{0}` means nothing without `{0}`")]
    IdleStatus(&'static str),
    /// What is said of those whom lists hold, where there are no lists.
    #[error("`{0}` means nothing in a campaign without `lists` that has only, hours or attempts: those decline")]
    IdleWithoutLists(&'static str),
    /// A list that nobody should be blocked into.
    #[error("list \"{list}\" has the class {class}: who is on it is not blocked")]
    BlockIntoClass {
        /// The list.
        list: Arc<str>,
        /// Its class.
        class: Class,
    },
    /// A list that does not block.
    #[error(
        "who is on the list \"{0}\" is not blocked: the campaign must have it in `lists`, not in `except`, and refuse"
    )]
    BlockIntoNothing(Arc<str>),
    /// A redirect or forward without `to`.
    #[error("{0} needs `to`")]
    MissingTo(&'static str),
    /// A key that the action has no use for.
    #[error("`{key}` means nothing with the action {action}")]
    Idle {
        /// The key.
        key: &'static str,
        /// The action.
        action: &'static str,
    },
    /// The `to` of a redirect.
    #[error("expected a SIP or tel URI, or a number, to redirect to")]
    RedirectTo,
    /// The `to` of a forward.
    #[error("expected a number, or sip:USER@TRUNK, to forward to")]
    ForwardTo,
    /// A forward to a trunk without targets.
    #[error("trunk \"{0}\" has no `to`, so no call can go there")]
    NoTargets(Arc<str>),
    /// A text with control characters.
    #[error("control characters cannot stand in a header")]
    ControlCharacter,
    /// A `reply`.
    #[error("expected a code from 400 to 699 and a phrase, such as \"486 Busy Here\"")]
    Reply,
    /// A `reply` that asks for credentials.
    #[error("{0} asks for credentials that nobody would check")]
    Challenge(u16),
    /// 607 where not the callee decided.
    #[error("607 means that the callee marked the call himself (RFC 8197): every list of the rule must be personal")]
    Unwanted,
    /// 608 without the card that it needs.
    #[error("608 tells the caller where a signed card is (RFC 8688): `[answers]` needs `card`")]
    Rejected,
    /// `card` is no URL that a 608 can name.
    #[error("expected the https URL of a signed card (RFC 8688)")]
    Card,
    /// 607 or 608 where no list was asked.
    #[error("{0} says that somebody did not want this call, and here nobody was asked")]
    NobodyRefused(u16),
    /// `drop` for analytics in the US.
    #[error(
        "list \"{0}\" is a reputation list: in the region \"us\" its calls are answered 603 Network Blocked, not dropped"
    )]
    DropOfAnalytics(Arc<str>),
    /// The phrase of 603+ on another answer.
    #[error("the phrase \"Network Blocked\" belongs to blocking by analytics (ATIS-1000099)")]
    NetworkBlocked,
    /// A reply of one's own for analytics in the US.
    #[error("list \"{0}\" is a reputation list: in the region \"us\" its answer is 603 Network Blocked and no other")]
    ReplyToAnalytics(Arc<str>),
    /// A status text of one's own for analytics in the US.
    #[error(
        "list \"{0}\" is a reputation list: in the region \"us\" its answer has its own Reason, so `status` must go"
    )]
    StatusOfAnalytics(Arc<str>),
    /// `region = "us"` without contact or location.
    #[error("with the region \"us\", `[answers]` needs `{0}`")]
    AnswersNeed(&'static str),
    /// A contact.
    #[error("expected an https URL, an E.164 number with +, or a mail address")]
    Contact,
    /// A location.
    #[error("expected LN, TN, RLN, LPN or RPN (RFC 8606)")]
    Location,
    /// A route with `to` and `answer`, or with neither.
    #[error("a route has either `to`, a trunk, or `answer`, what the switch that asks is told")]
    RouteEnd,
    /// The `answer` of a route.
    #[error("expected 302 (the switch calls the Contact), or 404 or 503 (it takes its next route)")]
    RouteAnswer,
    /// A key that a route has no use for.
    #[error("`{key}` means nothing with `answer = {answer}`")]
    IdleInRoute {
        /// The key.
        key: &'static str,
        /// The answer.
        answer: u16,
    },
    /// `host` without `answer`.
    #[error(
        "`host` is that of the Contact in a 302: it means nothing without `answer = 302`; a trunk has its own `host`"
    )]
    HostOfRoute,
    /// The host of a Contact.
    #[error("expected a host, perhaps with a port")]
    ContactHost,
    /// Another header than P-Asserted-Identity in a 302.
    #[error("a 302 presents a number in P-Asserted-Identity only: its Contact asks for no other header")]
    PresentFromSwitch,
    /// A strategy that is not there.
    #[error(
        "there is no strategy \"{0}\": expected \"random\", \"sticky\", \"local\", \"least-used\" or \"round-robin\""
    )]
    Strategy(Arc<str>),
    /// A header that cannot carry a presented number.
    #[error(
        "a number is presented in P-Asserted-Identity, From and Remote-Party-ID, and with Privacy it is for all to see"
    )]
    PresentHeader,
    /// `Privacy: none` without a number.
    #[error("`Privacy` carries no number: name a header that does beside it")]
    PrivacyAlone,
    /// `Privacy: none` and `privacy = "keep"`.
    #[error("Privacy is among the headers, which says `none`: that contradicts privacy = \"keep\"")]
    PrivacyTwice,
    /// A header that asks for a number and cannot be removed.
    #[error("{0} has another meaning in SIP: the header that asks for a number is removed before the call goes on")]
    AskingHeader(Arc<str>),
    /// A header that asks for a number and is a rule's as well.
    #[error("a rule or route reads the header {0} too: expected one of its own to ask for a number by")]
    SharedHeader(Arc<str>),
    /// A `rest_for` without a rest.
    #[error("`rest_for` means nothing without `rest_after`")]
    IdleRest,
    /// A `cool_down` that is too long.
    #[error("expected a time of at most {} h", .0.as_secs() / 3_600)]
    LongCoolDown(Duration),
    /// A pool with an entry that is no number.
    #[error("numbers are presented from the list \"{list}\", so it can hold numbers and ranges only, not {entry}")]
    PoolEntry {
        /// The list.
        list: Arc<str>,
        /// Its entry.
        entry: Entry,
    },
    /// A pool that excludes itself.
    #[error("the pool \"{0}\" excludes itself")]
    PoolExcluded(Arc<str>),
}

impl RuleError {
    /// Whether a name is not known: it may be that of a table that could not be read.
    pub fn is_unknown_name(&self) -> bool {
        matches!(self, RuleError::Unknown { .. } | RuleError::UnknownSocket { .. })
    }
}

/// Something that works but is hardly meant.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Notice {
    /// An emergency number that no call reaches.
    #[error("no route takes calls to {0}, which numbers.never_block lets through")]
    NoRoute(Arc<str>),
    /// 503 as a policy.
    #[error("many peers stop sending any call after a 503")]
    ServiceUnavailable,
    /// A forward or hide of which a switch hears nothing.
    #[error("rule \"{rule}\" may {action} a call that is answered {status}, which cannot tell the switch so")]
    Untold {
        /// The rule.
        rule: Arc<str>,
        /// forward or hide.
        action: &'static str,
        /// 404 or 503.
        status: u16,
    },
    /// A trunk that no socket can send to.
    #[error(
        "no socket that trunk \"{0}\" may be spoken to from has the transport and address family of any of its `to`"
    )]
    Unreachable(Arc<str>),
    /// Callees are blocked as callers too.
    #[error("an inbound rule has the list \"{0}\" too: whom the campaign blocks can no longer call")]
    BlockIntoInbound(Arc<str>),
    /// A dialler's calls that no campaign looks at.
    #[error(
        "calls from trunk \"{trunk}\", which a campaign names, can take the route \"{route}\" without being screened: no \
         campaign that acts, has no callers and no header of its own is asked about all of them"
    )]
    Uncovered {
        /// The dialler's trunk.
        trunk: Arc<str>,
        /// The route.
        route: Arc<str>,
    },
    /// A pool without numbers.
    #[error("the pool \"{0}\" has no numbers: every call of this route is refused")]
    EmptyPool(Arc<str>),
    /// A pool that cannot be looked through for a call.
    #[error(
        "a call looks at {MOST_LOOKS} of the {0} numbers of the pool at most: with nearly all of them excluded or used up \
         it may find none"
    )]
    LargePool(u64),
}

/// What a name in the config stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A `[[trunk]]`.
    Trunk,
    /// A `[[list]]`.
    List,
    /// An `[[inbound]]` rule.
    Inbound,
    /// A `[[campaign]]` rule.
    Campaign,
    /// A `[[route]]`.
    Route,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Trunk => "trunk",
            Kind::List => "list",
            Kind::Inbound => "inbound rule",
            Kind::Campaign => "campaign rule",
            Kind::Route => "route",
        })
    }
}

/// The known name that is spelled most like `name`, when one is near enough to be meant.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        // A third of the letters wrong is a slip of the hand; more is another word.
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The end of a message about an unknown name.
pub fn did_you_mean(nearest: &Option<Arc<str>>) -> String {
    nearest.as_ref().map(|name| format!(": did you mean \"{name}\"?")).unwrap_or_default()
}
