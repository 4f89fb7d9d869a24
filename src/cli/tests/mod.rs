mod files;
mod lists;
mod reaching;
mod replay;
mod rules;
mod run_time;
mod trunks;

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use clap::Parser;

use super::{Arguments, Command, End, Screen, check, explain};
use crate::admin::tests::Served;

/// What is typed where somebody is asked to.
const TYPED: &str = "48600100200\n48600100201\n";

/// Runs a command that asks the daemon: how it ended, and what it wrote to either side.
fn run(config: &Path, words: &[&str], token: Option<&str>) -> (End, String, String) {
    let arguments = Arguments::try_parse_from([&["ringfence"], words].concat()).expect("arguments");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let stdin = || -> Box<dyn Read + Send> { Box::new(Cursor::new(TYPED)) };
    let mut screen = Screen { out: &mut out, err: &mut err, stdin, progress: false };
    let command = arguments.command.expect("a command");
    let end = super::ask(config, &command, token.map(str::to_owned), &mut screen).expect("writes");
    (end, String::from_utf8(out).expect("UTF-8"), String::from_utf8(err).expect("UTF-8"))
}

/// The same of a daemon whose config nobody can read.
fn of(served: &Served, words: &[&str]) -> (End, String, String) {
    let url = format!("http://{}", served.address);
    run(Path::new("/nonexistent/r.toml"), &[words, &["--url", &url]].concat(), None)
}

/// What it writes when it works and has nothing to remark.
#[track_caller]
fn done(served: &Served, words: &[&str]) -> String {
    let (end, out, err) = of(served, words);
    assert_eq!((end, err.as_str()), (End::Done, ""), "{out}");
    out
}

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/ringfence.toml")
}

fn ask(config: &Path, words: &[&str]) -> (End, String, String) {
    let arguments = Arguments::try_parse_from([&["ringfence", "explain"], words].concat()).expect("arguments");
    let Some(Command::Explain(call)) = arguments.command else { panic!("no explain") };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let end = explain::explain(config, &call, &mut out, &mut err).expect("writes");
    (end, String::from_utf8(out).expect("UTF-8"), String::from_utf8(err).expect("UTF-8"))
}

#[test]
fn arguments_are_consistent() {
    use clap::CommandFactory;
    Arguments::command().debug_assert();
}

#[test]
fn without_a_command_the_sample_config_runs() {
    let arguments = Arguments::try_parse_from(["ringfence"]).expect("arguments");
    assert!(arguments.command.is_none());
    assert_eq!(arguments.config, Path::new("config/ringfence.toml"));
}

#[test]
fn the_config_may_be_named_after_the_command() {
    let arguments = Arguments::try_parse_from(["ringfence", "check", "--config", "x.toml"]).expect("arguments");
    assert_eq!(arguments.config, Path::new("x.toml"));
}

#[test]
fn check_of_the_sample_config_is_good_and_ends_with_0() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(check::check(&sample(), &mut out, &mut err).expect("writes"), End::Done);
    assert_eq!(String::from_utf8_lossy(&err), "");
    assert!(String::from_utf8_lossy(&out).contains("2 trunks, 3 lists with 26 entries, 2 routes"), "{out:?}");
}

#[test]
fn check_of_a_bad_config_names_file_line_and_column_and_ends_with_1() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("bad.toml");
    std::fs::write(&path, "[sip]\nlistn = []\n").expect("writes");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(check::check(&path, &mut out, &mut err).expect("writes"), End::Mistakes);
    let expected = format!("{}:2:1: unknown key \"listn\": did you mean \"listen\"?\n", path.display());
    assert_eq!(String::from_utf8_lossy(&err), expected);
}

#[test]
fn check_reads_the_tokens_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("r.toml");
    std::fs::write(&path, "[admin]\ntokens = \"none.toml\"\n").expect("writes");
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(check::check(&path, &mut out, &mut err).expect("writes"), End::Mistakes);
    assert!(String::from_utf8_lossy(&err).contains("admin.tokens: "), "{err:?}");
}

#[test]
fn check_of_a_missing_config_ends_with_2() {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(check::check(Path::new("/nonexistent/x.toml"), &mut out, &mut err).expect("writes"), End::Unusable);
    assert!(String::from_utf8_lossy(&err).contains("cannot be read"), "{err:?}");
}

#[test]
fn explain_shows_each_step_and_marks_the_one_that_decided() {
    let words =
        ["--from", "+48221230001", "--to", "48225550101", "--trunk", "pbx", "--header", "X-Campaign:spring-offer"];
    let (end, out, err) = ask(&sample(), &words);
    assert_eq!((end, err.as_str()), (End::Done, ""));
    assert!(
        out.contains("\n> campaign rule \"spring-offer\": list \"do-not-call\" holds the callee as 48225550101"),
        "{out}"
    );
    assert!(out.ends_with("= answered 603 Decline with Reason: SIP;cause=603;text=\"Do not call\"\n"), "{out}");
}

#[test]
fn explain_in_json_names_verdict_list_and_entry() {
    let words = [
        "--from",
        "anonymous",
        "--to",
        "225550195",
        "--trunk",
        "pbx",
        "--header",
        "x-campaign: spring-offer",
        "--json",
    ];
    let (end, out, _) = ask(&sample(), &words);
    assert_eq!(end, End::Done);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["verdict"], "decline");
    assert_eq!(json["status"], 603);
    assert_eq!(json["list"], "do-not-call");
    assert_eq!(json["entry"], "4822555019*");
    assert!(json["steps"].as_array().is_some_and(|steps| steps.iter().any(|step| step["decided"] == true)));
}

#[test]
fn explain_presents_the_number_that_a_record_s_draw_chooses() {
    let words = ["--from", "sip:alice@pbx", "--to", "tel:+48221112233", "--trunk", "pbx", "--draw", "7"];
    let (_, first, _) = ask(&sample(), &words);
    let (_, second, _) = ask(&sample(), &words);
    assert!(first.contains("presents 4822390"), "{first}");
    assert_eq!(first, second);
}

#[test]
fn explain_of_an_unknown_trunk_names_the_nearest_and_ends_with_2() {
    let (end, _, err) = ask(&sample(), &["--from", "1", "--to", "2", "--trunk", "carier"]);
    assert_eq!(end, End::Unusable);
    assert_eq!(err, "there is no trunk \"carier\": did you mean \"carrier\"?\n");
}
