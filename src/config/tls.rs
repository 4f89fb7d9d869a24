//! `[tls]` and what trunks say of it, together.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lists::beside;
use super::place::Text;
use super::{ConfigError, Mistake};
use crate::net::{ClientCertificates, IdentityConfig, TlsConfig, TlsFiles};
use crate::screen::Policy;
use crate::screen::config::TrunkConfig;

/// The files that a config names; their paths are relative to it.
pub(super) fn files(
    config: &Path,
    tls: TlsConfig,
    shown: Vec<(Arc<str>, IdentityConfig)>,
    policy: &Policy,
) -> TlsFiles {
    let place = |path: PathBuf| beside(config, &path);
    let identity =
        |IdentityConfig { certificate, key }| IdentityConfig { certificate: place(certificate), key: place(key) };
    let TlsConfig { certificate, key, authorities, client_certificates, identities } = tls;
    TlsFiles {
        config: TlsConfig {
            certificate: place(certificate),
            key: place(key),
            authorities: authorities.map(place),
            client_certificates,
            identities: identities.into_iter().map(identity).collect(),
        },
        shown: shown.into_iter().map(|(name, files)| (name, identity(files))).collect(),
        demands: policy.trunks.iter().flat_map(|trunk| trunk.peers.demands()).cloned().collect(),
    }
}

/// The trunks whose calls cannot prove where they come from.
pub(super) fn unproven(
    tls: Option<&TlsConfig>,
    policy: &Policy,
    trunk_places: &[Range<usize>],
    text: &Text,
) -> Vec<ConfigError> {
    if tls.is_none_or(|tls| tls.client_certificates != ClientCertificates::Off) {
        return Vec::new();
    }
    let named = trunk_places.iter().zip(&policy.trunks).filter(|(_, trunk)| !trunk.peers.names().is_empty());
    named.map(|(place, _)| ConfigError { place: text.place(place), mistake: Mistake::NoCertificates }).collect()
}

/// The certificates that trunks are shown, under the names that demands have for them.
pub(super) fn shown(trunks: &[TrunkConfig]) -> Vec<(Arc<str>, IdentityConfig)> {
    let of_trunk = |trunk: &TrunkConfig| {
        let (certificate, key) = (trunk.certificate.as_ref()?.get_ref(), trunk.key.as_ref()?.get_ref());
        Some((certificate.as_str().into(), IdentityConfig { certificate: certificate.into(), key: key.into() }))
    };
    trunks.iter().filter_map(of_trunk).collect()
}
