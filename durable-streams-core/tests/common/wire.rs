//! What every driver of a machine in these tests needs: a point to count time from, and heads of answers.

use std::time::Instant;

use http::{Response, response};

/// Only a point to count from: nothing here waits.
#[allow(clippy::disallowed_methods)]
pub(crate) fn origin() -> Instant {
    Instant::now()
}

pub(crate) fn parts(status: u16, headers: &[(&str, &str)]) -> response::Parts {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}
