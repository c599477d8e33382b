//! Deleting, metadata, and catching up (§5.4–5.6).

use http::StatusCode;

use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "delete.is-202",
        "5.4-01",
        "delete.stream.answers-204",
        "a DELETE answers 202",
    )
    .says(|asked, head| {
        if asked.delete() && head.is(204) {
            head.answer_with(StatusCode::ACCEPTED);
        }
    }),
    defect(
        "delete.missing-is-204",
        "5.4-01",
        "delete.missing.answers-404",
        "a DELETE of nothing answers 204",
    )
    .says(|asked, head| {
        if asked.delete() && head.is(404) {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "delete.takes-longer-names",
        "5.4-01",
        "delete.others.stay",
        "a DELETE takes all streams whose names begin like that of the one",
    )
    .breaks(Flaw::LongerNamesGoToo),
    defect(
        "delete.does-nothing",
        "5.4-02",
        "delete.deleted.is-not-there",
        "a DELETE is acknowledged and lost",
    )
    .breaks(Flaw::DeletionDoesNothing),
    defect(
        "delete.deleted-is-410",
        "5.4-02",
        "delete.deleted.is-not-there",
        "what is not there is gone, as if it had forks",
    )
    .says(|_, head| {
        if head.is(404) {
            head.answer_with(StatusCode::GONE);
        }
    }),
    defect(
        "delete.leaves-polls",
        "5.4-03",
        "delete.live.ends-long-polls",
        "a long-poll that waits does not learn of a deletion",
    )
    .breaks(Flaw::DeletionLeavesPolls),
    defect(
        "delete.leaves-events",
        "5.4-03",
        "delete.live.ends-sse",
        "an event stream goes on when its stream is deleted",
    )
    .breaks(Flaw::DeletionLeavesEvents),
    defect(
        "delete.soft-is-404",
        "5.4-04",
        "forks.source.is-gone-when-deleted",
        "a second DELETE of a stream that has forks answers 404",
    )
    .says(|asked, head| {
        if asked.delete() && head.is(410) {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "head.no-type",
        "5.5-01",
        "head.open.answers-200",
        "HEAD lacks Content-Type",
    )
    .says(|asked, head| {
        if asked.head() && head.is(200) {
            head.lose("content-type");
        }
    }),
    defect(
        "head.no-offset",
        "5.5-02",
        "head.tail.follows-the-appends",
        "HEAD lacks Stream-Next-Offset",
    )
    .says(|asked, head| {
        if asked.head() && head.is(200) {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "head.offset-is-minus-one",
        "5.5-02",
        "head.tail.follows-the-appends",
        "HEAD says -1 for the tail",
    )
    .says(|asked, head| {
        if asked.head() && head.is(200) {
            head.set("stream-next-offset", "-1");
        }
    }),
    defect(
        "head.no-ttl",
        "5.5-03",
        "head.ttl.is-the-window",
        "HEAD lacks Stream-TTL",
    )
    .says(|asked, head| {
        if asked.head() {
            head.lose("stream-ttl");
        }
    }),
    defect(
        "head.ttl-of-one",
        "5.5-03",
        "head.ttl.is-the-window",
        "HEAD says another TTL than the window",
    )
    .says(|asked, head| {
        if asked.head() && head.has("stream-ttl") {
            head.set("stream-ttl", "1");
        }
    }),
    defect(
        "head.no-expires-at",
        "5.5-04",
        "head.expires-at.is-the-moment",
        "HEAD lacks Stream-Expires-At",
    )
    .says(|asked, head| {
        if asked.head() {
            head.lose("stream-expires-at");
        }
    }),
    defect(
        "head.no-closed",
        "5.5-05",
        "head.closed.says-so",
        "HEAD of a closed stream does not say so",
    )
    .says(|asked, head| {
        if asked.head() {
            head.lose("stream-closed");
        }
    }),
    defect(
        "head.always-closed",
        "5.5-05",
        "head.closed.says-so",
        "HEAD of an open stream says that it is closed",
    )
    .says(|asked, head| {
        if asked.head() && head.is(200) {
            head.set("stream-closed", "true");
        }
    }),
    defect(
        "head.cacheable",
        "5.5-06",
        "head.caching.is-not-wanted",
        "HEAD may be cached",
    )
    .says(|asked, head| {
        if asked.head() {
            head.set("cache-control", "public, max-age=60");
        }
    }),
    defect(
        "head.missing-is-200",
        "5.5-07",
        "head.missing.answers-404",
        "HEAD of nothing answers 200",
    )
    .says(|asked, head| {
        if asked.head() && head.is(404) {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "head.soft-deleted-is-404",
        "5.5-07",
        "forks.source.is-gone-when-deleted",
        "HEAD of a soft-deleted stream answers 404",
    )
    .says(|asked, head| {
        if asked.head() && head.is(410) {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "read.begins-now",
        "5.6-01",
        "catch-up.offset.may-be-left-out",
        "a read without an offset begins at the tail",
    )
    .misreads(|asked, request| {
        if asked.catches_up() && asked.parameter("offset").is_none() {
            request.set_parameter("offset", "now");
        }
    }),
    defect(
        "read.bad-offset-is-404",
        "5.6-02",
        "catch-up.offset.not-with-characters-that-none-has",
        "a malformed offset is answered with 404",
    )
    .says(|asked, head| {
        if asked.get() && head.is(400) {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "read.empty-offset-is-none",
        "5.6-02",
        "catch-up.offset.not-empty",
        "an empty offset is as good as none",
    )
    .misreads(|asked, request| {
        if asked.catches_up() && matches!(asked.parameter("offset"), Some("")) {
            request.set_query("");
        }
    }),
    defect(
        "read.last-offset-counts",
        "5.6-02",
        "catch-up.offset.not-twice",
        "of two offsets the last one counts",
    )
    .misreads(|asked, request| {
        if asked.query.matches("offset=").count() == 2 {
            let last = asked.query.rsplit('=').next().unwrap_or_default();
            request.set_parameter("offset", last);
        }
    }),
    defect(
        "read.offset-is-read-in-part",
        "5.6-02",
        "catch-up.offset.not-with-characters-that-none-has",
        "an offset is read as far as it is one",
    )
    .misreads(|asked, request| {
        if let Some((before, _)) = asked
            .parameter("offset")
            .and_then(|offset| offset.split_once('%'))
        {
            request.set_parameter("offset", before);
        }
    }),
    defect(
        "read.long-offset-is-500",
        "5.6-02",
        "raw.offsets.long-ones-are-answered",
        "an offset of thousands of characters breaks the server",
    )
    .says(|asked, head| {
        if asked.query.len() > 4000 {
            head.answer_with(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }),
    defect(
        "read.bad-live-is-ignored",
        "5.6-03",
        "catch-up.live.not-in-an-unknown-way",
        "an unknown live mode is as good as none",
    )
    .misreads(|asked, request| {
        if asked.catches_up() && asked.parameter("live").is_some() {
            request.set_query("offset=-1");
        }
    }),
    defect(
        "read.tail-is-204",
        "5.6-04",
        "catch-up.tail.answers-200-and-stays-there",
        "a read at the tail answers 204",
    )
    .says(|asked, head| {
        if asked.catches_up() && !asked.now() && head.says_empty() {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "read.end-is-410",
        "5.6-05",
        "catch-up.closed.says-so-behind-the-last-content",
        "a read at the end of a closed stream answers 410",
    )
    .says(|asked, head| {
        if asked.catches_up() && !asked.now() && head.says_empty() && head.has("stream-closed") {
            head.answer_with(StatusCode::GONE);
        }
    }),
    defect(
        "read.no-next-offset",
        "5.6-07",
        "catch-up.content.comes-from-an-offset-on",
        "a read does not say where to go on",
    )
    .says(|asked, head| {
        if asked.catches_up() && head.is(200) {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "read.dropped-is-skipped",
        "5.6-06",
        "retention.dropped.answers-410",
        "a read from what was dropped begins with what is left",
    )
    .breaks(Flaw::DroppedIsSkipped),
    defect(
        "read.leaves-gaps",
        "5.6-07",
        "catch-up.pages.join-without-a-gap",
        "a page that is not the last says an offset that is too high",
    )
    .breaks(Flaw::PagesLeaveGaps),
    defect(
        "read.no-up-to-date",
        "5.6-08",
        "catch-up.tail.is-up-to-date",
        "a read that reaches the tail does not say so",
    )
    .says(|asked, head| {
        if asked.catches_up() {
            head.lose("stream-up-to-date");
        }
    }),
    defect(
        "read.parts-are-up-to-date",
        "5.6-09",
        "catch-up.pages.are-not-up-to-date-before-the-tail",
        "a page that is not the last says that it is up to date",
    )
    .breaks(Flaw::PartsAreUpToDate),
    defect(
        "read.no-closed",
        "5.6-10",
        "catch-up.closed.says-so-with-the-last-content",
        "a read that reaches the end does not say so",
    )
    .says(|asked, head| {
        if asked.catches_up() {
            head.lose("stream-closed");
        }
    }),
    defect(
        "read.always-closed",
        "5.6-10",
        "catch-up.closed.says-so-with-the-last-content",
        "every read says that the stream is closed",
    )
    .says(|asked, head| {
        if asked.catches_up() && head.is(200) {
            head.set("stream-closed", "true");
        }
    }),
    defect(
        "read.parts-are-closed",
        "5.6-11",
        "catch-up.pages.are-not-closed-before-the-end",
        "a page that is not the last says that the stream is closed",
    )
    .breaks(Flaw::PartsAreClosed),
    defect(
        "read.overlaps",
        "5.6-12",
        "catch-up.pages.join-without-a-gap",
        "a page that is not the last says an offset that is too low",
    )
    .breaks(Flaw::PagesOverlap),
    defect(
        "read.includes-the-offset",
        "5.6-12",
        "catch-up.content.comes-from-an-offset-on",
        "a read begins with what is before its offset",
    )
    .breaks(Flaw::OffsetIsIncluded),
    defect(
        "read.skips-one",
        "5.6-12",
        "catch-up.content.of-json-comes-in-arrays",
        "a read begins behind what is at its offset",
    )
    .breaks(Flaw::OffsetIsSkipped),
    defect(
        "read.missing-is-200",
        "5.6-13",
        "catch-up.missing.answers-404",
        "a read of nothing answers 200",
    )
    .says(|asked, head| {
        if asked.catches_up() && head.is(404) {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "read.missing-is-204",
        "5.6-13",
        "catch-up.missing.answers-404",
        "a read of nothing answers 204",
    )
    .says(|asked, head| {
        if asked.catches_up() && head.is(404) {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
];
