//! The decision: whether, where to and with which caller number a call goes on.
//!
//! [`decide`] is pure and the only judge. The call path, `explain` and the replay of records all call it.

mod closing;
mod compile;
mod decide;
mod explain;
mod index;
mod never_block;
mod pattern;
mod peers;
mod policy;
mod present;
mod problem;
mod question;
mod recorded;
mod sockets;
mod verdict;
mod view;
mod world;

pub mod config;

#[cfg(test)]
mod tests;

pub use closing::{ClosedTrunks, TrunkState};
pub use compile::{Compiled, compile};
pub use decide::decide;
pub use explain::{Explanation, Step, explain};
pub use never_block::NeverBlock;
pub use peers::TrunkPeers;
pub use policy::{Limits, LoadBalance, Methods, Mode, Otherwise, Policy, Present, Route, RouteId, Trunk, TrunkId};
pub use problem::{Kind, Notice, Problem, RuleError, did_you_mean, nearest};
pub use question::{Question, QuestionError};
pub use recorded::Recorded;
pub use verdict::{
    ActionWord, Answer, AnswerKind, Callee, Cause, Observed, Outcome, Passage, PresentHeaders, Presented, Verdict,
    VerdictKind,
};
pub use view::{CallFacts, CallView, is_emergency};
pub use world::{EditError, World};
