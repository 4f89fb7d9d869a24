//! Counters: plain fields handed in, never globals. Readers add up what each thread has counted.
//!
//! What one thread writes is a [`Tally`] or a [`Level`], what several write is a [`Counter`]. Tables by name are locked
//! when the policy changes and when somebody reads them, never for a message.

mod campaigns;
mod engine;
mod histogram;
mod names;
mod net;
mod numbered;
mod quality;
mod trunk;
mod values;
mod verdicts;

pub use campaigns::{CampaignCounters, CampaignTotals};
pub use engine::{EngineCounters, MALFORMED};
pub use histogram::{Histogram, HistogramValues, MICROSECOND, NANOSECOND};
pub use names::{Named, Table};
pub use net::{HandshakeCounters, HandshakeFailure, LookupOutcome, NetCounters};
pub(crate) use numbered::assert_numbered;
pub use quality::{CallCounters, CallQuality};
pub use trunk::{Asked, By, Codes, Limit, METHODS, Traffic, TrunkCounters};
pub use values::{Counter, Level, Tally};
pub use verdicts::{ACTIONS, GROUNDS, VERDICTS, VerdictCounters};
