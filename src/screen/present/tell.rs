//! The choice in words an operator understands.

use super::{MOST_LOOKS, MOST_TALLIED, NumberState, Occasion, PoolView};
use crate::number::Number;
use crate::usage::Held;

impl PoolView<'_> {
    /// Which number is shown and why.
    pub(crate) fn tell_choice(&self, number: Number, occasion: &Occasion) -> String {
        if occasion.asked == Some(number) {
            return format!("presents {number}, which the call asks for, from {}", self.tell_pool());
        }
        let nearest = if self.present.local { ", of those nearest to the callee" } else { "" };
        format!("presents {number}, {} {}{nearest}", self.present.strategy.told(), self.tell_pool())
    }

    /// Why the call does not show the number that it asks for.
    pub(crate) fn tell_refused(&self, asked: Number) -> String {
        format!("the call asks for {asked}, which is not shown: {}", self.why(asked))
    }

    /// That no number may be shown or was found, and how many are out for which reason.
    pub(crate) fn tell_empty(&self) -> String {
        let beyond = if self.pool().count() > MOST_TALLIED { " of the first million" } else { "" };
        let (pool, tally) = (self.tell_pool(), self.tally());
        if self.pool().count() > MOST_LOOKS {
            return format!("no number that may be shown was found by {MOST_LOOKS} looks at {pool}: {tally}{beyond}");
        }
        format!("no number may be shown from {pool}: {tally}")
    }

    /// Why a number is or is not shown.
    pub fn why(&self, number: Number) -> String {
        let limits = &self.present.limits;
        let most = |most: Option<u16>| most.unwrap_or_default();
        match self.state(number) {
            NumberState::Free => "it may be shown".to_owned(),
            NumberState::Absent => format!("it is not in {}", self.tell_pool()),
            NumberState::Expired => "its entry in the pool has expired".to_owned(),
            NumberState::Listed(list) => format!("list \"{}\" holds it", self.world.lists[list].name()),
            NumberState::Held(Held::CappedByHour) => {
                format!("it was shown {} times within an hour", most(limits.per_hour))
            }
            NumberState::Held(Held::CappedByDay) => {
                format!("it was shown {} times within a day", most(limits.per_day))
            }
            NumberState::Held(Held::Cooling { until }) => {
                format!("it was shown just now, and cools down until {until}")
            }
            NumberState::Held(Held::Resting { until }) => {
                format!("networks have refused it, and it rests until {until}")
            }
        }
    }

    fn tell_pool(&self) -> String {
        format!("list \"{}\" of {}", self.pool().list().name(), self.pool().count())
    }
}
