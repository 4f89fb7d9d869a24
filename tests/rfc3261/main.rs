//! Requirements of RFC 3261 and its updates, filed by section.
//!
//! Each module's doc is the list of what its section asks of a proxy, with the test that covers it. `gap` marks what is
//! not done, `deviation` what is done otherwise on purpose; README.md gives the reasons.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../engine/stage.rs"]
mod stage;

mod helpers;

mod section_12;
mod section_16;
mod section_17;
mod section_17_property;
mod section_18;
mod section_8;

mod atis_1000099;
mod rfc_3262;
mod rfc_3311;
mod rfc_3326;
mod rfc_3581;
mod rfc_4320;
mod rfc_5118;
mod rfc_5393;
mod rfc_5658;
mod rfc_6026;
mod rfc_6665;
mod rfc_8197;
mod rfc_8688;
