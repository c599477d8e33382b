//! JSON streams (§9).

use super::{Requirement, must, promised};

pub(super) const ROWS: &[Requirement] = &[
    must(
        "9-01",
        "9.1.1",
        "A JSON stream keeps its messages apart: each comes back as the one value it was appended \
         as, never joined with another or split.",
    ),
    must(
        "9-02",
        "9.1.1",
        "The body of a GET of a JSON stream is one JSON array of the messages in the range.",
    ),
    must(
        "9-03",
        "9.1.2",
        "An array in a POST to a JSON stream is flattened by exactly one level: each of its \
         elements is a message, also one that is an array itself.",
    ),
    must(
        "9-04",
        "9.1.3",
        "A POST of `[]` to a JSON stream answers 400.",
    ),
    promised(
        "9-05",
        "9.1.3",
        "A PUT with the body `[]` creates an empty JSON stream with 201.",
    ),
    must(
        "9-06",
        "9.1.4",
        "A POST to a JSON stream whose body is no valid JSON answers 400.",
    ),
    promised(
        "9-07",
        "9.1.4",
        "A POST to a JSON stream whose body is an array that turns invalid after some good \
         elements stores none of them.",
    ),
    must(
        "9-08",
        "9.1.5",
        "A 200 to a GET of a JSON stream has `Content-Type: application/json`. Parameters that the \
         stream was created with may follow.",
    ),
    must(
        "9-09",
        "9.1.5",
        "A GET of a JSON stream with no message in its range has the body `[]`, also at the tail \
         of a stream that holds messages.",
    ),
    must(
        "9-10",
        "9.1",
        "A GET of a JSON fork over the point where it leaves its source gives one array, with the \
         inherited messages and its own.",
    ),
    promised(
        "9-11",
        "9.1",
        "JSON values come back unchanged: integers beyond 2^53, the order of keys, and numbers as \
         they were written. White space between tokens may differ.",
    ),
    promised(
        "9-12",
        "9.1",
        "Deeply nested JSON is handled: it is stored, or refused with a 4xx, and the server goes \
         on serving.",
    ),
];
