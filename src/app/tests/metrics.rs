//! What is counted of lists and campaigns.

use std::time::{Duration, SystemTime};

use super::*;
use crate::admin::{MetricFamily, MetricKind};
use crate::app::metrics;
use crate::counters::EngineCounters;
use crate::screen::Ground;
use crate::time::WallTime;
use crate::usage::{RestRule, ShowLimits};

const MODIFIED: Duration = Duration::from_secs(1_700_000_000);

fn list_metrics(running: &Running, now: WallTime) -> Vec<MetricFamily> {
    metrics::lists::families(&running.live.world(), &running.live.read(), now)
}

/// The value of "default".
#[track_caller]
fn value(families: &[MetricFamily], name: &str) -> u64 {
    let family = families.iter().find(|family| family.name == format!("ringfence_list_{name}")).unwrap();
    assert_eq!(family.kind, MetricKind::Gauge);
    let sample = family.samples.iter().find(|sample| sample.labels == [("list", "default".to_owned())]);
    sample.unwrap().value
}

#[test]
fn each_list_tells_its_edits_age_and_trouble() {
    let running = Running::with("max_age = \"1d\"\nmax_change = 40\non_error = \"skip\"\n");
    let written = |text: &str| {
        running.write("default.csv", text);
        let file = fs::File::options().write(true).open(running.path("default.csv")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + MODIFIED).unwrap();
    };
    written("48221000001\n48221000002\n48221000003\n4822x\n1234567\n");
    running.reload().unwrap();
    let running_waits = running.status().waiting.expect("more than 40 %");
    changes::confirm(&running.live, &anna(), &"default".into(), running_waits.digest).unwrap();
    written("48221000001\n48221000002\n48221000003\n4822x\n1234567\n48221000004\n");
    running.reload().unwrap();
    running.edit(put("default", "48600100200")).unwrap();
    running.edit(remove("default", "48221000001")).unwrap();
    let at = |seconds: u64| WallTime::default() + MODIFIED + Duration::from_secs(seconds);

    let families = list_metrics(&running, at(86_399));
    for (name, expected) in [
        ("entries", 5),
        ("edits", 2),
        ("edits_not_folded", 2),
        ("age_seconds", 86_399),
        ("stale", 0),
        ("waiting", 0),
        ("alarm", 0),
        ("rows_skipped", 1),
        ("numbers_guessed", 1),
    ] {
        assert_eq!(value(&families, name), expected, "{name}");
    }
    let families = list_metrics(&running, at(86_400));
    assert_eq!((value(&families, "age_seconds"), value(&families, "stale")), (86_400, 1));
    assert_eq!(value(&list_metrics(&running, at(0)), "age_seconds"), 0);
    let before_the_file = WallTime::default();
    assert_eq!(value(&list_metrics(&running, before_the_file), "age_seconds"), 0);

    let age = families.iter().find(|family| family.name == "ringfence_list_age_seconds").unwrap();
    assert_eq!(age.samples.len(), 1, "a list without a file has no age");
    let labels = families.iter().flat_map(|family| &family.samples).flat_map(|sample| &sample.labels);
    assert!(labels.into_iter().all(|(label, of)| *label == "list" && ["default", "abroad"].contains(&&**of)));

    written("48221000009\n");
    running.reload().unwrap();
    assert_eq!(value(&list_metrics(&running, at(0)), "waiting"), 1);
    let (dir, runtime) = running.stop();
    fs::remove_file(dir.path().join("default.csv")).unwrap();
    let running = Running { live: start(dir.path()), dir, runtime };
    let families = list_metrics(&running, at(0));
    assert_eq!((value(&families, "waiting"), value(&families, "alarm")), (0, 1));
}

#[test]
fn edits_and_imported_entries_are_counted() {
    let running = Running::new();
    running.edit_all(vec![put("default", "48600100200"), remove("default", "48600100200")]).unwrap();
    running.import("default", "48600100201\n48600100202\n".to_owned());
    running.edit(remove("default", "48600100209")).unwrap_err();
    assert_eq!(running.live.counts.edits.get(), 4);
    let families = running.live.metrics();
    let edits = families.iter().find(|family| family.name == "ringfence_edits").unwrap();
    assert_eq!((&edits.kind, edits.samples[0].value), (&MetricKind::Counter, 4));
    assert!(families.iter().any(|family| family.name == "ringfence_list_stale"));
}

#[test]
fn each_pool_tells_how_many_of_its_numbers_rest() {
    let running = Running::new();
    running.edit(put("default", "48221000001")).unwrap();
    let presents = "[[route]]\nname = \"out\"\nto = \"carrier\"\npresent = { pool = \"default\", exclude = [] }\n";
    running.write("ringfence.toml", &format!("{CONFIG}{presents}"));
    running.reload().unwrap();
    let (usage, now) = (&running.live.usage, WallTime::default() + MODIFIED);
    for number in ["48221000001", "48229999999"] {
        let number = number.parse().unwrap();
        usage.showings.show(number, &ShowLimits::default(), now).unwrap();
        assert!(usage.showings.refused(number, &RestRule { after: 1, length: Duration::from_secs(60) }, now));
    }
    let shown = |at| {
        let family = metrics::pools::family(&running.live.world(), usage, at);
        assert_eq!(family.name, "ringfence_pool_resting");
        family.samples.iter().map(|sample| (sample.labels[0].1.clone(), sample.value)).collect::<Vec<_>>()
    };
    assert_eq!(shown(now), [("default".to_owned(), 1)], "the number of another pool is none of its own");
    assert_eq!(shown(now + Duration::from_secs(60)), [("default".to_owned(), 0)]);
}

#[test]
fn campaigns_are_added_up_over_shards_by_ground_and_code() {
    let engines: [Arc<EngineCounters>; 2] = Default::default();
    for engine in &engines {
        let counted = engine.campaigns.of(&"sale".into());
        counted.judged.add(3);
        counted.grounds[Ground::OutsideHours as usize].add(1);
        counted.answers.add(486);
    }
    let told: Vec<String> = metrics::campaigns::families(&engines)
        .iter()
        .flat_map(|family| family.samples.iter().map(|sample| (&family.name, sample)))
        .map(|(name, sample)| format!("{name} {:?} {}", sample.labels, sample.value))
        .collect();
    let expected = [
        r#"ringfence_campaign_judged [("campaign", "sale")] 6"#,
        r#"ringfence_campaign_refused [("campaign", "sale"), ("ground", "outside-hours")] 2"#,
        r#"ringfence_campaign_answers [("campaign", "sale"), ("code", "486")] 2"#,
    ];
    assert_eq!(told, expected);
}
