//! An engine between two that say anything sends only what can be read again, passes on what it does not know, and has
//! forgotten everything when the timers have run out. The input is the callee's choices, what the callee adds to his
//! answers, and, behind the first zero byte, the caller's message.
#![no_main]

#[path = "../../tests/sip_properties/proxy.rs"]
mod proxy;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((choices, rest)) = bytes.split_at_checked(8) else { return };
    let zero = rest.iter().position(|&byte| byte == 0).unwrap_or(0);
    let (added, caller) = (&rest[..zero], rest.get(zero + 1..).unwrap_or_default());
    let mut bench = proxy::Bench::new();
    bench.call(caller, added, choices);
    bench.let_time_pass();
});
