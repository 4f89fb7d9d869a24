//! Bytes between a connection and a thread that blocks, a few pieces at a time in either direction.
//!
//! Whoever writes says when it has written all: an end without that word is a failure, so that neither a body that was
//! cut off nor a file that could not be written on is taken for a whole one.

use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::StatusCode;
use bytes::{Buf, Bytes};
use hyper::body::Frame;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::problem::Problem;

enum Piece {
    Bytes(Bytes),
    End,
}

/// A request's body for a thread that blocks, and what moves it there.
pub(super) fn inward(body: Body) -> (Pump, PipeReader) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Pump { body, sender }, PipeReader { receiver, piece: Bytes::new(), ended: false })
}

/// Moves a body as it comes.
pub(super) struct Pump {
    body: Body,
    sender: mpsc::Sender<Piece>,
}

impl Pump {
    /// Until the body or its reader ends; an error when the body does so early.
    pub(super) async fn run(mut self) -> Result<(), Problem> {
        while let Some(bytes) = self.next().await? {
            if self.sender.send(Piece::Bytes(bytes)).await.is_err() {
                return Ok(());
            }
        }
        let _ = self.sender.send(Piece::End).await;
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let frame = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context));
            let silent = |_| Problem::new(StatusCode::REQUEST_TIMEOUT, "nothing more of the body came in time");
            match timeout(SILENCE, frame).await.map_err(silent)? {
                None => return Ok(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Ok(Some(data)),
                    Err(_) => continue,
                },
                Some(Err(_)) => return Err(Problem::new(StatusCode::BAD_REQUEST, "the body ended too soon")),
            }
        }
    }
}

/// The body, as a thread that may block reads it.
pub(super) struct PipeReader {
    receiver: mpsc::Receiver<Piece>,
    piece: Bytes,
    ended: bool,
}

impl Read for PipeReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.piece = bytes,
                Some(Piece::End) => self.ended = true,
                None => return Err(io::ErrorKind::ConnectionAborted.into()),
            }
        }
        let count = out.len().min(self.piece.len());
        out[..count].copy_from_slice(&self.piece[..count]);
        self.piece.advance(count);
        Ok(count)
    }
}

/// An answer's body that a thread writes which blocks.
pub(super) fn outward() -> (PipeWriter, Body) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (PipeWriter { sender, piece: Vec::with_capacity(PIECE), runtime: Handle::current() }, Body::new(Out(receiver)))
}

/// Where it writes to. Fails as soon as the client is gone, or takes nothing for too long.
pub(super) struct PipeWriter {
    sender: mpsc::Sender<Piece>,
    piece: Vec<u8>,
    runtime: Handle,
}

impl PipeWriter {
    /// Sends what is left, and says that it was all.
    pub(super) fn finish(mut self) -> io::Result<()> {
        io::Write::flush(&mut self)?;
        self.send(Piece::End)
    }

    fn send(&self, piece: Piece) -> io::Result<()> {
        // The clock of a time-out is that of the runtime, which a thread of another kind is not in before.
        match self.runtime.block_on(async { timeout(SILENCE, self.sender.send(piece)).await }) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl io::Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.send(Piece::Bytes(piece.into()))
    }
}

struct Out(mpsc::Receiver<Piece>);

impl HttpBody for Out {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|piece| match piece {
            Some(Piece::Bytes(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::End) => None,
            None => Some(Err(io::ErrorKind::ConnectionAborted.into())),
        })
    }
}

/// How much is written at once: few enough wake-ups, and nothing beside what a list takes.
const PIECE: usize = 64 << 10;

/// How many pieces may wait, so that neither side waits for the other at each of them.
const PIECES: usize = 4;

/// How long a side may do nothing: somebody else's import waits, or an old base is held in memory for an export.
const SILENCE: Duration = Duration::from_secs(30);
