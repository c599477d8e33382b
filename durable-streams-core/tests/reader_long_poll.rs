//! Live by long-poll.

mod common;

use std::time::Duration;

use common::*;
use durable_streams_core::{
    ErrorKind, FailureKind, Input, Live, Machine, Output, Reader, RetryPolicy,
};

#[test]
fn b18_a_204_moves_offset_and_cursor_and_means_up_to_date() {
    let mut r = at_long_poll(|config| config);
    r.pass(25 * SECOND);
    r.answer(204, &[next("2"), ("stream-cursor", "c1")], "");
    assert_eq!(r.checkpoint(), "2,0,c1");
    assert!(r.last_batch().is_up_to_date() && r.last_batch().is_empty());
    assert_eq!(
        r.last().target(),
        "/v1/s?cursor=c1&live=long-poll&offset=2",
        "at once"
    );
    assert_eq!(r.retries().len(), 0);
}

#[test]
fn the_status_is_that_of_the_last_answer_that_was_taken_on() {
    let mut r = at_long_poll(|config| config);
    let status = |r: &Driver<Reader>| r.machine.status().map(|status| status.as_u16());
    assert_eq!(status(&r), Some(200));
    r.pass(25 * SECOND);
    r.answer(204, &[next("1")], "");
    assert_eq!(status(&r), Some(204));
    r.answer(503, &[], "");
    assert_eq!(status(&r), Some(204), "a refusal that is tried again");
    r.next_request();
    r.json("2", &[], "[1]");
    assert_eq!(status(&r), Some(200));
}

#[test]
fn b18_what_is_known_already_is_not_told_again() {
    let mut r = at_long_poll(|config| config);
    let told = r.batches().count();
    for _ in 0..3 {
        r.pass(25 * SECOND);
        r.answer(204, &[next("1"), UP_TO_DATE], "");
    }
    assert_eq!(r.batches().count(), told);
    assert_eq!(r.sent.len(), 5);
    // Something came, and the tail after it is news.
    r.json("2", &[], "[1]");
    assert!(!r.last_batch().is_up_to_date());
    r.pass(25 * SECOND);
    r.answer(204, &[next("2"), UP_TO_DATE], "");
    assert!(r.last_batch().is_up_to_date() && r.last_batch().is_empty());
}

#[test]
fn b19_an_unanswered_poll_is_a_retryable_error_and_never_up_to_date() {
    let mut r = at_long_poll(|config| config);
    let told = r.batches().count();
    let (id, sent) = (r.last().id, r.last().at);
    assert_eq!(r.until_deadline(), 65 * SECOND, "longer than servers wait");
    r.timeout();
    assert_eq!(r.elapsed() - sent, 65 * SECOND);
    assert_eq!(r.aborted.last(), Some(&id));
    let errors = r.retries();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].kind(), ErrorKind::Timeout);
    assert!(errors[0].is_retryable());
    assert_eq!(r.batches().count(), told);
    assert!(r.until_deadline() <= 100 * MS);
    assert_eq!(
        r.next_request().target(),
        "/v1/s?live=long-poll&offset=1",
        "the same position, still live"
    );
    // What the dropped request still brings is nobody's.
    r.feed(Input::Head(id, parts(204, &[next("9")])));
    r.feed(Input::End(id));
    assert_eq!(r.checkpoint(), "1");
}

#[test]
fn b19_the_limit_is_configurable_and_for_waiting_only() {
    let limit = 10 * SECOND;
    let mut r = at_long_poll(|config| config.long_poll_timeout(limit));
    assert_eq!(r.until_deadline(), limit);
    // Once the answer began, it may not stand still longer than any other.
    r.head(200, &[JSON, next("2")]);
    assert_eq!(r.until_deadline(), 30 * SECOND);
    r.pass(29 * SECOND);
    r.chunk("[");
    assert_eq!(r.until_deadline(), 30 * SECOND);
    r.timeout();
    assert_eq!(r.retries()[0].kind(), ErrorKind::Timeout);
    assert_eq!(r.checkpoint(), "1");
}

#[test]
fn b19_a_server_that_never_answers_is_asked_for_ever_and_ends_nothing() {
    let mut r = at_long_poll(|config| config);
    let told = r.batches().count();
    for _ in 0..20 {
        r.timeout();
        assert!(r.until_deadline() <= 30 * SECOND);
        r.next_request();
    }
    assert_eq!(r.batches().count(), told);
    assert_eq!(r.retries().len(), 20);
}

#[test]
fn b20_the_last_cursor_is_sent_on_live_requests_and_kept_when_an_answer_has_none() {
    let mut r = read(|config| config.live(Live::LongPoll));
    r.json("1", &[("stream-cursor", "a")], "[1]");
    assert_eq!(r.last().target(), "/v1/s?offset=1", "history has no cursor");
    r.json("2", &[UP_TO_DATE], "[2]");
    assert_eq!(r.last().param("cursor"), Some("a"));
    r.json("3", &[("stream-cursor", "b")], "[3]");
    assert_eq!(r.last().param("cursor"), Some("b"));
    r.json("4", &[("stream-cursor", "")], "[4]");
    assert_eq!(r.last().param("cursor"), Some("b"));
    r.failed(FailureKind::Interrupted);
    assert_eq!(r.next_request().param("cursor"), Some("b"));
    assert_eq!(r.checkpoint(), "4,0,b");

    // A saved one goes on with it.
    let saved = r.machine.checkpoint().unwrap();
    let mut r = read(|config| config.live(Live::LongPoll).from(saved));
    assert_eq!(r.last().target(), "/v1/s?offset=4");
    r.json("4", &[UP_TO_DATE], "[]");
    assert_eq!(r.last().target(), "/v1/s?cursor=b&live=long-poll&offset=4");
}

#[test]
fn b21_closed_on_a_200_ends_the_read_after_its_body() {
    let mut r = at_long_poll(|config| config);
    r.head(200, &[JSON, next("3"), CLOSED]);
    assert!(!r.machine.is_closed());
    r.chunk("[1,");
    assert!(!r.machine.is_closed());
    r.chunk("2]");
    r.end();
    assert_eq!(r.messages(), ["1", "2"]);
    assert_eq!(r.checkpoint(), "3");
    r.assert_closed();
    r.assert_ended_after(2);
}

#[test]
fn b21_a_closed_answer_that_is_cut_is_no_end() {
    for length in [false, true] {
        let mut r = at_long_poll(|config| config);
        let headers = [JSON, next("3"), CLOSED, ("content-length", "5")];
        r.head(200, &headers[..3 + usize::from(length)]);
        r.chunk("[1,2");
        r.end();
        assert!(!r.is_done() && !r.machine.is_closed());
        assert_eq!(r.next_request().param("offset"), Some("1"));
        r.json("3", &[CLOSED], "[1,2]");
        assert_eq!(r.messages(), ["1", "2"]);
        r.assert_closed();
    }
}

#[test]
fn b21_closed_on_a_204_ends_the_read() {
    let mut r = at_long_poll(|config| config);
    // The cursor may be missing once closed.
    r.answer(204, &[next("1"), UP_TO_DATE, CLOSED], "");
    r.assert_closed();
    assert_eq!(r.checkpoint(), "1");
    r.assert_ended_after(2);
}

#[test]
fn b26_a_204_answered_at_once_for_ever_is_asked_for_once_a_second() {
    let mut r = at_long_poll(|config| config);
    let first = r.sent.len();
    while r.elapsed() < 60 * SECOND {
        r.answer(204, &[next("1"), UP_TO_DATE], "");
        if r.live().is_none() {
            r.next_request();
        }
    }
    let requests = r.sent.len() - first;
    assert!((55..=70).contains(&requests), "{requests} in a minute");
    let (times, last) = (&r.sent[first + 10..], r.elapsed());
    for pair in times.windows(2) {
        assert_eq!(pair[1].at - pair[0].at, SECOND);
    }
    assert!(last >= 60 * SECOND);
    assert_eq!(r.retries().len(), 0, "an eager server is no failure");
    // As soon as something comes, it is asked at once again.
    r.json("2", &[UP_TO_DATE], "[1]");
    assert_eq!(r.last().at, r.elapsed());
    assert_eq!(r.last().param("offset"), Some("2"));
}

#[test]
fn b26_an_answer_that_took_its_time_starts_the_intervals_over() {
    let mut r = at_long_poll(|config| config);
    for _ in 0..3 {
        for interval in [100, 200, 400, 800, 1000] {
            let sent = r.last().at;
            r.answer(204, &[next("1"), UP_TO_DATE], "");
            assert_eq!(r.next_request().at - sent, interval * MS);
        }
        r.pass(20 * SECOND);
        r.answer(204, &[next("1"), UP_TO_DATE], "");
        assert_eq!(r.last().at, r.elapsed(), "at once");
    }
}

#[test]
fn b26_an_empty_200_answered_at_once_for_ever_is_no_hot_loop() {
    for flags in [&[][..], &[UP_TO_DATE]] {
        let mut r = at_long_poll(|config| config);
        while r.elapsed() < 60 * SECOND {
            r.json("1", flags, "[]");
            if r.live().is_none() {
                r.next_request();
            }
        }
        assert!(r.sent.len() < 75, "{} in a minute", r.sent.len());
    }
}

#[test]
fn b26_a_poll_without_an_offset_or_with_an_earlier_one_is_a_protocol_error() {
    for headers in [&[UP_TO_DATE][..], &[UP_TO_DATE, next("0")]] {
        let mut r = at_long_poll(|config| config);
        r.answer(204, headers, "");
        r.assert_fails(ErrorKind::Protocol);
        assert_eq!(r.checkpoint(), "1");
        r.assert_ended_after(2);
    }
}

#[test]
fn b13_polls_back_off_until_one_worked() {
    let mut r = at_long_poll(|config| config.retry(RetryPolicy::endless().initial(SECOND)));
    let mut longest = Duration::ZERO;
    for _ in 0..15 {
        r.failed(FailureKind::Connect);
        longest = longest.max(r.until_deadline());
        r.next_request();
    }
    assert!((10 * SECOND..=30 * SECOND).contains(&longest));
    r.pass(SECOND);
    r.answer(204, &[next("1"), UP_TO_DATE], "");
    for _ in 0..20 {
        r.failed(FailureKind::Connect);
        assert!(r.until_deadline() <= SECOND, "it begins anew");
        r.next_request();
        r.pass(SECOND);
        r.answer(204, &[next("1"), UP_TO_DATE], "");
    }
}

#[test]
fn several_answers_of_a_busy_stream_are_asked_for_at_once() {
    let mut r = at_long_poll(|config| config);
    for n in 2..50 {
        r.json(&format!("1{n:02}"), &[UP_TO_DATE], "[1]");
        assert_eq!(r.last().at, Duration::ZERO);
    }
    assert_eq!(r.messages().len(), 48);
}

#[test]
fn time_that_the_user_takes_is_not_the_servers() {
    let mut r = at_long_poll(|config| config);
    r.head(200, &[JSON, next("3")]);
    let id = r.live().unwrap();
    r.hand_in(Input::Chunk(id, "[1,".into()));
    r.settle();
    assert_eq!(r.until_deadline(), 30 * SECOND);
    // The driver hands out the event, and comes back an hour later with the time.
    r.hand_in(Input::Chunk(id, "2,".into()));
    let now = r.instant();
    assert!(matches!(r.machine.poll_output(now), Output::Event(_)));
    r.pass(3600 * SECOND);
    r.settle();
    r.feed(Input::Timeout);
    assert_eq!(r.until_deadline(), 30 * SECOND);
    assert_eq!(r.retries().len(), 0);
}
