//! Two processes and one state directory.

use crate::daemon::Scene;

#[test]
fn a_second_process_refuses_to_start_and_the_first_goes_on() {
    let scene = Scene::new("");
    let first = scene.start();
    first.client.put("48600100001").expect(201);
    let log = scene.refused();
    assert!(log.contains("is in use by another ringfence process"), "{log}");
    first.client.put("48600100002").expect(201);
    drop(first);
    let next = scene.start();
    assert_eq!(next.client.entries("default").len(), 2);
}

#[test]
fn of_two_that_start_at_the_same_instant_exactly_one_runs() {
    for _ in 0..ROUNDS {
        let scene = Scene::new("");
        let (one, other) = (scene.begin(), scene.begin());
        let (runs, (code, log)) = match (one.outcome(), other.outcome()) {
            (Ok(runs), Err(refused)) | (Err(refused), Ok(runs)) => (runs, refused),
            (Ok(_), Ok(_)) => panic!("both run"),
            (Err(one), Err(other)) => panic!("none runs: {one:?}\n{other:?}"),
        };
        assert_eq!(code, Some(1));
        assert!(log.contains("is in use by another ringfence process"), "{log}");
        runs.client.put("48600100001").expect(201);
    }
}

#[test]
fn a_process_that_was_killed_leaves_no_lock() {
    let scene = Scene::new("");
    for _ in 0..3 {
        scene.start().kill();
    }
}

#[test]
fn who_is_told_to_stop_as_soon_as_it_is_ready_stops_in_order() {
    let scene = Scene::new("");
    for _ in 0..STOPS {
        scene.start().stop();
        assert!(!scene.path("state/ringfence.db-wal").exists(), "the database was closed");
    }
}

/// The race is lost in either way.
const ROUNDS: usize = 10;

/// It takes some to hit the moment.
const STOPS: usize = 30;
