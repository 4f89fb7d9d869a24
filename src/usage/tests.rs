use super::*;

fn call(call_id: &str, from: &str, to: &str) -> LiveCall {
    LiveCall {
        call_id: call_id.into(),
        caller: "48221234567".into(),
        callee: "48600000001".into(),
        from_trunk: from.into(),
        to_trunk: to.into(),
        rule: None,
        since: WallTime::from_micros(7),
    }
}

#[test]
fn calls_are_counted_on_both_their_trunks() {
    let usage = Usage::new();
    assert_eq!(usage.open(1, call("a", "carrier", "pbx")), None);
    assert_eq!(usage.open(2, call("b", "carrier", "carrier")), None);
    assert_eq!(usage.trunk_calls("carrier"), TrunkCalls { from: 2, to: 1 });
    assert_eq!(usage.trunk_calls("pbx"), TrunkCalls { from: 0, to: 1 });
    assert_eq!(usage.trunk_calls("other"), TrunkCalls::default());
    assert_eq!(usage.close(1), Some(call("a", "carrier", "pbx")));
    assert_eq!(usage.close(1), None, "a call ends once");
    assert_eq!((usage.live(), usage.trunk_calls("pbx")), (1, TrunkCalls::default()));
    assert_eq!(usage.trunk_calls("carrier"), TrunkCalls { from: 1, to: 1 });
}

#[test]
fn a_call_of_the_same_key_gives_way() {
    let usage = Usage::new();
    usage.open(1, call("a", "carrier", "pbx"));
    assert_eq!(usage.open(1, call("b", "carrier", "other")), Some(call("a", "carrier", "pbx")));
    assert_eq!((usage.live(), usage.trunk_calls("carrier").from, usage.trunk_calls("pbx").to), (1, 1, 0));
}

#[test]
fn a_call_moves_to_another_trunk() {
    let usage = Usage::new();
    usage.open(1, call("a", "carrier", "pbx"));
    assert!(usage.reroute(1, "other".into()));
    assert!(!usage.reroute(2, "other".into()));
    assert_eq!((usage.trunk_calls("pbx").to, usage.trunk_calls("other").to), (0, 1));
    usage.close(1);
    assert_eq!(usage.trunk_calls("other"), TrunkCalls::default());
}

#[test]
fn a_listing_keeps_to_its_limit() {
    let usage = Usage::new();
    (0..10).for_each(|key| drop(usage.open(key, call("a", "carrier", "pbx"))));
    assert_eq!(usage.calls(3).len(), 3);
    let mut keys: Vec<CallKey> = usage.calls(100).into_iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..10));
}

#[test]
fn counts_are_nothing_again_after_calls_on_many_threads() {
    let usage = Usage::new();
    std::thread::scope(|scope| {
        for shard in 0..4u64 {
            let usage = &usage;
            scope.spawn(move || {
                for call_number in 0..200 {
                    let key = shard << 32 | call_number;
                    usage.open(key, call("a", "carrier", if key % 2 == 0 { "pbx" } else { "other" }));
                    if call_number % 3 == 0 {
                        usage.reroute(key, "other".into());
                    }
                    usage.close(key);
                }
            });
        }
    });
    assert_eq!(usage.live(), 0);
    for trunk in ["carrier", "pbx", "other"] {
        assert_eq!(usage.trunk_calls(trunk), TrunkCalls::default());
    }
}
