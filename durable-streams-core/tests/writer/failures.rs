//! Failures that pass, failures that do not, and giving up.

use std::time::Duration;

use durable_streams_core::{ErrorKind, FailureKind, RetryPolicy};

use crate::support::{MS, Rig, SECOND, config, config_of, refusal};

/// Every way to fail that can pass.
const PASSING: [u16; 7] = [408, 425, 429, 500, 502, 503, 504];

fn fail_with(rig: &mut Rig, index: usize, status: u16) {
    match status {
        0 => rig.lose(index, FailureKind::Connect),
        1 => rig.lose(index, FailureKind::Interrupted),
        2 => rig.lose(index, FailureKind::Timeout),
        status => rig.status(index, status),
    }
}

#[test]
fn b40_a_passing_failure_of_the_front_is_retried_while_later_batches_wait() {
    for status in PASSING.into_iter().chain(0..3) {
        let mut rig = Rig::open(config());
        rig.append("a");
        fail_with(&mut rig, 1, status);
        rig.append("b");
        assert_eq!(rig.delays().len(), 1, "{status}");
        let delay = rig.delays()[0];
        assert!(delay <= 100 * MS);
        assert_eq!(rig.until_sent(), 2);
        assert_eq!(rig.sent[2].at, delay);
        assert_eq!(rig.sent_from(2), [(0, 1, "a")], "only the front, {status}");
        rig.ok(2);
        assert_eq!(rig.sent_from(3), [(0, 2, "b")]);
        assert_eq!(rig.stored().len(), 2);
    }
}

#[test]
fn b40_a_passing_failure_behind_the_front_waits_for_the_front() {
    for status in PASSING.into_iter().chain(0..3) {
        let mut rig = Rig::in_flight(config(), &["a", "b", "c"]);
        fail_with(&mut rig, 2, status);
        rig.gap(3, 1);
        rig.append("d");
        rig.advance(20 * SECOND);
        assert_eq!(rig.sent.len(), 4, "{status}: nothing beside the front");
        assert!(rig.delays().is_empty());
        rig.ok(1);
        rig.advance(SECOND);
        assert_eq!(rig.sent_from(4), [(0, 2, "b"), (0, 3, "c"), (0, 4, "d")]);
    }
}

#[test]
fn b40_no_answer_in_time_is_a_failure_that_passes() {
    let mut rig = Rig::open(config().request_timeout(7 * SECOND));
    rig.append("a");
    assert_eq!(rig.wait(), Some(7 * SECOND));
    rig.advance(SECOND);
    rig.append("b");
    rig.advance(6 * SECOND - MS);
    assert!(rig.aborted.is_empty());
    rig.advance(MS);
    assert_eq!(rig.aborted, [rig.sent[1].id]);
    rig.advance(100 * MS);
    // The other one is still on its way.
    assert_eq!(rig.sent_from(3), [(0, 1, "a")]);
    assert_eq!(rig.live, [2, 3]);
    rig.advance(SECOND);
    assert_eq!(rig.aborted, [rig.sent[1].id, rig.sent[2].id]);
    rig.duplicate(3);
    assert_eq!(rig.sent_from(4), [(0, 2, "b")]);
}

#[test]
fn b40_requests_that_hang_together_are_all_given_up_and_sent_again_from_the_front() {
    let mut rig = Rig::in_flight(config(), &["a", "b", "c", "d", "e"]);
    rig.advance(30 * SECOND);
    assert_eq!(rig.aborted.len(), 5);
    assert_eq!(rig.until_sent(), 6);
    assert_eq!(rig.sent_from(6), [(0, 1, "a")]);
    rig.duplicate(6);
    assert_eq!(rig.live.len(), 4);
}

#[test]
fn b40_retry_after_is_a_floor_for_everything() {
    for status in [429, 503] {
        let mut rig = Rig::in_flight(config(), &["a", "b"]);
        rig.answer(1, status, &[("retry-after", "40")]);
        rig.ok(2);
        rig.append("c");
        rig.advance(40 * SECOND - MS);
        assert_eq!(rig.sent.len(), 3);
        rig.advance(MS);
        assert_eq!(rig.sent_from(3), [(0, 1, "a")]);
        assert_eq!(rig.delays(), [40 * SECOND]);
    }
}

#[test]
fn b40_retry_after_of_a_batch_behind_the_front_holds_when_the_front_is_stored() {
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    rig.answer(2, 429, &[("retry-after", "20")]);
    rig.advance(SECOND);
    rig.ok(1);
    rig.append("c");
    rig.advance(19 * SECOND - MS);
    assert_eq!(
        rig.sent_from(3),
        [],
        "sent at {:?}",
        rig.sent[3..].first().map(|s| s.at)
    );
    rig.advance(MS);
    assert_eq!(rig.sent_from(3)[0], (0, 2, "b"));
}

#[test]
fn b40_delays_grow_and_start_over_after_a_success() {
    let policy = RetryPolicy::writers().initial(SECOND).max(8 * SECOND);
    let mut longest = [Duration::ZERO; 6];
    for seed in 0..200 {
        let mut rig = Rig::new(config().retry(policy.clone()).seed(seed));
        rig.append("a");
        rig.append("b");
        for attempt in 0..5 {
            rig.status(attempt, 503);
            rig.until_sent();
        }
        rig.ok(5);
        rig.status(6, 503);
        for (longest, delay) in longest.iter_mut().zip(rig.delays()) {
            *longest = delay.max(*longest);
        }
    }
    let bounds = [1, 2, 4, 8, 8, 1].map(|seconds| seconds * SECOND);
    for (longest, bound) in longest.into_iter().zip(bounds) {
        assert!(
            longest <= bound && longest > bound * 9 / 10,
            "{longest:?} of {bound:?}"
        );
    }
}

/// Fails every request until the writer has given up; gives how many attempts that took, and how long.
fn give_up(rig: &mut Rig, status: u16) -> (usize, Duration) {
    let (first, since) = (rig.sent.len() - 1, rig.elapsed());
    while !rig.is_done() {
        let last = rig.sent.len() - 1;
        fail_with(rig, last, status);
        if !rig.is_done() {
            rig.until_sent();
        }
    }
    (rig.sent.len() - first, rig.elapsed() - since)
}

#[test]
fn b40_it_gives_up_after_attempts_or_time_whichever_is_later() {
    // Short delays: time decides.
    let short = RetryPolicy::writers().initial(MS).max(100 * MS);
    let mut rig = Rig::new(config().retry(short));
    rig.append("a");
    let (attempts, time) = give_up(&mut rig, 503);
    assert!(
        attempts > 10 && time >= 120 * SECOND && time < 121 * SECOND,
        "{attempts} {time:?}"
    );
    // Attempts of a minute: their number decides.
    let policy = RetryPolicy::endless().give_up_after(4, SECOND);
    let mut rig = Rig::new(config().retry(policy).request_timeout(60 * SECOND));
    rig.append("a");
    while !rig.is_done() {
        rig.advance(SECOND);
    }
    assert_eq!(rig.sent.len(), 4);
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::Timeout);
}

#[test]
fn b40_without_retries_the_first_failure_is_the_end() {
    let mut rig = Rig::new(config().retry(RetryPolicy::never()));
    rig.append("a");
    rig.status(0, 503);
    assert_eq!(rig.rejected(), [(0..1, ErrorKind::Unavailable, false)]);
    assert_eq!(rig.sent.len(), 1);
}

#[test]
fn b40_given_up_every_message_is_rejected_once_and_given_back() {
    let mut rig = Rig::in_flight(config(), &["a", "bb", "ccc", "dddd", "e"]);
    for message in ["queued ", "\u{0}odd\r\n"] {
        rig.append(message);
    }
    rig.lose(1, FailureKind::Interrupted);
    for index in [2, 3] {
        rig.status(index, 500);
    }
    rig.lose(4, FailureKind::Connect);
    rig.lose(5, FailureKind::Timeout);
    rig.until_sent();
    give_up(&mut rig, 503);
    let maybe = [true, true, true, false, false, false, false];
    let rejected: Vec<_> = (1..8)
        .map(|n| (n..n + 1, ErrorKind::Unavailable, maybe[n as usize - 1]))
        .collect();
    assert_eq!(rig.rejected(), rejected);
    let messages = ["a", "bb", "ccc", "dddd", "e", "queued ", "\u{0}odd\r\n"];
    let expected: Vec<_> = (1..8)
        .zip(messages.into_iter().map(String::from))
        .zip(maybe)
        .map(|((ticket, message), maybe)| (ticket, message, maybe))
        .collect();
    assert_eq!(rig.unsent(), expected);
    assert!(rig.unsent().is_empty(), "given once");
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (0, 0));
}

#[test]
fn b40_given_back_messages_of_a_batch_are_what_was_appended() {
    for content_type in ["application/json", "text/plain"] {
        let mut rig = Rig::new(config_of(content_type).max_batch_bytes(40));
        let messages = [
            " 1.0e+2 ",
            "{\"b\":1 ,\"a\":[ ]}",
            "[1,\n2]",
            "\"\u{e9},]\"",
            "123456789012345678901234567890.10",
        ];
        for message in messages {
            rig.append(message);
        }
        rig.advance(5 * MS);
        rig.status(0, 404);
        let unsent = rig.unsent();
        let texts: Vec<_> = unsent.iter().map(|(_, text, _)| text.as_str()).collect();
        assert_eq!(texts, messages);
        assert!(unsent.iter().map(|(ticket, ..)| *ticket).eq(0..5));
    }
}

#[test]
fn b40_a_failed_writer_takes_nothing_and_sends_nothing() {
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    rig.append("c");
    rig.status(1, 400);
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::BadRequest);
    assert_eq!(rig.writer.ended().unwrap().kind(), ErrorKind::BadRequest);
    let refused = rig.try_append("d").unwrap_err();
    assert_eq!(refused.message, "d");
    assert_eq!(refusal(&refused), Some(ErrorKind::BadRequest));
    assert_eq!(
        refusal(&rig.writer.close_stream(None, rig.now()).unwrap_err()),
        refusal(&refused)
    );
    assert_eq!(
        rig.writer.restart().unwrap_err().kind(),
        ErrorKind::BadRequest
    );
    rig.writer.close();
    // What was in flight says nothing any more.
    assert_eq!(rig.aborted, [rig.sent[2].id, rig.sent[3].id]);
    rig.ok(2);
    rig.lose(3, FailureKind::Interrupted);
    rig.advance(1000 * SECOND);
    let refused = rig
        .writer
        .close_stream(Some("last".into()), rig.now())
        .unwrap_err();
    assert_eq!(refused.message, "last");
    assert_eq!(
        (rig.sent.len(), rig.stored().len(), rig.rejected().len()),
        (4, 1, 3)
    );
    assert!(rig.is_done() && rig.failure().is_some());
}

#[test]
fn b40_what_a_final_answer_says_of_the_batches_around_it() {
    // The front is refused: nothing behind it can be stored.
    let mut rig = Rig::in_flight(config(), &["a", "b", "c"]);
    rig.status(1, 400);
    let maybe: Vec<_> = rig.unsent().into_iter().map(|(.., maybe)| maybe).collect();
    assert_eq!(maybe, [false, false, false]);
    // One in the middle is refused: those before it are on their way.
    let mut rig = Rig::in_flight(config(), &["a", "b", "c"]);
    rig.status(2, 400);
    let maybe: Vec<_> = rig.unsent().into_iter().map(|(.., maybe)| maybe).collect();
    assert_eq!(maybe, [true, false, false]);
    // The last one is: all others may be.
    let mut rig = Rig::in_flight(config(), &["a", "b", "c"]);
    rig.status(3, 400);
    let maybe: Vec<_> = rig.unsent().into_iter().map(|(.., maybe)| maybe).collect();
    assert_eq!(maybe, [true, true, false]);
}

#[test]
fn b40_a_stored_batch_is_neither_rejected_nor_given_back() {
    let mut rig = Rig::in_flight(config(), &["a", "b", "c"]);
    rig.ok(2);
    rig.status(3, 401);
    assert!(rig.stored().iter().any(|(tickets, _)| *tickets == (2..3)));
    assert!(
        rig.rejected()
            .iter()
            .all(|(tickets, ..)| *tickets != (2..3))
    );
    assert!(rig.unsent().iter().all(|(ticket, ..)| *ticket != 2));
}

#[test]
fn b56_other_answers_are_final_at_once() {
    for (status, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::Unauthorized),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::StreamNotFound),
        (405, ErrorKind::NotSupported),
        (409, ErrorKind::ContentTypeMismatch),
        (410, ErrorKind::Gone),
        (418, ErrorKind::UnexpectedStatus),
        (501, ErrorKind::NotSupported),
    ] {
        let mut rig = Rig::new(config());
        rig.append("a");
        rig.status(0, status);
        assert_eq!(rig.rejected(), [(0..1, kind, false)], "{status}");
        assert_eq!(rig.failure().unwrap().kind(), kind);
    }
}

#[test]
fn b40_what_the_transport_refuses_to_send_is_final_at_once() {
    let mut rig = Rig::new(config());
    rig.append("a");
    rig.lose(0, FailureKind::Refused);
    assert_eq!(rig.rejected(), [(0..1, ErrorKind::InvalidInput, false)]);
}

#[test]
fn b42_closed_is_final_at_once_even_behind_the_front() {
    for index in [1, 2] {
        let mut rig = Rig::in_flight(config(), &["a", "b"]);
        rig.append("c");
        rig.closed(index);
        assert_eq!(rig.failure().unwrap().kind(), ErrorKind::StreamClosed);
        assert_eq!(
            rig.failure().unwrap().next_offset().unwrap().as_str(),
            "0099"
        );
        let tickets: Vec<_> = rig
            .rejected()
            .into_iter()
            .map(|(tickets, ..)| tickets)
            .collect();
        assert_eq!(tickets, [1..2, 2..3, 3..4]);
        assert!(
            rig.rejected()
                .iter()
                .all(|(_, kind, _)| *kind == ErrorKind::StreamClosed)
        );
        assert!(rig.delays().is_empty());
    }
}

#[test]
fn b42_a_409_is_read_from_its_headers_closed_before_gap() {
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    rig.answer(
        2,
        409,
        &[("producer-expected-seq", "1"), ("stream-closed", "TRUE")],
    );
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::StreamClosed);
    // The body of every answer here says that the stream is closed.
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    rig.answer(
        2,
        409,
        &[("producer-expected-seq", "1"), ("stream-closed", "false")],
    );
    assert!(rig.failure().is_none());
}
