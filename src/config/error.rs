//! What can be wrong with a configuration.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::place::Place;
use super::source::{CHANGED, counted};
use crate::lists::{EntryError, FileError, OptionError, PoolError, RowReason};
use crate::screen::{Notice, RuleError, did_you_mean};

/// A mistake and its place.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{place}: {mistake}")]
pub struct ConfigError {
    /// Where.
    pub place: Place,
    /// What.
    pub mistake: Mistake,
}

/// All mistakes that were found, in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl std::error::Error for ConfigErrors {}

/// One a line.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if at > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

/// Something that works but is hardly meant, and its place.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{place}: warning: {notice}")]
pub struct ConfigWarning {
    /// Where.
    pub place: Place,
    /// What.
    pub notice: Notice,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Mistake {
    /// A file cannot be read.
    #[error("{path} cannot be read: {kind}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        kind: io::ErrorKind,
    },
    /// It is no UTF-8.
    #[error("expected UTF-8")]
    NotUtf8,
    /// It is no TOML, or a value has the wrong type; in the words of the TOML reader.
    #[error("{0}")]
    Toml(Box<str>),
    /// A key that nobody knows.
    #[error("unknown key \"{key}\"{}", did_you_mean(.nearest))]
    UnknownKey {
        /// The key.
        key: Box<str>,
        /// The known key that is spelled most like it.
        nearest: Option<Arc<str>>,
    },
    /// `[trunk]` where `[[trunk]]` is meant.
    #[error("expected [[{0}]]: there can be several")]
    NotAnArray(&'static str),
    /// `[[sip]]` where `[sip]` is meant.
    #[error("expected [{0}]: there is only one")]
    NotATable(&'static str),
    /// Nothing to listen on.
    #[error("expected at least one address to listen on")]
    NoListener,
    /// Two sockets with one name.
    #[error("there is a socket \"{0}\" already")]
    SameSocket(Box<str>),
    /// A `tls:` listener without what it needs.
    #[error("a socket that speaks TLS needs the table [tls] with `certificate` and `key`")]
    NoTls,
    /// A target that is spoken to by TLS, and no socket for it.
    #[error("its `to` or `tls_names` needs TLS, but no socket of sip.listen speaks it")]
    NoTlsSocket,
    /// A trunk that is known by a certificate that nobody is asked for.
    #[error("it has `tls_names`, but with client_certificates = \"off\" nobody can show a certificate")]
    NoCertificates,
    /// The admin port is open to the network without tokens.
    #[error("beyond a loopback address the admin port needs `tokens`")]
    OpenAdminPort,
    /// An entry in the table of a list.
    #[error("`{text}`: {error}")]
    Entry {
        /// As it is written.
        text: Box<str>,
        /// What is wrong with it.
        error: EntryError,
    },
    /// A row of a list file.
    #[error("`{}`: {reason}", cell.escape_debug())]
    Row {
        /// The cell.
        cell: Box<str>,
        /// What is wrong with it.
        reason: RowReason,
    },
    /// More bad rows than are told.
    #[error("{more} more rows are wrong; altogether {}", counted(.kinds))]
    MoreRows {
        /// How many are not told.
        more: u64,
        /// How many of each kind there are altogether.
        kinds: Vec<(&'static str, u64)>,
    },
    /// More rows were skipped than the list lets.
    #[error("{bad} bad rows, but `skip_limit` is {limit}")]
    SkipLimit {
        /// How many.
        bad: u64,
        /// The limit.
        limit: u64,
    },
    /// A list file that is a directory, a pipe or a device.
    #[error("{} is no regular file", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// A list file that was written, replaced or removed meanwhile.
    #[error("{CHANGED}")]
    Changed,
    /// A list file as a whole.
    #[error(transparent)]
    File(FileError),
    /// Options of a list that do not fit together.
    #[error(transparent)]
    Option(OptionError),
    /// More lists than can be numbered.
    #[error("there are too many lists: at most 65536")]
    TooManyLists,
    /// A pool with an entry that is no number.
    #[error(transparent)]
    Pool(PoolError),
    /// A mistake in a rule.
    #[error(transparent)]
    Rule(RuleError),
}
