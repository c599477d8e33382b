//! Closing the writer, and closing the stream.

use std::time::Duration;

use durable_streams_core::{ErrorKind, FailureKind, WriterEvent};

use crate::support::{Rig, SECOND, config, config_of, refusal};

#[test]
fn b47_closing_the_writer_drains_and_leaves_the_stream_open() {
    let mut rig = Rig::new(config_of("text/plain"));
    rig.append("a");
    rig.append("b");
    rig.writer.close();
    rig.poll();
    // Without lingering.
    assert_eq!(
        (rig.sent[0].what(), rig.sent[0].at),
        ((0, 0, "ab"), Duration::ZERO)
    );
    assert!(rig.end().is_none());
    rig.ok(0);
    assert_eq!(rig.end(), Some(Some("0000")));
    assert!(rig.sent.iter().all(|sent| !sent.close));
}

#[test]
fn b47_a_closed_writer_takes_nothing_and_ends_once() {
    let mut rig = Rig::open(config());
    rig.append("a");
    rig.writer.close();
    rig.writer.close();
    rig.poll();
    let refused = rig.try_append("b").unwrap_err();
    assert_eq!(refusal(&refused), Some(ErrorKind::InvalidInput));
    assert_eq!(refused.message, "b");
    assert!(rig.writer.restart().is_err());
    assert!(rig.writer.close_stream(None, rig.now()).is_err());
    rig.status(1, 503);
    let again = rig.until_sent();
    rig.ok(again);
    assert_eq!(rig.end(), Some(Some("0002")));
    rig.writer.close();
    rig.advance(1000 * SECOND);
    let closed = |event: &WriterEvent| matches!(event, WriterEvent::Closed { .. });
    assert_eq!(rig.events.iter().filter(|event| closed(event)).count(), 1);
    assert_eq!(rig.sent.len(), 3);
    assert!(rig.writer.take_unsent().is_empty());
}

#[test]
fn b47_closing_an_unused_writer_sends_nothing() {
    let mut rig = Rig::new(config());
    rig.writer.close();
    rig.poll();
    assert_eq!((rig.end(), rig.sent.len()), (Some(None), 0));
}

#[test]
fn b47_closing_the_stream_drains_first() {
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    rig.close_stream(None);
    rig.ok(1);
    rig.advance(SECOND);
    assert_eq!(rig.sent.len(), 3, "the end overtakes a message");
    rig.ok(2);
    assert_eq!(rig.sent_from(3), [(0, 3, "")]);
    assert!(rig.sent[3].close);
    assert!(rig.end().is_none());
    rig.duplicate(3);
    assert_eq!(rig.end(), Some(Some("0003")));
    assert_eq!(rig.stored().len(), 3);
}

#[test]
fn b47_closing_the_stream_of_an_unused_writer_is_one_request() {
    let mut rig = Rig::new(config());
    rig.close_stream(None);
    assert_eq!(rig.sent_from(0), [(0, 0, "")]);
    assert!(rig.sent[0].close);
    rig.ok(0);
    assert_eq!(rig.end(), Some(Some("0000")));
    assert!(rig.stored().is_empty());
}

#[test]
fn b47_the_last_message_closes_the_stream_in_one_step() {
    let mut rig = Rig::new(config_of("application/json"));
    rig.append("1");
    rig.close_stream(Some("[2]"));
    assert_eq!(rig.sent_from(0), [(0, 0, "[1]")]);
    rig.ok(0);
    assert_eq!(rig.sent_from(1), [(0, 1, "[[2]]")]);
    assert!(rig.sent[1].close && !rig.sent[0].close);
    rig.ok(1);
    assert_eq!(rig.end(), Some(Some("0001")));
    assert_eq!(rig.stored(), [(0..1, false), (1..2, false)]);
}

#[test]
fn b47_a_close_whose_answer_was_lost_is_repeated_with_the_same_number() {
    for last in [None, Some("z")] {
        let mut rig = Rig::open(config());
        rig.close_stream(last);
        rig.lose(1, FailureKind::Interrupted);
        rig.until_sent();
        rig.status(2, 503);
        rig.until_sent();
        rig.advance(30 * SECOND);
        rig.until_sent_if_waiting();
        let close = (0, 1, last.unwrap_or_default());
        assert_eq!(rig.sent_from(1), [close; 4]);
        assert!(rig.sent[1..].iter().all(|sent| sent.close));
        // The very request that closed it: 204, and the stream is closed.
        rig.duplicate(4);
        assert_eq!(rig.end(), Some(Some("0004")));
        assert_eq!(rig.stored().len(), 1 + usize::from(last.is_some()));
    }
}

#[test]
fn b47_closed_by_others_is_what_a_close_without_a_message_wanted() {
    let mut rig = Rig::open(config());
    rig.append("a");
    rig.close_stream(None);
    rig.ok(1);
    rig.closed(2);
    assert_eq!(rig.end(), Some(Some("0099")));
    assert!(rig.rejected().is_empty());
    let others = rig.writer.closed_by_others().unwrap();
    assert_eq!(others.kind(), ErrorKind::StreamClosed);
    assert_eq!(others.status().unwrap().as_u16(), 409);
}

#[test]
fn b47_closed_by_others_is_not_said_of_what_this_writer_may_have_closed() {
    let mut rig = Rig::new(config());
    rig.close_stream(None);
    rig.lose(0, FailureKind::Interrupted);
    rig.until_sent();
    rig.closed(1);
    assert_eq!(rig.end(), Some(Some("0099")));
    assert!(rig.writer.closed_by_others().is_none());

    let mut rig = Rig::new(config());
    rig.close_stream(None);
    rig.ok(0);
    assert!(rig.end().is_some() && rig.writer.closed_by_others().is_none());
}

#[test]
fn b47_closed_by_others_the_last_message_is_not_stored() {
    let mut rig = Rig::open(config());
    rig.close_stream(Some("z"));
    rig.closed(1);
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::StreamClosed);
    assert_eq!(rig.rejected(), [(1..2, ErrorKind::StreamClosed, false)]);
    assert_eq!(rig.unsent(), [(1, "z".to_owned(), false)]);
}

#[test]
fn b47_an_answer_that_does_not_say_closed_closed_nothing() {
    let mut rig = Rig::new(config());
    rig.close_stream(Some("z"));
    let headers = [
        ("stream-next-offset", "0001"),
        ("producer-epoch", "0"),
        ("producer-seq", "0"),
    ];
    rig.answer(0, 200, &headers);
    assert!(rig.end().is_none() && rig.stored().is_empty());
    let again = rig.until_sent();
    assert_eq!(rig.sent[again].what(), (0, 0, "z"));
}

#[test]
fn b47_a_close_that_fails_says_so() {
    let mut rig = Rig::open(config());
    let flush = rig.writer.flush();
    rig.close_stream(None);
    rig.status(1, 405);
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::NotSupported);
    assert!(rig.rejected().is_empty() && rig.unsent().is_empty());
    // No message was lost: the flush is well.
    let well = |event: &WriterEvent| matches!(event, WriterEvent::Flushed { flush: f, result: Ok(_) } if *f == flush);
    assert!(rig.events.iter().any(well));
}

#[test]
fn b47_a_close_goes_on_under_a_claimed_epoch() {
    let mut rig = Rig::open(config().auto_claim(true));
    rig.append("a");
    rig.close_stream(Some("z"));
    rig.fence(1, 1);
    assert_eq!(rig.sent_from(2), [(2, 0, "a")]);
    rig.ok(2);
    rig.fence(3, 4);
    assert_eq!(rig.sent_from(3), [(2, 1, "z"), (5, 0, "z")]);
    assert!(rig.sent[3].close && rig.sent[4].close);
    rig.ok(4);
    assert_eq!(rig.end(), Some(Some("0004")));
}

#[test]
fn b47_a_last_message_that_is_not_taken_leaves_the_writer_open() {
    let mut rig = Rig::new(config_of("application/json").max_buffer_messages(1));
    rig.append("1");
    let full = rig
        .writer
        .close_stream(Some("2".into()), rig.now())
        .unwrap_err();
    assert_eq!((refusal(&full), &*full.message), (None, &b"2"[..]));
    let invalid = rig
        .writer
        .close_stream(Some("{".into()), rig.now())
        .unwrap_err();
    assert_eq!(refusal(&invalid), Some(ErrorKind::InvalidInput));
    let empty = rig
        .writer
        .close_stream(Some("".into()), rig.now())
        .unwrap_err();
    assert_eq!(refusal(&empty), Some(ErrorKind::InvalidInput));
    rig.advance(SECOND);
    rig.ok(0);
    assert!(!rig.sent[0].close && !rig.is_done());
    rig.append("3");
    rig.advance(SECOND);
    assert_eq!(rig.sent_from(1), [(0, 1, "[3]")]);
}

#[test]
fn b47_nothing_is_sent_behind_the_end_of_the_stream() {
    let mut rig = Rig::open(config());
    rig.close_stream(None);
    assert!(rig.try_append("x").is_err());
    rig.ok(1);
    assert!(rig.try_append("x").is_err());
    rig.advance(100 * SECOND);
    assert_eq!(rig.sent.len(), 2);
}
