//! A number that was read, written in any global format, is read as the same number; a code keeps its digits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence::number::{DialPlan, Dialled, NumberFormat};

fuzz_target!(|user: &[u8]| {
    for plan in plans() {
        match plan.normalise(user) {
            Some(Dialled::E164 { number, .. }) => {
                for format in [NumberFormat::PlusE164, NumberFormat::International, NumberFormat::National] {
                    let mut written = Vec::new();
                    plan.write(number, format, &mut written);
                    assert_eq!(plan.normalise(&written), Some(Dialled::E164 { number, guessed: false }), "{format:?}");
                }
                let decorated = format!("(+{number});npdi;rn=+48600000000");
                assert_eq!(plan.normalise(decorated.as_bytes()), Some(Dialled::E164 { number, guessed: false }));
            }
            Some(Dialled::Code(code)) => {
                let digits = code.to_string();
                assert_eq!(DialPlan::BARE.normalise(digits.as_bytes()), Some(Dialled::Code(code)));
            }
            None => {}
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
