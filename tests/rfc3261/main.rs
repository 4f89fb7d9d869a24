//! Requirements of RFC 3261 and its updates, filed by section.
//!
//! Each module's doc is the list of what its section asks of a proxy, with the test that covers it. `gap` marks what is
//! not done, `deviation` what is done otherwise on purpose; README.md gives the reasons.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../engine/stage.rs"]
#[allow(dead_code, reason = "the stage is that of tests/engine, which uses other parts of it")]
mod stage;

mod section_17;
mod section_17_property;

mod rfc_3326;
mod rfc_4320;
