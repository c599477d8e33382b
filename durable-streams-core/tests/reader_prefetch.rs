//! Catch-up asks ahead: for what comes next, once the head of an answer says where that begins, and within limits.

mod common;

use bytes::Bytes;
use common::*;
use durable_streams_core::{
    ErrorKind, FailureKind, Input, Live, Machine, Reader, ReaderConfig, RequestId,
};

fn ahead(answers: usize, set: impl FnOnce(ReaderConfig) -> ReaderConfig) -> Driver<Reader> {
    let config = set(ReaderConfig::new(url()).prefetch(answers));
    Driver::with_at_most(1 + answers, Reader::new(config))
}

/// Answers this request, whichever it is.
fn answer(r: &mut Driver<Reader>, id: RequestId, next_offset: &str, body: &str) {
    r.focus = Some(id);
    r.json(next_offset, &[], body);
}

fn head(r: &mut Driver<Reader>, id: RequestId, next_offset: &str) {
    r.feed(Input::Head(id, parts(200, &[JSON, next(next_offset)])));
}

#[test]
fn b76_the_next_request_is_sent_with_the_head_of_the_answer() {
    let mut r = ahead(1, |config| config);
    let first = r.live().unwrap();
    head(&mut r, first, "2");
    assert_eq!(r.targets(), ["/v1/s?offset=-1", "/v1/s?offset=2"]);
    // No more than one ahead, until it has its turn.
    let second = r.open()[1];
    head(&mut r, second, "3");
    assert_eq!(r.sent.len(), 2);
    r.feed(Input::Chunk(first, Bytes::from_static(b"[1,2]")));
    r.feed(Input::End(first));
    assert_eq!(r.last().target(), "/v1/s?offset=3");
}

#[test]
fn b76_answers_ahead_wait_for_their_turn_and_keep_their_order() {
    let mut r = ahead(2, |config| config);
    let first = r.live().unwrap();
    head(&mut r, first, "2");
    let second = r.open()[1];
    answer(&mut r, second, "4", "[3,4]");
    let third = r.last().id;
    answer(&mut r, third, "5", "[5]");
    assert_eq!((r.messages().len(), r.checkpoint().as_str()), (0, "-1"));
    r.feed(Input::Chunk(first, Bytes::from_static(b"[1,2]")));
    assert_eq!(r.messages(), ["1", "2"]);
    assert_eq!(r.checkpoint(), "-1,2");
    r.feed(Input::End(first));
    assert_eq!(r.messages(), ["1", "2", "3", "4", "5"]);
    assert_eq!(r.last().target(), "/v1/s?offset=5");
    let checkpoints: Vec<_> = r.batches().map(|b| b.checkpoint().to_string()).collect();
    assert_eq!(checkpoints[1..], ["2", "4", "5"]);
}

#[test]
fn b76_nothing_is_asked_for_behind_the_tail_or_where_the_offset_stays() {
    for flags in [UP_TO_DATE, CLOSED] {
        let mut r = ahead(2, |config| config.live(Live::LongPoll));
        r.head(200, &[JSON, next("2"), flags]);
        assert_eq!(r.sent.len(), 1, "{flags:?}");
    }
    let mut r = ahead(2, |config| {
        config.from("2".parse::<durable_streams_core::Offset>().ok())
    });
    r.head(200, &[JSON, next("2")]);
    assert_eq!(r.sent.len(), 1);
}

#[test]
fn b76_none_is_asked_for_when_it_is_turned_off() {
    let mut r = ahead(0, |config| config);
    r.head(200, &[JSON, next("2")]);
    assert_eq!(r.sent.len(), 1);
}

#[test]
fn b76_a_failure_ahead_counts_when_its_turn_comes() {
    let mut r = ahead(1, |config| config);
    let first = r.live().unwrap();
    head(&mut r, first, "2");
    let second = r.open()[1];
    r.feed(Input::Failed(second, FailureKind::Connect.into()));
    assert_eq!(r.retries().len(), 0);
    r.feed(Input::Chunk(first, Bytes::from_static(b"[1,2]")));
    r.feed(Input::End(first));
    assert_eq!((r.messages(), r.retries().len()), (vec!["1", "2"], 1));
    assert_eq!(r.next_request().target(), "/v1/s?offset=2");
}

#[test]
fn b76_a_refusal_ahead_fails_the_reader_behind_what_comes_before_it() {
    let mut r = ahead(2, |config| config);
    let first = r.live().unwrap();
    head(&mut r, first, "2");
    r.focus = Some(r.open()[1]);
    r.answer(410, &[], "gone");
    r.feed(Input::Chunk(first, Bytes::from_static(b"[1,2]")));
    assert_eq!(r.messages(), ["1", "2"]);
    r.feed(Input::End(first));
    r.assert_fails(ErrorKind::Gone);
}

#[test]
fn b76_what_is_ahead_is_dropped_when_the_answer_before_it_is_cut() {
    let mut r = ahead(2, |config| config);
    let first = r.live().unwrap();
    head(&mut r, first, "2");
    let second = r.open()[1];
    answer(&mut r, second, "4", "[3,4]");
    let third = r.last().id;
    r.feed(Input::Chunk(first, Bytes::from_static(b"[1,")));
    r.feed(Input::Failed(first, FailureKind::Interrupted.into()));
    assert!(r.open().is_empty() && r.aborted.contains(&third));
    // The server cuts its pages differently now: nothing is missing, and nothing comes twice.
    r.next_request();
    r.json("3", &[], "[1,2,3]");
    assert_eq!(r.messages(), ["1", "2", "3"]);
    assert_eq!(r.current().target(), "/v1/s?offset=3");
    r.json("4", &[CLOSED], "[4]");
    assert_eq!(r.messages(), ["1", "2", "3", "4"]);
    r.assert_closed();
}

#[test]
fn b76_what_is_ahead_is_dropped_when_the_reader_fails() {
    let mut r = ahead(2, |config| config);
    let first = r.live().unwrap();
    head(&mut r, first, "2");
    let second = r.open()[1];
    r.feed(Input::Chunk(first, Bytes::from_static(b"[}")));
    r.assert_fails(ErrorKind::Protocol);
    assert!(r.aborted.contains(&second) && r.open().is_empty());
}

#[test]
fn b76_a_redirect_ahead_is_followed_in_its_turn() {
    let mut r = ahead(2, |config| config);
    let first = r.live().unwrap();
    head(&mut r, first, "2");
    r.focus = Some(r.open()[1]);
    let location = ("location", "/elsewhere?offset=2");
    r.feed(Input::Head(r.live().unwrap(), parts(307, &[location])));
    assert_eq!(r.sent.len(), 2);
    r.feed(Input::Chunk(first, Bytes::from_static(b"[1,2]")));
    r.feed(Input::End(first));
    assert_eq!(r.last().target(), "/elsewhere?offset=2");
    r.json("3", &[UP_TO_DATE], "[3]");
    assert_eq!(r.messages(), ["1", "2", "3"]);
}

#[test]
fn b76_bytes_ahead_are_bounded() {
    let mut r = ahead(2, |config| config.max_prefetch_bytes(4));
    let first = r.live().unwrap();
    head(&mut r, first, "2");
    let second = r.open()[1];
    head(&mut r, second, "4");
    let third = r.open()[2];
    r.feed(Input::Chunk(second, Bytes::from_static(b"[3,4")));
    // Neither is read on, and none is asked for behind them; the current one always is.
    let wanted = |r: &Driver<Reader>| [first, second, third].map(|id| r.machine.wants(id));
    assert_eq!(wanted(&r), [true, false, false]);
    head(&mut r, third, "5");
    assert_eq!(r.sent.len(), 3);
    r.feed(Input::Chunk(first, Bytes::from_static(b"[1,2]")));
    r.feed(Input::End(first));
    assert_eq!(wanted(&r), [true, true, true]);
    assert_eq!(r.last().target(), "/v1/s?offset=5");
}

#[test]
fn b76_the_time_limit_of_an_answer_ahead_begins_with_its_turn() {
    let mut r = ahead(1, |config| config.request_timeout(10 * SECOND));
    let first = r.live().unwrap();
    head(&mut r, first, "2");
    for _ in 0..10 {
        r.pass(9 * SECOND);
        r.feed(Input::Chunk(first, Bytes::from_static(b" ")));
    }
    r.feed(Input::Chunk(first, Bytes::from_static(b"[1]")));
    r.feed(Input::End(first));
    assert_eq!((r.retries().len(), r.until_deadline()), (0, 10 * SECOND));
}
