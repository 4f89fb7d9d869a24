//! The real program under a service manager: what it tells systemd, what systemd hands over, and the units in
//! `config/systemd`.

mod managed;
mod notices;
mod sockets;
#[path = "../shared/uninterrupted.rs"]
mod uninterrupted;
mod units;
