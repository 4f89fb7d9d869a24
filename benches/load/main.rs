//! A load generator for Ringfence: a caller, a next hop, and a blind forwarder as the floor below any proxy. All of them
//! write and read in batches of 32 datagrams, as Ringfence does, and speak on loopback addresses only. Over TCP and TLS the
//! caller has one connection and the next hop those that are made to it.
//!
//! With `config/ringfence.toml` as it is, in three shells:
//! ```text
//! cargo run --release
//! cargo run --release --example load -- next-hop --until-idle 5
//! cargo run --release --example load -- caller --rate 2000 --duration 60
//! ```
//! plays 2,000 full calls a second (INVITE, 180, 200, ACK, BYE, 200) from the trunk `carrier` (127.0.0.2) to the trunk
//! `pbx` (127.0.0.3:5070). The caller sends its ACK and BYE by the Route set (RFC 3261 section 12.2.1.1).
//!
//! * Declined calls (INVITE, 603, ACK) need no next hop and a caller that is listed:
//!   `caller --scenario declined --from 48700000001`, with that number in the list `default`.
//! * A campaign: `caller --local 127.0.0.3 --header "X-Campaign: spring-offer"`.
//! * The floor: `forward --next-hop 127.0.0.3:5070` in place of Ringfence, with `caller --target 127.0.0.1:5090 --blind`,
//!   which sends everything to the target, since a blind forwarder writes no Record-Route. `decline` is that of declined
//!   calls.
//! * Over TCP or TLS: `--transport tcp` at both ends; `--transport tls --certificates DIR`, with files in `DIR` that
//!   `certificates DIR` makes.
//! * As fast as so many calls at a time allow: `caller --at-once 100` in place of a rate.
//!
//! `caller` ends with a report and with status 1 when a call failed. Both ends name the retransmissions they saw
//! (messages that came twice) and made. `late` is how far behind its schedule the caller fell: when it is more than
//! milliseconds, the machine could not carry the load together with its generator, and the latencies say little.

#[path = "../../tests/tls/authority.rs"]
mod authority;
mod batch;
mod caller;
mod forwarder;
mod message;
mod next_hop;
mod report;
mod security;
mod socket;
mod stream;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Plays calls against Ringfence on loopback addresses.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Makes calls.
    Caller(caller::Options),
    /// Answers calls: 180 and 200 to INVITE, 200 to BYE.
    NextHop(next_hop::Options),
    /// Forwards datagrams unread, both ways.
    Forward(forwarder::Options),
    /// Declines calls unread.
    Decline(forwarder::DeclineOptions),
    /// Makes certificates for TLS.
    Certificates(security::Options),
}

fn main() -> std::io::Result<ExitCode> {
    match Arguments::parse().role {
        Role::Caller(options) => caller::run(&options),
        Role::NextHop(options) => next_hop::run(&options),
        Role::Forward(options) => forwarder::run(&options),
        Role::Decline(options) => forwarder::decline(&options),
        Role::Certificates(options) => security::certificates(&options),
    }
}
