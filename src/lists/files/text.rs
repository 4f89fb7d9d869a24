//! [`Text`]: a source in UTF-8, whatever its encoding.

use std::io::Read;

use super::source::Source;
use super::{Encoding, FileError};
use crate::lists::Digest;

/// The text of a file piece by piece, without its byte order mark.
pub(super) struct Text<'p, R: Read> {
    source: Source<'p, R>,
    decoder: Option<encoding_rs::Decoder>,
    /// Bytes as they come, where they are to be decoded.
    raw: Vec<u8>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<'p, R: Read> Text<'p, R> {
    /// Reads the first piece.
    pub(super) fn new(source: Source<'p, R>, encoding: Option<Encoding>) -> Result<Text<'p, R>, FileError> {
        let decoder = encoding.map(Encoding::decoder);
        let mut text = Text { source, decoder, raw: Vec::new(), piece: Vec::new(), at: 0, ended: false };
        text.refill()?;
        if encoding.is_none() {
            if text.piece.starts_with(b"\xff\xfe") || text.piece.starts_with(b"\xfe\xff") {
                return Err(FileError::Utf16);
            }
            if text.piece.starts_with(b"\xef\xbb\xbf") {
                text.at = 3;
            }
        }
        Ok(text)
    }

    /// What was read and not yet consumed; empty only at the end of the file.
    pub(super) fn piece(&self) -> &[u8] {
        &self.piece[self.at..]
    }

    /// Passes over the first `count` bytes of the piece, and reads the next one when it is used up.
    pub(super) fn consume(&mut self, count: usize) -> Result<(), FileError> {
        self.at += count;
        while self.at == self.piece.len() && !self.ended {
            self.refill()?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Digest, FileError> {
        self.source.finish()
    }

    fn refill(&mut self) -> Result<(), FileError> {
        self.at = 0;
        self.piece.clear();
        let Some(decoder) = &mut self.decoder else {
            self.ended = self.source.fill(&mut self.piece, PIECE)?;
            return Ok(());
        };
        self.raw.clear();
        self.ended = self.source.fill(&mut self.raw, PIECE)?;
        // The longest that the bytes can become; decoders know it for any length that does not overflow.
        let room = decoder.max_utf8_buffer_length(self.raw.len()).unwrap_or(4 * PIECE);
        self.piece.resize(room, 0);
        let (_, _, written, _) = decoder.decode_to_utf8(&self.raw, &mut self.piece, self.ended);
        self.piece.truncate(written);
        Ok(())
    }
}

/// Enough for the lines by which the delimiter is told, and for calls to be few.
const PIECE: usize = 128 << 10;
