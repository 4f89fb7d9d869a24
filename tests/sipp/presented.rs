//! The number that an outgoing call shows.

use std::collections::HashMap;

use crate::facts::facts;
use crate::ringfence::{Role, Scene, calls};
use crate::sipp::{Sipp, logged};

const POOL: u64 = 20;

const EXCLUDED: [u64; 4] = [48_223_900_100, 48_223_900_107, 48_223_900_108, 48_223_900_119];

const CALLS: u32 = 2000;

const RULES: &str = r#"
[[list]]
name = "pool"
class = "pool"
entries = ["48223900100-48223900117", "48223900118", "48223900119"]
[[list]]
name = "spam"
class = "reputation"
entries = ["48223900100", "48223900107-48223900108"]
[[list]]
name = "gone"
class = "dno"
entries = ["48223900119"]
[[route]]
name = "out"
trunks = ["caller"]
to = "callee"
present = { pool = "pool", strategy = "random", headers = ["P-Asserted-Identity"] }
"#;

/// How unlikely a uniform choice is to fail this, at most.
const RISK: f64 = 1e-9;

/// What a sum of squared deviations over their expectation exceeds with probability [`RISK`] at most: the tail bound of
/// Laurent and Massart (2000, lemma 1) for a chi-squared variable of `freedom` degrees, k + 2*sqrt(k*x) + 2*x, at
/// x = ln(1 / risk). One number that is never shown, or twice as often as the others, goes beyond it.
fn chi_squared_bound(freedom: f64) -> f64 {
    let x = (1.0 / RISK).ln();
    freedom + 2.0 * (freedom * x).sqrt() + 2.0 * x
}

facts! {
    fn every_allowed_number_is_shown_equally_often_and_no_excluded_one(setting) {
        let scene = Scene::new(setting);
        let ringfence = scene.start(RULES);
        let calls_made = CALLS as usize;
        let callee = Sipp::play(&scene, Role::Callee, "callee_answers", calls_made)
            .with(&["-trace_logs", "-log_file", "seen.log"])
            .start();
        Sipp::play(&scene, Role::Caller, "caller_answered", calls_made)
            .from(&[("<sip:101@pbx.example.net>", "600700800", "P-Asserted-Identity: <sip:+48223900100@example.net>")])
            .rate(500)
            .run();
        callee.finish();

        let records = ringfence.stop();
        let recorded: HashMap<&str, &str> =
            calls(&records).iter().map(|call| (&*call["call_id"], &*call["presented"])).collect();
        let mut shown: HashMap<u64, u32> = HashMap::new();
        let seen = logged(&scene, "seen.log");
        for line in &seen {
            let [call_id, _, asserted, _] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let number = asserted.strip_prefix("<sip:+").and_then(|rest| rest.split('@').next()).expect("a number");
            assert!(asserted.trim_end().ends_with(";user=phone>"), "{line}");
            assert_eq!(recorded.get(call_id), Some(&number), "the record tells what the callee saw");
            *shown.entry(number.parse().expect("a number")).or_default() += 1;
        }

        assert_eq!(seen.len(), calls_made);
        let allowed: Vec<u64> =
            (48_223_900_100..48_223_900_100 + POOL).filter(|number| !EXCLUDED.contains(number)).collect();
        assert!(shown.keys().all(|number| allowed.contains(number)), "{shown:?}");
        let numbers = f64::from(u8::try_from(allowed.len()).expect("a small pool"));
        let expected = f64::from(CALLS) / numbers;
        let deviation = |number| f64::from(shown.get(number).copied().unwrap_or(0)) - expected;
        let chi_squared: f64 = allowed.iter().map(|number| deviation(number).powi(2) / expected).sum();
        assert!(chi_squared < chi_squared_bound(numbers - 1.0), "chi squared {chi_squared}: {shown:?}");
    }
}
