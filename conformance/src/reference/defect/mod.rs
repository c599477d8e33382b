//! Ways to break the server, one at a time, so that a suite for servers can show that it notices.

mod appending;
mod creating;
mod reading;

use std::fmt;

use http::response::Parts;
use http::{HeaderMap, Method, Request, StatusCode};

/// One thing that the server does wrong.
#[derive(Clone, Copy)]
pub struct Defect {
    id: &'static str,
    requirement: &'static str,
    what: &'static str,
    distort: fn(&Asked, &mut Parts),
}

impl Defect {
    const fn head(
        id: &'static str,
        requirement: &'static str,
        what: &'static str,
        distort: fn(&Asked, &mut Parts),
    ) -> Self {
        Self {
            id,
            requirement,
            what,
            distort,
        }
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        [creating::CREATING, appending::APPENDING, reading::READING]
            .into_iter()
            .flatten()
            .copied()
    }

    /// The one of this name.
    pub fn named(id: &str) -> Option<Self> {
        Self::all().find(|defect| defect.id == id)
    }

    /// Its name, which is stable: `append.no-offset`.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The requirement that it breaks, by the id in the ledger of the server suite.
    pub fn requirement(&self) -> &'static str {
        self.requirement
    }

    /// What the server does.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// Changes the head of an answer, if this is about such an answer.
    pub(crate) fn distort(&self, asked: &Asked, head: &mut Parts) {
        (self.distort)(asked, head);
    }
}

impl fmt::Debug for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Defect").field(&self.id).finish()
    }
}

/// What there is to know of a request when its answer is distorted.
pub(crate) struct Asked {
    method: Method,
    query: String,
    headers: HeaderMap,
    has_body: bool,
}

impl Asked {
    pub(crate) fn of<B: AsRef<[u8]>>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            headers: request.headers().clone(),
            has_body: !request.body().as_ref().is_empty(),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    fn closes(&self) -> bool {
        let value = self.headers.get("stream-closed");
        value.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"))
    }

    fn asks(&self, pair: &str) -> bool {
        self.query.split('&').any(|part| part == pair)
    }

    fn put(&self) -> bool {
        self.method == Method::PUT
    }

    fn fork(&self) -> bool {
        self.put() && self.has("stream-forked-from")
    }

    fn post(&self) -> bool {
        self.method == Method::POST
    }

    /// An append of a producer, or a close.
    fn produces(&self) -> bool {
        self.post() && self.has("producer-id")
    }

    /// A POST that closes and brings nothing.
    fn only_closes(&self) -> bool {
        self.post() && self.closes() && !self.has_body
    }

    fn delete(&self) -> bool {
        self.method == Method::DELETE
    }

    fn head(&self) -> bool {
        self.method == Method::HEAD
    }

    fn get(&self) -> bool {
        self.method == Method::GET
    }

    fn polls(&self) -> bool {
        self.get() && self.asks("live=long-poll")
    }

    fn streams(&self) -> bool {
        self.get() && self.asks("live=sse")
    }

    /// A read that is not live.
    fn catches_up(&self) -> bool {
        self.get() && !self.polls() && !self.streams()
    }

    fn now(&self) -> bool {
        self.asks("offset=now")
    }
}

/// What the rows of the tables are made of.
trait Distort {
    fn is(&self, status: u16) -> bool;
    fn has(&self, name: &str) -> bool;
    fn lose(&mut self, name: &str);
    fn set(&mut self, name: &'static str, value: &'static str);
    fn answer_with(&mut self, status: StatusCode);
}

impl Distort for Parts {
    fn is(&self, status: u16) -> bool {
        self.status.as_u16() == status
    }

    fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    fn lose(&mut self, name: &str) {
        self.headers.remove(name);
    }

    fn set(&mut self, name: &'static str, value: &'static str) {
        self.headers
            .insert(name, http::HeaderValue::from_static(value));
    }

    fn answer_with(&mut self, status: StatusCode) {
        self.status = status;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique() {
        let ids: BTreeSet<_> = Defect::all().map(|defect| defect.id).collect();
        assert_eq!(ids.len(), Defect::all().count());
        assert!(Defect::named("append.no-offset").is_some());
        assert!(Defect::named("append").is_none());
    }
}
