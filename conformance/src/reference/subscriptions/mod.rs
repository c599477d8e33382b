//! Subscriptions (§6, §7): the control interface below `__ds`.

mod control;
mod glob;
mod keys;
mod problem;
mod route;
mod settings;
#[cfg(feature = "simulation")]
mod standing;
mod subscription;
mod target;
mod wake;
mod webhook;
mod work;

use std::collections::{BTreeMap, VecDeque};
use std::time::SystemTime;

#[cfg(feature = "embedded")]
use super::defect::{Flaw, Flaws};
use super::timers::Timers;
use keys::Keys;
use subscription::Subscription;

pub(super) use route::reserved;
pub use webhook::{Delivery, DeliveryId};

/// Names a subscription for good; an id may name another one later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SubscriptionKey(u64);

/// All subscriptions.
#[derive(Debug)]
pub(super) struct Subscriptions {
    /// By root and id.
    names: BTreeMap<(String, String), SubscriptionKey>,
    by_key: BTreeMap<SubscriptionKey, Subscription>,
    last_key: u64,
    /// When a lease runs out, or a webhook is tried again.
    deadlines: Timers<SubscriptionKey>,
    keys: Keys,
    /// Webhooks that are to be sent.
    outgoing: VecDeque<Delivery>,
    /// Webhooks whose answers are awaited, with the generations that they are about.
    awaited: BTreeMap<DeliveryId, (SubscriptionKey, u64)>,
    last_delivery: u64,
}

impl Subscriptions {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            names: BTreeMap::new(),
            by_key: BTreeMap::new(),
            last_key: 0,
            deadlines: Timers::default(),
            keys: Keys::from_seed(seed),
            outgoing: VecDeque::new(),
            awaited: BTreeMap::new(),
            last_delivery: 0,
        }
    }

    /// The server was restarted. Its keys are what they were, if all is well.
    #[cfg(feature = "embedded")]
    pub(super) fn restarted(&mut self, seed: u64, flaws: Flaws) {
        if flaws.has(Flaw::RestartMakesNewKeys) {
            self.keys = Keys::from_seed(seed.wrapping_add(1));
        }
    }

    /// What happens next by itself, and when.
    pub(super) fn next_deadline(&self) -> Option<(SystemTime, SubscriptionKey)> {
        self.deadlines.first()
    }

    fn find(&self, root: &str, id: &str) -> Option<SubscriptionKey> {
        let name = (root.to_owned(), id.to_owned());
        self.names.get(&name).copied()
    }

    fn add(&mut self, subscription: Subscription) -> SubscriptionKey {
        self.last_key += 1;
        let key = SubscriptionKey(self.last_key);
        let name = (subscription.root.clone(), subscription.id.clone());
        self.names.insert(name, key);
        self.by_key.insert(key, subscription);
        key
    }

    /// Forgets a subscription. What still comes for it belongs to nobody.
    fn remove(&mut self, key: SubscriptionKey) {
        if let Some(subscription) = self.by_key.remove(&key) {
            self.names.remove(&(subscription.root, subscription.id));
        }
        self.deadlines.set(key, None);
        self.awaited.retain(|_, (of, _)| *of != key);
    }
}
