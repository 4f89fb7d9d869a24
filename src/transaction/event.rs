//! What the transaction layer says: events, and the answers to what is handed in.

use bytes::Bytes;

use super::id::{ClientId, ServerId};
use crate::flow::Flow;

/// What [`Transactions::poll`](super::Transactions::poll) yields. `context` is what the transaction was opened with.
///
/// Each transaction says `ServerEnded` or `ClientEnded` exactly once, as its last event; by then its id is stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<C> {
    /// Send these bytes this way. When it cannot be done and there is a ticket, call
    /// [`Transactions::client_failed`](super::Transactions::client_failed) with it; a response that cannot be sent
    /// changes nothing (RFC 6026).
    Send {
        /// The way.
        flow: Flow,
        /// One whole message.
        bytes: Bytes,
        /// The client transaction whose request or ACK this is; `None` for responses.
        ticket: Option<ClientId>,
    },
    /// 200 ms (INVITE), or the time in which Timer E reaches T2 (others, RFC 4320 section 4.1), have passed without any
    /// response: answer 100 now.
    TryingDue {
        /// The transaction, which goes on.
        server: ServerId,
        /// Its context.
        context: C,
    },
    /// Timer H: nobody acknowledged our final response. `ServerEnded` follows.
    NoAck {
        /// The transaction.
        server: ServerId,
        /// Its context.
        context: C,
    },
    /// The server transaction is gone. A non-INVITE that was never answered ends so as well, 64*T1 after it was
    /// opened: its client's Timer F has passed, and no 408 may be sent (RFC 4320 section 4.2).
    ServerEnded {
        /// The transaction.
        server: ServerId,
        /// Its context.
        context: C,
    },
    /// Timer B or F, or 64*T1 after a CANCEL (RFC 3261 section 9.1): no final response came, none is awaited any
    /// more. `ClientEnded` follows.
    TimedOut {
        /// The transaction.
        client: ClientId,
        /// Its context.
        context: C,
    },
    /// Timer C: a provisional response came, a final one did not. Call
    /// [`Transactions::cancel`](super::Transactions::cancel) (RFC 3261 section 16.8). Without a final response the
    /// transaction times out 64*T1 later, also when nothing is done.
    TimerC {
        /// The transaction, which goes on.
        client: ClientId,
        /// Its context.
        context: C,
    },
    /// The deadline of [`Transactions::try_for`](super::Transactions::try_for) passed without any response. The
    /// transaction goes on: its late responses are still matched.
    Unanswered {
        /// The transaction.
        client: ClientId,
        /// Its context.
        context: C,
    },
    /// A cancelled INVITE has had its first provisional response: send CANCEL now, as a non-INVITE client transaction
    /// (RFC 3261 section 9.1). Said once.
    CancelNow {
        /// The INVITE's transaction.
        client: ClientId,
        /// Its context.
        context: C,
    },
    /// The client transaction is gone.
    ClientEnded {
        /// The transaction.
        client: ClientId,
        /// Its context.
        context: C,
    },
}

/// What a retransmitted request met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retransmission {
    /// The last response was sent again.
    Resent,
    /// Nothing is to be done: an INVITE that was acknowledged or accepted.
    Absorbed,
    /// No response has been given yet. For an INVITE answer 100 at once; a non-INVITE is absorbed (RFC 4320).
    Unanswered,
    /// The id is stale.
    Ended,
}

/// Whose an ACK is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckOutcome {
    /// It acknowledged a 300-699 of this transaction, or came too often or too early.
    Absorbed,
    /// It acknowledges a 2xx, which is end to end: route it (RFC 6026 section 7.1). Also for a stale id.
    PassToCore,
}

/// What is to be done with a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseOutcome {
    /// It is news: hand it to the core.
    Pass,
    /// It is the first 300-699 of an INVITE: hand it to the core, and its ACK to
    /// [`Transactions::set_ack`](super::Transactions::set_ack) before the next
    /// [`Transactions::handle_timeout`](super::Transactions::handle_timeout).
    PassAndAck,
    /// It was dealt with here (a retransmitted final, acknowledged again) or has no place in this state.
    Absorb,
    /// The id is stale: a stray, to be dropped (RFC 6026 section 7.3).
    Ended,
}

/// What a request that could not be sent means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureOutcome {
    /// The transaction ended without a final response: count it as 503 (RFC 3261 section 16.9).
    BeforeFinal,
    /// The ACK was lost; the core has had its final response. The transaction ended.
    AfterFinal,
    /// A response has proved that the request arrived, or the id is stale.
    Ignored,
}

/// Why a response was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// A final response has been given, and this is no further 2xx to an accepted INVITE.
    #[error("a final response has already been given")]
    AfterFinal,
    /// The id is stale.
    #[error("the server transaction has ended")]
    Ended,
}
