//! Names: from what a URI says to the places to send to, by RFC 3263.
//!
//! * `dns` asks NAPTR, SRV, A and AAAA of the servers, and makes one [`Location`] of their answers; its time and the
//!   records that it looks at are bounded.
//! * `location` is that answer; each request draws its own order from it (RFC 2782).
//! * `cache` keeps locations, has each name looked up once at a time, and falls back on the last good answer. It knows no
//!   socket and no clock. Whether a place answers is no affair of it: that is found out by each request anew.

mod cache;
mod config;
mod dns;
mod location;

#[cfg(test)]
pub(super) mod tests;

pub use config::{DnsConfig, DnsServer};

pub(super) use cache::{Asked, Names, Waiter};
pub(super) use dns::Dns;
pub(super) use location::Place;
