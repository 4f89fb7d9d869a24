//! The real program over TLS: neighbours are sockets of the test on loopback addresses, with certificates made as it runs.

mod authority;
#[path = "../names/daemon.rs"]
mod daemon;
#[path = "../names/dns.rs"]
mod dns;
mod messages;
mod peer;
mod scene;
#[path = "../shared/uninterrupted.rs"]
mod uninterrupted;

mod calls;
mod files;
mod hostile;
mod identities;
mod idle;
mod names;
mod refused;
mod sips;
