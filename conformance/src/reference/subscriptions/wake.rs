//! Wakes (§7): when there is one, how it is announced, and when it ends by itself.

use std::time::SystemTime;

use bytes::Bytes;
use http::Request;
use serde_json::json;

use super::SubscriptionKey;
use super::settings::Kind;
use super::subscription::{Notice, Wake};
use crate::reference::append;
use crate::reference::create;
use crate::reference::defect::Flaw;
use crate::reference::model::Model;

impl Model {
    /// A stream may have grown: subscriptions to it are woken, unless they are already.
    pub(in crate::reference) fn grew(&mut self, path: &str) {
        let linked = self.subscriptions.by_key.iter().filter(|(_, one)| {
            let relative = one.relative(path);
            one.wake.is_none() && relative.is_some_and(|path| one.links.contains_key(path))
        });
        let keys: Vec<_> = linked.map(|(key, _)| *key).collect();
        for key in keys {
            self.wake_up(key);
        }
    }

    /// Begins a wake if there is work. Says whether there is.
    pub(super) fn wake_up(&mut self, key: SubscriptionKey) -> bool {
        let flaws = self.config.flaws();
        let Some(subscription) = self.subscriptions.by_key.get_mut(&key) else {
            return false;
        };
        let Some(stream) = subscription.pending(&self.store).map(str::to_owned) else {
            return false;
        };
        if !flaws.has(Flaw::GenerationsStandStill) || subscription.generation == 0 {
            subscription.generation += 1;
        }
        let generation = subscription.generation;
        let wake_id = if flaws.has(Flaw::WakeIdsRepeat) {
            "w_1".to_owned()
        } else {
            format!("w_{:016x}{:016x}", self.rng.u64(..), generation)
        };
        let notice = match subscription.settings.kind {
            Kind::PullWake(_) => None,
            Kind::Webhook(_) => {
                let body = json!({
                    "subscription_id": subscription.id,
                    "wake_id": wake_id,
                    "generation": generation,
                    "streams": subscription.work(&self.store),
                    "callback_url": subscription.url("callback"),
                    "callback_token": self.subscriptions.keys.token(key, generation),
                });
                Some(Notice {
                    body: Bytes::from(body.to_string()),
                    tails: subscription.tails(&self.store),
                    failures: 0,
                })
            }
        };
        subscription.wake = Some(Wake {
            id: wake_id,
            holder: None,
            notice,
        });
        match subscription.wake_path() {
            Some(path) => {
                let event = json!({
                    "type": "wake",
                    "subscription_id": subscription.id,
                    "stream": stream,
                    "generation": generation,
                    "ts": milliseconds(self.now),
                });
                self.announce(&path, Bytes::from(event.to_string()));
            }
            None => self.deliver(key),
        }
        true
    }

    /// Appends a wake to the stream for them, which is the application's to create (§7.2).
    fn announce(&mut self, path: &str, event: Bytes) {
        if self.config.flaws().has(Flaw::WakeStreamsAreCreated) {
            let request = Request::put(path).header("content-type", "application/json");
            if let Ok(request) = request.body(Bytes::new()) {
                let _ = create::create(&mut self.store, path, &request, 0, self.now);
            }
        }
        let Ok(stream) = self.store.find(path) else {
            return;
        };
        let retention = self.config.retention_bytes;
        if append::append_event(&mut self.store, stream, &event, retention, self.now).is_ok() {
            self.wake(stream);
            self.grew(path);
        }
    }

    /// Ends a wake, and begins another one if there still is work (§7.2, §7.3).
    pub(super) fn end_wake(&mut self, key: SubscriptionKey) -> bool {
        if let Some(subscription) = self.subscriptions.by_key.get_mut(&key) {
            subscription.wake = None;
        }
        self.subscriptions.deadlines.set(key, None);
        self.wake_up(key)
    }

    /// Begins the lease anew, at its full length.
    pub(super) fn extend_lease(&mut self, key: SubscriptionKey) {
        if let Some(subscription) = self.subscriptions.by_key.get(&key) {
            let flaws = self.config.flaws();
            let lease = match subscription.settings.lease {
                lease if flaws.has(Flaw::LeasesAreHalved) => lease / 2,
                lease => lease,
            };
            let end = self.now.checked_add(lease);
            self.subscriptions.deadlines.set(key, end);
        }
    }
}

fn milliseconds(now: SystemTime) -> u64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_millis() as u64
}
