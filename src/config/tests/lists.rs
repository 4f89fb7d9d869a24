//! `[[list]]`, what stands in it and in its files, and the lists that were made at run time.

use std::path::Path;

use super::*;
use crate::lists::{Base, BaseBuilder, Details, Entry, Format, List, Lists, Percent, WhenStale};
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

#[test]
fn a_number_of_never_block_is_refused_in_every_format_with_its_line() {
    let never_block = "[numbers]\nnever_block = [\"112\", \"+12125550911\", \"+441962999999\"]\n";
    for (format, rows, told) in [
        ("csv", "number\n48221110001\n+48112\n", "dir/l:3:1: `+48112`"),
        ("csv", "48221110001\n1212*\n", "dir/l:2:1: `1212*`"),
        ("csv", "48221110001\n12125550000-12125559999\n", "dir/l:2:1: `12125550000-12125559999`"),
        ("uke", "221110001,2026-03-25\n112,2026-03-25\n", "dir/l:2:1: `112`"),
        ("ftc", "212,5550142\n212,5550911\n", "dir/l:2:1: `212,5550911`"),
        ("tps", "01962 123456\n01962 999999\n", "dir/l:2:1: `01962 999999`"),
    ] {
        for on_error in ["fail", "skip"] {
            let text = |class: &str| {
                format!(
                    "{never_block}[[list]]\nname = \"l\"\nclass = \"{class}\"\nformat = \"{format}\"\nfile = \"l\"\n\
                     on_error = \"{on_error}\"\n"
                )
            };
            let found = mistakes(&text("dnc"), &[("l", rows)]);
            assert_eq!(found, [format!("{told}: numbers.never_block holds it: no list may")], "{format} {on_error}");
            assert_eq!(mistakes(&text("allow"), &[("l", rows)]), [""; 0], "{format} {on_error}");
        }
    }
}

#[test]
fn a_number_of_never_block_is_refused_in_change_files_and_in_tables() {
    let ftc = "[numbers]\nnever_block = [\"+12125550911\"]\n[[list]]\nname = \"l\"\nclass = \"dnc\"\nformat = \"ftc\"\n\
               file = \"l\"\nchanges = [\"c\"]\n";
    let added = mistakes(ftc, &[("l", "212,5550142\n"), ("c", "212,5550143,A\n212,5550911,A\n")]);
    assert_eq!(added, ["dir/c:2:1: `212,5550911,A`: numbers.never_block holds it: no list may"]);
    assert_eq!(mistakes(ftc, &[("l", "212,5550142\n"), ("c", "212,5550911,D\n")]), [""; 0]);
    let table =
        |class: &str| format!("[[list]]\nname = \"l\"\nclass = \"{class}\"\nentries = [\"4870*\", \"0048112\"]\n");
    let told = ["dir/r.toml:4:21: `0048112`: numbers.never_block holds it: no list may"];
    for class in ["personal", "dnc", "dno", "reputation", "pool"] {
        assert!(mistakes(&table(class), &[]).contains(&told[0].to_owned()), "{class}");
    }
    assert_eq!(mistakes(&table("allow"), &[]), [""; 0]);
}

#[test]
fn what_a_trunk_dials_as_an_emergency_number_is_refused_too() {
    let trunk = format!("{TRUNK}country = \"44\"\nnational = \"0\"\n");
    let text = format!("{trunk}[numbers]\nnever_block = [\"221110001\"]\n");
    let list = |entry: &str| format!("{text}[[list]]\nname = \"l\"\nclass = \"dnc\"\nentries = [\"{entry}\"]\n");
    for entry in ["48221110001", "44221110001", "44221110000-44221110009", "442*"] {
        assert_eq!(mistakes(&list(entry), &[]).len(), 1, "{entry}");
    }
    for entry in ["49221110001", "44221110002", "443*", "anonymous"] {
        assert_eq!(mistakes(&list(entry), &[]), [""; 0], "{entry}");
    }
}

#[test]
fn rows_beyond_the_first_hundred_are_counted_by_kind_behind_the_others() {
    let text = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"l\"\n";
    let rows = "22x\n".repeat(101) + "221110001,soon\n" + "112\n";
    let found = mistakes(text, &[("l", &rows)]);
    assert_eq!(found.len(), 101);
    assert!(found[0].starts_with("dir/l:1:1: `22x`: "), "{found:?}");
    assert_eq!(found[99], "dir/l:103:1: `112`: numbers.never_block holds it: no list may");
    assert_eq!(found[100], "dir/l: 3 more rows are wrong; altogether 1 never-block, 101 letter, 1 date");
}

#[test]
fn more_bad_rows_than_may_be_skipped_are_told_one_by_one_and_with_the_limit() {
    let text = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"l\"\non_error = \"skip\"\nskip_limit = 1\n";
    let found = mistakes(text, &[("l", "22x\n221110001\n23x\n")]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[1].starts_with("dir/l:3:1: `23x`: "), "{found:?}");
    assert_eq!(found[2], "dir/l: 2 bad rows, but `skip_limit` is 1");
    let loaded = read(text, &[("l", "22x\n221110001\n")]).expect("good");
    assert_eq!(entries(&loaded, "l"), ["48221110001"]);
    let told = &loaded.origins["l"].told[0];
    assert_eq!((told.skipped.total, told.skipped.rows[0].line), (1, 1));
    assert_eq!(told.to_string(), "2 rows, 1 rows skipped: 1 letter");
}

#[test]
fn an_unreadable_change_file_is_told_where_the_config_names_it() {
    let text =
        "[[list]]\nname = \"l\"\nclass = \"dnc\"\nformat = \"ftc\"\nfile = \"l\"\nchanges = [\"one\", \"two\"]\n";
    let found = mistakes(text, &[("l", "212,5550142\n"), ("one", "212,5550143\n")]);
    assert_eq!(found, ["dir/r.toml:6:19: dir/two cannot be read: entity not found"]);
}

#[test]
fn what_a_list_is_asked_for_is_kept_beside_it() {
    let text =
        "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"l\"\nmax_change = 30\nmax_age = \"7d\"\nstale = \"pass\"\n";
    let loaded = read_with(text, &[("l", "221110001\n")], &[("made", Class::Dnc)]).expect("good");
    let origin = &loaded.origins["l"];
    assert_eq!(
        (origin.max_change.map(Percent::get), origin.when_stale, origin.made),
        (Some(30.0), WhenStale::Pass, false)
    );
    assert_eq!((origin.format, origin.max_age), (Format::Csv, Some(std::time::Duration::from_secs(7 * 24 * 3600))));
    assert!(!origin.from_snapshot && origin.notices.is_empty());
    let made = |list: &str| (loaded.origins[list].made, loaded.origins[list].record.files.len());
    assert_eq!((made("default"), made("made")), ((false, 0), (true, 0)));
}

#[test]
fn rules_may_name_lists_that_were_made_at_run_time() {
    let text = format!("{TRUNK}[[inbound]]\nname = \"r\"\nlists = [\"made\"]\n");
    let found = mistakes(&text, &[]);
    assert_eq!(found, ["dir/r.toml:7:10: there is no list \"made\""]);
    let loaded = read_with(&text, &[], &[("made", Class::Personal)]).expect("good");
    assert_eq!(loaded.lists.get("made").map(|list| (list.class(), list.len())), Some((Class::Personal, 0)));
    // What may not block, may not when it was made at run time either.
    let errors = read_with(&text, &[], &[("made", Class::Allow)]).expect_err("a mistake");
    assert!(matches!(&errors[..], [ConfigError { mistake: Mistake::Rule(RuleError::NotBlocking { .. }), .. }]));
}

#[test]
fn lists_that_were_made_come_after_the_config_s_and_yield_to_them() {
    let text = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nentries = [\"221110001\"]\n";
    let made =
        [("b", Class::Dnc), ("l", Class::Allow), ("a", Class::Pool), ("default", Class::Dno), ("b", Class::Allow)];
    let loaded = read_with(text, &[], &made).expect("good");
    let lists: Vec<_> = loaded.lists.iter().map(|(_, list)| (&**list.name(), list.class(), list.len())).collect();
    let expected = [("l", Class::Dnc, 1), ("default", Class::Personal, 0), ("b", Class::Dnc, 0), ("a", Class::Pool, 0)];
    assert_eq!(lists, expected);
    assert!(!loaded.origins["l"].made && !loaded.origins["default"].made && loaded.origins["a"].made);
}

#[test]
fn a_source_is_asked_for_lists_without_a_file_too() {
    struct Remembered(Arc<Base>);
    impl ListSource for Remembered {
        fn base(&mut self, request: &BaseRequest<'_>) -> Result<Sourced, BaseError> {
            let sourced = InMemory::new().base(request)?;
            Ok(if &**request.name == "made" { Sourced { base: Arc::clone(&self.0), ..sourced } } else { sourced })
        }
    }
    let mut builder = BaseBuilder::new();
    builder.push(Entry::Anonymous, &Details::default());
    let mut source = Remembered(Arc::new(builder.build()));
    let loaded = parse(Path::new("r.toml"), "", &[("made".into(), Class::Dnc)], &mut source).expect("good");
    assert_eq!((entries(&loaded, "made"), entries(&loaded, "default")), (vec!["anonymous".to_owned()], vec![]));
}

#[test]
fn the_rules_are_compiled_again_when_a_list_is_made_or_removed() {
    let text = format!(
        "{TRUNK}[[list]]\nname = \"p\"\nclass = \"pool\"\nentries = [\"221110001\"]\n\
         [[route]]\nname = \"out\"\nto = \"carrier\"\npresent = {{ pool = \"p\" }}\n\
         [[inbound]]\nname = \"r\"\nlists = [\"made\"]\n"
    );
    let loaded = read_with(&text, &[], &[("made", Class::Dnc)]).expect("good");
    let excluded =
        |policy: &crate::screen::Policy| policy.routes[0].present.as_ref().map(|present| present.exclude.len());
    assert_eq!(excluded(&loaded.policy), Some(2));
    let lists = |more: &[&str]| {
        let own = ["p", "default"].iter().filter_map(|name| loaded.lists.get(name)).cloned();
        let more = more.iter().map(|name| List::new((*name).into(), Class::Dnc, None, Arc::new(Base::default())));
        Lists::new(own.chain(more).collect()).expect("names of their own")
    };
    let (policy, warnings) = loaded.rules.compile(&lists(&["made", "another"])).expect("good");
    assert_eq!((excluded(&policy), warnings), (Some(3), loaded.warnings.clone()));
    let errors = loaded.rules.compile(&lists(&["another"])).expect_err("a rule names it");
    assert_eq!(errors[0].to_string(), "dir/r.toml:15:10: there is no list \"made\"");
}
