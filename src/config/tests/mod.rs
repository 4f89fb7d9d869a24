mod lists;
mod sources;
mod tables;

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::lists::Class;

/// Reads a config named `dir/r.toml` with these files beside it.
fn read(text: &str, files: &[(&str, &str)]) -> Result<Loaded, Vec<ConfigError>> {
    read_with(text, files, &[])
}

/// The same with lists that were made at run time.
fn read_with(text: &str, files: &[(&str, &str)], made: &[(&str, Class)]) -> Result<Loaded, Vec<ConfigError>> {
    let made: Vec<(Arc<str>, Class)> = made.iter().map(|(name, class)| (Arc::from(*name), *class)).collect();
    parse(Path::new("dir/r.toml"), text, &made, &mut in_memory(files)).map_err(|errors| errors.0)
}

fn in_memory(files: &[(&str, &str)]) -> InMemory {
    files.iter().fold(InMemory::new(), |memory, (name, text)| memory.with(Path::new("dir").join(name), *text))
}

/// The mistakes in a text, as an operator reads them.
fn mistakes(text: &str, files: &[(&str, &str)]) -> Vec<String> {
    let errors = read(text, files).err().unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

/// The entries of a list in force.
fn entries(loaded: &Loaded, list: &str) -> Vec<String> {
    let list = loaded.lists.get(list).unwrap_or_else(|| panic!("{list}"));
    list.base().entries_from(None).map(|entry| entry.to_string()).collect()
}

const TRUNK: &str = "[[trunk]]\nname = \"carrier\"\nfrom = [\"192.0.2.1\"]\nto = [\"sip:192.0.2.1\"]\n";
