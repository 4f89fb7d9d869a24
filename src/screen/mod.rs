//! The decision: whether, where to and with which caller number a call goes on.
//!
//! [`decide`] is pure and the only judge. The call path, `explain` and the replay of records all call it.

mod by_hand;
mod campaign;
mod compile;
mod decide;
mod decline;
mod explain;
mod hours;
mod index;
mod never_block;
mod pattern;
mod peers;
mod policy;
mod present;
mod problem;
mod question;
mod recorded;
mod redress;
mod screening;
mod sockets;
mod verdict;
mod view;
mod world;

pub mod config;

#[cfg(test)]
mod tests;

pub use by_hand::{ByHand, Setting, TrunkState};
pub use campaign::{CampaignId, CampaignRule};
pub use compile::{Compiled, compile};
pub use decide::decide;
pub use decline::{FEATURE_CAPS, signals_608};
pub use explain::{Explanation, Step, explain};
pub use never_block::NeverBlock;
pub use peers::TrunkPeers;
pub use policy::{
    Destination, Limits, LoadBalance, Methods, Mode, Otherwise, Policy, Present, Route, RouteId, RuleId, Stage, Trunk,
    TrunkId,
};
pub use present::{MOST_TALLIED, NumberState, Occasion, PoolTally, PoolView, Strategy};
pub use problem::{Kind, Notice, Problem, RuleError, did_you_mean, nearest};
pub use question::{Question, QuestionError};
pub use recorded::Recorded;
pub use redress::{NoRedressId, RedressId};
pub use screening::{NoNumber, Screening, ScreeningError};
pub use verdict::{
    ActionWord, Answer, AnswerKind, Callee, Cause, CountedAttempt, Directions, Ground, Observed, Outcome, Passage,
    PresentHeaders, Presented, Verdict, VerdictKind,
};
pub use view::{CallFacts, CallView, is_emergency};
pub use world::{EditError, World};
