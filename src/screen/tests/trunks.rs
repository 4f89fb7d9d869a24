//! DESIGN section 5, points 1 and 2: whose a message is, and what it may ask for.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::*;
use crate::flow::{Flow, ListenerId, Transport};
use crate::number::NumberFormat;
use crate::screen::Methods;
use crate::sip::Target;

fn owner(world: &World, source: &str, transport: Transport) -> Option<String> {
    let peer: SocketAddr = source.parse().expect("an address");
    let local = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 5060);
    let flow = Flow { transport, listener: ListenerId(0), local, peer, connection: None };
    world.policy.trunk_of(&flow).map(|id| world.policy.trunk(id).name.to_string())
}

fn trunk(rest: &str) -> crate::screen::Trunk {
    let world = bare_world(&format!("[[trunk]]\nname = \"t\"\n{rest}\n"));
    world.policy.trunks[0].clone()
}

#[test]
fn the_most_specific_from_wins() {
    let world = bare_world(
        r#"
        [[trunk]]
        name = "all"
        from = ["0.0.0.0/0"]
        [[trunk]]
        name = "net"
        from = ["192.0.2.0/24"]
        [[trunk]]
        name = "host"
        from = ["192.0.2.7"]
        [[trunk]]
        name = "port"
        from = ["192.0.2.7:5070"]
        [[trunk]]
        name = "six"
        from = ["2001:db8::/32", "[2001:db8::1]:5060"]
        "#,
    );
    for (source, name) in [
        ("8.8.8.8:1", "all"),
        ("192.0.2.8:5060", "net"),
        ("192.0.2.7:5060", "host"),
        ("192.0.2.7:5070", "port"),
        ("[2001:db8::9]:1", "six"),
        ("[::ffff:192.0.2.8]:5060", "net"),
    ] {
        assert_eq!(owner(&world, source, Transport::Udp).as_deref(), Some(name), "{source}");
    }
    assert_eq!(owner(&world, "[2001:db9::1]:5060", Transport::Udp), None);
}

#[test]
fn a_port_in_from_counts_for_udp_only() {
    let world = bare_world("[[trunk]]\nname = \"t\"\nfrom = [\"192.0.2.7:5070\"]\n");
    assert_eq!(owner(&world, "192.0.2.7:5070", Transport::Udp).as_deref(), Some("t"));
    assert_eq!(owner(&world, "192.0.2.7:5071", Transport::Udp), None);
    assert_eq!(owner(&world, "192.0.2.7:40000", Transport::Tcp).as_deref(), Some("t"));
}

#[test]
fn an_address_with_another_udp_port_falls_back_to_the_wider_from() {
    let world = bare_world(
        "[[trunk]]\nname = \"a\"\nfrom = [\"192.0.2.7:5070\"]\n[[trunk]]\nname = \"b\"\nfrom = [\"192.0.2.0/24\"]\n",
    );
    assert_eq!(owner(&world, "192.0.2.7:5060", Transport::Udp).as_deref(), Some("b"));
}

#[test]
fn two_equal_from_are_a_mistake() {
    for (one, two) in [("192.0.2.7", "192.0.2.7/32"), ("192.0.2.0/24", "192.0.2.9/24"), ("[::1]:5060", "[::1]:5060")] {
        let text =
            format!("[[trunk]]\nname = \"x\"\nfrom = [\"{one}\"]\n[[trunk]]\nname = \"y\"\nfrom = [\"{two}\"]\n");
        assert_eq!(problem(&text), RuleError::SameSource { owner: "x".into() }, "{one}");
    }
}

#[test]
fn a_from_that_is_no_address_is_a_mistake() {
    for from in ["carrier.example", "192.0.2.0/33", "192.0.2", ""] {
        assert_eq!(problem(&format!("[[trunk]]\nname = \"x\"\nfrom = [\"{from}\"]\n")), RuleError::Source, "{from}");
    }
}

#[test]
fn methods_default_to_invite_and_a_star_allows_any() {
    assert!(trunk("").methods.allows(b"INVITE"));
    assert!(!trunk("").methods.allows(b"MESSAGE"));
    assert!(!trunk("").methods.allows(b"invite"));
    assert_eq!(trunk("methods = [\"*\"]").methods, Methods::Any);
    let own = trunk("methods = [\"INVITE\", \"MESSAGE\"]").methods;
    assert!(own.allows(b"MESSAGE") && !own.allows(b"REGISTER"));
    assert_eq!(problem("[[trunk]]\nname = \"x\"\nmethods = [\"INVITE\", \"*\"]\n"), RuleError::Method);
}

#[test]
fn targets_are_addresses_with_port_and_transport() {
    let to = trunk("to = [\"sip:192.0.2.1\", \"sip:192.0.2.1:5070;transport=TCP\", \"sip:[::1]:5062\"]").to;
    let target = |transport, addr: &str| Target::Address { transport, addr: addr.parse().expect("an address") };
    assert_eq!(
        to,
        [
            target(Transport::Udp, "192.0.2.1:5060"),
            target(Transport::Tcp, "192.0.2.1:5070"),
            target(Transport::Udp, "[::1]:5062"),
        ]
    );
}

#[test]
fn a_target_may_be_a_name_and_is_shown_as_it_is_written() {
    let uris = ["sip:carrier.example", "sip:sbc-2.carrier.example:5070;transport=tcp", "sip:pbx;transport=udp"];
    let to = trunk(&format!("to = {uris:?}")).to;
    assert_eq!(to.iter().map(ToString::to_string).collect::<Vec<_>>(), uris);
    assert!(to.iter().all(|target| matches!(target, Target::Name(_))));
}

#[test]
fn an_address_with_a_slip_and_what_dns_cannot_know_are_no_names() {
    let long = "a".repeat(64);
    for host in ["192.0.2.300", "192.0.2", "1.2.3.4.5", "sbc..example", ".example", &format!("{long}.example")] {
        assert_eq!(
            problem(&format!("[[trunk]]\nname = \"x\"\nto = [\"sip:{host}\"]\n")),
            RuleError::TargetName,
            "{host}"
        );
    }
}

#[test]
fn other_targets_are_mistakes() {
    for (to, error) in [
        ("tel:+48221112233", RuleError::TargetScheme),
        ("sip:user@192.0.2.1", RuleError::TargetParts),
        ("sip:192.0.2.1;lr", RuleError::TargetParts),
        ("sip:192.0.2.1;transport=sctp", RuleError::Transport),
        ("sips:192.0.2.1", RuleError::Tls),
        ("sip:192.0.2.1;transport=TLS", RuleError::Tls),
        ("192.0.2.1:5060", RuleError::TargetUri(crate::sip::UriError::Scheme)),
    ] {
        assert_eq!(problem(&format!("[[trunk]]\nname = \"x\"\nto = [\"{to}\"]\n")), error, "{to}");
    }
}

#[test]
fn a_trunk_keeps_what_it_says() {
    let trunk = trunk(
        "trusted = true\nnumber_format = \"+e164\"\nprefix = \"9#\"\nhost = \"sip.example\"\ntry_for = \"1500ms\"\n\
         failover_on = [500, 503]\ncountry = \"44\"\nnational = \"0\"\nnational_length = [10]",
    );
    assert!(trunk.trusted);
    assert_eq!(trunk.number_format, NumberFormat::PlusE164);
    assert_eq!((trunk.prefix.as_deref(), trunk.host.as_deref()), (Some("9#"), Some("sip.example")));
    assert_eq!(trunk.try_for, Duration::from_millis(1500));
    assert_eq!(trunk.failover_on, [500, 503]);
    assert_eq!(trunk.plan, DialPlan::new("44", "00", "0", &[10]).expect("a plan"));
}

#[test]
fn a_trunk_that_says_nothing_has_the_documented_defaults() {
    let trunk = trunk("");
    assert!(!trunk.trusted);
    assert_eq!(trunk.number_format, NumberFormat::AsReceived);
    assert_eq!(trunk.try_for, Duration::from_secs(4));
    assert_eq!(trunk.failover_on, [503]);
    assert_eq!(trunk.plan, DialPlan::default());
}

#[test]
fn values_of_a_trunk_that_make_no_sense_are_mistakes() {
    for (key, error) in [
        ("try_for = \"4\"", RuleError::Span),
        ("try_for = \"0s\"", RuleError::Span),
        ("failover_on = [200]", RuleError::Status(300, 599)),
        ("failover_on = [603]", RuleError::Status(300, 599)),
    ] {
        assert_eq!(problem(&format!("[[trunk]]\nname = \"x\"\n{key}\n")), error, "{key}");
    }
    for key in ["prefix = \"9 @\"", "host = \"a b\""] {
        let found = problem(&format!("[[trunk]]\nname = \"x\"\n{key}\n"));
        assert!(matches!(found, RuleError::RequestUriPart(_)), "{found:?}");
    }
}

#[test]
fn weights_are_those_of_the_targets() {
    let to = r#"to = ["sip:192.0.2.1", { uri = "sip:192.0.2.2", weight = 3 }]"#;
    let trunk = trunk(&format!("{to}\nload_balance = \"call-hash\""));
    assert_eq!(
        (trunk.load_balance, [trunk.weight(0), trunk.weight(1)]),
        (crate::screen::LoadBalance::CallHash, [1, 3])
    );
}

#[test]
fn limits_and_probes_are_off_unless_they_are_said() {
    let bare = trunk("");
    assert_eq!((bare.probe, bare.limits), (None, crate::screen::Limits::default()));
    let trunk = trunk("probe = \"10s\"\nmax_calls = 500\nmax_cps = 50\nreply = \"486 Busy Here\"");
    assert_eq!(trunk.probe, Some(Duration::from_secs(10)));
    assert_eq!((trunk.limits.max_calls, trunk.limits.max_cps), (Some(500), Some(50)));
    assert_eq!(trunk.limits.reply, Some((486, "Busy Here".into())));
}
