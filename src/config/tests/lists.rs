//! `[[list]]`, what stands in it and in its files, and the lists that were made at run time.

use std::path::Path;

use super::*;
use crate::screen::RuleError;

#[test]
fn lists_come_from_files_and_from_the_config_together() {
    let text = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"sub/l.csv\"\nentries = [\"4870*\", \"anonymous\"]\n\
                columns = { number = 2 }\n";
    let loaded = read(text, &[("sub/l.csv", "a,48221110001\nb,221110002\n")]).expect("good");
    let list = loaded.lists.get("l").expect("a list");
    assert_eq!(list.len(), 4);
    assert_eq!(list.source(), Some(Path::new("dir/sub/l.csv")));
}

#[test]
fn an_unreadable_list_file_is_told_with_path_and_reason() {
    let found = mistakes("[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"none.csv\"\n", &[]);
    assert_eq!(found, ["dir/r.toml:4:8: dir/none.csv cannot be read: entity not found"]);
}

#[test]
fn each_bad_row_of_a_list_file_is_told_with_file_line_and_column() {
    let text = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"l.csv\"\n";
    let rows = "number,date\n48221110001,2026-01-01\n\"4,86E+10\",2026-01-01\n48221110003,soon\n";
    let found = mistakes(text, &[("l.csv", rows)]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("dir/l.csv:3:1: `4,86E+10`: "), "{found:?}");
    assert!(found[1].starts_with("dir/l.csv:4:2: `soon`: "), "{found:?}");
}

#[test]
fn a_missing_column_is_told() {
    let text = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"l.csv\"\ncolumns = { number = \"phone\" }\n";
    let found = mistakes(text, &[("l.csv", "number,date\n48221110001,2026-01-01\n")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("dir/l.csv:1:1: "), "{found:?}");
    assert!(found[0].contains("phone"), "{found:?}");
}

#[test]
fn options_of_a_list_are_checked_where_they_stand() {
    let list = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"l\"\n";
    let files = [("l", "212,5550142\n")];
    for (text, told) in [
        ("format = \"ftc\"\ncolumns = { number = 2 }\n", "dir/r.toml:6:11: `columns` means nothing with format"),
        ("format = \"ftc\"\nskip_limit = 5\n", "dir/r.toml:6:14: `skip_limit` counts rows"),
        ("format = \"xls\"\n", "dir/r.toml:5:10: unknown variant `xls`, expected one of `csv`, `ftc`, `tps`, `uke`"),
        ("format = \"ftc\"\nmax_change = \"150%\"\n", "dir/r.toml:6:14: expected a percentage above 0 and at most 100"),
        ("format = \"ftc\"\nmax_age = \"soon\"\n", "dir/r.toml:6:11: expected a time such as \"31d\""),
        ("format = \"ftc\"\nmin_prefix = 16\n", "dir/r.toml:6:14: 16 is no number of digits for a prefix"),
        ("encoding = \"cp9\"\n", "dir/r.toml:5:12: \"cp9\" is no character encoding"),
    ] {
        let found = mistakes(&format!("{list}{text}"), &files);
        assert!(found.first().is_some_and(|first| first.starts_with(told)), "{text}: {found:?}");
    }
    let loaded = read(&format!("[lists]\nthreads = 2\n{list}format = \"ftc\"\n"), &files).expect("good");
    assert_eq!((loaded.settings.lists.threads, loaded.settings.lists.watch), (2, false));
    assert_eq!(loaded.lists.get("l").map(|list| list.len()), Some(1));
}

#[test]
fn two_lists_of_one_name_are_a_mistake() {
    let list = "[[list]]\nname = \"l\"\nclass = \"dnc\"\n";
    let found = mistakes(&format!("{list}{list}"), &[]);
    assert_eq!(found, ["dir/r.toml:5:8: there is a list \"l\" already"]);
}

#[test]
fn a_pool_with_another_entry_is_a_mistake() {
    let found = mistakes("[[list]]\nname = \"p\"\nclass = \"pool\"\nentries = [\"48221110001\", \"4822*\"]\n", &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("dir/r.toml:2:8: "), "{found:?}");
}

#[test]
fn a_list_may_have_its_own_dial_plan() {
    let text = "[[list]]\nname = \"uk\"\nclass = \"dnc\"\ncountry = \"44\"\nnational = \"0\"\nnational_length = [10]\n\
                entries = [\"020 7946 0000\"]\n";
    let loaded = read(text, &[]).expect("good");
    let list = loaded.lists.get("uk").expect("a list");
    let number = crate::number::Number::new(442_079_460_000).expect("a number");
    assert!(list.contains(&crate::lists::Entry::Number(number)));
}

#[test]
fn rules_are_checked_even_when_a_list_file_is_bad() {
    let text = format!(
        "{TRUNK}[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"none.csv\"\n\
         [[inbound]]\nname = \"r\"\nlists = [\"l\"]\ntrunks = [\"carier\"]\n"
    );
    let found = read(&text, &[]).expect_err("mistakes");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(matches!(found[0].mistake, Mistake::Unreadable { kind: io::ErrorKind::NotFound, .. }));
    assert!(matches!(found[1].mistake, Mistake::Rule(RuleError::Unknown { .. })));
}
