//! The questions that RFC 3263 section 4 asks of DNS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::rdata::{NAPTR, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::cache::{Found, SHORTEST_LIFE};
use super::config::{DnsConfig, DnsServer};
use super::location::{Group, Location, Server};
use crate::flow::Transport;
use crate::net::Listen;
use crate::sip::TargetName;

/// Asks the servers.
pub(crate) struct Dns {
    config: DnsConfig,
    /// Of each transport that we speak the address families of its sockets, as `is_ipv4`, in the order of `sip.listen`.
    spoken: Vec<(Transport, Vec<bool>)>,
    /// Made for the first name: most configs have none, and need no working `/etc/resolv.conf`.
    resolver: OnceLock<Option<TokioResolver>>,
}

/// The records of one question.
struct Answer<T> {
    records: Vec<T>,
    /// Seconds that it is good for.
    life: u32,
    failed: bool,
}

/// What the answers to all questions about a name have in common.
struct Tally {
    life: u32,
    failed: bool,
}

impl Tally {
    fn take<T>(&mut self, answer: Answer<T>) -> Vec<T> {
        self.life = self.life.min(answer.life);
        self.failed |= answer.failed;
        answer.records
    }
}

/// An SRV question: the transport that it stands for, and the name that is asked for.
type Service = (Transport, Name);

impl Dns {
    pub(crate) fn new(config: DnsConfig, listeners: &[Listen]) -> Dns {
        let mut spoken: Vec<(Transport, Vec<bool>)> = Vec::new();
        // UDP comes first where DNS leaves the choice (RFC 3263 section 4.1).
        for transport in [Transport::Udp, Transport::Tcp, Transport::Tls] {
            let mut families = Vec::new();
            for listen in listeners.iter().filter(|listen| listen.transport == transport) {
                if !families.contains(&listen.bind.is_ipv4()) {
                    families.push(listen.bind.is_ipv4());
                }
            }
            if !families.is_empty() {
                spoken.push((transport, families));
            }
        }
        Dns { config, spoken, resolver: OnceLock::new() }
    }

    /// Looks a name up, within `dns.timeout`.
    pub(crate) async fn locate(&self, name: &TargetName) -> Found {
        tokio::time::timeout(self.config.timeout, self.find(name)).await.unwrap_or(Found::Failed)
    }

    async fn find(&self, name: &TargetName) -> Found {
        let Some(host) = absolute(&name.host) else { return Found::Nothing(SHORTEST_LIFE) };
        let mut tally = Tally { life: u32::MAX, failed: false };
        let location = self.location(&host, name, &mut tally).await;
        let life = Duration::from_secs(u64::from(tally.life));
        match (location.is_empty(), tally.failed) {
            (false, failed) => Found::Places { location, life, is_whole: !failed },
            (true, false) => Found::Nothing(life),
            (true, true) => Found::Failed,
        }
    }

    async fn location(&self, host: &Name, name: &TargetName, tally: &mut Tally) -> Location {
        if let Some(port) = name.port {
            // Section 4.2, and section 4.1 for the transport: a port means UDP unless the URI says otherwise.
            return self.host(host, name.transport.unwrap_or(Transport::Udp), port, tally).await;
        }
        if let Some(transport) = name.transport
            && !name.is_sips
        {
            return self.services_or_host(host, &[transport], tally).await;
        }
        let transports = self.transports(name.is_sips);
        let naptrs = self.ask(host, RecordType::NAPTR, naptr).await;
        let services = services_of(tally.take(naptrs), &transports);
        if services.is_empty() {
            return self.services_or_host(host, &transports, tally).await;
        }
        self.services(services, tally).await.0
    }

    /// What a URI that names no transport may lead to: TLS alone where it is `sips:`, and else never, for the config would
    /// say so if peers there had something to prove.
    fn transports(&self, is_sips: bool) -> Vec<Transport> {
        let spoken = self.spoken.iter().map(|(transport, _)| *transport);
        spoken.filter(|transport| (*transport == Transport::Tls) == is_sips).collect()
    }

    /// SRV of the host for these transports, and where there is none its addresses, by the first of them.
    async fn services_or_host(&self, host: &Name, transports: &[Transport], tally: &mut Tally) -> Location {
        let prefixed =
            |&transport| Some((transport, Name::from_ascii(prefix(transport)).ok()?.append_domain(host).ok()?));
        let services: Vec<Service> = transports.iter().filter_map(prefixed).collect();
        let (location, any) = self.services(services, tally).await;
        match transports.first() {
            Some(&transport) if !any => self.host(host, transport, transport.default_port(), tally).await,
            _ => location,
        }
    }

    /// Where these services are, and whether there is a record of any, be it one that denies it.
    async fn services(&self, services: Vec<Service>, tally: &mut Tally) -> (Location, bool) {
        let asked = services.iter().map(|(_, name)| self.ask(name, RecordType::SRV, srv));
        let answers = join_all(asked).await;
        let mut any = false;
        let mut records: Vec<(Transport, SRV)> = Vec::new();
        for ((transport, _), answer) in services.iter().zip(answers) {
            let mut srvs = tally.take(answer);
            any |= !srvs.is_empty();
            // RFC 2782: the target "." says that the service is decidedly not there.
            srvs.retain(|srv| !srv.target.is_root() && srv.port != 0);
            srvs.sort_by_key(|srv| srv.priority);
            records.extend(srvs.into_iter().map(|srv| (*transport, srv)));
        }
        records.truncate(SERVERS);
        let addresses = join_all(records.iter().map(|(transport, srv)| self.addresses(&srv.target, *transport))).await;
        let mut groups: Vec<(u16, Group)> = Vec::new();
        for ((transport, srv), answer) in records.into_iter().zip(addresses) {
            let server = Server { weight: srv.weight, port: srv.port, addresses: tally.take(answer) };
            match groups.last_mut() {
                Some((priority, group)) if *priority == srv.priority && group.transport == transport => {
                    group.servers.push(server);
                }
                _ => groups.push((srv.priority, Group { transport, servers: vec![server] })),
            }
        }
        (Location(groups.into_iter().map(|(_, group)| group).collect()), any)
    }

    /// The addresses of a host alone.
    async fn host(&self, host: &Name, transport: Transport, port: u16, tally: &mut Tally) -> Location {
        let addresses = tally.take(self.addresses(host, transport).await);
        Location(vec![Group { transport, servers: vec![Server { weight: 0, port, addresses }] }])
    }

    /// A and AAAA, as far as our sockets of this transport can use them.
    async fn addresses(&self, host: &Name, transport: Transport) -> Answer<IpAddr> {
        let families = self.spoken.iter().find(|(spoken, _)| *spoken == transport).map(|(_, families)| &families[..]);
        let asked = families.unwrap_or_default().iter().map(|&is_ipv4| {
            let kind = if is_ipv4 { RecordType::A } else { RecordType::AAAA };
            self.ask(host, kind, move |data| address(data).filter(|ip| ip.is_ipv4() == is_ipv4))
        });
        let mut all = Answer { records: Vec::new(), life: u32::MAX, failed: false };
        for answer in join_all(asked).await {
            all.life = all.life.min(answer.life);
            all.failed |= answer.failed;
            all.records.extend(answer.records.into_iter().take(ADDRESSES));
        }
        all
    }

    /// One question.
    async fn ask<T>(&self, name: &Name, kind: RecordType, read: impl Fn(&RData) -> Option<T>) -> Answer<T> {
        let failed = Answer { records: Vec::new(), life: u32::MAX, failed: true };
        let Some(resolver) = self.resolver.get_or_init(|| resolver(&self.config)) else { return failed };
        // So that a server that knows nothing of NAPTR and says so by silence leaves time for the next question.
        let patience = self.config.timeout / QUESTIONS;
        match tokio::time::timeout(patience, resolver.lookup(name.clone(), kind)).await {
            Ok(Ok(lookup)) => answer(name, kind, lookup.answers(), read),
            Ok(Err(NetError::Dns(DnsError::NoRecordsFound(none))))
                if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
            {
                Answer { records: Vec::new(), life: none.negative_ttl.unwrap_or(0), failed: false }
            }
            Ok(Err(_)) | Err(_) => failed,
        }
    }
}

/// The records that answer a question: those of its name or of the name that CNAMEs lead to from there. Whatever else a
/// server says was not asked.
fn answer<T>(name: &Name, kind: RecordType, records: &[Record], read: impl Fn(&RData) -> Option<T>) -> Answer<T> {
    let (mut names, mut life) = (vec![name], u32::MAX);
    for _ in 0..ALIASES {
        let last = names[names.len() - 1];
        let alias = records.iter().find_map(|record| match &record.data {
            RData::CNAME(alias) if record.name == *last => Some((&alias.0, record.ttl)),
            _ => None,
        });
        let Some((alias, ttl)) = alias else { break };
        names.push(alias);
        life = life.min(ttl);
    }
    let mut found = Vec::new();
    for record in records.iter().filter(|record| record.record_type() == kind && names.contains(&&record.name)) {
        found.extend(read(&record.data));
        life = life.min(record.ttl);
        if found.len() == RECORDS {
            break;
        }
    }
    if found.is_empty() {
        life = 0;
    }
    Answer { records: found, life, failed: false }
}

/// The services that NAPTR records offer by one of these transports, in their order (section 4.1, RFC 3403). Their
/// replacement is a name for SRV: SIP uses no other kind.
fn services_of(mut naptrs: Vec<NAPTR>, transports: &[Transport]) -> Vec<Service> {
    naptrs.sort_by_key(|naptr| (naptr.order, naptr.preference));
    let of_naptr = |naptr: NAPTR| {
        let transport = match &naptr.services.to_ascii_uppercase()[..] {
            b"SIP+D2U" => Transport::Udp,
            b"SIP+D2T" => Transport::Tcp,
            b"SIPS+D2T" => Transport::Tls,
            _ => return None,
        };
        let is_srv = naptr.flags.eq_ignore_ascii_case(b"s") && naptr.regexp.is_empty();
        let is_wanted = is_srv && transports.contains(&transport) && !naptr.replacement.is_root();
        is_wanted.then_some((transport, naptr.replacement))
    };
    naptrs.into_iter().filter_map(of_naptr).take(SERVICES).collect()
}

fn naptr(data: &RData) -> Option<NAPTR> {
    if let RData::NAPTR(naptr) = data { Some(naptr.clone()) } else { None }
}

fn srv(data: &RData) -> Option<SRV> {
    if let RData::SRV(srv) = data { Some(srv.clone()) } else { None }
}

/// An address that something can be sent to.
fn address(data: &RData) -> Option<IpAddr> {
    let ip = match data {
        RData::A(a) => IpAddr::V4(a.0),
        RData::AAAA(aaaa) => IpAddr::V6(aaaa.0),
        _ => return None,
    };
    let is_nobody = ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    (!is_nobody && ip.to_canonical() == ip).then_some(ip)
}

/// A name of a URI is absolute: no search list is gone through.
fn absolute(host: &str) -> Option<Name> {
    let mut name = Name::from_ascii(host).ok()?;
    name.set_fqdn(true);
    Some(name)
}

/// RFC 3263 section 4.2.
fn prefix(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    }
}

fn resolver(config: &DnsConfig) -> Option<TokioResolver> {
    let servers = if config.servers.is_empty() {
        match hickory_resolver::system_conf::read_system_conf() {
            Ok((system, _)) => system.name_servers().to_vec(),
            Err(error) => {
                tracing::warn!(%error, "/etc/resolv.conf names no server: names are asked of 127.0.0.1");
                vec![NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST))]
            }
        }
    } else {
        config.servers.iter().map(|&DnsServer(address)| server(address)).collect()
    };
    let mut options = ResolverOpts::default();
    // Twice within the time of a question.
    options.timeout = config.timeout / QUESTIONS / 2;
    options.attempts = 1;
    // Ours knows last good answers, and one is enough.
    options.cache_size = 0;
    // A chain of CNAMEs is followed anew, record by record.
    options.preserve_intermediates = true;
    let servers = ResolverConfig::from_parts(None, Vec::new(), servers);
    let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build().inspect_err(|error| tracing::warn!(%error, "names cannot be looked up")).ok()
}

fn server(address: SocketAddr) -> NameServerConfig {
    let mut server = NameServerConfig::udp_and_tcp(address.ip());
    server.connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    for connection in &mut server.connections {
        connection.port = address.port();
    }
    server
}

/// NAPTR, SRV, addresses: one after the other.
const QUESTIONS: u32 = 3;

/// NAPTR records that lead to SRV questions: more than there are transports.
const SERVICES: usize = 4;

/// Servers whose addresses are asked for: twice what one request tries.
const SERVERS: usize = 16;

/// Addresses of one host and family.
const ADDRESSES: usize = 16;

/// Records of one answer that are looked at; a TCP answer has room for thousands.
const RECORDS: usize = 64;

/// CNAMEs of one answer; hickory follows as many from answer to answer.
const ALIASES: usize = 8;
