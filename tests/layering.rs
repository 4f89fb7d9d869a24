//! A module uses only modules of the rows below its own. Every `crate::x` and `super::` path in `src/` is read, in code
//! and not only in `use` lines, and resolved to the top-level module that it names.

use std::fs;
use std::path::{Path, PathBuf};

/// From top to bottom. Modules of one row do not use each other, save those of the first.
const ROWS: [&[&str]; 6] = [
    &["main", "cli", "app", "config"],
    &["net", "admin", "store", "records"],
    &["engine"],
    &["transaction", "screen", "reach"],
    &["sip", "lists", "usage"],
    &["number", "prehashed", "redact", "slots", "text", "counters", "flow", "time"],
];

/// The rows whose modules may use each other: all of the program is wired there.
const WIRING: usize = 0;

#[test]
fn no_module_uses_one_of_its_own_row_or_above() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let place = module_path(&path);
        wrong.extend(upward(&place, &text).into_iter().map(|used| format!("{} uses {used}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_exactly_one_row() {
    let mut modules: Vec<String> = sources().iter().map(|(path, _)| module_path(path)[0].clone()).collect();
    modules.retain(|module| module != "lib");
    modules.sort();
    modules.dedup();
    let mut named: Vec<&str> = ROWS.concat();
    named.sort_unstable();
    assert_eq!(modules, named);
}

#[test]
fn a_planted_violation_is_found_in_whatever_form_it_stands() {
    let in_sip = |text: &str| upward(&["sip".into(), "scan".into()], text);
    assert_eq!(in_sip("use crate::engine::Engine;"), ["engine"]);
    assert_eq!(in_sip("use crate::{flow::Flow, screen::{World, decide}, transaction};"), ["screen", "transaction"]);
    assert_eq!(in_sip("fn f() -> crate::net::Post { crate :: store :: open() }"), ["net", "store"]);
    assert_eq!(in_sip("let x = super::super::screen::decide();"), ["screen"]);
    assert_eq!(in_sip("use super::super::{engine as e, number};"), ["engine"]);
    assert_eq!(in_sip("use ringfence::usage::Usage;"), ["usage"]);
    assert_eq!(in_sip("pub(in crate::sip) fn f() { crate::lists::read_csv() }"), ["lists"]);
    assert_eq!(in_sip("vec![crate::cli::main]; /* crate::app */ // crate::admin\n \"crate::config\""), ["cli"]);
    assert_eq!(in_sip("mod tests { use super::super::super::usage::Usage; }"), ["usage"]);
    assert_eq!(in_sip("'\"'; use crate::usage::Usage; '\"'"), ["usage"]);
    let in_engine = |text: &str| upward(&["engine".into()], text);
    assert_eq!(in_engine("use super::config::load;"), ["config"]);
    assert_eq!(in_engine("use super::{net, sip};"), ["net"]);
    assert_eq!(in_engine("mod inner { use super::net; use super::super::admin; }"), ["admin"]);
}

#[test]
fn a_path_downward_or_within_a_module_is_none() {
    let in_screen = |text: &str| upward(&["screen".into(), "compile".into()], text);
    for text in [
        "use crate::sip::Uri; use crate::{number::Number, lists::{Entry, Lists}, usage};",
        "use super::policy::Policy; use super::super::lists::Entry;",
        "crate::screen::decide()",
        "macro_rules! m { () => { $crate::number::Number } }",
    ] {
        assert!(upward(&["screen".into(), "compile".into()], text).is_empty(), "{text}");
    }
    assert!(in_screen("use super::config::RuleConfig;").is_empty(), "a submodule may have the name of a module");
    assert!(upward(&["cli".into()], "use crate::app; use crate::config;").is_empty());
}

/// The modules that a file of the module `place` must not use and does, in the order of their appearance.
fn upward(place: &[String], text: &str) -> Vec<String> {
    let own = row(&place[0]);
    let mut found = Vec::new();
    for module in used(place, &code_of(text)) {
        let allowed = match (own, row(&module)) {
            _ if module == place[0] => true,
            (Some(WIRING), Some(_)) | (None, _) | (_, None) => true,
            (Some(own), Some(other)) => other > own,
        };
        if !allowed && !found.contains(&module) {
            found.push(module);
        }
    }
    found
}

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// The top-level modules that code names by `crate::`, `ringfence::` or enough `super::`.
fn used(place: &[String], code: &str) -> Vec<String> {
    let words = words(code);
    let mut found = Vec::new();
    // How many braces are open, and at which of them inline modules began.
    let (mut depth, mut inline) = (0_usize, Vec::new());
    let mut at = 0;
    while at < words.len() {
        match words[at].as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.retain(|&began| began < depth);
            }
            "mod" if words.get(at + 2).is_some_and(|word| word == "{") => inline.push(depth),
            "crate" | "ringfence" if next_is_path(&words, at) => heads(&words[at + 2..], &mut found),
            "super" if next_is_path(&words, at) && (at == 0 || words[at - 1] != "::") => {
                let mut supers = 1;
                while words.get(at + 2 * supers).is_some_and(|word| word == "super") {
                    supers += 1;
                }
                if supers == place.len() + inline.len() && words[at + 2 * supers - 1] == "::" {
                    heads(&words[at + 2 * supers..], &mut found);
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn next_is_path(words: &[String], at: usize) -> bool {
    words.get(at + 1).is_some_and(|word| word == "::")
}

/// The first names of a path, or of each path in a braced list.
fn heads(words: &[String], found: &mut Vec<String>) {
    if words.first().is_some_and(|word| word == "{") {
        let mut depth = 0;
        for (at, word) in words.iter().enumerate() {
            match word.as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                name if depth == 1 && matches!(words[at - 1].as_str(), "{" | ",") => found.push(name.to_owned()),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    } else {
        found.extend(words.first().cloned());
    }
}

/// Identifiers, `::`, and other marks one by one.
fn words(code: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(char) = chars.next() {
        if char.is_alphanumeric() || char == '_' {
            let mut word = String::from(char);
            while let Some(next) = chars.next_if(|next| next.is_alphanumeric() || *next == '_') {
                word.push(next);
            }
            words.push(word);
        } else if char == ':' && chars.next_if_eq(&':').is_some() {
            words.push("::".to_owned());
        } else if !char.is_whitespace() {
            words.push(char.to_string());
        }
    }
    words
}

/// The text without comments, and with empty literals.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if char == 'r' && !code.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
            raw_string(rest)
        } else if char == '"' {
            string(rest)
        } else if char == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped == 0 {
            code.push(char);
            rest = &rest[char.len_utf8()..];
        } else {
            code.push(' ');
            rest = &rest[skipped..];
        }
    }
    code
}

/// The length of `"…"`.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of `r#"…"#` with any number of hashes; 0 when it is something else.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|char| *char == '#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let begin = 2 + hashes;
    text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len())
}

/// The length of a character literal; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(0, |end| 3 + end + 1),
        Some(_) => chars.next().filter(|(_, char)| *char == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// `src/engine/shard.rs` is `["engine", "shard"]`; `src/engine/mod.rs` is `["engine"]`.
fn module_path(path: &Path) -> Vec<String> {
    let inside = path.strip_prefix(root()).expect("a file of src").with_extension("");
    let mut parts: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.len() > 1 && parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                files.push((path, text));
            }
        }
    }
    assert!(files.len() > 50, "the sources are where they were");
    files
}
