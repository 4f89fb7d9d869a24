//! [`Strategy`]: which of the numbers that may be shown is.

use super::candidates::Candidates;
use super::draw::SplitMix64;
use super::view::PoolView;
use crate::number::Number;
use crate::screen::present::Occasion;

/// How a number is chosen among those that may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// Each equally often.
    #[default]
    Random,
    /// For one callee always the same one, as long as it may be shown: rendezvous hashing. Others that come or go move
    /// only the callees of theirs.
    Sticky,
    /// The one with the fewest showings in a day.
    LeastUsed,
    /// The one that was shown longest ago, by any shard.
    RoundRobin,
}

impl Strategy {
    /// Whether it goes by how often numbers were shown.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Strategy::LeastUsed | Strategy::RoundRobin)
    }

    /// As `explain` says it.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Strategy::Random => "drawn from",
            Strategy::Sticky => "this callee's own of",
            Strategy::LeastUsed => "the least shown of",
            Strategy::RoundRobin => "the next in turn of",
        }
    }
}

/// The choice; `None` when none of the candidates may be shown.
pub(super) fn choose(view: &PoolView<'_>, candidates: &Candidates<'_>, occasion: &Occasion) -> Option<Number> {
    let draws = SplitMix64(occasion.draw);
    match view.present.strategy {
        Strategy::Random => drawn(view, candidates, draws),
        Strategy::Sticky => sticky(view, candidates, occasion),
        Strategy::LeastUsed => {
            lowest(view, candidates, draws, |number| view.usage.showings.last_day(number, view.wall))
        }
        Strategy::RoundRobin => lowest(view, candidates, draws, |number| view.usage.showings.turn(number)),
    }
}

fn drawn(view: &PoolView<'_>, candidates: &Candidates<'_>, mut draws: SplitMix64) -> Option<Number> {
    let count = candidates.count();
    if count == 0 {
        return None;
    }
    for _ in 0..TRIES {
        if let Some(number) = candidates.nth(draws.below(count)).filter(|&number| view.is_free(number)) {
            return Some(number);
        }
    }
    // Nearly all is excluded: count what is left, then take one of those.
    let left = || candidates.iter().filter(|&number| view.is_free(number));
    let count = left().count() as u64;
    if count == 0 {
        return None;
    }
    left().nth(usize::try_from(draws.below(count)).ok()?)
}

/// Looks at each candidate: some nanoseconds each, since it hardly ever has to ask lists about more than the first.
fn sticky(view: &PoolView<'_>, candidates: &Candidates<'_>, occasion: &Occasion) -> Option<Number> {
    let ranked = || candidates.iter().map(|number| (occasion.score(number), number));
    let (score, number) = ranked().max()?;
    if view.is_free(number) {
        return Some(number);
    }
    let mut best: Option<(u64, Number)> = None;
    for next in ranked().filter(|next| *next < (score, number)) {
        if best.is_none_or(|best| next > best) && view.is_free(next.1) {
            best = Some(next);
        }
    }
    best.map(|(_, number)| number)
}

/// The candidate with the lowest rank, one of several by the draw. Of a large pool most numbers have no account, and so the
/// rank 0, below which there is none: a few draws find one.
fn lowest(
    view: &PoolView<'_>,
    candidates: &Candidates<'_>,
    mut draws: SplitMix64,
    rank: impl Fn(Number) -> u64,
) -> Option<Number> {
    let count = candidates.count();
    for _ in 0..TRIES.min(count / WORTH_A_TRY) {
        if let Some(number) = candidates.nth(draws.below(count))
            && rank(number) == 0
            && view.is_free(number)
        {
            return Some(number);
        }
    }
    let (mut best, mut alike) = (None, 0);
    for number in candidates.iter() {
        let next = rank(number);
        match best {
            Some((lowest, _)) if next > lowest => continue,
            _ if !view.is_free(number) => continue,
            Some((lowest, _)) if next == lowest => alike += 1,
            _ => alike = 1,
        }
        // Each of those that are alike stays with the same chance.
        if draws.below(alike) == 0 {
            best = Some((next, number));
        }
    }
    best.map(|(_, number)| number)
}

/// With a tenth of the pool allowed, 64 tries all fail once in 850 calls; only then is the pool walked.
const TRIES: u64 = 64;

/// A try costs about as much as a step of the walk: more than an eighth of them is not spent on tries.
const WORTH_A_TRY: u64 = 8;
