//! Compressed parts: gzip files (RFC 1952) that anything can decompress, of members that each hold some whole lines. A
//! member tells its sizes in its extra field, so that a line can be reached without what stands before it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};

use super::row::MAX_LINE;

/// A member of a compressed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    /// Where it begins in the file.
    at: u64,
    packed: u32,
    /// Where its lines begin in the part.
    pub(super) begins: u64,
    unpacked: u32,
}

impl Member {
    /// Where its lines end in the part.
    pub(super) fn ends(&self) -> u64 {
        self.begins + u64::from(self.unpacked)
    }

    /// Puts its lines into `out`; of a member that is to be read in part only, the first `most` bytes.
    pub(super) fn unpack(&self, file: &File, most: usize, out: &mut Vec<u8>) -> io::Result<()> {
        let mut packed = vec![0; self.packed as usize];
        file.read_exact_at(&mut packed, self.at)?;
        out.clear();
        GzDecoder::new(&packed[..]).take(most as u64).read_to_end(out)?;
        if out.len() == most.min(self.unpacked as usize) { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }
}

/// Compresses all lines of `plain` into `out`, for as long as `goes_on`; how many bytes they were.
pub(super) fn pack(plain: &File, out: &mut impl Write, goes_on: impl Fn() -> bool) -> io::Result<u64> {
    let mut lines = BufReader::with_capacity(MEMBER, plain);
    let (mut some, mut read) = (Vec::with_capacity(MEMBER + MAX_LINE), 0);
    loop {
        some.clear();
        lines.by_ref().take(MEMBER as u64).read_to_end(&mut some)?;
        lines.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut some)?;
        if some.is_empty() {
            return Ok(read);
        }
        if !goes_on() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        out.write_all(&member(&some)?)?;
        read += some.len() as u64;
    }
}

fn member(lines: &[u8]) -> io::Result<Vec<u8>> {
    let too_large = |_| io::Error::from(io::ErrorKind::FileTooLarge);
    let unpacked = u32::try_from(lines.len()).map_err(too_large)?;
    let mut extra = SUBFIELD.to_vec();
    extra.extend_from_slice(&[0; 4]);
    extra.extend_from_slice(&unpacked.to_le_bytes());
    let out = Vec::with_capacity(lines.len() / 4);
    let mut encoder = GzBuilder::new().extra(extra).write(out, Compression::default());
    encoder.write_all(lines)?;
    let mut packed = encoder.finish()?;
    let size = u32::try_from(packed.len()).map_err(too_large)?;
    packed[PACKED_AT..PACKED_AT + 4].copy_from_slice(&size.to_le_bytes());
    Ok(packed)
}

/// The members of a compressed part. An error of the kind `InvalidData`: it is no file that [`pack`] has written whole.
pub(super) fn members(file: &File) -> io::Result<Vec<Member>> {
    let length = file.metadata()?.len();
    let (mut members, mut at, mut begins) = (Vec::new(), 0, 0);
    while at < length {
        let mut head = [0; HEAD];
        file.read_exact_at(&mut head, at).map_err(|_| io::ErrorKind::InvalidData)?;
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let member = Member { at, packed: number(PACKED_AT), begins, unpacked: number(PACKED_AT + 4) };
        (at, begins) = (at + u64::from(member.packed), member.ends());
        let is_ours = head[..4] == GZIP_WITH_EXTRA && head[12..PACKED_AT] == SUBFIELD;
        // A length that a damaged file claims is not believed: so much memory would be asked for.
        let is_sound = member.packed as usize >= HEAD && at <= length && member.unpacked as usize <= MEMBER + MAX_LINE;
        if !is_ours || !is_sound {
            return Err(io::ErrorKind::InvalidData.into());
        }
        members.push(member);
    }
    Ok(members)
}

/// RFC 1952 section 2.3: the magic bytes, deflate, and the flag FEXTRA alone.
const GZIP_WITH_EXTRA: [u8; 4] = [0x1f, 0x8b, 8, 4];

/// The subfield of ours, `RF`, which is not registered, with 8 bytes: the sizes of the member and of its lines.
const SUBFIELD: [u8; 4] = [b'R', b'F', 8, 0];

/// Ten fixed bytes, the length of the extra field and the head of the subfield stand before its sizes.
const PACKED_AT: usize = 16;

const HEAD: usize = PACKED_AT + 8;

/// To reach a line takes a few milliseconds, and larger members would hardly be packed any closer.
pub(super) const MEMBER: usize = 1 << 20;
