//! What is kept of an INVITE that rings: people take a minute to answer, and most of its messages is needed no more.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::proxy::ProxyId;
use super::shard::Engine;
use crate::sip::{HeaderName, Message, Request, scan};
use crate::time::Now;
use crate::transaction::ClientId;

/// A request for as long as it has no final response.
#[derive(Debug)]
pub(super) enum Kept {
    Whole(Box<Request>),
    /// What may still be needed of one that rings: no index, which would be larger than the bytes.
    Condensed(Box<[u8]>),
}

/// An INVITE that rings, and when its messages are condensed.
#[derive(Debug)]
pub(super) struct Ring {
    pub condense_at: Instant,
    proxy: ProxyId,
    client: ClientId,
}

/// Machines answer sooner, and then nothing is left to be condensed; people later.
const CONDENSE_AFTER: Duration = Duration::from_secs(1);

/// Below this, shrinking gives nothing back that is worth the work.
const LEAST_RINGS: usize = 1_024;

impl Kept {
    pub(super) fn read(&self) -> Cow<'_, Request> {
        match self {
            Kept::Whole(request) => Cow::Borrowed(request),
            Kept::Condensed(bytes) => match scan(Bytes::copy_from_slice(bytes)) {
                Ok(Message::Request(request)) => Cow::Owned(request),
                Ok(Message::Response(_)) | Err(_) => unreachable!("it was read when it was condensed"),
            },
        }
    }
}

impl Engine {
    /// An INVITE begins to ring.
    pub(super) fn condense_later(&mut self, now: Now, proxy: ProxyId, client: ClientId) {
        self.rings.push_back(Ring { condense_at: now.mono + CONDENSE_AFTER, proxy, client });
    }

    /// What rings may ring for minutes, and what it still needs of its messages is less than half of them.
    pub(super) fn condense_ringing(&mut self, now: Now) {
        while let Some(&Ring { proxy, client, .. }) = self.rings.front().filter(|ring| ring.condense_at <= now.mono) {
            self.rings.pop_front();
            let Some(open) = self.proxies.get_mut(proxy.0).and_then(|proxy| proxy.open.as_mut()) else { continue };
            // For a final response of ours, and for the call that a 2xx opens.
            let request = open.request.read();
            if let Some(bytes) =
                request.condensed(|field| field.name.is_mandatory() || field.name == HeaderName::Contact)
            {
                open.request = Kept::Condensed(bytes);
            }
            // For CANCEL and ACK, which bear our Via alone.
            let Some(sent) = self.kept_request(client) else { continue };
            let bytes = sent.condensed(|field| match field.name {
                HeaderName::Via => field.value == sent.via_span(),
                name => name.is_mandatory() || name == HeaderName::Route,
            });
            if let Some(bytes) = bytes {
                self.transactions.keep_instead(client, bytes.into());
            }
        }
        if self.rings.is_empty() && self.rings.capacity() > LEAST_RINGS {
            self.rings.shrink_to(LEAST_RINGS);
        }
    }
}
