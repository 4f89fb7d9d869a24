//! What the system says of a process's memory.

use std::fmt::Display;
use std::fs;
use std::io;

/// Bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// In use now.
    pub(crate) resident: u64,
    /// The most that was in use since the start or [`forget_peak`].
    pub(crate) peak: u64,
}

impl Memory {
    /// From `/proc/PROCESS/status`; zero where there is none.
    pub(crate) fn of(process: impl Display) -> Memory {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let of = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
        };
        Memory { resident: of("VmRSS:").unwrap_or(0) * 1024, peak: of("VmHWM:").unwrap_or(0) * 1024 }
    }
}

/// Lets the peak of a process begin anew.
pub(crate) fn forget_peak(process: impl Display) -> io::Result<()> {
    fs::write(format!("/proc/{process}/clear_refs"), "5")
}
