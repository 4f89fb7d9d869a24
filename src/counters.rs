//! Counters: plain fields handed in, never globals. Each shard owns one [`Counters`]; readers add them up.

use std::sync::atomic::{AtomicU64, Ordering};

/// A count that one thread raises and any thread reads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Raises the count.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the I/O row counts, over all shards and connections. Shards add once per batch, so that the fields may be
/// shared.
#[derive(Debug, Default)]
pub struct NetCounters {
    /// Datagrams taken from UDP sockets.
    pub udp_received: Counter,
    /// Datagrams given to the kernel.
    pub udp_sent: Counter,
    /// Datagrams that the kernel cut to the buffer: dropped.
    pub udp_truncated: Counter,
    /// Datagrams of white space that keep an address translation alive (RFC 5626 section 3.5.1 and its kin): ignored.
    pub udp_keep_alives: Counter,
    /// Datagrams too short for any message: dropped.
    pub udp_runts: Counter,
    /// Receive calls that the kernel refused.
    pub udp_receive_errors: Counter,
    /// Datagrams that the kernel refused to send: unreachable, not permitted, too long.
    pub udp_send_errors: Counter,
    /// Datagrams dropped because the send buffer stayed full.
    pub udp_send_full: Counter,
    /// Messages handed to another shard.
    pub handed_over: Counter,
    /// Inputs dropped because a shard's queue was full.
    pub queue_full: Counter,
    /// Connections accepted.
    pub streams_accepted: Counter,
    /// Connections made.
    pub streams_connected: Counter,
    /// Connections that could not be made: refused, timed out, unreachable.
    pub streams_connect_failed: Counter,
    /// Connections refused because there were too many, in all or from one address.
    pub streams_refused: Counter,
    /// Accepts that failed, most often for want of file descriptors.
    pub streams_accept_errors: Counter,
    /// Connections ended, for whatever reason.
    pub streams_closed: Counter,
    /// Connections ended by us because their bytes cannot be divided into messages.
    pub streams_broken: Counter,
    /// Connections ended by us because a message did not come whole in time, or nothing came.
    pub streams_timed_out: Counter,
    /// Messages read from connections.
    pub stream_received: Counter,
    /// Messages written to connections.
    pub stream_sent: Counter,
    /// Messages that could not be written to a connection.
    pub stream_send_failed: Counter,
    /// Messages dropped because a connection's queue was full.
    pub stream_send_full: Counter,
    /// Names and addresses asked for.
    pub resolves: Counter,
    /// Of those, answered with no hop.
    pub resolves_failed: Counter,
}

/// How many reasons there are to refuse bytes: that it is as many as `Malformed` has is checked where that stands.
pub const MALFORMED: usize = 20;

/// What one engine counts.
#[derive(Debug, Default)]
pub struct EngineCounters {
    /// Requests that came in, retransmissions included.
    pub requests: Counter,
    /// Responses that came in.
    pub responses: Counter,
    /// Bytes that are no message, by the number of their `Malformed`.
    pub malformed: [Counter; MALFORMED],
    /// Requests from addresses that no trunk has.
    pub unknown_source: Counter,
    /// Requests that had been had before: answered from memory or absorbed.
    pub retransmissions: Counter,
    /// Responses that match nothing: dropped (RFC 6026 section 7.3).
    pub stray_responses: Counter,
    /// ACKs that match nothing: dropped.
    pub stray_acks: Counter,
    /// Calls judged.
    pub judged: Counter,
    /// Calls that a rule declined, redirected or dropped.
    pub blocked: Counter,
    /// Requests forwarded with a transaction.
    pub forwarded: Counter,
    /// Calls sent on to a further target.
    pub failovers: Counter,
    /// Final answers of ours for want of a working next hop.
    pub unavailable: Counter,
    /// Calls answered and opened.
    pub calls_opened: Counter,
    /// Calls closed.
    pub calls_closed: Counter,
    /// Final responses that nobody acknowledged.
    pub unacknowledged: Counter,
    /// Requests dropped because too much waited for a name or an address.
    pub unresolved_full: Counter,
}
