//! Request methods.

use std::fmt;

use crate::counters::{METHODS, assert_numbered};

/// A method; names are compared with regard to case (RFC 3261 section 7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is named as in its RFC")]
pub enum Method {
    Invite,
    Ack,
    Cancel,
    Bye,
    Options,
    Register,
    Prack,
    Update,
    Info,
    Message,
    Subscribe,
    Notify,
    Refer,
    Publish,
    /// Any other token; its bytes stand in the message.
    Other,
}

const NAMES: [(Method, &str); 14] = [
    (Method::Invite, "INVITE"),
    (Method::Ack, "ACK"),
    (Method::Bye, "BYE"),
    (Method::Cancel, "CANCEL"),
    (Method::Options, "OPTIONS"),
    (Method::Register, "REGISTER"),
    (Method::Prack, "PRACK"),
    (Method::Update, "UPDATE"),
    (Method::Info, "INFO"),
    (Method::Message, "MESSAGE"),
    (Method::Subscribe, "SUBSCRIBE"),
    (Method::Notify, "NOTIFY"),
    (Method::Refer, "REFER"),
    (Method::Publish, "PUBLISH"),
];

impl Method {
    /// All of them, in the order of their numbers.
    pub const ALL: [Method; METHODS] = [
        Method::Invite,
        Method::Ack,
        Method::Cancel,
        Method::Bye,
        Method::Options,
        Method::Register,
        Method::Prack,
        Method::Update,
        Method::Info,
        Method::Message,
        Method::Subscribe,
        Method::Notify,
        Method::Refer,
        Method::Publish,
        Method::Other,
    ];

    /// Reads a method name.
    pub fn parse(name: &[u8]) -> Method {
        NAMES.iter().find(|(_, text)| text.as_bytes() == name).map_or(Method::Other, |(method, _)| *method)
    }

    /// The name; `OTHER` for a method that only its message names.
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(method, _)| *method == self).map_or("OTHER", |(_, text)| text)
    }

    /// Whether a request of this method may make a dialog, or is not known never to: it gets a Record-Route.
    pub fn may_make_dialog(self) -> bool {
        !matches!(
            self,
            Method::Ack
                | Method::Cancel
                | Method::Bye
                | Method::Options
                | Method::Register
                | Method::Message
                | Method::Publish
        )
    }
}

assert_numbered!(Method::ALL, Method::Other);

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
