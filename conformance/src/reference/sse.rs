//! Server-sent events (§5.8): how pages are written as events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::answer::Answer;
use super::content_type::ContentType;
use super::names::STREAM_SSE_DATA_ENCODING;
use super::page::Page;

/// A page of text must have room for a whole character.
pub(super) const MIN_PAGE: usize = 4;

/// How a stream's content is put into `data` lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// A JSON array of messages.
    Json,
    /// Text as it is. Line ends of any kind come out as line feeds, which is all that SSE can carry.
    Text,
    /// Anything else, in base64.
    Base64,
}

impl Encoding {
    pub(super) fn of(content_type: &ContentType) -> Self {
        if content_type.is_json() {
            Self::Json
        } else if content_type.is_text() {
            Self::Text
        } else {
            Self::Base64
        }
    }
}

/// The head of the answer.
pub(super) fn head(encoding: Encoding) -> Answer {
    let answer = Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))
        .header(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    match encoding {
        Encoding::Base64 => {
            answer.header(STREAM_SSE_DATA_ENCODING, HeaderValue::from_static("base64"))
        }
        Encoding::Json | Encoding::Text => answer,
    }
}

/// A page as events: its data, if there is any, and the control event that says how far it goes.
pub(super) fn events(page: &Page, encoding: Encoding, cursor: u64) -> Bytes {
    let mut out = String::new();
    if !page.is_empty() {
        let payload = page.body(encoding == Encoding::Json).concat();
        let payload = match encoding {
            Encoding::Base64 => STANDARD.encode(payload),
            // A byte sequence that is no UTF-8 cannot be text: it comes out with replacement characters.
            Encoding::Json | Encoding::Text => String::from_utf8_lossy(&payload).into_owned(),
        };
        event(&mut out, "data", &payload);
    }
    event(&mut out, "control", &control(page, cursor));
    Bytes::from(out)
}

/// One event. Every line of the payload gets its prefix, or content could pass for events; the space after
/// the colon is always there, as readers drop one.
fn event(out: &mut String, name: &str, payload: &str) {
    out.push_str("event: ");
    out.push_str(name);
    out.push('\n');
    let mut rest = payload;
    loop {
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        out.push_str("data: ");
        out.push_str(&rest[..end]);
        out.push('\n');
        rest = &rest[end..];
        match rest
            .strip_prefix("\r\n")
            .or(rest.strip_prefix(['\r', '\n']))
        {
            Some(next) => rest = next,
            None => break,
        }
    }
    out.push('\n');
}

/// The payload of a control event. Closed implies caught up, and ends the need for a cursor.
fn control(page: &Page, cursor: u64) -> String {
    let offset = page.end;
    let mut json = format!(r#"{{"streamNextOffset":"{offset}""#);
    if page.closed {
        json.push_str(r#","streamClosed":true"#);
    } else {
        json.push_str(&format!(r#","streamCursor":"{cursor}""#));
    }
    if page.up_to_date {
        json.push_str(r#","upToDate":true"#);
    }
    json.push('}');
    json
}
