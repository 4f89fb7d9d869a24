use std::num::NonZeroU16;

use proptest::prelude::*;

use super::read_with;
use crate::lists::files::*;
use crate::lists::{Base, Entry, EntryError};
use crate::number::Number;

fn read(text: impl AsRef<[u8]>) -> Result<ListFile, FileError> {
    read_with(text, &FileOptions::default())
}

fn read_columns(text: impl AsRef<[u8]>, columns: &Columns) -> Result<ListFile, FileError> {
    read_with(text, &FileOptions { columns: columns.clone(), ..FileOptions::default() })
}

fn base(text: impl AsRef<[u8]>) -> Base {
    read(text).unwrap().builder.build()
}

fn entries(base: &Base) -> Vec<String> {
    base.entries_from(None).map(|entry| entry.to_string()).collect()
}

/// `number|date|description` of the one entry.
fn only(base: &Base) -> String {
    let [entry] = &base.entries_from(None).collect::<Vec<_>>()[..] else { panic!("{:?}", entries(base)) };
    let details = base.details(entry).unwrap();
    let date = details.date.map(|date| date.to_string()).unwrap_or_default();
    format!("{entry}|{date}|{}", details.description.unwrap_or_default())
}

fn rows(result: Result<ListFile, FileError>) -> Report {
    match result {
        Err(FileError::Rows(errors)) => errors,
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_are_read_as_people_and_spreadsheets_write_them() {
    let wanted = "48221234567|2026-03-25|He said \"no\", twice";
    let quoted = "\"He said \"\"no\"\", twice\"";
    for text in [
        format!("number,date,description\n221234567,2026-03-25,{quoted}\n"),
        format!("221234567,2026-03-25,{quoted}"),
        format!("\u{feff}number,date,description\r\n221234567,2026-03-25,{quoted}\r\n"),
        format!("number,date,description\r221234567,2026-03-25,{quoted}\r"),
        format!("Number;Date;Description\n+48 22 123 45 67; 2026-03-25 ;{quoted}\n"),
        format!("DATE\tdescription\tnumber\n2026-03-25\t{quoted}\t0048221234567"),
        format!("\n\n  \nphone number,since,why\n\"221234567\",\"2026-03-25\",{quoted}\n\n,,\n"),
        format!("date,number,x,description\n2026-03-25,221234567,9,{quoted},surplus\n"),
    ] {
        assert_eq!(only(&base(&text)), wanted, "{text:?}");
    }
    let list = read("number\n221234567\n221234567\n1234567\n").unwrap();
    assert_eq!((list.rows, list.guessed, list.header, list.not_utf8), (3, 1, true, 0));
    assert_eq!(list.builder.build().duplicates(), 1);
}

#[test]
fn a_file_without_a_row_is_refused_and_a_header_alone_is_an_empty_list() {
    for cut_off in ["", "\n", "  \r\n\r\n", "\u{feff}", ",,\n,\n"] {
        assert_eq!(read(cut_off).unwrap_err(), FileError::Empty, "{cut_off:?}");
    }
    assert!(base("number,date\n").is_empty());
}

#[test]
fn columns_are_found_by_name_or_place() {
    let named = |name: &str| Some(Column::Name(name.into()));
    let placed = |place| Some(Column::Position(NonZeroU16::new(place).unwrap()));
    let text = "added;phone;note\n2026-03-25;221234567;hello\n";
    let by_name = Columns { number: named("Phone"), date: named("added"), description: named("note"), expires: None };
    let by_place = Columns { number: placed(2), date: placed(1), description: placed(3), expires: None };
    for columns in [&by_name, &by_place] {
        let list = read_columns(text, columns).unwrap();
        assert!(list.header);
        assert_eq!(only(&list.builder.build()), "48221234567|2026-03-25|hello");
    }
    let headless = read_columns(b"2026-03-25;221234567;hello", &by_place).unwrap();
    assert_eq!(only(&headless.builder.build()), "48221234567|2026-03-25|hello");
    let missing = Columns { date: named("since"), ..by_name.clone() };
    let error = read_columns(text, &missing).unwrap_err();
    assert_eq!(error, FileError::NoColumn("since".into()));
    assert_eq!(read_columns(b"221234567", &by_name).unwrap_err(), FileError::NoColumn("Phone".into()));
    let other = Columns { number: placed(2), ..Columns::default() };
    assert_eq!(only(&read_columns(b"x,221234567,3", &other).unwrap().builder.build()), "48221234567||");
}

#[test]
fn a_column_that_is_named_expires_needs_no_option() {
    let base = base("number,expires\n48600100200,2026-03-25T08:00:00Z\n");
    let details = base.details(&"48600100200".parse().unwrap()).unwrap();
    assert_eq!(details.expires.unwrap().to_string(), "2026-03-25T08:00:00.000000Z");
    assert_eq!(rows(read("number,expires\n48600100200,soon\n")).rows[0].reason, RowReason::Expires);
    assert_eq!(only(&self::base("48600100200,2026-03-25,expires\n")), "48600100200|2026-03-25|expires");
}

#[test]
fn an_expiry_column_is_read_where_it_is_mapped() {
    let columns = Columns { expires: Some(Column::Name("until".into())), ..Columns::default() };
    let read = |until: &str| read_columns(format!("number,until\n221234567,{until}\n"), &columns);
    let base = read("2026-03-25T08:00:00Z").unwrap().builder.build();
    let details = base.details(&base.entries_from(None).next().unwrap()).unwrap();
    assert_eq!(details.expires.unwrap().to_string(), "2026-03-25T08:00:00.000000Z");
    let errors = rows(read("2026-03-25"));
    assert_eq!((errors.rows[0].column, errors.rows[0].reason), (2, RowReason::Expires));
}

#[test]
fn columns_are_read_from_configuration() {
    let columns: Columns = toml::from_str("number = 'phone'\ndate = 3").unwrap();
    assert_eq!(columns.number, Some(Column::Name("phone".into())));
    assert_eq!(columns.date, Some(Column::Position(NonZeroU16::new(3).unwrap())));
    for bad in ["number = 0", "number = true", "phone = 1"] {
        assert!(toml::from_str::<Columns>(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_first_row_of_words_that_are_entries_is_no_header() {
    for text in ["anonymous\n221234567\n", "unavailable,2026-03-25\n221234567\n"] {
        let list = read(text).unwrap();
        assert!(!list.header);
        assert_eq!(list.rows, 2);
    }
}

#[test]
fn every_bad_row_is_told_with_line_column_and_reason() {
    let text = "number,date,description\n\
                221234567,2026-03-25,good\n\
                2212x4567,,\n\
                221234567,25.03.2026,\n\
                \"22123\n4567\",,\n\
                ,2026-03-25,no number\n\
                221234567,2026-03-25T08:00:00,\n\
                22\u{0}1234567,,\n";
    let errors = rows(read(text));
    let told: Vec<_> = errors.rows.iter().map(|row| (row.line, row.column, row.reason)).collect();
    assert_eq!(
        told,
        [
            (3, 1, RowReason::Entry(EntryError::Letter('x'))),
            (4, 2, RowReason::Date),
            (5, 1, RowReason::Entry(EntryError::Control('\n'))),
            (7, 1, RowReason::Entry(EntryError::Empty)),
            (8, 2, RowReason::Date),
            (9, 1, RowReason::Entry(EntryError::Control('\0'))),
        ]
    );
    assert_eq!(errors.total, 6);
    assert_eq!(errors.rows[1].to_string(), "line 4, column 2: `25.03.2026`: expected a date such as 2026-03-25");
    let short = Columns { number: Some(Column::Position(NonZeroU16::new(4).unwrap())), ..Columns::default() };
    let errors = rows(read_columns(b"1,2", &short));
    assert_eq!((errors.rows[0].column, errors.rows[0].reason), (4, RowReason::Missing));
}

#[test]
fn a_hundred_bad_rows_are_told_and_all_are_counted() {
    let errors = rows(read("22x\n".repeat(250)));
    assert_eq!((errors.rows.len(), errors.total), (100, 250));
    assert!(errors.to_string().ends_with("and 150 more; altogether 250 letter"));
    assert_eq!(rows(read("9".repeat(1_000_000))).rows[0].cell.len(), 64);
}

#[test]
fn a_number_that_a_spreadsheet_rounded_says_so() {
    for text in ["4,86E+10\n", "number;date\n4,86E+10;2026-03-25\n", "number\n\"4,86E+10\"\n", "number\n4.86E+10"] {
        assert_eq!(rows(read(text)).rows[0].reason, RowReason::Entry(EntryError::Exponent), "{text:?}");
    }
}

#[test]
fn a_quotation_mark_that_swallows_lines_is_an_error() {
    for text in ["221234567,,\"open\n221234568\n221234569\n", "221234567,,\"open\n221234568,,\"why\"\n221234569\n"] {
        let errors = rows(read(text));
        assert_eq!((errors.rows[0].line, errors.rows[0].column, errors.rows[0].reason), (1, 3, RowReason::OpenQuote));
    }
    assert_eq!(only(&base("221234567,,\"two\nlines\"\n")), "48221234567||two\nlines");
    assert_eq!(only(&base("221234567,,a 5\" nail\n")), "48221234567||a 5\" nail");
}

#[test]
fn other_encodings_are_named_or_counted() {
    assert_eq!(read(b"\xff\xfen\0u\0").unwrap_err(), FileError::Utf16);
    let list = read(b"number;date;description;x\n221234567;;;\xb3\xf3d\xbc\n").unwrap();
    assert_eq!(list.not_utf8, 1);
    for text in [&b"number;date;description\n221234567;;\xb3\xf3d\xbc\n"[..], b"number;y;z\n22123456\xb3\n"] {
        let errors = rows(read(text));
        assert_eq!((errors.rows[0].line, errors.rows[0].reason), (2, RowReason::Encoding));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        table in prop::collection::vec((48_500_000_000u64..48_500_000_020, "[ -~\n]{0,12}"), 0..20),
        delimiter in prop_oneof![Just(','), Just(';'), Just('\t')],
        end in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let mut text = ["number", "date", "description"].join(&delimiter.to_string()) + end;
        let mut model = std::collections::BTreeMap::<u64, String>::new();
        for (number, description) in &table {
            let quoted = format!("\"{}\"", description.replace('"', "\"\""));
            text += &[&number.to_string(), "", &quoted].map(str::to_owned).join(&delimiter.to_string());
            text += end;
            let kept = model.entry(*number).or_default();
            if !description.trim().is_empty() {
                *kept = description.trim().to_owned();
            }
        }
        let list = read(&text).unwrap();
        prop_assert_eq!(list.rows, table.len() as u64);
        let base = list.builder.build();
        prop_assert_eq!(base.duplicates(), (table.len() - model.len()) as u64);
        let described = base.entries_from(None).map(|entry| {
            let details = base.details(&entry).unwrap();
            let Entry::Number(number) = entry else { panic!("{entry}") };
            (number.get(), details.description.unwrap_or_default().to_string())
        });
        prop_assert!(described.eq(model));
    }

    #[test]
    fn any_bytes_give_a_list_or_a_bounded_error(bytes: Vec<u8>) {
        match read(&bytes) {
            Ok(list) => prop_assert_eq!(list.builder.pushed(), list.rows),
            Err(FileError::Rows(errors)) => {
                prop_assert!(errors.total > 0 && errors.rows.len() <= Report::KEPT);
            }
            Err(_) => {}
        }
    }

    #[test]
    fn lines_of_plain_numbers_are_those_numbers(numbers in prop::collection::vec(48_000_000_000u64..48_999_999_999, 1..50)) {
        let text: String = numbers.iter().map(|number| format!("{number}\n")).collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        sorted.dedup();
        prop_assert!(base(text).numbers().iter().map(Number::get).eq(sorted));
    }
}
