//! Appending and closing (§5.2, §5.3).

use http::StatusCode;

use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "append.type-mismatch-is-400",
        "5.2-02",
        "append.type.another-is-refused",
        "content of another type is refused with 400",
    )
    .says(|asked, head| {
        if asked.post()
            && head.is(409)
            && !head.has("stream-closed")
            && !asked.produces()
            && !asked.has("stream-seq")
        {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "append.type-mismatch-is-415",
        "5.2-02",
        "append.type.another-is-refused",
        "content of another type is refused with 415",
    )
    .says(|asked, head| {
        if asked.post()
            && head.is(409)
            && !head.has("stream-closed")
            && !asked.produces()
            && !asked.has("stream-seq")
        {
            head.answer_with(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }),
    defect(
        "append.any-type",
        "5.2-02",
        "append.type.another-is-refused",
        "content of any type is taken",
    )
    .breaks(Flaw::TypeIsNotCompared),
    defect(
        "append.untyped-is-415",
        "5.2-03",
        "append.type.none-is-refused",
        "content without a type is refused with 415",
    )
    .says(|asked, head| {
        if asked.post() && asked.has_body() && !asked.has("content-type") && head.is(400) {
            head.answer_with(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }),
    defect(
        "append.untyped",
        "5.2-03",
        "append.type.none-is-refused",
        "content without a type is taken",
    )
    .breaks(Flaw::UntypedIsTaken),
    defect(
        "close.needs-the-type",
        "5.2-04",
        "close.empty.with-any-type",
        "a close without content is refused for its type",
    )
    .breaks(Flaw::TypeOfNothingMatters),
    defect(
        "append.chunked-is-411",
        "5.2-05",
        "append.chunked.is-one-append",
        "a body in chunks is refused",
    )
    .says(|asked, head| {
        if asked.post() && asked.has("transfer-encoding") {
            head.answer_with(StatusCode::LENGTH_REQUIRED);
        }
    }),
    defect(
        "append.chunked-is-empty",
        "5.2-05",
        "append.chunked.is-one-append",
        "a body without a length is taken for none",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.has("transfer-encoding") {
            request.set_body("");
        }
    }),
    defect(
        "append.keeps-cut-bodies",
        "5.2-05",
        "raw.chunked.a-cut-body-is-not-stored",
        "what came of a body that broke off is stored",
    )
    .breaks(Flaw::CutBodyIsStored),
    defect(
        "append.frames-are-empty",
        "5.2-06",
        "append.http2.in-frames",
        "a body over HTTP/2 without a length is taken for none",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.streams_its_body() {
            request.set_body("");
        }
    }),
    defect(
        "seq.is-a-number",
        "5.2-07",
        "sequence.rising.is-accepted",
        "Stream-Seq is compared as a number",
    )
    .breaks(Flaw::SeqIsANumber),
    defect(
        "seq.has-no-case",
        "5.2-07",
        "sequence.rising.is-accepted",
        "Stream-Seq is compared without case",
    )
    .misreads(|asked, request| {
        if asked.post() {
            request.change("stream-seq", str::to_ascii_lowercase);
        }
    }),
    defect(
        "seq.is-400",
        "5.2-09",
        "sequence.not-rising.is-refused",
        "a Stream-Seq that is not above the last is refused with 400",
    )
    .says(|asked, head| {
        if asked.post() && asked.has("stream-seq") && head.is(409) && !head.has("stream-closed") {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "seq.is-204",
        "5.2-09",
        "sequence.not-rising.is-refused",
        "a Stream-Seq that is not above the last is answered with 204",
    )
    .says(|asked, head| {
        if asked.post() && asked.has("stream-seq") && head.is(409) && !head.has("stream-closed") {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "seq.may-stay",
        "5.2-09",
        "sequence.not-rising.is-refused",
        "a Stream-Seq that is the last one is accepted",
    )
    .breaks(Flaw::SeqMayStay),
    defect(
        "seq.is-ignored",
        "5.2-09",
        "sequence.not-rising.is-refused",
        "Stream-Seq is ignored",
    )
    .misreads(|asked, request| {
        if asked.post() {
            request.lose("stream-seq");
        }
    }),
    defect(
        "seq.is-forgotten",
        "5.2-09",
        "sequence.none.is-accepted-and-keeps-the-last",
        "an append without Stream-Seq makes the last one forgotten",
    )
    .breaks(Flaw::SeqIsForgotten),
    defect(
        "seq.refused-is-kept",
        "5.2-10",
        "sequence.refused.changes-nothing",
        "a Stream-Seq that was refused is the last one",
    )
    .breaks(Flaw::RefusedSeqIsKept),
    defect(
        "seq.refused-is-stored",
        "5.2-10",
        "sequence.refused.changes-nothing",
        "what is refused for its Stream-Seq is stored",
    )
    .breaks(Flaw::NotRisingIsStored),
    defect(
        "seq.is-used-up",
        "5.2-11",
        "sequence.failed-append.does-not-use-it-up",
        "an append of invalid JSON uses up its Stream-Seq",
    )
    .breaks(Flaw::SeqIsUsedUpFirst),
    defect(
        "append.empty-is-204",
        "5.2-12",
        "append.empty.is-refused",
        "an empty POST that does not close answers 204",
    )
    .says(|asked, head| {
        if asked.post() && !asked.has_body() && head.is(400) {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "append.empty-chunks-are-204",
        "5.2-12",
        "append.chunked.empty-is-refused",
        "a body of no chunks answers 204",
    )
    .says(|asked, head| {
        if asked.post() && asked.has("transfer-encoding") && head.is(400) {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "close.is-200",
        "5.2-13",
        "close.again.answers-204",
        "a close answers 200",
    )
    .says(|asked, head| {
        if asked.only_closes() && head.is(204) {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "append.closes-again",
        "5.2-14",
        "append.closed.refuses-to-append-and-close",
        "an append that closes is no error on a closed stream",
    )
    .breaks(Flaw::AppendClosesAgain),
    defect(
        "append.closed-is-410",
        "5.2-15",
        "append.closed.names-the-final-offset",
        "an append to a closed stream answers 410",
    )
    .says(|asked, head| {
        if asked.post() && head.is(409) && head.has("stream-closed") {
            head.answer_with(StatusCode::GONE);
        }
    }),
    defect(
        "append.closed-no-flag",
        "5.2-15",
        "append.closed.names-the-final-offset",
        "the refusal of an append to a closed stream does not say that it is closed",
    )
    .says(|asked, head| {
        if asked.post() && !asked.produces() && head.is(409) {
            head.lose("stream-closed");
        }
    }),
    defect(
        "append.closed-no-offset",
        "5.2-15",
        "append.closed.names-the-final-offset",
        "the refusal of an append to a closed stream does not say the final offset",
    )
    .says(|asked, head| {
        if asked.post() && !asked.produces() && head.is(409) {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "append.closed-is-open",
        "5.2-15",
        "append.closed.names-the-final-offset",
        "a closed stream takes appends",
    )
    .breaks(Flaw::ClosedTakesAppends),
    defect(
        "append.closed-is-stored",
        "5.2-15",
        "append.closed.names-the-final-offset",
        "what a closed stream refuses is stored",
    )
    .breaks(Flaw::ClosedIsStored),
    defect(
        "append.closed-producer-no-flag",
        "5.2-16",
        "append.closed.refuses-producers-alike",
        "the refusal of a producer by a closed stream does not say that it is closed",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(409) {
            head.lose("stream-closed");
        }
    }),
    defect(
        "append.closed-takes-producers",
        "5.2-16",
        "append.closed.refuses-producers-alike",
        "a closed stream takes appends of producers",
    )
    .breaks(Flaw::ClosedTakesProducers),
    defect(
        "append.closed-is-html",
        "5.2-17",
        "append.closed.says-it-in-a-standard-format",
        "the refusal of a closed stream is a page of HTML",
    )
    .says(|asked, head| {
        if asked.post() && head.is(409) {
            head.set("content-type", "text/html");
        }
    }),
    defect(
        "append.type-before-closed",
        "5.2-18",
        "append.closed.comes-before-the-type",
        "a closed stream looks at the type of an append first",
    )
    .breaks(Flaw::TypeBeforeClosed),
    defect(
        "append.seq-before-closed",
        "5.2-19",
        "append.closed.comes-before-the-sequence",
        "a closed stream looks at Stream-Seq first",
    )
    .breaks(Flaw::SeqBeforeClosed),
    defect(
        "append.content-before-closed",
        "5.2-20",
        "append.closed.comes-before-the-content",
        "a closed stream looks at the content of an append first",
    )
    .breaks(Flaw::ContentBeforeClosed),
    defect(
        "close.append-comes-apart",
        "5.2-21",
        "close.with-append.is-one-step",
        "an append that closes is stored without closing",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.closes() && asked.has_body() {
            request.lose("stream-closed");
        }
    }),
    defect(
        "close.though-refused",
        "5.2-22",
        "close.with-append.refused-leaves-it-open",
        "an append that is refused closes nevertheless",
    )
    .breaks(Flaw::RefusedCloses),
    defect(
        "append.is-201",
        "5.2-23",
        "append.open.names-the-new-tail",
        "an append answers 201",
    )
    .says(|asked, head| {
        if asked.post() && asked.has_body() && !asked.produces() && head.is(204) {
            head.answer_with(StatusCode::CREATED);
        }
    }),
    defect(
        "append.no-offset",
        "5.2-23",
        "append.open.names-the-new-tail",
        "an append does not say the tail",
    )
    .says(|asked, head| {
        if asked.post() && asked.has_body() && (head.is(200) || head.is(204)) {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "append.offset-is-minus-one",
        "5.2-23",
        "append.open.names-the-new-tail",
        "an append says -1 for the tail",
    )
    .says(|asked, head| {
        if asked.post() && asked.has_body() && (head.is(200) || head.is(204)) {
            head.set("stream-next-offset", "-1");
        }
    }),
    defect(
        "append.names-the-old-tail",
        "5.2-23",
        "append.open.names-the-new-tail",
        "an append says the tail that was before it",
    )
    .breaks(Flaw::AppendNamesTheOldTail),
    defect(
        "close.append-no-flag",
        "5.2-24",
        "close.with-append.does-both",
        "an append that closes does not say so",
    )
    .says(|asked, head| {
        if asked.post() && asked.closes() && asked.has_body() && (head.is(200) || head.is(204)) {
            head.lose("stream-closed");
        }
    }),
    defect(
        "append.missing-is-400",
        "5.2-25",
        "append.missing.answers-404",
        "an append to nothing answers 400",
    )
    .says(|asked, head| {
        if asked.post() && head.is(404) {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "append.missing-is-204",
        "5.2-25",
        "append.missing.answers-404",
        "an append to nothing answers 204",
    )
    .says(|asked, head| {
        if asked.post() && head.is(404) {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "append.soft-deleted-is-404",
        "5.2-25",
        "append.soft-deleted.answers-410",
        "an append to a soft-deleted stream answers 404",
    )
    .says(|asked, head| {
        if asked.post() && head.is(410) {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "close.by-an-empty-array",
        "5.2-26",
        "json.empty-array.does-not-close",
        "an empty array with Stream-Closed closes",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.closes() && asked.body == "[]" {
            request.set_body("");
        }
    }),
    defect(
        "close.is-202",
        "5.3-01",
        "close.open.answers-204",
        "a close answers 202",
    )
    .says(|asked, head| {
        if asked.only_closes() && head.is(204) {
            head.answer_with(StatusCode::ACCEPTED);
        }
    }),
    defect(
        "close.missing-is-204",
        "5.3-01",
        "close.missing.answers-404",
        "a close of nothing answers 204",
    )
    .says(|asked, head| {
        if asked.only_closes() && head.is(404) {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "close.is-lost",
        "5.3-01",
        "close.open.takes-no-more",
        "a close is acknowledged and lost",
    )
    .breaks(Flaw::CloseIsLost),
    defect(
        "close.no-offset",
        "5.3-02",
        "close.open.answers-204",
        "a close does not say the tail",
    )
    .says(|asked, head| {
        if asked.only_closes() && head.is(204) {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "close.no-flag",
        "5.3-03",
        "close.open.answers-204",
        "a close does not say that the stream is closed",
    )
    .says(|asked, head| {
        if asked.only_closes() && !asked.produces() && head.is(204) {
            head.lose("stream-closed");
        }
    }),
];
