//! The lines of a part, from its end to its beginning or at a place, whether it is compressed or not.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::pack::{MEMBER, Member, members};
use super::part::{Kind, Part};
use super::row::{Fields, Layout, MAX_LINE};
use crate::time::WallTime;

/// A part that is open for reading. Places are counted in its lines as if it were not compressed.
pub(super) struct PartLines {
    source: Source,
    pub(super) layout: Layout,
    /// Where the first line begins, behind the header.
    pub(super) begins: u64,
    /// Where the last one ends; lines that are written meanwhile stand behind it.
    pub(super) ends: u64,
}

enum Source {
    Plain(File),
    /// With the lines of the member that was unpacked last.
    Packed {
        file: File,
        members: Vec<Member>,
        last: Option<(usize, Vec<u8>)>,
    },
}

impl PartLines {
    /// Opens it. An error of the kind `InvalidData`: it holds no records, or is compressed in a way that is not ours.
    pub(super) fn open(dir: &Path, part: Part) -> io::Result<PartLines> {
        // It may be swapped for the compressed one at any moment, which then is there already.
        let source = match File::open(part.path(dir, Kind::Plain)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = File::open(part.path(dir, Kind::Gzip))?;
                Source::Packed { members: members(&file)?, file, last: None }
            }
            plain => Source::Plain(plain?),
        };
        let ends = source.length()?;
        let mut lines = PartLines { source, layout: Layout::none(), begins: 0, ends };
        let mut header = Vec::new();
        lines.line_at(0, &mut header)?;
        lines.layout = Layout::of_header(&header).ok_or(io::ErrorKind::InvalidData)?;
        lines.begins = header.len() as u64;
        Ok(lines)
    }

    /// Puts whole lines into `block` that end before `end` or there, as many as one step reads; where they begin. `end` must
    /// be behind [`PartLines::begins`]. A line that goes on behind `end` is left out.
    pub(super) fn before(&mut self, end: u64, block: &mut Vec<u8>) -> io::Result<u64> {
        let begins = match &mut self.source {
            Source::Plain(file) => {
                let begins = end.saturating_sub(MEMBER as u64).max(self.begins);
                read_at(file, begins, end, block)?;
                // Not in the middle of a line, unless it is longer than any.
                let first = if begins == self.begins { None } else { memchr::memchr(b'\n', block) };
                let cut = first.map_or(0, |first| first + 1);
                if cut == block.len() {
                    block.clear();
                    return Ok(begins);
                }
                block.drain(..cut);
                begins + cut as u64
            }
            Source::Packed { file, members, .. } => {
                let member = members[members.partition_point(|member| member.ends() < end)];
                member.unpack(file, usize::MAX, block)?;
                block.truncate(usize::try_from(end - member.begins).unwrap_or(usize::MAX));
                let header = self.begins.saturating_sub(member.begins);
                block.drain(..usize::try_from(header).map_or(block.len(), |header| header.min(block.len())));
                member.begins.max(self.begins)
            }
        };
        block.truncate(memchr::memrchr(b'\n', block).map_or(0, |last| last + 1));
        Ok(begins)
    }

    /// Puts the line into `line` that begins at a place.
    pub(super) fn line_at(&mut self, place: u64, line: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.source {
            Source::Plain(file) => {
                for most in [LINE, MAX_LINE as u64] {
                    read_at(file, place, self.ends.min(place + most), line)?;
                    if let Some(end) = memchr::memchr(b'\n', line) {
                        line.truncate(end + 1);
                        return Ok(());
                    }
                }
            }
            Source::Packed { file, members, last } => {
                let at = members.partition_point(|member| member.ends() <= place);
                let member = members.get(at).ok_or(io::ErrorKind::InvalidData)?;
                if last.as_ref().is_none_or(|(kept, _)| *kept != at) {
                    let mut lines = last.take().map_or_else(Vec::new, |(_, lines)| lines);
                    member.unpack(file, usize::MAX, &mut lines)?;
                    *last = Some((at, lines));
                }
                let lines = last.as_ref().map_or(&[][..], |(_, lines)| lines);
                let from = usize::try_from(place - member.begins).map_or(lines.len(), |from| from.min(lines.len()));
                if let Some(end) = memchr::memchr(b'\n', &lines[from..]) {
                    line.clear();
                    line.extend_from_slice(&lines[from..=from + end]);
                    return Ok(());
                }
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    /// A place not far behind the last line of `time`, as far as lines are in the order of time.
    pub(super) fn behind(&mut self, time: WallTime) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.steps());
        let (mut fields, mut some) = (Fields::default(), Vec::new());
        while low < high {
            let middle = low + (high - low) / 2;
            self.beginning_of(middle, &mut some)?;
            // The first may be a piece of a line, or the header.
            let lines = some.split_inclusive(|byte| *byte == b'\n').skip(1);
            let mut times = lines.filter_map(|line| fields.read(line, &self.layout).ok()?.time());
            if times.next().is_some_and(|first| first > time) { high = middle } else { low = middle + 1 }
        }
        Ok(match &self.source {
            Source::Plain(_) => (low as u64 * MEMBER as u64 + LINE).min(self.ends),
            Source::Packed { members, .. } => members.get(low).map_or(self.ends, Member::ends),
        })
    }

    /// How many pieces there are to look for a time in.
    fn steps(&self) -> usize {
        match &self.source {
            Source::Plain(_) => usize::try_from(self.ends.div_ceil(MEMBER as u64)).unwrap_or(usize::MAX),
            Source::Packed { members, .. } => members.len(),
        }
    }

    /// Some lines of such a piece.
    fn beginning_of(&self, step: usize, some: &mut Vec<u8>) -> io::Result<()> {
        match &self.source {
            Source::Plain(file) => {
                let begins = step as u64 * MEMBER as u64;
                read_at(file, begins, self.ends.min(begins + LINE), some)
            }
            Source::Packed { file, members, .. } => {
                members[step].unpack(file, usize::try_from(LINE).unwrap_or(usize::MAX), some)
            }
        }
    }
}

impl Source {
    fn length(&self) -> io::Result<u64> {
        match self {
            Source::Plain(file) => Ok(file.metadata()?.len()),
            Source::Packed { members, .. } => Ok(members.last().map_or(0, Member::ends)),
        }
    }
}

fn read_at(file: &File, begins: u64, ends: u64, out: &mut Vec<u8>) -> io::Result<()> {
    out.resize(usize::try_from(ends.saturating_sub(begins)).unwrap_or(0), 0);
    file.read_exact_at(out, begins)
}

/// Most lines are shorter.
const LINE: u64 = 8192;
