//! Idempotent producers (§5.2.1).

use super::{Requirement, must, promised, should};

pub(super) const ROWS: &[Requirement] = &[
    must(
        "5.2.1-01",
        "5.2.1",
        "`Producer-Id`, `Producer-Epoch` and `Producer-Seq` go together: a POST with one or two of \
         them answers 400, and stores nothing.",
    ),
    must(
        "5.2.1-02",
        "5.2.1",
        "`Producer-Id` is not empty: a POST with an empty one answers 400.",
    ),
    must(
        "5.2.1-03",
        "5.2.1",
        "`Producer-Epoch` and `Producer-Seq` are non-negative decimal integers: a POST where one \
         has a sign, a point, an exponent, a letter or nothing answers 400. Leading zeros are not \
         spoken of: 400 and the number without them are both accepted.",
    ),
    must(
        "5.2.1-04",
        "5.2.1",
        "`Producer-Epoch` is at most 9007199254740991 (2^53-1): that value is accepted, the next \
         one answers 400.",
    ),
    must(
        "5.2.1-05",
        "5.2.1",
        "`Producer-Seq` is at most 9007199254740991 (2^53-1): a POST with a greater one answers \
         400.",
    ),
    promised(
        "5.2.1-06",
        "5.2.1",
        "A 200 and a 204 to a POST with producer headers, and a 403 to one of a fenced producer, \
         have the epoch that the server holds for the producer in `Producer-Epoch`.",
    ),
    promised(
        "5.2.1-07",
        "5.2.1",
        "A 200 and a 204 to a POST with producer headers have the highest number accepted in this \
         epoch in `Producer-Seq`, which for a duplicate can be higher than its own.",
    ),
    promised(
        "5.2.1-08",
        "5.2.1",
        "A POST whose `Producer-Seq` is more than one above the last one answers 409, with the \
         next number in `Producer-Expected-Seq` and its own in `Producer-Received-Seq`.",
    ),
    promised(
        "5.2.1-09",
        "5.2.1",
        "A POST whose `Producer-Epoch` is lower than the one the server holds for the producer \
         answers 403.",
    ),
    promised(
        "5.2.1-10",
        "5.2.1",
        "A POST whose `Producer-Epoch` is higher than the one the server holds, and whose \
         `Producer-Seq` is not 0, answers 400, and the epoch stays what it was.",
    ),
    promised(
        "5.2.1-11",
        "5.2.1",
        "A POST whose `Producer-Epoch` is higher than the one the server holds, and whose \
         `Producer-Seq` is 0, answers 200: its data is stored, and its epoch is the current one \
         from then on.",
    ),
    promised(
        "5.2.1-12",
        "5.2.1",
        "A POST of the current epoch whose `Producer-Seq` was accepted before answers 204, and its \
         data is not stored again.",
    ),
    promised(
        "5.2.1-13",
        "5.2.1",
        "A POST of the current epoch whose `Producer-Seq` is the last one plus one answers 200, \
         and its data is stored.",
    ),
    promised(
        "5.2.1-14",
        "5.2.1",
        "A POST of a producer that the stream does not know, with another `Producer-Seq` than 0, \
         is refused. By the rule for gaps this is a 409 with `Producer-Expected-Seq: 0`, by the \
         rule for new epochs a 400: both are accepted, storing its data is not.",
    ),
    promised(
        "5.2.1-15",
        "5.2.1",
        "An append that is refused because its producer is fenced, or because of a gap, stores \
         nothing.",
    ),
    must(
        "5.2.1-16",
        "5.2.1",
        "The checks of a producer's request and its append are one step for each stream and \
         producer: of equal requests sent at the same time one is stored, and the others are \
         duplicates.",
    ),
    promised(
        "5.2.1-17",
        "5.2.1",
        "An append that is refused for another reason, such as invalid JSON or its `Stream-Seq`, \
         does not use up its `Producer-Seq`: the corrected request with the same number is stored.",
    ),
    should(
        "5.2.1-18",
        "5.2.1",
        "The state of a producer and the data of its append should be stored in one step, so that \
         after a crash there are both or neither.",
    ),
    should(
        "5.2.1-19",
        "5.2.1",
        "A server should document whether data and the state of producers are stored in one step, \
         and what a crash between them can do.",
    ),
    promised(
        "5.2.1-20",
        "5.2.1",
        "A POST with producer headers, a body and `Stream-Closed: true` appends and closes in one \
         step, and is found to be a duplicate when it is repeated: its body is stored once.",
    ),
    promised(
        "5.2.1-21",
        "5.2.1",
        "A POST with producer headers that only closes takes its place in the sequence: it is \
         fenced, refused as a gap, or accepted as an append would be, and a refused one does not \
         close the stream.",
    ),
    should(
        "5.2.1-22",
        "5.2.1",
        "The request that closed a stream, repeated with the same `Producer-Id`, `Producer-Epoch` \
         and `Producer-Seq`, should answer 204 with `Stream-Closed: true`.",
    ),
    promised(
        "5.2.1-23",
        "5.2.1",
        "A POST with producer headers to a closed stream, with another id, epoch or number than \
         those that closed it, answers 409 with `Stream-Closed: true`.",
    ),
    promised(
        "5.2.1-24",
        "5.2.1",
        "A POST with producer headers of a stale epoch to a closed stream is refused. As closed \
         this is a 409 with `Stream-Closed: true`, as fenced a 403 with `Producer-Epoch`: both are \
         accepted.",
    ),
    promised(
        "5.2.1-25",
        "5.2.1",
        "A server that keeps its data over a restart keeps the state of producers as long: a \
         request that was stored before is still a duplicate afterwards.",
    ),
];
