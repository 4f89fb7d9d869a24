//! [`Reading`]: the lists that are being read, for others to look at meanwhile.

use std::sync::{Arc, Mutex, PoisonError};

use crate::lists::Progress;

/// How far each list is that is being read; clones show the same.
#[derive(Debug, Clone, Default)]
pub struct Reading(Arc<Mutex<Vec<Shown>>>);

type Shown = (Arc<str>, Arc<Progress>);

impl Reading {
    /// Nothing is being read.
    pub fn new() -> Reading {
        Reading::default()
    }

    /// Shows a list until what is returned is dropped.
    pub fn begin(&self, list: &Arc<str>) -> BeingRead {
        let progress = Arc::new(Progress::default());
        self.with(|lists| lists.push((Arc::clone(list), Arc::clone(&progress))));
        BeingRead { reading: self.clone(), progress }
    }

    /// Those that are being read, in the order in which they were begun.
    pub fn lists(&self) -> Vec<(Arc<str>, Arc<Progress>)> {
        self.with(|lists| lists.clone())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Shown>) -> T) -> T {
        // Nobody panics between two steps of one change.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A list that is being read.
#[derive(Debug)]
pub struct BeingRead {
    reading: Reading,
    progress: Arc<Progress>,
}

impl BeingRead {
    /// How far.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }
}

impl Drop for BeingRead {
    fn drop(&mut self) {
        self.reading.with(|lists| lists.retain(|(_, progress)| !Arc::ptr_eq(progress, &self.progress)));
    }
}
