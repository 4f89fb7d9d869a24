//! The wire format of SIP: one pass over the bytes makes an index, and forwarding splices the original bytes.
//!
//! * [`scan`] turns bytes into a [`Message`], or says in a [`Rejected`] what is wrong with them.
//! * [`Request`] and [`Response`] cannot lack what RFC 3261 section 8.1.1 makes mandatory.
//! * [`Splice`] changes a message by naming the places to replace; all other bytes are copied as they came.
//! * [`peek_new_call`] says cheaply of bytes that they may be dropped.
//! * [`reply`] writes the responses that a server makes of a request.
//! * [`Uri`], [`NameAddr`] and [`Via`] read one value each and borrow from it; a [`Target`] is where a URI sends to.

mod error;
mod feature_caps;
mod header;
mod identity;
mod message;
mod method;
mod peek;
mod scan;
mod splice;
mod status;
mod target;
mod uri;
mod via;

pub mod reply;

#[cfg(test)]
mod tests;

pub use error::{Malformed, Rejected};
pub use feature_caps::has_feature;
pub use header::{HeaderName, Values, is_token, unfolded};
pub use identity::{NameAddr, NameAddrError, param, unquote};
pub use message::{Field, Headers, Message, Request, Response, Span};
pub use method::Method;
pub use peek::{PeekedCall, peek_new_call};
pub use scan::{MAX_CSEQ, MAX_HEADERS, MAX_MESSAGE, scan};
pub use splice::Splice;
pub use status::{phrase, status_line};
pub use target::{Target, TargetName};
pub use uri::{Host, Scheme, Uri, UriError, request_uri};
pub use via::{Via, ViaError};
