//! What fails, what is tried again and when, and what is final.

mod common;

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use durable_streams_core::{
    ErrorKind, Failure, FailureKind, Input, Live, OperationKind, Reader, ReaderConfig, RetryPolicy,
    StreamUrl,
};

const PASSING: [u16; 8] = [408, 425, 429, 500, 502, 503, 504, 599];

/// Everything an attempt can die of that is no answer, and what a passing failure looks like.
fn fail(r: &mut Driver<Reader>, how: u32) {
    match how {
        0 => r.failed(FailureKind::Connect),
        1 => r.failed(FailureKind::Interrupted),
        2 => r.failed(FailureKind::Timeout),
        3 => r.timeout(),
        4 => {
            r.head(200, &[JSON, next("9")]);
            r.timeout();
        }
        5 => {
            r.head(200, &[JSON, next("9")]);
            r.failed(FailureKind::Interrupted);
        }
        6 => {
            r.head(200, &[JSON, next("9")]);
            r.end();
        }
        7 => {
            r.head(503, &[TEXT]);
            r.chunk("bus");
            r.failed(FailureKind::Interrupted);
        }
        8 => {
            r.head(503, &[TEXT]);
            r.timeout();
        }
        _ => {
            r.answer(
                502,
                &[("content-type", "text/html")],
                "<h1>Bad gateway</h1>",
            );
        }
    }
}

#[test]
fn b54_every_passing_failure_is_tried_again_at_the_same_position() {
    for how in 0..10 {
        let mut r = read(|config| config);
        r.json("1", &[], "[1]");
        let before = r.batches().count();
        fail(&mut r, how);
        let errors = r.retries();
        assert_eq!(errors.len(), 1, "failure {how}");
        assert!(errors[0].is_retryable(), "failure {how}: {}", errors[0]);
        assert!(r.until_deadline() <= 100 * MS, "failure {how}");
        assert_eq!(r.next_request().target(), "/v1/s?offset=1");
        assert_eq!(r.batches().count(), before);
        r.json("2", &[UP_TO_DATE], "[2]");
        assert_eq!(r.messages(), ["1", "2"]);
        r.assert_ended_after(3);
    }
}

#[test]
fn b54_delays_double_from_the_initial_one_to_the_maximum_with_full_jitter() {
    let mut highest = [Duration::ZERO; 12];
    let mut lowest = [Duration::MAX; 12];
    for seed in 0..200 {
        let mut r = read(|config| config.seed(seed));
        for n in 0..12 {
            r.failed(FailureKind::Connect);
            let delay = r.until_deadline();
            let bound = (100 * MS * (1 << n)).min(30 * SECOND);
            assert!(delay <= bound, "retry {n}: {delay:?}");
            highest[n] = highest[n].max(delay);
            lowest[n] = lowest[n].min(delay);
            r.next_request();
        }
    }
    for n in 0..12 {
        let bound = (100 * MS * (1 << n)).min(30 * SECOND);
        assert!(highest[n] > bound * 9 / 10 && lowest[n] < bound / 10);
    }
}

#[test]
fn b54_the_policy_is_configurable() {
    let policy = RetryPolicy::endless()
        .initial(2 * SECOND)
        .max(5 * SECOND)
        .multiplier(1.0)
        .give_up_after(4, Duration::ZERO);
    let mut r = read(|config| config.retry(policy));
    for _ in 0..3 {
        r.failed(FailureKind::Connect);
        assert!(r.until_deadline() <= 2 * SECOND);
        r.next_request();
    }
    r.failed(FailureKind::Connect);
    let error = r.assert_fails(ErrorKind::Transport);
    assert!(error.is_retryable() && !error.may_have_been_applied());
    r.assert_ended_after(4);
}

#[test]
fn b54_attempts_and_time_give_up_together_and_success_starts_both_over() {
    let policy = RetryPolicy::endless()
        .initial(SECOND)
        .multiplier(1.0)
        .give_up_after(3, 60 * SECOND);
    let mut r = read(|config| config.retry(policy).live(Live::LongPoll));
    for _ in 0..10 {
        r.failed(FailureKind::Connect);
        r.next_request();
    }
    r.json("1", &[UP_TO_DATE], "[1]");
    r.pass(3600 * SECOND);
    r.failed(FailureKind::Connect);
    let since = r.elapsed();
    while !r.is_done() {
        r.next_request();
        r.failed(FailureKind::Connect);
        assert!(r.elapsed() - since <= 62 * SECOND);
    }
    assert!(r.elapsed() - since >= 60 * SECOND);
    r.assert_fails(ErrorKind::Transport);
}

#[test]
fn b54_retry_after_in_seconds_is_a_floor() {
    for status in PASSING {
        for live in [Live::Off, Live::LongPoll, Live::Sse] {
            let mut r = read(|config| config.live(live));
            if live != Live::Off {
                r.json("1", &[UP_TO_DATE], "[1]");
            }
            let target = r.last().target().to_owned();
            r.answer(status, &[("retry-after", "7")], "busy");
            assert_eq!(r.until_deadline(), 7 * SECOND, "{status} {live:?}");
            assert_eq!(r.retries()[0].retry_after(), Some(7 * SECOND));
            assert_eq!(r.next_request().target(), target);
        }
    }
    // A floor, not the delay: the backoff may be longer.
    let mut r = read(|config| config.retry(RetryPolicy::endless().initial(1000 * SECOND)));
    r.answer(429, &[("retry-after", "1")], "");
    assert!((SECOND..=30 * SECOND).contains(&r.until_deadline()));
    assert_eq!(r.retries()[0].kind(), ErrorKind::RateLimited);
}

#[test]
fn b54_retry_after_is_believed_for_an_hour_at_most() {
    for text in ["86400", "99999999999999999999999"] {
        let mut r = read(|config| config);
        r.answer(503, &[("retry-after", text)], "");
        assert_eq!(r.until_deadline(), 3600 * SECOND);
    }
    for text in ["-1", "soon", "1.5", ""] {
        let mut r = read(|config| config);
        r.answer(503, &[("retry-after", text)], "");
        assert!(r.until_deadline() <= 100 * MS, "{text:?}");
    }
}

#[test]
fn b66_retry_after_as_a_date_is_read_against_the_answers_own_date() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (headers, floor) in [
        (
            vec![date, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")],
            30,
        ),
        (
            vec![date, ("retry-after", "Mon, 07 Nov 1994 08:49:37 GMT")],
            3600,
        ),
        // Neither of these says how long.
        (
            vec![date, ("retry-after", "Sun, 06 Nov 1994 08:49:36 GMT")],
            0,
        ),
        (vec![("retry-after", "Sun, 06 Nov 2094 08:50:07 GMT")], 0),
    ] {
        let mut r = read(|config| config);
        r.answer(429, &headers, "");
        let (floor, delay) = (floor * SECOND, r.until_deadline());
        assert!(delay >= floor && delay <= floor.max(100 * MS), "{delay:?}");
    }
}

#[test]
fn b56_other_refusals_are_final() {
    for (status, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::StreamNotFound),
        (405, ErrorKind::NotSupported),
        (409, ErrorKind::Conflict),
        (410, ErrorKind::Gone),
        (413, ErrorKind::PayloadTooLarge),
        (418, ErrorKind::UnexpectedStatus),
        (501, ErrorKind::NotSupported),
        (201, ErrorKind::Protocol),
        (202, ErrorKind::Protocol),
        (206, ErrorKind::Protocol),
        (600, ErrorKind::UnexpectedStatus),
    ] {
        let mut r = read(|config| config);
        r.json("1", &[], "[1]");
        r.answer(
            status,
            &[JSON, next("2"), UP_TO_DATE, ("retry-after", "1")],
            "[2]",
        );
        let error = r.assert_fails(kind);
        assert_eq!(error.status().unwrap(), status);
        assert!(!error.is_retryable() && !error.may_have_been_applied());
        assert_eq!((r.messages(), r.checkpoint()), (vec!["1"], "1".into()));
        r.assert_ended_after(2);
    }
}

#[test]
fn b56_passing_ones_are_tried_again_without_end() {
    let mut r = read(|config| config);
    for n in 0..200 {
        r.answer(PASSING[n % PASSING.len()], &[], "");
        assert!(r.until_deadline() <= 30 * SECOND);
        r.next_request();
    }
    assert_eq!(r.retries().len(), 200);
    r.json("1", &[UP_TO_DATE], "[1]");
    assert_eq!(r.messages(), ["1"]);
}

#[test]
fn a_request_that_the_transport_refuses_is_final() {
    let mut r = read(|config| config);
    let source: Arc<dyn std::error::Error + Send + Sync> = Arc::new(io::Error::other("no such"));
    let id = r.live().unwrap();
    let failure = Failure {
        kind: FailureKind::Refused,
        source: Some(source),
    };
    r.feed(Input::Failed(id, failure));
    let error = r.assert_fails(ErrorKind::InvalidInput);
    assert_eq!(error.source().unwrap().to_string(), "no such");
    r.assert_ended_after(1);
}

#[test]
fn b57_an_error_says_what_where_and_how_and_nothing_secret() {
    let url = StreamUrl::parse("http://h/v1/s?token=secret").unwrap();
    let mut r = reader(ReaderConfig::new(url).prefetch(0));
    assert_eq!(r.last().target(), "/v1/s?offset=-1&token=secret");
    let long = format!("no\u{1b}[31m luck{}", "x".repeat(100_000));
    let id = r.last().id;
    r.head(
        404,
        &[
            TEXT,
            ("set-cookie", "secret"),
            ("retry-after", "3"),
            next("7"),
        ],
    );
    for chunk in long.as_bytes().chunks(100) {
        if r.live().is_some() {
            r.chunk(chunk);
        }
    }
    let error = r.assert_fails(ErrorKind::StreamNotFound);
    assert_eq!(error.operation(), Some(OperationKind::Read));
    assert_eq!(error.url(), Some("http://h/v1/s"));
    assert_eq!(error.status().unwrap(), 404);
    assert_eq!(error.next_offset().unwrap().as_str(), "7");
    let body = error.body().unwrap();
    assert!(body.len() <= 1024 && body.starts_with("no [31m luck"));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("secret") && !shown.contains('\u{1b}'));
    assert!(r.aborted.contains(&id), "the rest is not read");

    // The same of what is only tried again.
    let url = StreamUrl::parse("http://h/v1/s?token=secret").unwrap();
    let mut r = reader(ReaderConfig::new(url).prefetch(0));
    r.answer(503, &[], "busy");
    let error = r.retries()[0].clone();
    assert_eq!(error.url(), Some("http://h/v1/s"));
    assert_eq!(error.body(), Some("busy"));
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[test]
fn b60_an_error_is_never_an_end_nor_up_to_date() {
    for live in [Live::Off, Live::LongPoll, Live::Sse] {
        // The headers of an error say what they want.
        let flags = [JSON, next("1"), UP_TO_DATE, CLOSED];
        for status in [404, 410, 500, 503, 206] {
            let mut r = read(|config| config.live(live));
            r.answer(status, &flags, "[1]");
            assert_eq!(r.batches().count(), 0, "{status}");
            assert!(!r.machine.is_closed() && !r.machine.is_not_modified());
        }
        // A body that does not come to its end is none either.
        let mut r = read(|config| config.live(live));
        r.head(200, &flags);
        r.chunk("[1");
        r.failed(FailureKind::Interrupted);
        assert!(!r.is_done() && !r.machine.is_closed());
        assert_eq!((r.batches().count(), r.retries().len()), (0, 1));
    }
}

#[test]
fn b58_an_entity_tag_is_checked_when_it_is_configured() {
    for tag in ["a\r\nb", "a\0"] {
        let error = ReaderConfig::new(url()).if_none_match(tag).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn b59_a_reader_that_was_dropped_goes_on_at_its_last_checkpoint() {
    let mut r = read(|config| config.live(Live::Sse));
    r.json("1", &[UP_TO_DATE], "[1]");
    r.open_events();
    r.chunk(group(
        "[2]",
        r#"{"streamNextOffset":"2","streamCursor":"c"}"#,
    ));
    r.chunk("event: data\ndata: [3]\n\n");
    let saved = r.machine.checkpoint().unwrap();
    assert_eq!(&saved, r.last_batch().checkpoint());
    drop(r);
    let mut r = read(|config| config.from(saved));
    assert_eq!(r.last().target(), "/v1/s?offset=2");
    r.json("3", &[CLOSED], "[3]");
    assert_eq!(r.messages(), ["3"]);
}

#[test]
fn b59_inputs_of_requests_that_are_over_change_nothing() {
    let mut r = read(|config| config);
    let first = r.live().unwrap();
    r.timeout();
    r.next_request();
    for input in [
        Input::Head(first, parts(200, &[JSON, next("9"), CLOSED])),
        Input::Chunk(first, "[9]".into()),
        Input::End(first),
    ] {
        r.hand_in(input);
        r.settle();
    }
    r.hand_in(Input::Failed(first, FailureKind::Refused.into()));
    r.settle();
    assert_eq!(r.batches().count(), 0);
    r.json("1", &[CLOSED], "[1]");
    assert_eq!(r.messages(), ["1"]);
    r.assert_closed();
}

#[test]
fn a_head_and_then_nothing_is_given_up_after_the_request_timeout() {
    for (limit, set) in [(30, None), (5, Some(5 * SECOND))] {
        let mut r = read(|config| match set {
            Some(limit) => config.request_timeout(limit),
            None => config,
        });
        assert_eq!(r.until_deadline(), limit * SECOND);
        r.pass((limit - 1) * SECOND);
        r.head(200, &[JSON, next("2"), UP_TO_DATE]);
        assert_eq!(r.until_deadline(), limit * SECOND);
        // A body may take any time as long as it does not stand still.
        for _ in 0..100 {
            r.pass((limit - 1) * SECOND);
            r.chunk(if r.messages().is_empty() { "[1," } else { " " });
            assert_eq!(r.until_deadline(), limit * SECOND);
        }
        r.timeout();
        assert_eq!(r.retries()[0].kind(), ErrorKind::Timeout);
        assert_eq!((r.messages(), r.checkpoint()), (vec!["1"], "-1,1".into()));
        assert_eq!(r.aborted.len(), 1);
    }
}

#[test]
fn two_runs_with_the_same_inputs_give_the_same_outputs() {
    let run = |seed| {
        let mut r = read(|config| config.live(Live::Sse).seed(seed));
        for how in 0..10 {
            fail(&mut r, how);
            r.next_request();
        }
        r.json("1", &[UP_TO_DATE], "[1]");
        r.open_events();
        r.chunk(group("[2]", r#"{"streamNextOffset":"2"}"#));
        r.failed(FailureKind::Interrupted);
        r.next_request();
        r.trace
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2), "the seed is what differs");
}
