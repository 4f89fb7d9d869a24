//! Certificates of rcgen, as files and in handshakes without sockets.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConnection, ServerConnection};
use tempfile::TempDir;

// Shared with the tests of the daemon.
#[path = "../../../tests/tls/authority.rs"]
mod authority;

use authority::{Authority, Issued};

use super::{ClientCertificates, IdentityConfig, Tls, TlsConfig, TlsError, TlsFiles, TlsWarning, names_of};
use crate::flow::{PeerDemand, PeerName, PeerNames};

/// A folder with what one side of a handshake is made of.
struct Side {
    dir: TempDir,
    files: TlsFiles,
}

impl Side {
    fn new(own: &Issued, believes: &Authority) -> Side {
        let dir = tempfile::tempdir().unwrap();
        let stored = own.store(dir.path(), "own");
        let config = TlsConfig {
            certificate: stored.certificate,
            key: stored.key,
            authorities: Some(believes.store(dir.path(), "authorities.pem")),
            client_certificates: ClientCertificates::Ask,
            identities: Vec::new(),
        };
        Side { dir, files: TlsFiles { config, shown: Vec::new(), demands: Vec::new() } }
    }

    fn asks(mut self, clients: ClientCertificates) -> Side {
        self.files.config.client_certificates = clients;
        self
    }

    fn shows(mut self, other: &Issued, name: &str) -> Side {
        let stored = other.store(self.dir.path(), name);
        self.files.config.identities.push(IdentityConfig { certificate: stored.certificate, key: stored.key });
        self
    }

    fn tls(&self) -> Tls {
        self.files.read().unwrap_or_else(|error| panic!("{error}"))
    }

    fn error(&self) -> TlsError {
        self.files.read().expect_err("a mistake")
    }
}

fn name(text: &str) -> PeerName {
    text.parse().map(PeerName::Address).unwrap_or_else(|_| PeerName::domain(text))
}

/// What each side learns of the other, when a client that demands `wanted` of `server` connects.
fn shake(
    client: &mut Side,
    server: &Side,
    host: &str,
    wanted: &[&str],
) -> Result<(PeerNames, PeerNames), rustls::Error> {
    let demand = Arc::new(PeerDemand::new(name(host), wanted.iter().copied().map(name).collect(), None));
    client.files.demands = vec![Arc::clone(&demand)];
    let made = client.tls().client(demand.id).expect("a demand of the files");
    let mut client = ClientConnection::new(made.config, made.server_name).unwrap();
    let mut server = ServerConnection::new(server.tls().server).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut io::Cursor::new(wire)).unwrap();
        server.process_new_packets()?;
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut io::Cursor::new(wire)).unwrap();
        client.process_new_packets()?;
    }
    let names = |shown: Option<&[rustls::pki_types::CertificateDer<'_>]>| {
        shown.and_then(<[_]>::first).map(names_of).unwrap_or_default()
    };
    Ok((names(client.peer_certificates()), names(server.peer_certificates())))
}

/// Whether a client that demands `wanted` believes a certificate with the names `borne`.
fn believes(borne: &[&str], host: &str, wanted: &[&str]) -> bool {
    let authority = Authority::new("the authority");
    let server = Side::new(&authority.issue(borne), &authority);
    shake(&mut Side::new(&authority.issue(&["us.example"]), &authority), &server, host, wanted).is_ok()
}

#[test]
fn who_bears_the_name_is_believed_by_uri_host_and_address() {
    assert!(believes(&["sip:a.example"], "a.example", &["a.example"]));
    assert!(believes(&["a.example"], "a.example", &["a.example"]));
    assert!(believes(&["192.0.2.7"], "192.0.2.7", &["192.0.2.7"]));
    assert!(believes(&["b.example"], "192.0.2.7", &["a.example", "b.example"]), "one of the names is enough");
}

#[test]
fn who_bears_another_name_is_not_believed() {
    for (borne, host) in [
        (&["b.example"][..], "a.example"),
        (&["*.example"], "a.example"),
        (&["a.example"], "192.0.2.7"),
        (&["192.0.2.8"], "192.0.2.7"),
        (&["a.example", "sip:b.example"], "a.example"),
        (&[], "a.example"),
    ] {
        assert!(!believes(borne, host, &[host]), "{borne:?}");
    }
    assert!(!believes(&["a.example"], "a.example", &["b.example"]), "tls_names stand in for the host");
}

#[test]
fn neither_a_foreign_authority_nor_an_expired_certificate_is_believed() {
    let [ours, foreign] = ["ours", "foreign"].map(Authority::new);
    let us = ours.issue(&["us.example"]);
    for theirs in [foreign.issue(&["a.example"]), ours.issue_expired(&["a.example"])] {
        let server = Side::new(&theirs, &ours);
        assert!(shake(&mut Side::new(&us, &ours), &server, "a.example", &["a.example"]).is_err());
    }
}

#[test]
fn each_side_learns_the_names_of_the_other() {
    let authority = Authority::new("the authority");
    let mut client = Side::new(&authority.issue(&["us.example"]), &authority);
    let server = Side::new(&authority.issue(&["a.example"]), &authority);
    let (server, client) = shake(&mut client, &server, "a.example", &["a.example"]).unwrap();
    assert!(server.bear_any(&[name("a.example")]) && client.bear_any(&[name("us.example")]));
}

#[test]
fn what_is_asked_of_clients_is_what_the_config_says() {
    let [ours, foreign] = ["ours", "foreign"].map(Authority::new);
    let connects = |from: &Authority, asks| {
        let server = Side::new(&ours.issue(&["a.example"]), &ours).asks(asks);
        let mut client = Side::new(&from.issue(&["us.example"]), &ours);
        let made = shake(&mut client, &server, "a.example", &["a.example"]);
        made.map(|(_, client)| client.bear_any(&[name("us.example")]))
    };
    assert_eq!(connects(&ours, ClientCertificates::Require), Ok(true));
    assert_eq!(connects(&foreign, ClientCertificates::Off), Ok(false));
    for asks in [ClientCertificates::Ask, ClientCertificates::Require] {
        assert!(connects(&foreign, asks).is_err(), "{asks:?}");
    }
}

#[test]
fn a_certificate_is_chosen_by_the_name_that_is_asked_for() {
    let authority = Authority::new("the authority");
    let mut client = Side::new(&authority.issue(&["us.example"]), &authority);
    let server = Side::new(&authority.issue(&["a.example"]), &authority);
    let server = server.shows(&authority.issue(&["b.example"]), "b").shows(&authority.issue(&["c.example"]), "c");
    for host in ["a.example", "b.example", "c.example"] {
        let shown = shake(&mut client, &server, host, &[host]);
        assert!(shown.is_ok(), "{host}: {shown:?}");
    }
    let (shown, _) = shake(&mut client, &server, "d.example", &["a.example"]).unwrap();
    assert!(shown.bear_any(&[name("a.example")]), "for a name that none has it is the first");
}

#[test]
fn files_that_do_not_fit_are_told_with_their_names() {
    let authority = Authority::new("the authority");
    let own = authority.issue(&["us.example"]);
    let side = || Side::new(&own, &authority);
    let missing = |path: &Path| std::fs::remove_file(path).unwrap();
    let empty = |path: &Path| std::fs::write(path, "nothing\n").unwrap();
    let broken = |path: &Path| std::fs::write(path, "-----BEGIN CERTIFICATE-----\n!\n").unwrap();

    let mut it = side();
    it.files.config.key = authority.issue(&["us.example"]).store(it.dir.path(), "other").key;
    assert!(matches!(it.error(), TlsError::Key { .. }), "a key of another certificate");
    let it = side();
    missing(&it.files.config.certificate);
    assert!(matches!(it.error(), TlsError::Unreadable { .. }));
    let it = side();
    empty(&it.files.config.certificate);
    assert_eq!(it.error(), TlsError::NoCertificate { path: it.files.config.certificate.clone() });
    let it = side();
    empty(&it.files.config.key);
    assert_eq!(it.error(), TlsError::NoKey { path: it.files.config.key.clone() });
    let it = side();
    broken(&it.files.config.certificate);
    assert_eq!(it.error(), TlsError::Pem { path: it.files.config.certificate.clone() });
    let it = side();
    empty(it.files.config.authorities.as_deref().unwrap());
    assert!(matches!(it.error(), TlsError::NoCertificate { .. }), "no authorities");
}

#[test]
fn a_certificate_of_ours_that_has_expired_is_a_warning() {
    let authority = Authority::new("the authority");
    let side = Side::new(&authority.issue_expired(&["us.example"]), &authority);
    assert_eq!(side.tls().warnings, [TlsWarning::Expired { path: side.files.config.certificate.clone() }]);
}
