//! `ringfence check`.

use std::io::{self, Write};
use std::path::Path;

use super::{End, tell_mistakes};
use crate::{admin, config};

/// Reads a config and all that it names; tells mistakes and warnings.
pub(super) fn check(path: &Path, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<End> {
    let loaded = match config::load(path, &[], &mut config::Files::default()) {
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
