//! Each use of a call centre and each answer, as README's "Using it" has them: the configs are those that stand there, the
//! binary is the real one, and SIPp (Debian package `sip-tester`) calls and is called.
#![cfg(feature = "daemon")]

#[path = "../sipp/facts.rs"]
#[allow(dead_code, unused_macros, unused_imports, reason = "facts of SIPp have more settings")]
mod facts;
mod office;
mod readme;
#[path = "../sipp/ringfence.rs"]
#[allow(dead_code, reason = "facts of SIPp look at more")]
mod ringfence;
#[path = "../sipp/sipp.rs"]
#[allow(dead_code, reason = "facts of SIPp do more")]
mod sipp;

mod answers;
mod campaigns;
mod changes;
mod inbound;
mod presented;
mod redirect_server;
