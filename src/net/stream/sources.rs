//! How much each source holds, so that none can take all there is.

use std::net::{IpAddr, Ipv6Addr};

use dashmap::DashMap;

/// What the sources hold that hold anything.
#[derive(Debug, Default)]
pub(super) struct Sources(DashMap<IpAddr, usize>);

/// What one source holds until this is dropped.
#[derive(Debug)]
pub(super) struct Held<'s> {
    sources: &'s Sources,
    source: IpAddr,
}

impl Sources {
    /// One more for the source of this address, unless it holds `most`.
    pub(super) fn take(&self, address: IpAddr, most: usize) -> bool {
        let mut held = self.0.entry(source_of(address)).or_insert(0);
        let is_taken = *held < most;
        *held += usize::from(is_taken);
        is_taken
    }

    /// The same, given back by itself.
    pub(super) fn hold(&self, address: IpAddr, most: usize) -> Option<Held<'_>> {
        self.take(address, most).then_some(Held { sources: self, source: address })
    }

    /// One less for the source of this address, which holds one.
    pub(super) fn give_back(&self, address: IpAddr) {
        let source = source_of(address);
        if let Some(mut held) = self.0.get_mut(&source) {
            *held -= 1;
        }
        self.0.remove_if(&source, |_, held| *held == 0);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.sources.give_back(self.source);
    }
}

/// A host with IPv6 has all addresses of a network of 64 bits (RFC 4291 section 2.5.4).
fn source_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & NETWORK).into(),
    }
}

const NETWORK: u128 = !0 << 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_holds_no_more_than_it_may_and_others_are_none_the_worse() {
        let sources = Sources::default();
        assert!(sources.take(ip("192.0.2.1"), 2) && sources.take(ip("192.0.2.1"), 2));
        assert!(!sources.take(ip("192.0.2.1"), 2));
        assert!(sources.take(ip("192.0.2.2"), 2));
        sources.give_back(ip("192.0.2.1"));
        assert!(sources.hold(ip("192.0.2.1"), 2).is_some());
        assert!(sources.take(ip("192.0.2.1"), 2), "what was held is given back");
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_are_one_source() {
        let sources = Sources::default();
        assert!(sources.take(ip("2001:db8::1"), 1));
        assert!(!sources.take(ip("2001:db8::ffff:0:0:9"), 1));
        assert!(sources.take(ip("2001:db8:0:1::1"), 1));
    }

    #[test]
    fn sources_that_hold_nothing_are_forgotten() {
        let sources = Sources::default();
        assert!(sources.take(ip("2001:db8::1"), 1));
        sources.give_back(ip("2001:db8::2"));
        assert!(sources.0.is_empty());
    }
}
