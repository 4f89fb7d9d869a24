//! The network: sockets, threads and clocks around the engines.
//!
//! * One shard per engine: a thread that reads its own UDP sockets in batches, keeps the messages of its
//!   Call-IDs and hands the others to their shard over a bounded queue.
//! * New calls wait for their turn, or are refused, while there is more to do than can be done.
//! * Connections run on tokio: a reader that divides bytes into messages and a writer with a bounded queue each; `tls` has
//!   the certificates of those that are safe.
//! * Look-ups of names run on tokio too.

mod admission;
mod config;
mod core;
mod dscp;
mod error;
mod framing;
mod gauges;
mod inherited;
mod names;
mod post;
mod queue;
mod resolve;
mod shard;
mod start;
mod stream;
mod tasks;
mod tls;
mod udp;

#[cfg(test)]
pub(crate) mod tests;

pub use self::core::ShardCore;
pub use config::{Listen, NetConfig, Records, StreamLimits};
pub use error::NetError;
pub use gauges::{NetGauges, UdpSocketState};
pub use inherited::Inherited;
pub use names::{DnsConfig, DnsServer};
pub use start::Net;
pub use tls::{ClientCertificates, IdentityConfig, Tls, TlsConfig, TlsError, TlsFiles, TlsStore, TlsWarning};
