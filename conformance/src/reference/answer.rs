//! Answers and refusals, and the headers that every answer carries.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderValue, Response, StatusCode};

use super::names::NO_STORE;
use super::offset::Offset;

/// The type of the body of a refusal.
pub(super) const PROBLEM: &str = "application/problem+json";

/// A complete answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: Parts,
    pub(super) body: Vec<Bytes>,
    /// What `Stream-Next-Offset` says: it becomes a header when the answer is written.
    pub(super) next_offset: Option<Offset>,
}

impl Answer {
    pub(super) fn new(status: StatusCode) -> Self {
        let mut answer = Self {
            head: Response::new(()).into_parts().0,
            body: Vec::new(),
            next_offset: None,
        };
        answer.head.status = status;
        answer.secure();
        answer
    }

    /// §12.7: no sniffing, and a stated resource policy, on every answer whatever its status. The model keeps
    /// no secrets and has no notion of an origin, so that browsers on any origin may read from it.
    fn secure(&mut self) {
        let fixed = [
            ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", "*"),
        ];
        for (name, value) in fixed {
            self.head
                .headers
                .insert(name, HeaderValue::from_static(value));
        }
    }

    pub(super) fn header(
        mut self,
        name: impl http::header::IntoHeaderName,
        value: impl Into<HeaderValue>,
    ) -> Self {
        self.head.headers.insert(name, value.into());
        self
    }

    pub(super) fn next_offset(mut self, offset: Offset) -> Self {
        self.next_offset = Some(offset);
        self
    }

    /// A header with a fixed value, sent only when a condition holds.
    pub(super) fn flag(self, name: &'static str, on: bool) -> Self {
        if on {
            self.header(name, HeaderValue::from_static("true"))
        } else {
            self
        }
    }

    pub(super) fn cache(self, policy: &'static str) -> Self {
        self.header(CACHE_CONTROL, HeaderValue::from_static(policy))
    }

    /// Sets a body that is sent whole, and its length.
    pub(super) fn body(self, body: Vec<Bytes>) -> Self {
        let length: usize = body.iter().map(Bytes::len).sum();
        let mut answer = self.header(CONTENT_LENGTH, length);
        answer.body = body;
        answer
    }

    /// The same answer for a peer that already has the body (§10.1): the headers that describe the stream
    /// stay, those that describe the body go.
    pub(super) fn not_modified(mut self) -> Self {
        self.head.status = StatusCode::NOT_MODIFIED;
        self.head.headers.remove(CONTENT_LENGTH);
        self.head.headers.remove(CONTENT_TYPE);
        self.body.clear();
        self
    }

    /// The same answer without its body, as HEAD wants it.
    pub(super) fn without_body(mut self) -> Self {
        self.body.clear();
        self
    }
}

/// Why a request was not carried out. Nothing has changed when one is returned.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    title: &'static str,
    headers: Vec<(&'static str, HeaderValue)>,
    next_offset: Option<Offset>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, title: &'static str) -> Self {
        Self {
            status,
            title,
            headers: Vec::new(),
            next_offset: None,
        }
    }

    pub(super) fn bad_request(title: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, title)
    }

    pub(super) fn conflict(title: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, title)
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is no such stream")
    }

    pub(super) fn gone() -> Self {
        Self::new(
            StatusCode::GONE,
            "the stream was deleted and only its forks live on",
        )
    }

    pub(super) fn dropped() -> Self {
        Self::new(
            StatusCode::GONE,
            "what was at this offset is no longer kept",
        )
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn next_offset(mut self, offset: Offset) -> Self {
        self.next_offset = Some(offset);
        self
    }
}

impl From<Refusal> for Answer {
    /// Refusals are told apart by status and headers (§11). The body is for people, in the standard format for
    /// problems; titles are fixed texts that need no escaping.
    fn from(refusal: Refusal) -> Self {
        let body = format!(
            r#"{{"status":{},"title":"{}"}}"#,
            refusal.status.as_u16(),
            refusal.title
        );
        let mut answer = Answer::new(refusal.status)
            .cache(NO_STORE)
            .header(CONTENT_TYPE, HeaderValue::from_static(PROBLEM))
            .body(vec![Bytes::from(body)]);
        for (name, value) in refusal.headers {
            answer.head.headers.insert(name, value);
        }
        answer.next_offset = refusal.next_offset;
        answer
    }
}
