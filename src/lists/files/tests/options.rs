//! What the options make of the same bytes.

use std::collections::HashSet;

use super::*;
use crate::lists::{ListConfig, ListsConfig, OptionError};
use crate::number::{DialPlan, MinPrefix};

#[test]
fn delimiter_encoding_and_date_format_are_as_they_are_given() {
    let options = FileOptions {
        delimiter: Some(Delimiter::new("|").unwrap()),
        encoding: Some(Encoding::new("windows-1250").unwrap()),
        date_format: Some(DateFormat::new("%d.%m.%Y").unwrap()),
        ..FileOptions::default()
    };
    let list =
        read_with(b"number|date|description\n221234567|25.03.2026|\xa3\xf3d\x9f, ul. D\xb3uga\n", &options).unwrap();
    assert_eq!(entries(list), ["48221234567 2026-03-25 Łódź, ul. Długa"]);
    let bad = b"number|date\n221234567|2026-03-25\n221234567|30.02.2026\n";
    assert_eq!(wrong(read_with(bad, &options)), [(2, 2, "date"), (3, 2, "no-such-date")]);
}

#[test]
fn utf16_is_read_where_it_is_named() {
    let text: Vec<u8> =
        "\u{feff}number;description\r\n221234567;Łódź\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read_with(&text, &FileOptions::default()).unwrap_err(), FileError::Utf16);
    let options = FileOptions { encoding: Some(Encoding::new("utf-16le").unwrap()), ..FileOptions::default() };
    assert_eq!(entries(read_with(&text, &options).unwrap()), ["48221234567 Łódź"]);
    let odd = &text[..text.len() - 5];
    assert_eq!(wrong(read_with(odd, &options)), [(2, 2, "encoding")]);
}

#[test]
fn options_that_mean_nothing_are_refused() {
    for text in ["", ",,", "1", "x", "\"", "\n", "+", "ł"] {
        assert!(Delimiter::new(text).is_err(), "{text:?}");
    }
    for label in ["", "klingon", "replacement"] {
        assert!(Encoding::new(label).is_err(), "{label:?}");
    }
    for text in ["", "%d.%m", "%Q", "%H:%M", "dd.mm.yyyy"] {
        assert!(DateFormat::new(text).is_err(), "{text:?}");
    }
    assert!(DateFormat::new("%m/%d/%y").is_ok());
}

#[test]
fn a_prefix_is_as_long_as_the_plan_wants_it() {
    for (least, shortest) in [(1, "4*"), (2, "48*"), (5, "48221*")] {
        let plan = DialPlan { min_prefix: MinPrefix::new(least).unwrap(), ..DialPlan::default() };
        let options = FileOptions { plan, ..FileOptions::default() };
        assert_eq!(entries(read_with(shortest, &options).unwrap()), [shortest]);
        let shorter = format!("{}*", &shortest[..shortest.len() - 2]);
        assert_eq!(wrong(read_with(&shorter, &options)), [(1, 1, "prefix-too-short")]);
    }
    assert!(MinPrefix::new(0).is_err() && MinPrefix::new(16).is_err());
}

#[test]
fn the_fingerprint_changes_with_every_option() {
    let base = FileOptions::default;
    let plan = DialPlan { min_prefix: MinPrefix::new(3).unwrap(), ..DialPlan::default() };
    let all = [
        base(),
        format(Format::Tps),
        FileOptions { columns: toml::from_str("number = 2").unwrap(), ..base() },
        FileOptions { delimiter: Some(Delimiter::new(";").unwrap()), ..base() },
        FileOptions { encoding: Some(Encoding::new("latin2").unwrap()), ..base() },
        FileOptions { encoding: Some(Encoding::new("windows-1250").unwrap()), ..base() },
        FileOptions { date_format: Some(DateFormat::new("%d.%m.%Y").unwrap()), ..base() },
        skipping(base(), 1),
        skipping(base(), 2),
        FileOptions { plan, ..base() },
    ];
    let prints: HashSet<_> = all.iter().map(FileOptions::fingerprint).collect();
    assert_eq!(prints.len(), all.len());
    assert_eq!(base().fingerprint(), base().fingerprint());
}

fn config(text: &str) -> Result<ListConfig, String> {
    toml::from_str(&format!("name = \"l\"\nclass = \"dnc\"\n{text}")).map_err(|error| error.message().to_owned())
}

#[test]
fn the_keys_of_a_list_say_how_it_is_read() {
    let text = "file = \"l\"\nformat = \"uke\"\ndelimiter = \"\\t\"\nencoding = \"latin2\"\ndate_format = \"%d.%m.%Y\"\n\
                on_error = \"skip\"\nmin_prefix = 4\nmax_change = \"30%\"\nmax_age = \"7d\"\nstale = \"pass\"\n";
    let list = config(text).unwrap();
    let options = list.options(&DialPlan::new("1", "011", "1", &[10]).unwrap());
    assert_eq!((options.format, options.on_error), (Format::Uke, OnError::Skip { limit: OnError::DEFAULT_LIMIT }));
    assert_eq!(options.plan, DialPlan { min_prefix: MinPrefix::new(4).unwrap(), ..DialPlan::default() });
    assert_eq!(list.max_change.unwrap().get(), 30.0);
    assert_eq!(list.max_age().unwrap().as_secs(), 7 * 86400);
    assert_eq!(list.mistakes(), []);
    assert_eq!(config("max_change = 0.5").unwrap().max_change.unwrap().get(), 0.5);
    assert_eq!(config("file = 'l'\nformat = 'ftc'").unwrap().max_age().unwrap().as_secs(), 31 * 86400);
    assert_eq!(config("file = 'l'\nformat = 'tps'").unwrap().max_age().unwrap().as_secs(), 28 * 86400);
    assert_eq!(config("file = 'l'").unwrap().max_age(), None);
    assert_eq!(toml::from_str("threads = 0\nwatch = true"), Ok(ListsConfig { threads: 0, watch: true }));
}

#[test]
fn a_bad_value_of_a_list_says_what_was_expected() {
    for (text, told) in [
        ("format = \"xls\"", "unknown variant `xls`"),
        ("delimiter = \"||\"", "expected one character between cells"),
        ("encoding = \"cp9\"", "\"cp9\" is no character encoding"),
        ("date_format = \"dd.mm\"", "gives no date"),
        ("on_error = \"ignore\"", "unknown variant `ignore`"),
        ("skip_limit = -1", "expected u64"),
        ("max_change = 0", "expected a percentage above 0"),
        ("max_change = \"thirty\"", "expected a percentage above 0"),
        ("max_change = 101", "expected a percentage above 0"),
        ("max_change = true", "expected a percentage"),
        ("max_age = \"a month\"", "expected a time such as \"31d\""),
        ("stale = \"drop\"", "unknown variant `drop`"),
        ("min_prefix = 0", "expected 1 to 15"),
    ] {
        let error = config(text).unwrap_err();
        assert!(error.contains(told), "{text}: {error}");
    }
}

#[test]
fn options_that_do_not_fit_together_are_told() {
    let file = "file = \"l\"\n";
    for (text, told) in [
        ("format = \"ftc\"\ncolumns = { number = 2 }", "`columns` means nothing with format = \"ftc\""),
        ("format = \"tps\"\ndelimiter = \";\"", "`delimiter` means nothing with format = \"tps\""),
        ("format = \"tps\"\nencoding = \"utf-8\"", "`encoding` means nothing with format = \"tps\""),
        ("format = \"ftc\"\ndate_format = \"%d.%m.%Y\"", "`date_format` means nothing with format = \"ftc\""),
        ("changes = [\"c\"]", "`changes` means nothing with format = \"csv\""),
        ("format = \"ftc\"\ncountry = \"44\"", "`country` means nothing with format = \"ftc\""),
        ("skip_limit = 5", "`skip_limit` counts rows that are skipped: expected on_error = \"skip\" as well"),
    ] {
        let list = config(&format!("{file}{text}")).unwrap();
        let mistakes: Vec<_> = list.mistakes().iter().map(|(_, error)| error.to_string()).collect();
        assert_eq!(mistakes, [told], "{text}");
    }
    let list = config("format = \"csv\"\ndelimiter = \";\"").unwrap();
    let keys: Vec<_> = list.mistakes().into_iter().map(|(_, error)| error).collect();
    assert_eq!(keys, [OptionError::NoFile("format"), OptionError::NoFile("delimiter")]);
}
