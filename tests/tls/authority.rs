//! Authorities of tests and the certificates that they issue.

#![allow(dead_code, reason = "the tests of src/net and of the daemon share it, and each uses other parts")]

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};

/// Somebody who issues certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its key.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// The files of a certificate and its key.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// Its own certificate, for whom believes it.
    pub(crate) fn store(&self, dir: &Path, name: &str) -> PathBuf {
        write(dir, name, &self.pem)
    }

    /// A certificate with these names: `sip:domain`, an address, or a name of a host.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        self.sign(params(names))
    }

    /// The same, and its time is over.
    pub(crate) fn issue_expired(&self, names: &[&str]) -> Issued {
        let mut params = params(names);
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Issued {
    /// Puts both into files, whose names begin with `name`.
    pub(crate) fn store(&self, dir: &Path, name: &str) -> Stored {
        let certificate = write(dir, &format!("{name}.pem"), &self.certificate);
        Stored { certificate, key: write(dir, &format!("{name}.key"), &self.key) }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    let text = |name: &str| name.to_owned().try_into().expect("ASCII");
    params.subject_alt_names = (names.iter())
        .map(|name| match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) if name.contains(':') => SanType::URI(text(name)),
            Err(_) => SanType::DnsName(text(name)),
        })
        .collect();
    params
}

/// At once: who reads meanwhile finds the old file or the new one.
fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let (path, new) = (dir.join(name), dir.join(format!("{name}.new")));
    fs::write(&new, text).expect("a file");
    fs::rename(new, &path).expect("a file");
    path
}
