//! Small files of the state directory that are there as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes what `fill` writes, readable by the owner alone. Under another name first, `.new`: a crash leaves no half of a
/// file, and what fails leaves nothing.
pub(super) fn write_whole(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let written = write_new(&unfinished, fill).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // It may have filled the disk.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

fn write_new(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut writer = BufWriter::new(OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?);
    fill(&mut writer)?;
    writer.flush()?;
    writer.get_ref().sync_all()
}
