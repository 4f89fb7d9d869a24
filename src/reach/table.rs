//! The targets that are probed, as all shards see them.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;

use super::trial::State;
use crate::counters::Counter;
use crate::sip::Target;
use crate::time::WallTime;

/// A target of a trunk. What a name leads to are places of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The trunk.
    pub trunk: Arc<str>,
    /// An address, or a name.
    pub target: Target,
}

/// The places that are probed. One shard writes each of them, all read them for every call that goes there: a read takes the
/// shared lock of one part of the map.
#[derive(Debug, Default)]
pub struct Reach {
    places: DashMap<Place, Arc<Standing>>,
}

/// What is known of a place.
#[derive(Debug, Default)]
pub struct Standing {
    state: AtomicU8,
    /// What calls have met there since it was last asked.
    sign: AtomicU8,
    told: Mutex<Probed>,
    /// Its probes.
    pub probes: Probes,
}

/// What is counted of the probes of a place.
#[derive(Debug, Default)]
pub struct Probes {
    /// Sent.
    pub sent: Counter,
    /// Without an answer, or answered by a refusal to serve.
    pub failed: Counter,
    /// Times that the state changed.
    pub changes: Counter,
}

/// What whoever operates the trunk wants to know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probed {
    /// Since when it has its state; `None`: since the start.
    pub since: Option<WallTime>,
    /// What the last probe came to: the code of the answer, or why there is none.
    pub last: Option<Result<u16, &'static str>>,
    /// When it is probed next.
    pub next: Option<WallTime>,
    /// The places that a name leads to.
    pub hops: Vec<Target>,
}

impl Reach {
    /// The place, entered as up where it is not known.
    pub fn enter(&self, place: &Place) -> Arc<Standing> {
        Arc::clone(&self.places.entry(place.clone()).or_default())
    }

    /// Takes out what is no longer probed.
    pub fn leave(&self, place: &Place) {
        self.places.remove(place);
    }

    /// The place, if it is probed.
    pub fn find(&self, place: &Place) -> Option<Arc<Standing>> {
        self.places.get(place).map(|standing| Arc::clone(&standing))
    }

    /// Whether calls leave it out.
    pub fn is_down(&self, place: &Place) -> bool {
        self.places.get(place).is_some_and(|standing| standing.state() == State::Down)
    }

    /// A call was answered there, or was not. What is known to be up need not be told of an answer.
    pub fn met(&self, place: &Place, answered: bool) {
        if let Some(standing) = self.places.get(place)
            && !(answered && standing.state() == State::Up)
        {
            standing.sign.store(if answered { ANSWERED } else { FAILED }, Ordering::Relaxed);
        }
    }

    /// All places, by trunk and as their targets are written.
    pub fn all(&self) -> Vec<(Place, Arc<Standing>)> {
        let mut all: Vec<_> = self.places.iter().map(|it| (it.key().clone(), Arc::clone(it.value()))).collect();
        all.sort_by_cached_key(|(place, _)| (Arc::clone(&place.trunk), place.target.to_string()));
        all
    }
}

impl Standing {
    /// Whether calls go there.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            UP => State::Up,
            PROBING => State::Probing,
            _ => State::Down,
        }
    }

    /// Puts the place into a state; whether it was in another.
    pub fn set(&self, state: State, at: WallTime) -> bool {
        let code = match state {
            State::Up => UP,
            State::Probing => PROBING,
            State::Down => DOWN,
        };
        let is_change = self.state.swap(code, Ordering::Relaxed) != code;
        if is_change {
            self.probes.changes.add(1);
            self.tell(|told| told.since = Some(at));
        }
        is_change
    }

    /// Whether calls were answered there since this was last asked; `None`: nothing that need be known has happened.
    pub fn take_sign(&self) -> Option<bool> {
        // A look costs less than an exchange, and mostly there is nothing.
        if self.sign.load(Ordering::Relaxed) == NOTHING {
            return None;
        }
        match self.sign.swap(NOTHING, Ordering::Relaxed) {
            NOTHING => None,
            sign => Some(sign == ANSWERED),
        }
    }

    /// Changes what is told of it.
    pub fn tell(&self, change: impl FnOnce(&mut Probed)) {
        change(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What is told of it.
    pub fn told(&self) -> Probed {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// States as numbers; up is what a place begins with.
const UP: u8 = 0;
const PROBING: u8 = 1;
const DOWN: u8 = 2;

/// Signs as numbers.
const NOTHING: u8 = 0;
const ANSWERED: u8 = 1;
const FAILED: u8 = 2;
