//! `ringfence check`.

use std::io::{self, Write};
use std::path::Path;

use super::{End, load, tell_mistakes};
use crate::admin;
use crate::config::{Loaded, Place};
use crate::net::TlsFiles;

/// Reads a config and all that it names; tells mistakes and warnings.
pub(super) fn check(path: &Path, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<End> {
    let loaded = match load(path, err)? {
        Ok(loaded) => loaded,
        Err(errors) => return tell_mistakes(path, &errors, err),
    };
    for warning in &loaded.warnings {
        writeln!(err, "{warning}")?;
    }
    if let Err(error) = admin::check_tokens(&loaded.settings.admin) {
        writeln!(err, "{error}")?;
        return Ok(End::Mistakes);
    }
    match loaded.tls.as_ref().map(TlsFiles::read).transpose() {
        Ok(tls) => {
            for warning in tls.iter().flat_map(|tls| &tls.warnings) {
                writeln!(err, "warning: {warning}")?;
            }
        }
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(End::Mistakes);
        }
    }
    tell_files(&loaded, out, err)?;
    let entries: u64 = loaded.lists.iter().map(|(_, list)| list.len()).sum();
    writeln!(
        out,
        "{}: good: {} trunks, {} lists with {entries} entries, {} routes",
        path.display(),
        loaded.policy.trunks.len(),
        loaded.lists.len(),
        loaded.policy.routes.len(),
    )?;
    Ok(End::Done)
}

/// What there is to tell of list files that can be read.
fn tell_files(loaded: &Loaded, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<()> {
    let origins = loaded.lists.iter().filter_map(|(_, list)| loaded.origins.get(list.name()));
    for file in origins.flat_map(|origin| &origin.told) {
        for row in &file.skipped.rows {
            let place = Place { file: file.path.clone(), at: Some((row.line, row.column as u64)) };
            writeln!(err, "{place}: warning: skipped: `{}`: {}", row.cell.escape_debug(), row.reason)?;
        }
        writeln!(out, "{}: {file}", file.path.display())?;
    }
    Ok(())
}
