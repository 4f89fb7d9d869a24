//! Bases as bytes: a snapshot, named by its digest.
//!
//! A snapshot has the form that the base has in memory, so that reading it costs reading and digesting it. It is made
//! for the machine that wrote it: one of the other byte order refuses it.

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytemuck::Pod;
use thiserror::Error;

use super::Base;
use super::details::{DetailsTable, Texts};
use crate::lists::{Digest, Digester, Entry, NumberSet};

impl Base {
    /// What names this base by its content. Bases of the same entries with the same details have the same one, in
    /// whichever order they came. Takes as long as reading the base: 0.2 s for 300 MB.
    pub fn digest(&self) -> Digest {
        self.write_to(&mut io::sink()).expect("a sink takes everything")
    }

    /// Writes the snapshot; its digest.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<Digest> {
        let mut out = DigestingWriter { out, digester: Digester::new() };
        out.write_all(MAGIC)?;
        write_slice(&mut out, &[BYTE_ORDER])?;
        self.numbers.write_to(&mut out)?;
        let others: String = self.others.iter().map(|entry| format!("{entry}\n")).collect();
        write_counted(&mut out, others.as_bytes())?;
        for table in [&self.number_details, &self.other_details] {
            write_counted(&mut out, &table.keys)?;
            write_counted(&mut out, &table.dates)?;
            write_counted(&mut out, &table.expires)?;
            write_counted(&mut out, &table.descriptions)?;
            write_counted(&mut out, &table.actors)?;
        }
        write_counted(&mut out, &self.number_details.texts.ends)?;
        write_counted(&mut out, self.number_details.texts.text.as_bytes())?;
        out.out.flush()?;
        Ok(out.digester.finish())
    }

    /// Reads a snapshot with this digest. Nothing of one that has another is used, and no more is allocated than it has.
    pub fn read_from(input: impl Read, expected: &Digest) -> Result<Base, SnapshotError> {
        let mut input = DigestingReader { input, digester: Digester::new() };
        let parts = Parts::read(&mut input)?;
        // What stands behind the end counts as well.
        io::copy(&mut input, &mut io::sink())?;
        if input.digester.finish() != *expected {
            return Err(SnapshotError::Damaged);
        }
        parts.base().ok_or(SnapshotError::Damaged)
    }
}

/// Why a snapshot gives no base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// It cannot be read.
    #[error("the snapshot cannot be read: {0}")]
    Io(io::ErrorKind),
    /// It is not what was written.
    #[error("the snapshot is damaged")]
    Damaged,
}

/// An end before the end is damage.
impl From<io::Error> for SnapshotError {
    fn from(error: io::Error) -> SnapshotError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => SnapshotError::Damaged,
            kind => SnapshotError::Io(kind),
        }
    }
}

/// What was read and not yet compared with its digest.
struct Parts {
    numbers: crate::lists::numbers::StoredSet,
    others: Vec<u8>,
    tables: [DetailsTable; 2],
    ends: Vec<u64>,
    text: Vec<u8>,
}

impl Parts {
    fn read(input: &mut impl Read) -> Result<Parts, SnapshotError> {
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic)?;
        let byte_order: Vec<u64> = read_slice(input, 1)?;
        if magic != *MAGIC || byte_order != [BYTE_ORDER] {
            return Err(SnapshotError::Damaged);
        }
        let numbers = NumberSet::read_from(input)?.ok_or(SnapshotError::Damaged)?;
        let others = read_counted(input)?;
        let mut table = || -> Result<DetailsTable, SnapshotError> {
            Ok(DetailsTable {
                keys: read_counted(input)?.into(),
                dates: read_counted(input)?.into(),
                expires: read_counted(input)?.into(),
                descriptions: read_counted(input)?.into(),
                actors: read_counted(input)?.into(),
                texts: Arc::default(),
            })
        };
        let tables = [table()?, table()?];
        Ok(Parts { numbers, others, tables, ends: read_counted(input)?, text: read_counted(input)? })
    }

    /// Only for what [`Base::write_to`] has written.
    fn base(self) -> Option<Base> {
        let others = String::from_utf8(self.others).ok()?;
        let others: Result<Box<[Entry]>, _> = others.lines().map(str::parse).collect();
        let text = String::from_utf8(self.text).ok()?.into();
        let texts = Arc::new(Texts { ends: self.ends.into(), text });
        let details = self.tables.map(|table| DetailsTable { texts: texts.clone(), ..table });
        Some(Base::of(self.numbers.verified(), others.ok()?, details, 0))
    }
}

fn write_counted<T: Pod>(out: &mut impl Write, values: &[T]) -> io::Result<()> {
    write_slice(out, &[values.len() as u64])?;
    write_slice(out, values)
}

fn write_slice<T: Pod>(out: &mut impl Write, values: &[T]) -> io::Result<()> {
    out.write_all(bytemuck::cast_slice(values))
}

fn read_counted<T: Pod>(input: &mut impl Read) -> io::Result<Vec<T>> {
    let count: Vec<u64> = read_slice(input, 1)?;
    let count = count.first().and_then(|count| usize::try_from(*count).ok()).ok_or(io::ErrorKind::UnexpectedEof)?;
    read_slice(input, count)
}

/// Piece by piece, so that a count that is wrong asks for one piece too much.
fn read_slice<T: Pod>(input: &mut impl Read, count: usize) -> io::Result<Vec<T>> {
    let mut values = Vec::new();
    while values.len() < count {
        let start = values.len();
        values.resize(start + (count - start).min(PIECE), T::zeroed());
        input.read_exact(bytemuck::cast_slice_mut(&mut values[start..]))?;
    }
    Ok(values)
}

struct DigestingWriter<'o, W> {
    out: &'o mut W,
    digester: Digester,
}

impl<W: Write> Write for DigestingWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digester.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

struct DigestingReader<R> {
    input: R,
    digester: Digester,
}

impl<R: Read> Read for DigestingReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(out)?;
        self.digester.update(&out[..read]);
        Ok(read)
    }
}

/// With the version of the form.
const MAGIC: &[u8; 8] = b"RFBASE1\n";
/// Reads otherwise on a machine of the other byte order.
const BYTE_ORDER: u64 = 0x0102_0304_0506_0708;
/// 8 MiB of the largest values.
const PIECE: usize = 1 << 20;
