//! Calls: the network and its engines.

use std::future::Future;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;

use crate::counters::NetCounters;
use crate::engine::SipConfig;
use crate::net::{Listen, NetError};
use crate::records::RecordSink;
use crate::screen::World;
use crate::store::Keys;
use crate::usage::Usage;

pub(super) const RECORD_HEADER: &str = "event";

/// What is counted of calls and messages.
#[derive(Debug, Default, Clone)]
pub(super) struct SipCounters {
    pub(super) net: Arc<NetCounters>,
}

/// Nothing yet.
pub(super) struct Sip {
    counters: SipCounters,
}

impl Sip {
    pub(super) fn start(
        _config: &SipConfig,
        _keys: &Keys,
        _runtime: &Handle,
        _world: &Arc<ArcSwap<World>>,
        _records: RecordSink,
        _usage: &Arc<Usage>,
    ) -> Result<Sip, NetError> {
        Ok(Sip { counters: SipCounters::default() })
    }

    pub(super) fn listeners(&self) -> &[Listen] {
        &[]
    }

    pub(super) fn counters(&self) -> SipCounters {
        self.counters.clone()
    }

    pub(super) fn failed(&self) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }

    pub(super) async fn stop(self) {}
}
