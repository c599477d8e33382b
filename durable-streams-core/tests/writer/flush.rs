//! Flushing: what it waits for, and what it says.

use std::time::Duration;

use durable_streams_core::{ErrorKind, FailureKind, FlushId, WriterEvent};

use crate::support::{Rig, SECOND, config, config_of};

impl Rig {
    fn flush(&mut self) -> FlushId {
        let flush = self.writer.flush();
        self.poll();
        flush
    }

    /// What was said of a flush: the offset, or the kind of the error.
    fn flushed(&self, wanted: FlushId) -> Option<Result<Option<&str>, ErrorKind>> {
        let mut said = self.events.iter().filter_map(|event| match event {
            WriterEvent::Flushed { flush, result } if *flush == wanted => Some(result),
            _ => None,
        });
        let result = said.next();
        assert!(said.next().is_none(), "said twice");
        result.map(|result| match result {
            Ok(flushed) => Ok(flushed.next_offset.as_ref().map(|offset| offset.as_str())),
            Err(error) => Err(error.kind()),
        })
    }
}

#[test]
fn b46_with_nothing_pending_a_flush_is_done_at_once() {
    let mut rig = Rig::new(config());
    let flush = rig.flush();
    assert_eq!(rig.flushed(flush), Some(Ok(None)));
    rig.append("a");
    rig.ok(0);
    let flush = rig.flush();
    assert_eq!(rig.flushed(flush), Some(Ok(Some("0000"))));
    assert_eq!((rig.wait(), rig.sent.len()), (None, 1));
}

#[test]
fn b46_a_flush_sends_without_lingering_and_parks() {
    let mut rig = Rig::new(config_of("text/plain").linger(50 * SECOND));
    rig.append("a");
    assert!(rig.sent.is_empty());
    let flush = rig.flush();
    assert_eq!((rig.sent[0].at, rig.flushed(flush)), (Duration::ZERO, None));
    // It waits for the answer, and for nothing else.
    assert_eq!(rig.wait(), Some(30 * SECOND));
    rig.ok(0);
    assert_eq!(rig.flushed(flush), Some(Ok(Some("0000"))));
}

#[test]
fn b46_a_flush_waits_for_everything_before_it_and_nothing_behind_it() {
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    let flush = rig.flush();
    rig.append("c");
    rig.ok(3);
    rig.ok(2);
    assert_eq!(rig.flushed(flush), None);
    rig.append("d");
    rig.ok(1);
    // The last offset is that of the stream, not of the last answer.
    assert_eq!(rig.flushed(flush), Some(Ok(Some("0003"))));
    assert_eq!(rig.live, [4]);
}

#[test]
fn b46_a_flush_waits_for_batches_that_are_still_queued() {
    let mut rig = Rig::new(config());
    for _ in 0..8 {
        rig.append("x");
    }
    let flush = rig.flush();
    for index in 0..8 {
        assert_eq!(rig.flushed(flush), None);
        rig.ok(index);
    }
    assert_eq!(rig.flushed(flush), Some(Ok(Some("0007"))));
}

#[test]
fn b46_a_flush_tells_how_many_messages_the_server_had_already() {
    let duplicates = |rig: &Rig, wanted| {
        let told = rig.events.iter().find_map(|event| match event {
            WriterEvent::Flushed { flush, result } if *flush == wanted => Some(result),
            _ => None,
        });
        told.map(|result| result.as_ref().unwrap().duplicates)
    };
    let mut rig = Rig::in_flight(config(), &["a"]);
    rig.lose(1, FailureKind::Interrupted);
    rig.append("b");
    rig.append("c");
    let first = rig.flush();
    let again = rig.until_sent();
    rig.duplicate(again);
    assert_eq!(duplicates(&rig, first), None);
    for index in again + 1..rig.sent.len() {
        rig.ok(index);
    }
    let second = rig.flush();
    assert_eq!(duplicates(&rig, first), Some(1));
    assert_eq!(duplicates(&rig, second), Some(0), "it was told already");
}

#[test]
fn b46_several_flushes_are_told_in_their_order() {
    let mut rig = Rig::in_flight(config(), &["a"]);
    let first = rig.flush();
    let second = rig.flush();
    rig.append("b");
    let third = rig.flush();
    assert!(first < second && second < third);
    rig.ok(1);
    assert_eq!(rig.flushed(first), Some(Ok(Some("0001"))));
    assert_eq!(rig.flushed(second), Some(Ok(Some("0001"))));
    assert_eq!(rig.flushed(third), None);
    rig.ok(2);
    assert_eq!(rig.flushed(third), Some(Ok(Some("0002"))));
    let order = rig.events.iter().filter_map(|event| match event {
        WriterEvent::Flushed { flush, .. } => Some(*flush),
        _ => None,
    });
    assert!(order.eq([first, second, third]));
}

#[test]
fn b46_a_flush_gives_the_first_error_of_a_message_before_it_once() {
    let mut rig = Rig::new(config());
    for message in ["a", "large", "c"] {
        rig.append(message);
    }
    rig.ok(0);
    rig.status(1, 413);
    rig.gap(2, 1);
    let flush = rig.flush();
    let again = rig.sent.len() - 1;
    assert_eq!(rig.sent[again].what(), (1, 0, "c"));
    assert_eq!(rig.flushed(flush), None);
    rig.ok(again);
    assert_eq!(rig.flushed(flush), Some(Err(ErrorKind::PayloadTooLarge)));
    rig.append("d");
    let flush = rig.flush();
    rig.ok(again + 1);
    assert!(
        matches!(rig.flushed(flush), Some(Ok(Some(_)))),
        "it was told already"
    );
}

#[test]
fn b46_a_failure_ends_every_flush_with_its_error() {
    let mut rig = Rig::in_flight(config(), &["a"]);
    let first = rig.flush();
    rig.append("b");
    let second = rig.flush();
    rig.status(1, 404);
    for flush in [first, second] {
        assert_eq!(rig.flushed(flush), Some(Err(ErrorKind::StreamNotFound)));
    }
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::StreamNotFound);
}

#[test]
fn b46_a_flush_of_a_writer_that_has_failed_is_told_at_once() {
    let mut rig = Rig::new(config());
    rig.append("a");
    rig.status(0, 404);
    let flush = rig.flush();
    assert_eq!(rig.flushed(flush), Some(Err(ErrorKind::StreamNotFound)));
    let mut rig = Rig::new(config());
    rig.writer.close();
    rig.poll();
    let flush = rig.flush();
    assert_eq!(rig.flushed(flush), Some(Ok(None)));
}

#[test]
fn b46_a_flush_holds_across_retries_and_claims() {
    let mut rig = Rig::open(config().auto_claim(true));
    rig.append("a");
    let flush = rig.flush();
    rig.lose(1, FailureKind::Interrupted);
    rig.until_sent();
    rig.fence(2, 0);
    assert_eq!(rig.flushed(flush), None);
    rig.ok(3);
    assert_eq!(rig.flushed(flush), Some(Ok(Some("0003"))));
}

#[test]
fn b46_a_flush_before_a_close_is_told_before_it() {
    let mut rig = Rig::open(config());
    rig.append("a");
    let flush = rig.flush();
    rig.close_stream(None);
    rig.ok(1);
    assert_eq!(rig.flushed(flush), Some(Ok(Some("0001"))));
    assert!(!rig.is_done());
    rig.ok(2);
    assert_eq!(rig.end(), Some(Some("0002")));
}
