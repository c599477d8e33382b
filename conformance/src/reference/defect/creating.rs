//! Defects in the heads of answers to what creates, forks and deletes.

use http::StatusCode;

use super::{Defect, Distort};

/// In the order of the protocol.
pub(super) const CREATING: &[Defect] = &[
    Defect::head(
        "create.same-is-201",
        "5.1-01",
        "a PUT of what is there answers 201",
        |asked, head| {
            if asked.put() && head.is(200) {
                head.answer_with(StatusCode::CREATED);
            }
        },
    ),
    Defect::head(
        "create.same-is-204",
        "5.1-01",
        "a PUT of what is there answers 204",
        |asked, head| {
            if asked.put() && head.is(200) {
                head.answer_with(StatusCode::NO_CONTENT);
                head.lose("content-length");
            }
        },
    ),
    Defect::head(
        "create.same-is-409",
        "5.1-01",
        "a PUT of what is there answers 409",
        |asked, head| {
            if asked.put() && head.is(200) {
                head.answer_with(StatusCode::CONFLICT);
            }
        },
    ),
    Defect::head(
        "create.no-type-on-201",
        "5.1-31",
        "a 201 lacks Content-Type",
        |asked, head| {
            if asked.put() && head.is(201) {
                head.lose("content-type");
            }
        },
    ),
    Defect::head(
        "create.no-type-on-200",
        "5.1-32",
        "the 200 to a PUT lacks Content-Type",
        |asked, head| {
            if asked.put() && head.is(200) {
                head.lose("content-type");
            }
        },
    ),
    Defect::head(
        "create.no-offset-on-201",
        "5.1-33",
        "a 201 lacks Stream-Next-Offset",
        |asked, head| {
            if asked.put() && head.is(201) {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "create.no-offset-on-200",
        "5.1-32",
        "the 200 to a PUT lacks Stream-Next-Offset",
        |asked, head| {
            if asked.put() && head.is(200) {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "create.no-closed-flag",
        "5.1-34",
        "the 201 of a stream that is created closed does not say so",
        |asked, head| {
            if asked.put() && head.is(201) {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "create.no-closed-flag-on-200",
        "5.1-34",
        "the 200 to a PUT of a closed stream does not say so",
        |asked, head| {
            if asked.put() && head.is(200) {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "create.no-location",
        "5.1-30",
        "a 201 lacks Location",
        |asked, head| {
            if asked.put() && head.is(201) {
                head.lose("location");
            }
        },
    ),
    Defect::head(
        "create.location-of-another",
        "5.1-30",
        "Location is the URL of something else",
        |asked, head| {
            if asked.put() && head.is(201) {
                head.set("location", "/elsewhere");
            }
        },
    ),
    Defect::head(
        "create.conflict-is-400",
        "5.1-02",
        "a PUT of another configuration answers 400",
        |asked, head| {
            if asked.put() && head.is(409) {
                head.answer_with(StatusCode::BAD_REQUEST);
            }
        },
    ),
    Defect::head(
        "create.conflict-is-200",
        "5.1-02",
        "a PUT of another configuration answers 200",
        |asked, head| {
            if asked.put() && head.is(409) {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "create.conflict-of-ttl-is-200",
        "5.1-03",
        "a PUT with another TTL answers 200",
        |asked, head| {
            if asked.put() && head.is(409) && asked.has("stream-ttl") {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "create.conflict-of-expiry-is-200",
        "5.1-04",
        "a PUT with another time of expiry answers 200",
        |asked, head| {
            if asked.put() && head.is(409) && asked.has("stream-expires-at") {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "create.closed-conflict-is-200",
        "5.1-07",
        "a PUT with Stream-Closed of an open stream answers 200",
        |asked, head| {
            if asked.put() && head.is(409) && asked.closes() {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "create.ttl-zero-is-400",
        "5.1-10",
        "a TTL of zero is refused",
        |asked, head| {
            if asked
                .headers
                .get("stream-ttl")
                .is_some_and(|ttl| ttl == "0")
            {
                head.answer_with(StatusCode::BAD_REQUEST);
            }
        },
    ),
    Defect::head(
        "create.bad-ttl-is-201",
        "5.1-09",
        "a malformed TTL is answered with 201",
        |asked, head| {
            if asked.put() && head.is(400) && asked.has("stream-ttl") {
                head.answer_with(StatusCode::CREATED);
            }
        },
    ),
    Defect::head(
        "create.bad-expiry-is-201",
        "5.1-21",
        "a malformed time of expiry is answered with 201",
        |asked, head| {
            if asked.put()
                && head.is(400)
                && asked.has("stream-expires-at")
                && !asked.has("stream-ttl")
            {
                head.answer_with(StatusCode::CREATED);
            }
        },
    ),
    Defect::head(
        "create.both-expiries-are-201",
        "5.1-24",
        "a TTL and a time of expiry together are answered with 201",
        |asked, head| {
            if asked.put()
                && head.is(400)
                && asked.has("stream-expires-at")
                && asked.has("stream-ttl")
            {
                head.answer_with(StatusCode::CREATED);
            }
        },
    ),
    Defect::head(
        "delete.is-202",
        "5.4-01",
        "a DELETE answers 202",
        |asked, head| {
            if asked.delete() && head.is(204) {
                head.answer_with(StatusCode::ACCEPTED);
            }
        },
    ),
    Defect::head(
        "delete.missing-is-204",
        "5.4-01",
        "a DELETE of nothing answers 204",
        |asked, head| {
            if asked.delete() && head.is(404) {
                head.answer_with(StatusCode::NO_CONTENT);
                head.lose("content-length");
                head.lose("content-type");
            }
        },
    ),
    Defect::head(
        "delete.soft-is-404",
        "5.4-04",
        "a second DELETE of a stream that has forks answers 404",
        |asked, head| {
            if asked.delete() && head.is(410) {
                head.answer_with(StatusCode::NOT_FOUND);
            }
        },
    ),
    Defect::head(
        "fork.missing-source-is-400",
        "4.2-20",
        "a fork of nothing answers 400",
        |asked, head| {
            if asked.fork() && head.is(404) {
                head.answer_with(StatusCode::BAD_REQUEST);
            }
        },
    ),
    Defect::head(
        "fork.past-tail-is-409",
        "4.2-21",
        "a fork from behind the tail answers 409",
        |asked, head| {
            if asked.fork() && head.is(400) {
                head.answer_with(StatusCode::CONFLICT);
            }
        },
    ),
    Defect::head(
        "fork.again-is-201",
        "4.2-27",
        "the same fork again answers 201",
        |asked, head| {
            if asked.fork() && head.is(200) {
                head.answer_with(StatusCode::CREATED);
            }
        },
    ),
    Defect::head(
        "fork.other-offset-is-200",
        "4.2-28",
        "a fork from another offset answers 200",
        |asked, head| {
            if asked.fork() && head.is(409) && asked.has("stream-fork-offset") {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "fork.other-type-is-400",
        "4.2-09",
        "a fork of another type answers 400",
        |asked, head| {
            if asked.fork() && head.is(409) && asked.has("content-type") {
                head.answer_with(StatusCode::BAD_REQUEST);
            }
        },
    ),
    Defect::head(
        "fork.deleted-source-is-404",
        "4.2-26",
        "a fork of a stream that is soft-deleted answers 404",
        |asked, head| {
            if asked.fork() && head.is(409) {
                head.answer_with(StatusCode::NOT_FOUND);
            }
        },
    ),
];
