//! What a stream is, and closing it (§3–4).

use super::{Requirement, must, promised, should};

pub(super) const ROWS: &[Requirement] = &[
    promised(
        "4-01",
        "4",
        "Bytes whose append was acknowledged are kept, over restarts of the server too, until the \
         stream is deleted or expires.",
    ),
    promised(
        "4-02",
        "4",
        "The bytes at a position never change: reading the same range again gives the same bytes, \
         whatever was appended since.",
    ),
    promised(
        "4-03",
        "4",
        "The bytes of a stream are strictly ordered by their offsets; however many writers append \
         at once, every acknowledged append is there exactly once and in one piece.",
    ),
    promised(
        "4-04",
        "4",
        "The content type is fixed when the stream is created, and every read gives it back with \
         its parameters, as in `text/plain; charset=utf-8`.",
    ),
    should(
        "4-05",
        "4",
        "The URL of a deleted stream should not be used for a new one. This is advice to \
         applications as much as to servers: a server may refuse such a PUT with a 4xx, and one \
         that creates a new stream with 201 is accepted as well.",
    ),
    promised(
        "4-06",
        "4",
        "A stream goes from open to closed and never back: no request opens a closed stream again.",
    ),
    promised(
        "4-07",
        "4",
        "A server may drop the oldest data of a stream by its own rules of retention; a read from \
         an offset before what is left then answers 410.",
    ),
    promised(
        "4.1-01",
        "4.1",
        "A closed stream is still closed after a restart of the server.",
    ),
    promised(
        "4.1-02",
        "4.1",
        "Closing is idempotent: closing a closed stream again succeeds and changes nothing.",
    ),
    promised(
        "4.1-03",
        "4.1",
        "Everything that was appended before a stream was closed can still be read afterwards.",
    ),
    must(
        "4.1-04",
        "4.1",
        "The value of `Stream-Closed` is compared without regard to case: `TRUE` and `True` count \
         as `true`.",
    ),
    must(
        "4.1-05",
        "4.1",
        "`Stream-Closed` with any other value than `true`, such as `false`, `yes`, `1` or nothing, \
         is treated as if the header were absent: the stream stays open.",
    ),
    should(
        "4.1-06",
        "4.1",
        "A request is not refused because of a `Stream-Closed` with another value than `true`: it \
         should be answered as it would be without the header.",
    ),
    promised(
        "4.1-07",
        "4.1",
        "Closing together with a final append is one step: no reader sees the end of the stream \
         without the final bytes, and no other append lands behind them.",
    ),
];
