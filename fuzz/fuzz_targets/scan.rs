//! The parts of a message lie in it in order and without gaps, its reply says what it says, and rsip reads the same.
#![no_main]

#[path = "../../tests/sip_properties/check.rs"]
#[allow(dead_code, reason = "each target asserts some of the equalities")]
mod check;
#[path = "../../tests/sip_properties/oracle.rs"]
mod oracle;

use libfuzzer_sys::fuzz_target;
use ringfence::sip::Message;

fuzz_target!(|bytes: &[u8]| {
    let Some(message) = check::scanned(bytes) else { return };
    for field in message.headers().fields() {
        check::values(message.headers().slice(field.value));
        check::address(message.headers().slice(field.value));
    }
    for source in ["192.0.2.1:5062", "[2001:db8::9]:1"] {
        let source = source.parse().expect("an address");
        check::vias(message.headers(), source);
        if let Message::Request(request) = &message {
            check::replied(request, source);
        }
    }
    oracle::agrees(&message);
});
