//! DESIGN section 5, points 1 and 2: whose a message is, and what it may ask for.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::*;
use crate::flow::{AltName, ConnectionId, Flow, ListenerId, PeerNames, ProvenNames, Sockets, Transport};
use crate::number::NumberFormat;
use crate::screen::config::SocketConfig;
use crate::screen::{Compiled, Methods};
use crate::sip::Target;

fn owner(world: &World, source: &str, transport: Transport) -> Option<String> {
    owner_by(world, source, transport, None, &ProvenNames::default())
}

/// Whose a message is that comes from this source, over a stream by this connection.
fn owner_by(
    world: &World,
    source: &str,
    transport: Transport,
    connection: Option<ConnectionId>,
    proven: &ProvenNames,
) -> Option<String> {
    let peer: SocketAddr = source.parse().expect("an address");
    let local = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), transport.default_port());
    let flow = Flow { transport, listener: ListenerId(0), local, peer, connection, identity: None };
    world.policy.trunk_of(&flow, proven).map(|id| world.policy.trunk(id).name.to_string())
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
        ("sips:192.0.2.1;transport=udp", RuleError::SipsTransport),
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

/// Rules over the sockets "core" (UDP on 10.0.0.1) and "edge" (TCP on 10.0.0.1), and UDP on 2001:db8::1.
fn over_sockets(text: &str) -> Result<Compiled, Vec<(RuleError, String)>> {
    let (mut rules, lists) = read(text);
    let socket = |id, name: Option<&str>, transport, addr: &str| SocketConfig {
        id: ListenerId(id),
        name: name.map(Into::into),
        transport,
        addr: addr.parse().expect("an address"),
    };
    rules.sockets = vec![
        socket(0, Some("core"), Transport::Udp, "10.0.0.1:5060"),
        socket(1, Some("edge"), Transport::Tcp, "10.0.0.1:5060"),
        socket(2, None, Transport::Udp, "[2001:db8::1]:5060"),
    ];
    let told = |problem: crate::screen::Problem| (problem.error, text[problem.span].to_owned());
    compile(&rules, &lists).map_err(|problems| problems.into_iter().map(told).collect())
}

#[test]
fn sockets_are_named_by_their_name_or_their_addr_in_any_spelling() {
    for (written, ids) in [
        ("\"core\"", &[0][..]),
        ("[\"edge\", \"core\"]", &[1, 0]),
        ("\"udp:10.0.0.1:5060\"", &[0]),
        ("[\"UDP:[2001:DB8:0::1]:5060\", \"tcp:10.0.0.1:5060\"]", &[2, 1]),
    ] {
        let (policy, _) = over_sockets(&format!("[[trunk]]\nname = \"t\"\nvia = {written}\n")).expect("no mistakes");
        let sockets = Sockets::Only(ids.iter().copied().map(ListenerId).collect());
        assert_eq!(policy.trunks[0].via, sockets, "{written}");
    }
}

#[test]
fn an_unknown_socket_is_a_mistake_with_its_place() {
    for (key, written, place, nearest) in [
        ("via", "\"cor\"", "\"cor\"", Some("core")),
        ("on", "[\"edge\", \"tcp:10.0.0.1:5061\"]", "\"tcp:10.0.0.1:5061\"", None),
        ("via", "[\"core\", \"zzzzzzz\"]", "\"zzzzzzz\"", None),
    ] {
        let found = over_sockets(&format!("[[trunk]]\nname = \"t\"\n{key} = {written}\n")).expect_err("a mistake");
        let name = place.trim_matches('"').into();
        let error = RuleError::UnknownSocket { name, nearest: nearest.map(Arc::from) };
        assert_eq!(found, [(error, place.to_owned())]);
    }
    let found = over_sockets("[[trunk]]\nname = \"t\"\nvia = []\n").expect_err("a mistake");
    assert_eq!(found, [(RuleError::EmptyArray, "[]".to_owned())]);
}

#[test]
fn two_equal_from_are_a_mistake_only_where_one_socket_is_on_both() {
    let two = |one: &str, other: &str| {
        over_sockets(&format!(
            "[[trunk]]\nname = \"x\"\nfrom = [\"192.0.2.7\"]\n{one}\n[[trunk]]\nname = \"y\"\nfrom = [\"192.0.2.7\"]\n{other}\n"
        ))
    };
    assert!(two("on = \"core\"", "on = [\"edge\", \"udp:[2001:db8::1]:5060\"]").is_ok());
    for (one, other) in [("", ""), ("on = \"core\"", ""), ("on = [\"core\", \"edge\"]", "on = \"edge\"")] {
        let found = two(one, other).expect_err("a mistake");
        assert_eq!(found[0].0, RuleError::SameSource { owner: "x".into() }, "{one} {other}");
    }
}

#[test]
fn the_most_specific_from_wins_among_those_of_the_socket() {
    let (policy, _) = over_sockets(
        "[[trunk]]\nname = \"wide\"\nfrom = [\"192.0.2.0/24\"]\n\
         [[trunk]]\nname = \"host\"\nfrom = [\"192.0.2.7\"]\non = \"edge\"\n",
    )
    .expect("no mistakes");
    for (listener, transport, owner) in [(0, Transport::Udp, "wide"), (1, Transport::Tcp, "host")] {
        let [local, peer] = ["10.0.0.1:5060", "192.0.2.7:5060"].map(|text| text.parse().expect("an address"));
        let flow = Flow { transport, listener: ListenerId(listener), local, peer, connection: None, identity: None };
        let trunk = policy.trunk_of(&flow, &ProvenNames::default()).expect("a trunk");
        assert_eq!(&*policy.trunk(trunk).name, owner);
    }
}

#[test]
fn a_trunk_that_no_socket_reaches_is_worth_a_warning() {
    let is_warned_of = |text: &str| {
        let (_, notices) = over_sockets(&format!("[[trunk]]\nname = \"t\"\n{text}\n")).expect("no mistakes");
        notices.iter().any(|(_, notice)| *notice == Notice::Unreachable("t".into()))
    };
    for text in [
        "to = [\"sip:192.0.2.1\"]\nvia = \"edge\"",
        "to = [\"sip:[2001:db8::9]\"]\nvia = [\"core\", \"edge\"]",
        "to = [\"sip:[2001:db8::9];transport=tcp\"]\nvia = [\"udp:[2001:db8::1]:5060\"]",
        "to = [\"sip:sbc.example;transport=tcp\"]\nvia = \"core\"",
    ] {
        assert!(is_warned_of(text), "{text}");
    }
    for text in [
        "to = [\"sip:192.0.2.1\", \"sip:192.0.2.1;transport=tcp\"]\nvia = \"edge\"",
        "to = [\"sip:[2001:db8::9]\"]",
        "to = [\"sip:sbc.example\"]\nvia = \"core\"",
        "via = \"edge\"",
    ] {
        assert!(!is_warned_of(text), "{text}");
    }
}

/// Whose a message is that comes over TLS from this source by a connection whose peer has proved these names.
fn owner_by_tls(world: &World, source: &str, names: Option<&[&str]>) -> Option<String> {
    let (proven, connection) = (ProvenNames::default(), ConnectionId(1));
    if let Some(names) = names {
        proven.enter(connection, PeerNames::new(names.iter().map(|name| AltName::Dns(name))));
    }
    owner_by(world, source, Transport::Tls, Some(connection), &proven)
}

const NAMED: &str = r#"
    [[trunk]]
    name = "net"
    from = ["192.0.2.0/24"]
    [[trunk]]
    name = "host"
    from = ["192.0.2.7"]
    tls_names = ["sbc.host.example", "SBC2.host.example"]
    [[trunk]]
    name = "anywhere"
    tls_names = ["anywhere.example"]
    "#;

#[test]
fn a_trunk_with_tls_names_gets_nothing_but_over_tls_from_who_has_proved_one() {
    let world = bare_world(NAMED);
    for name in ["sbc.host.example", "sbc2.host.example"] {
        assert_eq!(owner_by_tls(&world, "192.0.2.7:40000", Some(&[name])).as_deref(), Some("host"), "{name}");
    }
    for names in [None, Some(&[][..]), Some(&["host.example"][..])] {
        assert_eq!(owner_by_tls(&world, "192.0.2.7:40000", names), None, "nor does the network around it get it");
    }
    for transport in [Transport::Udp, Transport::Tcp] {
        assert_eq!(owner(&world, "192.0.2.7:5060", transport), None);
    }
    assert_eq!(owner_by_tls(&world, "192.0.2.8:40000", None).as_deref(), Some("net"), "others prove nothing");
}

#[test]
fn a_trunk_without_from_is_found_by_what_its_peer_has_proved_before_any_address() {
    let world = bare_world(NAMED);
    for source in ["203.0.113.9:40000", "192.0.2.7:40000", "192.0.2.8:40000"] {
        let found = owner_by_tls(&world, source, Some(&["other.example", "anywhere.example"]));
        assert_eq!(found.as_deref(), Some("anywhere"), "{source}");
    }
    assert_eq!(owner_by_tls(&world, "203.0.113.9:40000", Some(&["other.example"])), None);
}

#[test]
fn a_trunk_that_is_known_by_its_certificate_comes_by_its_own_sockets_only() {
    let (policy, _) =
        over_sockets("[[trunk]]\nname = \"t\"\ntls_names = [\"a.example\"]\non = \"edge\"\n").expect("no mistakes");
    let (proven, connection) = (ProvenNames::default(), ConnectionId(1));
    proven.enter(connection, PeerNames::new([AltName::Dns("a.example")].into_iter()));
    for (listener, is_known) in [(1, true), (2, false)] {
        let [local, peer] = ["10.0.0.1:5061", "192.0.2.7:40000"].map(|text| text.parse().expect("an address"));
        let (transport, listener, connection) = (Transport::Tls, ListenerId(listener), Some(connection));
        let flow = Flow { transport, listener, local, peer, connection, identity: None };
        assert_eq!(policy.trunk_of(&flow, &proven).is_some(), is_known);
    }
}

#[test]
fn names_and_certificates_that_make_no_sense_are_mistakes() {
    let trunk = |lines: &str| problem(&format!("[[trunk]]\nname = \"x\"\n{lines}\n"));
    for name in ["*.example", "192.0.2.7", "sip:a.example", ""] {
        assert_eq!(trunk(&format!("tls_names = [\"{name}\"]")), RuleError::TlsName, "{name}");
    }
    assert_eq!(trunk("certificate = \"a.pem\""), RuleError::CertificateAlone);
    assert_eq!(trunk("key = \"a.key\""), RuleError::CertificateAlone);
    for from in ["", "from = [\"192.0.2.7\"]\n"] {
        let two = format!("tls_names = [\"a.example\"]\n[[trunk]]\nname = \"y\"\n{from}tls_names = [\"A.example\"]");
        assert_eq!(trunk(&two), RuleError::SameTlsName { owner: "x".into() });
    }
    let idle = "certificate = \"a.pem\"\nkey = \"a.key\"\nto = [\"sip:192.0.2.1\"]";
    assert_eq!(trunk(idle), RuleError::IdleCertificate);
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
