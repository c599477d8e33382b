//! Server-sent events (§5.8): how pages are written as events.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::answer::Answer;
use super::choice::{AnswerStyle, SseStyle};
use super::config::Config;
use super::content_type::ContentType;
use super::defect::Flaw;
use super::json::{IN_LINES, TIGHT};
use super::names::STREAM_SSE_DATA_ENCODING;
use super::page::Page;
use super::pen::Pen;

/// A page of text must have room for a whole character.
pub(super) const MIN_PAGE: usize = 4;

/// How long a line of base64 is, where there are several: no number of whole groups of four characters.
const BASE64_LINE: usize = 7;

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
pub(super) fn head(encoding: Encoding, config: &Config) -> Answer {
    let content_type = if config.sse_like(SseStyle::Charset) {
        "text/event-stream;charset=UTF-8"
    } else {
        "text/event-stream"
    };
    let answer = Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, HeaderValue::from_static(content_type))
        .header(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    match encoding {
        Encoding::Base64 => {
            answer.header(STREAM_SSE_DATA_ENCODING, HeaderValue::from_static("base64"))
        }
        Encoding::Json | Encoding::Text => answer,
    }
}

/// A page as events: its data, if there is any, and the control event that says how far it goes.
pub(super) fn events(
    page: &Page,
    encoding: Encoding,
    cursor: u64,
    config: &Config,
    pen: &mut Pen,
) -> Vec<Bytes> {
    if !page.is_empty() {
        pen.event(
            "data",
            &payload(page, encoding, config.sse_like(SseStyle::Lines)),
        );
    }
    pen.event("control", &control(page, cursor, config));
    pen.take()
}

fn payload(page: &Page, encoding: Encoding, lines: bool) -> String {
    let spacing = (encoding == Encoding::Json).then_some(if lines { IN_LINES } else { TIGHT });
    let bytes = page.body(spacing).concat();
    if encoding != Encoding::Base64 {
        // A byte sequence that is no UTF-8 cannot be text: it comes out with replacement characters.
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut text = STANDARD.encode(bytes);
    if lines {
        for line in (1..text.len().div_ceil(BASE64_LINE)).rev() {
            text.insert(line * BASE64_LINE, '\n');
        }
    }
    text
}

/// The payload of a control event. Closed implies caught up, and ends the need for a cursor.
fn control(page: &Page, cursor: u64, config: &Config) -> String {
    let offset = if config.flaws().has(Flaw::ControlIsBehind) {
        page.start
    } else {
        page.end
    };
    let mut token = json_string(&config.offsets.token(offset.0));
    let odd = config.sse_like(SseStyle::Members);
    if odd {
        token = escaped(&token);
    }
    let mut members = vec![format!(r#""streamNextOffset":{token}"#)];
    if page.closed {
        members.push(r#""streamClosed":true"#.to_owned());
    }
    if !page.closed || config.answers_like(AnswerStyle::Cursors) {
        members.push(format!(r#""streamCursor":"{cursor}""#));
    }
    if page.up_to_date {
        members.push(r#""upToDate":true"#.to_owned());
    }
    if odd {
        members.reverse();
        let unknown = r#""stream":{"streamClosed":true,"streamNextOffset":["-1"]},"streamclosed":true,"":null"#;
        members.insert(1, unknown.to_owned());
    }
    let (open, between, close) = if config.sse_like(SseStyle::Lines) {
        ("{\n", ",\n  ", "\n}")
    } else {
        ("{", ",", "}")
    };
    format!("{open}{}{close}", members.join(between))
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The same JSON string with its first letter or digit escaped.
fn escaped(string: &str) -> String {
    match string.find(|c: char| c.is_ascii_alphanumeric()) {
        // Behind a backslash it may be a part of an escape already.
        Some(at) if !string[..at].contains('\\') => {
            let code = string.as_bytes()[at];
            format!("{}\\u{code:04x}{}", &string[..at], &string[at + 1..])
        }
        _ => string.to_owned(),
    }
}
