use std::fs;
use std::net::TcpListener;

use tempfile::TempDir;

use super::*;
use crate::admin::tests::{Fake, Served};
use crate::admin::{self, Backend};

const OPS: &str = "[[token]]\nname = \"ops\"\ntoken = \"0123456789abcdef\"\n";
const CRM: &str = "[[token]]\nname = \"crm\"\ntoken = \"fedcba9876543210\"\n";
/// printf 'a secret of two words' | sha256sum
const HASHED: &str = "[[token]]\nname = \"hashed\"\n\
    sha256 = \"9eda5f30e14421325e659824a2bd00f081de694d0195a2796717d70086dc0049\"\n";

/// A daemon with tokens, and its config.
fn guarded(tokens: &str) -> (Served, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("admin-tokens.toml");
    fs::write(&path, tokens).expect("writes");
    let config = admin::Config { listen: "127.0.0.1:0".parse().expect("an address"), tokens: Some(path) };
    let served = Served::with_config(Fake::default(), &config);
    configure(&dir, &format!("listen = \"{}\"\ntokens = \"admin-tokens.toml\"\n", served.address));
    (served, dir)
}

/// The config's lists need not be there.
fn configure(dir: &TempDir, admin: &str) {
    let list = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"nonexistent.csv\"\n";
    fs::write(dir.path().join("r.toml"), format!("[admin]\n{admin}{list}")).expect("writes");
}

fn by_config(dir: &TempDir, words: &[&str], token: Option<&str>) -> (End, String, String) {
    run(&dir.path().join("r.toml"), &[&["list", "add", "default", "600100200"], words].concat(), token)
}

fn actors(served: &Served) -> Vec<String> {
    served.backend.told().into_iter().map(|(_, actor, _)| actor).collect()
}

#[test]
fn address_and_token_are_those_of_the_config() {
    let (served, dir) = guarded(&[OPS, HASHED].concat());
    assert_eq!(by_config(&dir, &[], None).0, End::Done);
    assert_eq!(actors(&served), ["ops"]);
}

#[test]
fn of_several_tokens_one_is_chosen_by_name() {
    let (served, dir) = guarded(&[OPS, CRM].concat());
    let (end, _, err) = by_config(&dir, &[], None);
    let expected = "the config's file of tokens holds several: choose one by --as ops|crm\n";
    assert_eq!((end, err.as_str()), (End::Unusable, expected));
    assert_eq!(by_config(&dir, &["--as", "crm"], None).0, End::Done);
    assert_eq!(actors(&served), ["crm"]);
}

#[test]
fn a_token_that_is_only_known_by_its_digest_must_be_given() {
    let (served, dir) = guarded(&[OPS, HASHED].concat());
    let (end, _, err) = by_config(&dir, &["--as", "hashed"], None);
    assert_eq!(end, End::Unusable);
    assert!(err.contains("--token-file") && err.contains("RINGFENCE_TOKEN"), "{err}");
    assert_eq!(by_config(&dir, &[], Some("a secret of two words")).0, End::Done);
    let file = dir.path().join("token");
    fs::write(&file, "fedcba9876543210\n").expect("writes");
    let file = file.to_str().expect("UTF-8");
    // What is given on the command line wins over the environment.
    let (end, _, err) = by_config(&dir, &["--token-file", file], Some("a secret of two words"));
    assert_eq!((end, err.as_str()), (End::Refused, "the token is not known\n"));
    fs::write(file, "0123456789abcdef\n").expect("writes");
    assert_eq!(by_config(&dir, &["--token-file", file], Some("a secret of two words")).0, End::Done);
    assert_eq!(actors(&served), ["hashed", "ops"]);
    let (end, _, err) = by_config(&dir, &["--token-file", "/nonexistent/token"], None);
    assert_eq!((end, err.as_str()), (End::Refused, "/nonexistent/token: entity not found\n"));
}

#[test]
fn the_config_s_token_is_sent_to_nobody_else() {
    let (served, dir) = guarded(OPS);
    let url = format!("http://{}", served.address);
    let (end, _, err) = by_config(&dir, &["--url", &url], None);
    assert_eq!((end, err.as_str()), (End::Refused, "a token is required\n"));
    assert_eq!(by_config(&dir, &["--url", &url], Some("0123456789abcdef")).0, End::Done);
}

#[test]
fn a_daemon_that_is_not_there_ends_with_3() {
    let dir = tempfile::tempdir().expect("a directory");
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    configure(&dir, &format!("listen = \"{address}\"\n"));
    let (end, out, err) = by_config(&dir, &[], None);
    assert_eq!((end, end.code(), out.as_str()), (End::Unreachable, 3, ""));
    assert_eq!(err, format!("the daemon cannot be reached at http://{address}: connection refused\n"));
}

#[test]
fn a_daemon_that_listens_on_all_addresses_is_reached_on_its_own() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("admin-tokens.toml");
    fs::write(&path, OPS).expect("writes");
    let config = admin::Config { listen: "0.0.0.0:0".parse().expect("an address"), tokens: Some(path) };
    let served = Served::with_config(Fake::default(), &config);
    configure(&dir, &format!("listen = \"{}\"\ntokens = \"admin-tokens.toml\"\n", served.address));
    assert_eq!(by_config(&dir, &[], None).0, End::Done);
    assert_eq!(served.backend.world().generation, 8);
}

#[test]
fn a_config_or_address_that_is_none_ends_with_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let (end, _, err) = by_config(&dir, &[], None);
    assert_eq!((end, end.code()), (End::Unusable, 2));
    assert!(err.contains("r.toml cannot be read"), "{err}");
    configure(&dir, "listn = 1\n");
    let (end, _, err) = by_config(&dir, &[], None);
    assert_eq!(end, End::Unusable);
    assert!(err.contains("unknown key \"listn\""), "{err}");
    for url in ["https://127.0.0.1:8060", "127.0.0.1:8060", "http://", "http://a b"] {
        let (end, _, err) = by_config(&dir, &["--url", url], None);
        assert_eq!(
            (end, err.as_str()),
            (End::Unusable, "--url: expected an address such as http://127.0.0.1:8060\n"),
            "{url}"
        );
    }
}

#[test]
fn what_makes_no_sense_together_is_refused_before_anybody_is_asked() {
    for words in [
        &["list"][..],
        &["list", "add", "default"],
        &["list", "make", "x"],
        &["list", "make", "x", "--class", "dnd"],
        &["list", "import", "x"],
        &["list", "show", "--search", "1"],
        &["list", "log", "--number", "1", "--entry", "1"],
        &["list", "at", "now"],
    ] {
        let error = Arguments::try_parse_from([&["ringfence"], words].concat()).expect_err("no arguments");
        assert_eq!(error.exit_code(), 2, "{words:?}");
    }
}
