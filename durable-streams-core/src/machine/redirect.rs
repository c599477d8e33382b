//! Which redirects a read follows (B65).

use http::{StatusCode, Uri, header, response};

use crate::wire::url::{resolve, same_origin};

/// More redirects than this in a row lead nowhere.
const MAX_HOPS: u32 = 10;

/// What to make of an answer.
#[derive(Debug)]
pub(crate) enum Redirect {
    /// It is no redirect.
    Not,
    /// Send the same request there.
    To(Uri),
    /// It is one that is not followed.
    Refused(&'static str),
}

/// How far the redirects of one request have led.
#[derive(Debug)]
pub(crate) struct Redirects {
    cross_origin: bool,
    hops: u32,
}

impl Redirects {
    pub(crate) fn new(cross_origin: bool) -> Self {
        Self {
            cross_origin,
            hops: 0,
        }
    }

    /// The next request is not the continuation of a redirect.
    pub(crate) fn reset(&mut self) {
        self.hops = 0;
    }

    pub(crate) fn follow(&mut self, head: &response::Parts, from: &Uri) -> Redirect {
        if !head.status.is_redirection() || head.status == StatusCode::NOT_MODIFIED {
            return Redirect::Not;
        }
        if !matches!(
            head.status,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        ) {
            return Redirect::Refused("only 307 and 308 are followed");
        }
        let location = head
            .headers
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok());
        let Some(target) = location.and_then(|location| resolve(from, location)) else {
            return Redirect::Refused("its Location is missing or no http URL");
        };
        if !self.cross_origin && !same_origin(from, &target) {
            return Redirect::Refused("it leads to another origin");
        }
        self.hops += 1;
        if self.hops > MAX_HOPS {
            return Redirect::Refused("there are too many in a row");
        }
        Redirect::To(target)
    }
}
