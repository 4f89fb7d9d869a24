//! Tables of counters by name.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counters by name. Names stay once they were counted by: there are as many as the configuration ever had.
#[derive(Debug)]
pub struct Table<K, V>(Mutex<BTreeMap<K, Arc<V>>>);

/// The counters of one trunk, rule or the like, by its name.
pub type Named<V> = Table<Arc<str>, V>;

impl<K, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table(Mutex::default())
    }
}

impl<K: Ord + Clone, V: Default> Table<K, V> {
    /// The counters of this name, made where there are none. To be asked when names change and kept.
    pub fn of(&self, name: &K) -> Arc<V> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counters) = table.get(name) {
            return Arc::clone(counters);
        }
        Arc::clone(table.entry(name.clone()).or_default())
    }

    /// The counters of this name, where there are any.
    pub fn find<Q: Ord + ?Sized>(&self, name: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone)
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<(K, Arc<V>)> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.iter().map(|(name, counters)| (name.clone(), Arc::clone(counters))).collect()
    }
}
