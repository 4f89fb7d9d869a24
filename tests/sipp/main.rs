//! The real binary between SIPp's callers and callees (Debian package `sip-tester`).
//!
//! * `ringfence` runs the binary with a config of the test, in a folder and on addresses of its own.
//! * `sipp` runs SIPp with a scenario of `scenarios/`, or one of those it brings along.
//! * `prometheus` runs Prometheus beside it (Debian package `prometheus`), as the config of ours for it says.
//! * `hung_up` sends a signal while lists are read; it needs no SIPp.
//! * `facts` runs each fact over UDP and TCP, with one worker and with three.
//!
//! A fact that fails prints what all programs said and keeps its folder.

mod facts;
mod prometheus;
mod ringfence;
mod sipp;

mod answered;
mod counted;
mod drained;
mod edited;
mod hung_up;
mod ipv6;
mod loaded;
mod presented;
mod refused;
mod replayed;
mod watched;
