use std::time::Duration;

use serde_json::json;

use super::fake::noon;
use super::*;
use crate::number::Number;
use crate::usage::{RestRule, ShowLimits};

const PRESENTING: &str = r#"
    [[inbound]]
    name = "none"
    [[trunk]]
    name = "carrier"
    from = ["127.0.0.2"]
    to = ["sip:127.0.0.2:5060"]
    [[route]]
    name = "calls"
    called = ["48*"]
    to = "carrier"
    present = { pool = "our numbers", per_hour = 2, rest_after = 2, rest_for = "1h" }
    [[route]]
    name = "faxes"
    to = "carrier"
    present = { pool = "our numbers", exclude = [] }
"#;

fn number(last: u64) -> Number {
    Number::new(48_223_900_000 + last).unwrap()
}

/// Five numbers: the first was shown twice, the second rests, the third is listed, the fourth has expired.
fn served() -> Served {
    let served = Served::new(Fake::default());
    let mut builder = BaseBuilder::new();
    for last in 0..5 {
        let expires = (last == 3).then(noon);
        builder.push(Entry::Number(number(last)), &Details { expires, ..Details::default() });
    }
    let list = |name: &str, class, base| List::new(name.into(), class, None, Arc::new(base));
    let ours = list("our numbers", Class::Pool, builder.build());
    let mut builder = BaseBuilder::new();
    builder.push(Entry::Number(number(2)), &Details::default());
    let lists = vec![list("default", Class::Personal, builder.build()), ours];
    served.backend.state().world = Arc::new(world_of(PRESENTING, lists));
    let showings = &served.backend.usage.showings;
    for last in [0, 0, 1] {
        showings.show(number(last), &ShowLimits::default(), noon()).unwrap();
    }
    let rule = RestRule { after: 2, length: Duration::from_secs(3_600) };
    assert!(!showings.refused(number(0), &rule, noon()));
    assert!([1, 2].map(|_| showings.refused(number(1), &rule, noon()))[1]);
    served
}

#[test]
fn each_pool_shows_how_many_numbers_each_of_its_routes_may_present() {
    let shown = served().call("GET", "/v1/pools", "").json();
    let expected = json!({"generation": 7, "pools": [{"list": "our numbers", "numbers": 5, "routes": [
        {"route": "calls", "free": 1, "listed": 1, "capped": 1, "cooling": 0, "resting": 1, "expired": 1},
        {"route": "faxes", "free": 4, "listed": 0, "capped": 0, "cooling": 0, "resting": 0, "expired": 1},
    ]}]});
    assert_eq!(shown, expected);
    assert_eq!(Served::new(Fake::default()).call("GET", "/v1/pools", "").json()["pools"], json!([]));
}

#[test]
fn each_number_shows_its_state_and_why() {
    let served = served();
    let page = served.call("GET", "/v1/pools/our%20numbers?limit=2", "").json();
    let expected = json!({
        "generation": 7, "list": "our numbers", "route": "calls", "next": "48223900001", "numbers": [
            {"number": "48223900000", "state": "capped", "why": "it was shown 2 times within an hour",
             "shown_last_hour": 2, "shown_last_day": 2, "last_shown": "2026-11-22T12:00:00.000000Z",
             "refused_in_a_row": 1, "rests_until": null},
            {"number": "48223900001", "state": "resting",
             "why": "networks have refused it, and it rests until 2026-11-22T13:00:00.000000Z",
             "shown_last_hour": 1, "shown_last_day": 1, "last_shown": "2026-11-22T12:00:00.000000Z",
             "refused_in_a_row": 0, "rests_until": "2026-11-22T13:00:00.000000Z"},
        ]
    });
    assert_eq!(page, expected);
    let page = served.call("GET", "/v1/pools/our%20numbers?after=%2B48223900001", "").json();
    let states: Vec<&str> =
        page["numbers"].as_array().unwrap().iter().map(|number| number["state"].as_str().unwrap()).collect();
    assert_eq!((states, &page["next"]), (vec!["listed", "expired", "free"], &json!(null)));
    let page = served.call("GET", "/v1/pools/our%20numbers?route=faxes&limit=1", "").json();
    assert_eq!((&page["route"], &page["numbers"][0]["state"]), (&json!("faxes"), &json!("free")));
}

#[test]
fn a_rest_is_ended_by_hand() {
    let served = served();
    let rest = "/v1/pools/our%20numbers/rests/+48223900001";
    assert_eq!(served.call("DELETE", rest, "").status, 204);
    let page = served.call("GET", "/v1/pools/our%20numbers?after=48223900000&limit=1", "").json();
    assert_eq!(page["numbers"][0]["state"], "free");
    let told = served.call("DELETE", rest, "").problem(404);
    assert_eq!(told, "no number 48223900001 of the pool \"our numbers\" rests");
}

#[test]
fn what_is_no_pool_number_or_route_is_told() {
    let served = served();
    served.call("GET", "/v1/pools/default", "").problem(404);
    served.call("DELETE", "/v1/pools/default/rests/48223900001", "").problem(404);
    let told = served.call("GET", "/v1/pools/our%20numbers?route=mail", "").problem(404);
    assert_eq!(told, "no route \"mail\" presents from the pool \"our numbers\"");
    for query in ["limit=0", "limit=1001", "after=alice", "after=4822*"] {
        served.call("GET", &format!("/v1/pools/our%20numbers?{query}"), "").problem(422);
    }
    served.call("GET", "/v1/pools/our%20numbers?before=1", "").problem(400);
    served.call("DELETE", "/v1/pools/our%20numbers/rests/112", "").problem(422);
}
