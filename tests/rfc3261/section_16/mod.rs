//! RFC 3261 section 16: what a proxy does with requests and responses.
//!
//! | section | file |
//! | --- | --- |
//! | 16.2, 16.3: which requests go on | `validation` |
//! | 16.4, 16.5, 16.12: the way they take | `routing` |
//! | 16.6, 16.11: what is changed in them | `forwarding` |
//! | 16.7, 16.8, 16.9: responses, Timer C, transport errors | `responses` |
//! | 16.10, 9: CANCEL | `cancel` |

mod cancel;
mod forwarding;
mod responses;
mod routing;
mod validation;
