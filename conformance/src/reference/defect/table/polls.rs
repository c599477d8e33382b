//! Long-polls (§5.7).

use http::StatusCode;

use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "poll.offset-has-a-default",
        "5.7-01",
        "long-poll.offset.is-required",
        "a long-poll without an offset begins at the beginning",
    )
    .misreads(|asked, request| {
        if asked.polls() && asked.parameter("offset").is_none() {
            request.set_parameter("offset", "-1");
        }
    }),
    defect(
        "poll.waits-for-more",
        "5.7-02",
        "long-poll.content.comes-at-once",
        "a long-poll waits although there is content",
    )
    .breaks(Flaw::PollsWaitForMore),
    defect(
        "poll.no-next-offset",
        "5.7-03",
        "long-poll.tail.answers-what-arrives",
        "a long-poll does not say where to go on",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(200) {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "poll.misses-appends",
        "5.7-03",
        "long-poll.tail.answers-what-arrives",
        "a long-poll that waits does not learn of an append",
    )
    .breaks(Flaw::PollsMissAppends),
    defect(
        "poll.does-not-wait",
        "5.7-04",
        "long-poll.tail.waits",
        "a long-poll at the tail is answered at once",
    )
    .breaks(Flaw::PollsDoNotWait),
    defect(
        "poll.time-is-up-with-200",
        "5.7-04",
        "long-poll.timeout.answers-204",
        "a long-poll whose time is up answers 200",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(204) && !head.has("stream-closed") {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "poll.missing-is-204",
        "5.7-05",
        "long-poll.missing.answers-404",
        "a long-poll of nothing answers 204",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(404) {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "poll.no-cursor-on-200",
        "5.7-06",
        "long-poll.content.comes-at-once",
        "a long-poll with content lacks Stream-Cursor",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(200) {
            head.lose("stream-cursor");
        }
    }),
    defect(
        "poll.204-no-offset",
        "5.7-07",
        "long-poll.timeout.answers-204",
        "a 204 to a long-poll lacks Stream-Next-Offset",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(204) {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "poll.204-no-up-to-date",
        "5.7-08",
        "long-poll.timeout.answers-204",
        "a 204 to a long-poll lacks Stream-Up-To-Date",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(204) {
            head.lose("stream-up-to-date");
        }
    }),
    defect(
        "poll.204-no-cursor",
        "5.7-09",
        "long-poll.timeout.answers-204",
        "a 204 to a long-poll lacks Stream-Cursor",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(204) {
            head.lose("stream-cursor");
        }
    }),
    defect(
        "poll.204-no-closed",
        "5.7-10",
        "long-poll.closed.does-not-wait",
        "a 204 to a long-poll of a closed stream does not say so",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(204) {
            head.lose("stream-closed");
        }
    }),
    defect(
        "poll.closed-is-200",
        "5.7-11",
        "long-poll.closed.does-not-wait",
        "a long-poll at the end of a closed stream answers 200",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(204) && head.has("stream-closed") {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "poll.waits-at-the-end",
        "5.7-11",
        "long-poll.closed.does-not-wait",
        "a long-poll waits at the end of a closed stream",
    )
    .breaks(Flaw::PollsWaitAtTheEnd),
    defect(
        "poll.misses-the-closure",
        "5.7-12",
        "long-poll.tail.learns-of-the-closure",
        "a long-poll that waits does not learn that the stream is closed",
    )
    .breaks(Flaw::PollsMissTheClosure),
    defect(
        "poll.hears-of-the-end-alone",
        "5.7-13",
        "long-poll.tail.answers-the-last-content",
        "a long-poll that waits is told of the end, and not what came with it",
    )
    .breaks(Flaw::PollsHearOfTheEndOnly),
    defect(
        "poll.200-no-closed",
        "5.7-14",
        "long-poll.tail.answers-the-last-content",
        "a long-poll that reaches the end does not say so",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(200) {
            head.lose("stream-closed");
        }
    }),
    defect(
        "poll.no-etag",
        "5.7-15",
        "long-poll.content.has-an-etag",
        "a long-poll with content lacks ETag",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(200) {
            head.lose("etag");
        }
    }),
    defect(
        "poll.fork-waits",
        "5.7-16",
        "long-poll.fork.does-not-wait-for-what-is-inherited",
        "a long-poll of a fork waits for content of its own",
    )
    .breaks(Flaw::PollsSkipWhatIsInherited),
    defect(
        "poll.fork-reads-the-source",
        "5.7-17",
        "long-poll.fork.waits-for-its-own-appends",
        "a long-poll of a fork waits for appends to the source",
    )
    .breaks(Flaw::PollsOfForksReadTheSource),
    defect(
        "poll.json-is-lines",
        "5.7-18",
        "long-poll.content.of-json-comes-in-arrays",
        "a long-poll brings JSON in lines",
    )
    .writes(|asked, text| {
        if asked.polls() && text.starts_with('[') {
            text.trim_matches(['[', ']']).replace(',', "\n")
        } else {
            text.to_owned()
        }
    }),
];
