//! [`Rules`]: the rules as they were read, to be compiled again.

use std::sync::Arc;

use super::error::{ConfigError, ConfigWarning, Mistake};
use super::place::Text;
use crate::lists::Lists;
use crate::screen::config::{RulesConfig, SocketConfig};
use crate::screen::{self, Policy};

/// The tables of the rules with the text that they were read from.
///
/// A policy is compiled against lists: where one is made or removed at run time, the others keep their files, and only
/// the policy is made anew. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rules {
    tables: Arc<RulesConfig>,
    text: Text,
}

impl Rules {
    pub(super) fn new(tables: RulesConfig, text: Text) -> Rules {
        Rules { tables: Arc::new(tables), text }
    }

    /// The same rules over these sockets.
    pub(super) fn with_sockets(&self, sockets: Vec<SocketConfig>) -> Rules {
        let tables = RulesConfig { sockets, ..RulesConfig::clone(&self.tables) };
        Rules::new(tables, self.text.clone())
    }

    /// The policy over these lists, and what is worth a warning; else all mistakes, such as a rule that names a list which
    /// is not there.
    pub fn compile(&self, lists: &Lists) -> Result<(Arc<Policy>, Vec<ConfigWarning>), Vec<ConfigError>> {
        let place = |span: &std::ops::Range<usize>| self.text.place(span);
        match screen::compile(&self.tables, lists) {
            Ok((policy, notices)) => {
                let warning = |(span, notice)| ConfigWarning { place: place(&span), notice };
                Ok((Arc::new(policy), notices.into_iter().map(warning).collect()))
            }
            Err(problems) => Err(problems
                .into_iter()
                .map(|problem| ConfigError { place: place(&problem.span), mistake: Mistake::Rule(problem.error) })
                .collect()),
        }
    }
}
