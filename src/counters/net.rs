//! What the I/O row counts.

use super::{Counter, Histogram, assert_numbered};

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
    /// Calls of trunks dropped for overload before an engine saw them.
    pub overload_unread: Counter,
    /// Calls from addresses that no trunk has, dropped likewise.
    pub overload_strangers: Counter,
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
    /// TLS handshakes with who connected to us.
    pub tls_accepted: HandshakeCounters,
    /// TLS handshakes with whom we connected to.
    pub tls_made: HandshakeCounters,
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
    /// Look-ups of names in DNS, by [`LookupOutcome`].
    pub lookups: [Counter; LookupOutcome::ALL.len()],
    /// How long deciding on a call takes: of one call in several, from the shard's taking up the INVITE until what is to
    /// be sent is known. Neither scanning nor system calls are in it.
    pub decision: Histogram,
}

/// How TLS handshakes ended.
#[derive(Debug, Default)]
pub struct HandshakeCounters {
    /// Connections that are safe now.
    pub done: Counter,
    /// Connections given up, by [`HandshakeFailure`].
    pub failed: [Counter; HandshakeFailure::ALL.len()],
}

/// Why a TLS handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// It took too long, or waited too long for its turn.
    Timeout,
    /// The peer hung up, or the connection was lost.
    Closed,
    /// What came is no TLS.
    NotTls,
    /// There is no version or cipher in common.
    Incompatible,
    /// The peer had to show a certificate and has shown none.
    NoCertificate,
    /// The certificate comes from no authority that we believe, or has been tampered with.
    Untrusted,
    /// The certificate has expired, or is not valid yet.
    Expired,
    /// The certificate bears none of the names that are demanded.
    Name,
    /// The peer refuses us: most often it does not believe our certificate.
    Refused,
    /// We do not know what to demand: the trunk has gone from the config.
    Unknown,
    /// Its source has too many handshakes under way.
    Crowded,
    /// Anything else, such as a peer that breaks the protocol.
    Other,
}

impl HandshakeFailure {
    /// All of them, in the order of [`HandshakeCounters::failed`].
    pub const ALL: [HandshakeFailure; 12] = [
        HandshakeFailure::Timeout,
        HandshakeFailure::Closed,
        HandshakeFailure::NotTls,
        HandshakeFailure::Incompatible,
        HandshakeFailure::NoCertificate,
        HandshakeFailure::Untrusted,
        HandshakeFailure::Expired,
        HandshakeFailure::Name,
        HandshakeFailure::Refused,
        HandshakeFailure::Unknown,
        HandshakeFailure::Crowded,
        HandshakeFailure::Other,
    ];

    /// The label of metrics.
    pub fn label(self) -> &'static str {
        match self {
            HandshakeFailure::Timeout => "timeout",
            HandshakeFailure::Closed => "closed",
            HandshakeFailure::NotTls => "not_tls",
            HandshakeFailure::Incompatible => "incompatible",
            HandshakeFailure::NoCertificate => "no_certificate",
            HandshakeFailure::Untrusted => "untrusted",
            HandshakeFailure::Expired => "expired",
            HandshakeFailure::Name => "name",
            HandshakeFailure::Refused => "refused",
            HandshakeFailure::Unknown => "unknown",
            HandshakeFailure::Crowded => "crowded",
            HandshakeFailure::Other => "other",
        }
    }
}

assert_numbered!(HandshakeFailure::ALL, HandshakeFailure::Other);

/// How the look-up of a name ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupOutcome {
    /// DNS said where it is.
    Answered,
    /// DNS said that there is nothing.
    Absent,
    /// DNS failed, and the last good answer is used.
    Kept,
    /// DNS failed, and there is no answer.
    Failed,
}

impl LookupOutcome {
    /// All of them, in the order of [`NetCounters::lookups`].
    pub const ALL: [LookupOutcome; 4] =
        [LookupOutcome::Answered, LookupOutcome::Absent, LookupOutcome::Kept, LookupOutcome::Failed];

    /// The label of metrics.
    pub fn label(self) -> &'static str {
        match self {
            LookupOutcome::Answered => "answered",
            LookupOutcome::Absent => "absent",
            LookupOutcome::Kept => "kept",
            LookupOutcome::Failed => "failed",
        }
    }
}
