//! The compiled rules: everything that a decision needs besides the lists.

use std::collections::HashMap;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use crate::flow::{Flow, PeerName, ProvenNames, Sockets, Transport};
use crate::lists::ListId;
use crate::number::{DialPlan, NumberFormat};
use crate::screen::campaign::Campaign;
use crate::screen::index::RuleIndex;
use crate::screen::never_block::NeverBlock;
use crate::screen::pattern::Patterns;
use crate::screen::peers::TrunkPeers;
use crate::screen::present::Strategy;
use crate::screen::verdict::{ActionWord, Callee, PresentHeaders};
use crate::sip::Target;
use crate::usage::{AttemptLimit, ShowLimits};

/// A trunk's position in the config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrunkId(pub u16);

/// A route's position in the config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub u32);

/// Which rules are asked, and so whom their lists are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// `inbound`: lists hold callers.
    Inbound,
    /// `campaign`: lists hold callees.
    Campaign,
}

impl Stage {
    /// As the table is called in the config.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Inbound => "inbound",
            Stage::Campaign => "campaign",
        }
    }
}

/// A rule's position in the config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleId {
    /// Among which rules.
    pub stage: Stage,
    /// Where among them.
    pub position: usize,
}

/// Trunks, rules and routes, compiled for [`decide`](crate::screen::decide). Immutable.
#[derive(Debug, Default)]
pub struct Policy {
    /// The neighbours, by [`TrunkId`].
    pub trunks: Vec<Trunk>,
    /// The routes, by [`RouteId`], in file order.
    pub routes: Vec<Route>,
    /// Names of the headers that rules read, in lower case; [`CallFacts::headers`](crate::screen::CallFacts) holds their
    /// values in this order.
    pub headers: Vec<Arc<str>>,
    /// Those of [`Policy::headers`] that campaigns name, or that ask for a number to be shown: they are removed before the
    /// call goes on.
    pub removed_headers: Vec<Arc<str>>,
    /// Those of [`Policy::headers`] that mark the calls of campaigns: no call may have two of one.
    pub campaign_headers: Vec<Arc<str>>,
    /// Those of [`Policy::headers`], by position, that ask for a number to be shown: twice in a call, they say nothing.
    pub asking_headers: Vec<usize>,
    /// The callees that nothing blocks.
    pub never_block: NeverBlock,
    pub(crate) sources: Sources,
    /// The trunks that are known by their certificate alone, by each of their names.
    pub(crate) by_name: HashMap<PeerName, TrunkId>,
    pub(crate) never_block_callers: Patterns,
    pub(crate) inbound: RuleSet,
    pub(crate) campaigns: RuleSet,
    /// What covers the `attempts` of all campaigns; `None`: none has any.
    pub(crate) attempts_kept: Option<AttemptLimit>,
    pub(crate) route_index: RuleIndex,
    pub(crate) answers: Answers,
}

impl Policy {
    /// The trunk that a message which came by `flow` belongs to: of those that may come by this socket the one with the
    /// most specific `from`. Its port counts for UDP only, because a stream's client port is arbitrary.
    ///
    /// Of a trunk with `tls_names` only TLS brings messages, by connections whose peer has proved one of these names.
    /// One without `from` is found by them alone, before anybody is by his address; `proven` is what peers have proved.
    pub fn trunk_of(&self, flow: &Flow, proven: &ProvenNames) -> Option<TrunkId> {
        let shown = if flow.transport == Transport::Tls { flow.connection.and_then(|id| proven.of(id)) } else { None };
        if let Some(shown) = &shown
            && let Some(&trunk) = shown.iter().find_map(|name| self.by_name.get(name))
        {
            return Some(trunk).filter(|&trunk| self.trunk(trunk).on.holds(flow.listener));
        }
        let trunk = self.sources.find(flow)?;
        let wanted = self.trunk(trunk).peers.names();
        (wanted.is_empty() || shown.is_some_and(|shown| shown.bear_any(wanted))).then_some(trunk)
    }

    /// The trunk of that name.
    pub fn trunk_named(&self, name: &str) -> Option<TrunkId> {
        let at = self.trunks.iter().position(|trunk| &*trunk.name == name)?;
        u16::try_from(at).ok().map(TrunkId)
    }

    /// What of the calls of late is kept for the `attempts` of campaigns.
    pub fn attempts_kept(&self) -> Option<AttemptLimit> {
        self.attempts_kept
    }

    /// A trunk by its id, which must come from this policy.
    pub fn trunk(&self, id: TrunkId) -> &Trunk {
        &self.trunks[usize::from(id.0)]
    }

    /// All rules, in the order in which they are asked.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.inbound.with_ids(Stage::Inbound).chain(self.campaigns.with_ids(Stage::Campaign))
    }

    /// The rule of that name.
    pub fn rule_named(&self, name: &str) -> Option<RuleId> {
        self.rules().find(|(_, rule)| &*rule.name == name).map(|(id, _)| id)
    }

    /// A rule by its id, which must come from this policy.
    pub(crate) fn rule(&self, id: RuleId) -> &Rule {
        match id.stage {
            Stage::Inbound => &self.inbound.rules[id.position],
            Stage::Campaign => &self.campaigns.rules[id.position],
        }
    }

    /// The route of that name.
    pub fn route_named(&self, name: &str) -> Option<RouteId> {
        let at = self.routes.iter().position(|route| &*route.name == name)?;
        u32::try_from(at).ok().map(RouteId)
    }

    /// A route by its id, which must come from this policy.
    pub fn route(&self, id: RouteId) -> &Route {
        &self.routes[id.0 as usize]
    }
}

/// A neighbour.
#[derive(Debug, Clone, PartialEq)]
pub struct Trunk {
    /// Its name in config, records and API.
    pub name: Arc<str>,
    /// Where calls to it go.
    pub to: Vec<Target>,
    /// In which order they are tried.
    pub load_balance: LoadBalance,
    /// The weights of `to`; empty where all are alike.
    pub weights: Vec<u16>,
    /// The sockets that it is spoken to from, the first that fits.
    pub via: Sockets,
    /// The sockets that its messages may come by.
    pub on: Sockets,
    /// Whether it is behind an address translation: inside dialogs it is sought where it was seen.
    pub nat: bool,
    /// Whether its asserted identity is believed.
    pub trusted: bool,
    /// The methods it may start dialogs or transactions with.
    pub methods: Methods,
    /// How it writes numbers.
    pub plan: DialPlan,
    /// How numbers are written to it.
    pub number_format: NumberFormat,
    /// Put before the number in the Request-URI.
    pub prefix: Option<Arc<str>>,
    /// The Request-URI's host instead of the target's.
    pub host: Option<Arc<str>>,
    /// No response at all within this: the next target.
    pub try_for: Duration,
    /// Final answers that try the next target.
    pub failover_on: Vec<u16>,
    /// How often each target is asked whether it answers; `None`: never.
    pub probe: Option<Duration>,
    /// How many calls it takes.
    pub limits: Limits,
    /// Who its peers must prove to be over TLS.
    pub peers: TrunkPeers,
    /// Which headers carry the number that is presented to it, where the route does not say.
    pub present_headers: Option<PresentHeaders>,
}

impl Trunk {
    /// Whether calls go to it by TLS and by nothing else.
    pub fn is_reached_by_tls_only(&self) -> bool {
        !self.to.is_empty() && self.to.iter().all(Target::is_tls)
    }

    /// Whether some of its targets can be reached by TLS only.
    pub fn speaks_tls(&self) -> bool {
        self.to.iter().any(Target::is_tls)
    }

    /// The share of calls that the target at this position of `to` gets.
    pub fn weight(&self, target: usize) -> u16 {
        self.weights.get(target).copied().unwrap_or(1)
    }
}

/// In which order the targets of a trunk are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadBalance {
    /// As they stand in the config.
    #[default]
    Ordered,
    /// Each call draws an order, in which weights are chances.
    Weighted,
    /// By the Call-ID: calls keep their target, whichever others come and go.
    CallHash,
}

/// How many calls a trunk takes, those that come from it and those that go to it together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    /// That are being set up or up.
    pub max_calls: Option<u32>,
    /// New ones in a second.
    pub max_cps: Option<u32>,
    /// Code and phrase of the answer beyond; `None`: the route's `unavailable`.
    pub reply: Option<(u16, Arc<str>)>,
}

/// The methods that a trunk may use outside a dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Methods {
    /// `["*"]`.
    Any,
    /// These, as written: methods are case-sensitive (RFC 3261 section 7.1).
    Only(Vec<Arc<str>>),
}

impl Methods {
    /// Whether `method` may be used. OPTIONS to us is answered whatever stands here: that is the engine's business.
    pub fn allows(&self, method: &[u8]) -> bool {
        match self {
            Methods::Any => true,
            Methods::Only(names) => names.iter().any(|name| name.as_bytes() == method),
        }
    }
}

/// A way on: the first that matches chooses the next trunk and the presentation.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Its name.
    pub name: Arc<str>,
    /// Where it leads.
    pub to: Destination,
    /// What caller number is shown; `None`: the call's own.
    pub present: Option<Present>,
    /// The status that answers when the trunk is down, capped or unreachable.
    pub unavailable: u16,
    pub(crate) trunks: TrunkSet,
    pub(crate) called: Option<Patterns>,
    pub(crate) callers: Option<Patterns>,
    pub(crate) header: Option<HeaderMatch>,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To a trunk.
    Trunk(TrunkId),
    /// Back to the switch that asks: a redirect server.
    Switch {
        /// 302, 404 or 503.
        status: u16,
        /// The host of a 302's Contact; `None`: that of the Request-URI.
        host: Option<Arc<str>>,
    },
}

/// A `present` table of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Present {
    /// The list whose numbers may be shown.
    pub pool: ListId,
    /// Lists whose numbers are never shown.
    pub exclude: Vec<ListId>,
    /// How one of its numbers is chosen.
    pub strategy: Strategy,
    /// Whether it is chosen among those that have the most leading digits in common with the callee.
    pub local: bool,
    /// The position in [`Policy::headers`] of the header by which the caller's side asks for a number.
    pub explicit: Option<usize>,
    /// What keeps a number from being shown again.
    pub limits: ShowLimits,
    /// Which headers carry the number.
    pub headers: PresentHeaders,
    /// `privacy = "keep"`.
    pub keep_privacy: bool,
    /// What an empty pool means.
    pub otherwise: Otherwise,
}

impl Present {
    /// Whether showings of its numbers are counted.
    pub fn is_counted(&self) -> bool {
        self.strategy.counts() || self.limits != ShowLimits::default()
    }
}

/// What happens to a call when no number may be presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// It is answered 403.
    #[default]
    Refuse,
    /// It goes on with its own number.
    Keep,
}

/// Rules in file order with the index that finds the few that may concern a call.
#[derive(Debug, Default)]
pub(crate) struct RuleSet {
    pub(crate) rules: Vec<Rule>,
    pub(crate) index: RuleIndex,
}

impl RuleSet {
    fn with_ids(&self, stage: Stage) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.rules.iter().enumerate().map(move |(position, rule)| (RuleId { stage, position }, rule))
    }
}

/// An `inbound` or `campaign` rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) mode: Mode,
    pub(crate) trunks: TrunkSet,
    pub(crate) called: Option<Patterns>,
    pub(crate) callers: Option<Patterns>,
    pub(crate) header: Option<HeaderMatch>,
    pub(crate) lists: Vec<ListId>,
    pub(crate) except: Vec<ListId>,
    pub(crate) action: Action,
    /// `None` in an `inbound` rule.
    pub(crate) campaign: Option<Box<Campaign>>,
}

/// What a rule does with the calls that it matches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Decline { status: Option<Arc<str>>, reply: Option<(u16, Arc<str>)> },
    Redirect { contact: Arc<str> },
    Forward { callee: Callee, trunk: Option<TrunkId> },
    Hide,
    Drop,
    Pass,
}

impl Action {
    pub(crate) fn word(&self) -> ActionWord {
        match self {
            Action::Decline { .. } => ActionWord::Decline,
            Action::Redirect { .. } => ActionWord::Redirect,
            Action::Forward { .. } => ActionWord::Forward,
            Action::Hide => ActionWord::Hide,
            Action::Drop => ActionWord::Drop,
            Action::Pass => ActionWord::Pass,
        }
    }
}

/// Whether a rule acts, only records, or rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It acts.
    #[default]
    Enforce,
    /// It records what it would have done, and judgement goes on.
    Observe,
    /// It is skipped.
    Off,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 3] = [Mode::Enforce, Mode::Observe, Mode::Off];

    /// As config, admin port and database spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Enforce => "enforce",
            Mode::Observe => "observe",
            Mode::Off => "off",
        }
    }
}

impl FromStr for Mode {
    type Err = ();

    fn from_str(text: &str) -> Result<Mode, ()> {
        Mode::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or(())
    }
}

/// The trunks that a rule is about; empty: any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct TrunkSet(pub(crate) Vec<TrunkId>);

impl TrunkSet {
    pub(crate) fn holds(&self, trunk: TrunkId) -> bool {
        self.0.is_empty() || self.0.contains(&trunk)
    }

    /// Whether a trunk is in both.
    pub(crate) fn meets(&self, other: &TrunkSet) -> bool {
        self.0.is_empty() || other.0.is_empty() || self.0.iter().any(|trunk| other.0.contains(trunk))
    }
}

/// A header that a call must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderMatch {
    /// Position in [`Policy::headers`].
    pub(crate) header: usize,
    /// The value it must have; `None`: any.
    pub(crate) value: Option<Arc<str>>,
}

/// What `[answers]` says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Answers {
    /// `region = "us"`: the 603+ of ATIS-1000099 for reputation lists.
    pub(crate) blocked_by_analytics: Option<NetworkBlocked>,
    /// Where the card of a 608 is (RFC 8688 section 3.3).
    pub(crate) card: Option<Arc<str>>,
    /// The position of Feature-Caps in [`Policy::headers`]; `None` where no rule answers 608.
    pub(crate) feature_caps: Option<usize>,
}

/// The fixed parts of a 603+ Reason.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NetworkBlocked {
    /// `url=…;tel=…;email=…`, as configured.
    pub(crate) contacts: Arc<str>,
    /// RFC 8606.
    pub(crate) location: Arc<str>,
}

/// Finds the trunk of a source address: one hash look-up for each prefix length in use.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Prefix lengths in use for IPv4 and IPv6, longest first.
    lengths: [Vec<u8>; 2],
    nets: HashMap<IpNet, Vec<Source>>,
}

/// A `from`, less its network.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) port: Option<u16>,
    /// The sockets that its messages may come by.
    pub(crate) on: Sockets,
    pub(crate) trunk: TrunkId,
}

impl Sources {
    /// Adds a `from`; gives the trunk that has the very same one already, for one socket at least.
    pub(crate) fn add(&mut self, net: IpNet, source: Source) -> Result<(), TrunkId> {
        let net = canonical_net(net);
        let family = &mut self.lengths[usize::from(net.addr().is_ipv6())];
        if !family.contains(&net.prefix_len()) {
            family.push(net.prefix_len());
            family.sort_unstable_by(|a, b| b.cmp(a));
        }
        let entries = self.nets.entry(net).or_default();
        if let Some(other) = entries.iter().find(|other| other.port == source.port && other.on.overlap(&source.on)) {
            return Err(other.trunk);
        }
        entries.push(source);
        Ok(())
    }

    fn find(&self, flow: &Flow) -> Option<TrunkId> {
        let addr = flow.peer_ip().to_canonical();
        let is_udp = flow.transport == Transport::Udp;
        self.lengths[usize::from(addr.is_ipv6())].iter().find_map(|&length| {
            let net = IpNet::new(addr, length).ok()?.trunc();
            let sources = self.nets.get(&net)?;
            let mut of_socket = sources.iter().filter(|source| source.on.holds(flow.listener));
            let has_port = |source: &&Source| is_udp && source.port == Some(flow.peer.port());
            let chosen =
                of_socket.clone().find(has_port).or_else(|| of_socket.find(|source| source.port.is_none() || !is_udp));
            chosen.map(|source| source.trunk)
        })
    }
}

/// An IPv4-mapped IPv6 network is the IPv4 network: a dual-stack socket shows the one, configs the other.
fn canonical_net(net: IpNet) -> IpNet {
    let net = net.trunc();
    match (net.addr(), net.addr().to_canonical()) {
        (IpAddr::V6(_), short @ IpAddr::V4(_)) if net.prefix_len() >= 96 => {
            IpNet::new(short, net.prefix_len() - 96).unwrap_or(net)
        }
        _ => net,
    }
}
