//! A kill cannot lose what the kernel has and the disk has not. So what is asked of the system is written down: before
//! the first byte of a success, the journal with the edit was forced to the disk, and that had succeeded.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::daemon::Scene;
use crate::skip;
use crate::tracer::{self, Tracer};

#[test]
fn no_edit_is_acknowledged_before_the_journal_that_holds_it_is_on_the_disk() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let Some(tracer) = Tracer::attach(&scene, &daemon, &[CALLS, "-s", WHOLE_PAGES]) else {
        return skip("no_edit_is_acknowledged_before_the_journal_that_holds_it_is_on_the_disk", tracer::NO_STRACE);
    };
    // Several at once, so that some are committed together.
    std::thread::scope(|scope| {
        for hand in 0..HANDS {
            let client = daemon.client.another();
            scope.spawn(move || {
                for number in numbers(hand) {
                    client.put(&number).expect(201);
                }
            });
        }
    });
    let group: String = (0..20).fold(String::new(), |mut lines, number| {
        let _ = writeln!(lines, "{{\"entry\":\"486001009{number:02}\"}}");
        lines
    });
    daemon.client.post("/v1/lists/default/edits", group).expect(200);
    daemon.client.post("/v1/lists", r#"{"name": "made-tonight", "class": "dnc"}"#).expect(201);
    let trace = Trace::of(&tracer.detach());
    for number in (0..HANDS).flat_map(numbers) {
        trace.was_stored_before_it_was_told(&number, "HTTP/1.1 201", &format!("\"entry\\\":\\\"{number}\\\""));
    }
    trace.was_stored_before_it_was_told("48600100919", "HTTP/1.1 200", "\\\"added\\\":20");
    trace.was_stored_before_it_was_told("made-tonight", "HTTP/1.1 201", "made-tonight");
}

#[test]
fn no_large_import_is_acknowledged_before_its_file_is_on_the_disk() {
    let scene = Scene::new("");
    let daemon = scene.start();
    let Some(tracer) = Tracer::attach(&scene, &daemon, &[CALLS, "-s", "64"]) else {
        return skip("no_large_import_is_acknowledged_before_its_file_is_on_the_disk", tracer::NO_STRACE);
    };
    let file: String = (0..=100_000_u64).fold(String::new(), |mut file, number| {
        let _ = writeln!(file, "{}", 48_700_000_000 + number);
        file
    });
    let digest = daemon.client.post("/v1/lists/default/import", file).expect(200).body["digest"].clone();
    let snapshot = format!("{}.base", digest.as_str().expect("a digest"));
    let trace = Trace::of(&tracer.detach());
    let last_written = trace.last(|call| call.is("write") && call.file.ends_with(&format!("{snapshot}.new")));
    let synced = trace.after(last_written, |call| call.is_sync() && call.file.ends_with(&format!("{snapshot}.new")));
    let renamed = trace.after(synced, |call| call.is("rename") && call.arguments.contains(&snapshot));
    let folder = trace.after(renamed, |call| call.is_sync() && call.file.ends_with("/state/lists"));
    let told = trace.after(folder, |call| call.arguments.contains("HTTP/1.1 200"));
    let in_journal = |call: &Call| call.is("pwrite64") && call.file.ends_with(JOURNAL) && call.ended < told.began;
    let journal = trace.last(|call| in_journal(call) && call.began > folder.ended);
    let committed = trace.after(journal, |call| call.is_sync() && call.file.ends_with(JOURNAL));
    assert!(committed.ended < told.began, "{committed:?}\n{told:?}");
}

/// What threads asked of the system, by the moments at which they asked and were answered.
struct Trace(Vec<Call>);

#[derive(Debug, Default, Clone)]
struct Call {
    name: String,
    /// What the first argument leads to.
    file: String,
    arguments: String,
    succeeded: bool,
    /// The lines on which it began and ended.
    began: usize,
    ended: usize,
}

impl Call {
    fn is(&self, name: &str) -> bool {
        self.name == name && self.succeeded
    }

    fn is_sync(&self) -> bool {
        self.is("fsync") || self.is("fdatasync")
    }
}

impl Trace {
    /// Reads `ID TIME name(9</path>, …) = 0`, in two pieces where another thread came between.
    fn of(text: &str) -> Trace {
        let mut calls = Vec::new();
        let mut unfinished: HashMap<&str, Call> = HashMap::new();
        for (at, line) in text.lines().enumerate() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            let Some((_time, rest)) = rest.trim_start().split_once(' ') else { continue };
            let (mut call, rest) = match rest.strip_prefix("<... ") {
                Some(rest) => match unfinished.remove(thread) {
                    Some(call) => (call, rest),
                    None => continue,
                },
                None => match rest.split_once('(') {
                    Some((name, arguments)) => (Call::begun(name, arguments, at), rest),
                    None => continue,
                },
            };
            if rest.ends_with("<unfinished ...>") {
                unfinished.insert(thread, call);
                continue;
            }
            let result = rest.rsplit_once(" = ").map(|(_, result)| result.trim());
            call.succeeded = result.is_some_and(|result| result.starts_with(|first: char| first.is_ascii_digit()));
            call.ended = at;
            calls.push(call);
        }
        Trace(calls)
    }

    /// `mark` stands in the journal, `answer` and `told` in what was answered.
    #[track_caller]
    fn was_stored_before_it_was_told(&self, mark: &str, answer: &str, told: &str) {
        let holds = |call: &&Call| call.is("pwrite64") && call.file.ends_with(JOURNAL) && call.arguments.contains(mark);
        let written = self.0.iter().find(holds).unwrap_or_else(|| panic!("{mark} was never written"));
        let synced = self.after(written, |call| call.is_sync() && call.file.ends_with(JOURNAL));
        let told = |call: &&Call| call.arguments.contains(answer) && call.arguments.contains(told);
        let told = self.0.iter().find(told).unwrap_or_else(|| panic!("{mark} was never answered"));
        assert!(synced.ended < told.began, "{mark}:\n{synced:?}\n{told:?}");
    }

    /// The first such call that began after another had ended.
    #[track_caller]
    fn after(&self, before: &Call, wanted: impl Fn(&Call) -> bool) -> &Call {
        let found = self.0.iter().find(|call| call.began > before.ended && wanted(call));
        found.unwrap_or_else(|| panic!("nothing of the kind after {} {}", before.name, before.file))
    }

    #[track_caller]
    fn last(&self, wanted: impl Fn(&Call) -> bool) -> &Call {
        self.0.iter().rfind(|call| wanted(call)).expect("such a call")
    }
}

impl Call {
    fn begun(name: &str, arguments: &str, at: usize) -> Call {
        let file = arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(file, _)| file);
        Call { name: name.into(), file: file.into(), arguments: arguments.into(), began: at, ..Call::default() }
    }
}

fn numbers(hand: u32) -> impl Iterator<Item = String> {
    (0..EDITS).map(move |edit| format!("48600100{hand}{edit:02}"))
}

const JOURNAL: &str = "/ringfence.db-wal";

const CALLS: &str = "--trace=fsync,fdatasync,write,writev,sendto,sendmsg,pwrite64,pwritev,rename,renameat,renameat2";

/// A page of the database, though each byte may take four.
const WHOLE_PAGES: &str = "4096";

const HANDS: u32 = 4;

/// Each hand's.
const EDITS: u32 = 15;
