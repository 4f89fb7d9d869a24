//! What the engines count.

use std::sync::Arc;

use super::{CampaignCounters, Histogram, Level, Named, Table, Tally, TrunkCounters, VerdictCounters};

/// How many reasons there are to refuse bytes: that it is as many as `Malformed` has is checked where that stands.
pub const MALFORMED: usize = 21;

/// What one engine counts.
#[derive(Debug, Default)]
pub struct EngineCounters {
    /// Requests that came in, with retransmissions, refused calls, and malformed ones that can be answered.
    pub requests: Tally,
    /// Responses that came in.
    pub responses: Tally,
    /// Bytes that are no message, by the number of their `Malformed`.
    pub malformed: [Tally; MALFORMED],
    /// Requests from addresses that no trunk has.
    pub unknown_source: Tally,
    /// Requests that had been had before: answered from memory or absorbed.
    pub retransmissions: Tally,
    /// Responses that match nothing: dropped (RFC 6026 section 7.3).
    pub stray_responses: Tally,
    /// ACKs that match nothing: dropped.
    pub stray_acks: Tally,
    /// Calls judged.
    pub judged: Tally,
    /// Calls that a rule declined, redirected or dropped.
    pub blocked: Tally,
    /// Requests forwarded with a transaction.
    pub forwarded: Tally,
    /// Calls sent on to a further target.
    pub failovers: Tally,
    /// Final answers of ours for want of a working next hop.
    pub unavailable: Tally,
    /// Calls answered and opened.
    pub calls_opened: Tally,
    /// Calls closed.
    pub calls_closed: Tally,
    /// Final responses that nobody acknowledged.
    pub unacknowledged: Tally,
    /// Requests dropped because too much waited for a name or an address.
    pub unresolved_full: Tally,
    /// Calls refused for overload with 503.
    pub overload_answered: Tally,
    /// Calls refused for overload without an answer.
    pub overload_unanswered: Tally,
    /// Messages that the timers of RFC 3261 sent again.
    pub resent: Level,
    /// Server transactions.
    pub server_transactions: Level,
    /// Client transactions.
    pub client_transactions: Level,
    /// Answers that wait for retransmissions.
    pub remembered: Level,
    /// Requests that wait for a name or an address.
    pub waiting: Level,
    /// 1 once new requests are refused because the process is to end.
    pub draining: Level,
    /// 1 once new requests that come over UDP are left to the next process.
    pub leaving: Level,
    /// Proxied requests without a final response.
    pub unanswered: Level,
    /// How long calls rang: from when the engine got the INVITE to the 2xx. How long it waited before that
    /// (`net::admission`) is not in it.
    pub setup: Histogram,
    /// Of each trunk; those of no trunk under the empty name.
    pub trunks: Named<TrunkCounters>,
    /// Of each rule with each of its lists; empty names where no rule, or no list of it, decided.
    pub verdicts: Table<(Arc<str>, Arc<str>), VerdictCounters>,
    /// Of each campaign.
    pub campaigns: Named<CampaignCounters>,
}
