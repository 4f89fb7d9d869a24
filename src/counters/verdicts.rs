//! What was decided.

use super::Tally;

/// How many verdicts are told apart: that it is as many as `VerdictKind` has is checked where that stands.
pub const VERDICTS: usize = 11;

/// How many actions are told apart, likewise.
pub const ACTIONS: usize = 6;

/// How many grounds are told apart, likewise.
pub const GROUNDS: usize = 4;

/// What one shard counts of one rule with one list.
#[derive(Debug, Default)]
pub struct VerdictCounters {
    /// Calls decided so, by the number of the verdict.
    pub decided: [Tally; VERDICTS],
    /// Calls that the rule, had it not only observed, would have acted on, by the number of the action.
    pub observed: [Tally; ACTIONS],
    /// Calls that a campaign of this name refused, because this list holds the callee.
    pub refused_callees: Tally,
}
