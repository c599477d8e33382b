//! Bodies in pieces (B68): long ones, cut ones, and going on in the middle of them.

mod common;

use bytes::Bytes;
use common::model::{Log, Media};
use common::*;
use durable_streams_core::{
    Batch, Checkpoint, ErrorKind, FailureKind, Input, Live, Offset, Reader, RetryPolicy,
};

fn messages() -> Log {
    Log::json(&[r#"{"a":[1,"],["]}"#, r#""x\\\"y""#, "12", "[ ]", "null"])
}

/// How an answer ends before its time.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// The transport says so, after the piece was looked at.
    Failed,
    /// The transport says so, together with the piece.
    FailedAtOnce,
    /// Nobody says so: the body just ends.
    Ended,
    /// The same, together with the piece.
    EndedAtOnce,
}

/// The whole log in one answer, of which only `at` bytes arrive.
fn cut_answer(r: &mut Driver<Reader>, log: &Log, at: usize, length: bool, how: Cut) {
    let body = log.body(0, log.len());
    let (size, offset) = (body.len().to_string(), Log::offset(log.len()));
    let mut headers = vec![
        ("content-type", log.media.as_str()),
        next(&offset),
        UP_TO_DATE,
    ];
    if length {
        headers.push(("content-length", &size));
    }
    r.head(200, &headers);
    let id = r.live().unwrap();
    let chunk = Input::Chunk(id, Bytes::copy_from_slice(&body[..at]));
    match how {
        Cut::Failed | Cut::Ended => r.feed(chunk),
        Cut::FailedAtOnce | Cut::EndedAtOnce => r.hand_in(chunk),
    }
    match how {
        Cut::Failed | Cut::FailedAtOnce => {
            r.feed(Input::Failed(id, FailureKind::Interrupted.into()))
        }
        Cut::Ended | Cut::EndedAtOnce => r.feed(Input::End(id)),
    }
}

/// Whatever was delivered of a cut answer, the same request and other page sizes give exactly the rest, to this reader
/// and to a new one that begins at any checkpoint given out.
fn assert_goes_on(mut r: Driver<Reader>, log: &Log, size: usize) {
    assert!(!r.is_done(), "{:?}", r.events.last());
    assert!(r.batches().all(|batch| !batch.is_up_to_date()));
    let delivered = r.units(log.media).len();
    assert_eq!(r.units(log.media), log.units[..delivered]);
    assert_eq!(r.checkpoint().parse(), Ok(r.machine.checkpoint().unwrap()));
    if r.live().is_none() {
        let pause = r.until_deadline();
        assert!(pause <= 100 * MS, "{pause:?}");
        assert_eq!(r.next_request().target(), "/v1/s?offset=-1");
    }
    r.serve(log, size);
    assert_eq!(r.units(log.media), log.units);
    assert_eq!(r.checkpoint(), Log::offset(log.len()));
    let mut before = 0;
    for batch in r.batches() {
        before += match log.media {
            Media::Json => batch.messages().len(),
            _ => batch.bytes().len(),
        };
        let saved: Checkpoint = batch.checkpoint().to_string().parse().unwrap();
        let mut resumed = read(|config| config.from(saved));
        resumed.serve(log, size);
        assert_eq!(resumed.units(log.media), log.units[before..]);
    }
}

fn assert_cut_anywhere(log: &Log, length: bool, how: Cut) {
    let whole = log.body(0, log.len()).len();
    for at in 0..=whole {
        let ended = matches!(how, Cut::Ended | Cut::EndedAtOnce);
        if ended && at == whole {
            continue;
        }
        for size in [1, 2, 3, log.len()] {
            let mut r = read(|config| config);
            cut_answer(&mut r, log, at, length, how);
            assert_goes_on(r, log, size);
        }
    }
}

#[test]
fn b68_json_cut_by_a_failure_at_every_byte_loses_and_repeats_nothing() {
    assert_cut_anywhere(&messages(), false, Cut::Failed);
    assert_cut_anywhere(&messages(), true, Cut::FailedAtOnce);
}

#[test]
fn b68_json_that_ends_short_of_its_length_loses_and_repeats_nothing() {
    assert_cut_anywhere(&messages(), true, Cut::Ended);
    assert_cut_anywhere(&messages(), true, Cut::EndedAtOnce);
}

#[test]
fn b68_json_that_just_ends_at_any_byte_but_the_first_loses_and_repeats_nothing() {
    let log = messages();
    for how in [Cut::Ended, Cut::EndedAtOnce] {
        for at in 1..log.body(0, log.len()).len() {
            let mut r = read(|config| config);
            cut_answer(&mut r, &log, at, false, how);
            assert_goes_on(r, &log, 2);
        }
    }
}

#[test]
fn b68_json_lost_as_a_whole_is_not_taken_for_an_empty_page() {
    // The offset says that there is something, and not even an empty array came.
    let mut r = read(|config| config.from(Offset::new("000000").unwrap()));
    cut_answer(&mut r, &messages(), 0, false, Cut::Ended);
    assert!(!r.is_done(), "{:?}", r.events.last());
    assert_eq!(r.next_request().target(), "/v1/s?offset=000000");
    r.serve(&messages(), 5);
    assert_eq!(r.units(Media::Json), messages().units);
}

#[test]
fn b68_bytes_cut_at_every_byte_lose_and_repeat_nothing() {
    let binary = Log::bytes(Media::Binary, b"\x00[1,\xff\n\r\n\xc3end");
    let text = Log::bytes(Media::Text, "a\u{e4}\u{20ac}\u{1f600}\n!".as_bytes());
    for log in [binary, text] {
        assert_cut_anywhere(&log, false, Cut::Failed);
        assert_cut_anywhere(&log, false, Cut::FailedAtOnce);
        assert_cut_anywhere(&log, true, Cut::Ended);
        assert_cut_anywhere(&log, true, Cut::EndedAtOnce);
    }
}

#[test]
fn b68_a_text_cut_within_a_character_is_delivered_up_to_it() {
    let text = "a\u{e4}\u{20ac}\u{1f600}";
    let log = Log::bytes(Media::Text, text.as_bytes());
    for how in [Cut::Failed, Cut::FailedAtOnce, Cut::Ended, Cut::EndedAtOnce] {
        for at in 0..text.len() {
            let mut r = read(|config| config);
            cut_answer(&mut r, &log, at, true, how);
            let got: Vec<&str> = r.batches().map(|b| b.text().unwrap_or("cut")).collect();
            let whole = (0..=at).rfind(|&to| text.is_char_boundary(to)).unwrap();
            assert_eq!(got.concat(), &text[..whole], "{how:?} at {at}");
            r.next_request();
            r.serve(&log, log.len());
            assert!(r.batches().all(|batch| batch.text().is_ok()));
        }
    }
}

#[test]
fn b68_text_in_chunks_within_characters_is_delivered_in_whole_characters() {
    let text = "a\u{e4}\u{20ac}\u{1f600}!".repeat(3);
    for size in 1..6 {
        // Looked at after every chunk, or only once they are all there.
        for at_once in [false, true] {
            let mut r = read(|config| config.max_batch_bytes(7));
            r.head(200, &[TEXT, next("1"), UP_TO_DATE]);
            let id = r.live().unwrap();
            for chunk in text.as_bytes().chunks(size) {
                let chunk = Input::Chunk(id, Bytes::copy_from_slice(chunk));
                match at_once {
                    true => r.hand_in(chunk),
                    false => r.feed(chunk),
                }
            }
            r.feed(Input::End(id));
            let got: Result<Vec<&str>, _> = r.batches().map(Batch::text).collect();
            assert_eq!(got.unwrap().concat(), text, "chunks of {size}, {at_once}");
            r.assert_ended_after(1);
        }
    }
}

#[test]
fn b68_a_long_text_that_is_there_at_once_is_cut_between_characters() {
    // Characters of three bytes, in chunks of which no border is one of a character.
    let text = "\u{20ac}".repeat(20_000);
    let mut r = read(|config| config);
    r.head(200, &[TEXT, next("1"), UP_TO_DATE]);
    let id = r.live().unwrap();
    for chunk in text.as_bytes().chunks(1000) {
        r.hand_in(Input::Chunk(id, Bytes::copy_from_slice(chunk)));
    }
    r.feed(Input::End(id));
    assert_eq!(r.bytes(), text.as_bytes());
    assert!(r.batches().all(|batch| batch.text().is_ok()));
}

#[test]
fn b68_text_that_the_server_itself_ends_within_a_character_is_passed_on() {
    let mut r = read(|config| config);
    r.page("text/plain", "1", &[], b"a\xe2\x82");
    r.page("text/plain", "2", &[UP_TO_DATE], b"\xac!");
    assert_eq!(r.bytes(), "a\u{20ac}!".as_bytes());
    assert_eq!(r.checkpoint(), "2");
}

#[test]
fn b68_a_long_answer_comes_in_bounded_pieces_each_with_its_checkpoint() {
    let log = Log::bytes(Media::Binary, &[7; 100]);
    let mut r = read(|config| config.max_batch_bytes(16));
    r.page("application/octet-stream", "000100", &[], &log.body(0, 100));
    let pieces: Vec<(usize, String)> = r
        .batches()
        .map(|batch| (batch.bytes().len(), batch.checkpoint().to_string()))
        .collect();
    let expected = [
        (16, "-1,16"),
        (16, "-1,32"),
        (16, "-1,48"),
        (16, "-1,64"),
        (16, "-1,80"),
        (16, "-1,96"),
        (4, "-1,100"),
        // The end of the answer came later.
        (0, "000100"),
    ];
    assert_eq!(pieces, expected.map(|(size, at)| (size, at.to_owned())));

    // A message is never cut, and what arrives with the end is delivered with it.
    let body = format!("[{}]", ["\"0123456789\""; 10].join(","));
    let mut r = read(|config| config.max_batch_bytes(30));
    r.head(200, &[JSON, next("10"), UP_TO_DATE]);
    let id = r.live().unwrap();
    r.hand_in(Input::Chunk(id, body.into()));
    r.feed(Input::End(id));
    let pieces: Vec<(usize, bool)> = r
        .batches()
        .map(|batch| (batch.messages().len(), batch.is_up_to_date()))
        .collect();
    assert_eq!(pieces, [(3, false), (3, false), (3, false), (1, true)]);
}

#[test]
fn b68_messages_are_delivered_as_soon_as_they_are_complete() {
    let mut r = read(|config| config.live(Live::LongPoll));
    r.head(200, &[JSON, next("3"), UP_TO_DATE]);
    for (chunk, delivered) in [("[1", 0), (",\"a", 1), ("b\"", 2), (", {", 2), ("}]", 3)] {
        r.chunk(chunk);
        assert_eq!(r.messages().len(), delivered, "after {chunk}");
        assert_eq!(r.sent.len(), 1);
    }
    assert_eq!(r.checkpoint(), "-1,3", "the answer is not over");
    r.end();
    assert_eq!(r.messages(), ["1", "\"ab\"", "{}"]);
    assert_eq!(r.checkpoint(), "3");
    assert!(r.last_batch().is_up_to_date() && r.last_batch().is_empty());
}

#[test]
fn b68_a_message_over_the_limit_is_an_error_of_its_own() {
    for chunk in [1, 100] {
        let mut r = read(|config| config.max_message_bytes(4));
        r.head(200, &[JSON, next("2"), UP_TO_DATE]);
        for chunk in b"[1234,\"5678\"]".chunks(chunk) {
            if r.live().is_some() {
                r.chunk(chunk);
            }
        }
        let error = r.assert_fails(ErrorKind::LimitExceeded);
        assert!(!error.is_retryable());
        assert!(r.batches().all(|batch| !batch.is_up_to_date()));
    }
}

#[test]
fn b68_a_stale_shorter_page_is_skipped_and_the_next_one_goes_on_after_what_was_delivered() {
    let log = Log::json(&["0", "1", "2", "3", "4", "5"]);
    let mut r = read(|config| config);
    r.head(200, &[JSON, next("000006"), UP_TO_DATE]);
    r.chunk("[0,1,2,3,4,");
    r.failed(FailureKind::Interrupted);
    assert_eq!(r.checkpoint(), "-1,5");
    r.next_request();
    r.json("000002", &[], "[0,1]");
    assert_eq!(r.checkpoint(), "000002,3");
    assert_eq!(r.last().target(), "/v1/s?offset=000002");
    // A checkpoint taken here goes on there as well.
    let mut resumed = read(|config| config.from(r.machine.checkpoint().unwrap()));
    resumed.serve(&log, 2);
    assert_eq!(resumed.messages(), ["5"]);
    r.json("000004", &[], "[2,3]");
    assert_eq!(r.checkpoint(), "000004,1");
    r.json("000006", &[UP_TO_DATE], "[4,5]");
    assert_eq!(r.messages(), ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(r.checkpoint(), "000006");
}

#[test]
fn b60_an_answer_that_ends_before_what_was_delivered_is_not_the_tail() {
    // A cache knows less of the stream than was delivered of it already, whatever it says.
    for live in [Live::Off, Live::LongPoll, Live::Sse] {
        let checkpoint: Checkpoint = "-1,3".parse().unwrap();
        let mut r = read(|config| config.live(live).from(checkpoint));
        r.json("000001", &[UP_TO_DATE], "[0]");
        assert!(!r.is_done() && r.batches().all(|batch| !batch.is_up_to_date()));
        assert_eq!(r.checkpoint(), "000001,2");
        assert_eq!(r.last().target(), "/v1/s?offset=000001");
        r.json("000001", &[UP_TO_DATE], "[]");
        assert_eq!(r.next_request().target(), "/v1/s?offset=000001", "later");
        r.json("000004", &[UP_TO_DATE], "[1,2,3]");
        assert_eq!((r.messages(), r.checkpoint()), (vec!["3"], "000004".into()));
        assert!(r.last_batch().is_up_to_date());
        assert_eq!(r.is_done(), live == Live::Off);
    }
}

#[test]
fn b68_a_skip_goes_on_into_long_polls_and_new_sessions() {
    let checkpoint = || "-1,3".parse::<Checkpoint>().unwrap();
    let at_tail = |r: &mut Driver<Reader>| {
        r.json("000003", &[UP_TO_DATE], "[0,1,2]");
    };
    let mut r = read(|config| config.live(Live::LongPoll).from(checkpoint()));
    at_tail(&mut r);
    r.head(200, &[JSON, next("000006")]);
    r.chunk("[3,4,");
    r.failed(FailureKind::Interrupted);
    assert_eq!(r.checkpoint(), "000003,2");
    let target = "/v1/s?live=long-poll&offset=000003";
    assert_eq!(r.next_request().target(), target);
    r.json("000004", &[UP_TO_DATE], "[3]");
    assert_eq!(r.checkpoint(), "000004,1");
    assert!(!r.last_batch().is_up_to_date());
    r.json("000006", &[UP_TO_DATE], "[4,5]");
    assert_eq!(
        (r.messages(), r.checkpoint()),
        (vec!["3", "4", "5"], "000006".into())
    );

    // Saved in the middle of a long-poll's answer, and gone on with by a reader that turns to an event stream.
    let mut r = read(|config| config.live(Live::Sse).from(checkpoint()));
    at_tail(&mut r);
    r.answer(405, &[], "");
    r.head(200, &[JSON, next("000006")]);
    r.chunk("[3,4,");
    let saved = r.machine.checkpoint().unwrap();
    assert_eq!(saved.to_string(), "000003,2");
    let mut r = read(|config| config.live(Live::Auto).from(saved));
    r.json("000006", &[UP_TO_DATE], "[3,4,5]");
    assert_eq!(r.messages(), ["5"]);
    r.open_events();
    r.chunk(group("[6]", r#"{"streamNextOffset":"000007"}"#));
    assert_eq!(r.messages(), ["5", "6"]);
}

#[test]
fn b68_messages_before_a_fault_are_delivered_whatever_the_chunks() {
    for (body, kind) in [
        ("[1,22,}]", ErrorKind::Protocol),
        ("[1,22,\"over the limit\"]", ErrorKind::LimitExceeded),
    ] {
        for size in 1..=body.len() {
            let mut r = read(|config| config.max_message_bytes(8));
            r.head(200, &[JSON, next("3"), UP_TO_DATE]);
            for chunk in body.as_bytes().chunks(size) {
                if r.live().is_some() {
                    r.chunk(chunk);
                }
            }
            r.assert_fails(kind);
            assert_eq!(r.messages(), ["1", "22"], "in chunks of {size}");
            assert_eq!(r.checkpoint(), "-1,2");
        }
    }
}

#[test]
fn b68_a_stream_that_ends_before_what_was_delivered_of_it_is_a_protocol_error() {
    let checkpoint: Checkpoint = "000001,3".parse().unwrap();
    let mut r = read(|config| config.from(checkpoint));
    r.json("000003", &[CLOSED], "[1,2]");
    r.assert_fails(ErrorKind::Protocol);
    assert_eq!(r.batches().count(), 0);
}

#[test]
fn b68_progress_of_a_cut_answer_starts_the_backoff_over() {
    let mut r = read(|config| config.retry(RetryPolicy::endless().initial(SECOND)));
    for n in 0..20 {
        r.head(200, &[BINARY, next("000100"), UP_TO_DATE]);
        r.chunk(vec![b'x'; n + 1]);
        r.failed(FailureKind::Interrupted);
        assert!(r.until_deadline() <= SECOND);
        r.next_request();
    }
    assert_eq!((r.bytes().len(), r.checkpoint()), (20, "-1,20".into()));
    // Without progress it grows.
    let mut longest = SECOND;
    for _ in 0..20 {
        r.head(200, &[BINARY, next("000100"), UP_TO_DATE]);
        r.chunk([b'x'; 20]);
        r.failed(FailureKind::Interrupted);
        longest = longest.max(r.until_deadline());
        r.next_request();
    }
    assert!(longest > 10 * SECOND, "{longest:?}");
    assert_eq!(r.bytes().len(), 20);
}
