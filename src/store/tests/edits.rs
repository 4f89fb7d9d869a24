//! Groups of edits.

use std::fs;

use super::*;

#[test]
fn reopening_gives_the_same_edits_and_generation() {
    let dir = tempfile::tempdir().unwrap();
    let details = Details {
        date: Some("2026-03-25".parse().unwrap()),
        description: Some("called at night".into()),
        expires: Some(WallTime::parse("2027-01-01T00:00:00Z").unwrap()),
        added_by: Some("anna".into()),
    };
    let edits = vec![
        Edit { change: Change::Put(details), ..put("48221234567") },
        put("112"),
        put("0048"),
        put("4870*"),
        put("48700000000-48700009999"),
        put("anonymous"),
        put("unavailable"),
        put("alice.example"),
        Edit { list: "other list".into(), ..put("48221234567") },
    ];
    {
        let (writer, _, replay) = start(dir.path());
        assert_eq!(replay, Replay::default());
        for (generation, edit) in (1..).zip(&edits) {
            assert_eq!(make(&writer, edit.clone()), done(Effect::Added, generation));
        }
    }
    let (store, replay) = Store::open(&config(dir.path())).unwrap();
    assert_eq!(replay, Replay { edits: edits.clone(), generation: edits.len() as u64, ..Replay::default() });
    drop(store);
    let (_, replay) = Store::open(&config(dir.path())).unwrap();
    assert_eq!(replay.edits, edits);
}

#[test]
fn an_edit_is_answered_by_what_it_did() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    assert_eq!(make(&writer, put("48221234567")), done(Effect::Added, 1));
    assert_eq!(make(&writer, put("48221234567")), done(Effect::Changed, 2));
    assert_eq!(make(&writer, remove("48221234567")), done(Effect::Removed, 3));
    assert_eq!(make(&writer, remove("48221234567")), refused(0, Refusal::Absent));
    let unknown = Edit { list: "missing".into(), ..put("48221234567") };
    assert_eq!(make(&writer, unknown), refused(0, Refusal::UnknownList));
    let guarded = Edit { list: "guarded".into(), ..put("112") };
    assert_eq!(make(&writer, guarded), refused(0, Refusal::NeverBlock));
    assert_eq!(applied.generation(), 3, "a refused edit raises nothing");
}

#[test]
fn edits_of_one_commit_see_those_ahead_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    // The writer waits for this lock at the first edit, so that the others form a group.
    let held = applied.state.lock().unwrap();
    let edits = [put("112"), put("997"), put("997"), remove("997"), remove("997"), put("997")];
    let answers: Vec<_> = edits.into_iter().map(|edit| writer.submit(proposal(edit)).unwrap()).collect();
    drop(held);
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.blocking_recv().unwrap()).collect();
    assert_eq!(
        answers,
        [
            done(Effect::Added, 1),
            done(Effect::Added, 2),
            done(Effect::Changed, 3),
            done(Effect::Removed, 4),
            refused(0, Refusal::Absent),
            done(Effect::Added, 5),
        ]
    );
    assert_eq!(applied.generation(), 5);
}

/// Copying the files of an open database is what `kill -9` leaves behind: nothing was closed or checkpointed.
#[test]
fn every_acknowledged_edit_survives_200_kills() {
    let root = in_memory();
    let mut dir = root.path().join("0");
    let mut expected = BTreeMap::new();
    for cycle in 1..=200_u64 {
        let (writer, _, replay) = start(&dir);
        assert_eq!(replay.generation, cycle - 1);
        let edit =
            if cycle % 3 == 0 { remove(&format!("4822{:07}", cycle - 1)) } else { put(&format!("4822{cycle:07}")) };
        assert_eq!(make(&writer, edit.clone()).unwrap().generation, cycle);
        expected.insert((edit.list, edit.entry), edit.change);
        let killed = root.path().join(cycle.to_string());
        fs::create_dir(&killed).unwrap();
        for name in ["ringfence.db", "ringfence.db-wal", "keys"] {
            fs::copy(dir.join(name), killed.join(name)).unwrap();
        }
        dir = killed;
    }
    let (_, replay) = Store::open(&config(&dir)).unwrap();
    assert_eq!(State::from_replay(&replay).edits, expected);
}

#[test]
fn a_group_is_made_as_a_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    let answer = propose(&writer, group(vec![put("112"), put("997"), put("112"), remove("997")]));
    let effects = vec![Effect::Added, Effect::Added, Effect::Changed, Effect::Removed];
    assert_eq!(answer, Ok(Committed { effects, generation: 4 }));
    let answer = propose(&writer, group(vec![remove("112"), put("998"), remove("999")]));
    assert_eq!(answer, refused(2, Refusal::Absent));
    assert_eq!(make(&writer, remove("112")), done(Effect::Removed, 5));
    assert_eq!(applied.state.lock().unwrap().published, [4, 1]);
    assert_eq!(propose(&writer, group(vec![])), Ok(Committed { effects: vec![], generation: 5 }));
    assert_eq!(writer.replay().unwrap().generation, 5);
}

#[test]
fn a_refused_group_is_not_seen_by_those_behind_it_in_the_same_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    let held = applied.state.lock().unwrap();
    let groups = [
        vec![put("998")],
        vec![put("112")],
        vec![remove("112"), put("112"), remove("112"), put("997"), remove("999")],
        vec![remove("112")],
        vec![put("997")],
    ];
    let answers: Vec<_> = groups.into_iter().map(|edits| writer.submit(group(edits)).unwrap()).collect();
    drop(held);
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.blocking_recv().unwrap()).collect();
    assert_eq!(
        answers,
        [
            done(Effect::Added, 1),
            done(Effect::Added, 2),
            refused(4, Refusal::Absent),
            done(Effect::Removed, 3),
            done(Effect::Added, 4)
        ]
    );
}

#[test]
fn small_groups_share_a_commit_and_a_large_one_is_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    let held = applied.state.lock().unwrap();
    let many = |count: usize| group((0..count).map(|number| put(&format!("4822{number:07}"))).collect());
    let groups = [many(1), many(100), many(150), many(7), many(257), many(1), many(2)];
    let answers: Vec<_> = groups.into_iter().map(|group| writer.submit(group).unwrap()).collect();
    drop(held);
    let generations: Vec<_> =
        answers.into_iter().map(|answer| answer.blocking_recv().unwrap().unwrap().generation).collect();
    assert_eq!(generations, [1, 101, 251, 258, 515, 516, 518]);
    // The first is alone when the thread takes it before the second is there.
    let published = applied.state.lock().unwrap().published.clone();
    assert!(
        published == [251, 7, 257, 3] || published == [1, 250, 7, 257, 3] || published == [101, 157, 257, 3],
        "{published:?}"
    );
}

#[test]
fn a_condition_is_judged_after_the_edits_ahead_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    let described = |text: &str| Details { description: Some(text.into()), ..Details::default() };
    let put_described = |text: &str| Edit { change: Change::Put(described(text)), ..put("997") };
    let conditional = |edit, condition| Proposal { condition: Some(condition), ..proposal(edit) };
    let tag = |text: &str| Condition::OneOf(vec![described(text).tag(&entry("997"))]);
    assert_eq!(propose(&writer, conditional(put("997"), Condition::Present)), refused(0, Refusal::Condition));
    assert_eq!(propose(&writer, conditional(put_described("a"), Condition::Absent)), done(Effect::Added, 1));
    assert_eq!(propose(&writer, conditional(put_described("b"), tag("a"))), done(Effect::Changed, 2));
    assert_eq!(propose(&writer, conditional(put_described("c"), tag("a"))), refused(0, Refusal::Condition));
    // Two who read the same: one of them wins, also when both are in one commit.
    let held = applied.state.lock().unwrap();
    let proposals = [
        proposal(put("112")),
        conditional(put_described("c"), tag("b")),
        conditional(put_described("d"), tag("b")),
        conditional(remove("997"), tag("c")),
        conditional(put("997"), Condition::Absent),
        conditional(put("997"), tag("c")),
    ];
    let answers: Vec<_> = proposals.into_iter().map(|proposal| writer.submit(proposal).unwrap()).collect();
    drop(held);
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.blocking_recv().unwrap()).collect();
    assert_eq!(
        answers,
        [
            done(Effect::Added, 3),
            done(Effect::Changed, 4),
            refused(0, Refusal::Condition),
            done(Effect::Removed, 5),
            done(Effect::Added, 6),
            refused(0, Refusal::Condition),
        ]
    );
    let unknown = Edit { list: "missing".into(), ..put("112") };
    assert_eq!(propose(&writer, conditional(unknown, Condition::Present)), refused(0, Refusal::UnknownList));
    assert_eq!(propose(&writer, conditional(remove("998"), Condition::Present)), refused(0, Refusal::Condition));
}

#[test]
fn the_queue_is_bounded_by_edits_and_takes_any_group_when_it_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    let held = applied.state.lock().unwrap();
    // Refused at its first edit, so that nothing of it is stored.
    let large = writer.submit(group(vec![remove("112"); writer::QUEUE_EDITS + 1])).unwrap();
    assert_eq!(writer.submit(proposal(put("112"))).unwrap_err(), StoreError::QueueFull);
    drop(held);
    assert_eq!(large.blocking_recv().unwrap(), refused(0, Refusal::Absent));
    assert_eq!(make(&writer, put("112")), done(Effect::Added, 1));
}

#[test]
fn the_queue_is_bounded_by_groups() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, applied, _) = start(dir.path());
    let held = applied.state.lock().unwrap();
    let first = writer.submit(proposal(put("112"))).unwrap();
    let mut waiting = Vec::new();
    let full = loop {
        match writer.submit(group(vec![put("112")])) {
            Ok(answer) => waiting.push(answer),
            Err(error) => break error,
        }
        assert!(waiting.len() < 2 * 1024);
    };
    assert_eq!(full, StoreError::QueueFull);
    drop(held);
    assert_eq!(first.blocking_recv().unwrap(), done(Effect::Added, 1));
    assert!(waiting.into_iter().all(|answer| answer.blocking_recv().unwrap().is_ok()));
    assert!(make(&writer, put("112")).is_ok());
}
