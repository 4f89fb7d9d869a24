//! Reading a whole configuration.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::error::{ConfigError, ConfigErrors, ConfigWarning, Mistake};
use super::lists::{self, Built, Origin};
use super::place::{Place, Text};
use super::rules::Rules;
use super::source::ListSource;
use super::tables::{self, Tables};
#[cfg(feature = "daemon")]
use super::tls;
use crate::engine::{ListenConfig, SipConfig};
use crate::flow::Transport;
use crate::lists::{Class, Lists, ListsConfig};
use crate::number::DialPlan;
use crate::screen::Policy;

/// Everything that a config says.
#[derive(Debug)]
pub struct Loaded {
    /// What needs a restart to change.
    pub settings: Settings,
    /// The rules.
    pub policy: Arc<Policy>,
    /// What the rules were compiled from.
    pub rules: Rules,
    /// The lists, without edits: those of the config, `default`, then those that were made at run time.
    pub lists: Lists,
    /// Where the base of each list comes from.
    pub origins: HashMap<Arc<str>, Origin>,
    /// How the entries of each list that a table describes are dialled.
    pub list_plans: HashMap<String, DialPlan>,
    /// How all other numbers are dialled.
    pub plan: DialPlan,
    /// The text of the config, so that a reload can tell what it changed.
    pub text: Arc<str>,
    /// What works but is hardly meant.
    pub warnings: Vec<ConfigWarning>,
    /// The files of certificates, not yet read; `None` without `[tls]`.
    #[cfg(feature = "daemon")]
    pub tls: Option<crate::net::TlsFiles>,
}

/// The tables that are read once, at start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// `[sip]`
    pub sip: SipConfig,
    /// `[lists]`
    pub lists: ListsConfig,
    /// `[admin]`; the path is relative to the working directory.
    #[cfg(feature = "daemon")]
    pub admin: crate::admin::Config,
    /// `[dns]`
    #[cfg(feature = "daemon")]
    pub dns: crate::net::DnsConfig,
    /// `[state]`; the path is relative to the working directory.
    #[cfg(feature = "daemon")]
    pub state: crate::store::Config,
    /// `[records]`
    #[cfg(feature = "daemon")]
    pub records: crate::records::Config,
}

impl Loaded {
    /// Compiles the rules for the sockets that are open, where `sip.listen` says others: those come with the next start.
    ///
    /// # Errors
    /// A trunk names a socket that is not open.
    pub fn keep_sockets(&mut self, open: &[ListenConfig]) -> Result<(), ConfigErrors> {
        if self.settings.sip.listen != open {
            self.rules = self.rules.with_sockets(tables::sockets(open));
            (self.policy, self.warnings) = self.rules.compile(&self.lists).map_err(ConfigErrors)?;
        }
        Ok(())
    }
}

impl Settings {
    /// The keys that `new` changes and that only a restart puts in force. `lists.threads` is none of them: it says how
    /// files are read from now on.
    pub fn restart_keys(&self, new: &Settings) -> Vec<&'static str> {
        let sip = (&self.sip, &new.sip);
        let mut changed = vec![
            ("sip.listen", sip.0.listen != sip.1.listen),
            ("sip.dscp", sip.0.dscp != sip.1.dscp),
            ("sip.stream_above", sip.0.stream_above != sip.1.stream_above),
            ("sip.workers", sip.0.workers != sip.1.workers),
            ("sip.unknown_source", sip.0.unknown_source != sip.1.unknown_source),
            ("sip.call_expires", sip.0.call_expires != sip.1.call_expires),
            ("sip.drain", sip.0.drain != sip.1.drain),
            ("sip.connections", sip.0.connections != sip.1.connections),
            ("sip.connections_per_source", sip.0.connections_per_source != sip.1.connections_per_source),
            ("sip.idle", sip.0.idle != sip.1.idle),
            ("lists.watch", self.lists.watch != new.lists.watch),
        ];
        #[cfg(feature = "daemon")]
        changed.extend([
            ("admin.listen", self.admin.listen != new.admin.listen),
            ("admin.tokens", self.admin.tokens != new.admin.tokens),
            ("dns.servers", self.dns.servers != new.dns.servers),
            ("dns.timeout", self.dns.timeout != new.dns.timeout),
            ("state.dir", self.state.dir != new.state.dir),
            ("records.max_size", self.records.max_size != new.records.max_size),
            ("records.keep", self.records.keep != new.records.keep),
            ("records.gzip", self.records.gzip != new.records.gzip),
        ]);
        changed.retain(|(_, changed)| *changed);
        changed.into_iter().map(|(key, _)| key).collect()
    }
}

/// Reads a config file; `source` gives the lists their bases. `made` are the lists that were made at run time: rules may
/// name them, and one that the config has by now is the config's.
pub fn load(path: &Path, made: &[(Arc<str>, Class)], source: &mut dyn ListSource) -> Result<Loaded, ConfigErrors> {
    parse(path, &read(path)?, made, source)
}

/// Reads what needs a restart to change, and no list file: large lists take a while. Rules are not looked at.
pub fn settings(path: &Path) -> Result<Settings, ConfigErrors> {
    let text = Text { file: path.into(), text: read(path)?.into() };
    let (tables, mistakes) = tables::read(&text.text);
    let mut errors = Vec::new();
    let mut report = |span: Range<usize>, mistake| {
        errors.push(ConfigError { place: text.place(&span), mistake });
    };
    mistakes.into_iter().for_each(|(span, mistake)| report(span, mistake));
    check_settings(&tables, &mut report);
    if errors.is_empty() { Ok(settings_of(path, tables)) } else { Err(ConfigErrors(errors)) }
}

fn read(path: &Path) -> Result<String, ConfigErrors> {
    let unread = |mistake| ConfigErrors(vec![ConfigError { place: Place { file: path.into(), at: None }, mistake }]);
    let bytes =
        std::fs::read(path).map_err(|error| unread(Mistake::Unreadable { path: path.into(), kind: error.kind() }))?;
    String::from_utf8(bytes).map_err(|_| unread(Mistake::NotUtf8))
}

/// The same with the text of the config. `path` is its name in messages, and the paths that it names are relative to it.
pub fn parse(
    path: &Path,
    text: &str,
    made: &[(Arc<str>, Class)],
    source: &mut dyn ListSource,
) -> Result<Loaded, ConfigErrors> {
    let text = Text { file: path.into(), text: text.into() };
    let (mut tables, mistakes) = tables::read(&text.text);
    let mut errors = Vec::new();
    let mut report = |span: Range<usize>, mistake| {
        errors.push(ConfigError { place: text.place(&span), mistake });
    };
    let is_whole = mistakes.is_empty();
    mistakes.into_iter().for_each(|(span, mistake)| report(span, mistake));
    check_settings(&tables, &mut report);
    let plan = tables.rules.numbers.plan();
    let Built { lists, origins } = lists::build(&tables, &text, made, source, &mut errors);
    #[cfg(feature = "daemon")]
    let shown = tls::shown(&tables.rules.trunks);
    let trunk_places: Vec<Range<usize>> = tables.rules.trunks.iter().map(|trunk| trunk.name.span()).collect();
    let rules = Rules::new(std::mem::take(&mut tables.rules), text.clone());
    let compiled = match rules.compile(&lists) {
        Ok(compiled) => {
            #[cfg(feature = "daemon")]
            errors.extend(tls::unproven(tables.tls.as_ref(), &compiled.0, &trunk_places, &text));
            if is_whole && !tables.sip.listen.iter().any(|listen| listen.transport == Transport::Tls) {
                errors.extend(unspoken(&compiled.0, &trunk_places, &text));
            }
            Some(compiled)
        }
        Err(mistakes) => {
            // A table that could not be read takes its name with it; that others do not find it is no second mistake.
            let unknown = |error: &ConfigError| matches!(&error.mistake, Mistake::Rule(rule) if rule.is_unknown_name());
            errors.extend(mistakes.into_iter().filter(|error| is_whole || !unknown(error)));
            None
        }
    };
    errors.sort_by(|a, b| order(&a.place, &text.file).cmp(&order(&b.place, &text.file)));
    match compiled {
        Some((policy, warnings)) if errors.is_empty() => {
            let list_plans = tables.lists.iter().map(|list| (list.name.get_ref().clone(), list.plan(&plan))).collect();
            #[cfg(feature = "daemon")]
            let tls = tables.tls.take().map(|config| tls::files(path, config, shown, &policy));
            let settings = settings_of(path, tables);
            Ok(Loaded {
                settings,
                policy,
                rules,
                lists,
                origins,
                list_plans,
                plan,
                text: text.text,
                warnings,
                #[cfg(feature = "daemon")]
                tls,
            })
        }
        _ => Err(ConfigErrors(errors)),
    }
}

/// The trunks that need TLS, which no socket speaks.
fn unspoken(policy: &Policy, trunk_places: &[Range<usize>], text: &Text) -> Vec<ConfigError> {
    let trunks = trunk_places
        .iter()
        .zip(&policy.trunks)
        .filter(|(_, trunk)| trunk.speaks_tls() || !trunk.peers.names().is_empty());
    trunks.map(|(place, _)| ConfigError { place: text.place(place), mistake: Mistake::NoTlsSocket }).collect()
}

/// The config before list files, and in each what concerns the whole of it behind its lines.
fn order<'p>(place: &'p Place, config: &Arc<Path>) -> impl Ord + use<'p> {
    (place.file != *config, &place.file, place.at.is_none(), place.at)
}

fn check_settings(tables: &Tables, report: &mut impl FnMut(Range<usize>, Mistake)) {
    if tables.sip.listen.is_empty() {
        report(tables.sip_listen.clone(), Mistake::NoListener);
    }
    let place = |at: usize| tables.sip_listeners.get(at).unwrap_or(&tables.sip_listen).clone();
    let mut names = HashSet::new();
    for (at, listen) in tables.sip.listen.iter().enumerate() {
        if listen.transport == Transport::Tls && !tables.has_tls {
            report(place(at), Mistake::NoTls);
        }
        if let Some(name) = &listen.name
            && !names.insert(name)
        {
            report(place(at), Mistake::SameSocket(name.clone()));
        }
    }
    #[cfg(feature = "daemon")]
    if !tables.admin.listen.ip().is_loopback() && tables.admin.tokens.is_none() {
        report(tables.admin_listen.clone(), Mistake::OpenAdminPort);
    }
}

#[cfg(feature = "daemon")]
fn settings_of(path: &Path, tables: Tables) -> Settings {
    let Tables { sip, all_lists: lists, dns, mut admin, mut state, records, .. } = tables;
    admin.tokens = admin.tokens.map(|tokens| lists::beside(path, &tokens));
    state.dir = lists::beside(path, &state.dir);
    Settings { sip, lists, admin, dns, state, records }
}

#[cfg(not(feature = "daemon"))]
fn settings_of(_: &Path, tables: Tables) -> Settings {
    Settings { sip: tables.sip, lists: tables.all_lists }
}
