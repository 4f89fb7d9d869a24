//! Who the peers of a trunk must prove to be over TLS.

use std::sync::Arc;

use crate::flow::{PeerDemand, PeerIdentity, PeerName};
use crate::sip::Target;

/// What a trunk's peers must prove: one of `tls_names`, or where there are none to be whom the URI of a target names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TrunkPeers {
    names: Vec<PeerName>,
    /// By position in the trunk's `to`; none for what is not spoken to by TLS.
    targets: Vec<Option<Arc<PeerDemand>>>,
    /// Of any peer of the trunk: inside a dialog the URI is one that the peer itself has named.
    any: Option<Arc<PeerDemand>>,
}

impl TrunkPeers {
    /// Of a trunk with these targets and `tls_names`, to which `certificate` is shown.
    pub fn new(to: &[Target], names: Vec<PeerName>, certificate: Option<Arc<str>>) -> TrunkPeers {
        let demand = |server: &PeerName, of_uris: &[PeerName]| {
            let names = if names.is_empty() { of_uris } else { &names };
            Arc::new(PeerDemand::new(server.clone(), names.to_vec(), certificate.clone()))
        };
        let of_target = |target: &Target| {
            let name = target.is_tls().then(|| target.peer_name())?;
            Some(demand(&name, std::slice::from_ref(&name)))
        };
        let targets = to.iter().map(of_target).collect();
        let mut of_uris: Vec<PeerName> = Vec::new();
        for name in to.iter().filter(|target| target.is_tls()).map(Target::peer_name) {
            if !of_uris.contains(&name) {
                of_uris.push(name);
            }
        }
        let any = of_uris.first().or(names.first()).map(|server| demand(server, &of_uris));
        TrunkPeers { names, targets, any }
    }

    /// `tls_names`: who connects to us must prove one of them. Empty: any peer may be the trunk's.
    pub fn names(&self) -> &[PeerName] {
        &self.names
    }

    /// What is demanded of the target at this position of the trunk's `to`.
    pub fn of_target(&self, at: usize) -> Option<PeerIdentity> {
        self.targets.get(at)?.as_ref().map(|demand| demand.id)
    }

    /// What is demanded wherever else a message to the trunk goes: inside a dialog, and of who lost the connection that
    /// an answer was to take. None without a name to go by.
    pub fn of_any(&self) -> Option<PeerIdentity> {
        self.any.as_ref().map(|demand| demand.id)
    }

    /// All demands.
    pub fn demands(&self) -> impl Iterator<Item = &Arc<PeerDemand>> {
        self.targets.iter().flatten().chain(&self.any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Transport;
    use crate::sip::Host;

    fn tls(host: &str) -> Target {
        Target::new(Host::parse(host.as_bytes()).unwrap(), None, Some(Transport::Tls))
    }

    fn udp(host: &str) -> Target {
        Target::new(Host::parse(host.as_bytes()).unwrap(), None, None)
    }

    fn demanded(peers: &TrunkPeers) -> Vec<(String, Vec<String>)> {
        let texts = |names: &[PeerName]| names.iter().map(ToString::to_string).collect();
        peers.demands().map(|demand| (demand.server.to_string(), texts(&demand.names))).collect()
    }

    #[test]
    fn a_target_must_prove_to_be_whom_its_uri_names() {
        let peers = TrunkPeers::new(&[udp("u.example"), tls("a.example"), tls("192.0.2.7")], Vec::new(), None);
        let [a, ip] = ["a.example", "192.0.2.7"].map(str::to_owned);
        let each = [(a.clone(), vec![a.clone()]), (ip.clone(), vec![ip.clone()])];
        let any = (a.clone(), vec![a, ip]);
        assert_eq!(demanded(&peers), [&each[..], &[any]].concat());
        assert_eq!(peers.of_target(0), None, "UDP proves nothing");
        assert_ne!(peers.of_target(1), peers.of_target(2));
    }

    #[test]
    fn the_names_of_the_trunk_stand_in_for_those_of_uris() {
        let peers = TrunkPeers::new(&[tls("192.0.2.7")], vec![PeerName::domain("sbc.example")], None);
        let demand = ("192.0.2.7".to_owned(), vec!["sbc.example".to_owned()]);
        assert_eq!(demanded(&peers), [demand.clone(), demand]);
        assert_eq!(peers.of_target(0), peers.of_any(), "one connection serves calls and dialogs");
    }

    #[test]
    fn a_name_that_several_targets_have_is_demanded_once() {
        let any = |hosts: &[&str]| {
            let to: Vec<Target> = hosts.iter().map(|host| tls(host)).collect();
            TrunkPeers::new(&to, Vec::new(), None).of_any()
        };
        assert_eq!(any(&["a.example", "b.example", "a.example"]), any(&["a.example", "b.example"]));
    }

    #[test]
    fn a_trunk_without_tls_demands_nothing() {
        let peers = TrunkPeers::new(&[udp("u.example")], Vec::new(), None);
        assert_eq!((peers.of_target(0), peers.of_any()), (None, None));
    }
}
