//! The real program between hosts of its own: what breaks is a link, a host, or every tenth packet.

mod lab;
mod lossy;
mod phone;
mod ringfence;
mod silent;
