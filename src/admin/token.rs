//! Bearer tokens (RFC 6750) and their file.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Who may use the admin port.
#[derive(Debug)]
pub(super) struct Tokens(Vec<Token>);

#[derive(Debug)]
struct Token {
    name: Arc<str>,
    sha256: [u8; 32],
}

/// Why the file of tokens is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("admin.tokens: {} cannot be read: {kind}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// It is no TOML, or has unknown keys.
    #[error("{}:{line}:{column}: {message}", .path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character of the line, from 1.
        column: usize,
        /// What is wrong, without a word of the file: it may be a secret.
        message: Box<str>,
    },
    /// It has no `[[token]]` table: nobody could use the port.
    #[error("{}: expected at least one [[token]]", .path.display())]
    None {
        /// The file.
        path: PathBuf,
    },
    /// Two tokens have one name, so that the audit trail could not tell them apart.
    #[error("{}: two tokens are named \"{name}\"", .path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The name.
        name: Arc<str>,
    },
    /// A token is given by neither or both of `token` and `sha256`, or `sha256` is no such digest.
    #[error("{}: \"{name}\" must have either `token` (at least {SHORTEST} characters) or `sha256` (64 hexadecimal digits)",
        .path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The token's name.
        name: Arc<str>,
    },
}

impl Tokens {
    /// Reads `[[token]]` tables.
    pub(super) fn load(path: &Path) -> Result<Tokens, TokenError> {
        Tokens::parse(&read(path)?, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Tokens, TokenError> {
        let file = File::parse(text, path)?;
        let path = || path.to_path_buf();
        let mut tokens: Vec<Token> = Vec::new();
        for TokenTable { name, token, sha256 } in file.token {
            if tokens.iter().any(|known| known.name == name) {
                return Err(TokenError::Duplicate { path: path(), name });
            }
            let sha256 = match (token, sha256) {
                (Some(token), None) if token.len() >= SHORTEST => Some(digest(token.as_bytes())),
                (None, Some(hex)) => from_hex(&hex),
                _ => None,
            };
            let sha256 = sha256.ok_or_else(|| TokenError::Value { path: path(), name: name.clone() })?;
            tokens.push(Token { name, sha256 });
        }
        if tokens.is_empty() { Err(TokenError::None { path: path() }) } else { Ok(Tokens(tokens)) }
    }

    /// The name of the token in an `Authorization` value. The time it takes says nothing of any token: digests are
    /// compared, whole, with all of them.
    pub(super) fn name_of(&self, authorization: &[u8]) -> Option<Arc<str>> {
        let (scheme, token) = authorization.split_at_checked(BEARER.len())?;
        if !scheme.eq_ignore_ascii_case(BEARER) {
            return None;
        }
        let presented = digest(token.trim_ascii());
        let mut found = None;
        for token in &self.0 {
            let difference = presented.iter().zip(&token.sha256).fold(0, |all, (a, b)| all | (a ^ b));
            if std::hint::black_box(difference) == 0 {
                found = Some(&token.name);
            }
        }
        found.cloned()
    }
}

/// Says whether the file of tokens can be used, if there is one.
pub fn check_tokens(config: &super::Config) -> Result<(), TokenError> {
    config.tokens.as_deref().map_or(Ok(()), |path| Tokens::load(path).map(|_| ()))
}

/// The tokens that stand in the file as they are, by name: those of whom only a digest stands there are known to their
/// owners alone. For clients on the same machine.
pub fn plain_tokens(config: &super::Config) -> Result<Vec<(Arc<str>, String)>, TokenError> {
    let Some(path) = config.tokens.as_deref() else { return Ok(Vec::new()) };
    let file = File::parse(&read(path)?, path)?;
    Ok(file.token.into_iter().filter_map(|table| Some((table.name, table.token?))).collect())
}

fn read(path: &Path) -> Result<String, TokenError> {
    std::fs::read_to_string(path).map_err(|error| TokenError::File { path: path.into(), kind: error.kind() })
}

fn malformed(text: &str, path: PathBuf, error: &toml::de::Error) -> TokenError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    // Before what it expected, the reader quotes what it found.
    let message = match error.message().split_once(", expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None if error.message().starts_with("missing field") => error.message().to_owned(),
        None => "a mistake in the TOML".to_owned(),
    };
    TokenError::Toml {
        path,
        line: 1 + before.matches('\n').count(),
        column: 1 + before[line_start..].chars().count(),
        message: message.into(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    token: Vec<TokenTable>,
}

impl File {
    fn parse(text: &str, path: &Path) -> Result<File, TokenError> {
        toml::from_str(text).map_err(|error| malformed(text, path.to_path_buf(), &error))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenTable {
    name: Arc<str>,
    token: Option<String>,
    sha256: Option<String>,
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn from_hex(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

const BEARER: &[u8] = b"Bearer ";

/// Shorter ones are words that somebody can guess.
const SHORTEST: usize = 16;
