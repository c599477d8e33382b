//! What was sent and what came, as it is shown to people: redacted, bounded, and as a command that sends it again.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use serde::{Deserialize, Serialize};

/// How much of a body is shown.
const SHOWN: usize = 2048;

/// What stands in the place of a credential.
const REDACTED: &str = "REDACTED";

/// A request and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Exchange {
    /// The request.
    pub method: String,
    /// Where it went.
    pub url: String,
    /// Its headers. Values of those that the user set are left out.
    pub headers: Vec<(String, String)>,
    /// The beginning of its body.
    pub body: String,
    /// The answer; without a status there was none.
    pub status: Option<u16>,
    /// Its headers.
    pub answer_headers: Vec<(String, String)>,
    /// The beginning of its body, as far as it was read.
    pub answer_body: String,
    /// Why there was no answer, or no end of it.
    pub error: Option<String>,
}

impl Exchange {
    /// As a command for a shell.
    pub fn to_curl(&self) -> String {
        let mut command = format!("curl -i -X {} {}", self.method, quoted(&self.url));
        if self.method == "HEAD" {
            command = format!("curl -I {}", quoted(&self.url));
        }
        for (name, value) in &self.headers {
            // Writing to a string does not fail.
            let _ = write!(command, " -H {}", quoted(&format!("{name}: {value}")));
        }
        if !self.body.is_empty() {
            let _ = write!(command, " --data-binary {}", quoted(&self.body));
        } else if matches!(self.method.as_str(), "POST" | "PUT") {
            command.push_str(" -H 'Content-Length: 0'");
        }
        command
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The exchanges of a case, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Vec<Exchange>>);

impl Log {
    fn exchanges(&self) -> MutexGuard<'_, Vec<Exchange>> {
        // No step leaves it broken.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an exchange, and gives its number. `hidden` are headers that the user set.
    pub(super) fn begin(&self, request: &Request<Bytes>, hidden: &HeaderMap) -> usize {
        let headers = request.headers().iter().map(|(name, value)| {
            let value = if hidden.contains_key(name) {
                REDACTED.to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.as_str().to_owned(), value)
        });
        let exchange = Exchange {
            method: request.method().to_string(),
            url: request.uri().to_string(),
            headers: headers.collect(),
            body: shown(request.body()),
            status: None,
            answer_headers: Vec::new(),
            answer_body: String::new(),
            error: None,
        };
        let mut exchanges = self.exchanges();
        exchanges.push(exchange);
        exchanges.len() - 1
    }

    pub(super) fn answered(&self, number: usize, status: StatusCode, headers: &HeaderMap) {
        let mut exchanges = self.exchanges();
        let exchange = &mut exchanges[number];
        exchange.status = Some(status.as_u16());
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        exchange.answer_headers = headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value)))
            .collect();
    }

    /// The body so far.
    pub(super) fn received(&self, number: usize, body: &[u8]) {
        self.exchanges()[number].answer_body = shown(body);
    }

    pub(super) fn failed(&self, number: usize, error: &str) {
        self.exchanges()[number].error = Some(error.to_owned());
    }

    pub(super) fn all(&self) -> Vec<Exchange> {
        self.exchanges().clone()
    }
}

fn shown(body: &[u8]) -> String {
    if body.len() <= SHOWN {
        return String::from_utf8_lossy(body).into_owned();
    }
    let beginning = String::from_utf8_lossy(&body[..SHOWN]);
    format!("{beginning}… ({} bytes)", body.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_is_shown_without_what_the_user_set() {
        let mut hidden = HeaderMap::new();
        hidden.insert("authorization", "Bearer secret".parse().unwrap());
        let request = Request::post("http://h/it's?a=b")
            .header("authorization", "Bearer secret")
            .header("content-type", "text/plain")
            .body(Bytes::from("don't"))
            .unwrap();
        let log = Log::default();
        let number = log.begin(&request, &hidden);
        log.answered(number, StatusCode::NO_CONTENT, &HeaderMap::new());
        let exchange = &log.all()[number];
        assert_eq!(
            exchange.to_curl(),
            r"curl -i -X POST 'http://h/it'\''s?a=b' -H 'authorization: REDACTED' -H 'content-type: text/plain' --data-binary 'don'\''t'"
        );
        assert!(!format!("{exchange:?}").contains("secret"));
        assert_eq!(exchange.status, Some(204));
    }
}
