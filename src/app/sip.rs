//! Calls: one engine for each shard, driven by the network.

use std::future::Future;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use arc_swap::ArcSwap;
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::runtime::Handle;

use super::run::StartError;
use crate::config::Settings;
use crate::counters::{EngineCounters, NetCounters};
use crate::engine::{self, Action, DrainStage, Engine, EngineConfig, Input, Listener, SipConfig};
use crate::flow::{Flow, ListenerId, ProvenNames, Transport};
use crate::net::{Inherited, Listen, Net, NetConfig, NetError, NetGauges, ShardCore, StreamLimits, TlsStore};
use crate::reach::Reach;
use crate::records::RecordSink;
use crate::screen::{TrunkId, World, is_emergency};
use crate::sip::Request;
use crate::store::Keys;
use crate::time::Now;
use crate::transaction::{ServerKey, Timings};
use crate::usage::Usage;

/// The running network with its engines.
pub(super) struct Sip {
    net: Net,
    counters: SipCounters,
}

/// What is counted of calls and messages.
#[derive(Debug, Default, Clone)]
pub(super) struct SipCounters {
    pub(super) net: Arc<NetCounters>,
    /// By shard.
    pub(super) engines: Vec<Arc<EngineCounters>>,
    /// Which targets answer.
    pub(super) reach: Arc<Reach>,
    /// None where no network runs.
    pub(super) gauges: Option<NetGauges>,
}

impl Sip {
    /// Opens the sockets of `sip.listen` and starts to serve them.
    pub(super) fn start(
        settings: &Settings,
        keys: &Keys,
        runtime: &Handle,
        world: &Arc<ArcSwap<World>>,
        tls: Arc<TlsStore>,
        records: RecordSink,
        usage: &Arc<Usage>,
    ) -> Result<Sip, StartError> {
        let inherited = Inherited::from_env()?;
        let config = &settings.sip;
        let proven = Arc::new(ProvenNames::default());
        let shards = match config.workers {
            0 => thread::available_parallelism().map_or(1, usize::from),
            workers => usize::from(workers),
        };
        let listeners = listeners(config)?;
        let listens = listeners.iter().zip(&config.listen).map(|(&Listener { id, transport, bind, .. }, listen)| {
            let dscp = listen.dscp.unwrap_or(config.dscp);
            Listen { id, transport, bind, dscp }
        });
        let listens: Vec<Listen> = listens.collect();
        let engine_config = Arc::new(EngineConfig {
            listeners,
            keys: engine::Keys { token: keys.token, shard: keys.shard, seal: keys.seed },
            shards,
            unknown_source: config.unknown_source,
            call_expires: config.call_expires,
            timings: Timings::default(),
            stream_above: config.stream_above,
            proven: Arc::clone(&proven),
        });
        let mut counters = SipCounters::default();
        let mut cores = Vec::with_capacity(shards);
        for shard in 0..shards {
            let mut seed = [0; 32];
            SysRng.try_fill_bytes(&mut seed).map_err(|_| StartError::NoRandomness)?;
            let counted = Arc::new(EngineCounters::default());
            let engine = Engine::new(engine_config.clone(), seed, usage.clone(), counted.clone());
            cores.push(Core(engine.on_shard(shard, counters.reach.clone())));
            counters.engines.push(counted);
        }
        let write = Arc::new(move |lines| records.write(lines));
        let streams = StreamLimits::new(config);
        let dns = settings.dns.clone();
        let config = NetConfig { inherited, dns, streams, tls, proven, ..NetConfig::new(listens, keys.shard) };
        let net = Net::start(config, runtime, Arc::clone(world), cores, write, Arc::clone(&counters.net))?;
        counters.gauges = Some(net.gauges());
        Ok(Sip { net, counters })
    }

    /// The sockets, with the ports that they have got.
    pub(super) fn listeners(&self) -> &[Listen] {
        self.net.listeners()
    }

    pub(super) fn counters(&self) -> SipCounters {
        self.counters.clone()
    }

    /// Ends when a shard has died of a bug.
    pub(super) fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        self.net.failed()
    }

    /// Whether each shard has worked since this was asked before.
    pub(super) fn is_alive(&self) -> bool {
        self.net.is_alive()
    }

    /// Enters a stage of the end.
    pub(super) async fn drain(&self, stage: DrainStage) {
        self.net.drain(stage).await;
    }

    /// Other rules are in force.
    pub(super) async fn reloaded(&self) {
        self.net.reloaded().await;
    }

    /// What is being set up, and how many calls have been answered so far.
    pub(super) fn progress(&self) -> Progress {
        let engines = &self.counters.engines;
        let answered = engines.iter().map(|counters| counters.calls_opened.get()).sum::<u64>();
        Progress {
            refuses: engines.iter().all(|counters| counters.draining.get() > 0),
            leaves: engines.iter().all(|counters| counters.leaving.get() > 0),
            unanswered: engines.iter().map(|counters| counters.unanswered.get()).sum(),
            answered,
            up: answered.saturating_sub(engines.iter().map(|counters| counters.calls_closed.get()).sum()),
        }
    }

    /// Ends the shards; what they hold back of records is written first.
    pub(super) async fn stop(self) {
        self.net.stop().await;
    }
}

/// How far the calls have come that are being set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// No new ones begin.
    pub(super) refuses: bool,
    /// Nor do requests inside dialogs that come over UDP.
    pub(super) leaves: bool,
    pub(super) unanswered: u64,
    /// Calls so far, and those of them that are up.
    pub(super) answered: u64,
    pub(super) up: u64,
}

/// An engine as the network drives it.
struct Core(Engine);

impl ShardCore for Core {
    type World = World;

    fn handle(&mut self, now: Now, world: &World, input: Input) {
        self.0.handle(now, world, input);
    }

    fn trunk_of(&self, world: &World, flow: &Flow) -> Option<TrunkId> {
        self.0.trunk_of(&world.policy, flow)
    }

    fn is_emergency(&self, world: &World, trunk: TrunkId, request_uri: &[u8]) -> bool {
        is_emergency(&world.policy, trunk, request_uri)
    }

    fn server_key(&self, request: &Request) -> ServerKey {
        self.0.server_key(request)
    }

    fn cancelled_key(&self, cancel: &Request) -> ServerKey {
        self.0.cancelled_key(cancel)
    }

    fn handle_timeout(&mut self, now: Now, world: &World) {
        self.0.handle_timeout(now, world);
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.0.poll_action()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.0.poll_timeout()
    }

    fn finish(&mut self, _: Now) {
        self.0.flush_records();
    }
}

fn listeners(config: &SipConfig) -> Result<Vec<Listener>, NetError> {
    (0..)
        .map(ListenerId)
        .zip(&config.listen)
        .map(|(id, listen)| {
            let (transport, advertise) = (listen.transport, listen.advertise.clone());
            let bind = with_port(transport, listen.addr)?;
            Ok(Listener { id, transport, bind, advertise })
        })
        .collect()
}

/// Engines write the port into Via, so that it must be known before they exist: port 0 is exchanged for a port that was
/// free a moment ago.
fn with_port(transport: Transport, address: SocketAddr) -> Result<SocketAddr, NetError> {
    if address.port() != 0 {
        return Ok(address);
    }
    let found = match transport {
        Transport::Udp => UdpSocket::bind(address).and_then(|socket| socket.local_addr()),
        Transport::Tcp | Transport::Tls => TcpListener::bind(address).and_then(|socket| socket.local_addr()),
    };
    found.map_err(|error| NetError::Listen { transport, address, kind: error.kind() })
}
