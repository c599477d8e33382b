//! Subscriptions as a case works with them (§6–7).

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;
use super::case::Capability;
use super::outcome::{Stop, Verdict, fail};
use super::receiver::{Receiver, Webhook};
use super::target::{Ask, Stream, Target};

/// How often something is looked for that should happen soon.
const PAUSE: Duration = Duration::from_millis(20);

/// A lease that does not run out while a case runs.
pub(super) const LONG: u64 = 600_000;

/// A subscription of the server, or the URL of one.
#[derive(Clone)]
pub(super) struct Subscription {
    target: Target,
    pub(super) id: String,
    at: Stream,
}

impl Target {
    /// The URL of a subscription that is not there yet.
    pub(super) fn unmade_subscription(&self) -> Subscription {
        let id = self.new_name();
        Subscription {
            target: self.clone(),
            at: self.made(&format!("__ds/subscriptions/{id}")),
            id,
        }
    }

    /// The keys that webhooks are signed with.
    pub(super) fn keys(&self) -> Stream {
        self.named("__ds/jwks.json")
    }

    /// A stream below another path, which need not be one.
    pub(super) fn below(&self, stream: &Stream, path: &str) -> Stream {
        self.made(&format!("{}/{path}", stream.name()))
    }

    /// What should be seen soon.
    async fn soon<T>(&self, what: &str, seen: impl Future<Output = Verdict<T>>) -> Verdict<T> {
        match self.within(seen).await {
            Some(seen) => seen,
            None => fail(format!("{what} within {:?}", self.patience()), "none"),
        }
    }
}

impl Subscription {
    pub(super) fn put(&self, settings: &Value) -> Ask {
        self.at.put().json(settings)
    }

    pub(super) fn get(&self) -> Ask {
        self.at.get()
    }

    pub(super) fn delete(&self) -> Ask {
        self.at.delete()
    }

    fn part(&self, part: &str) -> Stream {
        self.target.named(&format!("{}/{part}", self.at.name()))
    }

    pub(super) fn post(&self, part: &str, body: &Value) -> Ask {
        self.part(part).post().json(body)
    }

    pub(super) fn link(&self, paths: &[&str]) -> Ask {
        self.post("streams", &json!({ "streams": paths }))
    }

    pub(super) fn unlink(&self, path: &str) -> Ask {
        let path = percent_encoding::utf8_percent_encode(path, super::target::QUERY);
        self.part(&format!("streams/{path}")).delete()
    }

    pub(super) fn claim_as(&self, worker: &str) -> Ask {
        self.post("claim", &json!({ "worker": worker }))
    }

    /// Creates it in preparation. A server without subscriptions says so, one way or another.
    pub(super) async fn create(&self, settings: &Value) -> Verdict<Answer> {
        let answer = self.put(settings).send().await?;
        self.is_supported(&answer)?;
        if !matches!(answer.status, 200 | 201) {
            let why = format!("the PUT of a subscription answers {}", answer.status);
            return Err(Stop::Blocked(why));
        }
        Ok(answer)
    }

    /// Whether an answer to a PUT comes from a server that has subscriptions.
    pub(super) fn is_supported(&self, answer: &Answer) -> Verdict {
        let why = match answer.status {
            404 | 405 | 501 => format!("the PUT of one answers {}", answer.status),
            200 | 201 if answer.header("stream-next-offset").is_some() => {
                "it takes the PUT of one for that of a stream".to_owned()
            }
            _ => return Ok(()),
        };
        Err(Stop::Skip(format!(
            "the server has no subscriptions: {why}"
        )))
    }

    /// What a GET says of it.
    pub(super) async fn described(&self) -> Verdict<Answer> {
        let answer = self.get().send().await?;
        answer.status(&[200])?;
        Ok(answer)
    }

    /// Its links, as a GET lists them.
    pub(super) async fn links(&self) -> Verdict<Vec<Value>> {
        let answer = self.described().await?;
        answer.list("/streams")
    }

    /// The link to this stream, if there is one. It is listed once.
    pub(super) async fn link_to(&self, path: &str) -> Verdict<Option<Value>> {
        let answer = self.described().await?;
        let links = answer.list("/streams")?;
        let mut found = links.iter().filter(|link| is_path(&link["path"], path));
        let (first, second) = (found.next(), found.next());
        if second.is_some() {
            return answer.fail(format!("{path} once in streams"), "twice");
        }
        Ok(first.cloned())
    }

    /// How far this stream is acknowledged.
    pub(super) async fn acked(&self, path: &str) -> Verdict<String> {
        match self.link_to(path).await? {
            Some(link) => Ok(link["acked_offset"].as_str().unwrap_or_default().to_owned()),
            None => fail(format!("{path} in streams"), "it is not there"),
        }
    }

    /// A callback, an ack or a release with this token.
    pub(super) fn report(&self, part: &str, token: &str, body: &Value) -> Ask {
        self.post(part, body).bearer(token)
    }
}

/// Whether this is the path. A slash before it makes no difference.
pub(super) fn is_path(value: &Value, path: &str) -> bool {
    value
        .as_str()
        .is_some_and(|value| value.trim_start_matches('/') == path)
}

/// A pull-wake subscription to one stream, with its stream of wakes.
pub(super) struct Pulling {
    target: Target,
    pub(super) subscription: Subscription,
    pub(super) stream: Stream,
    pub(super) wakes: Stream,
    pub(super) settings: Value,
}

/// What those who work on a wake were given.
#[derive(Clone)]
pub(super) struct Claim {
    subscription: Subscription,
    /// Where it came from.
    pub(super) answer: Answer,
    pub(super) wake_id: String,
    pub(super) generation: u64,
    pub(super) token: String,
}

impl Target {
    /// A stream with something in it, and a pull-wake subscription to it.
    pub(super) async fn pulling(&self, lease_ms: u64) -> Verdict<Pulling> {
        let wakes = self.stream("application/json").await?;
        let stream = self.filled("text/plain", &["old "]).await?;
        let settings = json!({
            "type": "pull-wake",
            "wake_stream": wakes.name(),
            "streams": [stream.name()],
            "lease_ttl_ms": lease_ms,
        });
        let subscription = self.unmade_subscription();
        subscription.create(&settings).await?;
        Ok(self.pull(subscription, stream, wakes, settings))
    }

    /// The same of parts that are there.
    pub(super) fn pull(
        &self,
        subscription: Subscription,
        stream: Stream,
        wakes: Stream,
        settings: Value,
    ) -> Pulling {
        Pulling {
            target: self.clone(),
            subscription,
            stream,
            wakes,
            settings,
        }
    }
}

impl Pulling {
    /// Appends to the stream, and gives its tail.
    pub(super) async fn append(&self, body: &'static str) -> Verdict<String> {
        let append = self.stream.append("text/plain", body).prepare().await?;
        Ok(append.next_offset()?.to_owned())
    }

    /// The wakes, once there are so many.
    pub(super) async fn wakes(&self, count: usize) -> Verdict<Vec<Value>> {
        let seen = async {
            loop {
                let wakes = self.wakes.read_all("-1").await?.list("")?;
                if wakes.len() >= count {
                    return Ok(wakes);
                }
                self.target.sleep(PAUSE).await;
            }
        };
        let what = format!("{count} wakes on the wake stream");
        self.target.soon(&what, seen).await
    }

    /// Appends, and claims the wake that follows, the first one of all.
    pub(super) async fn first_claim(&self) -> Verdict<(String, Claim)> {
        let tail = self.append("new ").await?;
        self.wakes(1).await?;
        Ok((tail, self.claim().await?))
    }

    /// Claims the wake that there is.
    pub(super) async fn claim(&self) -> Verdict<Claim> {
        let answer = self.subscription.claim_as("worker").send().await?;
        answer.status(&[200])?;
        Claim::of(&self.subscription, answer, "token")
    }

    /// How far the stream is acknowledged.
    pub(super) async fn acked(&self) -> Verdict<String> {
        self.subscription.acked(self.stream.name()).await
    }

    /// The member of a report that acknowledges the stream.
    pub(super) fn acks(&self, offset: &str) -> Value {
        json!([{ "stream": self.stream.name(), "offset": offset }])
    }
}

impl Claim {
    fn of(subscription: &Subscription, answer: Answer, token: &str) -> Verdict<Self> {
        Ok(Self {
            subscription: subscription.clone(),
            wake_id: answer.text("/wake_id")?,
            generation: answer.integer("/generation")?,
            token: answer.text(&format!("/{token}"))?,
            answer,
        })
    }

    /// The body of a report with these members.
    pub(super) fn body(&self, more: Value) -> Value {
        let mut body = json!({ "wake_id": self.wake_id, "generation": self.generation });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        body
    }

    /// A report on it.
    pub(super) fn report(&self, part: &str, more: Value) -> Ask {
        self.subscription
            .report(part, &self.token, &self.body(more))
    }

    /// The row of this stream.
    pub(super) fn row(&self, path: &str) -> Verdict<Value> {
        let rows = self.answer.list("/streams")?;
        match rows.iter().find(|row| is_path(&row["path"], path)) {
            Some(row) => Ok(row.clone()),
            None => self
                .answer
                .fail(format!("{path} in streams"), "it is not there"),
        }
    }
}

/// A subscription by webhook to one stream.
pub(super) struct Hooked {
    pub(super) subscription: Subscription,
    pub(super) stream: Stream,
    pub(super) receiver: Receiver,
}

impl Target {
    /// Creates a subscription by webhook, in preparation: not every server takes those, and not from everywhere.
    pub(super) async fn hook(&self, subscription: &Subscription, settings: &Value) -> Verdict {
        let answer = subscription.put(settings).send().await?;
        subscription.is_supported(&answer)?;
        match answer.status {
            200 | 201 => Ok(()),
            400..=499 => {
                let url = &settings["webhook"]["url"];
                let body = super::answer::quoted(&answer.body);
                let why = format!("a webhook to {url} is refused: {} {body}", answer.status);
                Err(Stop::Lacks(Capability::Webhook, why))
            }
            status => Err(Stop::Blocked(format!(
                "the PUT of a subscription answers {status}"
            ))),
        }
    }

    /// A stream with something in it, and a subscription to it by webhook.
    pub(super) async fn hooked(&self, lease_ms: u64) -> Verdict<Hooked> {
        let stream = self.filled("text/plain", &["old "]).await?;
        let receiver = Receiver::start(self)?;
        let subscription = self.unmade_subscription();
        let settings = json!({
            "type": "webhook",
            "webhook": { "url": receiver.url() },
            "streams": [stream.name()],
            "lease_ttl_ms": lease_ms,
        });
        self.hook(&subscription, &settings).await?;
        Ok(Hooked {
            subscription,
            stream,
            receiver,
        })
    }
}

impl Hooked {
    /// Appends to the stream, and gives its tail.
    pub(super) async fn append(&self, body: &'static str) -> Verdict<String> {
        let append = self.stream.append("text/plain", body).prepare().await?;
        Ok(append.next_offset()?.to_owned())
    }

    /// The next webhook, and what its receiver works with.
    pub(super) async fn next(&mut self) -> Verdict<(Webhook, Claim)> {
        let webhook = self.receiver.next().await?;
        let claim = Claim::of(
            &self.subscription,
            webhook.content.clone(),
            "callback_token",
        )?;
        let id = claim.answer.text("/subscription_id")?;
        if id != self.subscription.id {
            let expected = format!("subscription_id {}", self.subscription.id);
            return claim.answer.fail(expected, id);
        }
        Ok((webhook, claim))
    }

    /// How far the stream is acknowledged.
    pub(super) async fn acked(&self) -> Verdict<String> {
        self.subscription.acked(self.stream.name()).await
    }

    /// Waits until the stream is acknowledged that far.
    pub(super) async fn acked_until(&self, t: &Target, tail: &str) -> Verdict {
        let seen = async {
            while self.acked().await? != tail {
                t.sleep(PAUSE).await;
            }
            Ok(())
        };
        t.soon(&format!("acked_offset {tail}"), seen).await
    }

    /// Waits until the subscription has this status.
    pub(super) async fn has_status(&self, t: &Target, status: &str) -> Verdict {
        let seen = async {
            while self.subscription.described().await?.text("/status")? != status {
                t.sleep(PAUSE).await;
            }
            Ok(())
        };
        t.soon(&format!("the status {status}"), seen).await
    }

    /// Sends a callback to where the webhook says.
    pub(super) fn callback(&self, t: &Target, claim: &Claim, more: Value) -> Verdict<Ask> {
        let url = claim.answer.text("/callback_url")?;
        let ask = t.at(url).post().json(&claim.body(more));
        Ok(ask.bearer(&claim.token))
    }
}

/// Answers a webhook with 200.
impl Webhook {
    pub(super) fn accept(self, body: &Value) {
        self.answer(StatusCode::OK, body);
    }
}

impl Ask {
    pub(super) fn json(self, body: &Value) -> Self {
        self.content_type("application/json").body(body.to_string())
    }

    pub(super) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }
}

impl Answer {
    fn member(&self, pointer: &str) -> Verdict<Value> {
        match self.json()?.pointer(pointer) {
            Some(value) => Ok(value.clone()),
            None => self.fail(format!("{pointer} in the body"), "none"),
        }
    }

    /// A member that is text and not empty.
    pub(super) fn text(&self, pointer: &str) -> Verdict<String> {
        match self.member(pointer)? {
            Value::String(text) if !text.is_empty() => Ok(text),
            other => self.fail(format!("text at {pointer}"), other.to_string()),
        }
    }

    /// A member that is a whole number.
    pub(super) fn integer(&self, pointer: &str) -> Verdict<u64> {
        let member = self.member(pointer)?;
        match member.as_u64() {
            Some(number) => Ok(number),
            None => self.fail(format!("a whole number at {pointer}"), member.to_string()),
        }
    }

    /// A member that is a list.
    pub(super) fn list(&self, pointer: &str) -> Verdict<Vec<Value>> {
        match self.member(pointer)? {
            Value::Array(list) => Ok(list),
            other => self.fail(format!("a list at {pointer}"), other.to_string()),
        }
    }

    /// A member that has this value.
    pub(super) fn member_is(&self, pointer: &str, expected: impl Into<Value>) -> Verdict<&Self> {
        let (member, expected) = (self.member(pointer)?, expected.into());
        if member == expected {
            return Ok(self);
        }
        self.fail(
            format!("{pointer}: {expected}"),
            format!("{pointer}: {member}"),
        )
    }

    /// It is refused with this code.
    pub(super) fn refused_as(&self, status: u16, code: &str) -> Verdict<&Self> {
        self.status(&[status])?.member_is("/error/code", code)
    }

    /// It is refused with a 4xx.
    pub(super) fn refused_somehow(&self) -> Verdict<&Self> {
        if (400..500).contains(&self.status) {
            return Ok(self);
        }
        self.fail("status 4xx", format!("status {}", self.status))
    }
}
