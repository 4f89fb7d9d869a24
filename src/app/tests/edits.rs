use super::*;

#[test]
fn an_acknowledged_edit_is_in_force_and_comes_back_after_a_restart() {
    let running = Running::new();
    assert_eq!(running.edit(put("default", "48221000003")), Ok(Edited { effects: vec![Effect::Added], generation: 2 }));
    assert!(running.holds("default", "48221000003"));
    assert_eq!(
        running.edit(remove("default", "48221000001")),
        Ok(Edited { effects: vec![Effect::Removed], generation: 3 })
    );
    assert_eq!(running.edit(remove("default", "48221000001")), Err(refused(Refusal::Absent)));
    assert_eq!(running.edit(put("missing", "48221000001")), Err(refused(Refusal::UnknownList)));
    let running = running.restart();
    assert!(running.holds("default", "48221000003") && !running.holds("default", "48221000001"));
    assert_eq!(running.live.world().generation, 3, "the files are the same: the start changes nothing");
}

#[test]
fn edits_of_a_list_that_is_gone_come_back_with_it() {
    let running = Running::new();
    running.edit(put("abroad", "442079460000")).unwrap();
    let without = CONFIG.replace("name = \"abroad\"", "name = \"overseas\"");
    running.write("ringfence.toml", &without);
    let reloaded = running.reload().unwrap();
    let gone = ListChange { list: "abroad".into(), before: Some(1), after: None };
    assert_eq!(reloaded.lists.last(), Some(&gone));
    assert!(running.live.world().lists.get("abroad").is_none());
    let running = running.restart();
    running.write("ringfence.toml", CONFIG);
    running.reload().unwrap();
    assert!(running.holds("abroad", "442079460000"));
}

#[test]
fn entries_are_read_by_the_dial_plan_of_their_list() {
    let running = Running::new();
    let read = |list, text| crate::lists::Entry::parse(text, &running.live.dial_plan(list)).unwrap().to_string();
    assert_eq!(read(Some("abroad"), "02079460000"), "442079460000");
    assert_eq!(read(Some("default"), "221000001"), "48221000001");
    assert_eq!(read(None, "221000001"), "48221000001");
}

/// Each writer checks after each acknowledgement that its edit is in force, while reloads go on all the time.
#[test]
fn reloads_that_race_with_edits_lose_none() {
    let running = Running::new();
    let done = AtomicBool::new(false);
    let (reloads, made) = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let live = Arc::clone(&running.live);
                let handle = running.runtime.handle().clone();
                scope.spawn(move || {
                    let mut made = 0;
                    for number in 0..60 {
                        let entry = format!("4860{writer}{number:06}");
                        for edit in [put("default", &entry), remove("default", &entry), put("default", &entry)] {
                            let is_put = edit.change != Change::Remove;
                            let parsed = edit.entry.clone();
                            handle.block_on(live.edit(anna(), alone(edit))).unwrap();
                            made += 1;
                            let world = live.world();
                            assert_eq!(world.lists.get("default").unwrap().contains(&parsed), is_put, "{entry}");
                        }
                    }
                    made
                })
            })
            .collect();
        let reloader = scope.spawn(|| {
            let mut reloads = 0;
            while !done.load(Ordering::Relaxed) {
                running.reload().unwrap();
                reloads += 1;
            }
            reloads
        });
        let made: u64 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        done.store(true, Ordering::Relaxed);
        (reloader.join().unwrap(), made)
    });
    assert!(reloads > 0);
    let world = running.live.world();
    assert_eq!(world.generation, 1 + made + reloads, "gapless");
    assert_eq!(world.lists.get("default").unwrap().len(), 2 + 4 * 60);
    let running = running.restart();
    assert_eq!(running.live.world().generation, 1 + made + reloads);
    assert_eq!(running.live.world().lists.get("default").unwrap().len(), 2 + 4 * 60);
}
