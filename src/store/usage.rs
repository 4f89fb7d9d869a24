//! The file of what is counted: bytes and, behind them, their digest.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::whole::write_whole;
use crate::lists::{Digest, Digester};

/// `usage` in the state directory.
#[derive(Debug)]
pub struct UsageFile {
    path: PathBuf,
}

/// Why what was counted is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsageFileError {
    /// It is not what was written, or of another version of the program.
    #[error("{} is damaged", .0.display())]
    Damaged(PathBuf),
    /// It cannot be read.
    #[error("{}: {kind}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
}

impl UsageFile {
    /// That of the state directory `dir`, which a [`Store`](super::Store) has locked.
    pub fn new(dir: &Path) -> UsageFile {
        UsageFile { path: dir.join("usage") }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what `fill` writes. On return it is on the disk, in the place of what was there.
    pub fn write(&self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        write_whole(&self.path, |file| {
            let mut out = Digesting { out: file, digester: Digester::new() };
            fill(&mut out)?;
            let Digesting { out, digester } = out;
            out.write_all(digester.finish().as_bytes())
        })
    }

    /// Has `read` read it, once it is known to be whole. Without a file nothing is read.
    pub fn read(&self, read: impl FnOnce(&mut dyn Read) -> io::Result<()>) -> Result<(), UsageFileError> {
        self.read_whole(read).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => UsageFileError::Damaged(self.path.clone()),
            kind => UsageFileError::File { path: self.path.clone(), kind },
        })
    }

    fn read_whole(&self, read: impl FnOnce(&mut dyn Read) -> io::Result<()>) -> io::Result<()> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => BufReader::new(file?),
        };
        let length = file.get_ref().metadata()?.len();
        let content = length.checked_sub(DIGEST as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        let mut digesting = Digesting { out: io::sink(), digester: Digester::new() };
        io::copy(&mut (&mut file).take(content), &mut digesting)?;
        let mut digest = [0; DIGEST];
        file.read_exact(&mut digest)?;
        if digesting.digester.finish() != Digest::from_bytes(digest) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        file.rewind()?;
        read(&mut file.take(content))
    }
}

struct Digesting<W> {
    out: W,
    digester: Digester,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digester.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Bytes of a SHA-256.
const DIGEST: usize = 32;
