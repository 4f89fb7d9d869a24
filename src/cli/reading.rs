//! How far the reading of lists is, on a terminal.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::config::Reading;
use crate::lists::Progress;

/// Does `work`, and meanwhile shows on standard error how far `reading` is, as long as somebody looks: when that is a
/// terminal, and the work takes longer than nobody minds to wait.
pub(crate) fn shown<T>(reading: &Reading, work: impl FnOnce() -> T) -> T {
    if !io::stderr().is_terminal() {
        return work();
    }
    thread::scope(|scope| {
        let (done, until_done) = mpsc::channel();
        let screen = thread::Builder::new().name("reading".to_owned());
        let drawn = screen.spawn_scoped(scope, move || draw(reading, &until_done, PATIENCE, &mut io::stderr()));
        // Also when the work panics: the scope waits for the thread.
        let _done: Option<mpsc::Sender<()>> = drawn.is_ok().then_some(done);
        work()
    })
}

/// After `wait` draws the line again and again until the other end of the channel is gone, and leaves nothing of it.
fn draw(reading: &Reading, until_done: &mpsc::Receiver<()>, mut wait: Duration, out: &mut dyn Write) {
    let mut drawn = false;
    while let Err(RecvTimeoutError::Timeout) = until_done.recv_timeout(wait) {
        wait = REDRAWN;
        if let Some((list, progress)) = reading.lists().first() {
            // A terminal that went away is no reason to stop reading lists.
            let _ = write!(out, "{CLEAR}{}", line(list, progress)).and_then(|()| out.flush());
            drawn = true;
        }
    }
    if drawn {
        let _ = out.write_all(CLEAR.as_bytes()).and_then(|()| out.flush());
    }
}

/// `reading us: 41 %, 1272 of 3102 MB, 106.0 million rows`
fn line(list: &Arc<str>, progress: &Progress) -> String {
    let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let (bytes, total, rows) = (of(&progress.bytes), of(&progress.total_bytes), of(&progress.rows));
    let name: String = list.chars().filter(|char| !char.is_control()).take(NAME).collect();
    let share = match total {
        0 => String::new(),
        // A file that grows meanwhile is refused in the end.
        total => format!("{} %, ", (u128::from(bytes) * 100 / u128::from(total)).min(100)),
    };
    let rows = match rows {
        0..1_000_000 => format!("{rows} rows"),
        rows => format!("{}.{} million rows", rows / 1_000_000, rows / 100_000 % 10),
    };
    format!("reading {name}: {share}{} of {} MB, {rows}", bytes / MEGABYTE, total.div_ceil(MEGABYTE))
}

/// Work that is done within this needs no explanation.
const PATIENCE: Duration = Duration::from_millis(500);
/// Ten times a second looks like movement; a terminal far away still follows.
const REDRAWN: Duration = Duration::from_millis(100);
/// So that the line fits a terminal of 80 columns: one that is wrapped could not be drawn over.
const NAME: usize = 20;
const MEGABYTE: u64 = 1_000_000;
/// To the first column, and nothing behind (ECMA-48 EL).
const CLEAR: &str = "\r\x1b[K";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_share_size_and_rows() {
        let told = |name: &str, bytes: u64, total: u64, rows: u64| {
            let progress = Progress { bytes: bytes.into(), rows: rows.into(), total_bytes: total.into() };
            line(&name.into(), &progress)
        };
        let long = told("us", 1_272_000_000, 3_102_000_000, 106_049_999);
        assert_eq!(long, "reading us: 41 %, 1272 of 3102 MB, 106.0 million rows");
        assert_eq!(told("small", 1_000, 1_500, 77), "reading small: 66 %, 0 of 1 MB, 77 rows");
        assert_eq!(told("empty", 0, 0, 0), "reading empty: 0 of 0 MB, 0 rows");
        let longest =
            told(&"\x1b[2J漢".repeat(20), u64::from(u32::MAX) * 20, u64::from(u32::MAX) * 10, 999_999_999_999);
        assert!(longest.contains("100 %") && !longest.contains('\x1b'), "{longest}");
        assert!(longest.chars().count() < 80, "{longest}");
    }

    #[test]
    fn nothing_is_drawn_of_work_that_is_done_at_once() {
        let reading = Reading::new();
        let _list = reading.begin(&"l".into());
        let (done, until_done) = mpsc::channel();
        drop(done);
        let mut out = Vec::new();
        draw(&reading, &until_done, Duration::ZERO, &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn the_line_is_drawn_while_the_work_lasts_and_is_gone_afterwards() {
        /// Ends the work once something was drawn.
        struct Terminal(Vec<u8>, Option<mpsc::Sender<()>>);
        impl Write for Terminal {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                self.1 = None;
                Ok(())
            }
        }
        let reading = Reading::new();
        let _list = reading.begin(&"l".into());
        let (done, until_done) = mpsc::channel();
        let mut terminal = Terminal(Vec::new(), Some(done));
        draw(&reading, &until_done, Duration::ZERO, &mut terminal);
        let drawn = String::from_utf8(terminal.0).expect("UTF-8");
        assert_eq!(drawn, "\r\x1b[Kreading l: 0 of 0 MB, 0 rows\r\x1b[K");
    }
}
