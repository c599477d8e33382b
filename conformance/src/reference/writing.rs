//! How answers are written: what the protocol leaves open about them, in one place.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, LOCATION, VARY};
use http::{HeaderMap, HeaderValue, Uri};

use super::answer::{Answer, PROBLEM};
use super::choice::AnswerStyle;
use super::config::Config;
use super::names::{STREAM_CLOSED, STREAM_NEXT_OFFSET};

/// What nobody needs, and nobody may stumble over.
const UNKNOWN: [(&str, &str); 12] = [
    ("set-cookie", "route=a; Path=/; HttpOnly"),
    ("set-cookie", "session=\"b, c\"; Secure"),
    ("vary", "Accept-Encoding"),
    ("vary", "Origin"),
    ("server", "one/1.0 (of many)"),
    ("via", "1.1 somewhere, 2 elsewhere"),
    ("stream-closed-by", "nobody"),
    ("stream-next-offsets", "-1, now"),
    ("stream-extension", "true"),
    ("stream-extension", "false"),
    ("producer-hint", "0"),
    ("x-empty", ""),
];

/// How long the pieces of a body are, in turn.
const PIECES: [usize; 4] = [1, 2, 1000, 7];

impl Answer {
    /// The same answer as a server of this kind writes it.
    pub(super) fn written(mut self, config: &Config) -> Self {
        let headers = &mut self.head.headers;
        if let Some(offset) = self.next_offset {
            let token = config.offsets.token(offset.0);
            // Cannot fail: tokens are visible ASCII.
            if let Ok(token) = HeaderValue::try_from(token) {
                headers.insert(STREAM_NEXT_OFFSET, token);
            }
        }
        for style in &config.answers {
            style.write(&mut self);
        }
        self
    }
}

impl AnswerStyle {
    fn write(self, answer: &mut Answer) {
        let headers = &mut answer.head.headers;
        // What the text says about a body stays: the errors of subscriptions have one.
        let content_type = headers.get(CONTENT_TYPE);
        let refused = content_type.is_some_and(|value| value == PROBLEM);
        match self {
            // Where the answer is made, more is known about it.
            Self::Ok | Self::OddTags | Self::Cursors | Self::Space => {}
            Self::Headers => {
                for (name, value) in UNKNOWN {
                    headers.append(name, HeaderValue::from_static(value));
                }
            }
            Self::Capitals => change(headers, &HeaderName::from_static(STREAM_CLOSED), |value| {
                value.to_ascii_uppercase()
            }),
            Self::Private => change(headers, &CACHE_CONTROL, |value| {
                value.replace("public", "private")
            }),
            Self::Spread => {
                for name in [CACHE_CONTROL, VARY] {
                    spread(headers, &name);
                }
            }
            Self::WeakTags => change(headers, &ETAG, |tag| format!("W/{tag}")),
            Self::Path => change(headers, &LOCATION, |location| {
                let uri: Result<Uri, _> = location.parse();
                uri.map_or_else(|_| location.to_owned(), |uri| uri.path().to_owned())
            }),
            Self::Bare if refused => {
                headers.remove(CONTENT_TYPE);
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
                answer.body.clear();
            }
            Self::Text if refused => {
                let text = answer.head.status.canonical_reason().unwrap_or_default();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
                headers.insert(CONTENT_LENGTH, text.len().into());
                answer.body = vec![Bytes::from_static(text.as_bytes())];
            }
            Self::Bare | Self::Text => {}
            Self::Pieces if !answer.body.is_empty() => {
                headers.remove(CONTENT_LENGTH);
                answer.body = pieces(&answer.body);
            }
            Self::Pieces => {}
        }
    }
}

fn change(headers: &mut HeaderMap, name: &HeaderName, change: impl Fn(&str) -> String) {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(Ok(value)) = value.map(|value| HeaderValue::try_from(change(value))) {
        headers.insert(name, value);
    }
}

/// One header for each element of a list.
fn spread(headers: &mut HeaderMap, name: &HeaderName) {
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
    let elements = values.iter().flat_map(|value| value.split(','));
    let elements: Vec<_> = elements
        .filter_map(|element| HeaderValue::from_str(element.trim()).ok())
        .collect();
    headers.remove(name);
    for element in elements {
        headers.append(name, element);
    }
}

fn pieces(body: &[Bytes]) -> Vec<Bytes> {
    let mut sizes = PIECES.into_iter().cycle();
    let mut pieces = Vec::new();
    for chunk in body {
        let mut rest = chunk.clone();
        while !rest.is_empty() {
            // A long body in few pieces: there is nothing to learn from the rest of it.
            let size = sizes.next().unwrap_or(1).max(chunk.len() / 64);
            pieces.push(rest.split_to(size.min(rest.len())));
        }
    }
    pieces
}
