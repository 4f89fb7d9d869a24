//! Who is at the other end of a TLS connection: the names that its certificate bears, and those that are demanded of it
//! (RFC 5922).

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::Arc;

use dashmap::DashMap;
use sha2::{Digest, Sha256};

use super::ConnectionId;

/// What a certificate can say its holder is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeerName {
    /// A SIP domain or a host, in lower case and without a dot at its end.
    Domain(Arc<str>),
    /// An address.
    Address(IpAddr),
}

/// A value of the extension subjectAltName (RFC 5280 section 4.2.1.6), as far as SIP looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AltName<'a> {
    /// uniformResourceIdentifier
    Uri(&'a str),
    /// dNSName
    Dns(&'a str),
    /// iPAddress
    Address(IpAddr),
}

/// The names that one certificate bears.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeerNames(Box<[PeerName]>);

/// What a peer must prove before anything is sent to it over TLS, and what we show it.
#[derive(Debug, PartialEq, Eq)]
pub struct PeerDemand {
    /// Stands for all of it.
    pub id: PeerIdentity,
    /// Whom we ask for: a name is told to the peer (SNI, RFC 6066 section 3).
    pub server: PeerName,
    /// The peer's certificate must bear one of these.
    pub names: Box<[PeerName]>,
    /// The file of the certificate that we show, as the config writes it; `None`: that of `[tls]`.
    pub certificate: Option<Arc<str>>,
}

/// Stands for a [`PeerDemand`] in every [`Flow`](super::Flow) that makes it: small enough to be kept with each call, and the
/// same for the same demand after any number of reloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerIdentity(NonZeroU64);

/// The names that peers have proved, by connection, for as long as it is open. Written when a connection opens and closes,
/// read for each message that comes over TLS.
#[derive(Debug, Default)]
pub struct ProvenNames(DashMap<ConnectionId, Arc<PeerNames>>);

impl PeerName {
    /// A domain; names are the same in any case (RFC 5922 section 7.2).
    pub fn domain(name: &str) -> PeerName {
        PeerName::Domain(name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase().into())
    }
}

impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerName::Domain(name) => f.write_str(name),
            PeerName::Address(address) => address.fmt(f),
        }
    }
}

impl PeerNames {
    /// What these values say: the domains of `sip:` URIs, and only where there are none those of DNS names (RFC 5922
    /// section 7.1). The common name is not looked at.
    pub fn new<'a>(alt_names: impl Iterator<Item = AltName<'a>> + Clone) -> PeerNames {
        let of_uri = |name| if let AltName::Uri(uri) = name { sip_domain(uri).map(PeerName::domain) } else { None };
        let of_dns = |name| if let AltName::Dns(name) = name { Some(PeerName::domain(name)) } else { None };
        let of_address = |name| if let AltName::Address(ip) = name { Some(PeerName::Address(ip)) } else { None };
        let mut names: Vec<PeerName> = alt_names.clone().filter_map(of_uri).collect();
        if names.is_empty() {
            names.extend(alt_names.clone().filter_map(of_dns));
        }
        names.extend(alt_names.filter_map(of_address));
        PeerNames(names.into())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &PeerName> {
        self.0.iter()
    }

    /// Whether one of `wanted` is among them: whole and letter by letter, so that neither a wildcard nor a parent domain
    /// stands for it (RFC 5922 section 7.2).
    pub fn bear_any(&self, wanted: &[PeerName]) -> bool {
        self.iter().any(|name| wanted.contains(name))
    }
}

/// The domain that a URI of a certificate stands for; one with a user names a person (RFC 5922 section 7.1).
fn sip_domain(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("sip") || rest.contains('@') {
        return None;
    }
    rest.split([':', ';', '?']).next().filter(|domain| !domain.is_empty())
}

impl PeerDemand {
    /// A demand that one of `names` be proved by the peer that is asked for as `server`.
    pub fn new(server: PeerName, names: Vec<PeerName>, certificate: Option<Arc<str>>) -> PeerDemand {
        let id = PeerIdentity::new(&server, &names, certificate.as_deref());
        PeerDemand { id, server, names: names.into(), certificate }
    }
}

impl PeerIdentity {
    fn new(server: &PeerName, names: &[PeerName], certificate: Option<&str>) -> PeerIdentity {
        // `Debug` keeps the parts apart; only the operator's own words are in it, so that nobody can seek collisions.
        let digest = Sha256::digest(format!("{server:?} {names:?} {certificate:?}"));
        let (half, _) = digest.split_first_chunk().expect("32 bytes");
        PeerIdentity(NonZeroU64::new(u64::from_be_bytes(*half)).unwrap_or(NonZeroU64::MIN))
    }
}

impl ProvenNames {
    /// A connection is open whose peer has proved these names.
    pub fn enter(&self, connection: ConnectionId, names: PeerNames) {
        self.0.insert(connection, Arc::new(names));
    }

    /// A connection is closed.
    pub fn forget(&self, connection: ConnectionId) {
        self.0.remove(&connection);
    }

    /// What the peer of a connection has proved; `None` where it has shown no certificate, or is gone.
    pub fn of(&self, connection: ConnectionId) -> Option<Arc<PeerNames>> {
        self.0.get(&connection).map(|names| Arc::clone(&names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(alt_names: &[AltName<'_>]) -> PeerNames {
        PeerNames::new(alt_names.iter().copied())
    }

    fn bears(names: &PeerNames, wanted: &str) -> bool {
        names.bear_any(&[PeerName::domain(wanted)])
    }

    #[test]
    fn a_sip_uri_without_user_names_its_domain() {
        let names = names(&[AltName::Uri("sip:Carrier.example"), AltName::Uri("SIP:second.example;transport=tls")]);
        assert!(bears(&names, "carrier.example") && bears(&names, "second.example"));
    }

    #[test]
    fn uris_of_persons_and_of_other_schemes_name_no_domain() {
        let others =
            ["sip:alice@carrier.example", "sips:carrier.example", "https://carrier.example", "carrier.example"];
        for other in others {
            assert!(!bears(&names(&[AltName::Uri(other)]), "carrier.example"), "{other}");
        }
    }

    #[test]
    fn a_dns_name_counts_only_beside_no_sip_uri() {
        assert!(bears(&names(&[AltName::Dns("carrier.example")]), "carrier.example"));
        let both = names(&[AltName::Dns("host.carrier.example"), AltName::Uri("sip:carrier.example")]);
        assert!(bears(&both, "carrier.example"));
        assert!(!bears(&both, "host.carrier.example"));
        let person = names(&[AltName::Dns("carrier.example"), AltName::Uri("sip:alice@carrier.example")]);
        assert!(bears(&person, "carrier.example"), "the URI of a person is no name of a domain");
    }

    #[test]
    fn names_are_compared_whole_and_in_any_case() {
        let names = names(&[AltName::Dns("SBC.Carrier.Example")]);
        assert!(bears(&names, "sbc.carrier.example."));
        for other in ["carrier.example", "a.sbc.carrier.example", "sbc.carrier.example.org", "sbc"] {
            assert!(!bears(&names, other), "{other}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_nothing() {
        let names = names(&[AltName::Dns("*.carrier.example")]);
        assert!(!bears(&names, "sbc.carrier.example"));
    }

    #[test]
    fn an_address_is_proved_by_an_address_alone() {
        let address = "192.0.2.7".parse().unwrap();
        let wanted = [PeerName::Address(address)];
        assert!(names(&[AltName::Uri("sip:a.example"), AltName::Address(address)]).bear_any(&wanted));
        assert!(!names(&[AltName::Dns("192.0.2.7")]).bear_any(&wanted));
    }

    #[test]
    fn an_identity_stands_for_the_whole_demand() {
        let [a, b] = ["a.example", "b.example"].map(PeerName::domain);
        let id = |server: &PeerName, names: &[&PeerName], certificate: Option<&str>| {
            let names = names.iter().copied().cloned().collect();
            PeerDemand::new(server.clone(), names, certificate.map(Arc::from)).id
        };
        assert_eq!(id(&a, &[&a], None), id(&a, &[&a], None));
        let others =
            [id(&b, &[&a], None), id(&a, &[&b], None), id(&a, &[&a, &b], None), id(&a, &[&a], Some("own.pem"))];
        assert!(!others.contains(&id(&a, &[&a], None)));
    }

    #[test]
    fn names_are_known_for_as_long_as_their_connection_is_open() {
        let (proven, connection) = (ProvenNames::default(), ConnectionId(7));
        proven.enter(connection, names(&[AltName::Dns("a.example")]));
        assert!(proven.of(connection).is_some_and(|names| bears(&names, "a.example")));
        assert!(proven.of(ConnectionId(8)).is_none());
        proven.forget(connection);
        assert!(proven.of(connection).is_none());
    }
}
