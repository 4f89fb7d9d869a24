//! `[[list]]` of the configuration.

use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::{BaseBuilder, Columns, Details, Entry, EntryError};
use crate::number::{DialPlan, DialPlanOverrides, Digits, Lengths};

/// What a list is for; it decides how a call is declined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The owner's own: callers or callees who shall not get through.
    Personal,
    /// Do not call: people who refused calls.
    Dnc,
    /// Do not originate: numbers that never call out.
    Dno,
    /// Somebody's analytics: spam likelihood and the like.
    Reputation,
    /// Who gets through whatever else says.
    Allow,
    /// Numbers to present.
    Pool,
}

impl Class {
    /// As the configuration and the admin port spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Class::Personal => "personal",
            Class::Dnc => "dnc",
            Class::Dno => "dno",
            Class::Reputation => "reputation",
            Class::Allow => "allow",
            Class::Pool => "pool",
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One `[[list]]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is for.
    pub class: Class,
    /// A CSV file with its entries.
    pub file: Option<Spanned<PathBuf>>,
    /// Which columns of the file mean what.
    #[serde(default)]
    pub columns: Columns,
    /// Entries beside those of the file.
    #[serde(default)]
    pub entries: Vec<Spanned<String>>,
    /// Instead of `[numbers] country`.
    pub country: Option<Digits>,
    /// Instead of `[numbers] international`.
    pub international: Option<Digits>,
    /// Instead of `[numbers] national`.
    pub national: Option<Digits>,
    /// Instead of `[numbers] national_length`.
    pub national_length: Option<Lengths>,
}

impl ListConfig {
    /// The dial plan of the file's and the table's numbers.
    pub fn plan(&self, numbers: &DialPlan) -> DialPlan {
        let overrides = DialPlanOverrides {
            country: self.country,
            international: self.international,
            national: self.national,
            national_length: self.national_length,
        };
        overrides.over(numbers)
    }

    /// Adds the entries of the table to what the file gave.
    pub fn push_entries(&self, plan: &DialPlan, builder: &mut BaseBuilder) -> Result<(), EntriesError> {
        for text in &self.entries {
            let entry = Entry::parse(text.get_ref(), plan).map_err(|error| EntriesError {
                span: text.span(),
                text: text.get_ref().as_str().into(),
                error,
            })?;
            builder.push(entry, &Details::default());
        }
        Ok(())
    }
}

/// A bad one among `entries`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}`: {error}")]
pub struct EntriesError {
    /// Where it stands: bytes of the configuration file.
    pub span: std::ops::Range<usize>,
    /// The entry as it is written.
    pub text: Box<str>,
    /// What is wrong with it.
    pub error: EntryError,
}
