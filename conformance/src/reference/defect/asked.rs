//! What a request is, for defects that are about some requests only.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Version};

/// What there is to know of a request, as it came.
#[derive(Debug)]
pub(crate) struct Asked {
    method: Method,
    pub(super) path: String,
    pub(super) query: String,
    headers: HeaderMap,
    version: Version,
    pub(super) body: Bytes,
}

impl Asked {
    pub(crate) fn of(request: &Request<Bytes>) -> Self {
        Self {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            headers: request.headers().clone(),
            version: request.version(),
            body: request.body().clone(),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// The text of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn has_body(&self) -> bool {
        !self.body.is_empty()
    }

    /// The body is said to be JSON.
    pub(super) fn json(&self) -> bool {
        let content_type = self.header("content-type");
        content_type.is_some_and(|value| value.starts_with("application/json"))
    }

    /// It came over HTTP/2, and does not say how long its body is.
    pub(super) fn streams_its_body(&self) -> bool {
        self.version == Version::HTTP_2 && !self.has("content-length")
    }

    pub(super) fn closes(&self) -> bool {
        let value = self.header("stream-closed");
        value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    pub(super) fn asks(&self, pair: &str) -> bool {
        self.query.split('&').any(|part| part == pair)
    }

    /// The value of a parameter, as it was sent.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    pub(super) fn put(&self) -> bool {
        self.method == Method::PUT
    }

    pub(super) fn fork(&self) -> bool {
        self.put() && self.has("stream-forked-from")
    }

    pub(super) fn post(&self) -> bool {
        self.method == Method::POST
    }

    /// It goes below the reserved segment.
    pub(super) fn controls(&self) -> bool {
        self.path.contains("/__ds/")
    }

    /// It is for the keys that webhooks are signed with.
    pub(super) fn keys(&self) -> bool {
        self.path.ends_with("/__ds/jwks.json")
    }

    /// An append of a producer, or a close.
    pub(super) fn produces(&self) -> bool {
        self.post() && self.has("producer-id")
    }

    /// A POST that closes and brings nothing.
    pub(super) fn only_closes(&self) -> bool {
        self.post() && self.closes() && !self.has_body()
    }

    pub(super) fn delete(&self) -> bool {
        self.method == Method::DELETE
    }

    pub(super) fn head(&self) -> bool {
        self.method == Method::HEAD
    }

    pub(super) fn get(&self) -> bool {
        self.method == Method::GET
    }

    pub(super) fn polls(&self) -> bool {
        self.get() && self.asks("live=long-poll")
    }

    pub(super) fn streams(&self) -> bool {
        self.get() && self.asks("live=sse")
    }

    /// A read that is not live.
    pub(super) fn catches_up(&self) -> bool {
        self.get() && !self.polls() && !self.streams()
    }

    pub(super) fn now(&self) -> bool {
        self.asks("offset=now")
    }
}
