//! Reading files of lines in blocks, on several threads.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::assembler::Assembler;
use super::block::Block;
use super::report::CELL_KEPT;
use super::source::Source;
use super::{FileError, MAX_ROW, RowReason};
use crate::lists::Digest;

/// Parses a block of whole lines, whichever comes before it.
pub(super) trait Layout: Sync {
    fn parse(&self, text: &[u8], block: &mut Block);
}

/// Reads all lines; the digest of the file.
///
/// Each thread takes the next block of text, parses it, and puts it down for the assembler. Whichever thread puts down
/// the block that is next in the file is the assembler for as long as there is a next one, so that no thread is needed
/// only for it.
pub(super) fn read<R: Read + Send>(
    source: Source<'_, R>,
    layout: &impl Layout,
    threads: usize,
    assembler: &mut Assembler<'_>,
) -> Result<Digest, FileError> {
    let threads = threads.clamp(1, MAX_THREADS);
    let feed = Mutex::new(Feed { source, carried: Vec::new(), first: true, ended: false, next: 0 });
    let order = Order { assembler: Some(assembler), parsed: BTreeMap::new(), next: 0, stopped: false, failure: None };
    let line = Line { order: Mutex::new(order), moved: Condvar::new(), room: BLOCKS_PER_THREAD * threads as u64 };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Where the system gives no more threads, those that are there do the work.
            let _ = thread::Builder::new().name("list".to_owned()).spawn_scoped(scope, || work(&feed, &line, layout));
        }
        work(&feed, &line, layout);
    });
    match lock(&line.order).failure.take() {
        Some(error) => Err(error),
        None => feed.into_inner().unwrap_or_else(PoisonError::into_inner).source.finish(),
    }
}

fn work<R: Read>(feed: &Mutex<Feed<'_, R>>, line: &Line<'_, '_>, layout: &impl Layout) {
    let _alarm = Alarm(line);
    let mut text = Vec::with_capacity(BLOCK);
    loop {
        let mut block = Block::default();
        let next = lock(feed).next(&mut text);
        let at = match next {
            Ok(None) => return,
            Ok(Some((at, Piece::Lines))) => {
                layout.parse(&text, &mut block);
                at
            }
            Ok(Some((at, Piece::LongLine))) => {
                (block.rows, block.lines) = (1, 1);
                block.error(0, &text, RowReason::RowTooLong);
                at
            }
            Err(error) => {
                let mut order = lock(&line.order);
                order.failure = Some(error);
                return order.stop(&line.moved);
            }
        };
        if !line.put(at, block) {
            return;
        }
    }
}

/// The text of the file, cut at line ends.
struct Feed<'p, R: Read> {
    source: Source<'p, R>,
    /// The beginning of the next block's first line.
    carried: Vec<u8>,
    first: bool,
    ended: bool,
    next: u64,
}

enum Piece {
    /// Whole lines; the last of the file may lack its end.
    Lines,
    /// The head of a line that is longer than a block; the rest of it is passed over.
    LongLine,
}

impl<R: Read> Feed<'_, R> {
    /// The next block and its place in the file; `None` at the end.
    fn next(&mut self, text: &mut Vec<u8>) -> Result<Option<(u64, Piece)>, FileError> {
        text.clear();
        text.append(&mut self.carried);
        if !self.ended {
            self.ended = self.source.fill(text, BLOCK)?;
        }
        if std::mem::take(&mut self.first) && text.starts_with(b"\xef\xbb\xbf") {
            text.drain(..3);
        }
        if text.is_empty() {
            return Ok(None);
        }
        let at = self.next;
        self.next += 1;
        if self.ended {
            return Ok(Some((at, Piece::Lines)));
        }
        match memchr::memrchr(b'\n', text) {
            Some(end) => {
                self.carried.extend_from_slice(&text[end + 1..]);
                text.truncate(end + 1);
                Ok(Some((at, Piece::Lines)))
            }
            None => {
                text.truncate(CELL_KEPT);
                self.pass_line()?;
                Ok(Some((at, Piece::LongLine)))
            }
        }
    }

    /// Passes over the text up to the next line end.
    fn pass_line(&mut self) -> Result<(), FileError> {
        while !self.ended {
            self.carried.clear();
            self.ended = self.source.fill(&mut self.carried, BLOCK)?;
            if let Some(end) = memchr::memchr(b'\n', &self.carried) {
                self.carried.drain(..=end);
                return Ok(());
            }
        }
        self.carried.clear();
        Ok(())
    }
}

/// Where parsed blocks wait for those before them.
struct Line<'a, 'p> {
    order: Mutex<Order<'a, 'p>>,
    /// The assembler has taken a block, or all is over.
    moved: Condvar,
    /// How many blocks may lie between the one that is next in the file and the one that is put down.
    room: u64,
}

struct Order<'a, 'p> {
    /// `None` while a thread is at work with it.
    assembler: Option<&'a mut Assembler<'p>>,
    parsed: BTreeMap<u64, Block>,
    next: u64,
    stopped: bool,
    failure: Option<FileError>,
}

impl Order<'_, '_> {
    fn stop(&mut self, moved: &Condvar) {
        self.stopped = true;
        moved.notify_all();
    }
}

impl Line<'_, '_> {
    /// Puts down a block when there is room for it; whether to go on.
    fn put(&self, at: u64, block: Block) -> bool {
        let mut order = lock(&self.order);
        // The thread whose block is the next one never waits here, so that there will be room.
        while at >= order.next + self.room && !order.stopped {
            order = self.moved.wait(order).unwrap_or_else(PoisonError::into_inner);
        }
        order.parsed.insert(at, block);
        let Some(assembler) = order.assembler.take() else { return !order.stopped };
        let mut next = order.next;
        while let Some(block) = order.parsed.remove(&next) {
            drop(order);
            assembler.block(block);
            order = lock(&self.order);
            next += 1;
            order.next = next;
            self.moved.notify_all();
        }
        order.assembler = Some(assembler);
        !order.stopped
    }
}

/// Wakes the others when a thread panics: its block will never come.
struct Alarm<'l, 'a, 'p>(&'l Line<'a, 'p>);

impl Drop for Alarm<'_, '_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(&self.0.order).stop(&self.0.moved);
        }
    }
}

/// A thread that panicked ends the whole reading when the scope is left; until then what it left behind is not used.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How much text a thread takes at once: some 87,000 numbers, so that taking it costs nothing beside parsing it. Small
/// where short inputs are to fill several blocks.
const BLOCK: usize = if cfg!(fuzzing) { 64 } else { MAX_ROW };
/// A block that waits is a fraction of its text; two for each thread keep all of them at work.
const BLOCKS_PER_THREAD: u64 = 2;
/// More threads than this wait for the file, whatever the machine.
const MAX_THREADS: usize = 64;
