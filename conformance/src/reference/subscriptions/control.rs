//! The control interface (§6): subscriptions are made, described, changed and ended.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Map, Value};

use super::SubscriptionKey;
use super::problem::{Problem, json_answer};
use super::route::{Part, Resource};
use super::settings::{self, Settings};
use super::subscription::Subscription;
use crate::reference::answer::Answer;
use crate::reference::defect::Flaw;
use crate::reference::model::Model;
use crate::reference::names::NO_STORE;
use crate::reference::offset::Offset;
use crate::reference::request::origin;

impl Model {
    /// Answers a request below the reserved segment of a root.
    pub(in crate::reference) fn control(
        &mut self,
        root: &str,
        rest: &str,
        request: &Request<Bytes>,
    ) -> Answer {
        let answer = match Resource::parse(rest) {
            Some(resource) => self.answer_control(root, resource, request),
            None => Err(Problem::not_found()),
        };
        answer.unwrap_or_else(Answer::from)
    }

    fn answer_control(
        &mut self,
        root: &str,
        resource: Resource,
        request: &Request<Bytes>,
    ) -> Result<Answer, Problem> {
        let method = match request.method() {
            &Method::HEAD => &Method::GET,
            other => other,
        };
        let (id, part) = match (resource, method) {
            (Resource::Keys, &Method::GET) => return Ok(self.jwks()),
            (Resource::Keys, _) => return Err(Problem::method("GET, HEAD")),
            (Resource::Of(id, part), _) => (id, part),
        };
        let known = self.subscriptions.find(root, &id);
        let flaws = self.config.flaws();
        match (&part, method) {
            (Part::Itself, &Method::PUT) => self.subscribe(root, id, known, request),
            (Part::Itself, &Method::GET) => {
                let key = known.ok_or_else(Problem::not_found)?;
                Ok(self.described(StatusCode::OK, key))
            }
            (Part::Itself, &Method::DELETE) => {
                if let Some(key) = known.filter(|_| !flaws.has(Flaw::SubscriptionsAreNotDeleted)) {
                    self.subscriptions.remove(key);
                }
                Ok(done())
            }
            (Part::Itself, _) => Err(Problem::method("GET, HEAD, PUT, DELETE")),
            (Part::Stream(path), &Method::DELETE) => {
                let path = settings::relative(path)?;
                let subscription = self.subscription(known)?;
                let is_linked = subscription.links.contains_key(&path);
                if flaws.has(Flaw::UnlinkingNeedsALink) && !is_linked {
                    return Err(Problem::not_found());
                }
                if !flaws.has(Flaw::UnlinkingDoesNothing) {
                    subscription.unlink(&path);
                }
                Ok(done())
            }
            (Part::Stream(_), _) => Err(Problem::method("DELETE")),
            (Part::Streams, &Method::POST) => {
                let members = body(request)?;
                let paths = members.get("streams").unwrap_or(&Value::Null);
                let paths = settings::relatives(paths)?;
                let key = known.ok_or_else(Problem::not_found)?;
                if let Some(subscription) = self.subscriptions.by_key.get_mut(&key) {
                    for path in paths {
                        subscription.link_explicitly(&path, &self.store);
                    }
                }
                Ok(done())
            }
            (Part::Claim, &Method::POST) => {
                let members = body(request)?;
                self.claim(known.ok_or_else(Problem::not_found)?, &members)
            }
            (Part::Callback | Part::Ack | Part::Release, &Method::POST) => {
                let token = match token(request) {
                    Some(token) => token,
                    None if flaws.has(Flaw::TokensAreOptional) => "",
                    None => return Err(Problem::no_token()),
                };
                let members = body(request)?;
                if known.is_none() && flaws.has(Flaw::DeletedTakesReports) {
                    return Ok(done());
                }
                let key = known.ok_or_else(Problem::not_found)?;
                self.report(key, &part, token, &members)
            }
            _ => Err(Problem::method("POST")),
        }
    }

    fn jwks(&self) -> Answer {
        let kind = HeaderValue::from_static("application/jwk-set+json");
        let cached = HeaderValue::from_static("public, max-age=300");
        json_answer(StatusCode::OK, &self.subscriptions.keys.jwks())
            .header(CONTENT_TYPE, kind)
            .header(CACHE_CONTROL, cached)
    }

    fn subscription(
        &mut self,
        known: Option<SubscriptionKey>,
    ) -> Result<&mut Subscription, Problem> {
        let key = known.ok_or_else(Problem::not_found)?;
        let subscription = self.subscriptions.by_key.get_mut(&key);
        subscription.ok_or_else(Problem::not_found)
    }

    /// Creates a subscription, or finds that it is there already.
    fn subscribe(
        &mut self,
        root: &str,
        id: String,
        known: Option<SubscriptionKey>,
        request: &Request<Bytes>,
    ) -> Result<Answer, Problem> {
        let wanted = Value::Object(body(request)?);
        let flaws = self.config.flaws();
        let settings = Settings::parse(&wanted, self.config.local_webhooks, flaws)?;
        if let Some(key) = known {
            let same = self.subscription(known)?.settings == settings;
            let misordered =
                flaws.has(Flaw::OrderOfStreamsMatters) && !is_in_order(&wanted["streams"]);
            if same && !misordered {
                return Ok(self.described(StatusCode::OK, key));
            }
            if !flaws.has(Flaw::SubscriptionsAreReplaced) {
                return Err(Problem::exists());
            }
            self.subscriptions.remove(key);
        }
        let root_url = format!("{}{root}", origin(request.uri(), request.headers()));
        let mut subscription = Subscription::new(id, root, root_url, settings, self.now, flaws);
        // §6.2: what is there already is no work.
        let explicit: Vec<_> = subscription.settings.streams.iter().cloned().collect();
        for path in explicit {
            subscription.link_explicitly(&path, &self.store);
        }
        for stream in self.store.all() {
            match subscription.relative(&stream.path) {
                Some(path) if subscription.covers(path) => {
                    let history = flaws.has(Flaw::HistoryIsWork);
                    let acked = if history { Offset(0) } else { stream.tail() };
                    subscription.link_by_pattern(path, acked);
                }
                _ => {}
            }
        }
        let key = self.subscriptions.add(subscription);
        Ok(self.described(StatusCode::CREATED, key))
    }

    fn described(&self, status: StatusCode, key: SubscriptionKey) -> Answer {
        let kid = self.subscriptions.keys.kid();
        let subscription = self.subscriptions.by_key.get(&key);
        let described =
            subscription.map(|subscription| subscription.describe(&kid, self.store.offsets));
        json_answer(status, &described.unwrap_or_default())
    }

    /// A stream has appeared: it is linked from its beginning wherever a pattern is for it, so that what it holds, or
    /// inherits, is work (§6.2).
    pub(in crate::reference) fn appeared(&mut self, path: &str) {
        if self.config.flaws().has(Flaw::LaterStreamsAreNotLinked) {
            return;
        }
        for subscription in self.subscriptions.by_key.values_mut() {
            match subscription.relative(path) {
                Some(relative) if subscription.covers(relative) => {
                    subscription.link_by_pattern(relative, Offset(0));
                }
                _ => {}
            }
        }
        self.grew(path);
    }

    /// A stream is gone, and so is every link to it: another one of its name begins anew.
    pub(in crate::reference) fn disappeared(&mut self, path: &str) {
        for subscription in self.subscriptions.by_key.values_mut() {
            if let Some(relative) = subscription.relative(path) {
                let relative = relative.to_owned();
                subscription.links.remove(&relative);
            }
        }
    }
}

/// The members of a body; an empty one has none.
fn body(request: &Request<Bytes>) -> Result<Map<String, Value>, Problem> {
    if request.body().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(request.body())
        .map_err(|_| Problem::invalid("the body is no JSON object"))
}

fn is_in_order(streams: &Value) -> bool {
    let streams = streams.as_array().map_or(&[][..], Vec::as_slice);
    streams.is_sorted_by_key(|path| path.as_str().unwrap_or_default().to_owned())
}

/// §12.9: tokens come in `Authorization`, and nowhere else.
fn token(request: &Request<Bytes>) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

fn done() -> Answer {
    Answer::new(StatusCode::NO_CONTENT).cache(NO_STORE)
}
