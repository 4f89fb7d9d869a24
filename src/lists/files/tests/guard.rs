//! What `never_block` names is in no list.

use super::*;

#[test]
fn a_never_block_number_refuses_the_file_and_its_line_is_told_in_every_mode() {
    let emergency = |entry: &Entry| ["112", "12125550911", "441962999999", "4822*"].contains(&&*entry.to_string());
    for (of, text) in [
        (Format::Csv, "221234567\nbad row?\n112\n"),
        (Format::Csv, "221234567\n44x\n4822*\n"),
        (Format::Uke, "221234567,2026-03-25\n22x\n112,2026-03-25\n"),
        (Format::Ftc, "212,5550142\n212,x\n212,5550911\n"),
        (Format::Ftc, "212,5550142,A\n212,x\n212,5550911,A,2026-03-25\n"),
        (Format::Tps, "01962 123456\n01962 x\n01962 999999\n"),
    ] {
        for options in [format(of), skipping(format(of), 1000), skipping(format(of), 0)] {
            let read = read_list(text.as_bytes(), &options, 2, &emergency, &Progress::default());
            let found = wrong(read);
            assert!(found.contains(&(3, 1, "never-block")), "{of}: {found:?}");
        }
    }
    // To take one out is no harm.
    let read = read_list(&b"212,5550911,D\n"[..], &format(Format::Ftc), 1, &emergency, &Progress::default());
    assert_eq!(read.unwrap().removals.len(), 1);
}

#[test]
fn a_never_block_number_is_told_behind_any_number_of_bad_rows() {
    for (of, bad, last) in [(Format::Csv, "22x\n", "112\n"), (Format::Ftc, "22x\n", "212,5550911\n")] {
        let emergency = |entry: &Entry| ["112", "12125550911"].contains(&&*entry.to_string());
        let text = bad.repeat(300) + last;
        let error = read_list(text.as_bytes(), &format(of), 1, &emergency, &Progress::default()).unwrap_err();
        let report = error.report().unwrap();
        assert_eq!((report.total, report.rows.len()), (301, Report::KEPT));
        assert_eq!((report.rows[99].line, report.rows[99].reason), (301, RowReason::NeverBlock));
    }
}
