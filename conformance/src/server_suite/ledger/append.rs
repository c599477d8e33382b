//! Appending and closing (§5.2, §5.3).

use super::{Requirement, must, promised, should};

pub(super) const ROWS: &[Requirement] = &[
    should(
        "5.2-01",
        "5.2",
        "A server or a stream that takes no appends should answer 405 or 501 to a POST.",
    ),
    must(
        "5.2-02",
        "5.2/12.4",
        "A POST with a body whose `Content-Type` is not that of the stream answers 409.",
    ),
    promised(
        "5.2-03",
        "5.2",
        "A POST with a body and no `Content-Type` answers 400.",
    ),
    must(
        "5.2-04",
        "5.2",
        "A POST without a body is not refused because of its `Content-Type`: when it closes the \
         stream, a missing one and a wrong one do no harm.",
    ),
    should(
        "5.2-05",
        "5.2",
        "A POST over HTTP/1.1 whose body comes in chunks, without `Content-Length`, should be \
         taken like any other.",
    ),
    should(
        "5.2-06",
        "5.2",
        "A POST over HTTP/2 whose body comes in several frames, without `content-length`, should \
         be taken like any other.",
    ),
    must(
        "5.2-07",
        "5.2",
        "`Stream-Seq` is compared byte by byte: `2` comes after `10`, `a` after `B`, and a prefix \
         before what it is a prefix of.",
    ),
    must(
        "5.2-08",
        "5.2",
        "A server documents what `Stream-Seq` is compared within: the whole stream, or each writer \
         to it.",
    ),
    must(
        "5.2-09",
        "5.2/12.6",
        "`Stream-Seq` rises strictly: an append whose value is equal to the last one or below it \
         answers 409.",
    ),
    promised(
        "5.2-10",
        "5.2",
        "The body of an append that was refused for its `Stream-Seq` is not stored, and the last \
         value stays what it was.",
    ),
    promised(
        "5.2-11",
        "5.2",
        "An append that is refused for another reason, such as its content type or invalid JSON, \
         does not use up its `Stream-Seq`: the next append may carry the same value.",
    ),
    must(
        "5.2-12",
        "5.2",
        "A POST without a body and without `Stream-Closed: true` answers 400, whether it says \
         `Content-Length: 0`, says nothing about a body, or sends a chunked body of no bytes.",
    ),
    should(
        "5.2-13",
        "5.2",
        "A POST that only closes, to a stream that is closed already, should answer 204 with \
         `Stream-Closed: true`.",
    ),
    must(
        "5.2-14",
        "5.2",
        "A POST with a body and `Stream-Closed: true`, without producer headers, to a stream that \
         is closed already answers 409 with `Stream-Closed: true`.",
    ),
    must(
        "5.2-15",
        "5.2",
        "An append to a closed stream answers 409 with `Stream-Closed: true`, and the final offset \
         in `Stream-Next-Offset`.",
    ),
    promised(
        "5.2-16",
        "5.2",
        "An append with producer headers to a closed stream, which is not the request that closed \
         it, answers 409 with the same two headers: `Stream-Closed: true` and the final offset in \
         `Stream-Next-Offset`.",
    ),
    should(
        "5.2-17",
        "5.2",
        "The body of a 409 should be empty or in a standard format for errors: clients decide by \
         the headers alone.",
    ),
    should(
        "5.2-18",
        "5.2",
        "An append of the wrong content type to a closed stream should be refused as closed: a 409 \
         with `Stream-Closed: true`.",
    ),
    should(
        "5.2-19",
        "5.2",
        "An append to a closed stream whose `Stream-Seq` does not rise should be refused as \
         closed: a 409 with `Stream-Closed: true`.",
    ),
    should(
        "5.2-20",
        "5.2",
        "An append of invalid JSON to a closed stream should be refused as closed, with a 409 and \
         `Stream-Closed: true`, and not with 400.",
    ),
    promised(
        "5.2-21",
        "5.2",
        "When several writers append and one of them closes with its append, the bytes of that one \
         are the last of the stream: no other append comes between them and the close.",
    ),
    promised(
        "5.2-22",
        "5.2",
        "A POST with `Stream-Closed: true` whose append is refused does not close the stream \
         either.",
    ),
    promised(
        "5.2-23",
        "5.2",
        "A successful append has the new tail in `Stream-Next-Offset`.",
    ),
    promised(
        "5.2-24",
        "5.2",
        "The answer to the request that closes a stream has `Stream-Closed: true`.",
    ),
    promised(
        "5.2-25",
        "5.2",
        "A POST answers 404 when there is no such stream, 410 when it is soft-deleted, 413 when \
         the body is larger than the server takes, and 429 beyond the rate it allows. The last two \
         only where a server has such a limit.",
    ),
    must(
        "5.2-26",
        "9.1.3",
        "A POST of `[]` to a JSON stream answers 400, with `Stream-Closed: true` too, which then \
         does not close the stream.",
    ),
];

/// Closing without an append (§5.3): after the producers (§5.2.1) in the order of the protocol.
pub(super) const CLOSING: &[Requirement] = &[
    promised(
        "5.3-01",
        "5.3",
        "A POST with `Stream-Closed: true` and without a body closes the stream and answers 204; \
         where there is no such stream it answers 404.",
    ),
    promised(
        "5.3-02",
        "5.3",
        "The 204 to a POST that only closes has the tail in `Stream-Next-Offset`, the same as \
         before the close.",
    ),
    promised(
        "5.3-03",
        "5.3",
        "The 204 to a POST that only closes has `Stream-Closed: true`.",
    ),
];
