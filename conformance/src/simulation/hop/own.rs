//! Answers of the hop itself: what proxies, balancers and captive portals say.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderValue, Response, StatusCode};

use crate::simulation::tape::Tape;

/// An answer that does not come from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// This status, maybe with so many seconds of `Retry-After`.
    Passing(u16, Option<u8>),
    /// A redirect to the same resource.
    Redirect(u16),
    /// 200, and a page for people.
    Portal,
}

impl Status {
    /// What is answered to a request that was not passed on.
    pub(super) fn draw_unapplied(tape: &mut Tape) -> Self {
        let status = tape.pick(&[503, 429, 500, 502, 504, 408, 425]);
        let wait = matches!(status, 429 | 503) && tape.chance(400);
        let wait = wait.then(|| u8::try_from(tape.below(3)).unwrap_or_default());
        Self::Passing(status, wait)
    }

    /// What is answered to a request that was passed on: 429 and 503 say that it was not.
    pub(super) fn draw_applied(tape: &mut Tape) -> Self {
        Self::Passing(tape.pick(&[502, 500, 504, 408]), None)
    }

    pub(super) fn draw_redirect(tape: &mut Tape) -> Self {
        Self::Redirect(tape.pick(&[307, 308, 307, 302]))
    }

    /// The answer to a request for `target`.
    pub(super) fn answer(self, target: &str) -> (Parts, Bytes) {
        let (mut head, ()) = Response::new(()).into_parts();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        match self {
            Self::Passing(status, wait) => {
                head.status = StatusCode::from_u16(status).unwrap_or_default();
                if let Some(seconds) = wait {
                    head.headers
                        .insert(RETRY_AFTER, HeaderValue::from(u16::from(seconds)));
                }
                if status == 502 {
                    head.headers.insert(CONTENT_TYPE, html);
                    return (head, Bytes::from_static(b"<h1>502 Bad Gateway</h1>"));
                }
                (head, Bytes::new())
            }
            Self::Redirect(status) => {
                head.status = StatusCode::from_u16(status).unwrap_or_default();
                if let Ok(target) = HeaderValue::from_str(target) {
                    head.headers.insert(LOCATION, target);
                }
                (head, Bytes::new())
            }
            Self::Portal => {
                head.headers.insert(CONTENT_TYPE, html);
                (head, Bytes::from_static(b"<h1>Please sign in</h1>"))
            }
        }
    }
}
