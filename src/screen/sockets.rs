//! The sockets that trunks name in `via` and `on`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::flow::{ListenerId, Transport};

/// What rules know of a socket of `sip.listen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketConfig {
    /// Its position there.
    pub id: ListenerId,
    /// Its name, where it has one.
    pub name: Option<Arc<str>>,
    /// Its transport.
    pub transport: Transport,
    /// The address that it is bound to.
    pub addr: SocketAddr,
}

impl SocketConfig {
    /// Whether this text, a name or an `addr`, means it.
    pub fn is_meant(&self, text: &str) -> bool {
        if self.name.as_deref() == Some(text) {
            return true;
        }
        let Some((transport, addr)) = text.split_once(':') else { return false };
        Transport::parse(transport.as_bytes()) == Some(self.transport) && addr.parse() == Ok(self.addr)
    }
}

/// One text or an array of texts, each the name or the `addr` of a socket.
#[derive(Debug, Clone)]
pub enum SocketNames {
    /// One.
    One(String),
    /// Several.
    Several(Vec<Spanned<String>>),
}

/// An untagged enum would do, but for the places of the texts, which serde loses in one.
impl<'de> Deserialize<'de> for SocketNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SocketNames, D::Error> {
        deserializer.deserialize_any(OneOrSeveral)
    }
}

struct OneOrSeveral;

impl<'de> Visitor<'de> for OneOrSeveral {
    type Value = SocketNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name or the `addr` of a socket of `sip.listen`, or an array of them")
    }

    fn visit_str<E>(self, text: &str) -> Result<SocketNames, E> {
        Ok(SocketNames::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, texts: A) -> Result<SocketNames, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(texts)).map(SocketNames::Several)
    }
}
