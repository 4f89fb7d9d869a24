//! How far long work is, on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Of so many bytes; `None`: of nobody knows how many.
pub(super) fn of_bytes(shown: bool, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        None => "{spinner} {bytes}, {bytes_per_sec}",
    };
    bar(shown, total, template)
}

/// Of so many entries.
pub(super) fn of_entries(shown: bool, total: u64) -> ProgressBar {
    bar(shown, Some(total), "{wide_bar} {human_pos} of {human_len} entries, {eta} left")
}

fn bar(shown: bool, total: Option<u64>, template: &str) -> ProgressBar {
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template(template).expect("the templates name what there is");
    ProgressBar::with_draw_target(total, target).with_style(style)
}
