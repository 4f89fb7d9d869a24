//! Folding edits into bases while others are made.

use super::*;
use crate::app::folding;
use crate::lists::List;

fn number(at: u64) -> String {
    format!("48600{at:06}")
}

#[test]
fn folding_loses_no_edit_that_is_made_meanwhile() {
    let running = Running::with_entries(&format!("\"{}\", \"{}\"", number(3), number(900_000)));
    let count = List::WORTH_FOLDING + 1;
    let numbers: Vec<u64> = (0..count).collect();
    for group in numbers.chunks(10_000) {
        running.edit_all(group.iter().map(|at| put("default", &number(*at))).collect()).unwrap();
    }
    assert!(folding::is_due(&running.live.world()));
    let list = |running: &Running| running.live.world().lists.get("default").unwrap().clone();
    assert_eq!((list(&running).unfolded(), running.len("default")), (count, count + 1));

    let folded = AtomicBool::new(false);
    let made = thread::scope(|scope| {
        // Each removes a number that is being folded and adds one that the fold has not seen.
        let writer = scope.spawn(|| {
            let mut made = 0;
            while made < 2 || !folded.load(Ordering::Relaxed) {
                running.edit(remove("default", &number(made))).unwrap();
                running.edit(put("default", &number(500_000 + made))).unwrap();
                made += 1;
            }
            made
        });
        folding::fold(&running.live);
        folded.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    assert_eq!(running.live.counts.folds.get(), 1);
    assert!(list(&running).unfolded() <= 2 * made, "what was there before is in the base");
    let whole = |running: &Running| {
        assert_eq!((running.len("default"), list(running).edits()), (count + 1, count + made));
        assert!((0..made).all(|at| !running.holds("default", &number(at))));
        assert!((made..count).all(|at| running.holds("default", &number(at))));
        assert!((0..made).all(|at| running.holds("default", &number(500_000 + at))));
        assert!(running.holds("default", &number(900_000)), "the config says so");
    };
    whole(&running);
    assert!(!folding::is_due(&running.live.world()));
    let generation = running.generation();
    assert_eq!(generation, 1 + count + 2 * made, "a fold is no generation");
    let running = running.restart();
    whole(&running);
    assert_eq!(running.generation(), generation);
}
