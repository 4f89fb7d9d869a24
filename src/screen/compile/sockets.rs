//! The `via` and `on` of trunks.

use std::ops::Range;

use toml::Spanned;

use super::Compiler;
use crate::flow::{ListenerId, Sockets};
use crate::screen::config::{SocketConfig, SocketNames, TrunkConfig};
use crate::screen::policy::Trunk;
use crate::screen::problem::{Notice, RuleError, nearest};
use crate::sip::Target;

impl Compiler<'_> {
    pub(super) fn socket_names(&mut self, names: Option<&Spanned<SocketNames>>) -> Sockets {
        let Some(names) = names else { return Sockets::Any };
        let mut sockets = Vec::new();
        match names.get_ref() {
            SocketNames::One(name) => self.named(name, names.span(), &mut sockets),
            SocketNames::Several(several) => {
                if several.is_empty() {
                    self.problem(names.span(), RuleError::EmptyArray);
                }
                several.iter().for_each(|name| self.named(name.get_ref(), name.span(), &mut sockets));
            }
        }
        Sockets::Only(sockets.into())
    }

    /// Port 0 may stand in several sockets: then all of them are meant.
    fn named(&mut self, name: &str, place: Range<usize>, sockets: &mut Vec<ListenerId>) {
        let before = sockets.len();
        sockets.extend(self.sockets.iter().filter(|socket| socket.is_meant(name)).map(|socket| socket.id));
        if sockets.len() == before {
            let known = self.sockets.iter().filter_map(|socket| socket.name.as_deref());
            let nearest = nearest(name, known).map(Into::into);
            self.problem(place, RuleError::UnknownSocket { name: name.into(), nearest });
        }
    }

    /// Every call to a trunk that no socket reaches is answered with its route's `unavailable`.
    pub(super) fn check_is_reachable(&mut self, config: &TrunkConfig, trunk: &Trunk) {
        let is_reached = |target: &Target| trunk.via.first(self.sockets, |socket| reaches(socket, target)).is_some();
        // Without sockets nothing is known of them: rules are judged alone.
        if self.sockets.is_empty() || trunk.to.is_empty() || trunk.to.iter().any(is_reached) {
            return;
        }
        let place = config.via.as_ref().map_or(config.name.span(), Spanned::span);
        self.notices.push((place, Notice::Unreachable(trunk.name.clone())));
    }
}

/// Which family a name has, DNS knows.
fn reaches(socket: &SocketConfig, target: &Target) -> bool {
    match target {
        Target::Address { transport, addr } => {
            socket.transport == *transport && socket.addr.is_ipv4() == addr.is_ipv4()
        }
        Target::Name(name) => name.transport.is_none_or(|transport| transport == socket.transport),
    }
}
