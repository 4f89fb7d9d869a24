//! What waits to be written on a connection, and writing it: as many messages at once as there are.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::engine::Ticket;

/// A message to be written, and who wants to hear that it was not.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) bytes: Bytes,
    pub(super) ticket: Option<(usize, Ticket)>,
}

/// The end of a connection's queue that is written.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: mpsc::Receiver<Outgoing>,
    /// What is being written, less the bytes that are written: what is left of it has failed if the connection ends now.
    batch: Vec<Outgoing>,
}

impl Outbox {
    pub(super) fn new(queue: mpsc::Receiver<Outgoing>) -> Outbox {
        Outbox { queue, batch: Vec::new() }
    }

    /// Waits for messages and takes those that are to be written at once; how many bytes they are. `None`: there will be no
    /// more.
    pub(super) async fn next_batch(&mut self) -> Option<usize> {
        let mut next = Some(self.queue.recv().await?);
        let mut bytes = 0;
        while let Some(outgoing) = next {
            bytes += outgoing.bytes.len();
            self.batch.push(outgoing);
            let is_full = bytes >= BATCH_BYTES || self.batch.len() == BATCH;
            next = if is_full { None } else { self.queue.try_recv().ok() };
        }
        Some(bytes)
    }

    /// Writes the batch, wholly; how many messages it was.
    pub(super) async fn write_batch(&mut self, write: &mut (impl AsyncWrite + Unpin)) -> io::Result<usize> {
        let mut rest = &mut self.batch[..];
        while !rest.is_empty() {
            let mut written = write_some(write, rest).await?;
            for outgoing in rest.iter_mut() {
                let of_this = written.min(outgoing.bytes.len());
                outgoing.bytes.advance(of_this);
                written -= of_this;
            }
            let done = rest.iter().take_while(|outgoing| outgoing.bytes.is_empty()).count();
            rest = &mut rest[done..];
        }
        // TLS may keep a whole message to itself, and would until the next one.
        write.flush().await?;
        Ok(self.batch.drain(..).count())
    }

    /// Ends the queue; what was in it, the rest of the batch first. `None` stands for one without a ticket.
    pub(super) fn close(&mut self) -> Vec<Option<(usize, Ticket)>> {
        // From here on nothing is queued, so nothing slips in after the last `try_recv`.
        self.queue.close();
        let rest = self.batch.drain(..).filter(|outgoing| !outgoing.bytes.is_empty());
        let mut unsent: Vec<_> = rest.map(|outgoing| outgoing.ticket).collect();
        while let Ok(outgoing) = self.queue.try_recv() {
            unsent.push(outgoing.ticket);
        }
        unsent
    }
}

/// Writes some of the bytes of these messages, at least one. The list of them is made anew for each try, so that it takes no
/// memory of a connection that waits.
async fn write_some(write: &mut (impl AsyncWrite + Unpin), messages: &[Outgoing]) -> io::Result<usize> {
    let written = poll_fn(|context| {
        let mut slices = [IoSlice::new(&[]); BATCH];
        slices.iter_mut().zip(messages).for_each(|(slice, outgoing)| *slice = IoSlice::new(&outgoing.bytes));
        Pin::new(&mut *write).poll_write_vectored(context, &slices[..messages.len().min(BATCH)])
    });
    match written.await? {
        0 => Err(io::ErrorKind::WriteZero.into()),
        written => Ok(written),
    }
}

/// Messages written at once: more than [`BATCH_BYTES`] are of a usual size.
const BATCH: usize = 32;

/// Bytes written at once, and what the last message has beyond them: a record of TLS. Few enough that a peer has to take them
/// in the time of one message.
const BATCH_BYTES: usize = 16384;

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use futures_util::FutureExt;

    use super::*;

    /// A peer that takes so many bytes at a time, and after so many in all none.
    struct Peer {
        at_once: usize,
        room: usize,
        taken: Vec<u8>,
        writes: usize,
        flushed: usize,
    }

    impl Peer {
        fn new(at_once: usize, room: usize) -> Peer {
            Peer { at_once, room, taken: Vec::new(), writes: 0, flushed: 0 }
        }
    }

    impl AsyncWrite for Peer {
        fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(context, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let length = self.at_once.min(self.room - self.taken.len());
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(length).collect();
            if bytes.is_empty() {
                return Poll::Pending;
            }
            self.taken.extend_from_slice(&bytes);
            self.writes += 1;
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushed = self.taken.len();
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// A queue with these messages; the ticket of each is its place.
    fn outbox(messages: &[&'static [u8]]) -> (mpsc::Sender<Outgoing>, Outbox) {
        let (queue, outbox) = mpsc::channel(64);
        for (place, message) in messages.iter().enumerate() {
            let ticket = Some((0, Ticket(place as u64)));
            queue.try_send(Outgoing { bytes: Bytes::from_static(message), ticket }).unwrap();
        }
        (queue, Outbox::new(outbox))
    }

    #[test]
    fn what_waits_is_written_in_order_at_once_and_flushed() {
        let (_queue, mut outbox) = outbox(&[b"one", b"two", b"three"]);
        let mut peer = Peer::new(100, 100);
        assert_eq!(outbox.next_batch().now_or_never(), Some(Some(11)));
        assert_eq!(outbox.write_batch(&mut peer).now_or_never().unwrap().unwrap(), 3);
        assert_eq!((peer.taken.as_slice(), peer.writes, peer.flushed), (&b"onetwothree"[..], 1, 11));
        assert_eq!(outbox.next_batch().now_or_never(), None, "it waits for the next message");
        assert_eq!(outbox.close(), []);
    }

    #[test]
    fn a_peer_that_takes_little_at_a_time_gets_all_of_it() {
        for at_once in 1..11 {
            let (_queue, mut outbox) = outbox(&[b"one", b"two", b"three"]);
            let mut peer = Peer::new(at_once, 100);
            outbox.next_batch().now_or_never().unwrap();
            assert_eq!(outbox.write_batch(&mut peer).now_or_never().unwrap().unwrap(), 3);
            assert_eq!((peer.taken.as_slice(), peer.flushed), (&b"onetwothree"[..], 11), "{at_once} at a time");
        }
    }

    #[test]
    fn what_is_not_wholly_written_when_the_connection_ends_is_told_of() {
        let (queue, mut outbox) = outbox(&[b"one", b"two", b"three"]);
        outbox.next_batch().now_or_never().unwrap();
        queue.try_send(Outgoing { bytes: Bytes::from_static(b"four"), ticket: None }).unwrap();
        let mut peer = Peer::new(4, 4);
        assert!(outbox.write_batch(&mut peer).now_or_never().is_none(), "there is no room for more");
        assert_eq!(outbox.close(), [Some((0, Ticket(1))), Some((0, Ticket(2))), None]);
    }

    #[test]
    fn a_batch_is_bounded_in_messages_and_bytes() {
        let (_queue, mut many) = outbox(&[&b"1"[..]; BATCH + 1]);
        assert_eq!(many.next_batch().now_or_never(), Some(Some(BATCH)));
        const LONG: &[u8] = &[b'1'; BATCH_BYTES - 1];
        let (_queue, mut long) = outbox(&[LONG; 3]);
        assert_eq!(long.next_batch().now_or_never(), Some(Some(2 * LONG.len())));
    }
}
