//! Start, signals, stop.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::background::{be_modest, modestly};
use super::drain::{Settling, drain};
use super::live::{Counts, Live, records_dir, wall_time};
use super::open::Opened;
use super::sip::Sip;
use super::usage::UsageKeeper;
use super::watch::Watch;
use super::worlds::BuildError;
use super::{folding, limits, log, reload, supervisor, told};
use crate::admin::{self, AdminError, By};
use crate::config::{ConfigErrors, Loaded, Mistake, Settings};
use crate::engine::RECORD_HEADER;
use crate::net::{NetError, TlsError};
use crate::records::{self, RecordWriter, RecordsError};
use crate::store::{SnapshotError, StoreError};
use crate::usage::Usage;

/// Runs with this config until it is told to stop.
pub fn run(config: &Path) -> ExitCode {
    log::start();
    let (runtime, hangup) = match start_runtime() {
        Ok(started) => started,
        Err(error) => {
            eprintln!("ringfence: {error}");
            return ExitCode::FAILURE;
        }
    };
    match Daemon::start(runtime, config) {
        Ok(daemon) => daemon.run(hangup),
        Err(StartError::Config(errors)) => {
            eprintln!("{errors}");
            if is_unread(config, &errors) { UNUSABLE.into() } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("ringfence: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The threads for connections, and the signal to reload: it would end a process that does not listen for it yet, and
/// lists take a while to read. One that comes meanwhile is served once the daemon is ready.
fn start_runtime() -> Result<(Runtime, Signal), StartError> {
    let system = |error: std::io::Error| StartError::System(error.kind());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(system)?;
    let hangup = {
        let _inside = runtime.enter();
        signal(SignalKind::hangup()).map_err(system)?
    };
    Ok((runtime, hangup))
}

/// Whether there was no config to find mistakes in.
fn is_unread(config: &Path, errors: &ConfigErrors) -> bool {
    errors.0.iter().any(|error| match &error.mistake {
        Mistake::Unreadable { path, .. } => path == config,
        mistake => *mistake == Mistake::NotUtf8,
    })
}

/// Why the daemon does not start.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Snapshots(#[from] SnapshotError),
    #[error("the edits in the database do not fit the config: {}", told::build(.0))]
    Edits(#[from] BuildError),
    #[error(transparent)]
    Records(#[from] RecordsError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error(transparent)]
    Admin(#[from] AdminError),
    #[error("the system gives no random bytes")]
    NoRandomness,
    #[error("the threads for connections cannot be started: {0}")]
    System(std::io::ErrorKind),
}

/// Everything that runs.
pub(super) struct Daemon {
    runtime: Runtime,
    live: Arc<Live>,
    pub(super) sip: Sip,
    pub(super) admin: admin::Server,
    records: RecordWriter,
    usage: UsageKeeper,
}

impl Daemon {
    /// Opens state, world, sockets and the admin port, in this order: what can fail without a trace comes first.
    pub(super) fn start(runtime: Runtime, config: &Path) -> Result<Daemon, StartError> {
        let opened = Opened::open(config, warn)?;
        let settings = &opened.settings;
        warn_of_open(&settings.state.dir);
        limits::raise(settings.sip.connections.get());
        let place = records::Place { dir: records_dir(settings), header: RECORD_HEADER };
        let (records, sink) = RecordWriter::start(place, settings.records.clone(), wall_time, be_modest)?;
        let admin = runtime.block_on(admin::Server::bind(&settings.admin))?;
        let usage = Arc::new(Usage::new());
        let world = opened.worlds.current();
        let keeper = UsageKeeper::start(&settings.state.dir, &usage, world.load().policy.attempts_kept())?;
        let sip = Sip::start(settings, &opened.keys, runtime.handle(), world, Arc::clone(&opened.tls), sink, &usage)?;
        let counts = Counts { sip: sip.counters(), records: Arc::clone(records.counts()), ..Counts::default() };
        let live = opened.live(config, usage, counts);
        Ok(Daemon { runtime, live, sip, admin, records, usage: keeper })
    }

    /// Serves until a signal ends it.
    fn run(self, hangup: Signal) -> ExitCode {
        let ready = self.readiness();
        let serving = self.serve();
        // First, so that who is told to stop as soon as he is ready stops in order.
        let signals = match Signals::listen(&serving.runtime, hangup) {
            Ok(signals) => signals,
            Err(error) => {
                tracing::error!(%error, "signals cannot be received");
                return ExitCode::FAILURE;
            }
        };
        // Supervisors and tests wait for this line; a closed stdout is no reason to end.
        let _ = writeln!(std::io::stdout(), "{ready}");
        supervisor::tell_ready(&ready);
        tracing::info!(generation = serving.live.worlds.load().generation, "{ready}");
        let end = serving.runtime.block_on(async {
            tokio::select! {
                end = until_told(&serving.live, &serving.sip, signals) => end,
                () = supervisor::keep_watchdog_at_bay(&serving.sip) => ExitCode::FAILURE,
            }
        });
        serving.stop();
        tracing::info!("stopped");
        end
    }

    /// Every socket that is bound.
    fn readiness(&self) -> String {
        let mut ready = "ringfence ready:".to_owned();
        for listen in self.sip.listeners() {
            let _ = write!(ready, " {} {}", listen.transport, listen.bind);
        }
        if let Ok(address) = self.admin.local_address() {
            let _ = write!(ready, " admin {address}");
        }
        ready
    }

    /// Lets the admin port answer; calls are served since [`Daemon::start`].
    pub(super) fn serve(self) -> Serving {
        let Daemon { runtime, live, sip, admin, records, usage } = self;
        let watch = if live.read().lists.watch { Watch::start(&live) } else { None };
        let (stop, stopped) = watch::channel(false);
        let served = runtime.spawn(admin.serve(Arc::new(Arc::clone(&live)), stopped));
        Serving { runtime, live, sip, records, usage, stop, served, watch }
    }
}

/// The daemon once it is ready.
pub(super) struct Serving {
    runtime: Runtime,
    live: Arc<Live>,
    sip: Sip,
    records: RecordWriter,
    usage: UsageKeeper,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
    watch: Option<Watch>,
}

impl Serving {
    /// First whoever changes lists ends, then calls, then what calls have written.
    pub(super) fn stop(self) {
        let Serving { runtime, live, sip, records, usage, stop, served, watch } = self;
        drop(watch);
        stop.send_replace(true);
        runtime.block_on(async {
            let _ = served.await;
            sip.stop().await;
        });
        live.edits.stop();
        records.stop();
        usage.stop();
        runtime.shutdown_timeout(STOP);
    }
}

/// What a supervisor says.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen(runtime: &Runtime, hangup: Signal) -> std::io::Result<Signals> {
        let _inside = runtime.enter();
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hangup })
    }
}

/// Waits for a signal to stop, and then for calls that are being set up or a second signal; reloads on SIGHUP meanwhile.
async fn until_told(live: &Arc<Live>, sip: &Sip, signals: Signals) -> ExitCode {
    let Signals { mut terminate, mut interrupt, mut hangup } = signals;
    let failed = sip.failed();
    tokio::pin!(failed);
    let mut settling = Settling::default();
    let mut sweep = tokio::time::interval(SWEEP);
    let mut followed = None;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                let live = Arc::clone(live);
                let by = By { actor: "SIGHUP".into(), reason: None };
                // What it did or why it failed goes to the log.
                tokio::task::spawn_blocking(move || reload::reload(&live, &by).is_ok());
            }
            _ = sweep.tick() => {
                settling.observe(tokio::time::Instant::now(), sip.progress());
                let policy = Arc::clone(&live.worlds.load().policy);
                if !followed.replace(Arc::clone(&policy)).is_some_and(|followed| Arc::ptr_eq(&followed, &policy)) {
                    sip.reloaded().await;
                }
                if !live.worlds.is_swept() {
                    let live = Arc::clone(live);
                    // To give back a large list takes some 10 ms.
                    tokio::task::spawn_blocking(move || modestly(|| live.worlds.sweep()));
                }
                live.edits.probe();
                if folding::is_due(&live.worlds.load()) {
                    let live = Arc::clone(live);
                    tokio::task::spawn_blocking(move || folding::fold(&live));
                }
            }
            () = &mut failed => {
                tracing::error!("a thread that serves calls has ended; the process ends to be started anew");
                return ExitCode::FAILURE;
            }
        }
    }
    supervisor::tell_stopping();
    tokio::select! {
        () = drain(sip, settling, live.started_with.sip.drain) => {}
        _ = terminate.recv() => tracing::warn!("told to stop again: calls that are being set up are cut off"),
        _ = interrupt.recv() => tracing::warn!("told to stop again: calls that are being set up are cut off"),
    }
    tracing::info!("stopping");
    ExitCode::SUCCESS
}

/// What works but is hardly meant in production.
fn warn(loaded: &Loaded) {
    let Settings { sip, admin, .. } = &loaded.settings;
    reload::warn(loaded);
    if sip.listen.iter().all(|listen| listen.addr.ip().is_loopback()) {
        tracing::warn!("sip.listen has loopback addresses only: no other machine can send calls");
    }
    match &admin.tokens {
        None => tracing::warn!("admin.tokens is not set: every user of this machine can change lists"),
        Some(tokens) => warn_of_readable(tokens),
    }
}

fn warn_of_readable(tokens: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(tokens).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        tracing::warn!("{} can be read by other users: `chmod 600` it", tokens.display());
    }
}

fn warn_of_open(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(dir).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        tracing::warn!("state.dir {} is open to other users: `chmod 700` it", dir.display());
    }
}

/// The exit code for arguments that make no sense: see [`cli`](crate::cli).
const UNUSABLE: u8 = 2;

/// A replaced world is freed, targets of new rules are probed, and a disk that works again is found out, at most this much
/// later.
const SWEEP: Duration = Duration::from_secs(1);

/// For a reload that is still being built when the process stops; it changes nothing any more.
const STOP: Duration = Duration::from_secs(1);
