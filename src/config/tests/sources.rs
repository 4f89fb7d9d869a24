//! Where bases come from: files that are put together, files that change meanwhile, and what decides what they mean.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;
use crate::lists::{
    Column, Columns, DateFormat, Delimiter, Digest, Encoding, Entry, FileOptions, FileStamp, Format, OnError, Progress,
};
use crate::number::DialPlan;
use crate::screen::NeverBlock;
use crate::screen::config::RulesConfig;
use crate::time::WallTime;

const FTC: &str = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nformat = \"ftc\"\nfile = \"whole\"\n";

#[test]
fn change_files_add_and_remove_in_their_order_and_the_table_has_the_last_word() {
    let text = format!("{FTC}changes = [\"one\", \"two\"]\nentries = [\"12125550003\", \"12125550009\"]\n");
    let whole = "212,5550001\n212,5550002\n212,5550003\n212,5550004\n";
    let one = "212,5550001,D\n212,5550003,D\n212,5550005,A,2026-03-25\n212,5550006,A\n";
    let two = "212,5550005,D\n212,5550001,A\n212,5550002,D\n";
    let loaded = read(&text, &[("whole", whole), ("one", one), ("two", two)]).expect("good");
    assert_eq!(entries(&loaded, "l"), ["12125550001", "12125550003", "12125550004", "12125550006", "12125550009"]);
    let other_order = text.replace("[\"one\", \"two\"]", "[\"two\", \"one\"]");
    let loaded = read(&other_order, &[("whole", whole), ("one", one), ("two", two)]).expect("good");
    assert_eq!(entries(&loaded, "l"), ["12125550003", "12125550004", "12125550005", "12125550006", "12125550009"]);
    let told: Vec<String> = loaded.origins["l"].told.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["4 rows", "3 rows, 2 removals", "4 rows, 2 removals"]);
}

#[test]
fn a_number_that_a_file_adds_and_then_removes_is_not_in_the_list() {
    let loaded = read(FTC, &[("whole", "212,5550001,A\n212,5550002,A\n212,5550001,D\n")]).expect("good");
    assert_eq!(entries(&loaded, "l"), ["12125550002"]);
}

#[test]
fn the_outcome_does_not_depend_on_the_number_of_threads() {
    let text = |threads: u16| format!("[lists]\nthreads = {threads}\n{FTC}changes = [\"change\"]\n");
    let rows: String = (0..100_000).map(|at| format!("{},{:07}\n", 200 + at % 700, at * 37 % 10_000_000)).collect();
    let change: String = (0..90_000).map(|at| format!("{},{:07},D\n", 200 + at % 700, at * 37)).collect();
    let files = [("whole", &*rows), ("change", &*change)];
    let read = |threads| read(&text(threads), &files).expect("good");
    let (one, two, all) = (read(1), read(2), read(0));
    assert_eq!(one.lists.get("l").map(|list| list.len()), Some(10_000));
    assert_eq!(one.origins["l"].record, two.origins["l"].record);
    assert_eq!(one.origins["l"].record, all.origins["l"].record);
}

#[test]
fn an_entry_of_the_table_keeps_what_the_file_says_of_it() {
    let text = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"l\"\nentries = [\"48221110001\"]\n";
    let loaded = read(text, &[("l", "48221110001,2026-03-25,note\n48221110001\n")]).expect("good");
    let list = loaded.lists.get("l").expect("a list");
    let entry = Entry::parse("48221110001", &DialPlan::default()).expect("an entry");
    assert_eq!(list.details(&entry).and_then(|details| details.description).as_deref(), Some("note"));
    assert_eq!((list.len(), loaded.origins["l"].told[0].duplicates), (1, 2));
}

#[test]
fn the_record_names_every_file_by_its_digest() {
    let text = format!("{FTC}changes = [\"one\"]\n");
    let loaded = read(&text, &[("whole", "212,5550001\n"), ("one", "212,5550002,A\n")]).expect("good");
    let (list, record) = (loaded.lists.get("l").expect("a list"), &loaded.origins["l"].record);
    assert_eq!((record.digest, record.entries), (list.base().digest(), 2));
    let files: Vec<_> = record.files.iter().map(|file| (file.path.to_str(), file.digest, file.stamp.bytes)).collect();
    let digests = [Digest::of(b"212,5550001\n"), Digest::of(b"212,5550002,A\n")];
    assert_eq!(files, [(Some("dir/whole"), digests[0], 12), (Some("dir/one"), digests[1], 14)]);
}

#[test]
fn the_newest_file_and_max_age_decide_when_a_list_is_too_old() {
    let written = WallTime::parse("2026-03-01T00:00:00Z").expect("a time");
    let stale_from = |more: &str| {
        let mut files = in_memory(&[("whole", "212,5550001\n")]).written(written);
        let loaded = parse(Path::new("dir/r.toml"), &format!("{FTC}{more}"), &[], &mut files).expect("good");
        loaded.origins["l"].stale_from.map(|time| time.to_string())
    };
    assert_eq!(stale_from("").as_deref(), Some("2026-04-01T00:00:00.000000Z"));
    assert_eq!(stale_from("max_age = \"1h\"\nstale = \"pass\"\n").as_deref(), Some("2026-03-01T01:00:00.000000Z"));
    let request = Asked { max_age: Some(Duration::from_secs(60)), ..Asked::default() };
    let mut record = request.read(&in_memory(&[("a", "1\n"), ("b", "2\n")])).expect("good").record;
    record.files[0].stamp.modified = written;
    assert_eq!(request.with(|request| request.stale_from(&record)), Some(written + Duration::from_secs(60)));
    let ageless = Asked::default();
    assert_eq!(ageless.with(|request| request.stale_from(&record)), None);
}

/// What a request is made of, with the files `dir/a` and `dir/b`.
#[derive(Clone)]
struct Asked {
    options: FileOptions,
    files: Vec<Arc<Path>>,
    entries: Vec<Entry>,
    never_block: &'static str,
    class: Class,
    max_age: Option<Duration>,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked {
            options: FileOptions::default(),
            files: ["dir/a", "dir/b"].map(|path| Arc::from(Path::new(path))).into(),
            entries: Vec::new(),
            never_block: "112",
            class: Class::Dnc,
            max_age: None,
        }
    }
}

impl Asked {
    fn with<T>(&self, act: impl FnOnce(&BaseRequest<'_>) -> T) -> T {
        let mut rules = RulesConfig::default();
        rules.numbers.never_block = vec![toml::Spanned::new(0..0, self.never_block.to_owned())];
        let never_block = NeverBlock::new(&rules);
        act(&BaseRequest {
            name: &Arc::from("l"),
            class: self.class,
            files: self.files.clone(),
            options: self.options.clone(),
            entries: self.entries.clone(),
            threads: 2,
            never_block: never_block.guard(self.class),
            max_change: None,
            max_age: self.max_age,
        })
    }

    fn read(&self, files: &InMemory) -> Result<ListRead, BaseError> {
        self.with(|request| request.read(&mut |path| files.open(path), &Progress::default()))
    }
}

#[test]
fn everything_that_decides_what_the_bytes_mean_changes_the_fingerprint() {
    let plain = Asked::default();
    let options = |options: FileOptions| Asked { options, ..plain.clone() };
    let default = || plain.options.clone();
    let columns = Columns { number: Some(Column::Name("phone".into())), ..Columns::default() };
    let others = [
        options(FileOptions { format: Format::Uke, ..default() }),
        options(FileOptions { columns, ..default() }),
        options(FileOptions { delimiter: Delimiter::new(";").ok(), ..default() }),
        options(FileOptions { encoding: Encoding::new("windows-1250").ok(), ..default() }),
        options(FileOptions { date_format: DateFormat::new("%d.%m.%Y").ok(), ..default() }),
        options(FileOptions { on_error: OnError::Skip { limit: 10 }, ..default() }),
        options(FileOptions { plan: DialPlan::BARE, ..default() }),
        Asked { entries: vec![Entry::Anonymous], ..plain.clone() },
        Asked { never_block: "911", ..plain.clone() },
        Asked { class: Class::Allow, ..plain.clone() },
        Asked { files: plain.files.iter().rev().cloned().collect(), ..plain.clone() },
        Asked { files: plain.files[..1].to_vec(), ..plain.clone() },
    ];
    let mut all: Vec<Digest> = others.iter().map(|asked| asked.with(|request| request.fingerprint())).collect();
    all.push(plain.with(|request| request.fingerprint()));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), others.len() + 1);
    let same = Asked { max_age: Some(Duration::from_secs(1)), class: Class::Dno, ..plain.clone() };
    assert_eq!(same.with(|request| request.fingerprint()), plain.with(|request| request.fingerprint()));
}

/// What becomes of the file `dir/a` once it was opened for the first time.
fn meanwhile(happens: impl Fn(&mut FileStamp) -> Option<std::io::ErrorKind>, bytes: &str) -> Option<BaseError> {
    let asked = Asked { files: vec![Path::new("dir/a").into()], ..Asked::default() };
    let mut opened = 0;
    let mut open = |_: &Path| {
        let mut stamp = stamp(12);
        opened += 1;
        if opened > 1
            && let Some(kind) = happens(&mut stamp)
        {
            return Err(kind.into());
        }
        let input: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(bytes.as_bytes().to_vec()));
        Ok((input, stamp))
    };
    asked.with(|request| request.read(&mut open, &Progress::default())).err()
}

fn stamp(bytes: u64) -> FileStamp {
    FileStamp { bytes, modified: WallTime::from_micros(1), changed: WallTime::from_micros(2), inode: 3 }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let changed = Some(BaseError::Changed { path: Path::new("dir/a").into() });
    let good = "48221110001\n";
    assert_eq!(meanwhile(|_| None, good), None);
    // Replaced, touched, written with the old time put back, removed.
    let replaced = |stamp: &mut FileStamp| {
        stamp.inode += 1;
        None
    };
    assert_eq!(meanwhile(replaced, good), changed);
    let touched = |stamp: &mut FileStamp| {
        stamp.modified = WallTime::from_micros(9);
        None
    };
    assert_eq!(meanwhile(touched, good), changed);
    let written = |stamp: &mut FileStamp| {
        stamp.changed = WallTime::from_micros(9);
        None
    };
    assert_eq!(meanwhile(written, good), changed);
    assert_eq!(meanwhile(|_| Some(std::io::ErrorKind::NotFound), good), changed);
    // Truncated and grown between the stamp and the end of the reading.
    assert_eq!(meanwhile(|_| None, "48221110\n"), changed);
    assert_eq!(meanwhile(|_| None, "48221110001\n48221110002\n"), changed);
    // The half row at the end of a file that is being written is no mistake of anybody.
    assert_eq!(meanwhile(replaced, "48221110001\n48x"), changed);
    assert!(matches!(meanwhile(|_| None, "4822111000x\n"), Some(BaseError::File { .. })));
}

#[test]
fn a_file_that_changes_is_told_by_its_name() {
    struct Unsteady;
    impl ListSource for Unsteady {
        fn base(&mut self, request: &BaseRequest<'_>) -> Result<Sourced, BaseError> {
            match request.files.first() {
                Some(path) => Err(BaseError::Changed { path: Arc::clone(path) }),
                None => InMemory::new().base(request),
            }
        }
    }
    let errors = parse(Path::new("dir/r.toml"), FTC, &[], &mut Unsteady).expect_err("a mistake");
    assert_eq!(errors.to_string(), "dir/whole: the file changed while it was read: read it again once it is whole");
}

#[test]
fn files_of_the_disk_are_read_with_their_stamps_and_shown_meanwhile() {
    let dir = tempfile::tempdir().expect("a directory");
    let (config, list) = (dir.path().join("r.toml"), dir.path().join("whole"));
    fs::write(&config, FTC).expect("writes");
    fs::write(&list, "212,5550001\n").expect("writes");
    let reading = Reading::new();
    let loaded = load(&config, &[], &mut Files::new(reading.clone())).unwrap_or_else(|errors| panic!("{errors}"));
    let record = &loaded.origins["l"].record;
    assert_eq!(record.files[0].stamp, stamp_of(&list).expect("a stamp"));
    assert_eq!(record.files[0].stamp.bytes, 12);
    assert!(record.files[0].stamp.modified > WallTime::parse("2020-01-01T00:00:00Z").expect("a time"));
    assert!(reading.lists().is_empty());
}

#[test]
fn how_far_the_reading_of_a_list_is_can_be_seen_until_it_ends() {
    let reading = Reading::new();
    let name = Arc::from("l");
    let list = reading.begin(&name);
    let asked = Asked::default();
    let files = in_memory(&[("a", "48221110001\n"), ("b", "48221110002\n48221110003\n")]);
    asked.with(|request| request.read(&mut |path| files.open(path), list.progress())).expect("good");
    let shown = reading.clone().lists();
    let of = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let progress = &shown[0].1;
    assert_eq!((&*shown[0].0, of(&progress.bytes), of(&progress.total_bytes), of(&progress.rows)), ("l", 36, 36, 3));
    drop(list);
    assert!(reading.lists().is_empty());
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting_for_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("r.toml");
    fs::create_dir(dir.path().join("whole")).expect("makes");
    fs::write(&config, FTC).expect("writes");
    let told = |config: &PathBuf| load(config, &[], &mut Files::default()).expect_err("a mistake").to_string();
    let place = format!("{}:5:8: {}", config.display(), dir.path().join("whole").display());
    assert_eq!(told(&config), format!("{place} is no regular file"));
    // A device has no end.
    fs::write(&config, FTC.replace("\"whole\"", "\"/dev/zero\"")).expect("writes");
    assert_eq!(told(&config), format!("{}:5:8: /dev/zero is no regular file", config.display()));
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status();
    assert!(made.expect("mkfifo").success());
    fs::write(&config, FTC.replace("whole", "pipe")).expect("writes");
    assert!(told(&config).ends_with("pipe is no regular file"));
}
