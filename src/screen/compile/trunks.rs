//! `[[trunk]]`.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use toml::Spanned;

use super::Compiler;
use crate::flow::{PeerName, Sockets, Transport};
use crate::screen::config::{TargetConfig, TrunkConfig};
use crate::screen::peers::TrunkPeers;
use crate::screen::policy::{Limits, LoadBalance, Methods, Source, Trunk, TrunkId};
use crate::screen::problem::{Kind, RuleError};
use crate::sip::{Host, Scheme, Target, Uri, is_token};
use crate::time::parse_span;

impl Compiler<'_> {
    pub(super) fn trunks(&mut self, trunks: &[TrunkConfig]) {
        let mut names = HashMap::new();
        for (at, config) in trunks.iter().enumerate() {
            let Ok(id) = u16::try_from(at).map(TrunkId) else {
                return self.problem(config.name.span(), RuleError::TooManyTrunks);
            };
            let name = self.name(Kind::Trunk, &config.name, &mut names);
            self.trunk_ids.entry(name.clone()).or_insert(id);
            let to: Vec<Target> = config.to.iter().filter_map(|to| self.target(to)).collect();
            let trunk = Trunk {
                name,
                peers: self.peers(config, &to, id),
                to,
                load_balance: config.load_balance,
                weights: self.weights(config),
                via: self.socket_names(config.via.as_ref()),
                on: self.socket_names(config.on.as_ref()),
                nat: config.nat,
                trusted: config.trusted,
                methods: self.methods(config.methods.as_deref()),
                plan: config.plan().over(&self.plan),
                number_format: config.number_format,
                prefix: self.uri_part(config.prefix.as_ref(), |prefix| format!("sip:{prefix}1@example.com")),
                host: self.uri_part(config.host.as_ref(), |host| format!("sip:1@{host}")),
                try_for: self.span(config.try_for.as_ref(), DEFAULT_TRY_FOR),
                failover_on: self.failover_on(config.failover_on.as_deref()),
                probe: self.probe(config.probe.as_ref()),
                limits: self.limits(config),
                present_headers: config.present_headers.as_deref().map(|names| self.present_headers(names)),
            };
            self.check_is_reachable(config, &trunk);
            self.policy.trunks.push(trunk);
        }
        for (config, id) in trunks.iter().zip((0..).map(TrunkId)) {
            self.check_names(config, id);
            let on = self.policy.trunk(id).on.clone();
            config.from.iter().for_each(|from| self.source(from, &on, id));
        }
    }

    fn source(&mut self, from: &Spanned<String>, on: &Sockets, trunk: TrunkId) {
        let Some((net, port)) = parse_source(from.get_ref()) else {
            return self.problem(from.span(), RuleError::Source);
        };
        let source = Source { port, on: on.clone(), trunk };
        if let Err(owner) = self.policy.sources.add(net, source) {
            let owner = self.policy.trunk(owner).name.clone();
            self.problem(from.span(), RuleError::SameSource { owner });
        }
    }

    /// Who has proved a name that a trunk without `from` has, is that trunk's.
    fn check_names(&mut self, config: &TrunkConfig, id: TrunkId) {
        for text in config.tls_names.iter().filter(|_| !config.from.is_empty()) {
            if let Some(&owner) = self.policy.by_name.get(&PeerName::domain(text.get_ref()))
                && owner != id
            {
                let owner = self.policy.trunk(owner).name.clone();
                self.problem(text.span(), RuleError::SameTlsName { owner });
            }
        }
    }

    /// Whom its peers must prove to be; a trunk without `from` is found by that.
    fn peers(&mut self, config: &TrunkConfig, to: &[Target], id: TrunkId) -> TrunkPeers {
        let certificate = match (&config.certificate, &config.key) {
            (Some(certificate), Some(_)) => Some(certificate.get_ref().as_str().into()),
            (Some(alone), None) | (None, Some(alone)) => {
                self.problem(alone.span(), RuleError::CertificateAlone);
                None
            }
            (None, None) => None,
        };
        let mut names = Vec::new();
        for text in &config.tls_names {
            if !is_host_name(text.get_ref()) || Host::parse(text.get_ref().as_bytes()).is_err() {
                self.problem(text.span(), RuleError::TlsName);
                continue;
            }
            let name = PeerName::domain(text.get_ref());
            if config.from.is_empty()
                && let Some(owner) = self.policy.by_name.insert(name.clone(), id)
                && owner != id
            {
                let owner = self.policy.trunk(owner).name.clone();
                self.problem(text.span(), RuleError::SameTlsName { owner });
            }
            names.push(name);
        }
        let is_shown = !names.is_empty() || to.iter().any(Target::is_tls);
        if let (Some(idle), Some(_), false) = (&config.certificate, &config.key, is_shown) {
            self.problem(idle.span(), RuleError::IdleCertificate);
        }
        TrunkPeers::new(to, names, certificate)
    }

    fn target(&mut self, to: &Spanned<TargetConfig>) -> Option<Target> {
        parse_target(to.get_ref().uri()).map_err(|error| self.problem(to.span(), error)).ok()
    }

    fn weights(&mut self, config: &TrunkConfig) -> Vec<u16> {
        let weight = |to: &Spanned<TargetConfig>| match to.get_ref() {
            TargetConfig::Uri(_) => None,
            TargetConfig::Weighted(target) => Some(target.weight.get()),
        };
        let Some(weighted) = config.to.iter().find(|to| weight(to).is_some()) else { return Vec::new() };
        if config.load_balance == LoadBalance::Ordered {
            self.problem(weighted.span(), RuleError::IdleWeight);
        }
        config.to.iter().map(|to| weight(to).unwrap_or(1)).collect()
    }

    fn probe(&mut self, text: Option<&Spanned<String>>) -> Option<Duration> {
        let text = text?;
        let probe = self.span(Some(text), SHORTEST_PROBE);
        if probe < SHORTEST_PROBE {
            self.problem(text.span(), RuleError::ShortProbe(SHORTEST_PROBE));
        }
        Some(probe)
    }

    fn limits(&mut self, config: &TrunkConfig) -> Limits {
        let [max_calls, max_cps] = [config.max_calls, config.max_cps].map(|most| most.map(NonZeroU32::get));
        if let Some(reply) = config.reply.as_ref().filter(|_| max_calls.is_none() && max_cps.is_none()) {
            self.problem(reply.span(), RuleError::IdleReply);
        }
        Limits { max_calls, max_cps, reply: config.reply.as_ref().and_then(|reply| self.limit_reply(reply)) }
    }

    fn methods(&mut self, names: Option<&[Spanned<String>]>) -> Methods {
        let Some(names) = names else { return Methods::Only(vec![DEFAULT_METHOD.into()]) };
        if let [only] = names
            && only.get_ref() == "*"
        {
            return Methods::Any;
        }
        for name in names {
            if name.get_ref() == "*" || !is_token(name.get_ref().as_bytes()) {
                self.problem(name.span(), RuleError::Method);
            }
        }
        Methods::Only(names.iter().map(|name| name.get_ref().as_str().into()).collect())
    }

    fn uri_part(&mut self, part: Option<&Spanned<String>>, whole: impl Fn(&str) -> String) -> Option<Arc<str>> {
        let part = part?;
        if let Err(error) = Uri::parse(whole(part.get_ref()).as_bytes()) {
            self.problem(part.span(), RuleError::RequestUriPart(error));
        }
        Some(part.get_ref().as_str().into())
    }

    pub(super) fn span(&mut self, text: Option<&Spanned<String>>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        parse_span(text.get_ref()).unwrap_or_else(|| {
            self.problem(text.span(), RuleError::Span);
            default
        })
    }

    fn failover_on(&mut self, codes: Option<&[Spanned<u16>]>) -> Vec<u16> {
        let Some(codes) = codes else { return vec![DEFAULT_FAILOVER_ON] };
        for code in codes {
            // A 6xx says that nobody wants the call (RFC 3261 section 16.7): no other target may be tried.
            if !(300..600).contains(code.get_ref()) {
                self.problem(code.span(), RuleError::Status(300, 599));
            }
        }
        codes.iter().map(|code| *code.get_ref()).collect()
    }
}

/// `198.51.100.0/24`, `198.51.100.7`, `198.51.100.7:5062`, and the same of IPv6.
fn parse_source(text: &str) -> Option<(IpNet, Option<u16>)> {
    if let Ok(net) = text.parse::<IpNet>() {
        return Some((net, None));
    }
    if let Ok(addr) = text.parse::<IpAddr>() {
        return Some((addr.into(), None));
    }
    let addr = text.parse::<SocketAddr>().ok()?;
    Some((addr.ip().into(), Some(addr.port())))
}

fn parse_target(text: &str) -> Result<Target, RuleError> {
    let uri = Uri::parse(text.as_bytes()).map_err(RuleError::TargetUri)?;
    if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
        return Err(RuleError::TargetScheme);
    }
    let transport =
        uri.param(b"transport").map(|token| Transport::parse(token).ok_or(RuleError::Transport)).transpose()?;
    // RFC 3261 section 26.2.2: sips is TLS on every hop.
    if uri.scheme == Scheme::Sips && transport.is_some_and(|transport| transport != Transport::Tls) {
        return Err(RuleError::SipsTransport);
    }
    let other_param = uri
        .params
        .split(|byte| *byte == b';')
        .filter(|param| !param.is_empty())
        .any(|param| !param.to_ascii_lowercase().starts_with(b"transport="));
    if uri.user.is_some() || !uri.headers.is_empty() || other_param {
        return Err(RuleError::TargetParts);
    }
    let host = uri.target().map_err(RuleError::TargetUri)?;
    if matches!(&host, Host::Name(name) if !is_host_name(name)) {
        return Err(RuleError::TargetName);
    }
    Ok(if uri.scheme == Scheme::Sips { Target::sips(host, uri.port) } else { Target::new(host, uri.port, transport) })
}

/// Whether DNS can know it (RFC 1035 section 2.3.4), and it is no address with a slip: no top-level name is a number.
fn is_host_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.split('.').all(|label| (1..=63).contains(&label.len()))
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a trunk may send when it says nothing: calls. OPTIONS to us is always answered.
const DEFAULT_METHOD: &str = "INVITE";

/// Eight INVITEs would go out in 32 s; after 4 s three went unanswered (RFC 3261 section 17.1.1.2 with T1 = 500 ms), and
/// a caller still waits.
const DEFAULT_TRY_FOR: Duration = Duration::from_secs(4);

/// More often than once a second nothing is found out sooner: a probe is waited for that long.
const SHORTEST_PROBE: Duration = Duration::from_secs(1);

/// The answer of a peer that cannot take any call now.
const DEFAULT_FAILOVER_ON: u16 = 503;
