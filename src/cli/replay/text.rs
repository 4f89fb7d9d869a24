//! A report for people.

use std::io::{self, Write};
use std::path::Path;

use super::decision::Decision;
use super::report::{Calls, Change, Example, Named, Report};
use crate::cli::table::printable;

pub(super) fn write(report: &Report, candidate: &Path, out: &mut dyn Write) -> io::Result<()> {
    let edits = match report.edits_included {
        true => format!("with run-time edits up to generation {}", report.generation),
        false => "without run-time edits: there is no state folder that says them".to_owned(),
    };
    writeln!(out, "candidate {}, {edits}", candidate.display())?;
    let span = match (&report.from, &report.to) {
        (Some(from), Some(to)) => format!(", {from} to {to}"),
        _ => String::new(),
    };
    writeln!(out, "{} of {}{span}", calls(report.calls), counted(report.files, "file"))?;
    writeln!(out, "{} would change, {} would not", told(report.changed), told(report.unchanged))?;
    report.changes.iter().try_for_each(|change| write_change(change, out))?;
    write_left_out(report, out)?;
    for rule in &report.observing {
        writeln!(out, "{} only observes: it would act on {}", named(&rule.rule), calls(rule.calls))?;
    }
    if !report.unmatched.is_empty() {
        let names: Vec<String> = report.unmatched.iter().map(named).collect();
        writeln!(out, "matched no call: {}", names.join(", "))?;
    }
    Ok(())
}

fn write_change(change: &Change, out: &mut dyn Write) -> io::Result<()> {
    let Change { by, before, after, .. } = change;
    let by = by.as_ref().map_or_else(|| "no route".to_owned(), named);
    let way = match change.shows {
        true => format!("{} with another number shown", after.verdict),
        false => {
            let [before, after] = [(before, after), (after, before)].map(|(one, other)| words(one, other, change));
            format!("{before} → {after}")
        }
    };
    writeln!(out, "\n{by}: {} {way}", told(change.calls))?;
    change.examples.iter().try_for_each(|example| write_example(example, change, out))
}

/// The verdict, and what of it is other than in the other one.
fn words(decision: &Decision<'_>, other: &Decision<'_>, change: &Change) -> String {
    let mut details = Vec::new();
    let mut detail = |what: &str, one: &str, other: &str| {
        if one != other && !one.is_empty() {
            details.push(printable(&format!("{what}{one}")));
        }
    };
    let by = change.by.as_ref().map_or("", |by| &*by.name);
    if decision.rule != by {
        detail("rule ", &decision.rule, &other.rule);
    }
    detail("list ", &decision.list, &other.list);
    if let Some(status) = decision.status.filter(|_| decision.status != other.status) {
        detail("", &status.to_string(), "");
    }
    detail("reason ", &decision.reason, &other.reason);
    detail("route ", &decision.route, &other.route);
    detail("to ", &decision.trunk, &other.trunk);
    match details.as_slice() {
        [] => printable(&decision.verdict),
        details => format!("{} ({})", printable(&decision.verdict), details.join(", ")),
    }
}

fn write_example(example: &Example, change: &Change, out: &mut dyn Write) -> io::Result<()> {
    let Example { time, trunk, from, to, entries, shown, certain, .. } = example;
    let side = |decision: &Decision<'_>, entry: &str, shown: &str| {
        let entry = if entry.is_empty() { String::new() } else { format!(" by {entry}") };
        let shown = if shown.is_empty() { String::new() } else { format!(" showing {shown}") };
        format!("{}{entry}{shown}", decision.verdict)
    };
    let before = side(&change.before, &entries[0], &shown[0]);
    let after = side(&change.after, &entries[1], &shown[1]);
    let doubt = if *certain { "" } else { " (not certain)" };
    let line = format!("  {time}  {trunk}: {from} → {to}: was {before}, would be {after}{doubt}");
    writeln!(out, "{}", printable(&line))
}

fn write_left_out(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let not_certain = report.changed.not_certain + report.unchanged.not_certain;
    let is_told = report.left_out() + report.damaged_lines + not_certain > 0;
    if is_told || !report.observing.is_empty() || !report.unmatched.is_empty() {
        writeln!(out)?;
    }
    for (trunk, count) in &report.unknown_trunks {
        writeln!(
            out,
            "not replayed: {} of trunk \"{}\", which the candidate does not have",
            calls(*count),
            printable(trunk)
        )?;
    }
    if report.closed_by_hand > 0 {
        writeln!(
            out,
            "not replayed: {} that were refused because a trunk was closed by hand",
            calls(report.closed_by_hand)
        )?;
    }
    if report.damaged_lines > 0 {
        writeln!(out, "not read: {}", counted(report.damaged_lines, "damaged line"))?;
        report.damaged.iter().try_for_each(|damage| writeln!(out, "  {}", printable(damage)))?;
    }
    let by_counts = report.decided_by_counts.changed + report.decided_by_counts.unchanged;
    if by_counts > 0 {
        writeln!(
            out,
            "not certain: {}: attempts, or showings and rests of numbers, decided, which no record holds",
            calls(by_counts)
        )?;
    }
    if report.by_headers > 0 {
        let names: Vec<&str> = report.headers_not_recorded.iter().map(|name| &**name).collect();
        let names = names.join(", ");
        writeln!(
            out,
            "not certain: {}: no record holds a header that the candidate reads: {names}",
            calls(report.by_headers)
        )?;
    }
    Ok(())
}

fn named(named: &Named) -> String {
    format!("{} \"{}\"", named.kind, printable(&named.name))
}

/// `1,204 calls (37 not certain)`
fn told(told: Calls) -> String {
    match told.not_certain {
        0 => calls(told.calls),
        not_certain => format!("{} ({} not certain)", calls(told.calls), grouped(not_certain)),
    }
}

fn calls(count: u64) -> String {
    counted(count, "call")
}

fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// `1,204`
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
