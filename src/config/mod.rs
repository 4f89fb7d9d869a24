//! The configuration: one TOML file with the list files that it names, read into [`Settings`], rules and lists.
//!
//! [`load`] reads from disk, [`parse`] from whatever it is given, so that tests, simulator and fuzzers need no disk. Every
//! module owns its own table; here they are gathered, and every mistake gets its file, line and column. As many mistakes
//! as can be told apart are reported together.

mod error;
mod lists;
mod load;
mod place;
mod tables;

#[cfg(test)]
mod tests;

pub use error::{ConfigError, ConfigErrors, ConfigWarning, Mistake};
pub use load::{Loaded, Settings, load, parse};
pub use place::Place;
