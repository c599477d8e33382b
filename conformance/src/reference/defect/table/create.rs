//! Creating streams, and when they end (§5.1).

use http::StatusCode;
use serde_json::Value;

use super::super::edit::{Distort, Misread, leading_digits};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "create.same-is-201",
        "5.1-01",
        "create.again.answers-200",
        "a PUT of what is there answers 201",
    )
    .says(|asked, head| {
        if asked.put() && head.is(200) {
            head.answer_with(StatusCode::CREATED);
        }
    }),
    defect(
        "create.same-is-204",
        "5.1-01",
        "create.again.answers-200",
        "a PUT of what is there answers 204",
    )
    .says(|asked, head| {
        if asked.put() && head.is(200) {
            head.answer_with(StatusCode::NO_CONTENT);
            head.lose("content-length");
        }
    }),
    defect(
        "create.same-is-409",
        "5.1-01",
        "create.again.answers-200",
        "a PUT of what is there answers 409",
    )
    .says(|asked, head| {
        if asked.put() && head.is(200) {
            head.answer_with(StatusCode::CONFLICT);
        }
    }),
    defect(
        "create.replaces",
        "5.1-01",
        "create.again.answers-200",
        "a PUT begins the stream anew",
    )
    .breaks(Flaw::PutReplaces),
    defect(
        "create.same-ttl-is-409",
        "5.1-01",
        "expiry.ttl.same-again-answers-200",
        "a PUT with the TTL of the stream is refused",
    )
    .says(|asked, head| {
        if asked.put() && asked.has("stream-ttl") && head.is(200) {
            head.answer_with(StatusCode::CONFLICT);
        }
    }),
    defect(
        "create.conflict-is-400",
        "5.1-02",
        "create.again.with-another-type-is-refused",
        "a PUT of another configuration answers 400",
    )
    .says(|asked, head| {
        if asked.put() && head.is(409) {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "create.conflict-is-200",
        "5.1-02",
        "create.again.with-another-type-is-refused",
        "a PUT of another configuration answers 200",
    )
    .says(|asked, head| {
        if asked.put() && head.is(409) {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "create.conflict-of-ttl-is-200",
        "5.1-03",
        "expiry.ttl.another-is-refused",
        "a PUT with another TTL answers 200",
    )
    .says(|asked, head| {
        if asked.put() && head.is(409) && asked.has("stream-ttl") {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "create.changes-the-ttl",
        "5.1-03",
        "expiry.ttl.another-is-refused",
        "a PUT with another TTL changes that of the stream",
    )
    .breaks(Flaw::PutChangesTheEnd),
    defect(
        "create.conflict-of-expiry-is-200",
        "5.1-04",
        "expiry.expires-at.another-is-refused",
        "a PUT with another time of expiry answers 200",
    )
    .says(|asked, head| {
        if asked.put() && head.is(409) && asked.has("stream-expires-at") {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "create.closed-as-open-is-200",
        "5.1-05",
        "create.closed.not-as-an-open-one",
        "a PUT does not look at whether the stream is closed",
    )
    .breaks(Flaw::ClosureIsNotCompared),
    defect(
        "create.closed-again-is-409",
        "5.1-06",
        "create.closed.again-answers-200",
        "a PUT with Stream-Closed of a closed stream is refused",
    )
    .says(|asked, head| {
        if asked.put() && asked.closes() && head.is(200) {
            head.answer_with(StatusCode::CONFLICT);
        }
    }),
    defect(
        "create.closed-conflict-is-200",
        "5.1-07",
        "create.closed.not-over-an-open-one",
        "a PUT with Stream-Closed of an open stream answers 200",
    )
    .says(|asked, head| {
        if asked.put() && head.is(409) && asked.closes() {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "create.closes",
        "5.1-07",
        "create.closed.not-over-an-open-one",
        "a PUT with Stream-Closed closes an open stream",
    )
    .breaks(Flaw::PutCloses),
    defect(
        "create.default-type-is-text",
        "5.1-08",
        "create.new.takes-the-default-type",
        "a stream without a type is one of text/plain",
    )
    .misreads(|asked, request| {
        if asked.put() && !asked.has("content-type") {
            request.set("content-type", "text/plain");
        }
    }),
    defect(
        "create.bad-ttl-is-201",
        "5.1-09",
        "expiry.ttl.syntax",
        "a malformed TTL is answered with 201",
    )
    .says(|asked, head| {
        if asked.put() && head.is(400) && asked.has("stream-ttl") {
            head.answer_with(StatusCode::CREATED);
        }
    }),
    defect(
        "ttl.read-in-part",
        "5.1-09",
        "expiry.ttl.syntax",
        "a TTL is read as far as it is a number",
    )
    .misreads(|asked, request| {
        if asked.put() {
            request.change("stream-ttl", leading_digits);
        }
    }),
    defect(
        "ttl.with-leading-zeros",
        "5.1-09",
        "expiry.ttl.syntax",
        "a TTL may begin with zeros",
    )
    .misreads(|asked, request| {
        if asked.put() {
            request.change("stream-ttl", |ttl| match ttl.trim_start_matches('0') {
                "" => ttl.to_owned(),
                rest => rest.to_owned(),
            });
        }
    }),
    defect(
        "create.ttl-zero-is-400",
        "5.1-10",
        "expiry.ttl.zero-is-valid",
        "a TTL of zero is refused",
    )
    .says(|asked, head| {
        if asked.header("stream-ttl").is_some_and(|ttl| ttl == "0") {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "ttl.wraps-around",
        "5.1-11",
        "expiry.ttl.may-be-huge",
        "a TTL is kept in 32 bits",
    )
    .misreads(|asked, request| {
        if asked.put() {
            request.change("stream-ttl", |ttl| {
                ttl.parse::<u64>()
                    .map_or_else(|_| ttl.to_owned(), |ttl| (ttl as u32).to_string())
            });
        }
    }),
    defect(
        "ttl.huge-is-500",
        "5.1-11",
        "expiry.ttl.may-be-huge",
        "a TTL beyond 64 bits breaks the server",
    )
    .says(|asked, head| {
        if asked.header("stream-ttl").is_some_and(|ttl| ttl.len() > 20) {
            head.answer_with(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }),
    defect(
        "ttl.get-is-no-use",
        "5.1-12",
        "expiry.window.begins-anew-with-a-get",
        "a GET does not begin the TTL anew",
    )
    .breaks(Flaw::GetIsNoUse),
    defect(
        "ttl.now-is-no-use",
        "5.1-13",
        "expiry.window.begins-anew-with-a-get-from-now",
        "a GET from now does not begin the TTL anew",
    )
    .breaks(Flaw::NowIsNoUse),
    defect(
        "ttl.append-is-no-use",
        "5.1-14",
        "expiry.window.begins-anew-with-an-append",
        "an append does not begin the TTL anew",
    )
    .breaks(Flaw::AppendIsNoUse),
    defect(
        "ttl.close-is-no-use",
        "5.1-15",
        "expiry.window.begins-anew-with-a-close",
        "a close does not begin the TTL anew",
    )
    .breaks(Flaw::CloseIsNoUse),
    defect(
        "ttl.producer-is-no-use",
        "5.1-16",
        "expiry.window.begins-anew-with-an-append-of-a-producer",
        "an append of a producer does not begin the TTL anew",
    )
    .breaks(Flaw::ProducerIsNoUse),
    defect(
        "ttl.poll-is-no-use",
        "5.1-17",
        "expiry.window.begins-anew-with-a-long-poll",
        "a long-poll does not begin the TTL anew",
    )
    .breaks(Flaw::LivePollIsNoUse),
    defect(
        "ttl.events-are-no-use",
        "5.1-17",
        "expiry.window.begins-anew-with-sse",
        "an event stream does not begin the TTL anew",
    )
    .breaks(Flaw::EventsAreNoUse),
    defect(
        "ttl.ends-under-readers",
        "5.1-18",
        "expiry.window.stays-open-for-a-live-reader",
        "a stream expires while it is read live",
    )
    .breaks(Flaw::ReadersDoNotHold),
    defect(
        "ttl.head-is-a-use",
        "5.1-19",
        "expiry.window.is-not-touched-by-head",
        "a HEAD begins the TTL anew",
    )
    .breaks(Flaw::HeadIsAUse),
    defect(
        "expiry.never",
        "5.1-20",
        "expiry.ttl.ends-the-stream",
        "nothing expires",
    )
    .breaks(Flaw::NothingExpires),
    defect(
        "create.bad-expiry-is-201",
        "5.1-21",
        "expiry.expires-at.syntax",
        "a malformed time of expiry is answered with 201",
    )
    .says(|asked, head| {
        if asked.put() && head.is(400) && asked.has("stream-expires-at") && !asked.has("stream-ttl")
        {
            head.answer_with(StatusCode::CREATED);
        }
    }),
    defect(
        "expiry.date-without-time",
        "5.1-21",
        "expiry.expires-at.syntax",
        "a time of expiry may be a date alone",
    )
    .misreads(|asked, request| {
        if asked.put() {
            request.change("stream-expires-at", |at| match at.len() {
                10 => format!("{at}T00:00:00Z"),
                _ => at.to_owned(),
            });
        }
    }),
    defect(
        "expiry.without-fraction",
        "5.1-21",
        "expiry.expires-at.takes-dates-of-rfc-3339",
        "a time of expiry with a fraction is refused",
    )
    .misreads(|asked, request| {
        if asked.put() {
            request.change("stream-expires-at", |at| at.replace('.', "?"));
        }
    }),
    defect(
        "expiry.offset-is-ignored",
        "5.1-22",
        "expiry.expires-at.takes-dates-of-rfc-3339",
        "the offset from UTC of a time of expiry is ignored",
    )
    .misreads(|asked, request| {
        if asked.put() {
            request.change("stream-expires-at", |at| {
                at.get(..19)
                    .map_or_else(|| at.to_owned(), |time| format!("{time}Z"))
            });
        }
    }),
    defect(
        "expiry.slides",
        "5.1-23",
        "expiry.expires-at.ends-the-stream",
        "a use puts the time of expiry off",
    )
    .breaks(Flaw::MomentsSlide),
    defect(
        "expiry.ttl-wins",
        "5.1-24",
        "expiry.both.are-refused",
        "of a TTL and a time of expiry the TTL counts",
    )
    .misreads(|asked, request| {
        if asked.has("stream-ttl") {
            request.lose("stream-expires-at");
        }
    }),
    defect(
        "create.ignores-closed",
        "5.1-26",
        "create.closed.is-closed",
        "Stream-Closed of a PUT is ignored",
    )
    .misreads(|asked, request| {
        if asked.put() {
            request.lose("stream-closed");
        }
    }),
    defect(
        "create.closed-ignores-body",
        "5.1-26",
        "create.closed.is-closed",
        "what is created closed is empty",
    )
    .misreads(|asked, request| {
        if asked.put() && asked.closes() {
            request.set_body("");
        }
    }),
    defect(
        "create.ignores-body",
        "5.1-27",
        "create.new.keeps-its-body",
        "the body of a PUT is dropped",
    )
    .misreads(|asked, request| {
        if asked.put() {
            request.set_body("");
        }
    }),
    defect(
        "create.appends-again",
        "5.1-28",
        "create.again.appends-nothing",
        "the body of a repeated PUT is appended",
    )
    .breaks(Flaw::RepeatedBodyIsAppended),
    defect(
        "create.bad-json-is-empty",
        "5.1-29",
        "create.json.not-from-what-is-none",
        "a stream is created without the body of the PUT if that is no JSON",
    )
    .misreads(|asked, request| {
        if asked.put() && asked.json() && serde_json::from_slice::<Value>(&asked.body).is_err() {
            request.set_body("");
        }
    }),
    defect(
        "create.no-location",
        "5.1-30",
        "create.new.says-its-location",
        "a 201 lacks Location",
    )
    .says(|asked, head| {
        if asked.put() && head.is(201) {
            head.lose("location");
        }
    }),
    defect(
        "create.location-of-another",
        "5.1-30",
        "create.new.says-its-location",
        "Location is the URL of something else",
    )
    .says(|asked, head| {
        if asked.put() && head.is(201) {
            head.set("location", "/elsewhere");
        }
    }),
    defect(
        "create.no-type-on-201",
        "5.1-31",
        "create.new.answers-201",
        "a 201 lacks Content-Type",
    )
    .says(|asked, head| {
        if asked.put() && head.is(201) {
            head.lose("content-type");
        }
    }),
    defect(
        "create.no-type-on-200",
        "5.1-32",
        "create.again.answers-200",
        "the 200 to a PUT lacks Content-Type",
    )
    .says(|asked, head| {
        if asked.put() && head.is(200) {
            head.lose("content-type");
        }
    }),
    defect(
        "create.no-offset-on-200",
        "5.1-32",
        "create.again.answers-200",
        "the 200 to a PUT lacks Stream-Next-Offset",
    )
    .says(|asked, head| {
        if asked.put() && head.is(200) {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "create.no-offset-on-201",
        "5.1-33",
        "create.new.answers-201",
        "a 201 lacks Stream-Next-Offset",
    )
    .says(|asked, head| {
        if asked.put() && head.is(201) {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "create.offset-is-minus-one",
        "5.1-33",
        "create.new.keeps-its-body",
        "a 201 says -1 for the tail",
    )
    .says(|asked, head| {
        if asked.put() && head.is(201) {
            head.set("stream-next-offset", "-1");
        }
    }),
    defect(
        "create.no-closed-flag",
        "5.1-34",
        "create.closed.is-closed",
        "the 201 of a stream that is created closed does not say so",
    )
    .says(|asked, head| {
        if asked.put() && head.is(201) {
            head.lose("stream-closed");
        }
    }),
    defect(
        "create.no-closed-flag-on-200",
        "5.1-34",
        "create.closed.again-answers-200",
        "the 200 to a PUT of a closed stream does not say so",
    )
    .says(|asked, head| {
        if asked.put() && head.is(200) {
            head.lose("stream-closed");
        }
    }),
];
