use super::super::{Base, Class, Details};
use super::*;
use crate::number::{DialPlan, Party};
use crate::time::WallTime;

fn lists(names: &[&str]) -> Result<Lists, ListsError> {
    let list = |name: &&str| List::new((*name).into(), Class::Dnc, None, Arc::new(Base::default()));
    Lists::new(names.iter().map(list).collect())
}

fn edit(list: &str, text: &str, change: Change) -> Edit {
    Edit { list: list.into(), entry: Entry::parse(text, &DialPlan::default()).unwrap(), change }
}

#[test]
fn lists_are_found_by_name_and_place() {
    let lists = lists(&["default", "other"]).unwrap();
    assert_eq!(lists.id("other"), Some(ListId(1)));
    assert_eq!(&**lists[ListId(1)].name(), "other");
    assert_eq!(lists.get("none").map(List::len), None);
    assert_eq!(
        lists.iter().map(|(id, list)| (id.0, list.name().to_string())).collect::<Vec<_>>(),
        [(0, "default".to_owned()), (1, "other".to_owned())]
    );
}

#[test]
fn two_lists_of_one_name_are_refused() {
    assert_eq!(lists(&["a", "b", "a"]).map(|lists| lists.len()), Err(ListsError::Twice("a".into())));
}

#[test]
fn edits_apply_in_order_and_all_or_none() {
    let before = lists(&["a", "b"]).unwrap();
    let put = || Change::Put(Details::default());
    let edits = [
        edit("a", "48221234567", put()),
        edit("b", "48221234567", put()),
        edit("a", "48221234567", Change::Remove),
        edit("a", "48221234568", put()),
    ];
    let after = before.with(&edits).unwrap();
    assert_eq!(
        (before.get("a").unwrap().len(), after.get("a").unwrap().len(), after.get("b").unwrap().len()),
        (0, 1, 1)
    );
    let party = Party::Number("48221234567".parse().unwrap());
    assert_eq!(after.get("a").unwrap().lookup(&party, WallTime::default()), None);
    assert!(after.get("b").unwrap().lookup(&party, WallTime::default()).is_some());
    let unknown = before.with(&[edit("a", "112", put()), edit("c", "112", put())]);
    assert_eq!(unknown.map(|lists| lists.len()), Err(UnknownList("c".into())));
}

#[test]
fn a_list_is_replaced_in_its_place_added_behind_all_and_taken_away() {
    let three = lists(&["a", "b", "c"]).unwrap();
    let list = |name: &str| List::new(name.into(), Class::Allow, None, Arc::new(Base::default()));
    let replaced = three.with_list(list("b")).unwrap();
    assert_eq!((replaced.id("b"), replaced.get("b").map(List::class)), (Some(ListId(1)), Some(Class::Allow)));
    let more = replaced.with_list(list("d")).unwrap();
    assert_eq!((more.len(), more.id("d")), (4, Some(ListId(3))));
    let fewer = more.without("a");
    assert_eq!((fewer.len(), fewer.id("a"), fewer.id("b"), fewer.id("d")), (3, None, Some(ListId(0)), Some(ListId(2))));
    assert_eq!(three.len(), 3);
}
