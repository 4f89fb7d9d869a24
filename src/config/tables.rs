//! From text to the tables of the modules. A table that is wrong is reported and left out, so that the others are read.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error, ValueDeserializer};

use super::error::Mistake;
use crate::engine::{ListenConfig, SipConfig};
use crate::flow::ListenerId;
use crate::lists::{ListConfig, ListsConfig};
use crate::screen::config::{RulesConfig, SocketConfig};
use crate::screen::nearest;

/// All tables of the config.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) sip: SipConfig,
    #[cfg(feature = "daemon")]
    pub(super) admin: crate::admin::Config,
    #[cfg(feature = "daemon")]
    pub(super) dns: crate::net::DnsConfig,
    #[cfg(feature = "daemon")]
    pub(super) state: crate::store::Config,
    #[cfg(feature = "daemon")]
    pub(super) records: crate::records::Config,
    #[cfg(feature = "daemon")]
    pub(super) tls: Option<crate::net::TlsConfig>,
    /// There is a `[tls]`, readable or not.
    pub(super) has_tls: bool,
    pub(super) rules: RulesConfig,
    pub(super) lists: Vec<ListConfig>,
    /// What they have in common.
    pub(super) all_lists: ListsConfig,
    /// Where `[sip] listen` and `[admin] listen` stand, when they are given.
    pub(super) sip_listen: Range<usize>,
    pub(super) admin_listen: Range<usize>,
    /// Where each element of `[sip] listen` stands.
    pub(super) sip_listeners: Vec<Range<usize>>,
}

/// Reads them, with what is wrong and where.
pub(super) fn read(text: &str) -> (Tables, Vec<(Range<usize>, Mistake)>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { mistakes: Vec::new() };
    let mut tables = Tables::default();
    if !errors.is_empty() {
        // After a syntax error the reader guesses where tables begin: what it finds further on would mislead.
        errors.into_iter().take(SYNTAX_ERRORS_TOLD).for_each(|error| reader.error(0..0, &error));
        return (tables, reader.mistakes);
    }
    for (key, value) in root.into_inner() {
        match &**key.get_ref() {
            "sip" => {
                tables.sip_listen = key_span(&value, "listen").unwrap_or(key.span());
                tables.sip_listeners = element_spans(&value, "listen").unwrap_or_default();
                reader.table("sip", value, &mut tables.sip);
            }
            "admin" => {
                tables.admin_listen = key_span(&value, "listen").unwrap_or(key.span());
                #[cfg(feature = "daemon")]
                reader.table("admin", value, &mut tables.admin);
            }
            "dns" => {
                #[cfg(feature = "daemon")]
                reader.table("dns", value, &mut tables.dns);
            }
            "state" => {
                #[cfg(feature = "daemon")]
                reader.table("state", value, &mut tables.state);
            }
            "records" => {
                #[cfg(feature = "daemon")]
                reader.table("records", value, &mut tables.records);
            }
            "tls" => {
                tables.has_tls = true;
                #[cfg(feature = "daemon")]
                reader.table("tls", value, &mut tables.tls);
            }
            "numbers" => reader.table("numbers", value, &mut tables.rules.numbers),
            "answers" => reader.table("answers", value, &mut tables.rules.answers),
            "lists" => reader.table("lists", value, &mut tables.all_lists),
            "trunk" => reader.array("trunk", value, &mut tables.rules.trunks),
            "list" => reader.array("list", value, &mut tables.lists),
            "inbound" => reader.array("inbound", value, &mut tables.rules.inbound),
            "campaign" => reader.array("campaign", value, &mut tables.rules.campaigns),
            "route" => reader.array("route", value, &mut tables.rules.routes),
            unknown => reader.mistakes.push((key.span(), unknown_key(unknown, TABLES.into_iter()))),
        }
    }
    tables.rules.sockets = sockets(&tables.sip.listen);
    (tables, reader.mistakes)
}

/// What rules know of sockets.
pub(super) fn sockets(listen: &[ListenConfig]) -> Vec<SocketConfig> {
    let socket = |(id, listen): (ListenerId, &ListenConfig)| SocketConfig {
        id,
        name: listen.name.as_deref().map(Into::into),
        transport: listen.transport,
        addr: listen.addr,
    };
    (0..).map(ListenerId).zip(listen).map(socket).collect()
}

struct Reader {
    mistakes: Vec<(Range<usize>, Mistake)>,
}

impl Reader {
    fn table<T: DeserializeOwned>(&mut self, name: &'static str, value: Spanned<DeValue<'_>>, into: &mut T) {
        if !value.get_ref().is_table() {
            return self.mistakes.push((value.span(), Mistake::NotATable(name)));
        }
        if let Some(table) = self.read(value) {
            *into = table;
        }
    }

    fn array<T: DeserializeOwned>(&mut self, name: &'static str, value: Spanned<DeValue<'_>>, into: &mut Vec<T>) {
        let span = value.span();
        let DeValue::Array(elements) = value.into_inner() else {
            return self.mistakes.push((span, Mistake::NotAnArray(name)));
        };
        for element in elements {
            into.extend(self.read(element));
        }
    }

    fn read<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'_>>) -> Option<T> {
        let span = value.span();
        T::deserialize(ValueDeserializer::from(value)).map_err(|error| self.error(span, &error)).ok()
    }

    fn error(&mut self, within: Range<usize>, error: &Error) {
        let mistake = match parse_unknown_key(error.message()) {
            Some((key, known)) => unknown_key(key, known),
            None => Mistake::Toml(error.message().into()),
        };
        self.mistakes.push((error.span().unwrap_or(within), mistake));
    }
}

fn key_span(table: &Spanned<DeValue<'_>>, key: &str) -> Option<Range<usize>> {
    Some(table.get_ref().as_table()?.get(key)?.span())
}

fn element_spans(table: &Spanned<DeValue<'_>>, key: &str) -> Option<Vec<Range<usize>>> {
    Some(table.get_ref().as_table()?.get(key)?.get_ref().as_array()?.iter().map(Spanned::span).collect())
}

fn unknown_key<'k>(key: &str, known: impl Iterator<Item = &'k str>) -> Mistake {
    Mistake::UnknownKey { key: key.into(), nearest: nearest(key, known).map(Into::into) }
}

/// serde tells of an unknown key in words only: ``unknown field `x`, expected one of `a`, `b` ``.
fn parse_unknown_key(message: &str) -> Option<(&str, impl Iterator<Item = &str>)> {
    let mut quoted = message.strip_prefix("unknown field `")?.split('`');
    let key = quoted.next()?;
    // Between the names in backquotes stand commas and words.
    Some((key, quoted.skip(1).step_by(2)))
}

const TABLES: [&str; 14] = [
    "sip", "admin", "dns", "state", "records", "tls", "numbers", "answers", "lists", "trunk", "list", "inbound",
    "campaign", "route",
];

/// One slip can upset a whole file; the first few errors are those worth reading.
const SYNTAX_ERRORS_TOLD: usize = 5;
