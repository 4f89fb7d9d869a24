//! Files as they come, and everything that can be wrong with them.

mod csv;

use super::*;
use crate::lists::Entry;

fn read_with(text: impl AsRef<[u8]>, options: &FileOptions) -> Result<ListFile, FileError> {
    read_list(text.as_ref(), options, 1, &|_: &Entry| false, &Progress::default())
}
