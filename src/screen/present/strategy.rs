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

/// How many more numbers a call may look at: each look may ask every list and take a lock, and all other calls of the shard
/// wait meanwhile.
pub(super) struct Looks(u64);

impl Default for Looks {
    fn default() -> Looks {
        Looks(MOST_LOOKS)
    }
}

impl Looks {
    /// Takes as many as there are numbers; `false`, and none is taken, where there are not so many left.
    fn take_all(&mut self, numbers: u64) -> bool {
        let suffices = numbers <= self.0;
        self.0 -= if suffices { numbers } else { 0 };
        suffices
    }

    /// Takes half of what is left.
    fn take_half(&mut self) -> u64 {
        let half = self.0 / 2;
        self.0 -= half;
        half
    }

    fn take_rest(&mut self) -> u64 {
        std::mem::take(&mut self.0)
    }
}

/// The choice; `None` when none of the candidates may be shown, or none was found by so many looks.
pub(super) fn choose(
    view: &PoolView<'_>,
    candidates: &Candidates<'_>,
    occasion: &Occasion,
    looks: &mut Looks,
) -> Option<Number> {
    if looks.0 == 0 || candidates.count() == 0 {
        return None;
    }
    let draws = SplitMix64(occasion.draw);
    match view.present.strategy {
        Strategy::Random => drawn(view, candidates, draws, looks),
        Strategy::Sticky => sticky(view, candidates, occasion, looks),
        Strategy::LeastUsed => {
            lowest(view, candidates, draws, looks, |number| view.usage.showings.last_day(number, view.wall))
        }
        Strategy::RoundRobin => lowest(view, candidates, draws, looks, |number| view.usage.showings.turn(number)),
    }
}

fn drawn(view: &PoolView<'_>, candidates: &Candidates<'_>, mut draws: SplitMix64, looks: &mut Looks) -> Option<Number> {
    if let Some(number) = tried(view, candidates, &mut draws, TRIES) {
        return Some(number);
    }
    if !looks.take_all(candidates.count()) {
        return tried(view, candidates, &mut draws, looks.take_rest());
    }
    let (mut chosen, mut free) = (None, 0);
    for number in candidates.iter().filter(|&number| view.is_free(number)) {
        free += 1;
        // Each of those so far stays with the same chance.
        if draws.below(free) == 0 {
            chosen = Some(number);
        }
    }
    chosen
}

/// The first that may be shown of so many that are drawn.
fn tried(view: &PoolView<'_>, candidates: &Candidates<'_>, draws: &mut SplitMix64, tries: u64) -> Option<Number> {
    let count = candidates.count();
    (0..tries).find_map(|_| candidates.nth(draws.below(count)).filter(|&number| view.is_free(number)))
}

/// Scores each candidate: some nanoseconds each, since it hardly ever has to ask lists about more than the first. Of more
/// than it can score, each callee has a row of his own.
fn sticky(view: &PoolView<'_>, candidates: &Candidates<'_>, occasion: &Occasion, looks: &mut Looks) -> Option<Number> {
    let row = candidates.row(MOST_SCORED, occasion.callee);
    let ranked = || row.iter().map(|number| (occasion.score(number), number));
    let (score, number) = ranked().max()?;
    if view.is_free(number) {
        return Some(number);
    }
    let is_small = looks.take_all(candidates.count());
    let mut left = if is_small { candidates.count() } else { looks.take_half() };
    let mut best: Option<(u64, Number)> = None;
    for next in ranked().filter(|next| *next < (score, number)) {
        if best.is_some_and(|best| next <= best) {
            continue;
        }
        if left == 0 {
            break;
        }
        left -= 1;
        if view.is_free(next.1) {
            best = Some(next);
        }
    }
    match best {
        // A block may be excluded as a whole: what else there is stands elsewhere.
        None if !is_small => tried(view, candidates, &mut SplitMix64(occasion.callee), looks.take_rest()),
        best => best.map(|(_, number)| number),
    }
}

/// The candidate with the lowest rank, one of several by the draw; of more than may be looked at, one of a sample. Of a
/// large pool most numbers have no account, and so the rank 0, below which there is none: a few draws find one.
fn lowest(
    view: &PoolView<'_>,
    candidates: &Candidates<'_>,
    mut draws: SplitMix64,
    looks: &mut Looks,
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
    let is_small = looks.take_all(count);
    let mut places = SplitMix64(!draws.0);
    let sampled = if is_small { 0 } else { looks.take_rest() };
    let sample = (0..sampled).filter_map(|_| candidates.nth(places.below(count)));
    let (mut best, mut alike) = (None, 0);
    for number in candidates.iter().take_while(|_| is_small).chain(sample) {
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

/// A block of 10,000, as large as they are handed out, is looked through whole; it takes a call some milliseconds at worst.
pub(crate) const MOST_LOOKS: u64 = 10_000;

/// To score so many takes a call a few tenths of a millisecond.
const MOST_SCORED: u64 = 100_000;

/// With a tenth of the pool allowed, 64 tries all fail once in 850 calls; only then is more of the pool looked at.
const TRIES: u64 = 64;

/// A try costs about as much as a step of the walk: more than an eighth of them is not spent on tries.
const WORTH_A_TRY: u64 = 8;
