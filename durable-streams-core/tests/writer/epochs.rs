//! Restarts, and the numbers of epochs.

use durable_streams_core::{ErrorKind, FailureKind};

use crate::support::{MAX_INTEGER, Rig, SECOND, config, config_of};

impl Rig {
    fn restart(&mut self) {
        self.writer.restart().unwrap();
        self.poll();
    }
}

#[test]
fn b48_a_restart_drains_then_goes_on_under_the_next_epoch_from_0() {
    let mut rig = Rig::in_flight(config(), &["a", "b"]);
    rig.restart();
    rig.append("c");
    rig.append("d");
    rig.ok(2);
    rig.advance(SECOND);
    assert!(rig.epochs().is_empty());
    assert_eq!(rig.sent.len(), 3, "sent before everything was answered for");
    rig.ok(1);
    assert_eq!(rig.epochs(), [1]);
    // Again one alone, then the window.
    assert_eq!(rig.sent_from(3), [(1, 0, "c")]);
    rig.ok(3);
    assert_eq!(rig.sent_from(4), [(1, 1, "d")]);
    assert_eq!((rig.writer.epoch(), rig.writer.next_seq()), (1, 2));
}

#[test]
fn b48_what_was_queued_before_a_restart_goes_under_the_old_epoch() {
    let mut rig = Rig::new(config_of("text/plain").linger(10 * SECOND));
    rig.append("a");
    rig.restart();
    rig.append("b");
    assert_eq!(rig.sent_from(0), [(0, 0, "a")]);
    rig.status(0, 503);
    rig.until_sent();
    assert_eq!(rig.sent_from(1), [(0, 0, "a")]);
    rig.ok(1);
    assert_eq!(rig.epochs(), [1]);
    rig.advance(10 * SECOND);
    assert_eq!(rig.sent_from(2), [(1, 0, "b")]);
}

#[test]
fn b48_with_nothing_pending_a_restart_is_done_at_once() {
    let mut rig = Rig::open(config().epoch(8).unwrap());
    rig.restart();
    assert_eq!(rig.epochs(), [9]);
    rig.restart();
    assert_eq!(rig.epochs(), [9, 10]);
    assert_eq!((rig.sent.len(), rig.wait()), (1, None));
    rig.append("a");
    assert_eq!(rig.sent_from(1), [(10, 0, "a")]);
}

#[test]
fn b48_two_restarts_before_the_first_is_done_are_each_a_new_epoch_where_they_were_asked_for() {
    let mut rig = Rig::in_flight(config(), &["a"]);
    rig.restart();
    rig.append("b");
    rig.restart();
    rig.append("c");
    rig.ok(1);
    rig.ok(2);
    rig.ok(3);
    assert_eq!(rig.sent_from(1), [(0, 1, "a"), (1, 0, "b"), (2, 0, "c")]);
    assert_eq!(rig.epochs(), [1, 2]);
}

#[test]
fn b48_a_restart_behind_a_claim_takes_the_epoch_above_it() {
    let mut rig = Rig::in_flight(config().auto_claim(true), &["a", "b"]);
    rig.restart();
    rig.append("c");
    rig.fence(2, 6);
    rig.fence(1, 6);
    assert_eq!(rig.sent_from(3), [(7, 0, "a")]);
    rig.ok(3);
    rig.ok(4);
    assert_eq!(rig.sent_from(4), [(7, 1, "b"), (8, 0, "c")]);
    assert_eq!(rig.epochs(), [7, 8]);
}

#[test]
fn b48_a_close_behind_a_restart_closes_under_the_new_epoch() {
    let mut rig = Rig::in_flight(config(), &["a"]);
    rig.restart();
    rig.close_stream(None);
    rig.ok(1);
    assert_eq!(
        (rig.epochs(), rig.sent_from(2)),
        (vec![1], vec![(1, 0, "")])
    );
    rig.ok(2);
    assert_eq!(rig.end(), Some(Some("0002")));
}

#[test]
fn b48_a_failure_before_a_restart_is_done_rejects_what_is_behind_it_too() {
    let mut rig = Rig::in_flight(config(), &["a"]);
    rig.restart();
    rig.append("b");
    rig.status(1, 404);
    assert!(rig.epochs().is_empty());
    assert_eq!(
        rig.unsent(),
        [(1, "a".to_owned(), false), (2, "b".to_owned(), false)]
    );
}

#[test]
fn b52_an_epoch_over_the_largest_integer_is_refused() {
    assert!(config().epoch(MAX_INTEGER).is_ok());
    for epoch in [MAX_INTEGER + 1, u64::MAX] {
        assert_eq!(
            config().epoch(epoch).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
}

#[test]
fn b52_the_largest_epoch_is_used_and_none_is_above_it() {
    let mut rig = Rig::open(config().epoch(MAX_INTEGER).unwrap());
    assert_eq!(rig.sent[0].what(), (9_007_199_254_740_991, 0, "w"));
    assert_eq!(rig.stored(), [(0..1, false)]);
    rig.restart();
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::Fenced);
    assert!(rig.epochs().is_empty());
}

#[test]
fn b52_a_claim_above_the_largest_epoch_fails_the_writer() {
    let mut rig = Rig::in_flight(config().auto_claim(true), &["a", "b"]);
    rig.fence(1, MAX_INTEGER);
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::Fenced);
    assert_eq!(rig.sent.len(), 3);
    assert!(
        rig.rejected()
            .iter()
            .map(|(tickets, ..)| tickets.start)
            .eq([1, 2])
    );
    // One below it leaves one to claim.
    let mut rig = Rig::in_flight(config().auto_claim(true), &["a"]);
    rig.fence(1, MAX_INTEGER - 1);
    assert_eq!(rig.sent_from(2), [(MAX_INTEGER, 0, "a")]);
}

#[test]
fn b52_a_split_above_the_largest_epoch_rejects_every_message_once() {
    let mut rig = Rig::new(config_of("text/plain").epoch(MAX_INTEGER).unwrap());
    for message in ["a", "b", "c"] {
        rig.append(message);
    }
    rig.advance(SECOND);
    rig.status(0, 413);
    assert!(rig.is_done());
    let mut tickets: Vec<u64> = rig
        .rejected()
        .into_iter()
        .flat_map(|(tickets, ..)| tickets)
        .collect();
    tickets.sort_unstable();
    assert_eq!(tickets, [0, 1, 2]);
    let unsent: String = rig
        .unsent()
        .into_iter()
        .map(|(_, message, _)| message)
        .collect();
    assert_eq!(unsent, "abc");
}

#[test]
fn b48_a_restart_waits_for_an_unknown_outcome_to_be_known() {
    let mut rig = Rig::in_flight(config(), &["a"]);
    rig.restart();
    rig.append("b");
    rig.lose(1, FailureKind::Interrupted);
    let again = rig.until_sent();
    assert_eq!(rig.sent[again].what(), (0, 1, "a"));
    rig.duplicate(again);
    assert_eq!(rig.sent_from(again + 1), [(1, 0, "b")]);
}
