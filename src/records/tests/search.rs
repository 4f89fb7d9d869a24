use super::*;
use crate::records::{Column, Config, RecordArchive, Search, Unread};

/// Compresses all but the part of the last day.
fn compress(dir: &Path) {
    let place = crate::records::Place { dir: dir.into(), header: RECORD_HEADER };
    let far = || time("2027-01-01T00:00:00Z");
    let (writer, _sink) = crate::records::RecordWriter::start(place, Config::default(), far, || ()).unwrap();
    while names(dir).iter().any(|name| name.ends_with(".csv")) {
        std::thread::yield_now();
    }
    writer.stop();
}

fn call(id: &str, at: &str, more: Said<'_>) -> String {
    line(&[&[("event", "call"), ("call_id", id), ("time", at), ("status", "200")], more].concat())
}

fn end(id: &str, at: &str, more: Said<'_>) -> String {
    let ended = [("event", "end"), ("call_id", id), ("time", at), ("duration_ms", "61000"), ("ended_by", "caller")];
    line(&[&ended, more].concat())
}

/// A day of two calls, and one of a blocked call and the end of the second.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let parties = [("caller", "48600100200 48600100201"), ("callee", "48221234567"), ("verdict", "pass")];
    let first = call("1", "2026-11-20T12:00:00Z", &parties) + &end("1", "2026-11-20T12:01:01Z", &parties);
    let shown = [("caller", "101"), ("callee", "48221234568"), ("presented", "48223900117"), ("to_trunk", "carrier")];
    let second = call("2", "2026-11-20T23:59:00Z", &shown);
    write(dir.path(), &(first + &second), "2026-11-20T23:59:01Z");
    let blocked = [
        ("caller", "48600100200"),
        ("callee", "48221234567"),
        ("verdict", "decline"),
        ("rule", "hotline"),
        ("list", "default"),
        ("reason", "v=analytics1;id=69c1c2d0-0123456789abcdef"),
    ];
    let third = end("2", "2026-11-21T00:00:01Z", &shown[..2]) + &call("3", "2026-11-21T08:00:00Z", &blocked);
    write(dir.path(), &third, "2026-11-21T08:00:00Z");
    dir
}

fn ids(archive: &RecordArchive, search: Search) -> Vec<String> {
    let page = archive.search(&Search { limit: search.limit.max(10), ..search }).unwrap();
    assert_eq!((page.next, page.damaged, page.unread.len()), (None, 0, 0));
    page.calls.iter().map(|call| call.text(Column::CallId).to_owned()).collect()
}

#[test]
fn calls_are_found_by_each_of_their_numbers_and_by_what_became_of_them() {
    let dir = folder();
    let archive = RecordArchive::new(dir.path().into());
    for packed in [false, true] {
        if packed {
            compress(dir.path());
        }
        let some = |text: &str| Some(text.to_owned());
        let party = |text| ids(&archive, Search { party: some(text), ..Search::default() });
        assert_eq!(party("48600100200"), ["3", "1"]);
        assert_eq!(party("48600100201"), ["1"]);
        assert_eq!(party("48221234568"), ["2"]);
        assert_eq!(party("48223900117"), ["2"]);
        assert_eq!(party("8221234568"), [""; 0], "part of a number is none");
        assert_eq!(ids(&archive, Search::default()), ["3", "2", "1"]);
        assert_eq!(ids(&archive, Search { verdict: some("pass"), ..Search::default() }), ["1"]);
        assert_eq!(ids(&archive, Search { rule: some("hotline"), ..Search::default() }), ["3"]);
        assert_eq!(ids(&archive, Search { list: some("default"), ..Search::default() }), ["3"]);
        assert_eq!(ids(&archive, Search { trunk: some("carrier"), ..Search::default() }), ["2"]);
        assert_eq!(ids(&archive, Search { call_id: some("2"), ..Search::default() }), ["2"]);
        let id = some("id=69c1c2d0-0123456789abcdef");
        assert_eq!(ids(&archive, Search { reason: id, ..Search::default() }), ["3"]);
    }
}

#[test]
fn a_span_of_time_holds_its_first_and_last_moment() {
    let dir = folder();
    let archive = RecordArchive::new(dir.path().into());
    let span = |since: &str, until: &str| {
        let [since, until] = [since, until].map(WallTime::parse);
        ids(&archive, Search { since, until, ..Search::default() })
    };
    for packed in [false, true] {
        if packed {
            compress(dir.path());
        }
        assert_eq!(span("2026-11-20T12:00:00Z", "2026-11-20T23:59:00Z"), ["2", "1"]);
        assert_eq!(span("2026-11-20T12:00:00.000001Z", "2026-11-20T23:58:59Z"), [""; 0]);
        assert_eq!(span("2026-11-21T00:00:00Z", ""), ["3"]);
        assert_eq!(span("", "2026-11-20T12:00:00Z"), ["1"]);
    }
}

#[test]
fn a_call_is_told_with_its_end_where_that_stands_on_another_page_or_in_another_file() {
    let dir = folder();
    let archive = RecordArchive::new(dir.path().into());
    let all = archive.search(&Search { limit: 10, ..Search::default() }).unwrap();
    let ends: Vec<_> =
        all.calls.iter().map(|call| (call.text(Column::DurationMs), call.text(Column::EndedBy))).collect();
    assert_eq!(ends, [("", ""), ("61000", "caller"), ("61000", "caller")]);
    let mut paged = Vec::new();
    let mut after = None;
    loop {
        let page = archive.search(&Search { limit: 1, after, ..Search::default() }).unwrap();
        paged.extend(page.calls);
        match page.next {
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    assert_eq!(paged.len(), 3);
    assert_eq!(paged[2], all.calls[2], "its end stands on the page before");
}

#[test]
fn a_large_search_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut lines = call("first", "2026-11-20T00:00:00Z", &[("callee", "112")]);
    let padding = "x".repeat(2_000);
    let other = call("other", "2026-11-20T12:00:00Z", &[("request_uri", &padding)]);
    lines += &other.repeat((280 << 20) / other.len());
    write(dir.path(), &lines, "2026-11-20T13:00:00Z");
    let archive = RecordArchive::new(dir.path().into());
    let search = |after| Search { party: Some("112".into()), after, limit: 10, ..Search::default() };
    let page = archive.search(&search(None)).unwrap();
    assert_eq!((page.calls.len(), page.reached), (0, WallTime::parse("2026-11-20T12:00:00Z")));
    let page = archive.search(&search(page.next)).unwrap();
    assert_eq!((page.calls.len(), page.next), (1, None));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_found() {
    let dir = folder();
    let archive = RecordArchive::new(dir.path().into());
    let torn = fs::read_to_string(dir.path().join("calls-20261121.csv")).unwrap() + "call,torn";
    fs::write(dir.path().join("calls-20261121.csv"), torn.replace("call,2026-11-21T08", "call,x,2026-11-21T08"))
        .unwrap();
    fs::write(dir.path().join("calls-20261119.csv"), "").unwrap();
    fs::write(dir.path().join("calls-20261118.csv"), "number,date\n1,2\n").unwrap();
    fs::write(dir.path().join("calls-20261117.csv.gz"), b"\x1f\x8b\x08\x00 foreign").unwrap();
    let page = archive.search(&Search { limit: 10, ..Search::default() }).unwrap();
    let found: Vec<&str> = page.calls.iter().map(|call| call.text(Column::CallId)).collect();
    assert_eq!((found, page.damaged), (vec!["2", "1"], 1));
    let unread: Vec<&str> = page.unread.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(unread, ["calls-20261119", "calls-20261118", "calls-20261117"]);
}

const OLDER: &str = "event,time,call_id,from_trunk,verdict,status\n";

#[test]
fn a_file_of_before_a_column_that_is_asked_about_is_told_and_not_passed_over() {
    let dir = folder();
    let archive = RecordArchive::new(dir.path().into());
    fs::write(dir.path().join("calls-20261119.csv"), format!("{OLDER}call,2026-11-19T12:00:00Z,0,pbx,pass,200\n"))
        .unwrap();
    let some = |text: &str| Some(text.to_owned());
    let unread = |search: Search| archive.search(&Search { limit: 10, ..search }).unwrap().unread;
    let lacks = |column| vec![("calls-20261119".to_owned(), Unread::NoColumn(column))];
    assert_eq!(unread(Search { party: some("112"), ..Search::default() }), lacks(Column::Caller));
    assert_eq!(unread(Search { reason: some("id=1"), ..Search::default() }), lacks(Column::Reason));
    assert_eq!(unread(Search { trunk: some("pbx"), ..Search::default() }), lacks(Column::ToTrunk));
    assert_eq!(unread(Search { verdict: some("pass"), ..Search::default() }), []);
    assert_eq!(ids(&archive, Search::default()), ["3", "2", "1", "0"]);
}

#[test]
fn blocked_calls_are_complete_behind_the_last_file_that_does_not_say_where_they_stand() {
    let dir = folder();
    let archive = RecordArchive::new(dir.path().into());
    fs::write(dir.path().join("calls-20261119.csv"), OLDER).unwrap();
    let told = |since| archive.blocked("48221234567", time(since), 10).unwrap();
    let all = told("2026-11-01T00:00:00Z");
    assert_eq!((all.calls.len(), all.oldest), (1, WallTime::parse("2026-11-20T00:00:00Z")));
    assert_eq!(all.unread, [("calls-20261119".to_owned(), Unread::NoIndex)]);
    assert_eq!(told("2026-11-20T00:00:00Z").unread, []);
}

/// Beside it lines of calls that rang for long are written, which bear earlier times.
#[test]
fn the_id_of_an_answer_is_found_among_calls_that_rang_for_long() {
    let dir = tempfile::tempdir().unwrap();
    let at = "2026-11-21T08:00:00Z";
    let sent = call("sent", at, &[("reason", "v=analytics1;id=6a200080-0123456789abcdef")]);
    let rang = call("rang", "2026-11-21T07:30:00Z", &[("setup_ms", "1800000"), ("request_uri", &"x".repeat(2_000))]);
    let many = rang.repeat((6 << 20) / rang.len());
    write(dir.path(), &(many.clone() + &sent + &many), "2026-11-21T08:00:00Z");
    let archive = RecordArchive::new(dir.path().into());
    let (since, until) = (WallTime::parse(at), WallTime::parse("2026-11-21T08:00:01Z"));
    let reason = Some("id=6a200080-0123456789abcdef".to_owned());
    assert_eq!(ids(&archive, Search { reason, since, until, ..Search::default() }), ["sent"]);
}

#[test]
fn the_blocked_calls_of_a_callee_are_found_without_a_look_at_the_others() {
    let dir = folder();
    let archive = RecordArchive::new(dir.path().into());
    let since = time("2026-11-19T00:00:00Z");
    let blocked = |callee: &str, since, limit| {
        let told = archive.blocked(callee, since, limit).unwrap();
        let ids: Vec<String> = told.calls.iter().map(|call| call.text(Column::CallId).to_owned()).collect();
        (ids, told.has_more)
    };
    let [decline, redirect] = ["decline", "redirect"].map(|verdict| [("callee", "48221234567"), ("verdict", verdict)]);
    write(dir.path(), &call("4", "2026-11-21T09:00:00Z", &decline), "2026-11-21T09:00:00Z");
    write(dir.path(), &call("5", "2026-11-22T09:00:00Z", &redirect), "2026-11-22T09:00:00Z");
    for packed in [false, true] {
        if packed {
            compress(dir.path());
        }
        assert_eq!(blocked("48221234567", since, 10), (vec!["5".into(), "4".into(), "3".into()], false));
        assert_eq!(blocked("48221234567", since, 2), (vec!["5".into(), "4".into()], true));
        assert_eq!(blocked("48221234567", time("2026-11-21T08:30:00Z"), 10), (vec!["5".into(), "4".into()], false));
        assert_eq!(blocked("48221234568", since, 10), (vec![], false));
    }
    assert_eq!(archive.oldest().unwrap(), WallTime::parse("2026-11-20T00:00:00Z"));
}

/// After a crash the file of blocked calls lacks the last ones, or names lines that were lost.
#[test]
fn what_is_known_of_blocked_calls_is_completed_when_their_file_is_opened_again() {
    let dir = folder();
    let archive = RecordArchive::new(dir.path().into());
    let index = dir.path().join("calls-20261121.blocked");
    let whole = fs::read(&index).unwrap();
    assert_eq!(whole.len(), 16);
    let said = [("callee", "48221234567"), ("verdict", "drop")];
    let lost = [&whole[..8], &u64::MAX.to_le_bytes()].concat();
    let twice = [&whole[..], &lost, &lost[..5]].concat();
    for (at, left) in [&whole[..0], &whole[..9], &twice].into_iter().enumerate() {
        fs::write(&index, left).unwrap();
        write(dir.path(), &call("more", "2026-11-21T09:00:00Z", &said), "2026-11-21T09:00:00Z");
        let told = archive.blocked("48221234567", time("2026-11-21T00:00:00Z"), 10).unwrap();
        assert_eq!((told.calls.len(), told.unread.len()), (at + 2, 0));
    }
}
