//! What a splice does not name keeps its bytes and its order. The first bytes choose the changes.
#![no_main]

#[path = "../../tests/sip_properties/check.rs"]
#[allow(dead_code, reason = "each target asserts some of the equalities")]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choices, bytes)) = bytes.split_at_checked(8) else { return };
    if let Some(message) = check::scanned(bytes) {
        check::spliced(&message, choices);
    }
});
