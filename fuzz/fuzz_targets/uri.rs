//! URIs, addresses and comma lists written again from their parts are the same.
#![no_main]

#[path = "../../tests/sip_properties/check.rs"]
#[allow(dead_code, reason = "each target asserts some of the equalities")]
mod check;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check::uri(bytes);
    check::uri(&[b"sip:", bytes].concat());
    check::uri(&[b"tel:", bytes].concat());
    check::address(bytes);
    check::values(bytes);
});
