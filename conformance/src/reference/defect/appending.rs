//! Defects in the heads of answers to what appends and closes.

use http::StatusCode;

use super::{Defect, Distort};

/// In the order of the protocol.
pub(super) const APPENDING: &[Defect] = &[
    Defect::head(
        "append.type-mismatch-is-400",
        "5.2-02",
        "content of another type is refused with 400",
        |asked, head| {
            if asked.post()
                && head.is(409)
                && !head.has("stream-closed")
                && !asked.produces()
                && !asked.has("stream-seq")
            {
                head.answer_with(StatusCode::BAD_REQUEST);
            }
        },
    ),
    Defect::head(
        "append.type-mismatch-is-415",
        "5.2-02",
        "content of another type is refused with 415",
        |asked, head| {
            if asked.post()
                && head.is(409)
                && !head.has("stream-closed")
                && !asked.produces()
                && !asked.has("stream-seq")
            {
                head.answer_with(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            }
        },
    ),
    Defect::head(
        "append.is-201",
        "5.2-23",
        "an append answers 201",
        |asked, head| {
            if asked.post() && asked.has_body && !asked.produces() && head.is(204) {
                head.answer_with(StatusCode::CREATED);
            }
        },
    ),
    Defect::head(
        "append.no-offset",
        "5.2-23",
        "an append does not say the tail",
        |asked, head| {
            if asked.post() && asked.has_body && (head.is(200) || head.is(204)) {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "append.offset-is-minus-one",
        "5.2-23",
        "an append says -1 for the tail",
        |asked, head| {
            if asked.post() && asked.has_body && (head.is(200) || head.is(204)) {
                head.set("stream-next-offset", "-1");
            }
        },
    ),
    Defect::head(
        "append.missing-is-400",
        "5.2-25",
        "an append to nothing answers 400",
        |asked, head| {
            if asked.post() && head.is(404) {
                head.answer_with(StatusCode::BAD_REQUEST);
            }
        },
    ),
    Defect::head(
        "append.missing-is-204",
        "5.2-25",
        "an append to nothing answers 204",
        |asked, head| {
            if asked.post() && head.is(404) {
                head.answer_with(StatusCode::NO_CONTENT);
                head.lose("content-length");
                head.lose("content-type");
            }
        },
    ),
    Defect::head(
        "append.empty-is-204",
        "5.2-12",
        "an empty POST that does not close answers 204",
        |asked, head| {
            if asked.post() && !asked.has_body && head.is(400) {
                head.answer_with(StatusCode::NO_CONTENT);
                head.lose("content-length");
                head.lose("content-type");
            }
        },
    ),
    Defect::head(
        "append.untyped-is-415",
        "5.2-03",
        "content without a type is refused with 415",
        |asked, head| {
            if asked.post() && asked.has_body && !asked.has("content-type") && head.is(400) {
                head.answer_with(StatusCode::UNSUPPORTED_MEDIA_TYPE);
            }
        },
    ),
    Defect::head(
        "seq.is-400",
        "5.2-09",
        "a Stream-Seq that is not above the last is refused with 400",
        |asked, head| {
            if asked.post() && asked.has("stream-seq") && head.is(409) && !head.has("stream-closed")
            {
                head.answer_with(StatusCode::BAD_REQUEST);
            }
        },
    ),
    Defect::head(
        "seq.is-204",
        "5.2-09",
        "a Stream-Seq that is not above the last is answered with 204",
        |asked, head| {
            if asked.post() && asked.has("stream-seq") && head.is(409) && !head.has("stream-closed")
            {
                head.answer_with(StatusCode::NO_CONTENT);
                head.lose("content-length");
                head.lose("content-type");
            }
        },
    ),
    Defect::head(
        "close.is-202",
        "5.3-01",
        "a close answers 202",
        |asked, head| {
            if asked.only_closes() && head.is(204) {
                head.answer_with(StatusCode::ACCEPTED);
            }
        },
    ),
    Defect::head(
        "close.missing-is-204",
        "5.3-01",
        "a close of nothing answers 204",
        |asked, head| {
            if asked.only_closes() && head.is(404) {
                head.answer_with(StatusCode::NO_CONTENT);
                head.lose("content-length");
                head.lose("content-type");
            }
        },
    ),
    Defect::head(
        "close.no-flag",
        "5.3-03",
        "a close does not say that the stream is closed",
        |asked, head| {
            if asked.only_closes() && !asked.produces() && head.is(204) {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "close.append-no-flag",
        "5.2-24",
        "an append that closes does not say so",
        |asked, head| {
            if asked.post() && asked.closes() && asked.has_body && (head.is(200) || head.is(204)) {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "close.no-offset",
        "5.3-02",
        "a close does not say the tail",
        |asked, head| {
            if asked.only_closes() && head.is(204) {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "append.closed-is-410",
        "5.2-15",
        "an append to a closed stream answers 410",
        |asked, head| {
            if asked.post() && head.is(409) && head.has("stream-closed") {
                head.answer_with(StatusCode::GONE);
            }
        },
    ),
    Defect::head(
        "append.closed-no-flag",
        "5.2-15",
        "the refusal of an append to a closed stream does not say that it is closed",
        |asked, head| {
            if asked.post() && !asked.produces() && head.is(409) {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "append.closed-no-offset",
        "5.2-15",
        "the refusal of an append to a closed stream does not say the final offset",
        |asked, head| {
            if asked.post() && !asked.produces() && head.is(409) {
                head.lose("stream-next-offset");
            }
        },
    ),
    Defect::head(
        "append.closed-producer-no-flag",
        "5.2-16",
        "the refusal of a producer by a closed stream does not say that it is closed",
        |asked, head| {
            if asked.produces() && head.is(409) {
                head.lose("stream-closed");
            }
        },
    ),
    Defect::head(
        "producer.no-epoch-on-200",
        "5.2.1-06",
        "a 200 does not echo Producer-Epoch",
        |asked, head| {
            if asked.produces() && head.is(200) {
                head.lose("producer-epoch");
            }
        },
    ),
    Defect::head(
        "producer.no-epoch-on-204",
        "5.2.1-06",
        "a 204 does not echo Producer-Epoch",
        |asked, head| {
            if asked.produces() && head.is(204) {
                head.lose("producer-epoch");
            }
        },
    ),
    Defect::head(
        "producer.no-epoch-on-403",
        "5.2.1-06",
        "a 403 does not say the epoch",
        |asked, head| {
            if asked.produces() && head.is(403) {
                head.lose("producer-epoch");
            }
        },
    ),
    Defect::head(
        "producer.no-seq",
        "5.2.1-07",
        "a 200 does not echo Producer-Seq",
        |asked, head| {
            if asked.produces() && head.is(200) {
                head.lose("producer-seq");
            }
        },
    ),
    Defect::head(
        "producer.no-seq-on-204",
        "5.2.1-07",
        "a 204 does not echo Producer-Seq",
        |asked, head| {
            if asked.produces() && head.is(204) {
                head.lose("producer-seq");
            }
        },
    ),
    Defect::head(
        "producer.seq-is-zero",
        "5.2.1-07",
        "Producer-Seq is always 0",
        |asked, head| {
            if asked.produces() && head.has("producer-seq") {
                head.set("producer-seq", "0");
            }
        },
    ),
    Defect::head(
        "producer.gap-no-expected",
        "5.2.1-08",
        "a gap is refused without Producer-Expected-Seq",
        |asked, head| {
            if asked.produces() {
                head.lose("producer-expected-seq");
            }
        },
    ),
    Defect::head(
        "producer.gap-no-received",
        "5.2.1-08",
        "a gap is refused without Producer-Received-Seq",
        |asked, head| {
            if asked.produces() {
                head.lose("producer-received-seq");
            }
        },
    ),
    Defect::head(
        "producer.gap-is-400",
        "5.2.1-08",
        "a gap is refused with 400",
        |asked, head| {
            if asked.produces() && head.has("producer-expected-seq") {
                head.answer_with(StatusCode::BAD_REQUEST);
            }
        },
    ),
    Defect::head(
        "producer.gap-is-200",
        "5.2.1-08",
        "a gap is answered with 200",
        |asked, head| {
            if asked.produces() && head.has("producer-expected-seq") {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "producer.fence-is-409",
        "5.2.1-09",
        "a fenced producer is refused with 409",
        |asked, head| {
            if asked.produces() && head.is(403) {
                head.answer_with(StatusCode::CONFLICT);
            }
        },
    ),
    Defect::head(
        "producer.fence-is-200",
        "5.2.1-09",
        "a fenced producer is answered with 200",
        |asked, head| {
            if asked.produces() && head.is(403) {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "producer.new-epoch-gap-is-409",
        "5.2.1-10",
        "a new epoch that does not begin with 0 is refused with 409",
        |asked, head| {
            if asked.produces()
                && head.is(400)
                && asked.has("producer-epoch")
                && asked.has("producer-seq")
            {
                head.answer_with(StatusCode::CONFLICT);
            }
        },
    ),
    Defect::head(
        "producer.some-headers-are-200",
        "5.2.1-01",
        "a producer without all of its headers is answered with 200",
        |asked, head| {
            if asked.post()
                && head.is(400)
                && !(asked.has("producer-id")
                    && asked.has("producer-epoch")
                    && asked.has("producer-seq"))
                && (asked.has("producer-id")
                    || asked.has("producer-epoch")
                    || asked.has("producer-seq"))
            {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "producer.duplicate-is-200",
        "5.2.1-12",
        "a duplicate is answered with 200",
        |asked, head| {
            if asked.produces() && head.is(204) && !asked.closes() {
                head.answer_with(StatusCode::OK);
            }
        },
    ),
    Defect::head(
        "producer.duplicate-is-409",
        "5.2.1-12",
        "a duplicate is refused with 409",
        |asked, head| {
            if asked.produces() && head.is(204) && !asked.closes() {
                head.answer_with(StatusCode::CONFLICT);
            }
        },
    ),
    Defect::head(
        "producer.new-is-204",
        "5.2.1-13",
        "new content of a producer is answered with 204",
        |asked, head| {
            if asked.produces() && head.is(200) {
                head.answer_with(StatusCode::NO_CONTENT);
                head.lose("content-length");
            }
        },
    ),
    Defect::head(
        "producer.close-retry-no-flag",
        "5.2.1-22",
        "the request that closed, sent again, is not told that the stream is closed",
        |asked, head| {
            if asked.produces() && asked.closes() && head.is(204) {
                head.lose("stream-closed");
            }
        },
    ),
];
