//! Changes of a list at run time.

use std::sync::Arc;

use jiff::civil::Date;

use super::{Digest, Entry};
use crate::time::WallTime;

/// What is known of an entry beside the entry itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// Since when it is listed, as the list's owner says.
    pub date: Option<Date>,
    /// Free text.
    pub description: Option<Arc<str>>,
    /// From this moment on it no longer matches.
    pub expires: Option<WallTime>,
    /// Who added it at run time.
    pub added_by: Option<Arc<str>>,
}

impl Details {
    /// Whether the entry still matches at `at`.
    pub fn in_force(&self, at: WallTime) -> bool {
        self.expires.is_none_or(|expires| at < expires)
    }

    /// What tells these details of `entry` from all others, in HTTP as an entity tag.
    pub fn tag(&self, entry: &Entry) -> Tag {
        // `Debug` keeps the fields apart, whatever characters are in them.
        let digest = Digest::of(format!("{entry:?} {self:?}").as_bytes());
        let (head, _) = digest.as_bytes().split_first_chunk().expect("a digest has 32 bytes");
        Tag(u64::from_be_bytes(*head))
    }
}

/// Changes whenever anything of an entry does. `Display` and `FromStr` are 16 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag(u64);

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for Tag {
    type Err = ();

    fn from_str(text: &str) -> Result<Tag, ()> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 16 || !text.bytes().all(is_hex) {
            return Err(());
        }
        u64::from_str_radix(text, 16).map(Tag).map_err(|_| ())
    }
}

/// What an edit did to its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The entry is new.
    Added,
    /// The entry was there; its details are replaced.
    Changed,
    /// The entry is gone.
    Removed,
}

/// What must hold of an entry for an edit of it to be made (RFC 9110 section 13.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `If-Match: *`: it is in the list.
    Present,
    /// `If-None-Match: *`: it is not.
    Absent,
    /// `If-Match`: it is in the list, and its tag is one of these.
    OneOf(Vec<Tag>),
}

impl Condition {
    /// Whether it holds of an entry with this tag; `None`: the entry is not in the list.
    pub fn holds(&self, tag: Option<Tag>) -> bool {
        match (self, tag) {
            (Condition::Present, tag) => tag.is_some(),
            (Condition::Absent, tag) => tag.is_none(),
            (Condition::OneOf(tags), Some(tag)) => tags.contains(&tag),
            (Condition::OneOf(_), None) => false,
        }
    }
}

/// What an edit does to its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Adds the entry or replaces its details.
    Put(Details),
    /// Removes it, the base's own included.
    Remove,
}

/// One addition or removal made at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The list's name.
    pub list: Arc<str>,
    /// The entry.
    pub entry: Entry,
    /// What is done to it.
    pub change: Change,
}
