//! What is counted by trunk, rule and list: found by position and address, never by name, while the policy stays.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use memchr::memmem::Finder;
use smallvec::SmallVec;

use crate::counters::{Asked, By, CampaignCounters, EngineCounters, Limit, TrunkCounters, VerdictCounters};
use crate::flow::{ConnectionId, Flow, ListenerId, ProvenNames, Transport};
use crate::screen::{CampaignId, Cause, Ground, Policy, TrunkId, Verdict, VerdictKind};
use crate::sip::{Method, Request, Target};

/// The counters of the trunks and rules that this shard has met.
#[derive(Debug)]
pub(super) struct Counting {
    counters: Arc<EngineCounters>,
    /// The policy that `trunks` and `peers` are of.
    policy: Option<Arc<Policy>>,
    /// By `TrunkId`; the last for addresses of no trunk.
    trunks: Vec<Arc<TrunkCounters>>,
    /// By `CampaignId`, with their names.
    campaigns: Vec<(Arc<str>, Arc<CampaignCounters>)>,
    proven: Arc<ProvenNames>,
    /// Those whose targets lie outside of their `from`, by target; several where each has sockets of its own.
    targets: HashMap<(Transport, SocketAddr), SmallVec<[usize; 1]>>,
    /// The trunks of the addresses that were met last, by a hash of the address.
    peers: Box<[Option<Peer>; PEERS]>,
    /// The counters of the rules and lists that were met last, by a hash of where their names are.
    rules: Box<[Option<Judging>]>,
    cseq: Finder<'static>,
}

/// The counters of the campaigns that have judged a call.
pub(super) type CampaignsCounted = SmallVec<[Arc<CampaignCounters>; 1]>;

#[derive(Debug, Clone, Copy)]
struct Peer {
    address: SocketAddr,
    /// The socket, which has one transport.
    listener: ListenerId,
    /// Over TLS, where one address may be that of several peers.
    connection: Option<ConnectionId>,
    /// Position in [`Counting::trunks`].
    trunk: usize,
}

/// Holds the names, so that no other name can come to stand where they are.
#[derive(Debug, Clone)]
struct Judging {
    rule: Option<Arc<str>>,
    list: Option<Arc<str>>,
    counters: Arc<VerdictCounters>,
}

/// More neighbours than most have; two that meet in one place cost each other a look into the policy.
const PEERS: usize = 256;

/// Names may lead to ever new addresses; beyond this many they are counted as those of no trunk.
const TARGETS: usize = 4_096;

/// Likewise for pairs of rule and list.
const RULES: usize = 1_024;

impl Counting {
    pub(super) fn new(counters: Arc<EngineCounters>, proven: Arc<ProvenNames>) -> Counting {
        let nobody = counters.trunks.of(&"".into());
        Counting {
            counters,
            policy: None,
            trunks: vec![nobody],
            campaigns: Vec::new(),
            proven,
            targets: HashMap::new(),
            peers: Box::new([None; PEERS]),
            rules: vec![None; RULES].into(),
            cseq: Finder::new(b"\r\nCSeq:"),
        }
    }

    /// From here on trunks are those of this policy.
    pub(super) fn follow(&mut self, policy: &Arc<Policy>) {
        if !self.is_current(policy) {
            self.policy = Some(Arc::clone(policy));
            let names = policy.trunks.iter().map(|trunk| trunk.name.clone()).chain(["".into()]);
            self.trunks = names.map(|name| self.counters.trunks.of(&name)).collect();
            let counted = |name: &Arc<str>| (name.clone(), self.counters.campaigns.of(name));
            self.campaigns = policy.campaigns().map(|campaign| counted(campaign.name())).collect();
            self.targets.clear();
            for (at, trunk) in policy.trunks.iter().enumerate() {
                for target in &trunk.to {
                    if let Target::Address { transport, addr } = target {
                        self.targets.entry((*transport, *addr)).or_default().push(at);
                    }
                }
            }
            self.peers.fill(None);
        }
    }

    /// A name in a trunk's `to` has led to this hop.
    pub(super) fn learn(&mut self, policy: &Arc<Policy>, trunk: TrunkId, hop: &Flow) {
        if !self.is_current(policy) || self.targets.len() >= TARGETS {
            return;
        }
        let known = self.targets.entry((hop.transport, hop.peer)).or_default();
        if !known.contains(&usize::from(trunk.0)) {
            known.push(usize::from(trunk.0));
            self.peers[place_of(hop)] = None;
        }
    }

    /// Whether this way leads to a target of a trunk, be it one that a name has led to.
    pub(super) fn leads_to(&self, policy: &Arc<Policy>, trunk: TrunkId, flow: &Flow) -> bool {
        let of_target = self.targets.get(&(flow.transport, flow.peer));
        self.is_current(policy) && of_target.is_some_and(|of_target| of_target.contains(&usize::from(trunk.0)))
    }

    fn is_current(&self, policy: &Arc<Policy>) -> bool {
        self.policy.as_ref().is_some_and(|current| Arc::ptr_eq(current, policy))
    }

    /// The counters of a trunk of the policy that is followed.
    pub(super) fn of(&self, trunk: TrunkId) -> Arc<TrunkCounters> {
        Arc::clone(&self.trunks[usize::from(trunk.0)])
    }

    /// A limit of this trunk of the policy that is followed was reached.
    pub(super) fn limited(&self, trunk: TrunkId, limit: Limit) {
        self.trunks[usize::from(trunk.0)].limited(limit).add(1);
    }

    pub(super) fn request_came(&mut self, flow: &Flow, method: Method) {
        self.trunk(flow).requests_in[method as usize].add(1);
    }

    pub(super) fn response_came(&mut self, flow: &Flow, method: Method) {
        self.trunk(flow).responses_in[method as usize].add(1);
    }

    /// A message goes out; its method stands in it.
    pub(super) fn goes(&mut self, flow: &Flow, bytes: &[u8]) {
        if bytes.starts_with(b"SIP/2.0 ") {
            let method = self.method_of_response(bytes);
            self.trunk(flow).responses_out[method as usize].add(1);
        } else {
            self.trunk(flow).requests_out[method_of_request(bytes) as usize].add(1);
        }
    }

    /// The sender of a request has got its final answer, for the first time.
    pub(super) fn answered(&mut self, flow: &Flow, asked: Asked, by: By, status: u16) {
        self.trunk(flow).answers(asked, by).add(status);
    }

    /// A call has been judged.
    pub(super) fn judged(&mut self, verdict: &Verdict) {
        self.rule(&verdict.cause).decided[verdict.kind() as usize].add(1);
        for observed in &verdict.observed {
            self.rule(&observed.cause).observed[observed.action as usize].add(1);
        }
        if !verdict.campaigns.is_empty() {
            self.judged_by_campaigns(verdict);
        }
    }

    fn judged_by_campaigns(&mut self, verdict: &Verdict) {
        for id in &verdict.campaigns {
            self.campaigns[id.0 as usize].1.judged.add(1);
        }
        let refuses = matches!(verdict.kind(), VerdictKind::Decline | VerdictKind::Redirect | VerdictKind::Drop);
        if let Some(campaign) = self.campaign(verdict, &verdict.cause).filter(|_| refuses) {
            campaign.refused.add(1);
            if let Some(ground) = verdict.cause.ground {
                campaign.grounds[ground as usize].add(1);
            }
            if verdict.cause.ground == Some(Ground::Listed) {
                self.rule(&verdict.cause).refused_callees.add(1);
            }
        }
        for observed in verdict.observed.iter().filter(|observed| observed.action.refuses()) {
            if let Some((campaign, ground)) = self.campaign(verdict, &observed.cause).zip(observed.cause.ground) {
                campaign.observed[ground as usize].add(1);
            }
        }
    }

    /// The campaign among those that judged a call that found this.
    fn campaign(&self, verdict: &Verdict, cause: &Cause) -> Option<&CampaignCounters> {
        let rule = cause.rule.as_ref()?;
        let mut judged = verdict.campaigns.iter().map(|id| &self.campaigns[id.0 as usize]);
        judged.find(|(name, _)| Arc::ptr_eq(name, rule)).map(|(_, counters)| &**counters)
    }

    /// What the answers to a call are counted by.
    pub(super) fn campaigns(&self, judged: &[CampaignId]) -> CampaignsCounted {
        judged.iter().map(|id| Arc::clone(&self.campaigns[id.0 as usize].1)).collect()
    }

    fn trunk(&mut self, flow: &Flow) -> &TrunkCounters {
        let place = &mut self.peers[place_of(flow)];
        let connection = if flow.transport == Transport::Tls { flow.connection } else { None };
        let trunk = match place {
            Some(peer)
                if peer.address == flow.peer && peer.listener == flow.listener && peer.connection == connection =>
            {
                peer.trunk
            }
            _ => {
                let nobody = self.trunks.len() - 1;
                let policy = self.policy.as_ref();
                let of_source = policy.and_then(|policy| policy.trunk_of(flow, &self.proven));
                let trunk = match of_source {
                    Some(id) => usize::from(id.0),
                    None => of_target(policy, &self.targets, flow).unwrap_or(nobody),
                };
                *place = Some(Peer { address: flow.peer, listener: flow.listener, connection, trunk });
                trunk
            }
        };
        &self.trunks[trunk]
    }

    fn rule(&mut self, cause: &Cause) -> &VerdictCounters {
        let address = |name: &Option<Arc<str>>| name.as_ref().map_or(0, |name| name.as_ptr().addr());
        let place = mixed(address(&cause.rule) as u64 ^ (address(&cause.list) as u64).rotate_left(32)) % RULES;
        let is_same = |one: &Option<Arc<str>>, other: &Option<Arc<str>>| match (one, other) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        let place = &mut self.rules[place];
        if !place.as_ref().is_some_and(|known| is_same(&known.rule, &cause.rule) && is_same(&known.list, &cause.list)) {
            *place = None;
        }
        &place
            .get_or_insert_with(|| {
                let name = |name: &Option<Arc<str>>| name.clone().unwrap_or_else(|| "".into());
                let counters = self.counters.verdicts.of(&(name(&cause.rule), name(&cause.list)));
                Judging { rule: cause.rule.clone(), list: cause.list.clone(), counters }
            })
            .counters
    }

    /// What CSeq says; peers may write its name in any case, we write it in this one.
    fn method_of_response(&self, bytes: &[u8]) -> Method {
        const NAME: usize = b"\r\nCSeq:".len();
        let value = self.cseq.find(bytes).map(|at| &bytes[at + NAME..]).or_else(|| {
            let mut lines = memchr::memchr_iter(b'\n', bytes).map(|at| &bytes[at + 1..]);
            lines.find_map(|line| {
                let (name, value) = line.split_at_checked(b"CSeq".len())?;
                let value = value.trim_ascii_start();
                (name.eq_ignore_ascii_case(b"CSeq") && value.first() == Some(&b':')).then(|| &value[1..])
            })
        });
        let name = value.and_then(|value| value.iter().position(u8::is_ascii_alphabetic).map(|at| &value[at..]));
        let name = name.unwrap_or_default();
        let end = name.iter().position(|byte| matches!(byte, b'\r' | b'\n' | b' ' | b'\t')).unwrap_or(name.len());
        Method::parse(&name[..end])
    }
}

/// What the request line says.
pub(super) fn method_of_request(bytes: &[u8]) -> Method {
    memchr::memchr(b' ', bytes).map_or(Method::Other, |end| Method::parse(&bytes[..end]))
}

/// Whether a request is a call.
pub(super) fn asked(request: &Request) -> Asked {
    if request.is_new_call() { Asked::Call } else { Asked::Other }
}

/// The first trunk that has this target and may be spoken to from this socket.
fn of_target(
    policy: Option<&Arc<Policy>>,
    targets: &HashMap<(Transport, SocketAddr), SmallVec<[usize; 1]>>,
    flow: &Flow,
) -> Option<usize> {
    let of_target = targets.get(&(flow.transport, flow.peer))?;
    of_target.iter().copied().find(|&at| policy.is_some_and(|policy| policy.trunks[at].via.holds(flow.listener)))
}

fn place_of(flow: &Flow) -> usize {
    let ip = match flow.peer {
        SocketAddr::V4(v4) => u64::from(v4.ip().to_bits()),
        SocketAddr::V6(v6) => {
            let [high, low] = [v6.ip().to_bits() >> 64, v6.ip().to_bits() & u128::from(u64::MAX)]
                .map(|half| u64::try_from(half).expect("64 bits"));
            high.rotate_left(7) ^ low
        }
    };
    mixed(ip.rotate_left(16) ^ u64::from(flow.peer.port()) ^ u64::from(flow.listener.0) << 48) % PEERS
}

/// Multiplicative hashing: the upper bits depend on all bits of the value.
fn mixed(value: u64) -> usize {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    usize::try_from(value.wrapping_mul(GOLDEN) >> 48).expect("16 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_of_a_response_is_that_of_its_cseq_in_any_writing() {
        let counting = Counting::new(Arc::default(), Arc::default());
        for line in ["CSeq: 1 INVITE", "CSeq:1 INVITE", "cseq : 7  INVITE", "CSEQ:\t1\t INVITE "] {
            let bytes = format!("SIP/2.0 200 OK\r\nVia: x\r\n{line}\r\nTo: y\r\n\r\n");
            assert_eq!(counting.method_of_response(bytes.as_bytes()), Method::Invite, "{line}");
        }
        for line in ["CSeq: 1 WHATEVER", "CSeq: 1", "CSeq"] {
            let bytes = format!("SIP/2.0 200 OK\r\nVia: x\r\n{line}\r\n\r\n");
            assert_eq!(counting.method_of_response(bytes.as_bytes()), Method::Other, "{line}");
        }
    }
}
