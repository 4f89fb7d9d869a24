//! Where the calls stand that a rule kept from their callee: a file beside each part, with 16 bytes for each such line,
//! the key of the callee and the place of the line in the part. It is written after the line and completed when the part
//! is opened, so that it never lacks one.

use std::fs::{File, OpenOptions};
use std::hash::Hasher;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use siphasher::sip::SipHasher13;

use super::row::{Column, Event, Fields, Layout, Record};
use crate::screen::VerdictKind;

/// Finds the blocked calls among lines.
#[derive(Debug, Default)]
pub(super) struct Indexer {
    fields: Fields,
}

impl Indexer {
    /// What is to be appended for whole lines that begin at `offset` of the part.
    pub(super) fn entries(&mut self, lines: &[u8], offset: u64, layout: &Layout) -> Vec<u8> {
        let mut entries = Vec::new();
        let mut at = offset;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            // What cannot be read is found by nobody.
            if let Ok(record) = self.fields.read(line, layout)
                && is_blocked(&record)
            {
                entries.extend_from_slice(&key(record.field(Column::Callee)).to_le_bytes());
                entries.extend_from_slice(&at.to_le_bytes());
            }
            at += line.len() as u64;
        }
        entries
    }
}

/// Whether a rule kept the call from its callee.
pub(super) fn is_blocked(record: &Record<'_>) -> bool {
    let verdict = record.field(Column::Verdict);
    let blocks = [VerdictKind::Decline, VerdictKind::Redirect, VerdictKind::Drop];
    record.event() == Event::Call && blocks.iter().any(|kind| kind.as_str().as_bytes() == verdict)
}

/// That of a callee as he is written in the records; two callees may have the same one.
pub(super) fn key(callee: &[u8]) -> u64 {
    // Without a secret: whoever makes two numbers collide costs a look at a line.
    let mut hasher = SipHasher13::new();
    hasher.write(callee);
    hasher.finish()
}

/// Opens the file at `index` for appending, with all that the lines of `plain` ask for.
pub(super) fn complete(index: &Path, plain: &File, layout: &Layout) -> io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create(true).open(index)?;
    let length = plain.metadata()?.len();
    let mut entries = file.metadata()?.len() / ENTRY as u64;
    let mut begins = 0;
    while entries > 0 {
        let mut entry = [0; ENTRY];
        file.read_exact_at(&mut entry, (entries - 1) * ENTRY as u64)?;
        begins = place_in(&entry);
        // The last lines may have been lost with the power, and what was said of them not.
        if begins < length {
            break;
        }
        entries -= 1;
        begins = 0;
    }
    file.set_len(entries * ENTRY as u64)?;
    let mut lines = BufReader::with_capacity(BUFFER, plain);
    lines.seek(SeekFrom::Start(begins))?;
    // The line that is known already, or the header.
    begins += lines.skip_until(b'\n')? as u64;
    let (mut indexer, mut some) = (Indexer::default(), Vec::with_capacity(BUFFER));
    loop {
        some.clear();
        lines.by_ref().take(BUFFER as u64).read_to_end(&mut some)?;
        lines.read_until(b'\n', &mut some)?;
        if some.is_empty() {
            return Ok(file);
        }
        io::Write::write_all(&mut &file, &indexer.entries(&some, begins, layout))?;
        begins += some.len() as u64;
    }
}

/// The places of the lines that may be about the callee of a key, in order.
pub(super) fn find(index: &Path, key: u64) -> io::Result<Vec<u64>> {
    let mut file = File::open(index)?;
    let (mut some, mut places) = (Vec::with_capacity(BUFFER), Vec::new());
    loop {
        some.clear();
        file.by_ref().take(BUFFER as u64).read_to_end(&mut some)?;
        let wanted = key.to_le_bytes();
        let entries = some.chunks_exact(ENTRY).filter(|entry| entry[..8] == wanted);
        places.extend(entries.filter_map(|entry| entry.try_into().ok()).map(place_in));
        if some.len() < BUFFER {
            return Ok(places);
        }
    }
}

fn place_in(entry: &[u8; ENTRY]) -> u64 {
    u64::from_le_bytes(entry[8..].try_into().expect("half of an entry"))
}

/// Two numbers of 64 bits, the lower byte first.
const ENTRY: usize = 16;

/// A multiple of [`ENTRY`]; larger ones make reading no faster.
const BUFFER: usize = 256 << 10;
