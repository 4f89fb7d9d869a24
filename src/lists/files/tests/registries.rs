//! The fixed layouts, and that blocks and threads change nothing.

use proptest::prelude::*;

use super::*;

#[test]
fn ftc_lines_are_numbers_with_the_country_code_in_front() {
    let list = read_with("212,5550142\n2125550143\r\n\n212,5550142\r\n907 , 2000000", &format(Format::Ftc)).unwrap();
    assert_eq!((list.rows, list.guessed, list.header, list.removals.len()), (4, 0, false, 0));
    assert_eq!(entries(list), ["12125550142", "12125550143", "19072000000"]);
}

#[test]
fn ftc_changes_add_and_remove_and_the_last_line_counts() {
    let text = "212,5550142,A,2026-03-25\n2125550143,2026-03-26,a\n212,5550144\n212,5550145,D,2026-03-25\n\
                212,5550142,d\n212,5550145,A\n212,5550146,2026-03-27,D\n212,5550147,2026-03-28\n";
    let list = read_with(text, &format(Format::Ftc)).unwrap();
    let removals: Vec<_> = list.removals.iter().map(ToString::to_string).collect();
    assert_eq!(removals, ["12125550142", "12125550146"]);
    let head: Vec<_> = list.head.iter().map(|(entry, _)| entry.to_string()).collect();
    assert_eq!(head, ["12125550142", "12125550143", "12125550144", "12125550145", "12125550147"]);
    let added =
        ["12125550142 2026-03-25", "12125550143 2026-03-26", "12125550144", "12125550145", "12125550147 2026-03-28"];
    assert_eq!(entries(list), added);
}

#[test]
fn tps_lines_have_12_characters_in_two_layouts() {
    let text =
        "01962 123456\r\n01962123457 \r\n0207 9460000\r\n02079460001 \n0169772345  \n01697  72345\n08001111    \n";
    assert_eq!(
        entries(read_with(text, &format(Format::Tps)).unwrap()),
        ["448001111", "44169772345", "441962123456", "441962123457", "442079460000", "442079460001"]
    );
}

#[test]
fn uke_entries_end_with_the_day_they_are_removed() {
    let text = "numer;data wpisu;data wykreslenia\n221234567;2026-03-25;\n+48 22 123 45 68;2026-03-25;2026-04-01\n";
    let list = read_with(text, &format(Format::Uke)).unwrap();
    assert!(list.header);
    let told = ["48221234567 2026-03-25", "48221234568 2026-03-25 until 2026-04-01T00:00:00.000000Z"];
    assert_eq!(entries(list), told);
    let dotted = FileOptions { date_format: Some(DateFormat::new("%d.%m.%Y").unwrap()), ..format(Format::Uke) };
    let list = read_with("221234567,25.03.2026,01.04.2026\n", &dotted).unwrap();
    assert_eq!(entries(list), ["48221234567 2026-03-25 until 2026-04-01T00:00:00.000000Z"]);
}

#[test]
fn what_every_file_tells_is_the_same_with_any_number_of_threads() {
    // Some 3 MiB: several blocks, with bad lines, changes and a line longer than a block among them.
    let mut text = Vec::new();
    for at in 0..120_000u64 {
        match at {
            77_777 => text.extend_from_slice(b"212,555014x\n"),
            90_000 => text.extend_from_slice(b"212,5550000,D,2026-03-25\n"),
            110_000 => text.extend(std::iter::repeat_n(b'9', 2 << 20).chain(*b"\n")),
            _ => text.extend_from_slice(format!("{},{:07}\n", 200 + at % 7, 2_000_000 + at * 3).as_bytes()),
        }
    }
    let options = skipping(format(Format::Ftc), 10);
    let read = |threads| {
        let progress = Progress::default();
        let list = read_list(&text[..], &options, threads, &|_: &Entry| false, &progress).unwrap();
        assert_eq!(progress.bytes.into_inner(), text.len() as u64);
        assert_eq!(progress.rows.into_inner(), list.rows);
        (list.rows, list.skipped, list.removals, list.digest, list.head, list.builder.build())
    };
    let (one, three) = (read(1), read(3));
    assert_eq!(one.0, 120_000);
    let places: Vec<_> = one.1.rows.iter().map(|row| (row.line, row.column, row.reason.kind())).collect();
    assert_eq!(places, [(77_778, 2, "letter"), (110_001, 1, "row-too-long")]);
    assert_eq!((one.0, &one.1, &one.2, one.3, &one.4), (three.0, &three.1, &three.2, three.3, &three.4));
    assert_eq!(one.5.len(), 119_997);
    assert!(one.5.entries_from(None).eq(three.5.entries_from(None)));
}

proptest! {
    #[test]
    fn ftc_numbers_are_read_as_they_were_written(
        numbers in prop::collection::vec((200u64..1000, 0u64..10_000_000), 1..200),
        comma: bool,
        end in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let comma = if comma { "," } else { "" };
        let text: String = numbers.iter().map(|(area, rest)| format!("{area}{comma}{rest:07}{end}")).collect();
        let mut wanted: Vec<_> = numbers.iter().map(|(area, rest)| 10_000_000_000 + area * 10_000_000 + rest).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let base = read_with(text, &format(Format::Ftc)).unwrap().builder.build();
        prop_assert!(base.numbers().iter().map(|number| number.get()).eq(wanted));
    }

    #[test]
    fn any_bytes_give_a_list_or_an_error_in_every_format(bytes: Vec<u8>, skip: bool) {
        for of in [Format::Csv, Format::Ftc, Format::Tps, Format::Uke] {
            let options = if skip { skipping(format(of), 5) } else { format(of) };
            let _ = read_with(&bytes, &options);
        }
    }
}
