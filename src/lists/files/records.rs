//! [`Records`]: the rows of separated cells, in bounded memory.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::report::CELL_KEPT;
use super::text::Text;
use super::{FileError, MAX_CELLS, MAX_ROW, RowReason};
use crate::lists::Digest;

/// Reads rows one by one: the row that was read last lies in its buffers.
pub(super) struct Records<'p, R: Read> {
    text: Text<'p, R>,
    reader: Reader,
    /// The cells one after the other, without their quotation marks.
    cells: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    count: usize,
    lines: Lines,
    /// Where the row begins.
    line: u64,
}

/// A row that is no row.
pub(super) struct Unreadable {
    /// The place of the cell.
    pub(super) at: usize,
    /// The head of the cell.
    pub(super) cell: Vec<u8>,
    /// Why.
    pub(super) reason: RowReason,
}

impl<'p, R: Read> Records<'p, R> {
    pub(super) fn new(text: Text<'p, R>, delimiter: u8) -> Records<'p, R> {
        Records {
            text,
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            cells: vec![0; MAX_ROW],
            ends: vec![0; MAX_CELLS],
            count: 0,
            lines: Lines { line: 1, after_return: false },
            line: 1,
        }
    }

    /// Reads the next row; `None` at the end of the file, an error within when it is read but no row.
    pub(super) fn next(&mut self) -> Result<Option<Result<(), Unreadable>>, FileError> {
        self.pass_line_ends()?;
        self.line = self.lines.line;
        let (mut length, mut count, mut marks) = (0, 0, 0usize);
        let mut unreadable = None;
        loop {
            let piece = self.text.piece();
            let (result, read, written, ended) =
                self.reader.read_record(piece, &mut self.cells[length..], &mut self.ends[count..]);
            self.lines.pass(&piece[..read]);
            marks += memchr::memchr_iter(b'"', &piece[..read]).count();
            (length, count) = (length + written, count + ended);
            self.text.consume(read)?;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    // A mark that is not closed has swallowed the rest of the file: say so, as that is what to mend.
                    if unreadable.is_none() {
                        let open = count.checked_sub(1).map_or(0, |last| self.ends[last]);
                        let broken = memchr::memchr2(b'\n', b'\r', &self.cells[open..length]).is_some();
                        let reason = if broken { RowReason::OpenQuote } else { RowReason::RowTooLong };
                        let cell = self.cells[open..length].iter().take(CELL_KEPT).copied().collect();
                        unreadable = Some(Unreadable { at: count, cell, reason });
                    }
                    (length, count) = (0, 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    let reason = RowReason::TooManyCells;
                    unreadable.get_or_insert(Unreadable { at: MAX_CELLS, cell: Vec::new(), reason });
                    (length, count) = (0, 0);
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End if unreadable.is_none() => return Ok(None),
                ReadRecordResult::End => break,
            }
        }
        self.count = count;
        if let Some(unreadable) = unreadable {
            return Ok(Some(Err(unreadable)));
        }
        match self.broken().filter(|_| marks % 2 == 1) {
            Some(at) => {
                let cell = self.cell(at).unwrap_or_default().iter().take(CELL_KEPT).copied().collect();
                Ok(Some(Err(Unreadable { at, cell, reason: RowReason::OpenQuote })))
            }
            None => Ok(Some(Ok(()))),
        }
    }

    /// The line on which the row begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The cell at a place from 0.
    pub(super) fn cell(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends[..self.count].get(at)?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.cells.get(start..end)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).filter_map(|at| self.cell(at))
    }

    pub(super) fn finish(self) -> Result<Digest, FileError> {
        self.text.finish()
    }

    /// The first cell with a line break in it.
    fn broken(&self) -> Option<usize> {
        self.iter().position(|cell| memchr::memchr2(b'\n', b'\r', cell).is_some())
    }

    /// Empty lines belong to no row.
    fn pass_line_ends(&mut self) -> Result<(), FileError> {
        loop {
            let piece = self.text.piece();
            let ends = piece.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            if ends == 0 {
                return Ok(());
            }
            self.lines.pass(&piece[..ends]);
            self.text.consume(ends)?;
        }
    }
}

/// Counts lines that end in LF, CRLF or CR.
struct Lines {
    line: u64,
    after_return: bool,
}

impl Lines {
    fn pass(&mut self, bytes: &[u8]) {
        let mut after = self.after_return.then_some(0);
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let joined = bytes[at] == b'\n' && after == Some(at);
            self.line += u64::from(!joined);
            after = (bytes[at] == b'\r').then_some(at + 1);
        }
        if !bytes.is_empty() {
            self.after_return = after == Some(bytes.len());
        }
    }
}
