//! Caching, extensions and security (§10–13).

use super::{Requirement, must, promised, rfc, should};

pub(super) const ROWS: &[Requirement] = &[
    should(
        "10-01",
        "10.1",
        "A catch-up read should have `Cache-Control: public, max-age=60, \
         stale-while-revalidate=300` on a stream that everybody may read, and the same with \
         `private` on any other.",
    ),
    must(
        "10-02",
        "10.1",
        "A 200 to a GET that is not with `offset=now` has an `ETag`. Whether that goes for event \
         streams is not said: with and without are both accepted there.",
    ),
    must(
        "10-03",
        "10.1",
        "A GET with `offset=now` has no `ETag`: its next answer may be another one.",
    ),
    must(
        "10-04",
        "10.1",
        "A GET whose `If-None-Match` is the current `ETag` answers 304 without a body.",
    ),
    rfc(
        "10-05",
        "10.1/9110",
        "An `If-None-Match` that is a list, or has weak tags (`W/\"…\"`), matches as well if one \
         of its tags is the current `ETag`.",
    ),
    must(
        "10-06",
        "10.1",
        "The `ETag` changes when the stream is closed, without new data too: a reader that asks \
         with the old one gets 200 with `Stream-Closed: true`, and not a 304 that hides the end.",
    ),
    promised(
        "10-07",
        "10.1",
        "The `ETag` tells a stream from an earlier one under the same URL: after a DELETE and a \
         PUT with the same contents it is another one.",
    ),
    rfc(
        "10-08",
        "9110",
        "A 304 has the same `ETag` that the 200 would have.",
    ),
    must(
        "10-09",
        "10.1",
        "Every live answer of an open stream has a cursor: a long-poll in `Stream-Cursor`, an \
         event stream in `streamCursor`.",
    ),
    must(
        "10-10",
        "10.1",
        "A live request whose `cursor` is at or ahead of the current interval gets one that is \
         strictly greater than its own.",
    ),
    promised(
        "10-11",
        "10.1",
        "A cursor is the number of intervals of 20 seconds since 2024-10-09T00:00:00Z, as decimal \
         digits, unless the cursor of the request pushed it further.",
    ),
    should(
        "10-12",
        "10.2",
        "A server should end an event stream after about 60 seconds, so that readers that share a \
         cache can be brought together again.",
    ),
    must(
        "11-01",
        "11.1",
        "Extensions do not change what the protocol says: a query parameter or header that the \
         server does not know is ignored, and the request is answered as without it.",
    ),
    must(
        "12-01",
        "12.1/12.2",
        "A server controls who may create, read, append to and delete a stream, where its contents \
         are not for everybody.",
    ),
    should(
        "12-02",
        "12.2",
        "A server should be safe from hostile paths, with `..`, with an encoded NUL, or over-long \
         ones: they are refused with a 4xx or name an ordinary stream, never cause a 5xx, and \
         never reach outside the stream root.",
    ),
    should(
        "12-03",
        "12.5",
        "A server should limit the rate of requests, and answer 429 beyond it.",
    ),
    should(
        "12-04",
        "12.7",
        "Every answer should have `X-Content-Type-Options: nosniff`, errors included.",
    ),
    should(
        "12-05",
        "12.7",
        "An answer to a read should have a `Cross-Origin-Resource-Policy`; which of its values the \
         server chooses.",
    ),
    must(
        "12-06",
        "12.9",
        "Tokens for callbacks, acks and releases come in `Authorization`, never in a URL, and each \
         such request is checked: without a token, or with one that was never issued, it answers \
         401 or 403.",
    ),
    must(
        "12-07",
        "12.11",
        "A server is reached over TLS in production.",
    ),
    should(
        "12-08",
        "13.1",
        "A server should listen on port 4437 unless it is told otherwise.",
    ),
];
