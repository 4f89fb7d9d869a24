//! One connection: a reader that hands messages to the shards, and a writer with a bounded queue.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::Streams;
use super::outbox::{Outbox, Outgoing};
use crate::engine::Input;
use crate::flow::{ConnectionId, Flow, ListenerId, PeerIdentity, Transport};
use crate::net::admission::LONGEST_WAIT;
use crate::net::framing::{Broken, Frame, Framer};
use crate::sip::{self, Malformed, Message, Method, Rejected};

/// What the table knows of a connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) peer: SocketAddr,
    /// Who is charged for it, when the peer opened it.
    pub(super) source: Option<IpAddr>,
    listener: ListenerId,
    transport: Transport,
    local: IpAddr,
    /// Whom the peer has proved to be, where we have opened it over TLS.
    identity: Option<PeerIdentity>,
    queue: mpsc::Sender<Outgoing>,
    queued_bytes: AtomicUsize,
    /// A message with a ticket has been queued.
    carries_requests: AtomicBool,
}

/// Why a message was not queued.
#[derive(Debug)]
pub(super) enum QueueError {
    /// The peer does not read fast enough.
    Full,
    /// The connection has ended.
    Closed(Outgoing),
}

/// Why a connection is no longer read.
enum Ended {
    /// The peer will send no more.
    ByPeer,
    /// Its bytes cannot be divided any further.
    Broken,
    /// It failed, or was idle or slow for too long, or all stops.
    Lost,
}

impl Connection {
    /// A connection that messages with this flow may leave by; `source` is charged for it.
    pub(super) fn new(id: ConnectionId, flow: &Flow, source: Option<IpAddr>) -> (Connection, Outbox) {
        let (queue, outbox) = mpsc::channel(QUEUE_MESSAGES);
        let connection = Connection {
            id,
            peer: flow.peer,
            source,
            listener: flow.listener,
            transport: flow.transport,
            local: flow.local.ip(),
            identity: flow.identity,
            queue,
            queued_bytes: AtomicUsize::new(0),
            carries_requests: AtomicBool::new(false),
        };
        (connection, Outbox::new(outbox))
    }

    /// Whether a message with this flow may leave by it. Over TLS it must be the very identity that is demanded: who asks for
    /// another name may be shown another certificate.
    pub(super) fn serves(&self, flow: &Flow) -> bool {
        let wanted = flow.local.ip();
        self.listener == flow.listener
            && self.transport == flow.transport
            && (self.transport != Transport::Tls || (self.identity.is_some() && self.identity == flow.identity))
            && (self.local == wanted || wanted.is_unspecified() || self.local.is_unspecified())
    }

    pub(super) fn queue(&self, outgoing: Outgoing) -> Result<(), QueueError> {
        let length = outgoing.bytes.len();
        let fits = |queued: usize| queued.checked_add(length).filter(|&total| total <= QUEUE_BYTES);
        if self.queued_bytes.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_err() {
            return if self.queue.is_closed() { Err(QueueError::Closed(outgoing)) } else { Err(QueueError::Full) };
        }
        if outgoing.ticket.is_some() {
            self.carries_requests.store(true, Ordering::Release);
        }
        self.queue.try_send(outgoing).map_err(|refused| {
            self.queued_bytes.fetch_sub(length, Ordering::AcqRel);
            match refused {
                mpsc::error::TrySendError::Full(_) => QueueError::Full,
                mpsc::error::TrySendError::Closed(back) => QueueError::Closed(back),
            }
        })
    }

    /// Whether somebody waits for what comes back on it.
    pub(super) fn has_carried_requests(&self) -> bool {
        self.carries_requests.load(Ordering::Acquire)
    }
}

impl Streams {
    /// Reads and writes until the connection ends, whoever ends it.
    pub(super) async fn serve<R, W>(
        self: Arc<Self>,
        connection: Arc<Connection>,
        mut outbox: Outbox,
        local: SocketAddr,
        mut read: R,
        mut write: W,
    ) where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        let flow = Flow {
            transport: connection.transport,
            listener: connection.listener,
            local,
            peer: connection.peer,
            connection: Some(connection.id),
            identity: None,
        };
        {
            let mut writing = pin!(self.write_all(&connection, &mut outbox, &mut write));
            let ended = tokio::select! {
                ended = self.read_all(&connection, flow, &mut read) => ended,
                () = &mut writing => Ended::Lost,
                () = self.tasks.stopping() => Ended::ByPeer,
            };
            self.forget_peer(&connection);
            match ended {
                Ended::ByPeer | Ended::Broken => {
                    // The answers to what was read may still be on their way. What comes meanwhile is read and thrown
                    // away: closing a socket with unread bytes resets it, and the answer is lost.
                    let farewell = async { tokio::join!(writing, discard(&mut read)) };
                    let _ = tokio::time::timeout(FAREWELL, farewell).await;
                }
                Ended::Lost => {}
            }
        }
        let _ = tokio::time::timeout(FAREWELL, write.shutdown()).await;
        self.counters.streams_closed.add(1);
        self.forget(&connection, &mut outbox).await;
    }

    async fn read_all(&self, connection: &Connection, flow: Flow, read: &mut (impl AsyncRead + Unpin)) -> Ended {
        let mut framer = Framer::default();
        let mut deadline = Instant::now() + self.limits.idle;
        let mut alarm = pin!(tokio::time::sleep_until(deadline));
        let mut is_amid = false;
        let mut touched = SmallVec::new();
        loop {
            loop {
                match framer.next() {
                    Ok(Some(Frame::Message(bytes))) => {
                        is_amid = false;
                        self.counters.stream_received.add(1);
                        self.hand_on(flow, sip::scan(bytes), &mut touched).await;
                    }
                    Ok(Some(Frame::KeepAlive)) => {
                        is_amid = false;
                        let pong = Outgoing { bytes: Bytes::from_static(b"\r\n"), ticket: None };
                        // A peer that does not read its answers needs none.
                        let _ = connection.queue(pong);
                    }
                    Ok(None) => break,
                    Err(broken) => {
                        self.counters.streams_broken.add(1);
                        self.hand_on(flow, reject(framer.remains(), &broken), &mut touched).await;
                        self.wake(&mut touched);
                        return Ended::Broken;
                    }
                }
            }
            // Once for all that one read has brought.
            self.wake(&mut touched);
            // From a message's first byte on the clock runs, and no further byte sets it back.
            if !framer.is_amid_message() {
                (is_amid, deadline) = (false, Instant::now() + self.limits.idle);
            } else if !is_amid {
                (is_amid, deadline) = (true, Instant::now() + self.limits.message);
            }
            match read_until(deadline, alarm.as_mut(), read, framer.buffer()).await {
                Some(Ok(0)) => return Ended::ByPeer,
                Some(Ok(_)) => {}
                // Over TLS: it has closed the connection without saying so. No message was cut, or its length would say it.
                Some(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ended::ByPeer,
                Some(Err(_)) => return Ended::Lost,
                None => {
                    self.counters.streams_timed_out.add(1);
                    return Ended::Lost;
                }
            }
        }
    }

    /// Hands a message to its shard, and adds the shard to those that are yet to be woken.
    async fn hand_on(&self, flow: Flow, scanned: Result<Message, Rejected>, touched: &mut SmallVec<[usize; TOUCHED]>) {
        let (shard, input) = match scanned {
            Ok(message) => (self.post.shard_of(message.call_id()), Input::Message { flow, message }),
            Err(rejected) => {
                let hint = flow.connection.map_or(0, |id| id.0);
                (self.post.any_shard(hint), Input::Rejected { flow, rejected })
            }
        };
        if let Err(input) = self.post.mailbox(shard).push(input) {
            // The others are not to wait with it.
            self.wake(touched);
            return self.post.deliver(shard, input).await;
        }
        if !touched.contains(&shard) {
            touched.push(shard);
        }
    }

    fn wake(&self, touched: &mut SmallVec<[usize; TOUCHED]>) {
        touched.drain(..).for_each(|shard| self.post.mailbox(shard).wake());
    }

    async fn write_all(&self, connection: &Connection, outbox: &mut Outbox, write: &mut (impl AsyncWrite + Unpin)) {
        while let Some(bytes) = outbox.next_batch().await {
            let written = tokio::time::timeout(self.limits.message, outbox.write_batch(write)).await;
            connection.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
            let Ok(Ok(messages)) = written else { return };
            self.counters.stream_sent.add(messages as u64);
        }
    }
}

/// What to tell the engine of bytes that cannot be framed: what the scanner says, or that the length is wrong.
fn reject(remains: Bytes, broken: &Broken) -> Result<Message, Rejected> {
    let reason = match broken {
        Broken::Length => Malformed::ContentLength,
        Broken::BareLineEnd => Malformed::BareLineEnd,
        Broken::TooLong => Malformed::TooLong,
        Broken::StartLine => Malformed::StartLine,
    };
    match sip::scan(remains) {
        Err(rejected) => Err(rejected),
        // A datagram may lack the length; here it makes the rest of the stream unreadable.
        Ok(Message::Request(request)) if request.method() != Method::Ack => {
            Err(Rejected { reason, headers: Some(request.headers().clone()) })
        }
        Ok(_) => Err(Rejected { reason, headers: None }),
    }
}

/// Reads before the deadline; `None` once it is over. The alarm is set anew only where it would ring too late or has rung too
/// early, and not for each read.
async fn read_until(
    deadline: Instant,
    mut alarm: Pin<&mut Sleep>,
    read: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Option<io::Result<usize>> {
    if alarm.deadline() > deadline {
        alarm.as_mut().reset(deadline);
    }
    loop {
        tokio::select! {
            biased;
            read = read_some(read, buffer) => return Some(read),
            () = alarm.as_mut() => {}
        }
        if Instant::now() >= deadline {
            return None;
        }
        alarm.as_mut().reset(deadline);
    }
}

/// Reads what has come and adds it to `buffer`; 0: there will be no more. The room to read to is taken from the stack and
/// only while there is something to read, so that a connection on which nothing happens holds none.
async fn read_some(read: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> io::Result<usize> {
    let mut read = Pin::new(read);
    poll_fn(|context| {
        let mut room = [const { MaybeUninit::uninit() }; READ];
        let mut room = ReadBuf::uninit(&mut room);
        let polled = read.as_mut().poll_read(context, &mut room);
        if polled.is_pending() && buffer.is_empty() {
            *buffer = BytesMut::new();
        }
        ready!(polled)?;
        buffer.extend_from_slice(room.filled());
        Poll::Ready(Ok(room.filled().len()))
    })
    .await
}

async fn discard(read: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = [0; 1024];
    while matches!(read.read(&mut buffer).await, Ok(1..)) {}
}

/// Bytes read at once: some twenty messages, and a record of TLS.
const READ: usize = 16384;

/// Shards that get something of one read, without taking memory for their list.
const TOUCHED: usize = 4;

/// Messages that may wait on one connection: a second of the traffic of a busy trunk.
const QUEUE_MESSAGES: usize = 4096;

/// Bytes that may wait on one connection: 1,000 messages of a usual size, 16 of the longest.
const QUEUE_BYTES: usize = 1 << 20;

/// How long a connection that is over is kept for the answers to what was read from it: longer than a new call may wait for
/// its turn, beside which an answer of ours takes microseconds. The next hop's comes later, by a connection of its own.
const FAREWELL: Duration = Duration::from_millis(500);

const _: () = assert!(FAREWELL.as_millis() > LONGEST_WAIT.as_millis());
