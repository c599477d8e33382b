//! Defects in the heads of answers to what reads.

use http::StatusCode;

use super::{Defect, Distort};

/// In the order of the protocol.
pub(super) const READING: &[Defect] = &[
    Defect::head(
        "head.no-type",
        "5.5-01",
        "HEAD lacks Content-Type",
        |asked, head| {
            if asked.head() && head.is(200) {
                head.lose("content-type");
            }
        },
    ),
    Defect::head(
        "head.no-offset",
        "5.5-02",
        "HEAD lacks Stream-Next-Offset",
        |asked, head| {
            if asked.head() && head.is(200) {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "head.no-ttl",
        "5.5-03",
        "HEAD lacks Stream-TTL",
        |asked, head| {
            if asked.head() {
                head.lose("stream-ttl");
            }
        },
    ),
    Defect::head(
        "head.ttl-of-one",
        "5.5-03",
        "HEAD says another TTL than the window",
        |asked, head| {
            if asked.head() && head.has("stream-ttl") {
                head.set("stream-ttl", "1");
            }
        },
    ),
    Defect::head(
        "head.no-expires-at",
        "5.5-04",
        "HEAD lacks Stream-Expires-At",
        |asked, head| {
            if asked.head() {
                head.lose("stream-expires-at");
            }
        },
    ),
    Defect::head(
        "head.no-closed",
        "5.5-05",
        "HEAD of a closed stream does not say so",
        |asked, head| {
            if asked.head() {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "head.always-closed",
        "5.5-05",
        "HEAD of an open stream says that it is closed",
        |asked, head| {
            if asked.head() && head.is(200) {
                head.set("stream-closed", "true");
            }
        },
    ),
    Defect::head(
        "head.cacheable",
        "5.5-06",
        "HEAD may be cached",
        |asked, head| {
            if asked.head() {
                head.set("cache-control", "public, max-age=60");
            }
        },
    ),
    Defect::head(
        "head.missing-is-200",
        "5.5-07",
        "HEAD of nothing answers 200",
        |asked, head| {
            if asked.head() && head.is(404) {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "head.soft-deleted-is-404",
        "5.5-07",
        "HEAD of a soft-deleted stream answers 404",
        |asked, head| {
            if asked.head() && head.is(410) {
                head.answer_with(StatusCode::NOT_FOUND);
            }
        },
    ),
    Defect::head(
        "read.missing-is-200",
        "5.6-13",
        "a read of nothing answers 200",
        |asked, head| {
            if asked.catches_up() && head.is(404) {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "read.soft-deleted-is-404",
        "4.2-34",
        "a read of a soft-deleted stream answers 404",
        |asked, head| {
            if asked.catches_up() && head.is(410) {
                head.answer_with(StatusCode::NOT_FOUND);
            }
        },
    ),
    Defect::head(
        "read.no-next-offset",
        "5.6-07",
        "a read does not say where to go on",
        |asked, head| {
            if asked.catches_up() && head.is(200) {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "read.no-up-to-date",
        "5.6-08",
        "a read that reaches the tail does not say so",
        |asked, head| {
            if asked.catches_up() {
                head.lose("stream-up-to-date");
            }
        },
    ),
    Defect::head(
        "read.no-closed",
        "5.6-10",
        "a read that reaches the end does not say so",
        |asked, head| {
            if asked.catches_up() {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "read.always-closed",
        "5.6-10",
        "every read says that the stream is closed",
        |asked, head| {
            if asked.catches_up() && head.is(200) {
                head.set("stream-closed", "true");
            }
        },
    ),
    Defect::head(
        "read.wrong-type",
        "4-04",
        "a read says another type",
        |asked, head| {
            if asked.catches_up() && head.is(200) {
                head.set("content-type", "application/x-other");
            }
        },
    ),
    Defect::head(
        "read.bad-offset-is-404",
        "5.6-02",
        "a malformed offset is answered with 404",
        |asked, head| {
            if asked.get() && head.is(400) {
                head.answer_with(StatusCode::NOT_FOUND);
            }
        },
    ),
    Defect::head(
        "read.bad-live-is-200",
        "5.6-03",
        "an unknown live mode is answered with 200",
        |asked, head| {
            if asked.get()
                && head.is(400)
                && asked.query.contains("live=")
                && !asked.polls()
                && !asked.streams()
            {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "poll.needs-no-offset",
        "5.7-01",
        "a long-poll without an offset is answered with 200",
        |asked, head| {
            if asked.polls() && !asked.query.contains("offset=") && head.is(400) {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "poll.missing-is-204",
        "5.7-05",
        "a long-poll of nothing answers 204",
        |asked, head| {
            if asked.polls() && head.is(404) {
                head.answer_with(StatusCode::NO_CONTENT);
                head.lose("content-length");
                head.lose("content-type");
            }
        },
    ),
    Defect::head(
        "poll.no-cursor-on-200",
        "5.7-06",
        "a long-poll with content lacks Stream-Cursor",
        |asked, head| {
            if asked.polls() && head.is(200) {
                head.lose("stream-cursor");
            }
        },
    ),
    Defect::head(
        "poll.no-next-offset",
        "5.7-03",
        "a long-poll does not say where to go on",
        |asked, head| {
            if asked.polls() && head.is(200) {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "poll.204-no-offset",
        "5.7-07",
        "a 204 to a long-poll lacks Stream-Next-Offset",
        |asked, head| {
            if asked.polls() && head.is(204) {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "poll.204-no-up-to-date",
        "5.7-08",
        "a 204 to a long-poll lacks Stream-Up-To-Date",
        |asked, head| {
            if asked.polls() && head.is(204) {
                head.lose("stream-up-to-date");
            }
        },
    ),
    Defect::head(
        "poll.204-no-closed",
        "5.7-10",
        "a 204 to a long-poll of a closed stream does not say so",
        |asked, head| {
            if asked.polls() && head.is(204) {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "poll.200-no-closed",
        "5.7-14",
        "a long-poll that reaches the end does not say so",
        |asked, head| {
            if asked.polls() && head.is(200) {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "poll.no-etag",
        "5.7-15",
        "a long-poll with content lacks ETag",
        |asked, head| {
            if asked.polls() && head.is(200) {
                head.lose("etag");
            }
        },
    ),
    Defect::head(
        "poll.closed-is-200",
        "5.7-11",
        "a long-poll at the end of a closed stream answers 200",
        |asked, head| {
            if asked.polls() && head.is(204) && head.has("stream-closed") {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "sse.wrong-type",
        "5.8-01",
        "an event stream has another type",
        |asked, head| {
            if asked.streams() && head.is(200) {
                head.set("content-type", "text/plain");
            }
        },
    ),
    Defect::head(
        "sse.no-encoding-header",
        "5.8-02",
        "an event stream in base64 does not say so",
        |asked, head| {
            if asked.streams() {
                head.lose("stream-sse-data-encoding");
            }
        },
    ),
    Defect::head(
        "sse.needs-no-offset",
        "5.8-04",
        "an event stream without an offset is answered with 404",
        |asked, head| {
            if asked.streams() && head.is(400) {
                head.answer_with(StatusCode::NOT_FOUND);
            }
        },
    ),
    Defect::head(
        "sse.missing-is-410",
        "5.8-04",
        "an event stream of nothing answers 410",
        |asked, head| {
            if asked.streams() && head.is(404) {
                head.answer_with(StatusCode::GONE);
            }
        },
    ),
    Defect::head(
        "sse.cacheable",
        "5.8-23",
        "an event stream may be cached",
        |asked, head| {
            if asked.streams() {
                head.set("cache-control", "public, max-age=60");
            }
        },
    ),
    Defect::head(
        "now.is-204",
        "8-08",
        "a read from now answers 204",
        |asked, head| {
            if asked.catches_up() && asked.now() && head.is(200) {
                head.answer_with(StatusCode::NO_CONTENT);
                head.lose("content-length");
            }
        },
    ),
    Defect::head(
        "now.offset-is-now",
        "8-11",
        "a read from now is answered with now",
        |asked, head| {
            if asked.get() && asked.now() {
                head.set("stream-next-offset", "now");
            }
        },
    ),
    Defect::head(
        "now.no-offset",
        "8-11",
        "a read from now does not say the tail",
        |asked, head| {
            if asked.catches_up() && asked.now() {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "now.no-up-to-date",
        "8-12",
        "a read from now does not say that it is up to date",
        |asked, head| {
            if asked.catches_up() && asked.now() {
                head.lose("stream-up-to-date");
            }
        },
    ),
    Defect::head(
        "now.cacheable",
        "8-13",
        "a read from now may be cached",
        |asked, head| {
            if asked.catches_up() && asked.now() {
                head.set("cache-control", "public, max-age=60");
            }
        },
    ),
    Defect::head(
        "now.closed-no-flag",
        "8-20",
        "a read from now of a closed stream does not say that it is closed",
        |asked, head| {
            if asked.catches_up() && asked.now() {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "json.text-type",
        "9-08",
        "a read of JSON is text/plain",
        |asked, head| {
            if asked.get()
                && head
                    .headers
                    .get("content-type")
                    .is_some_and(|value| value == "application/json")
            {
                head.set("content-type", "text/plain");
            }
        },
    ),
    Defect::head(
        "cache.no-policy",
        "10-01",
        "reads lack Cache-Control",
        |asked, head| {
            if asked.catches_up() && !asked.now() {
                head.lose("cache-control");
            }
        },
    ),
    Defect::head(
        "cache.policy-for-ever",
        "10-01",
        "reads may be cached for a year",
        |asked, head| {
            if asked.catches_up() && !asked.now() && head.is(200) {
                head.set("cache-control", "public, max-age=31536000");
            }
        },
    ),
    Defect::head("etag.none", "10-02", "reads lack ETag", |asked, head| {
        if asked.catches_up() && head.is(200) {
            head.lose("etag");
        }
    }),
    Defect::head(
        "etag.constant",
        "10-06",
        "the ETag is always the same",
        |asked, head| {
            if asked.catches_up() && head.has("etag") {
                head.set("etag", "\"same\"");
            }
        },
    ),
    Defect::head(
        "etag.on-now",
        "10-03",
        "a read from now has an ETag",
        |asked, head| {
            if asked.catches_up() && asked.now() {
                head.set("etag", "\"now\"");
            }
        },
    ),
    Defect::head(
        "etag.is-412",
        "10-04",
        "a condition that holds is answered with 412",
        |asked, head| {
            if asked.get() && head.is(304) {
                head.answer_with(StatusCode::PRECONDITION_FAILED);
            }
        },
    ),
    Defect::head("etag.304-no-tag", "10-08", "a 304 lacks ETag", |_, head| {
        if head.is(304) {
            head.lose("etag");
        }
    }),
    Defect::head(
        "cursor.constant",
        "10-10",
        "the cursor is always the same",
        |_, head| {
            if head.has("stream-cursor") {
                head.set("stream-cursor", "1");
            }
        },
    ),
    Defect::head(
        "guard.no-nosniff",
        "12-04",
        "answers lack X-Content-Type-Options",
        |_, head| {
            head.lose("x-content-type-options");
        },
    ),
    Defect::head(
        "guard.no-nosniff-on-errors",
        "12-04",
        "refusals lack X-Content-Type-Options",
        |_, head| {
            if head.status.is_client_error() {
                head.lose("x-content-type-options");
            }
        },
    ),
    Defect::head(
        "guard.no-nosniff-on-sse",
        "12-04",
        "event streams lack X-Content-Type-Options",
        |asked, head| {
            if asked.streams() {
                head.lose("x-content-type-options");
            }
        },
    ),
    Defect::head(
        "guard.no-resource-policy",
        "12-05",
        "answers lack Cross-Origin-Resource-Policy",
        |_, head| {
            head.lose("cross-origin-resource-policy");
        },
    ),
];
