//! Offsets, and reading from `now` (§8).

use super::{Requirement, must, promised, should};

pub(super) const ROWS: &[Requirement] = &[
    promised(
        "8-01",
        "8",
        "Offsets compared byte by byte are in the order of the stream.",
    ),
    must(
        "8-02",
        "8",
        "An offset that a server issues for new data is strictly greater than all that it issued \
         for the stream before.",
    ),
    promised(
        "8-03",
        "8",
        "An offset names one position: no two positions of a stream have the same.",
    ),
    promised(
        "8-04",
        "8",
        "An offset that a server issued stays valid as long as the stream lives: it can be read \
         from at any later time, unless the data behind it was dropped by rules of retention.",
    ),
    must(
        "8-05",
        "8",
        "An offset contains no comma, ampersand, equals sign, question mark or slash.",
    ),
    should(
        "8-06",
        "8",
        "An offset should consist of characters that need no encoding in a URL, and be shorter \
         than 256 characters.",
    ),
    must(
        "8-07",
        "8",
        "`offset=-1` is accepted in every mode of reading, and means the beginning of the stream.",
    ),
    must(
        "8-08",
        "8",
        "A GET with `offset=now` and without `live` answers 200 at once, whatever the stream \
         holds.",
    ),
    must(
        "8-09",
        "8",
        "The body of a GET with `offset=now` and without `live` is `[]` on a JSON stream.",
    ),
    must(
        "8-10",
        "8",
        "The body of a GET with `offset=now` and without `live` is empty on a stream that is not \
         JSON.",
    ),
    must(
        "8-11",
        "8",
        "A GET with `offset=now` and without `live` has the tail in `Stream-Next-Offset`.",
    ),
    must(
        "8-12",
        "8",
        "A GET with `offset=now` and without `live` has `Stream-Up-To-Date: true`.",
    ),
    should(
        "8-13",
        "8",
        "A GET with `offset=now` and without `live` should have `Cache-Control: no-store`.",
    ),
    must(
        "8-14",
        "8",
        "A GET with `offset=now` and without `live` returns no data, however much the stream \
         holds.",
    ),
    must(
        "8-15",
        "8",
        "A long-poll with `offset=now` waits from the start for what is appended after it: there \
         is no empty first answer, and no earlier data.",
    ),
    must(
        "8-16",
        "8",
        "The answer to a long-poll with `offset=now` has the tail in `Stream-Next-Offset`: of a \
         204 the one it waited at, of a 200 the one behind its data.",
    ),
    must(
        "8-17",
        "8",
        "An event stream with `offset=now` starts at the tail: it brings what is appended from \
         then on, and nothing earlier.",
    ),
    must(
        "8-18",
        "8",
        "The first `control` event of an event stream with `offset=now` has the tail in \
         `streamNextOffset`.",
    ),
    must(
        "8-19",
        "8",
        "The first `control` event of an event stream with `offset=now` has `upToDate: true`.",
    ),
    must(
        "8-20",
        "8",
        "A GET with `offset=now` and without `live` on a closed stream answers 200 at once, with \
         `Stream-Closed: true`, `Stream-Up-To-Date: true` and `Stream-Next-Offset`.",
    ),
    must(
        "8-21",
        "8",
        "A GET with `offset=now` and without `live` on a closed stream has the final offset in \
         `Stream-Next-Offset`, and the body `[]` on a JSON stream, an empty one on any other.",
    ),
    must(
        "8-22",
        "8",
        "A long-poll with `offset=now` on a closed stream does not wait: it answers 204 at once, \
         with `Stream-Closed: true`, `Stream-Up-To-Date: true` and the final offset in \
         `Stream-Next-Offset`.",
    ),
    must(
        "8-23",
        "8",
        "An event stream with `offset=now` on a closed stream brings a single event, a `control` \
         event with `streamClosed: true` and `upToDate: true`, and ends.",
    ),
    must(
        "8-24",
        "8",
        "A server never issues `-1` or `now` as an offset: no answer has one of them in \
         `Stream-Next-Offset` or `streamNextOffset`.",
    ),
    promised(
        "8-25",
        "8",
        "The offsets of a fork are those of its source up to the point where it leaves it, and \
         those of its own data are greater.",
    ),
    promised(
        "8-26",
        "8",
        "A sub-offset appears in requests alone: no header or event of an answer has one.",
    ),
];
