//! Every bad input, with its line, its column and its kind.

use super::*;

#[test]
fn every_bad_cell_of_csv_has_its_own_kind() {
    let options = FileOptions {
        columns: toml::from_str("number = 1\ndate = 2\ndescription = 3\nexpires = 4").unwrap(),
        ..FileOptions::default()
    };
    let digits = "1".repeat(16);
    let rows: &[(&[u8], usize, &str)] = &[
        (digits.as_bytes(), 1, "too-many-digits"),
        (b"+12345", 1, "too-few-digits"),
        (b"2212x4567", 1, "letter"),
        (b"22#1234567", 1, "character"),
        (b"\"\",2026-03-25", 1, "empty"),
        (b"22\x001234567", 1, "control-character"),
        (b"%ff", 1, "escapes"),
        (b"\"4,86E+10\"", 1, "rounded"),
        (b"+", 1, "no-digits"),
        (b"+0221234567", 1, "leading-zero"),
        (b"48*70", 1, "star-not-at-end"),
        (b"4*", 1, "prefix-too-short"),
        (b"48700009999-48700000000", 1, "range-backwards"),
        (b"4870000000-48700009999", 1, "range-lengths"),
        (b"112 - 118", 1, "range-of-codes"),
        (b"John Smith", 1, "user-character"),
        (b"2212345\xb3", 1, "encoding"),
        (b"221234567,,\xb3\xf3d\xbc", 3, "encoding"),
        (b"221234567,25.03.2026", 2, "date"),
        (b"221234567,2026-02-30", 2, "no-such-date"),
        (b"221234567,2026-13-01", 2, "no-such-date"),
        (b"221234567,,,tomorrow", 4, "expires"),
    ];
    for (row, column, kind) in rows {
        let text = [b"221110001\n\n221110002,2026-03-25\n".as_slice(), row, b"\n221110003\n"].concat();
        assert_eq!(wrong(read_with(text, &options)), [(4, *column, *kind)], "{:?}", String::from_utf8_lossy(row));
    }
    // All of them together: each is counted, and skipping leaves the good rows.
    let text: Vec<u8> = rows.iter().flat_map(|(row, ..)| [row, &b"\r\n"[..]].concat()).chain(*b"221110001").collect();
    let list = read_with(&text, &skipping(options.clone(), 22)).unwrap();
    assert_eq!((list.skipped.total, list.rows), (22, 23));
    assert_eq!(list.skipped.kinds.iter().map(|(_, count)| count).sum::<u64>(), 22);
    assert!(list.skipped.kinds.contains(&("encoding", 2)) && list.skipped.kinds.contains(&("no-such-date", 2)));
    assert_eq!(entries(list), ["48221110001"]);
    let error = read_with(&text, &skipping(options, 21)).unwrap_err();
    assert!(matches!(error, FileError::TooManySkipped { limit: 21, ref report } if report.total == 22), "{error}");
}

#[test]
fn every_bad_line_of_ftc_has_its_own_kind() {
    for (line, column, kind) in [
        ("212,555014x", 2, "letter"),
        ("2a2,5550142", 1, "letter"),
        ("212,555-142", 2, "character"),
        ("\"212\",5550142", 1, "character"),
        ("212,55\u{0}0142", 2, "control-character"),
        ("212,", 2, "empty"),
        (",5550142", 1, "empty"),
        ("212,555014", 2, "ten-digits"),
        ("212", 1, "ten-digits"),
        ("212555014", 1, "ten-digits"),
        ("1234567890123456", 1, "ten-digits"),
        ("12125550142", 1, "ten-digits"),
        ("112,5550142", 1, "area-code"),
        ("0125550142", 1, "area-code"),
        ("4,86E+10", 1, "rounded"),
        ("212,5550142,X", 3, "operation"),
        ("212,5550142,", 3, "operation"),
        ("2125550142,A,25.03.2026", 3, "operation"),
        ("212,5550142,A,2026-02-30", 4, "no-such-date"),
        ("212,5550142,A,D", 4, "twice"),
        ("212,5550142,2026-03-25,2026-03-26", 4, "twice"),
        ("number", 1, "letter"),
    ] {
        let text = format!("212,5550000\n\n{line}\n212,5550001\n");
        assert_eq!(wrong(read_with(text, &format(Format::Ftc))), [(3, column, kind)], "{line:?}");
        let crlf = format!("212,5550000\r\n{line}\r\n");
        assert_eq!(wrong(read_with(crlf, &format(Format::Ftc))), [(2, column, kind)], "{line:?}");
    }
    assert_eq!(wrong(read_with(b"212,55\xff0142\n", &format(Format::Ftc))), [(1, 2, "encoding")]);
}

#[test]
fn every_bad_line_of_tps_has_its_own_kind() {
    for (line, column, kind) in [
        ("01962 12345x", 12, "letter"),
        ("01962-123456", 6, "character"),
        ("01962\t123456", 6, "control-character"),
        ("01962 12345", 12, "length"),
        ("01962 1234567", 13, "length"),
        ("01962123456", 12, "length"),
        (" 01962123456", 1, "layout"),
        ("01 962123456", 3, "layout"),
        ("01962 12 345", 6, "layout"),
        ("019621 23456", 7, "layout"),
        ("01962       ", 1, "not-national"),
        ("999999999999", 1, "not-national"),
    ] {
        let text = format!("01962 123450\r\n\r\n{line}\r\n01962 123451\r\n");
        assert_eq!(wrong(read_with(text, &format(Format::Tps))), [(3, column, kind)], "{line:?}");
    }
}

#[test]
fn bad_dates_of_uke_have_their_own_kinds() {
    for (row, column, kind) in [
        ("221234567,2026-02-30,", 2, "no-such-date"),
        ("221234567,2026-03-25,soon", 3, "date"),
        ("221234567,2026-03-25,1969-12-31", 3, "too-early"),
        ("22123456x,2026-03-25,", 1, "letter"),
    ] {
        let text = format!("221110001,2026-03-25\n{row}\n");
        assert_eq!(wrong(read_with(text, &format(Format::Uke))), [(2, column, kind)], "{row:?}");
    }
}

#[test]
fn a_row_that_does_not_end_is_refused_with_its_line_and_never_held() {
    for of in [Format::Csv, Format::Ftc, Format::Tps, Format::Uke] {
        let good = match of {
            Format::Tps => "01962 123456\n",
            _ => "2125550142\n",
        };
        let long = Repeated::new(b"1", 2 * MOST_MEMORY);
        let input = good.as_bytes().chain(long).chain(&b"\n"[..]).chain(good.as_bytes());
        let progress = Progress::default();
        let mut found = Vec::new();
        let mut memory = 0;
        let info = allocation_counter::measure(|| {
            found = wrong(read_list(input, &format(of), 1, &|_: &Entry| false, &progress));
        });
        memory += info.bytes_max;
        assert_eq!(found, [(2, 1, "row-too-long")], "{of}");
        assert!(memory < MOST_MEMORY, "{of}: {memory} bytes");
    }
}

/// Several times what a thread reads at once, and half of the row: to hold it shows, and without optimisation every byte of
/// it takes its time.
const MOST_MEMORY: u64 = 8 << 20;

#[test]
fn a_row_of_a_million_cells_is_refused_with_its_line() {
    for delimiter in [",", "\t"] {
        let text = format!("221234567\n221234567{}\n", delimiter.repeat(1_000_000));
        assert_eq!(wrong(read_with(text, &FileOptions::default())), [(2, 65_536, "too-many-cells")]);
    }
}

#[test]
fn a_quotation_mark_that_is_never_closed_says_so_whatever_follows() {
    let rest = Repeated::new(b"221234567\n", 1 << 18);
    let input = (&b"221234567\n221234567,,\"open\n"[..]).chain(rest);
    let found = wrong(read_list(input, &FileOptions::default(), 1, &|_: &Entry| false, &Progress::default()));
    assert_eq!(found, [(2, 3, "open-quote")]);
}

#[test]
fn lines_count_whatever_ends_them() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["221234567", "", "\"221234567\"", "x,,\"two", "lines\"", "22x"].join(end);
        assert_eq!(wrong(read_with(text, &FileOptions::default())).last(), Some(&(6, 1, "letter")), "{end:?}");
    }
}

#[test]
fn a_file_without_a_row_is_refused_in_every_format() {
    for of in [Format::Csv, Format::Ftc, Format::Tps, Format::Uke] {
        for text in ["", "\n", "  \r\n\r\n"] {
            assert_eq!(read_with(text, &format(of)).unwrap_err(), FileError::Empty, "{of} {text:?}");
        }
    }
    // Nor does skipping make an empty list of a file of another kind.
    assert_eq!(wrong(read_with("<html>\n", &skipping(format(Format::Ftc), 1000))), [(1, 1, "character")]);
}
