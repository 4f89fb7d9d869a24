//! Requirements of RFC 3261 and its updates, filed by section.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod section_17;
mod section_17_property;
