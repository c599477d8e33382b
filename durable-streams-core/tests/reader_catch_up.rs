//! Reading history: pages, entity tags, offsets, and what is asked for.

mod common;

use std::time::Duration;

use common::*;
use durable_streams_core::{
    Checkpoint, ErrorKind, FailureKind, Live, Offset, ReaderConfig, RetryPolicy, Start, StreamUrl,
};

#[test]
fn b17_no_request_is_live_before_an_answer_was_up_to_date() {
    for (live, mode) in [(Live::LongPoll, "long-poll"), (Live::Sse, "sse")] {
        let mut r = read(|config| config.live(live));
        r.json("1", &[], "[1]");
        r.json("2", &[("stream-cursor", "c")], "[2]");
        r.json("2", &[UP_TO_DATE], "[]");
        let live = format!("/v1/s?cursor=c&live={mode}&offset=2");
        let history = ["/v1/s?offset=-1", "/v1/s?offset=1", "/v1/s?offset=2"];
        assert_eq!(r.targets()[..3], history);
        assert_eq!(r.targets()[3..], [live]);
    }
}

#[test]
fn b22_pages_are_read_until_one_is_up_to_date() {
    let mut r = read(|config| config);
    r.json("1", &[], "[1]");
    assert!(!r.last_batch().is_up_to_date());
    r.json("3", &[], "[2,3]");
    r.json("4", &[UP_TO_DATE], "[4]");
    assert_eq!(r.messages(), ["1", "2", "3", "4"]);
    let flagged = r.batches().filter(|batch| batch.is_up_to_date()).count();
    assert!(r.last_batch().is_up_to_date() && flagged == 1);
    assert_eq!(r.checkpoint(), "4");
    assert!(!r.machine.is_closed());
    r.assert_ended_after(3);
}

#[test]
fn b22_closed_is_the_end_in_every_mode_and_nothing_is_asked_after_it() {
    for live in [Live::Off, Live::LongPoll, Live::Sse, Live::Auto] {
        // `Stream-Closed` alone says up to date as well.
        let mut r = read(|config| config.live(live));
        r.json("1", &[], "[1]");
        r.json("2", &[("stream-closed", "TRUE")], "[2]");
        assert_eq!(r.messages(), ["1", "2"]);
        r.assert_closed();
        r.assert_ended_after(2);

        // A closure after the last page was served shows at the tail.
        let mut r = read(|config| config.live(live).from(Offset::new("2").unwrap()));
        r.json("2", &[UP_TO_DATE, CLOSED], "[]");
        assert!(r.last_batch().is_empty());
        r.assert_closed();
        r.assert_ended_after(1);
    }
}

#[test]
fn b22_closed_counts_only_as_true() {
    let mut r = read(|config| config);
    r.json("1", &[("stream-closed", "false")], "[1]");
    assert!(!r.is_done() && !r.machine.is_closed());
    assert_eq!(r.last().target(), "/v1/s?offset=1");
}

#[test]
fn b23_a_304_that_was_asked_for_ends_a_reader_that_is_not_live() {
    let mut r = read(|config| {
        let at = Offset::new("7").unwrap();
        config.from(at).if_none_match("\"tag\"").unwrap()
    });
    assert_eq!(r.last().header("if-none-match"), Some("\"tag\""));
    // It survives a failed attempt.
    r.failed(FailureKind::Connect);
    assert_eq!(r.next_request().header("if-none-match"), Some("\"tag\""));
    r.answer(304, &[], "");
    assert!(r.machine.is_not_modified() && !r.machine.is_closed());
    assert_eq!((r.batches().count(), r.checkpoint()), (0, "7".into()));
    r.assert_ended_after(2);
}

#[test]
fn b23_a_304_leaves_a_live_reader_where_it_is_and_is_asked_without_condition() {
    let mut r = read(|config| {
        let at = Offset::new("7").unwrap();
        let config = config.from(at).live(Live::LongPoll);
        config.if_none_match("\"tag\"").unwrap()
    });
    r.answer(304, &[], "");
    assert!(!r.machine.is_not_modified());
    assert_eq!(r.targets(), ["/v1/s?offset=7", "/v1/s?offset=7"]);
    assert_eq!(r.last().header("if-none-match"), None);
    assert_eq!(r.batches().count(), 0, "unchanged is not up to date");
    r.json("7", &[UP_TO_DATE], "[]");
    assert_eq!(r.last().target(), "/v1/s?live=long-poll&offset=7");
}

#[test]
fn b23_the_condition_is_for_the_first_answer_only() {
    let mut r = read(|config| config.if_none_match("\"tag\"").unwrap());
    r.json("1", &[], "[1]");
    assert_eq!(r.last().header("if-none-match"), None);
}

#[test]
fn b23_a_304_that_nobody_asked_for_is_no_hot_loop() {
    let mut r = read(|config| config);
    while r.elapsed() < 60 * SECOND {
        r.answer(304, &[], "");
        assert_eq!(r.checkpoint(), "-1");
        r.next_request();
    }
    assert!(r.sent.len() < 25, "{} requests in a minute", r.sent.len());
    assert!(r.retries().iter().all(|e| e.kind() == ErrorKind::Protocol));
    assert_eq!(r.batches().count(), 0);
}

#[test]
fn b24_every_value_is_encoded_and_keys_are_sorted_among_the_applications() {
    let url = StreamUrl::parse("http://h/s?z=%20&d=1#frag").unwrap();
    let start = "a:b+c%d,0,x y&live=sse#".parse::<Checkpoint>().unwrap();
    let mut r = reader(
        ReaderConfig::new(url)
            .prefetch(0)
            .from(start)
            .live(Live::LongPoll),
    );
    assert_eq!(r.last().target(), "/s?d=1&offset=a%3Ab%2Bc%25d&z=%20");
    r.json("a:c", &[UP_TO_DATE], "[1]");
    assert_eq!(
        r.last().target(),
        "/s?cursor=x%20y%26live%3Dsse%23&d=1&live=long-poll&offset=a%3Ac&z=%20"
    );
    assert_eq!(r.last().request.method(), "GET");
    assert!(r.last().request.body().is_empty());
}

#[test]
fn b25_now_is_replaced_by_the_first_offset_also_of_an_empty_answer() {
    let mut r = read(|config| config.from(Start::Now).live(Live::LongPoll));
    assert_eq!(r.machine.checkpoint(), None);
    r.failed(FailureKind::Connect);
    r.next_request();
    r.answer(200, &[JSON, next("5"), UP_TO_DATE], "[]");
    assert_eq!(r.checkpoint(), "5");
    assert!(r.last_batch().is_empty() && r.last_batch().is_up_to_date());
    assert_eq!(
        r.targets(),
        [
            "/v1/s?offset=now",
            "/v1/s?offset=now",
            "/v1/s?live=long-poll&offset=5"
        ]
    );
}

#[test]
fn b25_now_on_an_empty_stream_finds_its_beginning() {
    let empty = ("content-length", "0");
    for (head, length, body) in [
        (JSON, ("x", ""), "[]"),
        (JSON, empty, ""),
        (BINARY, empty, ""),
    ] {
        let mut r = read(|config| config.from(Start::Now));
        r.answer(200, &[head, length, next("0"), UP_TO_DATE], body);
        assert_eq!(r.checkpoint(), "0");
        r.assert_ended_after(1);
    }
}

#[test]
fn b25_contents_after_now_are_a_protocol_error() {
    for (media, body) in [(JSON, "[1]"), (BINARY, "x")] {
        let mut r = read(|config| config.from(Start::Now));
        r.answer(200, &[media, next("5"), UP_TO_DATE], body);
        r.assert_fails(ErrorKind::Protocol);
        assert_eq!(r.batches().count(), 0);
    }
}

#[test]
fn b26_a_success_without_an_offset_is_a_protocol_error() {
    for (status, headers, body) in [
        (200, vec![("content-type", "text/html")], "<h1>Log in</h1>"),
        (200, vec![JSON, UP_TO_DATE], "[]"),
        (200, vec![JSON, UP_TO_DATE, next("now")], "[]"),
        (200, vec![JSON, UP_TO_DATE, next("")], "[]"),
        (200, vec![JSON, UP_TO_DATE, next("1"), next("2")], "[]"),
        (204, vec![UP_TO_DATE], ""),
    ] {
        let mut r = read(|config| config.live(Live::LongPoll));
        r.answer(status, &headers, body);
        let error = r.assert_fails(ErrorKind::Protocol);
        assert_eq!(error.status().unwrap(), status, "{error}");
        assert_eq!(r.batches().count(), 0);
        r.assert_ended_after(1);
    }
}

#[test]
fn b26_an_offset_that_moves_backwards_is_a_protocol_error() {
    let mut r = read(|config| config);
    r.json("5", &[], "[1]");
    r.json("4", &[UP_TO_DATE], "[2]");
    r.assert_fails(ErrorKind::Protocol);
    assert_eq!(
        (r.messages(), r.checkpoint()),
        (vec!["1"], "5".to_string()),
        "nothing of it is delivered"
    );
}

#[test]
fn b26_contents_that_do_not_move_the_offset_are_a_protocol_error() {
    for (media, body) in [(JSON, "[2]"), (BINARY, "x")] {
        let mut r = read(|config| config.from(Offset::new("5").unwrap()));
        r.answer(200, &[media, next("5")], body);
        r.assert_fails(ErrorKind::Protocol);
        assert_eq!((r.batches().count(), r.checkpoint()), (0, "5".into()));
    }
}

#[test]
fn b26_no_progress_without_up_to_date_is_no_hot_loop() {
    for body in ["[]", ""] {
        let mut r = read(|config| config.from(Offset::new("5").unwrap()));
        while r.elapsed() < 60 * SECOND {
            r.json("5", &[], body);
            r.next_request();
        }
        assert!(r.sent.len() < 25, "{} requests in a minute", r.sent.len());
        assert_eq!(r.retries().len(), r.sent.len() - 1);
        assert!(r.batches().all(|batch| !batch.is_up_to_date()));
    }
}

#[test]
fn b26_an_empty_page_that_moves_on_is_progress() {
    let mut r = read(|config| config);
    r.json("1", &[], "[]");
    r.json("2", &[], "[]");
    r.json("3", &[UP_TO_DATE], "[1]");
    assert_eq!((r.elapsed(), r.retries().len()), (Duration::ZERO, 0));
    assert_eq!(r.messages(), ["1"]);
}

#[test]
fn b28_an_empty_array_is_no_message_no_stall_and_no_end() {
    let mut r = read(|config| config.live(Live::LongPoll));
    r.json("1", &[UP_TO_DATE], " [ ] ");
    assert!(r.last_batch().is_json() && r.last_batch().messages().is_empty());
    assert!(!r.is_done());
    r.json("2", &[UP_TO_DATE], "[[]]");
    assert_eq!(r.messages(), ["[]"]);
}

#[test]
fn b36_a_204_to_a_read_is_an_empty_answer_whose_body_is_not_awaited() {
    let mut r = read(|config| config);
    r.answer(204, &[next("5"), UP_TO_DATE, ("content-length", "9")], "");
    assert_eq!(r.checkpoint(), "5");
    assert!(r.last_batch().is_up_to_date() && r.last_batch().is_empty());
    r.assert_ended_after(1);

    // Without `Stream-Up-To-Date` it reaches no tail.
    let mut r = read(|config| config);
    r.json("1", &[], "[1]");
    r.answer(204, &[next("5")], "");
    assert_eq!(r.last().target(), "/v1/s?offset=5");
    assert_eq!(r.retries().len(), 0);
}

#[test]
fn b67_a_content_length_over_the_largest_integer_is_a_protocol_error() {
    for length in ["9007199254740992", "-1", "+1", "01", "1e3"] {
        let mut r = read(|config| config);
        r.answer(200, &[JSON, next("1"), ("content-length", length)], "[]");
        r.assert_fails(ErrorKind::Protocol);
    }
}

#[test]
fn a_compressed_body_is_refused() {
    let mut r = read(|config| config);
    let gzip = ("content-encoding", "gzip");
    r.answer(200, &[TEXT, next("1"), UP_TO_DATE, gzip], "x");
    r.assert_fails(ErrorKind::Protocol);
    assert_eq!(r.batches().count(), 0);
}

#[test]
fn a_content_type_that_changes_is_a_protocol_error() {
    let mut r = read(|config| config);
    r.json("1", &[], "[1]");
    r.page("text/plain", "2", &[UP_TO_DATE], b"[2]");
    r.assert_fails(ErrorKind::Protocol);
    assert_eq!(r.messages(), ["1"]);
}

#[test]
fn b30_a_content_type_may_change_its_case_and_parameters_and_be_left_out() {
    let mut r = read(|config| config);
    r.json("1", &[], "[1]");
    r.page("Application/JSON; charset=utf-8", "2", &[], b"[2]");
    r.answer(200, &[next("3"), UP_TO_DATE], "[3]");
    assert_eq!(r.messages(), ["1", "2", "3"]);
}

#[test]
fn b60_a_body_that_is_no_array_is_a_protocol_error_and_no_end() {
    for body in ["{}", "[1 2]", "[1]x", "<html>", "[tru]"] {
        let mut r = read(|config| config.retry(RetryPolicy::never()));
        r.json("2", &[UP_TO_DATE], body);
        r.assert_fails(ErrorKind::Protocol);
        assert!(r.batches().all(|batch| !batch.is_up_to_date()));
        assert_eq!(r.machine.checkpoint().unwrap().offset(), None);
    }
}
