//! How many files the system lets this process have open: each connection is one.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Takes as many as there may be, and says so where these connections need more.
pub(super) fn raise(connections: usize) {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let is_raised = soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    let limit = if is_raised { hard } else { soft };
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    if limit < needed {
        tracing::warn!("sip.connections needs {needed} open files, and the system allows {limit}: raise `ulimit -n`");
    }
}

/// Lists, databases, UDP sockets and who asks the admin port.
const OTHERS: u64 = 256;
