//! What a TLS connection on which nothing happens costs the daemon.
//!
//! ```text
//! cargo build --release
//! ulimit -n 30000
//! cargo run --release --example idle -- 24000
//! ```
//! starts `target/release/ringfence` with a config, certificates and a state directory of its own, opens as many
//! connections as the argument says (24,000), has one request answered on each, waits until memory has settled, and tells
//! resident memory before and after. Connections come from many loopback addresses, since each has 28,000 ports.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

#[path = "../../tests/tls/authority.rs"]
mod authority;
#[path = "../registry/memory.rs"]
#[allow(dead_code, reason = "the benchmarks of lists look at more")]
mod memory;

use authority::Authority;
use memory::Memory;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let connections = std::env::args().nth(1).map_or(Ok(DEFAULT_CONNECTIONS), |text| text.parse())?;
    let dir = tempfile::tempdir()?;
    let client = certificates(dir.path())?;
    let (daemon, address) = Daemon::start(dir.path(), connections)?;
    let runtime = tokio::runtime::Runtime::new()?;
    // The first connections bring what is needed once.
    let warm = runtime.block_on(open(address, &client, 0..WARM))?;
    let before = daemon.settled();
    let open = runtime.block_on(open(address, &client, WARM..connections + WARM))?;
    let after = daemon.settled();
    let each = after.saturating_sub(before) / connections as u64;
    println!(
        "{connections} idle TLS connections: {} MB before, {} MB with them: {each} bytes each",
        mb(before),
        mb(after)
    );
    drop((warm, open));
    Ok(())
}

fn mb(bytes: u64) -> u64 {
    bytes >> 20
}

/// Writes what the daemon shows and believes; a client that believes it.
fn certificates(dir: &Path) -> Result<Arc<ClientConfig>, Failure> {
    let authority = Authority::new("the authority of the benchmark");
    authority.issue(&[NAME]).store(dir, "own");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.store(dir, "authorities.pem"))?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// The running daemon; it ends with this.
struct Daemon(Child);

impl Daemon {
    fn start(dir: &Path, connections: usize) -> Result<(Daemon, SocketAddr), Failure> {
        let config = dir.join("ringfence.toml");
        fs::write(&config, CONFIG.replace("CONNECTIONS", &((connections + 2 * WARM) * 8 / 7).to_string()))?;
        let program = std::env::current_exe()?.with_file_name("../ringfence");
        let mut child = Command::new(&program)
            .arg("--config")
            .arg(config)
            .env("RINGFENCE_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::other(format!("{}: {error}", program.display())))?;
        let stdout = child.stdout.take().expect("it is piped");
        let daemon = Daemon(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.split_whitespace().skip_while(|word| *word != "tls").nth(1);
        Ok((daemon, address.ok_or("ringfence does not start")?.parse()?))
    }

    /// Resident memory once freed pages have been given back.
    fn settled(&self) -> u64 {
        std::thread::sleep(SETTLING);
        Memory::of(self.0.id()).resident
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Opens these connections, several at once.
async fn open(
    daemon: SocketAddr,
    client: &Arc<ClientConfig>,
    numbers: std::ops::Range<usize>,
) -> Result<Vec<TlsStream<TcpStream>>, Failure> {
    let opened = stream::iter(numbers).map(|number| connect(daemon, client, number));
    opened.buffer_unordered(AT_ONCE).try_collect().await
}

/// One connection whose request has been answered.
async fn connect(
    daemon: SocketAddr,
    client: &Arc<ClientConfig>,
    number: usize,
) -> Result<TlsStream<TcpStream>, Failure> {
    let [_, _, high, low] = u32::try_from(number / PER_ADDRESS)?.to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(Ipv4Addr::new(127, 1, high, low).into(), 0))?;
    let stream = socket.connect(daemon).await?;
    let local = stream.local_addr()?;
    let connector = TlsConnector::from(Arc::clone(client));
    let mut stream = connector.connect(ServerName::try_from(NAME)?, stream).await?;
    let options = format!(
        "OPTIONS sip:{daemon};transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS {local};branch=z9hG4bK{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@{local}>;tag=1\r\nTo: <sip:{daemon}>\r\nCall-ID: {number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(options.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = [0; 2048];
    let length = stream.read(&mut answer).await?;
    if answer[..length].starts_with(b"SIP/2.0 200 ") { Ok(stream) } else { Err("no 200".into()) }
}

const DEFAULT_CONNECTIONS: usize = 24_000;

/// Enough to have every table and thread of the daemon in use.
const WARM: usize = 200;

/// Handshakes at once: as many as the machine's processors are busy with, and some on their way.
const AT_ONCE: usize = 32;

/// Below `sip.connections_per_source`.
const PER_ADDRESS: usize = 100;

/// jemalloc gives back what is free within ten seconds.
const SETTLING: Duration = Duration::from_secs(15);

const NAME: &str = "us.example";

const CONFIG: &str = r#"
[sip]
listen = ["udp:127.0.0.1:0", "tls:127.0.0.1:0"]
connections = CONNECTIONS
[tls]
certificate = "own.pem"
key = "own.key"
authorities = "authorities.pem"
[admin]
listen = "127.0.0.1:0"
[state]
dir = "state"
[[trunk]]
name = "all"
from = ["127.1.0.0/16"]
"#;
