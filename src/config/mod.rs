//! The configuration: one TOML file with the list files that it names, read into [`Settings`], rules and lists.
//!
//! [`load`] reads the config from disk, [`parse`] takes its text; both ask a [`ListSource`] for the lists' bases:
//! [`Files`] reads the files of the disk, [`InMemory`] serves tests, simulator and fuzzers, and the daemon has its own,
//! which keeps snapshots. Every module owns its own table; here they are gathered, and every mistake gets its file, line
//! and column. As many mistakes as can be told apart are reported together.

mod error;
mod files;
mod lists;
mod load;
mod place;
mod reading;
mod request;
mod rules;
mod source;
mod tables;
#[cfg(feature = "daemon")]
mod tls;

#[cfg(test)]
mod tests;

pub use error::{ConfigError, ConfigErrors, ConfigWarning, Mistake};
pub use files::{Files, InMemory, open_file, stamp_of};
pub use lists::{Origin, threads};
pub use load::{Loaded, Settings, load, parse, settings};
pub use place::Place;
pub use reading::{BeingRead, Reading};
pub use request::{BaseRequest, ListRead, Opened};
pub use rules::Rules;
pub use source::{BaseError, FileTold, ListSource, SourceNotice, Sourced};
