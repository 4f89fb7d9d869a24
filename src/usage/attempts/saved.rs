//! The calls of late as bytes: each callee's number, how many times follow, the times.

use std::io::{self, Read, Write};
use std::sync::atomic::Ordering;

use super::{AttemptLimit, Attempts, Times, counts, locked};
use crate::time::WallTime;
use crate::usage::saved::{END, read_array, read_number};

impl Attempts {
    pub(in crate::usage) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let mut bytes = Vec::new();
        for part in &self.parts {
            bytes.clear();
            for (callee, times) in &locked(part).callees {
                bytes.extend_from_slice(&callee.get().to_le_bytes());
                // At most as many as a limit asks for, and one.
                bytes.extend_from_slice(&u16::try_from(times.len()).unwrap_or(u16::MAX).to_le_bytes());
                times.iter().take(usize::from(u16::MAX)).for_each(|time| bytes.extend_from_slice(&time.to_le_bytes()));
            }
            out.write_all(&bytes)?;
        }
        out.write_all(&END.to_le_bytes())
    }

    pub(in crate::usage) fn read_from(
        &self,
        input: &mut impl Read,
        kept: Option<AttemptLimit>,
        now: WallTime,
    ) -> io::Result<()> {
        while let Some(callee) = read_number(input)? {
            let mut times = Times::new();
            for _ in 0..u16::from_le_bytes(read_array(input)?) {
                let time = u32::from_le_bytes(read_array(input)?);
                if kept.is_some_and(|kept| counts(time, kept.within, now.seconds())) {
                    times.push(time);
                }
            }
            times.sort_unstable();
            let most = kept.map_or(0, |kept| usize::from(kept.calls.get()));
            times.drain(..times.len().saturating_sub(most));
            if !times.is_empty() {
                self.part(callee).callees.insert(callee, times);
            }
        }
        Ok(())
    }

    /// Another number than before, once a call was counted or taken back since.
    pub(in crate::usage) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
}
