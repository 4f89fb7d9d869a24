//! The tables of the config that screening owns: `[numbers]`, `[answers]`, `[[trunk]]`, `[[inbound]]`, `[[campaign]]` and
//! `[[route]]`. [`compile`](crate::screen::compile) checks what they mean.

use std::num::{NonZeroU16, NonZeroU32};

pub use super::campaign::StatusesConfig;
pub use super::hours::HoursConfig;
pub use super::sockets::{SocketConfig, SocketNames};
use serde::Deserialize;
use toml::Spanned;

use crate::number::{DialPlan, DialPlanOverrides, Digits, Lengths, MinPrefix, NumberFormat};
use crate::screen::policy::{LoadBalance, Mode, Otherwise};
use crate::screen::verdict::ActionWord;

/// The tables together.
#[derive(Debug, Clone, Default)]
pub struct RulesConfig {
    /// The sockets of `sip.listen`, which trunks may name.
    pub sockets: Vec<SocketConfig>,
    /// `[numbers]`
    pub numbers: NumbersConfig,
    /// `[answers]`
    pub answers: AnswersConfig,
    /// `[[trunk]]`
    pub trunks: Vec<TrunkConfig>,
    /// `[[inbound]]`
    pub inbound: Vec<InboundConfig>,
    /// `[[campaign]]`
    pub campaigns: Vec<CampaignConfig>,
    /// `[[route]]`
    pub routes: Vec<RouteConfig>,
}

/// `[numbers]`: how numbers are dialled, and whom nothing may block.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumbersConfig {
    /// Country code without `+`.
    pub country: Digits,
    /// What is dialled before a country code.
    pub international: Digits,
    /// The trunk prefix.
    pub national: Digits,
    /// Lengths of national numbers without the trunk prefix.
    pub national_length: Lengths,
    /// How many digits a prefix in a list or rule has at least.
    pub min_prefix: MinPrefix,
    /// Callees that are never blocked, hidden from or shown another number.
    pub never_block: Vec<Spanned<String>>,
    /// Callers that are never blocked.
    pub never_block_callers: Vec<Spanned<String>>,
}

impl NumbersConfig {
    /// The dial plan, which a trunk or list may override.
    pub fn plan(&self) -> DialPlan {
        DialPlan {
            country: self.country,
            international: self.international,
            national: self.national,
            national_length: self.national_length,
            min_prefix: self.min_prefix,
        }
    }
}

impl Default for NumbersConfig {
    fn default() -> NumbersConfig {
        let DialPlan { country, international, national, national_length, min_prefix } = DialPlan::default();
        NumbersConfig {
            country,
            international,
            national,
            national_length,
            min_prefix,
            never_block: DEFAULT_NEVER_BLOCK.iter().map(|number| Spanned::new(0..0, (*number).to_owned())).collect(),
            never_block_callers: Vec::new(),
        }
    }
}

/// `[answers]`: what the law of a region makes of answers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnswersConfig {
    /// `"us"`: blocking by analytics is answered 603+ (ATIS-1000099).
    pub region: Option<Spanned<Region>>,
    /// Where a blocked caller complains: an https URL, an E.164 number with `+`, a mail address; one or more.
    pub contact: Option<Spanned<Contacts>>,
    /// The https URL of the signed card that a 608 leads to (RFC 8688).
    pub card: Option<Spanned<String>>,
    /// Which network blocks: LN, TN, RLN, LPN or RPN (RFC 8606).
    pub location: Option<Spanned<String>>,
}

/// A region whose law prescribes answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// The United States.
    Us,
}

/// One or more ways to complain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a text or an array of texts")]
pub enum Contacts {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// A `[[trunk]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrunkConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// CIDR, address, or address:port.
    #[serde(default)]
    pub from: Vec<Spanned<String>>,
    /// SIP URIs, perhaps with weights; tried as `load_balance` says.
    #[serde(default)]
    pub to: Vec<Spanned<TargetConfig>>,
    /// The sockets that it is spoken to from; any when omitted.
    pub via: Option<Spanned<SocketNames>>,
    /// The sockets that its messages may come by; any when omitted.
    pub on: Option<Spanned<SocketNames>>,
    /// Whether it is behind an address translation, so that its Contact cannot be reached. Not unless it is said.
    #[serde(default)]
    pub nat: bool,
    /// Whether its asserted identity is believed. Not unless it is said.
    #[serde(default)]
    pub trusted: bool,
    /// Methods outside a dialog; `["*"]`: any. INVITE when omitted.
    pub methods: Option<Vec<Spanned<String>>>,
    /// How numbers are written to it.
    #[serde(default)]
    pub number_format: NumberFormat,
    /// Put before the number in the Request-URI.
    pub prefix: Option<Spanned<String>>,
    /// The Request-URI's host instead of the target's.
    pub host: Option<Spanned<String>>,
    /// No response at all within this: next target.
    pub try_for: Option<Spanned<String>>,
    /// Final answers that try the next target.
    pub failover_on: Option<Vec<Spanned<u16>>>,
    /// The order in which targets are tried.
    #[serde(default)]
    pub load_balance: LoadBalance,
    /// How often each target is asked whether it answers; omitted: never.
    pub probe: Option<Spanned<String>>,
    /// The most calls at once; omitted: any number.
    pub max_calls: Option<NonZeroU32>,
    /// The most new calls in a second; omitted: any number.
    pub max_cps: Option<NonZeroU32>,
    /// The answer where a limit is reached, such as `486 Busy Here`; the route's `unavailable` when omitted.
    pub reply: Option<Spanned<String>>,
    /// Overrides `numbers.country`.
    pub country: Option<Digits>,
    /// Overrides `numbers.international`.
    pub international: Option<Digits>,
    /// Overrides `numbers.national`.
    pub national: Option<Digits>,
    /// Overrides `numbers.national_length`.
    pub national_length: Option<Lengths>,
    /// Overrides `numbers.min_prefix`.
    pub min_prefix: Option<MinPrefix>,
    /// Names of which the certificates of its peers must bear one.
    #[serde(default)]
    pub tls_names: Vec<Spanned<String>>,
    /// The file of the certificate that is shown to it, instead of that of `[tls]`.
    pub certificate: Option<Spanned<String>>,
    /// The file of that certificate's key.
    pub key: Option<Spanned<String>>,
    /// The headers that carry the number that a route presents to it; P-Asserted-Identity when omitted.
    pub present_headers: Option<Vec<Spanned<String>>>,
}

/// A target: a SIP URI, or `{ uri = "sip:…", weight = 3 }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a SIP URI, or { uri = \"sip:…\", weight = 3 } with a weight from 1 to 65535")]
pub enum TargetConfig {
    /// Of weight 1.
    Uri(String),
    /// Of its own weight.
    Weighted(WeightedTarget),
}

/// A target that gets as many times the calls of another as its weight is that of the other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedTarget {
    /// The SIP URI.
    pub uri: String,
    /// Its share.
    pub weight: NonZeroU16,
}

impl TargetConfig {
    /// The SIP URI.
    pub fn uri(&self) -> &str {
        match self {
            TargetConfig::Uri(uri) | TargetConfig::Weighted(WeightedTarget { uri, .. }) => uri,
        }
    }
}

impl TrunkConfig {
    /// What the trunk says of its dial plan.
    pub fn plan(&self) -> DialPlanOverrides {
        DialPlanOverrides {
            country: self.country,
            international: self.international,
            national: self.national,
            national_length: self.national_length,
            min_prefix: self.min_prefix,
        }
    }
}

/// An `[[inbound]]` rule: its lists hold callers.
pub type InboundConfig = RuleConfig;

/// A `[[campaign]]` rule: its lists hold callees.
pub type CampaignConfig = RuleConfig;

/// An `[[inbound]]` or `[[campaign]]` rule. Those keys that only campaigns have are refused on the others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// The lists, one of which must hold the caller (the callee, in a campaign); omitted: any.
    #[serde(default)]
    pub lists: Vec<Spanned<String>>,
    /// Lists that win over `lists`.
    #[serde(default)]
    pub except: Vec<Spanned<String>>,
    /// Callees; omitted: any.
    pub called: Option<Vec<Spanned<String>>>,
    /// Callers; omitted: any.
    pub callers: Option<Vec<Spanned<String>>>,
    /// Trunks that the call came from; omitted: any.
    pub trunks: Option<Vec<Spanned<String>>>,
    /// A header that the call must have.
    pub header: Option<HeaderConfig>,
    /// What is done; decline when omitted.
    pub action: Option<Spanned<ActionWord>>,
    /// Where to, for redirect and forward.
    pub to: Option<Spanned<String>>,
    /// The text of a decline's Reason header.
    pub status: Option<Spanned<String>>,
    /// The code and phrase of a decline, such as `486 Busy Here`.
    pub reply: Option<Spanned<String>>,
    /// Whether it acts, observes, or is off.
    #[serde(default)]
    pub mode: Mode,
    /// Campaigns: lists, one of which must hold the callee.
    pub only: Option<Vec<Spanned<String>>>,
    /// Campaigns: when callees may be called.
    pub hours: Option<Spanned<Vec<HoursConfig>>>,
    /// Campaigns: how often a callee may be called, such as `3/24h`.
    pub attempts: Option<Spanned<String>>,
    /// Campaigns: the Reason texts of the three.
    pub statuses: Option<Spanned<StatusesConfig>>,
    /// Campaigns: the list that `POST /v1/campaigns/{campaign}/block/{number}` adds to.
    pub block_into: Option<Spanned<String>>,
}

/// A header that a call must have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// The whole value; omitted: any.
    pub value: Option<String>,
}

/// A `[[route]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// Trunks that the call came from; omitted: any.
    pub trunks: Option<Vec<Spanned<String>>>,
    /// Callees; omitted: any.
    pub called: Option<Vec<Spanned<String>>>,
    /// Callers; omitted: any.
    pub callers: Option<Vec<Spanned<String>>>,
    /// A header that the call must have.
    pub header: Option<HeaderConfig>,
    /// The next trunk.
    pub to: Option<Spanned<String>>,
    /// The answer to the switch that asks, instead of `to`: 302, 404 or 503.
    pub answer: Option<Spanned<u16>>,
    /// The host of a 302's Contact; that of the Request-URI when omitted.
    pub host: Option<Spanned<String>>,
    /// The caller number to show.
    pub present: Option<PresentConfig>,
    /// The status that answers when the trunk is down, capped or unreachable; 500 when omitted.
    pub unavailable: Option<Spanned<u16>>,
}

/// The `present` table of a route.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresentConfig {
    /// The list whose numbers may be shown.
    pub pool: Spanned<String>,
    /// How one is chosen; `random` when omitted.
    #[serde(default)]
    pub strategy: Option<Spanned<String>>,
    /// Whether it is chosen among those that look most like the callee's number.
    #[serde(default)]
    pub local: bool,
    /// The header by which the caller's side asks for a number.
    pub explicit: Option<Spanned<String>>,
    /// The headers that carry it; the trunk's `present_headers` when omitted.
    pub headers: Option<Vec<Spanned<String>>>,
    /// How often a number is shown in an hour; omitted: any number of times.
    pub per_hour: Option<NonZeroU16>,
    /// The same in a day.
    pub per_day: Option<NonZeroU16>,
    /// How long a number is not shown after it was.
    pub cool_down: Option<Spanned<String>>,
    /// After how many refusals of networks in a row a number rests; omitted: never.
    pub rest_after: Option<Spanned<NonZeroU16>>,
    /// How long it rests; 24 h when omitted.
    pub rest_for: Option<Spanned<String>>,
    /// Lists whose numbers are not shown; omitted: every personal, dnc, dno and reputation list.
    pub exclude: Option<Vec<Spanned<String>>>,
    /// What an empty pool means.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// Whether `Privacy: id` stays.
    #[serde(default)]
    pub privacy: Privacy,
}

/// What presentation does to `Privacy: id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Privacy {
    /// It goes: the number that is presented is there to be seen.
    #[default]
    Remove,
    /// It stays.
    Keep,
}

/// The emergency numbers of the default dial plan's country, and 911, which visitors dial.
const DEFAULT_NEVER_BLOCK: [&str; 5] = ["112", "911", "997", "998", "999"];
