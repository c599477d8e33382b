//! Sequence numbers, repetition, answers in any order, gaps, and what counts as an acknowledgement.

use bytes::Bytes;
use durable_streams_core::{ErrorKind, FailureKind, Input, WriterEvent};

use crate::support::{MS, Rig, SECOND, config, parts};

const FOUR: [&str; 4] = ["a", "b", "c", "d"];

#[test]
fn b39_the_first_request_of_an_epoch_goes_alone_then_five_are_in_flight() {
    let mut rig = Rig::new(config());
    for message in ["w", "a", "b", "c", "d", "e", "f"] {
        rig.append(message);
    }
    assert_eq!(rig.sent_from(0), [(0, 0, "w")]);
    rig.ok(0);
    let window = [
        (0, 1, "a"),
        (0, 2, "b"),
        (0, 3, "c"),
        (0, 4, "d"),
        (0, 5, "e"),
    ];
    assert_eq!(rig.sent_from(1), window);
    rig.ok(1);
    assert_eq!(rig.sent_from(6), [(0, 6, "f")]);
}

#[test]
fn b39_the_window_is_as_large_as_configured() {
    for size in [1, 2, 7] {
        let mut rig = Rig::open(config().max_in_flight(size));
        for _ in 0..10 {
            rig.append("x");
        }
        assert_eq!(rig.live.len(), size);
    }
}

#[test]
fn b39_a_batch_is_resent_byte_for_byte_although_more_was_appended() {
    let mut rig = Rig::new(config().max_batch_messages(100));
    rig.append("one");
    rig.append("two");
    for attempt in 1..8 {
        match attempt % 3 {
            0 => rig.status(attempt - 1, 500),
            1 => rig.lose(attempt - 1, FailureKind::Interrupted),
            _ => rig.lose(attempt - 1, FailureKind::Connect),
        }
        rig.append("later");
        assert_eq!(rig.until_sent(), attempt);
        let (first, again) = (&rig.sent[0].request, &rig.sent[attempt].request);
        assert_eq!(first.body(), again.body());
        assert_eq!(first.headers(), again.headers());
        assert_eq!(first.uri(), again.uri());
    }
    assert_eq!(rig.sent[0].what(), (0, 0, "one"));
    rig.ok(7);
    assert_eq!(
        rig.sent_from(8),
        [(0, 1, "twolaterlaterlaterlaterlaterlaterlater")]
    );
}

#[test]
fn b39_answers_in_any_order_store_every_message_once() {
    for order in [[4, 3, 2, 1], [2, 1, 4, 3], [1, 4, 2, 3], [3, 1, 4, 2]] {
        let mut rig = Rig::in_flight(config(), &FOUR);
        for index in order {
            rig.ok(index);
        }
        let mut stored = rig.stored();
        stored.sort_by_key(|(tickets, _)| tickets.start);
        let expected: Vec<_> = (0..5).map(|ticket| (ticket..ticket + 1, false)).collect();
        assert_eq!(stored, expected);
        assert_eq!(rig.sent.len(), 5);
        assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (0, 0));
    }
}

#[test]
fn b39_the_window_counts_from_the_oldest_unacknowledged_batch() {
    let mut rig = Rig::in_flight(config(), &FOUR);
    rig.append("e");
    rig.append("f");
    for index in [2, 3, 4, 5] {
        rig.ok(index);
    }
    // Only the front is missing: a sixth number ahead of it would be a gap.
    assert_eq!((rig.live.clone(), rig.sent.len()), (vec![1], 6));
    rig.ok(1);
    assert_eq!(rig.sent_from(6), [(0, 6, "f")]);
}

#[test]
fn b41_a_gap_behind_a_batch_under_way_waits_for_it_and_is_resent() {
    let mut rig = Rig::in_flight(config(), &FOUR);
    rig.gap(3, 1);
    rig.gap(2, 1);
    rig.append("e");
    rig.advance(SECOND);
    // Nothing is sent while the front is on its way: neither the two again, nor a new one.
    assert_eq!(rig.live, [1, 4]);
    rig.ok(1);
    // They overtook each other: only half of them go together from here on.
    assert_eq!(rig.sent_from(5), [(0, 2, "b")]);
    rig.gap(4, 2);
    assert_eq!(rig.live, [5]);
    rig.ok(5);
    assert_eq!(rig.sent_from(6), [(0, 3, "c"), (0, 4, "d")]);
    rig.ok(6);
    assert_eq!(rig.sent_from(8), [(0, 5, "e")]);
    assert!(rig.delays().is_empty() && rig.failure().is_none());
}

#[test]
fn b41_a_lost_front_explains_the_gaps_behind_it() {
    let mut rig = Rig::in_flight(config(), &FOUR);
    rig.lose(1, FailureKind::Connect);
    for index in [2, 3, 4] {
        rig.gap(index, 1);
    }
    assert_eq!(rig.until_sent(), 5);
    rig.advance(SECOND);
    assert_eq!(rig.sent_from(5), [(0, 1, "a")]);
    rig.ok(5);
    assert_eq!(rig.sent_from(6), [(0, 2, "b"), (0, 3, "c"), (0, 4, "d")]);
    for index in [6, 7, 8] {
        rig.ok(index);
    }
    assert_eq!(rig.stored().len(), 5);
}

#[test]
fn b41_a_gap_that_nothing_explains_is_diverged() {
    let mut rig = Rig::open(config());
    rig.append("a");
    rig.append("b");
    rig.gap(1, 0);
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::Diverged);
    assert_eq!(rig.failure().unwrap().expected_seq(), Some(0));
    assert_eq!(rig.failure().unwrap().received_seq(), Some(1));
    // What is behind a gap is not stored either.
    let rejected = [
        (1..2, ErrorKind::Diverged, false),
        (2..3, ErrorKind::Diverged, false),
    ];
    assert_eq!(rig.rejected(), rejected);
    assert_eq!(rig.aborted, [rig.sent[2].id]);
}

#[test]
fn b61_a_stale_gap_is_final_only_for_an_attempt_sent_as_the_front() {
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    rig.ok(1);
    // It is the front by now, but it was not when it was sent: the server looked before `a` landed.
    rig.gap(2, 1);
    assert!(rig.failure().is_none());
    assert_eq!(rig.sent_from(3), [(0, 2, "b")]);
    // Now nothing is before it.
    rig.gap(3, 1);
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::Diverged);
}

#[test]
fn b61_after_a_stale_gap_only_the_front_goes_until_it_is_stored() {
    let mut rig = Rig::in_flight(config(), &["a", "b", "c"]);
    rig.ok(1);
    rig.gap(2, 1);
    rig.gap(3, 1);
    rig.append("d");
    assert_eq!(rig.sent_from(4), [(0, 2, "b")]);
    rig.ok(4);
    assert_eq!(rig.sent_from(5), [(0, 3, "c"), (0, 4, "d")]);
}

#[test]
fn b43_a_204_is_success_and_marked_duplicate() {
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    rig.lose(1, FailureKind::Interrupted);
    rig.ok(2);
    let again = rig.until_sent();
    rig.duplicate(again);
    let mut stored = rig.stored();
    stored.sort_by_key(|(tickets, _)| tickets.start);
    assert_eq!(stored, [(0..1, false), (1..2, true), (2..3, false)]);
}

#[test]
fn b43_a_204_may_echo_a_higher_number_that_was_sent() {
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    rig.lose(1, FailureKind::Timeout);
    rig.ok(2);
    let again = rig.until_sent();
    let echo = [
        ("stream-next-offset", "0007"),
        ("producer-epoch", "0"),
        ("producer-seq", "2"),
    ];
    rig.answer(again, 204, &echo);
    assert_eq!(rig.stored().len(), 3);
    assert_eq!(rig.writer.pending(), 0);
}

/// Answers a first request in ways that acknowledge nothing.
fn never_an_acknowledgement(status: u16, headers: &[(&str, &str)], kind: ErrorKind) {
    let mut rig = Rig::new(config());
    rig.append("a");
    rig.append("b");
    rig.answer(0, status, headers);
    assert!(rig.stored().is_empty(), "{status} {headers:?}");
    let retrying = |event: &WriterEvent| matches!(event, WriterEvent::Retrying { error, .. } if error.kind() == kind);
    assert!(rig.events.iter().any(retrying), "{:?}", rig.events);
    // A proxy's page may pass: the same request goes again, and can still be stored.
    let again = rig.until_sent();
    assert_eq!(rig.sent[again].what(), (0, 0, "a"));
    rig.duplicate(again);
    assert_eq!(rig.stored(), [(0..1, true)]);
}

const NEXT: (&str, &str) = ("stream-next-offset", "0007");

#[test]
fn b43_an_echo_of_another_request_is_no_acknowledgement() {
    for echo in [
        [("producer-epoch", "1"), ("producer-seq", "0")],
        [("producer-epoch", "zero"), ("producer-seq", "0")],
        [("producer-epoch", "0"), ("producer-seq", "-1")],
        [
            ("producer-epoch", "9007199254740992"),
            ("producer-seq", "0"),
        ],
        [
            ("producer-epoch", "0"),
            ("producer-seq", "9007199254740992"),
        ],
    ] {
        for status in [200, 204] {
            never_an_acknowledgement(status, &[NEXT, echo[0], echo[1]], ErrorKind::Protocol);
        }
    }
}

#[test]
fn b43_an_echo_below_the_number_sent_is_no_acknowledgement() {
    let mut rig = Rig::in_flight(config(), &["a"]);
    rig.answer(
        1,
        200,
        &[NEXT, ("producer-epoch", "0"), ("producer-seq", "0")],
    );
    assert_eq!(rig.stored(), [(0..1, false)]);
    let again = rig.until_sent();
    assert_eq!(rig.sent[again].what(), (0, 1, "a"));
}

#[test]
fn b64_a_success_without_an_echo_is_one_but_not_without_an_offset() {
    let mut rig = Rig::new(config());
    rig.append("a");
    rig.answer(0, 200, &[NEXT]);
    assert_eq!(rig.stored(), [(0..1, false)]);
    let html = ("content-type", "text/html");
    let echo = [html, ("producer-epoch", "0"), ("producer-seq", "0")];
    never_an_acknowledgement(200, &[html], ErrorKind::Protocol);
    never_an_acknowledgement(200, &echo, ErrorKind::Protocol);
    never_an_acknowledgement(204, &[], ErrorKind::Protocol);
    never_an_acknowledgement(200, &[("stream-next-offset", "-1")], ErrorKind::Protocol);
}

#[test]
fn b64_other_successes_and_redirects_acknowledge_nothing() {
    for status in [201, 202, 205, 206] {
        never_an_acknowledgement(status, &[NEXT], ErrorKind::Protocol);
    }
    for status in [301, 302, 303, 304, 307, 308] {
        let headers = [NEXT, ("location", "http://h:4437/v1/other")];
        never_an_acknowledgement(status, &headers, ErrorKind::Redirect);
    }
}

#[test]
fn b64_pages_and_redirects_without_end_fail_the_writer() {
    for (status, kind, maybe) in [
        (200, ErrorKind::Protocol, true),
        (302, ErrorKind::Redirect, false),
    ] {
        let mut rig = Rig::new(config());
        rig.append("a");
        while !rig.is_done() {
            let last = rig.sent.len() - 1;
            rig.answer(last, status, &[("location", "/login")]);
            if !rig.is_done() {
                rig.until_sent();
            }
        }
        assert!(rig.sent.len() >= 10 && rig.stored().is_empty());
        assert!(
            rig.sent
                .iter()
                .all(|sent| sent.request.uri().path() == "/v1/s")
        );
        assert_eq!(rig.failure().unwrap().kind(), kind);
        assert_eq!(rig.rejected(), [(0..1, kind, maybe)]);
    }
}

#[test]
fn b64_an_endless_body_of_an_answer_is_not_read_to_its_end() {
    let mut rig = Rig::new(config());
    rig.append("a");
    let id = rig.sent[0].id;
    let head = parts(200, &[NEXT, ("producer-epoch", "0"), ("producer-seq", "0")]);
    rig.input(Input::Head(id, head));
    for _ in 0..100 {
        if rig.aborted.is_empty() {
            rig.input(Input::Chunk(id, Bytes::from(vec![b' '; 1000])));
        }
    }
    assert_eq!(rig.aborted, [id]);
    assert_eq!(rig.stored(), [(0..1, false)]);
}

#[test]
fn b64_the_head_decides_when_the_rest_of_the_answer_is_lost() {
    let mut rig = Rig::new(config());
    rig.append("a");
    let id = rig.sent[0].id;
    rig.input(Input::Head(id, parts(200, &[NEXT])));
    assert!(rig.stored().is_empty());
    rig.live.clear();
    rig.input(Input::Failed(id, FailureKind::Interrupted.into()));
    assert_eq!(rig.stored(), [(0..1, false)]);
    // And when it hangs.
    rig.append("b");
    let id = rig.sent[1].id;
    rig.input(Input::Head(id, parts(200, &[NEXT])));
    rig.advance(30 * SECOND - MS);
    assert_eq!(rig.stored().len(), 1);
    rig.advance(MS);
    assert_eq!((rig.stored().len(), rig.aborted.clone()), (2, vec![id]));
}

#[test]
fn answers_to_requests_that_are_no_longer_current_change_nothing() {
    let mut rig = Rig::new(config());
    rig.append("a");
    rig.advance(30 * SECOND);
    assert_eq!(rig.aborted, [rig.sent[0].id]);
    let again = rig.until_sent();
    rig.ok(0);
    rig.fence(0, 9);
    rig.lose(0, FailureKind::Refused);
    assert!(rig.stored().is_empty());
    rig.ok(again);
    rig.ok(again);
    rig.closed(again);
    assert_eq!(rig.stored(), [(0..1, false)]);
    assert!(!rig.is_done());
}
