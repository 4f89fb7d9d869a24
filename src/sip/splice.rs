//! Changing a message: places to replace, everything else copied as it came.

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Headers, Span};

/// Changes to one message, made in any order. Two changes at one empty place appear in the order they were made;
/// a change inside a place that another one replaces is left out.
#[derive(Debug, Default)]
pub struct Splice {
    changes: SmallVec<[Change; 16]>,
    /// The new bytes of all changes.
    text: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    place: Span,
    text_start: usize,
    text_end: usize,
}

impl Splice {
    /// No changes.
    pub fn new() -> Splice {
        Splice { changes: SmallVec::new(), text: Vec::with_capacity(512) }
    }

    /// Forgets all changes and keeps the memory.
    pub fn clear(&mut self) {
        self.changes.clear();
        self.text.clear();
    }

    /// Puts what `write` writes in the place of the bytes there.
    pub fn replace(&mut self, place: Span, write: impl FnOnce(&mut Vec<u8>)) {
        let text_start = self.text.len();
        write(&mut self.text);
        self.changes.push(Change { place, text_start, text_end: self.text.len() });
    }

    /// The same where `write` says that it has written; else the bytes there stay.
    pub fn replace_if(&mut self, place: Span, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let text_start = self.text.len();
        if write(&mut self.text) {
            self.changes.push(Change { place, text_start, text_end: self.text.len() });
        } else {
            self.text.truncate(text_start);
        }
    }

    /// Takes the bytes at a place out.
    pub fn remove(&mut self, place: Span) {
        self.replace(place, |_| {});
    }

    /// The message with all changes made; they are forgotten then.
    pub fn finish(&mut self, headers: &Headers) -> Bytes {
        let source = headers.bytes();
        // Stable, so that insertions at one place keep their order; insertions come before a replacement there.
        self.changes.sort_by_key(|change| (change.place.start, change.place.end));
        let (mut length, mut covered) = (source.len(), 0);
        self.changes.retain(|change| {
            let is_inside = change.place.start < covered;
            if !is_inside {
                covered = change.place.end;
                length = length + change.text_end - change.text_start - change.place.len();
            }
            !is_inside
        });
        // Of this very length, it needs no counter beside it until it is shared.
        let mut out = Vec::with_capacity(length);
        let mut copied = 0;
        for change in &self.changes {
            out.extend_from_slice(&source[copied..usize::from(change.place.start)]);
            out.extend_from_slice(&self.text[change.text_start..change.text_end]);
            copied = usize::from(change.place.end);
        }
        out.extend_from_slice(&source[copied..]);
        self.clear();
        Bytes::from(out)
    }
}
