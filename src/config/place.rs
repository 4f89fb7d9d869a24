//! Where a mistake stands.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A place in a file; without line for a mistake of the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// Line and column, from 1. The column counts characters in the config and cells in a list file.
    pub at: Option<(u64, u64)>,
}

/// `file:line:column`, as editors and compilers write it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        match self.at {
            Some((line, column)) => write!(f, ":{line}:{column}"),
            None => Ok(()),
        }
    }
}

/// A text with its name, to turn spans into places.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) file: Arc<Path>,
    pub(super) text: Arc<str>,
}

impl Text {
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        let column = 1 + before[line_start..].chars().count();
        Place { file: self.file.clone(), at: Some((line as u64, column as u64)) }
    }
}
