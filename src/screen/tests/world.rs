//! One world after another.

use super::*;
use crate::lists::Change;
use crate::screen::{EditError, RouteId};

const TEXT: &str = "[[list]]\nname = \"bad\"\nclass = \"personal\"\n\
                    [[list]]\nname = \"ours\"\nclass = \"pool\"\nentries = [\"48223900000\"]\n\
                    [[list]]\nname = \"spare\"\nclass = \"pool\"\n\
                    [[inbound]]\nname = \"r\"\nlists = [\"bad\"]\n\
                    [[route]]\nname = \"out\"\ntrunks = [\"pbx\"]\nto = \"carrier\"\npresent = { pool = \"ours\" }\n";

fn edit(list: &str, entry: &str, change: Change) -> Edit {
    Edit { list: list.into(), entry: Entry::parse(entry, &DialPlan::default()).expect("an entry"), change }
}

fn put(list: &str, entry: &str) -> Edit {
    edit(list, entry, Change::Put(Details::default()))
}

#[test]
fn an_edit_is_in_force_in_the_next_world_and_not_in_the_last() {
    let before = world(TEXT);
    let after = before.with_edits(&[put("bad", "48221110001")]).expect("an edit");
    let question = call("48221110001", "48229990000");
    assert_eq!(question.word(&before), "pass");
    assert_eq!(question.word(&after), "decline");
    let gone = after.with_edits(&[edit("bad", "48221110001", Change::Remove)]).expect("an edit");
    assert_eq!(question.word(&gone), "pass");
}

#[test]
fn the_generation_rises_by_one_with_each_edit() {
    let world = world(TEXT);
    let next = world.with_edits(&[put("bad", "48221110001"), put("bad", "48221110002")]).expect("edits");
    assert_eq!((world.generation, next.generation), (1, 3));
    assert_eq!(call("48221110009", "48229990000").verdict(&next).generation, 3);
}

#[test]
fn edits_of_a_pool_are_presented_at_once() {
    let world = world(TEXT);
    let route = RouteId(0);
    assert_eq!(world.pool_size(route), Some(1));
    let grown = world.with_edits(&[put("ours", "48223900010-48223900019")]).expect("an edit");
    assert_eq!(grown.pool_size(route), Some(11));
    let excluded = grown.with_edits(&[put("bad", "48223900010-48223900019")]).expect("an edit");
    for draw in 0..50 {
        let (verdict, _) = call("48221110001", "48229990000").on("pbx").verdict_at(&excluded, draw);
        let Outcome::Proceed(passage) = verdict.outcome else { panic!("{verdict:?}") };
        assert_eq!(passage.present.expect("a number").number.get(), 48_223_900_000);
    }
}

#[test]
fn an_entry_that_a_pool_cannot_hold_is_refused_and_nothing_is_edited() {
    let world = world(TEXT);
    for list in ["ours", "spare"] {
        let bad = put(list, "4822*");
        let refused = EditError::NotForPool { list: list.into(), entry: bad.entry.clone() };
        assert_eq!(world.accepts(&bad), Err(refused.clone()));
        assert_eq!(world.with_edits(&[put("bad", "48221110001"), bad]).err(), Some(refused));
    }
    assert_eq!(world.accepts(&put("bad", "4822*")), Ok(()));
    assert_eq!(world.accepts(&edit("ours", "4822*", Change::Remove)), Ok(()));
}

#[test]
fn an_edit_of_an_unknown_list_is_refused() {
    let refused = EditError::UnknownList { list: "nope".into() };
    assert_eq!(world(TEXT).with_edits(&[put("nope", "48221110001")]).err(), Some(refused));
}
