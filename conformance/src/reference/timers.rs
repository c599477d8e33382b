//! A table of deadlines: at most one for each key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

#[derive(Debug)]
pub(super) struct Timers<K> {
    by_time: BTreeSet<(SystemTime, K)>,
    by_key: BTreeMap<K, SystemTime>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self {
            by_time: BTreeSet::new(),
            by_key: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Copy> Timers<K> {
    /// Sets the deadline of a key, or takes it away.
    pub(super) fn set(&mut self, key: K, deadline: Option<SystemTime>) {
        if let Some(old) = self.by_key.remove(&key) {
            self.by_time.remove(&(old, key));
        }
        if let Some(new) = deadline {
            self.by_key.insert(key, new);
            self.by_time.insert((new, key));
        }
    }

    /// The earliest deadline, and whose it is.
    pub(super) fn first(&self) -> Option<(SystemTime, K)> {
        self.by_time.first().copied()
    }
}
