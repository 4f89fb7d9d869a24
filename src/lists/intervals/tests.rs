use proptest::prelude::*;

use super::*;

fn spans() -> impl Strategy<Value = Vec<Span>> {
    prop::collection::vec((0u64..60, 0u64..30), 0..20).prop_map(|ends| {
        (0u32..).zip(ends).map(|(key, (first, width))| Span { first, last: first + width, key }).collect()
    })
}

proptest! {
    #[test]
    fn the_narrowest_is_what_a_linear_scan_finds(spans in spans(), refused: u32) {
        let intervals = Intervals::new(spans.clone());
        let accept = |key: u32| refused >> key & 1 == 0;
        for point in 0..95 {
            let scan = |accept: &dyn Fn(u32) -> bool| {
                let holding = spans.iter().filter(|span| (span.first..=span.last).contains(&point) && accept(span.key));
                holding.min_by_key(|span| span.rank()).map(|span| span.key)
            };
            prop_assert_eq!(intervals.narrowest(point), scan(&|_| true));
            prop_assert_eq!(intervals.narrowest_of(point, accept), scan(&accept));
        }
    }

    #[test]
    fn merged_spans_cover_the_same_points_once(spans in spans()) {
        let mut sorted = spans.clone();
        sorted.sort();
        let merged = merge(sorted.iter().map(|span| (span.first, span.last)));
        for point in 0..95 {
            let held = spans.iter().any(|span| (span.first..=span.last).contains(&point));
            let times = merged.iter().filter(|(first, last)| (*first..=*last).contains(&point)).count();
            prop_assert_eq!(times, usize::from(held));
        }
        prop_assert!(merged.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
    }
}

#[test]
fn the_highest_point_is_inside() {
    let intervals = Intervals::new(vec![Span { first: 5, last: u64::MAX - 1, key: 7 }]);
    assert_eq!(intervals.narrowest(u64::MAX - 1), Some(7));
    assert_eq!(intervals.narrowest(4), None);
    assert!(Intervals::default().is_empty());
}
