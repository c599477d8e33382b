//! Live by server-sent events.

mod common;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::*;
use durable_streams_core::{
    ErrorKind, FailureKind, Input, Live, Reader, ReaderConfig, RetryPolicy, Start,
};

/// A reader of a stream of this type at its tail `1`, its event stream open with these headers.
fn open(media: (&str, &str), headers: &[(&str, &str)]) -> Driver<Reader> {
    let mut r = read(|config| config.live(Live::Sse).from(Start::Now));
    r.answer(200, &[media, next("1"), UP_TO_DATE], "");
    let mut all = vec![SSE];
    all.extend_from_slice(headers);
    r.head(200, &all);
    r
}

const BASE64: (&str, &str) = ("stream-sse-data-encoding", "base64");
const TO_2: &str = r#"{"streamNextOffset":"2"}"#;
const TO_3: &str = r#"{"streamNextOffset":"3"}"#;

fn opened(set: impl FnOnce(ReaderConfig) -> ReaderConfig) -> Driver<Reader> {
    let mut r = at_events(set);
    r.open_events();
    r
}

#[test]
fn b6_a_control_event_that_is_not_what_it_should_be_is_a_protocol_error() {
    for control in [
        "",
        "{}",
        "null",
        "[\"2\"]",
        "\"2\"",
        "{\"upToDate\":true}",
        "{\"streamNextOffset\":null}",
        "{\"streamNextOffset\":2}",
        "{\"streamNextOffset\":\"\"}",
        "{\"streamNextOffset\":\"-1\"}",
        "{\"streamNextOffset\":\"now\"}",
        "{\"streamNextOffset\":\"2\"",
        "{\"streamNextOffset\":\"2\",\"streamClosed\":\"yes\"}",
    ] {
        let mut r = opened(|config| config);
        let told = r.batches().count();
        r.chunk(group("[1]", control));
        r.assert_fails(ErrorKind::Protocol);
        assert_eq!((r.batches().count(), r.checkpoint()), (told, "1".into()));
        r.assert_ended_after(2);
    }
}

#[test]
fn b6_unknown_events_and_fields_are_ignored() {
    let mut r = opened(|config| config);
    r.chunk("event: ping\ndata: {}\n\ndata: [9]\n\n: comment\n\nid: 7\nretry: 1\n\n");
    r.chunk(group(
        "[1]",
        r#"{"x":[],"streamNextOffset":"2","upToDate":true}"#,
    ));
    assert_eq!((r.messages(), r.checkpoint()), (vec!["1"], "2".into()));
}

#[test]
fn b8_base64_only_when_the_answer_says_so() {
    let text = STANDARD.encode(b"\x00\xff\r\n");
    let mut r = open(BINARY, &[BASE64]);
    r.chunk(group(&text, TO_2));
    assert_eq!(r.bytes(), b"\x00\xff\r\n");

    // Joined from several lines, and event by event.
    let mut r = open(BINARY, &[("stream-sse-data-encoding", "Base64")]);
    r.chunk("event: data\ndata: AA\ndata: ==\n\nevent: data\ndata: \n\n");
    r.chunk(group("/w==", TO_2));
    assert_eq!(r.bytes(), b"\x00\xff");

    let mut r = open(TEXT, &[]);
    r.chunk(group("AA==", TO_2));
    assert_eq!(r.bytes(), b"AA==");
}

#[test]
fn b8_bad_base64_is_an_error_and_never_passed_on() {
    for data in ["A", "AA=", "AAA", "A*==", "-_==", "AA==AA=="] {
        let mut r = open(BINARY, &[BASE64]);
        r.chunk(group(data, TO_2));
        r.assert_fails(ErrorKind::Protocol);
        assert_eq!((r.bytes().len(), r.checkpoint()), (0, "1".into()));
    }
}

#[test]
fn b8_an_unknown_encoding_is_an_error() {
    for encoding in ["gzip", "base64url", ""] {
        let r = open(BINARY, &[("stream-sse-data-encoding", encoding)]);
        r.assert_fails(ErrorKind::Protocol);
        assert_eq!(r.last().id, r.aborted[0]);
    }
}

#[test]
fn b9_a_document_over_several_lines_and_several_documents_before_one_control() {
    let mut r = opened(|config| config);
    let told = r.batches().count();
    r.chunk("event: data\ndata: [\ndata: {\"a\":1},\ndata: 2]\n\n");
    r.chunk("event: data\ndata: []\n\n");
    r.chunk(group("[[3]]", TO_2));
    assert_eq!(r.messages(), ["{\"a\":1}", "2", "[3]"]);
    assert_eq!(r.batches().count(), told + 1, "one batch");

    let mut r = open(TEXT, &[]);
    r.chunk("event: data\ndata: a\ndata: \ndata:  b\n\n");
    r.chunk(group("c", TO_2));
    assert_eq!(r.bytes(), b"a\n\n bc");
}

#[test]
fn b9_each_event_is_a_document_of_its_own() {
    for (first, second) in [("[1", "2]"), ("[1],[2]", "[]"), ("{}", "[]"), ("", "[]")] {
        let mut r = opened(|config| config);
        r.chunk(format!("event: data\ndata: {first}\n\n"));
        if r.live().is_some() {
            r.chunk(group(second, TO_2));
        }
        r.assert_fails(ErrorKind::Protocol);
        assert_eq!(r.messages().len(), 0);
    }
}

#[test]
fn b10_data_is_released_with_its_control_event_as_one_batch() {
    let mut r = opened(|config| config);
    assert_eq!(r.last().header("accept"), Some("text/event-stream"));
    let told = r.batches().count();
    let control =
        r#"{"streamNextOffset":"2","streamCursor":"c","upToDate":true,"streamClosed":false}"#;
    let body = group("[1,2]", control);
    for byte in body.as_bytes() {
        assert_eq!((r.batches().count(), r.checkpoint()), (told, "1".into()));
        r.chunk([*byte]);
    }
    assert_eq!(r.batches().count(), told + 1);
    let batch = r.last_batch();
    assert_eq!(batch.messages(), ["1", "2"]);
    assert_eq!(batch.checkpoint().to_string(), "2,0,c");
    assert!(batch.is_up_to_date() && !batch.is_closed());
    // Many groups in one chunk are many batches.
    r.chunk(group("[3]", TO_3) + &group("[4]", r#"{"streamNextOffset":"4"}"#));
    assert_eq!(r.batches().count(), told + 3);
    assert!(!r.last_batch().is_up_to_date());
    assert_eq!(r.checkpoint(), "4,0,c");
    assert_eq!(r.sent.len(), 2);
}

#[test]
fn b11_data_whose_control_event_is_lost_is_dropped_and_comes_again() {
    let body = group("[1]", TO_2) + &group("[2,3]", TO_3);
    let first = group("[1]", TO_2).len();
    for failed in [false, true] {
        for at_once in [false, true] {
            for at in first..body.len() {
                let mut r = opened(|config| config);
                r.pass(2 * SECOND);
                let id = r.live().unwrap();
                let chunk = Input::Chunk(id, body.as_bytes()[..at].to_vec().into());
                match at_once {
                    true => r.hand_in(chunk),
                    false => r.feed(chunk),
                }
                match failed {
                    true => r.failed(FailureKind::Interrupted),
                    false => r.end(),
                }
                assert_eq!(r.messages(), ["1"], "cut at {at}");
                if r.live().is_none() {
                    r.next_request();
                }
                assert_eq!(r.last().target(), "/v1/s?live=sse&offset=2");
                r.open_events();
                r.chunk(group("[2,3]", TO_3));
                assert_eq!(r.messages(), ["1", "2", "3"]);
            }
        }
    }
}

#[test]
fn b12_closed_delivers_what_is_pending_and_ends_without_another_request() {
    for control in [
        r#"{"streamNextOffset":"2","streamClosed":true}"#,
        r#"{"streamNextOffset":"2","streamCursor":"c","upToDate":true,"streamClosed":true}"#,
    ] {
        let mut r = opened(|config| config);
        let id = r.last().id;
        r.chunk(group("[1]", control) + &group("[2]", TO_3));
        assert_eq!(r.messages(), ["1"]);
        r.assert_closed();
        assert_eq!(r.aborted, [id], "the connection is given up");
        r.assert_ended_after(2);
    }
    // Also when its connection is lost together with it.
    let mut r = opened(|config| config);
    let id = r.last().id;
    let body = group("", r#"{"streamNextOffset":"1","streamClosed":true}"#);
    r.hand_in(Input::Chunk(id, body.into()));
    r.failed(FailureKind::Interrupted);
    r.assert_closed();
    assert_eq!(r.retries().len(), 0);
    r.assert_ended_after(2);
}

#[test]
fn b13_a_healthy_server_that_closes_every_minute_is_no_error() {
    let mut r = at_events(|config| config);
    let told = r.batches().count();
    for n in 1..10 {
        r.open_events();
        let control =
            format!(r#"{{"streamNextOffset":"1","streamCursor":"c{n}","upToDate":true}}"#);
        r.chunk(group("", &control));
        r.pass(60 * SECOND);
        r.end();
        let target = format!("/v1/s?cursor=c{n}&live=sse&offset=1");
        assert_eq!(r.last().target(), target);
        assert_eq!(r.last().at, n * 60 * SECOND, "at once");
    }
    assert_eq!((r.notices().count(), r.batches().count()), (0, told));
}

#[test]
fn b20_the_last_cursor_of_an_event_stream_is_kept_when_a_control_event_has_none() {
    let mut r = opened(|config| config);
    r.chunk(group(
        "[1]",
        r#"{"streamNextOffset":"2","streamCursor":"c"}"#,
    ));
    r.chunk(group("[2]", r#"{"streamNextOffset":"3"}"#));
    r.chunk(group(
        "[3]",
        r#"{"streamNextOffset":"4","streamCursor":""}"#,
    ));
    r.end();
    assert_eq!(r.last().target(), "/v1/s?cursor=c&live=sse&offset=4");
}

#[test]
fn b13_a_server_that_accepts_and_hangs_up_at_once_is_not_hammered() {
    let mut r = at_events(|config| config);
    let mut delays = Vec::new();
    for _ in 0..2 {
        r.open_events();
        r.chunk(group("", r#"{"streamNextOffset":"1","upToDate":true}"#));
        r.end();
        delays.push(r.until_deadline());
        r.next_request();
    }
    assert!(delays[0] <= 100 * MS && delays[1] <= 200 * MS, "{delays:?}");
    assert!(
        delays.iter().any(|delay| *delay > Duration::ZERO),
        "{delays:?}"
    );
    assert!(r.retries().iter().all(|e| e.kind() == ErrorKind::Transport));
    // Nor when long-poll, to which it falls back then, does not wait either.
    while r.elapsed() < 60 * SECOND {
        match r.last().param("live") {
            Some("sse") => {
                r.open_events();
                r.end();
            }
            _ => {
                r.answer(204, &[next("1"), UP_TO_DATE], "");
            }
        }
        if r.live().is_none() {
            r.next_request();
        }
    }
    assert!(r.sent.len() < 75, "{} in a minute", r.sent.len());
}

#[test]
fn b13_connections_that_fail_back_off_until_one_proved_healthy() {
    let mut r = at_events(|config| config.retry(RetryPolicy::endless().initial(SECOND)));
    let mut longest = Duration::ZERO;
    for _ in 0..15 {
        r.failed(FailureKind::Connect);
        longest = longest.max(r.until_deadline());
        r.next_request();
    }
    assert!(longest > 10 * SECOND && longest <= 30 * SECOND);
    // A head alone proves nothing.
    r.open_events();
    r.failed(FailureKind::Interrupted);
    let mut longest = r.until_deadline();
    for _ in 0..10 {
        r.next_request();
        r.failed(FailureKind::Connect);
        longest = longest.max(r.until_deadline());
    }
    assert!(longest > 10 * SECOND);
    r.next_request();
    r.open_events();
    r.chunk(group("[1]", TO_2));
    r.failed(FailureKind::Interrupted);
    assert!(r.until_deadline() <= SECOND, "something was delivered");
}

#[test]
fn b14_three_short_event_streams_fall_back_to_long_poll_once() {
    for failed in [false, true] {
        let mut r = at_events(|config| config);
        for n in 0..3 {
            assert_eq!(r.last().param("live"), Some("sse"), "connection {n}");
            r.open_events();
            r.chunk(group("", r#"{"streamNextOffset":"1","upToDate":true}"#));
            r.pass(SECOND - MS);
            match failed {
                true => r.failed(FailureKind::Interrupted),
                false => r.end(),
            }
            if r.live().is_none() {
                r.next_request();
            }
        }
        assert_eq!(r.last().target(), "/v1/s?live=long-poll&offset=1");
        assert_eq!(r.fallbacks().len(), 1);
        assert_eq!(r.last().header("accept"), None);
        for n in 2..6 {
            r.json(&n.to_string(), &[UP_TO_DATE], "[1]");
            assert_eq!(r.last().param("live"), Some("long-poll"));
        }
        assert_eq!(r.fallbacks().len(), 1, "one warning");
        assert_eq!(r.messages().len(), 4);
    }
}

#[test]
fn b14_a_policy_that_never_retries_falls_back_all_the_same() {
    let mut r = at_events(|config| config.retry(durable_streams_core::RetryPolicy::never()));
    for n in 0..3 {
        assert_eq!(r.last().param("live"), Some("sse"), "connection {n}");
        r.open_events();
        r.chunk(group("", r#"{"streamNextOffset":"1","upToDate":true}"#));
        r.end();
        if r.live().is_none() {
            r.next_request();
        }
    }
    assert_eq!(r.last().target(), "/v1/s?live=long-poll&offset=1");
}

#[test]
fn b14_only_short_ones_in_a_row_that_delivered_nothing_count() {
    let mut r = at_events(|config| config);
    for n in 0..12 {
        r.open_events();
        match n % 3 {
            0 | 1 => {}
            _ if n % 2 == 0 => r.pass(SECOND),
            _ => r.chunk(group(
                "[1]",
                &format!(r#"{{"streamNextOffset":"2{n:02}"}}"#),
            )),
        }
        r.end();
        if r.live().is_none() {
            r.next_request();
        }
        assert_eq!(r.last().param("live"), Some("sse"), "after {n}");
    }
    assert_eq!((r.fallbacks().len(), r.messages().len()), (0, 2));
}

#[test]
fn b15_an_event_stream_without_a_byte_for_too_long_is_opened_anew() {
    let mut r = at_events(|config| config);
    assert_eq!(r.until_deadline(), 30 * SECOND, "for the head");
    r.open_events();
    assert_eq!(r.until_deadline(), 90 * SECOND);
    for _ in 0..5 {
        // A comment is a byte.
        r.pass(89 * SECOND);
        r.chunk(":\n");
        assert_eq!(r.until_deadline(), 90 * SECOND);
    }
    let id = r.last().id;
    r.timeout();
    assert_eq!(r.aborted, [id]);
    assert_eq!(r.retries()[0].kind(), ErrorKind::Timeout);
    assert!(r.until_deadline() <= 100 * MS, "it was healthy before");
    assert_eq!(r.next_request().target(), "/v1/s?live=sse&offset=1");
    let r = opened(|config| config.sse_idle_timeout(5 * SECOND));
    assert_eq!(r.until_deadline(), 5 * SECOND);
}

#[test]
fn b16_a_refusal_of_event_streams_falls_back_for_the_session() {
    for (status, headers) in [
        (405, vec![]),
        (406, vec![TEXT]),
        (501, vec![]),
        (200, vec![JSON, next("1"), UP_TO_DATE]),
        (200, vec![("content-type", "text/html")]),
        (200, vec![]),
        (204, vec![next("1")]),
    ] {
        let mut r = at_events(|config| config);
        let id = r.last().id;
        r.head(status, &headers);
        assert_eq!(r.aborted, [id], "its body is not read");
        assert_eq!(r.last().target(), "/v1/s?live=long-poll&offset=1");
        assert_eq!((r.fallbacks().len(), r.retries().len()), (1, 0));
        r.json("2", &[UP_TO_DATE], "[1]");
        assert_eq!(r.last().target(), "/v1/s?live=long-poll&offset=2");
        assert_eq!(r.messages(), ["1"]);
    }
}

#[test]
fn b16_other_refusals_are_errors_or_pass() {
    for (status, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::Unauthorized),
        (404, ErrorKind::StreamNotFound),
        (410, ErrorKind::Gone),
    ] {
        let mut r = at_events(|config| config);
        r.answer(status, &[TEXT], "malformed offset");
        let error = r.assert_fails(kind);
        assert_eq!(error.body(), Some("malformed offset"));
        assert!(r.fallbacks().is_empty());
        r.assert_ended_after(2);
    }
    let mut r = at_events(|config| config);
    r.answer(502, &[("content-type", "text/html")], "<h1>Bad gateway");
    assert!(r.fallbacks().is_empty());
    assert_eq!(r.next_request().target(), "/v1/s?live=sse&offset=1");
}

#[test]
fn b26_event_streams_may_not_go_backwards_or_bring_contents_without_moving() {
    for (data, to) in [("", "0"), ("[1]", "0"), ("[1]", "1")] {
        let mut r = opened(|config| config);
        r.chunk(group(data, &format!(r#"{{"streamNextOffset":"{to}"}}"#)));
        r.assert_fails(ErrorKind::Protocol);
        assert_eq!((r.messages().len(), r.checkpoint()), (0, "1".into()));
    }
}

#[test]
fn b7_a_group_over_the_limit_is_an_error_of_its_own() {
    let long = format!("[\"{}\"]", "x".repeat(300));
    for split in [false, true] {
        let mut r = opened(|config| config.max_message_bytes(256));
        let data = if split { "[\"xxxxxxxxxx\"]" } else { &long };
        for _ in 0..30 {
            if r.live().is_some() {
                r.chunk(format!("event: data\ndata: {data}\n\n"));
            }
        }
        r.assert_fails(ErrorKind::LimitExceeded);
        assert_eq!(r.messages().len(), 0);
    }
}

#[test]
fn auto_takes_event_streams_for_json_and_text_and_long_poll_for_binary() {
    for (media, mode, empty) in [
        (JSON, "sse", "[]"),
        (TEXT, "sse", ""),
        (BINARY, "long-poll", ""),
    ] {
        let mut r = read(|config| config.live(Live::Auto).from(Start::Now));
        r.answer(200, &[media, next("1"), UP_TO_DATE], empty);
        assert_eq!(r.last().param("live"), Some(mode));
    }
}

#[test]
fn b27_events_of_a_stream_of_unknown_type_are_not_guessed_at() {
    // A 204 does not say what the stream is, nor does an event stream.
    let mut r = read(|config| config.live(Live::Sse));
    r.answer(204, &[next("1"), UP_TO_DATE], "");
    assert_eq!(r.last().target(), "/v1/s?live=long-poll&offset=1");
    r.json("2", &[UP_TO_DATE], "[1]");
    assert_eq!(r.last().target(), "/v1/s?live=sse&offset=2");
    r.open_events();
    r.chunk(group("[[2],3]", TO_3));
    assert_eq!(r.messages(), ["1", "[2]", "3"]);
    assert!(r.fallbacks().is_empty());
}
