//! Opening everything, and closing it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::gauges::{NetGauges, UdpSocketId};
use super::post::Post;
use super::resolve::{Lookups, Resolver};
use super::shard::{Parts, Shard};
use super::stream::{self, Handshakes, Streams};
use super::tasks::Tasks;
use super::udp::{self, Endpoint};
use super::{Inherited, Listen, NetConfig, NetError, Records, ShardCore};
use crate::counters::NetCounters;
use crate::engine::{DrainStage, Input};
use crate::flow::Transport;

/// The running network. Dropping it without [`Net::stop`] tells everything to end and waits for nothing.
pub struct Net {
    listeners: Vec<Listen>,
    post: Arc<Post>,
    tasks: Arc<Tasks>,
    threads: Vec<JoinHandle<()>>,
    counters: Arc<NetCounters>,
    udp_sockets: Arc<[UdpSocketId]>,
    failed: watch::Receiver<bool>,
}

impl Net {
    /// Opens every socket that is not inherited, then starts a thread for each core and the tasks for connections on `runtime`. Nothing runs
    /// before everything is open, and nothing is left open after an error.
    pub fn start<C: ShardCore>(
        config: NetConfig,
        runtime: &Handle,
        world: Arc<ArcSwap<C::World>>,
        cores: Vec<C>,
        records: Records,
        counters: Arc<NetCounters>,
    ) -> Result<Net, NetError> {
        let shards = cores.len();
        if shards == 0 || u16::try_from(shards).is_err() {
            return Err(NetError::Shards);
        }
        let opened = open(&config.listeners, config.inherited, shards)?;
        let post = Arc::new(Post::new(shards, config.shard_key, Arc::clone(&counters)).map_err(shard_error)?);
        let tasks = Arc::new(Tasks::new(runtime.clone()));
        let of_streams = opened.listeners.iter().filter(|listen| listen.transport.is_reliable()).copied().collect();
        let (limits, counted) = (config.streams, Arc::clone(&counters));
        let handshakes = Handshakes::new(config.tls, config.proven, Arc::clone(&counters));
        let streams = Streams::new(of_streams, limits, Arc::clone(&post), Arc::clone(&tasks), counted, handshakes);
        let streams = Arc::new(streams);
        let (listeners, counted) = (opened.listeners.clone(), Arc::clone(&counters));
        let lookups = Lookups::new(listeners, config.dns, Arc::clone(&post), Arc::clone(&tasks), counted);
        let lookups = Arc::new(lookups);
        let (failing, failed) = watch::channel(false);

        let udp_sockets = udp_sockets(&opened.endpoints);
        let listeners = opened.listeners;
        let mut net = Net { listeners, post, tasks, threads: Vec::new(), counters, udp_sockets, failed };
        let processors = if config.pin { processors() } else { Vec::new() };
        for (index, (core, endpoints)) in cores.into_iter().zip(opened.endpoints).enumerate() {
            let parts = Parts {
                index,
                core,
                world: Arc::clone(&world),
                endpoints,
                post: Arc::clone(&net.post),
                streams: Arc::clone(&streams),
                resolver: Resolver::new(index, Arc::clone(&lookups)),
                records: Arc::clone(&records),
                counters: Arc::clone(&net.counters),
            };
            let processor = processors.get(index % processors.len().max(1)).copied();
            let alarm = Alarm(failing.clone());
            let run = move || {
                let _alarm = alarm;
                if let Some(processor) = processor {
                    pin(processor);
                }
                Shard::new(parts, shards).run();
            };
            // On an error the drop of `net` ends the threads that have started.
            let thread = std::thread::Builder::new().name(format!("shard-{index}")).spawn(run);
            net.threads.push(thread.map_err(|error| NetError::Shard { kind: error.kind() })?);
        }
        for (listen, listener) in opened.tcp {
            let _inside = runtime.enter();
            let listener =
                tokio::net::TcpListener::from_std(listener).map_err(|error| listen_error(&listen, &error))?;
            net.tasks.spawn(Arc::clone(&streams).listen(listen, listener));
        }
        Ok(net)
    }

    /// The listeners in the order of the config, with the addresses and ports they have got.
    pub fn listeners(&self) -> &[Listen] {
        &self.listeners
    }

    /// What has been counted so far.
    pub fn counters(&self) -> &Arc<NetCounters> {
        &self.counters
    }

    /// What can be read of queues while it runs.
    pub fn gauges(&self) -> NetGauges {
        NetGauges::new(Arc::clone(&self.post), Arc::clone(&self.udp_sockets))
    }

    /// Ends when a shard has died of a bug: its calls are lost, and the process had better start anew.
    pub fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut failed = self.failed.clone();
        async move {
            // An error means that all shards have ended in peace.
            if failed.wait_for(|&failed| failed).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether each shard has made a pass since this was asked before; and has all of them make another one.
    pub fn is_alive(&self) -> bool {
        self.post.take_passes()
    }

    /// Tells all shards how far the end of the process has come; they serve on until [`Net::stop`].
    pub async fn drain(&self, stage: DrainStage) {
        self.tell_all(|| Input::Drain(stage)).await;
    }

    /// Tells all shards that other rules are in force: one to which no message comes would not notice.
    pub async fn reloaded(&self) {
        self.tell_all(|| Input::Reloaded).await;
    }

    async fn tell_all(&self, input: impl Fn() -> Input) {
        for shard in 0..self.threads.len() {
            self.post.deliver(shard, input()).await;
        }
    }

    /// Lets the shards finish what they hold, then writes what waits on connections, then ends; within two seconds.
    pub async fn stop(mut self) {
        self.post.stop();
        let threads = std::mem::take(&mut self.threads);
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // A panic has been told of by `failed` and by the panic hook.
                let _ = thread.join();
            }
        });
        let _ = tokio::time::timeout(PATIENCE, joined).await;
        self.tasks.stop(PATIENCE).await;
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        self.post.stop();
        self.tasks.tell();
    }
}

fn udp_sockets(shards: &[Vec<Endpoint>]) -> Arc<[UdpSocketId]> {
    let of_shard = |(shard, endpoints): (usize, &Vec<Endpoint>)| {
        let sockets = endpoints
            .iter()
            .filter_map(|endpoint| Some(UdpSocketId { local: endpoint.local(), shard, inode: endpoint.inode()? }));
        sockets.collect::<Vec<_>>()
    };
    shards.iter().enumerate().flat_map(of_shard).collect()
}

/// Everything that was opened.
struct Opened {
    listeners: Vec<Listen>,
    /// By shard.
    endpoints: Vec<Vec<Endpoint>>,
    tcp: Vec<(Listen, std::net::TcpListener)>,
}

fn open(listeners: &[Listen], mut inherited: Inherited, shards: usize) -> Result<Opened, NetError> {
    let endpoints = (0..shards).map(|_| Vec::new()).collect();
    let mut opened = Opened { listeners: Vec::new(), endpoints, tcp: Vec::new() };
    for listen in listeners {
        let mut listen = *listen;
        match listen.transport {
            Transport::Udp => {
                let sockets = match inherited.take_udp(listen.bind) {
                    passed if passed.is_empty() => udp::bind(&listen, shards),
                    passed => udp::adopt(&listen, passed, shards),
                };
                let sockets = sockets.map_err(|error| listen_error(&listen, &error))?;
                listen.bind = sockets.first().map_or(listen.bind, Endpoint::local);
                for (at, socket) in sockets.into_iter().enumerate() {
                    opened.endpoints[at % shards].push(socket);
                }
            }
            Transport::Tcp | Transport::Tls => {
                let listener = match inherited.take_tcp(listen.bind) {
                    Some(listener) => stream::adopt(&listen, listener),
                    None => stream::bind(&listen),
                };
                let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
                let (address, listener): (SocketAddr, _) = bound.map_err(|error| listen_error(&listen, &error))?;
                listen.bind = address;
                opened.tcp.push((listen, listener));
            }
        }
        opened.listeners.push(listen);
    }
    inherited.all_taken()?;
    Ok(opened)
}

fn listen_error(listen: &Listen, error: &io::Error) -> NetError {
    NetError::Listen { transport: listen.transport, address: listen.bind, kind: error.kind() }
}

fn shard_error(errno: nix::errno::Errno) -> NetError {
    NetError::Shard { kind: io::Error::from(errno).kind() }
}

/// Says so when a shard's thread unwinds.
struct Alarm(watch::Sender<bool>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.send_replace(true);
        }
    }
}

/// The processors that this process may use.
fn processors() -> Vec<usize> {
    let Ok(allowed) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|&processor| allowed.is_set(processor).unwrap_or(false)).collect()
}

/// Binds this thread to a processor; without success it runs all the same.
fn pin(processor: usize) {
    let mut set = CpuSet::new();
    if set.set(processor).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set)).is_err() {
        tracing::warn!(processor, "cannot bind a shard to its processor");
    }
}

/// For each half of a stop: longer than a connection's farewell, and well within a service manager's patience.
const PATIENCE: Duration = Duration::from_secs(1);
