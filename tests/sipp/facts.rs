//! Each fact over UDP and TCP, with one worker and with three.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What a fact is tried with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) transport: Transport,
    pub(crate) workers: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// Makes a test of each of these functions for each setting.
macro_rules! facts {
    ($($(#[$doc:meta])* fn $name:ident($setting:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            $(#[$doc])*
            fn fact($setting: $crate::facts::Setting) $body

            #[test]
            fn over_udp_with_one_worker() {
                $crate::facts::try_with($crate::facts::Transport::Udp, 1, fact);
            }

            #[test]
            fn over_udp_with_three_workers() {
                $crate::facts::try_with($crate::facts::Transport::Udp, 3, fact);
            }

            #[test]
            fn over_tcp_with_one_worker() {
                $crate::facts::try_with($crate::facts::Transport::Tcp, 1, fact);
            }

            #[test]
            fn over_tcp_with_three_workers() {
                $crate::facts::try_with($crate::facts::Transport::Tcp, 3, fact);
            }
        }
    )*};
}
pub(crate) use facts;

pub(crate) fn try_with(transport: Transport, workers: u16, fact: fn(Setting)) {
    let _together = together();
    fact(Setting { transport, workers });
}

/// Facts about load want the machine for themselves; the others run beside each other.
static MACHINE: RwLock<()> = RwLock::new(());

fn together() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}
