use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::cli::replay;
use crate::engine::RECORD_HEADER;
use crate::lists::{Action, Change, Details, Edit, Entry};
use crate::number::DialPlan;
use crate::screen::{Setting, TrunkState};
use crate::store;

const CONFIG: &str = r#"
[[trunk]]
name = "carrier"
from = ["127.0.0.2"]
to = ["sip:127.0.0.2:5070"]
trusted = true
[[trunk]]
name = "pbx"
from = ["127.0.0.3"]
to = ["sip:127.0.0.3:5070"]
trusted = true
[[list]]
name = "default"
class = "personal"
entries = ["48600100200"]
[[list]]
name = "ours"
class = "pool"
entries = ["48223900101"]
[[inbound]]
name = "hotline"
lists = ["default"]
trunks = ["carrier"]
action = "decline"
[[campaign]]
name = "spring"
trunks = ["pbx"]
lists = ["default"]
header = { name = "X-Campaign", value = "spring" }
[[route]]
name = "to-pbx"
trunks = ["carrier"]
to = "pbx"
[[route]]
name = "out"
trunks = ["pbx"]
to = "carrier"
present = { pool = "ours" }
"#;

/// A call line in the making, by the names of its columns.
#[derive(Clone)]
struct Line(Vec<(&'static str, String)>);

impl Line {
    fn with(mut self, column: &'static str, value: &str) -> Line {
        self.0.retain(|(name, _)| *name != column);
        self.0.push((column, value.to_owned()));
        self
    }

    fn written(&self, header: &str) -> String {
        let value = |name: &str| self.0.iter().find(|(it, _)| *it == name).map_or("", |(_, value)| value);
        header.split(',').map(value).collect::<Vec<_>>().join(",")
    }
}

/// A call of the carrier that went to the pbx, as [`CONFIG`] says.
fn passed() -> Line {
    let line = Line(vec![("event", "call".into())]);
    let line = line.with("time", "2026-11-25T08:00:00.000001Z").with("call_id", "a@b").with("draw", "7");
    let line = line.with("from_trunk", "carrier").with("to_trunk", "pbx").with("route", "to-pbx");
    let line = line.with("request_uri", "sip:48221234567@h").with("from", "sip:+48600100201@h");
    line.with("caller", "48600100201").with("callee", "48221234567").with("verdict", "pass").with("status", "486")
}

/// One that was declined.
fn declined() -> Line {
    let line = passed().with("from", "sip:+48600100200@h").with("caller", "48600100200").with("verdict", "decline");
    let line = line.with("rule", "hotline").with("list", "default").with("entry", "48600100200").with("status", "603");
    line.with("to_trunk", "").with("route", "")
}

/// One of the pbx, with one of our numbers.
fn presented() -> Line {
    let line = passed().with("from_trunk", "pbx").with("to_trunk", "carrier").with("route", "out");
    line.with("presented", "48223900101").with("status", "200")
}

/// A folder with a candidate, and records.
struct Desk(TempDir);

impl Desk {
    fn new(config: &str) -> Desk {
        let desk = Desk(tempfile::tempdir().expect("a folder"));
        desk.write("candidate.toml", config.as_bytes());
        desk
    }

    fn with(config: &str, lines: &[Line]) -> Desk {
        let desk = Desk::new(config);
        desk.write("calls-20261125.csv", records(RECORD_HEADER, lines).as_bytes());
        desk
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).expect("writes");
    }

    fn run(&self, words: &[&str]) -> (End, String, String) {
        let arguments = Arguments::try_parse_from([&["ringfence", "replay"], words].concat()).expect("arguments");
        let Some(Command::Replay(mut arguments)) = arguments.command else { panic!("no replay") };
        for path in &mut arguments.records {
            *path = if path == Path::new(".") { self.0.path().into() } else { self.0.path().join(&path) };
        }
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let end = replay::replay(&self.0.path().join("candidate.toml"), &arguments, &mut out, &mut err);
        let [out, err] = [out, err].map(|text| String::from_utf8(text).expect("UTF-8"));
        (end.expect("writes"), out, err)
    }

    /// What it tells in JSON.
    #[track_caller]
    fn told(&self, words: &[&str]) -> Value {
        let (end, out, err) = self.run(&[&[".", "--json"], words].concat());
        assert_eq!((end, err.as_str()), (End::Done, ""), "{out}");
        serde_json::from_str(&out).expect("JSON")
    }
}

fn records(header: &str, lines: &[Line]) -> String {
    let lines = lines.iter().map(|line| line.written(header) + "\n");
    std::iter::once(format!("{header}\n")).chain(lines).collect()
}

#[test]
fn the_config_of_the_time_changes_nothing() {
    let desk = Desk::with(CONFIG, &[passed(), declined(), presented()]);
    let told = desk.told(&[]);
    let none = json!({"calls": 0, "not_certain": 0});
    assert_eq!((&told["changed"], &told["unchanged"]["calls"], &told["files"]), (&none, &json!(3), &json!(1)));
    assert_eq!(told["from"], "2026-11-25T08:00:00.000001Z");
    assert_eq!(desk.run(&[".", "--fail-on-change"]).0, End::Done);
}

#[test]
fn a_changed_rule_is_told_with_its_calls_and_examples() {
    let config = CONFIG.replace("entries = [\"48600100200\"]", "entries = [\"4860010*\"]");
    let desk = Desk::with(&config, &[passed(), declined(), passed().with("call_id", "c@d")]);
    let (end, out, err) = desk.run(&[".", "--examples", "1"]);
    assert_eq!((end, err.as_str()), (End::Done, ""));
    let change = "\ninbound rule \"hotline\": 2 calls pass (route to-pbx, to pbx) → decline (list default, 603)\n  \
        2026-11-25T08:00:00.000001Z  carrier: 48600100201 → 48221234567: was pass, would be decline by 4860010*\n";
    assert!(out.contains(change), "{out}");
    assert!(out.contains("\n2 calls would change, 1 call would not\n"), "{out}");
    let told = desk.told(&[]);
    let change = &told["changes"][0];
    assert_eq!(change["by"], json!({"kind": "inbound rule", "name": "hotline"}));
    assert_eq!((&change["calls"], &change["before"]["verdict"]), (&json!(2), &json!("pass")));
    assert_eq!((&change["after"]["list"], &change["after"]["status"]), (&json!("default"), &json!(603)));
    assert_eq!(change["examples"][1]["call_id"], "c@d");
    assert_eq!(desk.run(&[".", "--fail-on-change"]).0, End::Changed);
}

#[test]
fn a_rule_that_is_gone_another_answer_and_another_route_are_changes() {
    let gone =
        Desk::with(&CONFIG.replace("action = \"decline\"", "action = \"decline\"\nmode = \"off\""), &[declined()]);
    let (_, out, _) = gone.run(&["."]);
    assert!(out.contains("inbound rule \"hotline\": 1 call decline (list default, 603) → pass (route to-pbx, to pbx)"));

    let status =
        Desk::with(&CONFIG.replace("action = \"decline\"", "action = \"decline\"\nreply = \"480 No\""), &[declined()]);
    let (_, out, _) = status.run(&["."]);
    assert!(out.contains("inbound rule \"hotline\": 1 call decline (603) → decline (480)"), "{out}");

    let reason =
        Desk::with(&CONFIG.replace("action = \"decline\"", "action = \"decline\"\nstatus = \"No\""), &[declined()]);
    let (_, out, _) = reason.run(&["."]);
    assert!(out.contains("1 call decline → decline (reason No)"), "{out}");

    let route = Desk::with(&CONFIG.replace("name = \"to-pbx\"", "name = \"other\""), &[passed()]);
    let (_, out, _) = route.run(&["."]);
    assert!(out.contains("route \"other\": 1 call pass (route to-pbx) → pass (route other)"), "{out}");
}

#[test]
fn another_number_that_is_shown_is_a_change() {
    let desk = Desk::with(
        &CONFIG.replace("48223900101", "48223900102"),
        &[presented().with("headers", "x-campaign=winter"), passed()],
    );
    let (_, out, _) = desk.run(&["."]);
    assert!(out.contains("route \"out\": 1 call pass with another number shown\n"), "{out}");
    assert!(out.contains("was pass showing 48223900101, would be pass showing 48223900102\n"), "{out}");
}

#[test]
fn the_most_frequent_change_comes_first() {
    let config = CONFIG.replace("48223900101", "48223900102").replace("4860010020", "4860010020\", \"4860010020");
    let config = config.replace("\"48600100200\"", "\"48600100201\"");
    let desk = Desk::with(&config, &[presented(), declined(), declined()]);
    let told = desk.told(&[]);
    let calls: Vec<&Value> = told["changes"].as_array().expect("changes").iter().map(|it| &it["calls"]).collect();
    assert_eq!(calls, [&json!(2), &json!(1)], "{told:#}");
}

#[test]
fn a_header_that_no_record_holds_makes_calls_uncertain() {
    let listed = presented().with("request_uri", "sip:48600100200@h").with("callee", "48600100200");
    let desk = Desk::with(CONFIG, &[presented(), passed()]);
    let told = desk.told(&[]);
    assert_eq!(told["unchanged"], json!({"calls": 2, "not_certain": 1}), "no rule reads it in calls of the carrier");
    assert_eq!(told["headers_not_recorded"], json!(["x-campaign"]));
    let (_, out, _) = desk.run(&["."]);
    assert!(
        out.contains("not certain: 1 call: no record holds a header that the candidate reads: x-campaign\n"),
        "{out}"
    );

    let held = presented().with("headers", "x-campaign=winter");
    let told = Desk::with(CONFIG, &[listed.clone(), held]).told(&[]);
    assert_eq!(told["unchanged"], json!({"calls": 2, "not_certain": 0}), "the config of the time read it");
    let told = Desk::with(CONFIG, &[listed.with("headers", "x-campaign=spring")]).told(&[]);
    assert_eq!(told["changes"][0]["by"], json!({"kind": "campaign rule", "name": "spring"}));
}

#[test]
fn calls_of_a_trunk_that_the_candidate_does_not_have_are_told_and_are_a_change() {
    let desk = Desk::with(CONFIG, &[passed().with("from_trunk", "old"), passed().with("from_trunk", "old"), passed()]);
    let told = desk.told(&[]);
    assert_eq!((&told["unknown_trunks"], &told["unchanged"]["calls"]), (&json!({"old": 2}), &json!(1)));
    let (end, out, _) = desk.run(&[".", "--fail-on-change"]);
    assert_eq!(end, End::Changed);
    assert!(out.contains("not replayed: 2 calls of trunk \"old\", which the candidate does not have\n"), "{out}");
}

#[test]
fn a_trunk_that_was_closed_by_hand_is_no_matter_of_the_config() {
    let desk = Desk::with(CONFIG, &[passed(), passed().with("verdict", "trunk-closed").with("status", "500")]);
    assert_eq!(desk.told(&["--fail-on-change"])["closed_by_hand"], 1);
}

#[test]
fn rules_that_met_no_call_and_those_that_only_observe_are_told() {
    let config = CONFIG.to_owned()
        + "[[inbound]]\nname = \"trial\"\ntrunks = [\"carrier\"]\naction = \"drop\"\nmode = \"observe\"\n";
    let desk = Desk::with(&config, &[passed()]);
    let (_, out, _) = desk.run(&["."]);
    assert!(out.contains("\ninbound rule \"trial\" only observes: it would act on 1 call\n"), "{out}");
    assert!(
        out.ends_with("\nmatched no call: inbound rule \"hotline\", campaign rule \"spring\", route \"out\"\n"),
        "{out}"
    );
}

#[test]
fn only_calls_of_the_time_that_is_asked_for_are_replayed() {
    let at = |time: &str| passed().with("time", time);
    let lines =
        [at("2026-11-25T07:59:59.999999Z"), at("2026-11-25T08:00:00.000000Z"), at("2026-11-25T09:00:00.000000Z")];
    let desk = Desk::with(CONFIG, &lines);
    let told = desk.told(&["--since", "2026-11-25T08:00:00Z", "--until", "2026-11-25T09:00:00Z"]);
    assert_eq!(
        (&told["calls"], &told["from"], &told["to"]),
        (&json!(1), &json!("2026-11-25T08:00:00.000000Z"), &told["from"])
    );
}

#[test]
fn an_entry_counts_as_it_did_at_the_time_of_the_call() {
    let entries = "file = \"list.txt\"\ncolumns = { number = 1, expires = 2 }";
    let desk = Desk::with(&CONFIG.replacen("entries = [\"48600100200\"]", entries, 1), &[declined(), passed()]);
    desk.write("list.txt", b"48600100200,2026-11-25T12:00:00Z\n48600100201,2026-11-25T07:00:00Z\n");
    let (end, out, err) = desk.run(&[".", "--fail-on-change"]);
    assert_eq!((end, err.as_str()), (End::Done, ""), "{out}");
}

#[test]
fn files_are_read_in_the_order_of_time_whatever_their_names_are() {
    let desk = Desk::new(&CONFIG.replace("48223900101", "48223900102"));
    let at = |time: &str| presented().with("time", time);
    desk.write("a.csv", records(RECORD_HEADER, &[at("2026-11-26T08:00:00.000000Z")]).as_bytes());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(records(RECORD_HEADER, &[at("2026-11-25T08:00:00.000000Z")]).as_bytes()).expect("writes");
    desk.write("b.csv.gz", &gzip.finish().expect("whole"));
    desk.write("c.csv", b"");
    desk.write("d.csv", format!("{RECORD_HEADER}\n").as_bytes());
    desk.write("notes.txt", b"no records");
    let told = desk.told(&["--examples", "1"]);
    assert_eq!((&told["files"], &told["calls"]), (&json!(4), &json!(2)));
    assert_eq!(told["changes"][0]["examples"][0]["time"], "2026-11-25T08:00:00.000000Z");
    assert_eq!(desk.run(&["b.csv.gz", "a.csv"]).1, desk.run(&["a.csv", "b.csv.gz"]).1);
}

#[test]
fn records_of_an_earlier_version_are_compared_by_what_they_hold() {
    let header = RECORD_HEADER.replace("route,reason,caller,callee,", "");
    let desk = Desk::new(&CONFIG.replace("action = \"decline\"", "action = \"decline\"\nstatus = \"New\""));
    desk.write("old.csv", records(&header, &[passed(), declined(), presented()]).as_bytes());
    assert_eq!(desk.told(&["--fail-on-change"])["unchanged"]["calls"], 3, "there was no column for the reason");
    let desk = Desk::new(&CONFIG.replace("entries = [\"48600100200\"]", "entries = [\"48600100201\"]"));
    desk.write("old.csv", records(&header, &[passed()]).as_bytes());
    let example = desk.told(&[])["changes"][0]["examples"][0].clone();
    assert_eq!([&example["from"], &example["to"]], [&json!("sip:+48600100201@h"), &json!("sip:48221234567@h")]);
}

#[test]
fn damaged_lines_are_told_with_their_places_and_the_others_replayed() {
    let desk = Desk::new(CONFIG);
    let whole = records(RECORD_HEADER, &[passed(), passed().with("time", "then"), passed().with("draw", ""), passed()]);
    desk.write("calls.csv", format!("{whole}call,2026\ncall,20").as_bytes());
    let told = desk.told(&[]);
    assert_eq!((&told["calls"], &told["damaged_lines"]), (&json!(2), &json!(4)));
    let (_, out, _) = desk.run(&["."]);
    let path = desk.0.path().join("calls.csv");
    for (line, why) in
        [(3, "the time is none"), (4, "there is no draw"), (6, "2 fields, where"), (7, "the last line is torn")]
    {
        assert!(out.contains(&format!("\n  {}:{line}: {why}", path.display())), "{out}");
    }
    assert!(out.contains("\nnot read: 4 damaged lines\n"), "{out}");
}

#[test]
fn a_compressed_file_that_is_cut_off_is_told_and_replayed_up_to_there() {
    let desk = Desk::new(CONFIG);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    gzip.write_all(records(RECORD_HEADER, &vec![passed(); 2_000]).as_bytes()).expect("writes");
    let bytes = gzip.finish().expect("whole");
    desk.write("calls.csv.gz", &bytes[..bytes.len() / 2]);
    let told = desk.told(&[]);
    assert_eq!(told["damaged_lines"], 1);
    assert!(told["unchanged"]["calls"].as_u64().is_some_and(|calls| (1..2_000).contains(&calls)), "{told:#}");
}

#[test]
fn a_part_that_is_there_compressed_as_well_is_judged_once() {
    let desk = Desk::with(CONFIG, &[passed()]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(records(RECORD_HEADER, &[passed()]).as_bytes()).expect("writes");
    desk.write("calls-20261125.csv.gz", &gzip.finish().expect("whole"));
    let told = desk.told(&[]);
    assert_eq!((&told["files"], &told["calls"]), (&json!(1), &json!(1)));
}

#[test]
fn calls_refused_with_603_plus_are_one_change_whatever_their_redress_ids_are() {
    let config = CONFIG
        .replacen("class = \"personal\"", "class = \"reputation\"", 1)
        .replace("action = \"decline\"", "action = \"decline\"\nmode = \"off\"");
    let refused = |id: &str| declined().with("reason", &format!("v=analytics1;url=https://a.example;id={id}"));
    let desk = Desk::with(&config, &[refused("69c3ce40-0000000000b17f3a"), refused("69c3ce41-0000000000b17f3b")]);
    let told = desk.told(&[]);
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(1), "{told:#}");
    assert_eq!(told["changes"][0]["before"]["reason"], "v=analytics1;url=https://a.example");
}

#[test]
fn what_counts_of_other_calls_decided_is_not_certain_and_fails_nothing() {
    let campaign = "lists = [\"default\"]\nheader = { name = \"X-Campaign\", value = \"spring\" }";
    let limited = CONFIG.replace(campaign, "attempts = \"1/24h\"");
    let refused = presented().with("verdict", "decline").with("rule", "spring").with("status", "603");
    let refused = refused.with("reason", "Too many attempts").with("to_trunk", "").with("route", "");
    let refused = refused.with("presented", "");
    let then = Desk::with(&limited, &[refused]);
    let now = Desk::with(&limited, &[presented(), presented()]);
    let capped =
        CONFIG.replace("pool = \"ours\"", "pool = \"ours\", per_day = 1").replace(campaign, "lists = [\"default\"]");
    let shown = Desk::with(&capped, &[presented(), presented()]);
    for desk in [then, now, shown] {
        let told = desk.told(&["--fail-on-change"]);
        assert_eq!(told["decided_by_counts"], json!({"changed": 1, "unchanged": 0}), "{told:#}");
        assert_eq!(told["changed"], json!({"calls": 1, "not_certain": 1}));
        assert!(desk.run(&["."]).1.contains("not certain: 1 call: attempts, or showings and rests"));
    }
    let other = presented().with("verdict", "decline").with("rule", "spring").with("reason", "Outside calling hours");
    assert_eq!(Desk::with(&limited, &[other]).run(&[".", "--fail-on-change"]).0, End::Changed);
}

#[test]
fn a_gate_does_not_pass_on_nothing() {
    let empty = Desk::with(CONFIG, &[]);
    let (end, _, err) = empty.run(&[".", "--fail-on-change"]);
    assert!(end == End::Refused && err.starts_with("no call was judged again"), "{err}");
    assert_eq!(empty.run(&["."]).0, End::Done);
    let damaged = Desk::with(CONFIG, &[passed(), passed().with("draw", "")]);
    let (end, _, err) = damaged.run(&[".", "--fail-on-change"]);
    assert!(end == End::Refused && err.starts_with("some lines of the records cannot be read"), "{err}");
    let state = damaged.0.path().join("missing");
    let (end, _, err) = damaged.run(&[".", "--state", state.to_str().expect("UTF-8")]);
    assert!(end == End::Refused && err.contains("missing: no database"), "{err}");
}

#[test]
fn what_is_no_record_file_ends_with_1() {
    let desk = Desk::new(CONFIG);
    desk.write("other.csv", b"number,name\n1,2\n");
    let path = desk.0.path().join("other.csv");
    let (end, out, err) = desk.run(&["other.csv"]);
    assert_eq!((end, out.as_str()), (End::Refused, ""));
    assert!(err.starts_with(&format!("{}: the first line is no header of records", path.display())), "{err}");
    let (end, _, err) = desk.run(&["missing.csv"]);
    assert_eq!(
        (end, err),
        (End::Refused, format!("{}: entity not found\n", desk.0.path().join("missing.csv").display()))
    );
    let empty = Desk::new(CONFIG);
    assert!(empty.run(&["."]).2.ends_with("no record files: expected .csv or .csv.gz\n"));
}

#[test]
fn a_candidate_with_mistakes_ends_as_check_does() {
    let desk = Desk::with(&CONFIG.replace("to = \"pbx\"", "to = \"pxb\""), &[passed()]);
    let (end, out, err) = desk.run(&["."]);
    assert_eq!((end, out.as_str()), (End::Mistakes, ""));
    assert!(err.contains("candidate.toml:") && err.contains("did you mean \"pbx\"?"), "{err}");
    fs::remove_file(desk.0.path().join("candidate.toml")).expect("it was there");
    assert_eq!(desk.run(&["."]).0, End::Unusable);
}

#[test]
fn run_time_edits_lie_over_the_lists_where_a_state_folder_has_them() {
    let desk = Desk::with(CONFIG, &[passed()]);
    let state = desk.0.path().join("elsewhere");
    let (store, _) = store::Store::open(&store::Config { dir: state.clone() }).expect("a store");
    let writer = store.start(Accepting).expect("a thread");
    let entry = Entry::parse("48600100201", &DialPlan::default()).expect("an entry");
    let edit = Edit { list: "default".into(), entry, change: Change::Put(Details::default()) };
    let swap = |action, steps, since| store::Swap {
        actor: "anna".into(),
        at: Default::default(),
        reason: None,
        since,
        action,
        list: None,
        steps,
        prepare: Box::new(|_, _| Some(Box::new(|| {}))),
    };
    let off = Setting::Trunk { name: "carrier".into(), state: TrunkState::Off };
    let trunk = store::Step::Set(off);
    writer.swap(swap(Action::Off, vec![trunk], 0)).expect("stored");
    let proposal = store::Proposal {
        actor: "anna".into(),
        at: Default::default(),
        reason: None,
        edits: vec![edit],
        condition: Default::default(),
    };
    writer.submit(proposal).expect("taken").blocking_recv().expect("an answer").expect("stored");
    // Beside the daemon that has it open.
    let state = state.to_str().expect("UTF-8");
    let told = desk.told(&["--state", state]);
    assert_eq!((&told["edits_included"], &told["generation"]), (&json!(true), &json!(2)));
    assert_eq!(told["changes"][0]["by"]["name"], "hotline", "and no trunk is closed");
    let told = desk.told(&[]);
    assert_eq!((&told["edits_included"], &told["changed"]["calls"]), (&json!(false), &json!(0)));
    assert!(desk.run(&["."]).1.contains("without run-time edits: there is no state folder that says them"));
    drop(writer);
}

/// Takes any edit.
struct Accepting;

impl store::Published for Accepting {
    fn holds(&self, _: &Edit) -> Result<bool, store::Refusal> {
        Ok(false)
    }

    fn details(&self, _: &str, _: &Entry) -> Option<Details> {
        None
    }

    fn publish(&mut self, _: &[Edit], _: u64) {}
}
