//! Producers (§5.2.1).

use http::StatusCode;

use super::super::edit::{Distort, Misread, leading_digits};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "producer.some-headers-are-200",
        "5.2.1-01",
        "producer.headers.go-together",
        "a producer without all of its headers is answered with 200",
    )
    .says(|asked, head| {
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
    }),
    defect(
        "producer.some-headers-are-none",
        "5.2.1-01",
        "producer.headers.go-together",
        "some of the headers of a producer are as good as none",
    )
    .misreads(|asked, request| {
        if asked.post()
            && ["producer-id", "producer-epoch", "producer-seq"]
                .iter()
                .any(|name| !asked.has(name))
        {
            for name in ["producer-id", "producer-epoch", "producer-seq"] {
                request.lose(name);
            }
        }
    }),
    defect(
        "producer.empty-id",
        "5.2.1-02",
        "producer.id.is-not-empty",
        "an empty Producer-Id is one",
    )
    .misreads(|asked, request| {
        if asked.header("producer-id") == Some("") {
            request.set("producer-id", "(empty)");
        }
    }),
    defect(
        "producer.epoch-is-read-in-part",
        "5.2.1-03",
        "producer.epoch.is-an-integer",
        "Producer-Epoch is read as far as it is a number",
    )
    .misreads(|asked, request| {
        if asked.post() {
            request.change("producer-epoch", leading_digits);
        }
    }),
    defect(
        "producer.seq-is-read-in-part",
        "5.2.1-03",
        "producer.seq.is-an-integer",
        "Producer-Seq is read as far as it is a number",
    )
    .misreads(|asked, request| {
        if asked.post() {
            request.change("producer-seq", leading_digits);
        }
    }),
    defect(
        "producer.epoch-is-rounded",
        "5.2.1-04",
        "producer.epoch.is-below-two-to-the-53",
        "Producer-Epoch is cut down to 2^53-1",
    )
    .misreads(|asked, request| {
        if asked.post() {
            request.change("producer-epoch", to_safe_integer);
        }
    }),
    defect(
        "producer.seq-is-rounded",
        "5.2.1-05",
        "producer.seq.is-below-two-to-the-53",
        "Producer-Seq is cut down to 2^53-1",
    )
    .misreads(|asked, request| {
        if asked.post() {
            request.change("producer-seq", to_safe_integer);
        }
    }),
    defect(
        "producer.no-epoch-on-200",
        "5.2.1-06",
        "producer.seq.next-is-accepted",
        "a 200 does not echo Producer-Epoch",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(200) {
            head.lose("producer-epoch");
        }
    }),
    defect(
        "producer.no-epoch-on-204",
        "5.2.1-06",
        "producer.duplicate.stores-nothing",
        "a 204 does not echo Producer-Epoch",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(204) {
            head.lose("producer-epoch");
        }
    }),
    defect(
        "producer.no-epoch-on-403",
        "5.2.1-06",
        "producer.epoch.lower-is-fenced",
        "a 403 does not say the epoch",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(403) {
            head.lose("producer-epoch");
        }
    }),
    defect(
        "producer.no-seq",
        "5.2.1-07",
        "producer.seq.next-is-accepted",
        "a 200 does not echo Producer-Seq",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(200) {
            head.lose("producer-seq");
        }
    }),
    defect(
        "producer.no-seq-on-204",
        "5.2.1-07",
        "producer.duplicate.names-the-highest-number",
        "a 204 does not echo Producer-Seq",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(204) {
            head.lose("producer-seq");
        }
    }),
    defect(
        "producer.seq-is-zero",
        "5.2.1-07",
        "producer.seq.next-is-accepted",
        "Producer-Seq is always 0",
    )
    .says(|asked, head| {
        if asked.produces() && head.has("producer-seq") {
            head.set("producer-seq", "0");
        }
    }),
    defect(
        "producer.duplicate-echoes-its-seq",
        "5.2.1-07",
        "producer.duplicate.names-the-highest-number",
        "a duplicate is answered with its own number",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(204) {
            head.set(
                "producer-seq",
                asked.header("producer-seq").unwrap_or_default(),
            );
        }
    }),
    defect(
        "producer.gap-no-expected",
        "5.2.1-08",
        "producer.seq.gap-is-refused",
        "a gap is refused without Producer-Expected-Seq",
    )
    .says(|asked, head| {
        if asked.produces() {
            head.lose("producer-expected-seq");
        }
    }),
    defect(
        "producer.gap-no-received",
        "5.2.1-08",
        "producer.seq.gap-is-refused",
        "a gap is refused without Producer-Received-Seq",
    )
    .says(|asked, head| {
        if asked.produces() {
            head.lose("producer-received-seq");
        }
    }),
    defect(
        "producer.gap-is-400",
        "5.2.1-08",
        "producer.seq.gap-is-refused",
        "a gap is refused with 400",
    )
    .says(|asked, head| {
        if asked.produces() && head.has("producer-expected-seq") {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "producer.gap-is-200",
        "5.2.1-08",
        "producer.seq.gap-is-refused",
        "a gap is answered with 200",
    )
    .says(|asked, head| {
        if asked.produces() && head.has("producer-expected-seq") {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "producer.gap-is-stored",
        "5.2.1-08",
        "producer.seq.gap-is-refused",
        "a gap is accepted",
    )
    .breaks(Flaw::GapsAreTaken),
    defect(
        "producer.fence-is-409",
        "5.2.1-09",
        "producer.epoch.lower-is-fenced",
        "a fenced producer is refused with 409",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(403) {
            head.answer_with(StatusCode::CONFLICT);
        }
    }),
    defect(
        "producer.fence-is-200",
        "5.2.1-09",
        "producer.epoch.lower-is-fenced",
        "a fenced producer is answered with 200",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(403) {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "producer.no-fence",
        "5.2.1-09",
        "producer.epoch.lower-is-fenced",
        "an old epoch is accepted",
    )
    .breaks(Flaw::OldEpochsAreTaken),
    defect(
        "producer.no-fence-for-duplicates",
        "5.2.1-09",
        "producer.epoch.lower-is-fenced-even-for-a-repetition",
        "a number that was accepted is a duplicate in an old epoch, too",
    )
    .breaks(Flaw::OldRepetitionsAreKnown),
    defect(
        "producer.new-epoch-gap-is-409",
        "5.2.1-10",
        "producer.epoch.higher-begins-at-0",
        "a new epoch that does not begin with 0 is refused with 409",
    )
    .says(|asked, head| {
        if asked.produces()
            && head.is(400)
            && asked.has("producer-epoch")
            && asked.has("producer-seq")
        {
            head.answer_with(StatusCode::CONFLICT);
        }
    }),
    defect(
        "producer.new-epoch-begins-anywhere",
        "5.2.1-10",
        "producer.epoch.higher-begins-at-0",
        "a new epoch may begin with any number",
    )
    .breaks(Flaw::NewEpochsBeginAnywhere),
    defect(
        "producer.new-epoch-is-403",
        "5.2.1-11",
        "producer.epoch.higher-begins-anew",
        "a new epoch is refused",
    )
    .breaks(Flaw::NewEpochsAreRefused),
    defect(
        "producer.new-epoch-is-forgotten",
        "5.2.1-11",
        "producer.epoch.higher-begins-anew",
        "a new epoch is accepted, and the old one stays the current one",
    )
    .breaks(Flaw::NewEpochIsForgotten),
    defect(
        "producer.duplicate-is-200",
        "5.2.1-12",
        "producer.duplicate.stores-nothing",
        "a duplicate is answered with 200",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(204) && !asked.closes() {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "producer.duplicate-is-409",
        "5.2.1-12",
        "producer.duplicate.stores-nothing",
        "a duplicate is refused with 409",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(204) && !asked.closes() {
            head.answer_with(StatusCode::CONFLICT);
        }
    }),
    defect(
        "producer.duplicate-is-stored",
        "5.2.1-12",
        "producer.duplicate.stores-nothing",
        "a duplicate is stored again",
    )
    .breaks(Flaw::RepetitionIsStored),
    defect(
        "producer.knows-the-last-only",
        "5.2.1-12",
        "producer.duplicate.names-the-highest-number",
        "a duplicate of an earlier number than the last is a gap",
    )
    .breaks(Flaw::OnlyTheLastIsKnown),
    defect(
        "producer.new-is-204",
        "5.2.1-13",
        "producer.seq.next-is-accepted",
        "new content of a producer is answered with 204",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(200) {
            head.answer_with(StatusCode::NO_CONTENT);
            head.lose("content-length");
        }
    }),
    defect(
        "producer.all-are-one",
        "5.2.1-13",
        "producer.state.is-of-one-id-and-stream",
        "all producers are the same one",
    )
    .misreads(|asked, request| {
        if asked.produces() {
            request.set("producer-id", "p");
        }
    }),
    defect(
        "producer.id-has-no-case",
        "5.2.1-13",
        "producer.id.is-compared-as-it-is",
        "Producer-Id is compared without case",
    )
    .misreads(|asked, request| {
        if asked.produces() {
            request.change("producer-id", str::to_ascii_lowercase);
        }
    }),
    defect(
        "producer.unknown-begins-anywhere",
        "5.2.1-14",
        "producer.unknown.begins-at-0",
        "an unknown producer may begin with any number",
    )
    .breaks(Flaw::ProducersBeginAnywhere),
    defect(
        "producer.refused-is-stored",
        "5.2.1-15",
        "producer.epoch.lower-is-fenced",
        "what is refused for its producer is stored",
    )
    .breaks(Flaw::OutOfTurnIsStored),
    defect(
        "producer.state-comes-late",
        "5.2.1-16",
        "producer.concurrent.repetitions-are-stored-once",
        "the state of a producer is written some time after its append",
    )
    .breaks(Flaw::StateComesLate),
    defect(
        "producer.number-is-used-up",
        "5.2.1-17",
        "producer.refused.does-not-use-up-the-number",
        "an append of invalid JSON uses up the number of its producer",
    )
    .breaks(Flaw::NumberIsUsedUpFirst),
    defect(
        "producer.close-is-ignored",
        "5.2.1-20",
        "producer.close.with-append-does-both",
        "an append of a producer that closes leaves the stream open",
    )
    .misreads(|asked, request| {
        if asked.produces() && asked.has_body() {
            request.lose("stream-closed");
        }
    }),
    defect(
        "producer.close-is-stored-again",
        "5.2.1-20",
        "producer.close.with-append-is-stored-once",
        "the append that closed is stored again when it is repeated",
    )
    .breaks(Flaw::ClosingRepetitionIsStored),
    defect(
        "producer.close-is-not-counted",
        "5.2.1-21",
        "producer.close.takes-its-turn",
        "the headers of a producer are ignored when it only closes",
    )
    .misreads(|asked, request| {
        if asked.produces() && asked.only_closes() {
            for name in ["producer-id", "producer-epoch", "producer-seq"] {
                request.lose(name);
            }
        }
    }),
    defect(
        "producer.close-retry-no-flag",
        "5.2.1-22",
        "producer.close.repeated-answers-204",
        "the request that closed, sent again, is not told that the stream is closed",
    )
    .says(|asked, head| {
        if asked.produces() && asked.closes() && head.is(204) {
            head.lose("stream-closed");
        }
    }),
    defect(
        "producer.close-retry-is-409",
        "5.2.1-22",
        "producer.close.with-append-repeated-answers-204",
        "the request that closed is refused when it is repeated",
    )
    .breaks(Flaw::ClosingIsForgotten),
    defect(
        "producer.any-close-is-a-retry",
        "5.2.1-23",
        "producer.closed.refuses-another-close",
        "any close of a producer succeeds on a closed stream",
    )
    .breaks(Flaw::AnyProducerClosesAgain),
    defect(
        "producer.closed-is-204",
        "5.2.1-24",
        "producer.closed.old-epoch-is-refused",
        "what a producer sends to a closed stream is answered with 204",
    )
    .says(|asked, head| {
        if asked.produces() && head.is(409) && head.has("stream-closed") {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "restart.forgets-producers",
        "5.2.1-25",
        "restart.producers.are-remembered",
        "a restart makes a server forget producers",
    )
    .breaks(Flaw::RestartForgetsProducers),
];

/// A number that is no greater than those that every peer can represent.
fn to_safe_integer(text: &str) -> String {
    const MAX: u128 = (1 << 53) - 1;
    let number = text.parse::<u128>();
    number.map_or_else(|_| text.to_owned(), |number| number.min(MAX).to_string())
}
