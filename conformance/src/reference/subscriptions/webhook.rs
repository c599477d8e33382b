//! Webhooks (§7.1): sent, answered, tried again.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use serde_json::Value;

use super::SubscriptionKey;
use super::settings::Kind;
use crate::reference::defect::Flaw;
use crate::reference::model::Model;

/// The wait after the first failure, and the longest one.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// How far a wait may be from that, in percent.
const JITTER: u32 = 20;

/// Names one attempt to send a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub u64);

/// One attempt to send a webhook (§7.1).
#[derive(Debug)]
pub struct Delivery {
    /// Names it in [`Model::delivered`].
    pub id: DeliveryId,
    /// A POST to an absolute URL. Redirects must not be followed: where webhooks may go was decided by the URL.
    pub request: Request<Bytes>,
    /// An answer after this time is of no interest any more.
    pub limit: Duration,
}

impl Model {
    /// The next webhook to be sent; poll until `None` after every input.
    pub fn poll_delivery(&mut self) -> Option<Delivery> {
        self.subscriptions.outgoing.pop_front()
    }

    /// Takes what came of a webhook: the answer, body and all, or `None` where there was none. What is no longer of
    /// interest does no harm.
    pub fn delivered(&mut self, id: DeliveryId, answer: Option<Response<Bytes>>, now: SystemTime) {
        self.tick(now);
        let flaws = self.config.flaws();
        let Some((key, generation)) = self.subscriptions.awaited.remove(&id) else {
            return;
        };
        let Some(subscription) = self.subscriptions.by_key.get_mut(&key) else {
            return;
        };
        // An answer to an earlier wake says nothing about the current one.
        if subscription.generation != generation {
            return;
        }
        let Some(notice) = subscription.notice_mut() else {
            return;
        };
        let Some(answer) = answer.filter(|answer| answer.status().is_success()) else {
            notice.failures = notice.failures.saturating_add(1);
            let wait = match wait(notice.failures, &mut self.rng) {
                _ if flaws.has(Flaw::RetriesDoNotWait) => Duration::from_millis(10),
                _ if flaws.has(Flaw::RetriesDoNotGrow) => FIRST,
                wait => wait,
            };
            let next = self.now.checked_add(wait);
            let never = flaws.has(Flaw::NothingIsSentAgain);
            self.subscriptions
                .deadlines
                .set(key, next.filter(|_| !never));
            return;
        };
        notice.failures = 0;
        if !says_done(answer.body()) {
            return;
        }
        if flaws.has(Flaw::DoneKeepsTheLease) {
            return;
        }
        let mut tails = std::mem::take(&mut notice.tails);
        if flaws.has(Flaw::DoneReachesTheTail) {
            tails = subscription.tails(&self.store);
        }
        if flaws.has(Flaw::DoneAcknowledgesNothing) {
            tails.clear();
        }
        for (path, tail) in tails {
            if let Some(link) = subscription.links.get_mut(&path) {
                link.acked = link.acked.max(tail);
            }
        }
        self.end_wake(key);
    }

    /// A lease has run out, or a webhook is to be sent again.
    pub(in crate::reference) fn subscription_due(&mut self, key: SubscriptionKey) {
        self.subscriptions.deadlines.set(key, None);
        let flaws = self.config.flaws();
        let awaited = &self.subscriptions.awaited;
        let Some(subscription) = self.subscriptions.by_key.get_mut(&key) else {
            return;
        };
        let generation = subscription.generation;
        let on_its_way = awaited.values().any(|one| *one == (key, generation));
        match subscription.notice_mut() {
            // It waited for this, and no lease ran meanwhile.
            Some(notice) if notice.failures > 0 && !on_its_way => self.deliver(key),
            _ if flaws.has(Flaw::LeasesNeverEnd) => {}
            _ if flaws.has(Flaw::LeasesWakeNobody) => subscription.wake = None,
            _ => {
                self.end_wake(key);
            }
        }
    }

    /// Sends the webhook of the current wake. Whoever receives it has the lease.
    pub(super) fn deliver(&mut self, key: SubscriptionKey) {
        let subscriptions = &mut self.subscriptions;
        let Some(subscription) = subscriptions.by_key.get_mut(&key) else {
            return;
        };
        let (Kind::Webhook(url), Some(wake)) = (&subscription.settings.kind, &subscription.wake)
        else {
            return;
        };
        let Some(notice) = &wake.notice else { return };
        let signature = subscriptions
            .keys
            .signature(&notice.body, self.now, self.config.flaws());
        let request = Request::post(url.as_str())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header("webhook-signature", signature)
            .body(notice.body.clone());
        subscriptions.last_delivery += 1;
        let id = DeliveryId(subscriptions.last_delivery);
        let generation = subscription.generation;
        subscriptions.awaited.insert(id, (key, generation));
        // A URL that was taken can be asked for; otherwise the lease runs out without an answer.
        if let Ok(request) = request {
            subscriptions.outgoing.push_back(Delivery {
                id,
                request,
                limit: subscription.settings.lease,
            });
        }
        self.extend_lease(key);
    }
}

/// §7.1: twice as long after each failure, and not the same for all.
fn wait(failures: u32, rng: &mut fastrand::Rng) -> Duration {
    let doubled = FIRST.saturating_mul(1u32.checked_shl(failures - 1).unwrap_or(u32::MAX));
    let wait = doubled.min(LONGEST);
    wait * rng.u32(100 - JITTER..=100 + JITTER) / 100
}

fn says_done(body: &Bytes) -> bool {
    let body: Result<Value, _> = serde_json::from_slice(body);
    body.is_ok_and(|body| body.get("done") == Some(&Value::Bool(true)))
}
