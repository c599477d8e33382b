//! Deleting, metadata, and catching up (§5.4–5.6).

use super::{Requirement, must, promised, should};

pub(super) const ROWS: &[Requirement] = &[
    promised(
        "5.4-01",
        "5.4",
        "A DELETE of a stream answers 204; where there is no such stream it answers 404.",
    ),
    promised(
        "5.4-02",
        "5.4",
        "After the DELETE of a stream without forks, GET, HEAD, POST and DELETE of its URL answer \
         404.",
    ),
    promised(
        "5.4-03",
        "5.4",
        "When a stream is deleted, those who read it live are not left waiting: a long-poll is \
         answered, an event stream ends. With which status is not said: for a long-poll 404, 410 \
         and 204 are accepted.",
    ),
    must(
        "5.4-04",
        "5.4",
        "A DELETE of a stream that is soft-deleted already, because it has forks, answers 410.",
    ),
    promised(
        "5.5-01",
        "5.5",
        "A HEAD of a stream answers 200 with the stream's `Content-Type`, and without a body.",
    ),
    promised(
        "5.5-02",
        "5.5",
        "A HEAD answers with the tail of the stream in `Stream-Next-Offset`.",
    ),
    promised(
        "5.5-03",
        "5.5",
        "A HEAD of a stream with a TTL answers with it in `Stream-TTL`: the seconds it was created \
         with, not those that are left.",
    ),
    promised(
        "5.5-04",
        "5.5",
        "A HEAD of a stream with an absolute expiry answers with it in `Stream-Expires-At`; \
         another spelling of the same moment is accepted.",
    ),
    promised(
        "5.5-05",
        "5.5",
        "A HEAD of a closed stream answers with `Stream-Closed: true`; that of an open one has no \
         such header.",
    ),
    should(
        "5.5-06",
        "5.5",
        "The answer to a HEAD should not be cached: `Cache-Control: no-store`.",
    ),
    promised(
        "5.5-07",
        "5.5",
        "A HEAD answers 404 where there is no such stream, and 410 where it is soft-deleted.",
    ),
    promised(
        "5.6-01",
        "5.6",
        "A GET without `offset` reads from the beginning, as with `offset=-1`.",
    ),
    promised(
        "5.6-02",
        "5.6",
        "A GET whose `offset` is malformed answers 400: an empty one, one that is given twice, one \
         with characters that no offset has.",
    ),
    promised(
        "5.6-03",
        "5.6",
        "A GET whose `live` is neither `long-poll` nor `sse` answers 400.",
    ),
    should(
        "5.6-04",
        "5.6",
        "A GET from the tail answers 200 with an empty body (`[]` on a JSON stream), and the same \
         offset in `Stream-Next-Offset`.",
    ),
    must(
        "5.6-05",
        "5.6",
        "A GET from the tail of a closed stream answers 200 with an empty body (`[]` on a JSON \
         stream) and `Stream-Closed: true`.",
    ),
    promised(
        "5.6-06",
        "5.6",
        "A GET from an offset whose data was dropped by the server's rules of retention answers \
         410.",
    ),
    promised(
        "5.6-07",
        "5.6",
        "A 200 to a GET has a `Stream-Next-Offset` with which the next GET goes on, without a gap \
         and without an overlap.",
    ),
    must(
        "5.6-08",
        "5.6",
        "A GET that returned all the data there was has `Stream-Up-To-Date: true`.",
    ),
    should(
        "5.6-09",
        "5.6",
        "A GET that returned a part of the data, because the server limits its answers, has no \
         `Stream-Up-To-Date: true`.",
    ),
    must(
        "5.6-10",
        "5.6",
        "A GET of a closed stream that returned the data up to the final offset has \
         `Stream-Closed: true`.",
    ),
    should(
        "5.6-11",
        "5.6",
        "A GET of a closed stream that returned a part of the data has no `Stream-Closed: true`: \
         there is more to read.",
    ),
    promised(
        "5.6-12",
        "5.6",
        "A reader that goes on at any offset the server returned gets exactly the bytes behind it, \
         however the appends and the answers were cut into pieces.",
    ),
    promised(
        "5.6-13",
        "5.6",
        "A GET answers 404 where there is no such stream, and 410 where it is soft-deleted.",
    ),
];
