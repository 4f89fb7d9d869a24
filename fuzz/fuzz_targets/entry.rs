//! An entry that was read is read again from its canonical spelling, and from its spelling under the same plan.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence::lists::Entry;
use ringfence::number::DialPlan;

fuzz_target!(|text: &str| {
    for plan in plans() {
        match Entry::parse(text, &plan) {
            Ok(entry) => {
                assert_eq!(entry.to_string().parse::<Entry>().as_ref(), Ok(&entry));
                assert_eq!(Entry::parse(&entry.spelled(&plan), &plan).as_ref(), Ok(&entry));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});

fn plans() -> [DialPlan; 4] {
    [
        DialPlan::default(),
        DialPlan::new("44", "00", "0", &[9, 10]).expect("a plan"),
        DialPlan::new("1", "011", "1", &[10]).expect("a plan"),
        DialPlan::BARE,
    ]
}
