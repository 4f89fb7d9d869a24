//! Telephone numbers: what they are, and how each of their spellings becomes one value.
//!
//! [`Number`] is an E.164 number, [`Code`] any other string of digits; [`DialPlan`] turns the spellings that neighbours
//! and list files use into one of the two ([`Dialled`]) and writes numbers the way a neighbour wants them.
//! [`Party`] is what a list is asked about.

mod digits;
mod plan;
mod spelling;
#[cfg(test)]
mod tests;
mod values;

pub use digits::{Code, Dialled, Number, NumberError, Party};
pub use plan::{DialPlan, DialPlanOverrides, NumberFormat};
pub use values::{Digits, Lengths, MinPrefix, PlanError};
