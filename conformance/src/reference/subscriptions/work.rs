//! Those who work on a wake (§7): they claim it, report how far they have come, and give it back.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::SubscriptionKey;
use super::problem::{Problem, json_answer};
use super::route::Part;
use super::settings::relative;
use super::subscription::Subscription;
use crate::reference::answer::Answer;
use crate::reference::defect::Flaw;
use crate::reference::model::Model;
use crate::reference::names::NO_STORE;
use crate::reference::offset::Offset;
use crate::reference::store::Store;

impl Model {
    /// Gives the wake of a pull-wake subscription to a worker, with the lease.
    pub(super) fn claim(
        &mut self,
        key: SubscriptionKey,
        members: &Map<String, Value>,
    ) -> Result<Answer, Problem> {
        let worker = members.get("worker").and_then(Value::as_str);
        let worker = worker
            .filter(|worker| !worker.is_empty())
            .ok_or(Problem::invalid("worker is not named"))?;
        let subscription = self.get(key)?;
        if !subscription.is_pull_wake() {
            return Err(Problem::invalid("there is nothing to claim of a webhook"));
        }
        let flaws = self.config.flaws();
        let holder = subscription.holder();
        if let Some(holder) = holder.filter(|_| !flaws.has(Flaw::ClaimsAreShared)) {
            return Err(Problem::claimed(holder, subscription.generation));
        }
        if subscription.pending(&self.store).is_none() {
            // What it was about is gone. The next wake must be heard of again.
            self.end_wake(key);
            return Err(Problem::nothing_pending());
        }
        if subscription.wake.is_none() {
            self.wake_up(key);
        }
        self.extend_lease(key);
        let token_of = |generation| self.subscriptions.keys.token(key, generation);
        let subscription = self.get(key)?;
        let Some(wake) = &subscription.wake else {
            return Err(Problem::nothing_pending());
        };
        let claimed = json!({
            "wake_id": wake.id,
            "generation": subscription.generation,
            "token": token_of(subscription.generation),
            "streams": subscription.work(&self.store),
            "lease_ttl_ms": subscription.settings.lease.as_millis() as u64,
        });
        let holder = worker.to_owned();
        if let Some(wake) = self.get_mut(key)?.wake.as_mut() {
            wake.holder = Some(holder);
        }
        Ok(json_answer(StatusCode::OK, &claimed))
    }

    /// A callback, an ack or a release: what it acknowledges is noted, and the lease goes on or ends.
    pub(super) fn report(
        &mut self,
        key: SubscriptionKey,
        part: &Part,
        token: &str,
        members: &Map<String, Value>,
    ) -> Result<Answer, Problem> {
        let subscription = self.get(key)?;
        if *part != Part::Callback && !subscription.is_pull_wake() {
            return Err(Problem::invalid("a webhook is reported on by its callback"));
        }
        self.check_current(key, part, token, members)?;
        let flaws = self.config.flaws();
        if *part == Part::Release {
            if flaws.has(Flaw::ReleasesWakeNobody) {
                self.get_mut(key)?.wake = None;
                self.subscriptions.deadlines.set(key, None);
            } else {
                self.end_wake(key);
            }
            return Ok(Answer::new(StatusCode::NO_CONTENT).cache(NO_STORE));
        }
        let mut acks = acks(self.get(key)?, &self.store, members)?;
        if flaws.has(Flaw::AcksAreForgotten) {
            acks.clear();
        }
        if flaws.has(Flaw::AcksReachTheTail) && !acks.is_empty() {
            acks = self.get(key)?.tails(&self.store);
        }
        let subscription = self.get_mut(key)?;
        for (path, offset) in acks {
            if let Some(link) = subscription.links.get_mut(&path) {
                link.acked = offset;
            }
        }
        // Who calls back has received the webhook, whatever came of its last attempt.
        if let Some(notice) = subscription.notice_mut() {
            notice.failures = 0;
        }
        let is_done = members.get("done") == Some(&Value::Bool(true));
        let next_wake = if is_done && !flaws.has(Flaw::DoneIsAHeartbeat) {
            self.end_wake(key)
        } else {
            if !flaws.has(Flaw::HeartbeatsDoNotExtend) {
                self.extend_lease(key);
            }
            false
        };
        let answer = json!({ "ok": true, "next_wake": next_wake });
        Ok(json_answer(StatusCode::OK, &answer))
    }

    /// §7.3: token, generation and wake are all those of the current wake.
    fn check_current(
        &self,
        key: SubscriptionKey,
        part: &Part,
        token: &str,
        members: &Map<String, Value>,
    ) -> Result<(), Problem> {
        let flaws = self.config.flaws();
        let subscription = self.get(key)?;
        let keys = &self.subscriptions.keys;
        let allowed = if flaws.has(Flaw::TokensAreOptional) {
            Some(subscription.generation)
        } else if flaws.has(Flaw::ForeignTokensAreTaken) {
            let mut all = self.subscriptions.by_key.keys();
            all.find_map(|any| keys.generation(*any, token))
        } else {
            keys.generation(key, token)
        };
        let allowed = allowed.ok_or_else(Problem::no_token)?;
        let stale = match part {
            Part::Callback => Flaw::StaleCallbacksAreTaken,
            _ => Flaw::StaleReportsAreTaken,
        };
        if flaws.has(stale) {
            return Ok(());
        }
        let wake = subscription.wake.as_ref();
        let wake_id = wake.map(|wake| wake.id.as_str());
        let named = members.get("wake_id").and_then(Value::as_str);
        let generation = members.get("generation").and_then(Value::as_u64);
        let current = (named == wake_id || flaws.has(Flaw::WakeIdIsNotChecked))
            && wake_id.is_some()
            && (generation == Some(subscription.generation)
                || flaws.has(Flaw::GenerationIsNotChecked))
            && (allowed == subscription.generation
                || flaws.has(Flaw::GenerationOfTokensIsNotChecked));
        if current {
            Ok(())
        } else {
            Err(Problem::fenced())
        }
    }

    fn get(&self, key: SubscriptionKey) -> Result<&Subscription, Problem> {
        let subscription = self.subscriptions.by_key.get(&key);
        subscription.ok_or_else(Problem::not_found)
    }

    fn get_mut(&mut self, key: SubscriptionKey) -> Result<&mut Subscription, Problem> {
        let subscription = self.subscriptions.by_key.get_mut(&key);
        subscription.ok_or_else(Problem::not_found)
    }
}

/// What is acknowledged, all of it checked before any of it counts.
fn acks(
    subscription: &Subscription,
    store: &Store,
    members: &Map<String, Value>,
) -> Result<Vec<(String, Offset)>, Problem> {
    let list = match members.get("acks") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(list) => list.as_array(),
    };
    let list = list.ok_or(Problem::invalid("acks is no list"))?;
    let acks = list.iter().map(|ack| {
        let text = |name| ack.get(name).and_then(Value::as_str);
        let (path, offset) = text("stream")
            .or_else(|| text("path"))
            .zip(text("offset"))
            .ok_or(Problem::invalid("an ack is a stream and an offset"))?;
        let path = relative(path)?;
        let link = subscription
            .links
            .get(&path)
            .ok_or(Problem::offset("the stream is not linked"))?;
        let offset =
            Offset::parse(offset, store.offsets).ok_or(Problem::offset("this is no offset"))?;
        if offset < link.acked {
            return Err(Problem::offset("more is acknowledged already"));
        }
        if offset > subscription.tail(&path, store) {
            return Err(Problem::offset("the stream has no such offset"));
        }
        Ok((path, offset))
    });
    acks.collect()
}
