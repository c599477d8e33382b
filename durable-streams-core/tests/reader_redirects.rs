//! Redirects of reads (B65).

mod common;

use std::time::Duration;

use common::*;
use durable_streams_core::{Error, ErrorKind, FailureKind, Live, ReaderConfig};

#[test]
fn b65_307_and_308_are_followed_within_the_origin() {
    for status in [307, 308] {
        for (location, to) in [
            (
                "/v2/s?offset=-1&shard=1",
                "http://h:4437/v2/s?offset=-1&shard=1",
            ),
            ("http://H:4437/v2/s#x", "http://h:4437/v2/s"),
            ("t?a=1", "http://h:4437/v1/t?a=1"),
            ("?a=1", "http://h:4437/v1/s?a=1"),
        ] {
            let mut r = read(|config| config);
            r.answer(status, &[("location", location)], "moved");
            assert_eq!(r.aborted, [r.sent[0].id], "its body is not read");
            assert_eq!(r.last().request.uri(), to);
            assert_eq!(r.last().at, Duration::ZERO);
            r.json("1", &[], "[1]");
            // What is asked next is asked at the stream's own URL.
            assert_eq!(r.last().target(), "/v1/s?offset=1");
            assert_eq!(r.notices().count(), 0);
        }
    }
}

#[test]
fn b65_a_live_request_is_redirected_with_its_headers() {
    let mut r = at_events(|config| config);
    r.answer(307, &[("location", "/v2/s?live=sse&offset=1")], "");
    assert_eq!(r.last().target(), "/v2/s?live=sse&offset=1");
    assert_eq!(r.last().header("accept"), Some("text/event-stream"));
    r.open_events();
    r.chunk(group("[1]", r#"{"streamNextOffset":"2"}"#));
    assert_eq!(r.messages(), ["1"]);

    let mut r = read(|config| config.if_none_match("\"t\"").unwrap());
    r.answer(307, &[("location", "/v2/s")], "");
    assert_eq!(r.last().header("if-none-match"), Some("\"t\""));
    r.answer(304, &[], "");
    assert!(r.machine.is_not_modified());
    r.assert_ended_after(2);
}

#[test]
fn b65_another_origin_is_refused() {
    for location in [
        "http://other:4437/v1/s",
        "https://h:4437/v1/s",
        "http://h/v1/s",
        "//h:1/v1/s",
    ] {
        for live in [Live::Off, Live::LongPoll, Live::Sse] {
            let mut r = read(|config| config.live(live));
            let mut sent = 1;
            if live != Live::Off {
                r.json("1", &[UP_TO_DATE], "[1]");
                sent = 2;
            }
            r.answer(307, &[("location", location)], "");
            let error = r.assert_fails(ErrorKind::Redirect);
            assert_eq!(error.status().unwrap(), 307);
            r.assert_ended_after(sent);
        }
    }
}

#[test]
fn b65_another_origin_is_followed_when_it_is_allowed() {
    let mut r = read(|config| config.cross_origin_redirects(true));
    let location = "https://other/s?x=1";
    r.answer(308, &[("location", location)], "");
    assert_eq!(r.last().request.uri(), location);
    // And back again, from there.
    r.answer(308, &[("location", "/t")], "");
    assert_eq!(r.last().request.uri(), "https://other/t");
}

#[test]
fn b65_other_redirects_and_bad_locations_are_refused() {
    for (status, location) in [
        (301, "/v2/s"),
        (302, "/v2/s"),
        (303, "/v2/s"),
        (300, "/v2/s"),
        (305, "/v2/s"),
        (307, ""),
        (307, "ftp://h:4437/v1/s"),
        (307, "http://"),
    ] {
        let mut r = read(|config| config);
        let headers = [("location", location)];
        let headers = if location.is_empty() {
            &[][..]
        } else {
            &headers[..]
        };
        r.answer(status, headers, "");
        r.assert_fails(ErrorKind::Redirect);
        r.assert_ended_after(1);
    }
}

#[test]
fn b65_a_loop_of_redirects_ends() {
    let mut r = read(|config| config);
    while !r.is_done() {
        assert!(r.sent.len() < 50, "it goes round");
        r.answer(307, &[("location", "/v1/s?offset=-1")], "");
    }
    r.assert_fails(ErrorKind::Redirect);
    r.assert_ended_after(11);
}

#[test]
fn b65_only_redirects_in_a_row_count() {
    let mut r = read(|config: ReaderConfig| config);
    for n in 1..40 {
        r.answer(307, &[("location", "/v2/s")], "");
        r.json(&format!("{n:02}"), &[], "[1]");
    }
    assert_eq!(r.messages().len(), 39);
    // A failure at the target is tried again at the stream's own URL.
    r.answer(307, &[("location", "/v2/s")], "");
    assert_eq!(r.last().target(), "/v2/s");
    r.failed(FailureKind::Interrupted);
    assert_eq!(r.next_request().target(), "/v1/s?offset=39");
    assert_eq!(
        r.retries().iter().filter_map(|e: &&Error| e.url()).count(),
        1
    );
}
