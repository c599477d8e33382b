//! Fences, claims, and acknowledgements that are somebody else's.

use durable_streams_core::{AfterClaim, ErrorKind, FailureKind, WriterConfig};

use crate::support::{Rig, SECOND, config};

fn claiming() -> WriterConfig {
    config().auto_claim(true)
}

#[test]
fn b44_fenced_without_auto_claim_is_the_end() {
    let mut rig = Rig::in_flight(config(), &["a", "b", "c"]);
    rig.append("d");
    rig.fence(1, 7);
    let error = rig.failure().unwrap();
    assert_eq!(
        (error.kind(), error.producer_epoch()),
        (ErrorKind::Fenced, Some(7))
    );
    let rejected: Vec<_> = (1..5)
        .map(|n| (n..n + 1, ErrorKind::Fenced, false))
        .collect();
    assert_eq!(rig.rejected(), rejected);
    assert!(rig.epochs().is_empty());
    assert_eq!(rig.sent.len(), 5);
    assert_eq!(rig.writer.epoch(), 0);
}

#[test]
fn b44_fenced_behind_the_front_the_batches_before_it_may_be_stored() {
    let mut rig = Rig::in_flight(config(), &["a", "b", "c"]);
    rig.fence(3, 1);
    let maybe: Vec<_> = rig
        .rejected()
        .into_iter()
        .map(|(.., maybe)| maybe)
        .collect();
    assert_eq!(maybe, [true, true, false]);
}

#[test]
fn b44_a_first_request_that_is_fenced_claims_the_epoch_above() {
    let mut rig = Rig::new(claiming());
    for message in ["a", "b", "c"] {
        rig.append(message);
    }
    rig.fence(0, 4);
    // One batch with number 0; the others only behind its success.
    assert_eq!(rig.sent_from(0), [(0, 0, "a"), (5, 0, "a")]);
    assert_eq!(rig.epochs(), [5]);
    rig.advance(SECOND);
    assert_eq!(rig.sent.len(), 2);
    rig.ok(1);
    assert_eq!(rig.sent_from(2), [(5, 1, "b"), (5, 2, "c")]);
    assert!(rig.rejected().is_empty());
}

#[test]
fn b44_a_later_fence_queues_everything_unacknowledged_again_in_order() {
    let mut rig = Rig::in_flight(claiming(), &["a", "b", "c", "d", "e"]);
    rig.append("f");
    rig.ok(1);
    // `f` is on its way now, and the fence is seen by some of them only.
    rig.fence(3, 2);
    rig.fence(2, 2);
    rig.advance(SECOND);
    assert!(rig.epochs().is_empty(), "claimed with requests in flight");
    assert_eq!(rig.live, [4, 5, 6]);
    rig.lose(4, FailureKind::Interrupted);
    rig.gap(6, 2);
    rig.fence(5, 2);
    assert_eq!(rig.epochs(), [3]);
    rig.append("g");
    rig.until_sent_if_waiting();
    assert_eq!(rig.sent_from(7), [(3, 0, "b")]);
    rig.ok(7);
    assert_eq!(
        rig.sent_from(8),
        [
            (3, 1, "c"),
            (3, 2, "d"),
            (3, 3, "e"),
            (3, 4, "f"),
            (3, 5, "g")
        ]
    );
    for index in 8..13 {
        rig.ok(index);
    }
    let mut stored = rig.stored();
    stored.sort_by_key(|(tickets, _)| tickets.start);
    assert!(stored.iter().map(|(tickets, _)| tickets.start).eq(0..8));
    assert_eq!(rig.epochs(), [3]);
}

#[test]
fn b44_one_fence_seen_by_five_requests_is_one_claim() {
    let mut rig = Rig::in_flight(claiming().max_claims(1), &["a", "b", "c", "d", "e"]);
    for index in 1..6 {
        rig.fence(index, 1);
    }
    assert!(rig.failure().is_none(), "{:?}", rig.failure());
    assert_eq!(
        (rig.epochs(), rig.sent_from(6)),
        (vec![2], vec![(2, 0, "a")])
    );
}

#[test]
fn b44_the_highest_epoch_that_several_fences_tell_of_counts() {
    let mut rig = Rig::in_flight(claiming(), &["a", "b", "c"]);
    rig.fence(1, 3);
    rig.fence(2, 8);
    rig.fence(3, 5);
    assert_eq!(rig.epochs(), [9]);
    assert_eq!(rig.sent_from(4), [(9, 0, "a")]);
}

#[test]
fn b44_a_second_fence_during_a_claim_claims_above_it() {
    let mut rig = Rig::new(claiming());
    rig.append("a");
    rig.append("b");
    rig.fence(0, 0);
    rig.fence(1, 1);
    rig.fence(2, 6);
    assert_eq!(
        rig.sent_from(0),
        [(0, 0, "a"), (1, 0, "a"), (2, 0, "a"), (7, 0, "a")]
    );
    rig.ok(3);
    assert_eq!(rig.sent_from(4), [(7, 1, "b")]);
    assert_eq!(rig.epochs(), [1, 2, 7]);
}

#[test]
fn b44_claims_are_bounded_and_a_success_starts_the_count_over() {
    for limit in [0, 1, 3] {
        let mut rig = Rig::new(claiming().max_claims(limit));
        rig.append("a");
        for claim in 0..=u64::from(limit) {
            assert!(!rig.is_done(), "limit {limit}, claim {claim}");
            rig.fence(claim as usize, claim);
        }
        assert_eq!(
            rig.failure().unwrap().kind(),
            ErrorKind::Fenced,
            "limit {limit}"
        );
        assert_eq!(rig.sent.len(), limit as usize + 1);
        assert_eq!(rig.rejected(), [(0..1, ErrorKind::Fenced, false)]);
    }
    let mut rig = Rig::new(claiming().max_claims(2));
    for round in 0..4 {
        rig.append("a");
        for _ in 0..2 {
            let last = rig.sent.len() - 1;
            rig.fence(last, rig.sent[last].epoch);
        }
        rig.ok(rig.sent.len() - 1);
        assert_eq!(rig.stored().len(), round + 1);
    }
}

#[test]
fn b44_a_fence_that_makes_no_sense_is_the_end() {
    // Without a readable epoch, or by one below its own, there is nothing to claim.
    for epoch in ["x", "9007199254740992", "2"] {
        let mut rig = Rig::new(claiming().epoch(3).unwrap());
        rig.append("a");
        rig.answer(0, 403, &[("producer-epoch", epoch)]);
        assert_eq!(rig.failure().unwrap().kind(), ErrorKind::Fenced, "{epoch}");
        assert_eq!(rig.sent.len(), 1);
    }
}

#[test]
fn b45_a_claim_whose_answer_was_lost_is_repeated_as_it_was() {
    for kind in [
        FailureKind::Interrupted,
        FailureKind::Timeout,
        FailureKind::Connect,
    ] {
        let mut rig = Rig::new(claiming());
        rig.append("a");
        rig.append("b");
        rig.fence(0, 0);
        for attempt in 1..4 {
            rig.lose(attempt, kind);
            rig.until_sent();
        }
        rig.status(4, 503);
        rig.until_sent();
        assert_eq!(rig.sent_from(1), vec![(1, 0, "a"); 5]);
        rig.ok(5);
        assert_eq!(rig.sent_from(6), [(1, 1, "b")]);
        assert_eq!((rig.epochs(), rig.stored()), (vec![1], vec![(0..1, false)]));
    }
}

#[test]
fn b45_a_204_to_a_repeated_claim_is_its_own() {
    let mut rig = Rig::new(claiming());
    rig.append("a");
    rig.fence(0, 0);
    rig.lose(1, FailureKind::Interrupted);
    let again = rig.until_sent();
    rig.duplicate(again);
    assert_eq!((rig.stored(), rig.epochs()), (vec![(0..1, true)], vec![1]));
}

#[test]
fn b62_with_an_explicit_epoch_a_204_to_a_first_attempt_is_a_replayed_job() {
    let mut rig = Rig::new(config().epoch(5).unwrap());
    for message in ["a", "b", "c"] {
        rig.append(message);
    }
    // The earlier run got further than this one has sent.
    let echo = [
        ("stream-next-offset", "0009"),
        ("producer-epoch", "5"),
        ("producer-seq", "1"),
    ];
    rig.answer(0, 204, &echo);
    rig.answer(1, 204, &echo);
    rig.ok(2);
    assert_eq!(rig.sent_from(0), [(5, 0, "a"), (5, 1, "b"), (5, 2, "c")]);
    assert_eq!(rig.stored(), [(0..1, true), (1..2, true), (2..3, false)]);
    assert!(rig.epochs().is_empty());
}

#[test]
fn b62_with_auto_claim_a_204_to_a_first_attempt_is_not_an_acknowledgement() {
    let mut rig = Rig::new(claiming());
    rig.append("a");
    rig.append("b");
    rig.duplicate(0);
    assert!(rig.stored().is_empty() && rig.rejected().is_empty());
    assert_eq!(rig.epochs(), [1]);
    assert_eq!(rig.sent_from(1), [(1, 0, "a")]);
    rig.ok(1);
    assert_eq!(rig.sent_from(2), [(1, 1, "b")]);
    assert_eq!(rig.stored(), [(0..1, false)]);
}

#[test]
fn b62_with_auto_claim_a_later_204_to_a_first_attempt_is_not_one_either() {
    for last_first in [false, true] {
        let mut rig = Rig::in_flight(claiming(), &["a", "b", "c"]);
        rig.ok(1);
        // Somebody else took the number of `b`, and so `c` landed behind their message.
        if last_first {
            rig.ok(3);
            rig.duplicate(2);
        } else {
            rig.duplicate(2);
            assert!(rig.epochs().is_empty(), "claimed with a request in flight");
            rig.ok(3);
        }
        let mut stored: Vec<_> = rig
            .stored()
            .into_iter()
            .map(|(tickets, _)| tickets)
            .collect();
        stored.sort_by_key(|tickets| tickets.start);
        assert_eq!(stored, [0..1, 1..2, 3..4], "`b` is not stored");
        assert_eq!(
            (rig.epochs(), rig.sent_from(4)),
            (vec![1], vec![(1, 0, "b")])
        );
    }
}

#[test]
fn b62_behind_a_number_that_somebody_else_took_messages_can_be_stored() {
    let config = claiming().after_claim(AfterClaim::Report);
    let mut rig = Rig::in_flight(config, &["a", "b", "c"]);
    rig.ok(1);
    rig.lose(3, FailureKind::Interrupted);
    rig.duplicate(2);
    // `b` is certainly not stored, and `c` may be: there was no gap before it.
    assert_eq!(rig.rejected(), [(3..4, ErrorKind::Fenced, true)]);
    assert_eq!(rig.sent_from(4), [(1, 0, "b")]);
}

#[test]
fn b62_with_auto_claim_a_204_after_attempts_that_never_arrived_is_somebody_elses() {
    let mut rig = Rig::new(claiming());
    rig.append("a");
    rig.lose(0, FailureKind::Connect);
    rig.until_sent();
    rig.lose(1, FailureKind::Connect);
    rig.until_sent();
    // The first attempt that can have reached the server is this one.
    rig.duplicate(2);
    assert_eq!(
        rig.stored(),
        [],
        "acknowledged by what somebody else stored"
    );
    assert_eq!((rig.epochs(), rig.sent[3].what()), (vec![1], (1, 0, "a")));
}

#[test]
fn b62_with_auto_claim_a_204_after_an_attempt_that_was_turned_away_is_somebody_elses() {
    for status in [429, 503] {
        let mut rig = Rig::new(claiming());
        rig.append("a");
        rig.status(0, status);
        rig.until_sent();
        rig.duplicate(1);
        assert_eq!(
            rig.stored(),
            [],
            "{status}: acknowledged by what somebody else stored"
        );
        assert_eq!(rig.epochs(), [1]);
    }
}

#[test]
fn b62_with_auto_claim_a_number_that_was_never_sent_is_somebody_elses() {
    let mut rig = Rig::new(claiming());
    rig.append("a");
    rig.lose(0, FailureKind::Interrupted);
    let again = rig.until_sent();
    let echo = [
        ("stream-next-offset", "0009"),
        ("producer-epoch", "0"),
        ("producer-seq", "3"),
    ];
    rig.answer(again, 204, &echo);
    assert!(rig.stored().is_empty());
    assert_eq!((rig.epochs(), rig.sent[2].what()), (vec![1], (1, 0, "a")));
}

#[test]
fn b62_with_auto_claim_a_close_under_a_used_epoch_claims_the_next() {
    for last in [None, Some("last")] {
        let mut rig = Rig::new(claiming());
        rig.close_stream(last);
        // Somebody used this number for something else: nothing was done, and the stream is open.
        let echo = [
            ("stream-next-offset", "0009"),
            ("producer-epoch", "0"),
            ("producer-seq", "0"),
        ];
        rig.answer(0, 204, &echo);
        assert_eq!(rig.epochs(), [1], "{last:?}: {:?}", rig.events);
        assert_eq!(rig.sent[1].what(), (1, 0, last.unwrap_or_default()));
        assert!(rig.sent[1].close);
        rig.ok(1);
        assert_eq!(rig.end(), Some(Some("0001")));
    }
}

#[test]
fn b62_auto_claim_is_off_unless_asked_for() {
    let mut rig = Rig::new(config());
    rig.append("a");
    rig.fence(0, 0);
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::Fenced);
}
