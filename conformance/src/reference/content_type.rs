//! Content types, and what the model has to know about them.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

use super::answer::Refusal;
use super::request::single_value;

/// A stream's content type: as it was sent, and the part that is compared.
#[derive(Debug, Clone)]
pub(super) struct ContentType {
    /// Given back exactly, parameters included (§4).
    pub(super) value: HeaderValue,
    essence: String,
}

impl ContentType {
    /// The `Content-Type` of a request.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let Some(value) = single_value(headers, CONTENT_TYPE)? else {
            return Ok(None);
        };
        Self::parse(value)
            .map(Some)
            .ok_or(Refusal::bad_request("malformed Content-Type"))
    }

    /// Is this the header of a request for the same type? What is no content type at all is another one.
    pub(super) fn is(&self, value: &HeaderValue) -> bool {
        Self::parse(value).is_some_and(|other| self.same(&other))
    }

    fn parse(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let essence = text.split(';').next()?.trim().to_ascii_lowercase();
        let (kind, subtype) = essence.split_once('/')?;
        (is_token(kind) && is_token(subtype)).then(|| Self {
            value: value.clone(),
            essence,
        })
    }

    /// Are two types the same as far as streams go? Case and parameters make no difference.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.essence == other.essence
    }

    /// JSON mode (§9.1).
    pub(super) fn is_json(&self) -> bool {
        self.essence == "application/json"
    }

    /// Text, which SSE carries as it is (§5.8).
    pub(super) fn is_text(&self) -> bool {
        self.essence.starts_with("text/")
    }
}

impl Default for ContentType {
    /// What a stream is when nobody says (§5.1).
    fn default() -> Self {
        let essence = "application/octet-stream";
        Self {
            value: HeaderValue::from_static(essence),
            essence: essence.to_owned(),
        }
    }
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}
