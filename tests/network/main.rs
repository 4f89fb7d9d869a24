//! The real program between hosts of its own: what breaks is a link, a host, or every tenth packet.

mod desk;
mod lab;
mod lossy;
mod lost;
mod phone;
mod probed;
mod ringfence;
mod silent;
#[path = "../shared/uninterrupted.rs"]
mod uninterrupted;
