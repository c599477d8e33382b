//! One operation with its retries.

mod common;

use common::*;
use durable_streams_core::operation::{
    Append, Close, Create, Delete, Head, Operation, Payload, Read, ReadOutcome,
};
use durable_streams_core::{
    Call, CallConfig, CallEnd, Error, ErrorKind, FailureKind, Input, RetryPolicy, Start,
};
use http::Method;

fn call_with<O: Operation>(operation: &O, config: CallConfig) -> Driver<Call> {
    Driver::new(Call::of(operation, config).unwrap())
}

fn call<O: Operation>(operation: &O) -> Driver<Call> {
    call_with(operation, CallConfig::default())
}

fn append() -> Append {
    Append::new(url(), "x")
}

impl Driver<Call> {
    fn outcome<O: Operation>(&mut self, operation: &O) -> Result<O::Outcome, Error> {
        assert!(self.is_done(), "it goes on");
        assert_eq!(self.events.len(), 1);
        self.events.pop().unwrap().1.outcome(operation)
    }
}

/// An attempt whose fate is unknown.
const LOST: [FailureKind; 2] = [FailureKind::Interrupted, FailureKind::Timeout];

#[test]
fn b31_a_plain_append_is_not_resent_once_it_may_have_reached_the_server() {
    for plain in [append(), append().close(true)] {
        for kind in LOST {
            let mut c = call(&plain);
            c.failed(kind);
            let error = c.outcome(&plain).unwrap_err();
            assert!(error.may_have_been_applied() && error.is_retryable());
            assert!(error.to_string().contains("may have been applied"));
            c.assert_ended_after(1);
        }
        // No answer within the limit is the same.
        let mut c = call(&plain);
        assert_eq!(c.until_deadline(), 30 * SECOND);
        c.timeout();
        let error = c.outcome(&plain).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.may_have_been_applied());
        assert_eq!(c.aborted.len(), 1);
        c.assert_ended_after(1);
    }
}

#[test]
fn b31_an_answer_that_says_nothing_about_its_fate_is_the_end_of_a_plain_append() {
    for (status, applied) in [
        (408, true),
        (425, false),
        (500, true),
        (502, true),
        (504, true),
    ] {
        let mut c = call(&append());
        c.answer(status, &[("retry-after", "1")], "gone wrong");
        let error = c.outcome(&append()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(error.may_have_been_applied(), applied, "{status}");
        c.assert_ended_after(1);
    }
}

#[test]
fn b31_what_was_certainly_not_applied_is_sent_again() {
    let mut c = call(&append());
    c.failed(FailureKind::Connect);
    assert!(c.until_deadline() <= 100 * MS);
    c.next_request();
    c.answer(429, &[("retry-after", "7")], "");
    assert_eq!(c.until_deadline(), 7 * SECOND);
    c.next_request();
    c.answer(503, &[("retry-after", "40")], "");
    assert_eq!(c.until_deadline(), 40 * SECOND);
    let sent = c.next_request().clone();
    assert_eq!(sent.at, c.elapsed());
    assert_eq!(sent.request.body(), c.sent[0].request.body());
    assert_eq!(sent.request.headers(), c.sent[0].request.headers());
    c.answer(204, &[next("5")], "");
    assert_eq!(c.outcome(&append()).unwrap().next_offset.as_str(), "5");
    c.assert_ended_after(4);
}

#[test]
fn b31_attempts_that_were_refused_leave_a_lost_one_unknown_and_a_refusal_certain() {
    let mut c = call(&append());
    c.answer(503, &[], "");
    c.next_request();
    c.failed(FailureKind::Interrupted);
    assert!(c.outcome(&append()).unwrap_err().may_have_been_applied());

    let mut c = call_with(
        &append(),
        CallConfig {
            retry: RetryPolicy::never(),
            ..CallConfig::default()
        },
    );
    c.failed(FailureKind::Connect);
    let error = c.outcome(&append()).unwrap_err();
    assert!(!error.may_have_been_applied() && error.is_retryable());
}

#[test]
fn b31_at_least_once_is_asked_for_and_then_what_is_lost_is_sent_again() {
    let append = append().at_least_once(true);
    let mut c = call(&append);
    for kind in LOST {
        c.failed(kind);
        c.next_request();
    }
    c.answer(500, &[], "");
    let sent = c.next_request().clone();
    assert_eq!(sent.request.body(), c.sent[0].request.body());
    assert_eq!(sent.request.headers(), c.sent[0].request.headers());
    c.answer(204, &[next("5")], "");
    assert_eq!(c.outcome(&append).unwrap().next_offset.as_str(), "5");
    c.assert_ended_after(4);

    // What is final is final, and the lost attempt before it still unknown.
    let mut c = call(&append);
    c.failed(FailureKind::Interrupted);
    c.next_request();
    c.answer(404, &[], "");
    let error = c.outcome(&append).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamNotFound);
    assert!(error.may_have_been_applied());
    c.assert_ended_after(2);
}

#[test]
fn b31_a_head_whose_body_is_lost_is_an_answer() {
    // It says what became of the append: nothing is unknown.
    for lost in [false, true] {
        let mut c = call(&append());
        c.head(200, &[next("5"), ("content-length", "100")]);
        c.chunk("x");
        match lost {
            true => c.failed(FailureKind::Interrupted),
            false => c.timeout(),
        }
        assert_eq!(c.outcome(&append()).unwrap().next_offset.as_str(), "5");
        c.assert_ended_after(1);
    }
}

#[test]
fn b32_with_a_sequence_number_a_conflict_after_an_unknown_outcome_says_so() {
    let append = append().seq("0007");
    for kind in LOST {
        let mut c = call(&append);
        c.failed(kind);
        assert_eq!(c.next_request().header("stream-seq"), Some("0007"));
        c.answer(409, &[], "");
        let error = c.outcome(&append).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SequenceConflict);
        assert!(error.may_have_been_applied());
        assert!(error.to_string().contains("an earlier attempt"), "{error}");
        c.assert_ended_after(2);
    }
    // A 5xx hides the fate of an append as well.
    let mut c = call(&append);
    c.answer(502, &[], "");
    c.next_request();
    c.answer(409, &[], "");
    assert!(c.outcome(&append).unwrap_err().may_have_been_applied());
    // A first attempt that conflicts is certain, also after attempts that were not applied.
    let mut c = call(&append);
    c.failed(FailureKind::Connect);
    c.next_request();
    c.answer(503, &[], "");
    c.next_request();
    c.answer(409, &[], "");
    let error = c.outcome(&append).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SequenceConflict);
    assert!(!error.may_have_been_applied());
}

#[test]
fn b32_any_refusal_after_an_unknown_outcome_leaves_it_unknown() {
    for (status, headers) in [
        (409, vec![CLOSED, next("9")]),
        (404, vec![]),
        (403, vec![]),
        (413, vec![]),
    ] {
        let append = append().seq("0007");
        let mut c = call(&append);
        c.failed(FailureKind::Interrupted);
        c.next_request();
        c.answer(status, &headers, "");
        assert!(c.outcome(&append).unwrap_err().may_have_been_applied());
    }
    // And so does giving up.
    let append = append().seq("0007");
    let mut c = call(&append);
    c.failed(FailureKind::Interrupted);
    while !c.is_done() {
        c.next_request();
        c.pass(10 * SECOND);
        c.failed(FailureKind::Connect);
    }
    assert!(c.outcome(&append).unwrap_err().may_have_been_applied());
}

#[test]
fn b35_closing_is_repeated_and_appending_with_it_is_not() {
    let close = Close::new(url());
    let mut c = call(&close);
    c.failed(FailureKind::Interrupted);
    c.next_request();
    c.answer(504, &[], "");
    c.next_request();
    c.answer(409, &[CLOSED, next("9")], "closed");
    assert_eq!(c.outcome(&close).unwrap().final_offset.as_str(), "9");
    c.assert_ended_after(3);

    // With a sequence number it is sent again, and its own close is what it may meet.
    let append = append().close(true).seq("1");
    let mut c = call(&append);
    c.failed(FailureKind::Interrupted);
    c.next_request();
    c.answer(409, &[CLOSED, next("9")], "");
    let error = c.outcome(&append).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamClosed);
    assert!(error.to_string().contains("an earlier attempt"), "{error}");
}

#[test]
fn b36_a_delete_whose_answer_was_lost_finds_nothing_and_succeeds() {
    let delete = Delete::new(url());
    for status in [204, 200, 404, 410] {
        let mut c = call(&delete);
        c.failed(FailureKind::Interrupted);
        c.next_request();
        c.answer(status, &[], "");
        c.outcome(&delete).unwrap();
    }
    let mut c = call(&delete);
    c.failed(FailureKind::Connect);
    c.next_request();
    c.answer(404, &[], "");
    let error = c.outcome(&delete).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamNotFound);
}

#[test]
fn b38_the_body_of_an_answer_to_head_is_never_read() {
    let head = Head::new(url());
    let mut c = call(&head);
    assert_eq!(c.last().request.method(), Method::HEAD);
    let id = c.last().id;
    c.head(200, &[JSON, next("5"), ("content-length", "1000")]);
    assert_eq!(c.aborted, [id]);
    assert_eq!(c.outcome(&head).unwrap().next_offset.as_str(), "5");
    c.assert_ended_after(1);

    let mut c = call(&head);
    c.head(503, &[("content-length", "10"), ("retry-after", "3")]);
    assert_eq!(c.until_deadline(), 3 * SECOND);
    assert_eq!(c.aborted.len(), 1);
}

#[test]
fn b54_gives_up_after_attempts_and_time_with_the_last_answer() {
    let head = Head::new(url());
    let mut c = call(&head);
    let mut attempts = 0;
    while !c.is_done() {
        attempts += 1;
        let bound = (100 * MS * (1 << (attempts - 1))).min(30 * SECOND);
        c.head(503, &[]);
        if !c.is_done() {
            assert!(c.until_deadline() <= bound);
            c.next_request();
        }
    }
    assert!(attempts >= 5 && c.elapsed() >= 30 * SECOND);
    let error = c.outcome(&head).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.is_retryable() && !error.may_have_been_applied());
    c.assert_ended_after(attempts);
}

#[test]
fn b54_the_limit_is_for_an_attempt_as_a_whole_and_configurable() {
    let create = Create::new(url());
    let config = CallConfig {
        timeout: 5 * SECOND,
        ..CallConfig::default()
    };
    let mut c = call_with(&create, config);
    c.timeout();
    c.next_request();
    assert_eq!(c.until_deadline(), 5 * SECOND);
    c.pass(3 * SECOND);
    c.head(201, &[next("0")]);
    c.chunk("drop by drop");
    assert_eq!(c.until_deadline(), 2 * SECOND);
    c.timeout();
    let created = c.outcome(&create).unwrap();
    assert!(created.created);
}

#[test]
fn b56_other_refusals_are_final_and_passing_ones_are_not() {
    let create = Create::new(url());
    for status in [400, 401, 403, 404, 405, 409, 410, 413, 418, 501, 202, 206] {
        let mut c = call(&create);
        c.answer(status, &[("retry-after", "1"), next("1")], "no");
        let error = c.outcome(&create).unwrap_err();
        assert!(!error.is_retryable(), "{status}");
        assert_eq!(error.body(), Some("no"));
        c.assert_ended_after(1);
    }
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let mut c = call(&create);
        c.answer(status, &[], "");
        c.next_request();
        c.answer(200, &[next("0")], "");
        assert!(!c.outcome(&create).unwrap().created);
    }
}

#[test]
fn a_request_that_the_transport_refuses_was_not_sent() {
    let mut c = call(&append().seq("1"));
    c.failed(FailureKind::Refused);
    let error = c.outcome(&append()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!error.may_have_been_applied());
    c.assert_ended_after(1);
}

#[test]
fn b57_of_an_answer_only_a_bounded_piece_is_kept() {
    let mut c = call(&append());
    let id = c.last().id;
    c.head(404, &[]);
    for _ in 0..1000 {
        if c.live().is_some() {
            c.chunk([b'x'; 1000]);
        }
    }
    assert_eq!(c.aborted, [id], "the rest is not read");
    let end = &c.events[0].1;
    let CallEnd::Answered { response, .. } = end else {
        panic!("{end:?}")
    };
    assert_eq!(response.body().len(), 64 * 1024);
    let error = c.outcome(&append()).unwrap_err();
    assert_eq!(error.body().unwrap().len(), 1024);
}

#[test]
fn b59_inputs_of_earlier_attempts_change_nothing() {
    let create = Create::new(url());
    let mut c = call(&create);
    let first = c.live().unwrap();
    c.timeout();
    c.next_request();
    for input in [
        Input::Head(first, parts(409, &[])),
        Input::Chunk(first, "x".into()),
        Input::End(first),
    ] {
        c.hand_in(input);
        c.settle();
    }
    assert!(!c.is_done());
    c.answer(201, &[next("0")], "");
    assert!(c.outcome(&create).unwrap().created);
}

#[test]
fn b65_reads_follow_redirects_within_the_origin_and_writes_none() {
    let head = Head::new(url());
    let mut c = call(&head);
    c.head(307, &[("location", "/v2/s")]);
    assert_eq!(c.last().request.method(), Method::HEAD);
    assert_eq!(c.last().request.uri(), "http://h:4437/v2/s");
    c.head(200, &[next("1")]);
    c.outcome(&head).unwrap();

    let mut c = call(&head);
    c.head(308, &[("location", "http://other/v2/s")]);
    let error = c.outcome(&head).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Redirect);
    c.assert_ended_after(1);

    let mut c = call(&head);
    while !c.is_done() {
        assert!(c.sent.len() < 50, "it goes round");
        c.head(307, &[("location", "/v1/s")]);
    }
    assert_eq!(c.outcome(&head).unwrap_err().kind(), ErrorKind::Redirect);

    for append in [append(), append().seq("1")] {
        for status in [301, 302, 303, 307, 308] {
            let mut c = call(&append);
            c.answer(status, &[("location", "/v2/s"), next("1")], "");
            let error = c.outcome(&append).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Redirect);
            assert!(!error.may_have_been_applied());
            c.assert_ended_after(1);
        }
    }
}

#[test]
fn b66_retry_after_as_a_date_is_a_floor_read_against_the_answers_own() {
    let mut c = call(&append());
    c.answer(
        503,
        &[
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"),
        ],
        "",
    );
    assert_eq!(c.until_deadline(), 30 * SECOND);
}

#[test]
fn b60_a_read_whose_body_is_cut_is_no_answer() {
    let read = Read::new(url(), Start::Beginning);
    for how in 0..2 {
        let mut c = call(&read);
        c.head(200, &[BINARY, next("9"), UP_TO_DATE]);
        c.chunk("half of");
        match how {
            0 => c.failed(FailureKind::Interrupted),
            _ => c.timeout(),
        }
        assert!(!c.is_done(), "half of a page is taken for a whole one");
        c.next_request();
        c.answer(200, &[BINARY, next("9"), UP_TO_DATE], "half of it");
        let ReadOutcome::Page(page) = c.outcome(&read).unwrap() else {
            panic!("no page")
        };
        assert_eq!(page.body, "half of it");
    }
}

#[test]
fn b60_a_read_with_a_long_body_is_never_cut_silently() {
    let read = Read::new(url(), Start::Beginning);
    let body = vec![b'x'; 100_000];
    let mut c = call(&read);
    c.answer(200, &[BINARY, next("9"), UP_TO_DATE], &body);
    match c.outcome(&read) {
        Ok(ReadOutcome::Page(page)) => assert_eq!(page.body.len(), body.len()),
        Ok(other) => panic!("no page: {other:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::LimitExceeded),
    }
}

#[test]
fn two_runs_with_the_same_inputs_give_the_same_outputs() {
    let run = |seed| {
        let append = Append::new(url(), Payload::message(&1).unwrap()).seq("1");
        let config = CallConfig {
            seed,
            ..CallConfig::default()
        };
        let mut c = call_with(&append, config);
        for _ in 0..3 {
            c.failed(FailureKind::Connect);
            c.next_request();
            c.answer(503, &[], "");
            c.next_request();
        }
        c.answer(204, &[next("1")], "");
        c.trace
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2), "the seed is what differs");
}
