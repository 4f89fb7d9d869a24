//! The daemon with certificates of the test, and two neighbours: `carrier` at 127.0.0.2 and `pbx` at 127.0.0.3.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::authority::{Authority, Stored};
use crate::daemon::{Daemon, refused};
use crate::peer::{Link, client};

/// What there is before the daemon starts.
pub(crate) struct Scene {
    dir: TempDir,
    pub(crate) authority: Authority,
    more: String,
}

/// The name of the daemon.
pub(crate) const US: &str = "us.example";

impl Scene {
    pub(crate) fn new() -> Scene {
        let dir = tempfile::tempdir().expect("a directory");
        let authority = Authority::new("the authority");
        authority.store(dir.path(), "authorities.pem");
        authority.issue(&[US]).store(dir.path(), "own");
        Scene { dir, authority, more: String::new() }
    }

    /// With more lines in `[tls]` and tables behind it.
    pub(crate) fn with(more: &str) -> Scene {
        Scene { more: more.to_owned(), ..Scene::new() }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn into_dir(self) -> TempDir {
        self.dir
    }

    /// The certificate of `[tls]`.
    pub(crate) fn own(&self) -> Stored {
        own(self.dir())
    }

    pub(crate) fn authorities(&self) -> PathBuf {
        self.dir().join("authorities.pem")
    }

    /// A certificate with these names.
    pub(crate) fn issue(&self, names: &[&str]) -> Stored {
        let name = names.join("-").replace(':', "_");
        self.authority.issue(names).store(self.dir(), &name)
    }

    pub(crate) fn start(self, rules: &str) -> Stage {
        let Scene { dir, authority, more } = self;
        Stage { daemon: Daemon::start(dir, &settings(&more), rules), authority }
    }

    /// What it says instead of starting.
    pub(crate) fn refused(&self, rules: &str) -> String {
        refused(&self.dir, &settings(&self.more), rules)
    }
}

/// The running daemon.
pub(crate) struct Stage {
    pub(crate) daemon: Daemon,
    pub(crate) authority: Authority,
}

impl Stage {
    pub(crate) fn dir(&self) -> &Path {
        self.daemon.dir.path()
    }

    /// The certificate of `[tls]`.
    pub(crate) fn own(&self) -> Stored {
        own(self.dir())
    }

    /// A way by TLS from this address, without a certificate or with one.
    pub(crate) fn link(&self, from: &str, own: Option<&Stored>) -> Link {
        self.try_link(from, own).unwrap_or_else(|error| panic!("no handshake: {error}"))
    }

    pub(crate) fn try_link(&self, from: &str, own: Option<&Stored>) -> std::io::Result<Link> {
        let config = client(&self.dir().join("authorities.pem"), own);
        Link::tls(from, self.daemon.listens("tls"), US, &config)
    }

    /// The sum of the series of a family that have this in their labels.
    pub(crate) fn metric(&self, family: &str, labels: &str) -> u64 {
        let metrics = self.daemon.get("/metrics");
        let of = |line: &&str| line.split(['{', ' ']).next() == Some(family) && line.contains(labels);
        metrics.lines().filter(of).filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
    }

    /// Waits until it is so.
    #[track_caller]
    pub(crate) fn until(&self, family: &str, labels: &str, value: u64) {
        let began = std::time::Instant::now();
        while self.metric(family, labels) != value {
            assert!(began.elapsed() < crate::peer::PATIENCE, "{family}{{{labels}}} is {}", self.metric(family, labels));
        }
    }
}

fn own(dir: &Path) -> Stored {
    Stored { certificate: dir.join("own.pem"), key: dir.join("own.key") }
}

/// Everything but trunks: strangers are told that they are.
fn settings(more: &str) -> String {
    format!(
        "[sip]\nlisten = [\"udp:127.0.0.1:0\", \"tcp:127.0.0.1:0\", \"tls:127.0.0.1:0\"]\nworkers = 2\n\
         unknown_source = \"403\"\n[tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\n\
         authorities = \"authorities.pem\"\n{more}"
    )
}

/// A PBX that nobody hears: calls to it are answered 500.
pub(crate) const SILENT: &str = "to = [\"sip:127.0.0.3:9\"]\ntry_for = \"100ms\"";

/// Calls of the carrier go to the PBX; each trunk with these lines.
pub(crate) fn rules(carrier: &str, pbx: &str) -> String {
    format!(
        "[[trunk]]\nname = \"carrier\"\n{carrier}\n[[trunk]]\nname = \"pbx\"\n{pbx}\n\
         [[route]]\nname = \"in\"\ntrunks = [\"carrier\"]\nto = \"pbx\"\n"
    )
}
