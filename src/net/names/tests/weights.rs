//! RFC 2782: who of one priority comes first.

use std::collections::BTreeMap;

use super::*;

const DRAWS: u32 = 20_000;

/// How often each port came first, and second, in per cent.
fn shares(weights: &[u16]) -> [BTreeMap<u16, u32>; 2] {
    let servers =
        (1..).zip(weights).map(|(port, weight)| server(*weight, SocketAddr::new([192, 0, 2, 1].into(), port)));
    let location = Location(vec![Group { transport: Transport::Udp, servers: servers.collect() }]);
    let mut rng = rng();
    let mut counts = [BTreeMap::new(), BTreeMap::new()];
    for _ in 0..DRAWS {
        let places = location.draw(&mut rng);
        assert_eq!(places.len(), weights.len());
        for (counts, place) in counts.iter_mut().zip(places) {
            *counts.entry(place.addr.port()).or_insert(0) += 1;
        }
    }
    counts.map(|counts| counts.into_iter().map(|(port, count)| (port, (count * 100 + DRAWS / 2) / DRAWS)).collect())
}

fn is_near(share: u32, expected: u32) -> bool {
    share.abs_diff(expected) <= 2
}

#[test]
fn servers_of_one_priority_come_first_as_often_as_they_weigh() {
    let [first, second] = shares(&[60, 30, 10]);
    assert!(is_near(first[&1], 60) && is_near(first[&2], 30) && is_near(first[&3], 10), "{first:?}");
    // 60 first leaves 30 to 10, 30 first leaves 60 to 10, 10 first leaves 60 to 30.
    assert!(is_near(second[&2], 48) && is_near(second[&1], 32) && is_near(second[&3], 19), "{second:?}");
}

#[test]
fn a_server_of_weight_0_has_a_small_chance_beside_others() {
    let [first, _] = shares(&[0, 50]);
    assert!(first[&1] <= 4 && first[&2] >= 96, "{first:?}");
}

#[test]
fn servers_of_weight_0_alone_come_first_equally_often() {
    let [first, _] = shares(&[0, 0, 0, 0]);
    assert!(first.values().all(|share| is_near(*share, 25)), "{first:?}");
}

#[test]
fn addresses_of_one_host_take_turns_and_the_preferred_family_comes_first() {
    let addresses = ["2001:db8::1", "2001:db8::2", "192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap()).to_vec();
    let servers = vec![Server { weight: 0, port: 5060, addresses }];
    let location = Location(vec![Group { transport: Transport::Udp, servers }]);
    let mut rng = rng();
    let mut first = BTreeMap::new();
    for _ in 0..1_000 {
        let places = location.draw(&mut rng);
        assert_eq!(places.iter().map(|place| place.addr.is_ipv6()).collect::<Vec<_>>(), [true, true, false, false]);
        *first.entry(places[0].addr.ip()).or_insert(0_u32) += 1;
    }
    assert!(first.len() == 2 && first.values().all(|count| count.abs_diff(500) < 70), "{first:?}");
}
