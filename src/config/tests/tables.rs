//! The tables, whatever lists they name.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::engine::{SipConfig, UnknownSource};
use crate::flow::{Flow, ListenerId, ProvenNames, Sockets, Transport};
use crate::screen::Notice;

fn sip(text: &str) -> SipConfig {
    read(text, &[]).expect("good").settings.sip
}

#[test]
fn the_sample_config_works_as_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/ringfence.toml");
    let loaded = load(&path, &[], &mut Files::default()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.warnings, []);
    let list = |name: &str| loaded.lists.get(name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!((list("default").class(), list("default").len()), (Class::Personal, 0));
    assert_eq!((list("do-not-call").class(), list("do-not-call").len()), (Class::Dnc, 6));
    assert_eq!((list("our-numbers").class(), list("our-numbers").len()), (Class::Pool, 20));
    assert_eq!(loaded.settings.sip, SipConfig::default());
    assert_eq!(loaded.policy.headers, ["x-campaign".into()]);
    let [local, peer] = ["127.0.0.1:5060", "127.0.0.3:5060"].map(|addr| addr.parse().expect("an address"));
    let flow =
        Flow { transport: Transport::Udp, listener: ListenerId(0), local, peer, connection: None, identity: None };
    let pbx = loaded.policy.trunk_of(&flow, &ProvenNames::default()).expect("a trunk");
    assert_eq!(&*loaded.policy.trunk(pbx).name, "pbx");
}

#[cfg(feature = "daemon")]
#[test]
fn the_files_of_records_are_kept_as_the_table_says_and_its_mistakes_are_told_with_their_place() {
    let records = |table: &str| read(&format!("[records]\n{table}"), &[]).map(|loaded| loaded.settings.records);
    let default = records("").expect("good");
    assert_eq!((default.max_size, default.keep, default.gzip), (1_000_000_000, None, true));
    let given = records("max_size = \"20 MB\"\nkeep = \"28d\"\ngzip = false").expect("good");
    assert_eq!((given.max_size, given.keep, given.gzip), (20_000_000, Some(Duration::from_secs(28 * 86_400)), false));
    for (table, expected) in [
        ("max_size = \"1GiB\"", "at least 1 MB, such as"),
        ("max_size = \"999kB\"", "at least 1 MB, such as"),
        ("keep = \"0d\"", "at least a day, such as"),
        ("keep = \"12h\"", "at least a day, such as"),
        ("gzip = \"yes\"", "boolean"),
        ("keeps = \"1d\"", "keeps"),
    ] {
        let told = mistakes(&format!("[records]\n{table}"), &[]);
        assert!(told.len() == 1 && told[0].contains(expected) && told[0].contains(":2:"), "{told:?}");
    }
}

#[test]
fn every_commented_option_of_the_sample_config_is_understood() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/ringfence.toml");
    let sample = std::fs::read_to_string(&path).expect("the sample");
    let mut opened = String::new();
    let mut options = 0;
    for line in sample.lines() {
        match line.strip_prefix("# ").filter(|rest| is_option(rest)) {
            // What one table cannot have beside the rest of the sample is tried below.
            Some(rest) if !AGAINST_THE_REST.iter().any(|key| rest.starts_with(key)) => {
                options += 1;
                opened += rest;
            }
            _ => opened += line,
        }
        opened.push('\n');
    }
    assert!(options >= 18, "{options} options");
    let opened = opened.replace("[[inbound]]\nname", "[[list]]\nname = \"vip\"\nclass = \"allow\"\n[[inbound]]\nname");
    // What `tls_names` needs.
    let opened = opened.replacen("\"tcp:0.0.0.0:5060\"]", "\"tcp:0.0.0.0:5060\", \"tls:0.0.0.0:5061\"]", 1);
    let loaded = parse(&path, &opened, &[], &mut Files::default());
    let loaded = loaded.unwrap_or_else(|errors| panic!("{errors}"));
    // An example: it has no default.
    let (stream_above, listen) = (Some(1_300), loaded.settings.sip.listen.clone());
    assert_eq!(loaded.settings.sip, SipConfig { stream_above, listen, ..SipConfig::default() });
}

fn is_option(rest: &str) -> bool {
    let key = rest.split([' ', ']']).next().unwrap_or_default();
    ["[answers]", "[tls]", "[[tls.identity]]"].iter().any(|table| rest.starts_with(table))
        || (!key.is_empty()
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && rest[key.len()..].starts_with(" = "))
}

/// It means nothing to a decline.
const AGAINST_THE_REST: [&str; 1] = ["to = "];

#[test]
fn an_empty_config_is_good_and_has_the_default_list() {
    let loaded = read("", &[]).expect("good");
    assert_eq!(loaded.settings.sip, SipConfig::default());
    assert_eq!(loaded.lists.get("default").map(|list| list.class()), Some(Class::Personal));
    let listen = &loaded.settings.sip.listen;
    assert_eq!(listen.len(), 2);
    assert!(listen.iter().all(|listen| listen.addr.port() == 5060));
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_known_one() {
    assert_eq!(
        mistakes("[sip]\nworker = 2\n", &[]),
        ["dir/r.toml:2:1: unknown key \"worker\": did you mean \"workers\"?"]
    );
    assert_eq!(mistakes("[spi]\n", &[]), ["dir/r.toml:1:2: unknown key \"spi\": did you mean \"sip\"?"]);
    assert_eq!(
        mistakes("[[trunk]]\nname = \"x\"\n  trustd = true\n", &[]),
        ["dir/r.toml:3:3: unknown key \"trustd\": did you mean \"trusted\"?"]
    );
    assert_eq!(mistakes("[numbers]\nqqqqqq = 1\n", &[]), ["dir/r.toml:2:1: unknown key \"qqqqqq\""]);
}

#[test]
fn keys_of_every_table_are_checked() {
    // Without the daemon its own tables are passed over.
    let daemons: &[&str] = if cfg!(feature = "daemon") { &["admin", "state"] } else { &[] };
    for table in ["sip", "numbers", "answers", "lists"].iter().chain(daemons) {
        assert_eq!(mistakes(&format!("[{table}]\nzzzzzz = 1\n"), &[]).len(), 1, "{table}");
    }
    for table in ["trunk", "list", "inbound", "campaign", "route"] {
        let text = format!("[[{table}]]\nname = \"x\"\nzzzzzz = 1\n");
        assert!(mistakes(&text, &[]).iter().any(|text| text.contains("unknown key \"zzzzzz\"")), "{table}");
    }
}

#[test]
fn mistakes_of_several_tables_are_told_together_in_file_order() {
    let text = "[sip]\nworkers = \"many\"\n[[trunk]]\nname = \"x\"\nfrom = [\"nowhere\"]\n\
                [[list]]\nname = \"l\"\nclass = \"persnal\"\n[[inbound]]\nname = \"r\"\ntrunks = [\"z\"]\n\
                [[route]]\nname = \"q\"\n";
    let found = mistakes(text, &[]);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].starts_with("dir/r.toml:2:11: invalid type: string"), "{found:#?}");
    assert!(found[1].starts_with("dir/r.toml:5:9: expected an address"), "{found:#?}");
    assert!(found[2].starts_with("dir/r.toml:8:9: unknown variant `persnal`"), "{found:#?}");
    assert!(
        found[3].ends_with("a route has either `to`, a trunk, or `answer`, what the switch that asks is told"),
        "{found:#?}"
    );
}

#[test]
fn syntax_errors_have_their_place() {
    let found = mistakes("[sip]\nlisten = [\"udp:0.0.0.0:5060\"\nworkers = 2\n", &[]);
    assert!(found[0].starts_with("dir/r.toml:"), "{found:?}");
    assert!(found[0].contains(":2:") || found[0].contains(":3:"), "{found:?}");
}

#[test]
fn the_column_counts_characters() {
    let found = mistakes("[[list]]\nname = \"zażółć\"\nclass = \"dnc\"\nentries = [\"zażółć gęślą\", \"4*\"]\n", &[]);
    assert!(found.iter().any(|text| text.starts_with("dir/r.toml:4:28: `4*`: ")), "{found:?}");
}

#[test]
fn a_table_in_the_wrong_number_is_told() {
    assert_eq!(mistakes("[trunk]\nname = \"x\"\n", &[]), ["dir/r.toml:1:1: expected [[trunk]]: there can be several"]);
    assert_eq!(mistakes("[[sip]]\nworkers = 1\n", &[]), ["dir/r.toml:1:1: expected [sip]: there is only one"]);
}

#[test]
fn listen_is_a_text_or_a_table_with_what_is_advertised() {
    let config = sip(
        "[sip]\nlisten = [\"tcp:127.0.0.1:5080\", { addr = \"udp:[::]:5060\", advertise = \"203.0.113.5:5070\" }]\n",
    );
    assert_eq!((config.listen[0].transport, config.listen[0].addr.port()), (Transport::Tcp, 5080));
    assert_eq!(config.listen[0].advertise, None);
    assert_eq!(config.listen[1].advertise, Some(("203.0.113.5".into(), Some(5070))));
    let named = sip("[sip]\nlisten = [{ addr = \"udp:0.0.0.0:5060\", advertise = \"sip.example.net\" }]\n");
    assert_eq!(named.listen[0].advertise, Some(("sip.example.net".into(), None)));
}

#[test]
fn a_listen_that_makes_no_sense_is_told_at_its_place() {
    for listen in ["0.0.0.0:5060", "udp:5060", "sctp:0.0.0.0:5060", "udp:host:5060"] {
        let found = mistakes(&format!("[sip]\nlisten = [\"udp:0.0.0.0:5060\", \"{listen}\"]\n"), &[]);
        assert!(found[0].starts_with("dir/r.toml:2:10: expected a transport, an IP address and a port"), "{found:?}");
    }
    assert_eq!(mistakes("[sip]\nlisten = []\n", &[]), ["dir/r.toml:2:10: expected at least one address to listen on"]);
}

#[test]
fn the_other_sip_keys_are_read() {
    let config = sip("[sip]\nworkers = 3\nunknown_source = \"403\"\ncall_expires = \"90m\"\ndrain = \"5s\"\n");
    assert_eq!(config.workers, 3);
    assert_eq!(config.unknown_source, UnknownSource::Refuse);
    assert_eq!((config.call_expires, config.drain), (Duration::from_secs(5400), Duration::from_secs(5)));
    let found = mistakes("[sip]\ncall_expires = \"soon\"\n", &[]);
    assert!(found[0].starts_with("dir/r.toml:2:16: expected a time such as"), "{found:?}");
}

#[cfg(feature = "daemon")]
#[test]
fn an_admin_port_beyond_loopback_needs_tokens() {
    let open = "[admin]\nlisten = \"0.0.0.0:8060\"\n";
    let expected = ["dir/r.toml:2:10: beyond a loopback address the admin port needs `tokens`"];
    assert_eq!(mistakes(open, &[]), expected);
    assert_eq!(mistakes(&format!("{open}tokens = \"t.toml\"\n"), &[]), [""; 0]);
    assert_eq!(mistakes("[admin]\nlisten = \"[::1]:8060\"\n", &[]), [""; 0]);
}

#[cfg(feature = "daemon")]
#[test]
fn paths_are_relative_to_the_config_file() {
    let loaded = read("[admin]\ntokens = \"t.toml\"\n[state]\ndir = \"/var/lib/ringfence\"\n", &[]).expect("good");
    assert_eq!(loaded.settings.admin.tokens.as_deref(), Some(Path::new("dir/t.toml")));
    assert_eq!(loaded.settings.state.dir, Path::new("/var/lib/ringfence"));
}

#[test]
fn tls_needs_certificates_and_a_socket() {
    let socket = "[sip]\nlisten = [\"udp:127.0.0.1:5060\",\n  \"tls:127.0.0.1:5061\"]\n";
    let needs = "dir/r.toml:3:3: a socket that speaks TLS needs the table [tls] with `certificate` and `key`";
    assert_eq!(mistakes(socket, &[]), [needs]);
    let certificates = "[tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\n";
    let trunk = "[[trunk]]\nname = \"x\"\nto = [\"sips:sbc.example\"]\n";
    let found = mistakes(&format!("{certificates}{trunk}"), &[]);
    assert!(found.len() == 1 && found[0].starts_with("dir/r.toml:5:8: its `to` or `tls_names` needs TLS"), "{found:?}");
    assert_eq!(mistakes(&format!("{socket}{certificates}{trunk}"), &[]), [""; 0]);
}

#[cfg(feature = "daemon")]
#[test]
fn a_trunk_that_is_known_by_its_certificate_needs_a_socket_for_tls_that_asks_for_one() {
    let trunk = "[[trunk]]\nname = \"x\"\ntls_names = [\"a.example\"]\n";
    let table = |more: &str| format!("[tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\n{more}{trunk}");
    let found = mistakes(&table(""), &[]);
    assert!(found.len() == 1 && found[0].contains("no socket of sip.listen speaks it"), "{found:?}");
    let socket = "[sip]\nlisten = [\"tls:127.0.0.1:5061\"]\n";
    let found = mistakes(&format!("{socket}{}", table("client_certificates = \"off\"\n")), &[]);
    assert!(found.len() == 1 && found[0].contains("nobody can show a certificate"), "{found:?}");
    assert_eq!(mistakes(&format!("{socket}{}", table("")), &[]), [""; 0]);
}

#[cfg(feature = "daemon")]
#[test]
fn the_files_of_certificates_are_those_of_the_table_and_of_trunks() {
    let text = "[sip]\nlisten = [\"tls:127.0.0.1:5061\"]\n[tls]\ncertificate = \"own.pem\"\nkey = \"/etc/own.key\"\n\
        [[tls.identity]]\ncertificate = \"other.pem\"\nkey = \"other.key\"\n\
        [[trunk]]\nname = \"x\"\nto = [\"sips:sbc.example\"]\ncertificate = \"x.pem\"\nkey = \"x.key\"\n";
    let tls = read(text, &[]).expect("good").tls.expect("a table");
    assert_eq!((&*tls.config.certificate, &*tls.config.key), (Path::new("dir/own.pem"), Path::new("/etc/own.key")));
    assert_eq!(tls.config.identities[0].certificate, Path::new("dir/other.pem"));
    let (name, shown) = &tls.shown[0];
    assert_eq!((&**name, &*shown.key), ("x.pem", Path::new("dir/x.key")));
    assert!(tls.demands.iter().all(|demand| demand.certificate.as_deref() == Some("x.pem")));
    let without = read("", &[]).expect("good").tls;
    assert_eq!(without, None);
}

#[test]
fn a_table_that_cannot_be_read_is_not_also_missed_by_name() {
    let text = format!("{TRUNK}oops = 1\n[[route]]\nname = \"r\"\nto = \"carrier\"\n");
    let found = mistakes(&text, &[]);
    assert_eq!(found, ["dir/r.toml:5:1: unknown key \"oops\""]);
}

#[test]
fn a_route_that_a_diallers_calls_take_unscreened_is_told_with_its_place() {
    let text = "[numbers]\nnever_block = []\n[[trunk]]\nname = \"pbx\"\nto = [\"sip:192.0.2.1\"]\n\
                [[campaign]]\nname = \"sale\"\ntrunks = [\"pbx\"]\ncalled = [\"48*\"]\nlists = [\"default\"]\n\
                [[route]]\nname = \"out\"\nto = \"pbx\"\n";
    let warnings = read(text, &[]).expect("good").warnings;
    let told = "dir/r.toml:12:8: warning: calls from trunk \"pbx\", which a campaign names, can take the route \"out\"";
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].to_string().starts_with(told), "{}", warnings[0]);
}

#[test]
fn warnings_have_their_place() {
    let text = format!("[numbers]\nnever_block = [\"112\"]\n{TRUNK}");
    let warnings = read(&text, &[]).expect("good").warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].notice, Notice::NoRoute("112".into()));
    let told = "dir/r.toml:2:16: warning: no route takes calls to 112, which numbers.never_block lets through";
    assert_eq!(warnings[0].to_string(), told);
}

#[test]
fn keys_that_need_a_restart_are_named() {
    let old = Settings::default();
    assert_eq!(old.restart_keys(&old), [""; 0]);
    let mut new = Settings::default();
    new.sip.workers = 4;
    new.sip.call_expires = Duration::from_secs(1);
    (new.lists.threads, new.lists.watch) = (4, true);
    assert_eq!(old.restart_keys(&new), ["sip.workers", "sip.call_expires", "lists.watch"]);
    #[cfg(feature = "daemon")]
    {
        new.state.dir = "elsewhere".into();
        assert_eq!(old.restart_keys(&new), ["sip.workers", "sip.call_expires", "lists.watch", "state.dir"]);
    }
}

#[test]
fn settings_are_read_without_the_list_files() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("r.toml");
    let list = "[[list]]\nname = \"l\"\nclass = \"dnc\"\nfile = \"none.csv\"\n";
    std::fs::write(&path, format!("[sip]\nworkers = 3\n{list}")).expect("writes");
    assert_eq!(super::settings(&path).expect("good").sip.workers, 3);
    assert!(load(&path, &[], &mut super::Files::default()).is_err());
    std::fs::write(&path, "[sip]\nworker = 3\nlisten = []\n").expect("writes");
    assert!(super::settings(&path).expect_err("a mistake").to_string().contains("unknown key \"worker\""));
}

#[test]
fn a_config_file_that_cannot_be_read_is_told() {
    let errors = load(Path::new("/nonexistent/r.toml"), &[], &mut Files::default()).expect_err("no file");
    assert_eq!(errors.to_string(), "/nonexistent/r.toml: /nonexistent/r.toml cannot be read: entity not found");
}

#[cfg(feature = "daemon")]
#[test]
fn the_servers_that_are_asked_for_names_are_addresses_with_or_without_a_port() {
    let dns = |text: &str| read(text, &[]).expect("good").settings.dns;
    let given = dns(
        "[dns]\nservers = [\"192.0.2.53\", \"127.0.0.1:5353\", \"[::1]:53\", \"2001:db8::53\"]\ntimeout = \"2s\"\n",
    );
    let servers: Vec<String> = given.servers.iter().map(|server| server.0.to_string()).collect();
    assert_eq!(servers, ["192.0.2.53:53", "127.0.0.1:5353", "[::1]:53", "[2001:db8::53]:53"]);
    assert_eq!(given.timeout, Duration::from_secs(2));
    assert_eq!((dns("").servers.len(), dns("").timeout), (0, Duration::from_secs(4)));
}

#[cfg(feature = "daemon")]
#[test]
fn mistakes_in_dns_are_told_with_their_places() {
    let server = "expected an IP address with or without a port, such as \"192.0.2.53\" or \"127.0.0.1:5353\"";
    let timeout = "expected a time from \"100ms\" to \"30s\"";
    for (line, place, what) in [
        ("servers = [\"192.0.2.53\", \"ns.example.net\"]", "2:11", server),
        ("servers = [\"192.0.2.53:0\"]", "2:11", server),
        ("timeout = \"5ms\"", "2:11", timeout),
        ("timeout = \"5m\"", "2:11", timeout),
        ("retries = 3", "2:1", "unknown key \"retries\""),
    ] {
        assert_eq!(mistakes(&format!("[dns]\n{line}\n"), &[]), [format!("dir/r.toml:{place}: {what}")], "{line}");
    }
}

#[cfg(feature = "daemon")]
#[test]
fn other_servers_need_a_restart_and_other_names_do_not() {
    let settings = |text: &str| read(text, &[]).expect("good").settings;
    let before = settings("");
    let after = settings(
        "[dns]\nservers = [\"192.0.2.53\"]\ntimeout = \"1s\"\n[[trunk]]\nname = \"x\"\nto = [\"sip:x.example\"]\n",
    );
    assert_eq!(before.restart_keys(&after), ["dns.servers", "dns.timeout"]);
}

#[test]
fn sockets_have_names_and_code_points_of_their_own() {
    let sip = sip("[sip]\ndscp = \"cs3\"\nlisten = [\"udp:10.0.0.1:5060\", \
                   { name = \"core\", addr = \"tcp:10.0.0.1:5060\", dscp = 46 }]\n");
    let class = |dscp: Option<crate::engine::Dscp>| dscp.map(crate::engine::Dscp::traffic_class);
    assert_eq!(class(Some(sip.dscp)), Some(24 << 2));
    let told: Vec<_> = sip.listen.iter().map(|listen| (listen.name.as_deref(), class(listen.dscp))).collect();
    assert_eq!(told, [(None, None), (Some("core"), Some(46 << 2))]);
}

#[test]
fn two_sockets_with_one_name_and_names_that_look_like_addresses_are_refused() {
    let socket = |name: &str| format!("{{ name = \"{name}\", addr = \"udp:10.0.0.1:5060\" }}");
    let two = format!("[sip]\nlisten = [{},\n {}]\n", socket("core"), socket("core"));
    assert_eq!(mistakes(&two, &[]), ["dir/r.toml:3:2: there is a socket \"core\" already"]);
    for name in ["", "udp:10.0.0.1:5060"] {
        let found = mistakes(&format!("[sip]\nlisten = [{}]\n", socket(name)), &[]);
        assert!(found[0].contains("expected a name without a colon"), "{found:?}");
    }
}

#[test]
fn trunks_name_the_sockets_of_the_file_and_mistakes_have_their_place() {
    let text = |via: &str| {
        format!(
            "[sip]\nlisten = [{{ name = \"core\", addr = \"udp:10.0.0.1:5060\" }}]\n[[trunk]]\nname = \"t\"\nvia = {via}\n"
        )
    };
    let loaded = read(&text("\"core\""), &[]).expect("good");
    assert_eq!(loaded.policy.trunks[0].via, Sockets::Only([ListenerId(0)].into()));
    assert_eq!(
        mistakes(&text("[\"core\", \"cord\"]"), &[]),
        ["dir/r.toml:5:16: no socket of `sip.listen` has the name or the `addr` \"cord\": did you mean \"core\"?"]
    );
}

#[test]
fn until_a_restart_trunks_can_only_name_the_sockets_that_are_open() {
    let open =
        sip("[sip]\nlisten = [\"tcp:10.0.0.1:5060\", { name = \"core\", addr = \"udp:10.0.0.1:5060\" }]\n").listen;
    let text = "[sip]\nlisten = [{ name = \"core\", addr = \"udp:10.0.0.1:5060\" }, \"tcp:10.0.0.9:5060\"]\n\
                [[trunk]]\nname = \"t\"\nvia = \"core\"\n";
    let mut loaded = read(text, &[]).expect("good");
    loaded.keep_sockets(&open).expect("it is open");
    assert_eq!(loaded.policy.trunks[0].via, Sockets::Only([ListenerId(1)].into()));
    let mut loaded = read(&text.replace("\"core\"\n", "\"tcp:10.0.0.9:5060\"\n"), &[]).expect("good");
    let errors = loaded.keep_sockets(&open).expect_err("it comes with the next start").to_string();
    assert!(errors.starts_with("dir/r.toml:5:7: no socket"), "{errors}");
}

#[test]
fn a_limit_or_weight_of_zero_is_refused_where_it_stands() {
    for keys in ["max_calls = 0", "max_cps = 0", "to = [{ uri = \"sip:192.0.2.1\", weight = 0 }]"] {
        let text = format!("[[trunk]]\nname = \"t\"\n{keys}\n");
        let mistakes = mistakes(&text, &[]);
        assert!(matches!(&mistakes[..], [one] if one.starts_with("dir/r.toml:3:")), "{mistakes:?}");
    }
}
