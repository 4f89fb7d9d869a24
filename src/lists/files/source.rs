//! [`Source`]: the text of a file, decompressed, with the digest of its own bytes.

use std::io::{self, BufReader, Chain, Cursor, Read};
use std::sync::atomic::Ordering;

use flate2::bufread::MultiGzDecoder;

use super::{Compression, FileError, Progress};
use crate::lists::{Digest, Digester};

/// A file as text. What is not compressed passes as it is; gzip and zstd are known by their first bytes, and files of
/// several members are read to the end.
pub(super) struct Source<'p, R: Read> {
    decoder: Decoder<'p, R>,
}

type Raw<'p, R> = BufReader<Chain<Cursor<Vec<u8>>, Counted<'p, R>>>;

enum Decoder<'p, R: Read> {
    Plain(Raw<'p, R>),
    // Boxed, as its tables are large and most files are plain.
    Gzip(Box<MultiGzDecoder<Raw<'p, R>>>),
    Zstd(zstd::stream::read::Decoder<'static, Raw<'p, R>>),
}

impl<'p, R: Read> Source<'p, R> {
    pub(super) fn new(input: R, progress: &'p Progress) -> Result<Source<'p, R>, FileError> {
        let mut counted = Counted { input, digester: Digester::new(), progress, bytes: 0, failed: None };
        let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
        let read = counted.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head);
        read.map_err(|error| FileError::Io { at: counted.bytes, kind: error.kind() })?;
        let is_gzip = head.starts_with(&GZIP_MAGIC);
        let is_zstd = head == ZSTD_MAGIC || is_skippable(&head);
        let raw = BufReader::with_capacity(RAW_BUFFER, Cursor::new(head).chain(counted));
        let decoder = match (is_gzip, is_zstd) {
            (true, _) => Decoder::Gzip(Box::new(MultiGzDecoder::new(raw))),
            (_, true) => {
                let decoder = zstd::stream::read::Decoder::with_buffer(raw);
                Decoder::Zstd(decoder.map_err(|error| FileError::Io { at: 0, kind: error.kind() })?)
            }
            _ => Decoder::Plain(raw),
        };
        Ok(Source { decoder })
    }

    /// Appends text to `out` until that is `size` long or the file ends; whether it has ended.
    pub(super) fn fill(&mut self, out: &mut Vec<u8>, size: usize) -> Result<bool, FileError> {
        let wanted = size.saturating_sub(out.len());
        let read = match &mut self.decoder {
            Decoder::Plain(input) => input.take(wanted as u64).read_to_end(out),
            Decoder::Gzip(input) => input.take(wanted as u64).read_to_end(out),
            Decoder::Zstd(input) => input.take(wanted as u64).read_to_end(out),
        };
        read.map(|read| read < wanted).map_err(|error| self.told(&error))
    }

    /// The digest of the file's bytes as they lie on the disk. What was not asked for is read here.
    pub(super) fn finish(mut self) -> Result<Digest, FileError> {
        let drained = io::copy(self.raw(), &mut io::sink());
        drained.map_err(|error| self.told(&error))?;
        let raw = match self.decoder {
            Decoder::Plain(raw) => raw,
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => decoder.finish(),
        };
        Ok(raw.into_inner().into_inner().1.digester.finish())
    }

    fn raw(&mut self) -> &mut Raw<'p, R> {
        match &mut self.decoder {
            Decoder::Plain(raw) => raw,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => decoder.get_mut(),
        }
    }

    /// Whose fault an error is: the disk's or the compressed data's.
    fn told(&mut self, error: &io::Error) -> FileError {
        let compression = match &self.decoder {
            Decoder::Plain(_) => None,
            Decoder::Gzip(_) => Some(Compression::Gzip),
            Decoder::Zstd(_) => Some(Compression::Zstd),
        };
        let counted = self.raw().get_ref().get_ref().1;
        let at = counted.bytes;
        match (counted.failed, compression) {
            (Some(kind), _) => FileError::Io { at, kind },
            (None, None) => FileError::Io { at, kind: error.kind() },
            (None, Some(compression)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                FileError::Truncated { at, compression }
            }
            (None, Some(compression)) => FileError::Damaged { at, compression, told: error.to_string().into() },
        }
    }
}

/// The input itself: all that is read of it is counted and digested.
struct Counted<'p, R> {
    input: R,
    digester: Digester,
    progress: &'p Progress,
    bytes: u64,
    /// The input's own error, as decoders may dress it up.
    failed: Option<io::ErrorKind>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.input.read(out) {
            Ok(read) => {
                self.digester.update(&out[..read]);
                self.bytes += read as u64;
                self.progress.bytes.fetch_add(read as u64, Ordering::Relaxed);
                Ok(read)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.failed = Some(error.kind());
                }
                Err(error)
            }
        }
    }
}

/// Frames with data of other programs, which `pzstd` begins its files with.
fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [first, 0x2a, 0x4d, 0x18] if first & 0xf0 == 0x50)
}

/// RFC 1952 section 2.3.1, deflate being the only method there is.
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
/// RFC 8878 section 3.1.1.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Feeds a decoder in few calls; larger reads pass by it.
const RAW_BUFFER: usize = 128 << 10;
