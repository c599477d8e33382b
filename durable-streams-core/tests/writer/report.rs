//! After a claim: what becomes of messages that may have been stored under the old epoch.

use durable_streams_core::{AfterClaim, ErrorKind, FailureKind, WriterConfig, WriterEvent};

use crate::support::{Rig, config, config_of};

fn choosing(choice: AfterClaim) -> WriterConfig {
    config().auto_claim(true).after_claim(choice)
}

/// A window of `a`, `b`, `c`: of `a` and `b` the answers were lost, `c` did not go; then the front is fenced.
fn fenced_after_losses(choice: AfterClaim) -> Rig {
    let mut rig = Rig::in_flight(choosing(choice), &["a", "b", "c"]);
    rig.append("d");
    rig.lose(1, FailureKind::Interrupted);
    rig.lose(2, FailureKind::Timeout);
    rig.lose(3, FailureKind::Connect);
    rig.gap(4, 1);
    let again = rig.until_sent();
    rig.fence(again, 1);
    rig
}

#[test]
fn b63_by_default_what_may_be_stored_is_sent_again() {
    let mut rig = fenced_after_losses(AfterClaim::default());
    assert_eq!(rig.sent_from(5), [(0, 1, "a"), (2, 0, "a")]);
    rig.ok(6);
    assert_eq!(rig.sent_from(7), [(2, 1, "b"), (2, 2, "c"), (2, 3, "d")]);
    assert!(rig.rejected().is_empty());
}

#[test]
fn b63_or_it_is_reported_and_only_what_is_certainly_not_stored_is_sent_again() {
    let mut rig = fenced_after_losses(AfterClaim::Report);
    let mut rejected = rig.rejected();
    rejected.sort_by_key(|(tickets, ..)| tickets.start);
    assert_eq!(
        rejected,
        [
            (1..2, ErrorKind::Fenced, true),
            (2..3, ErrorKind::Fenced, true)
        ]
    );
    assert_eq!(rig.sent_from(6), [(2, 0, "c")]);
    rig.ok(6);
    assert_eq!(rig.sent_from(7), [(2, 1, "d")]);
    rig.ok(7);
    assert_eq!(rig.stored(), [(0..1, false), (3..4, false), (4..5, false)]);
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (0, 0));
    assert!(rig.failure().is_none());
}

#[test]
fn b63_what_is_reported_is_reported_in_the_order_of_tickets() {
    let rig = fenced_after_losses(AfterClaim::Report);
    let tickets: Vec<_> = rig
        .rejected()
        .into_iter()
        .map(|(tickets, ..)| tickets)
        .collect();
    assert_eq!(tickets, [1..2, 2..3]);
}

#[test]
fn b63_every_flush_before_which_a_message_was_reported_tells_of_it() {
    let mut rig = Rig::open(choosing(AfterClaim::Report));
    rig.append("a");
    rig.writer.flush();
    rig.append("b");
    rig.writer.flush();
    rig.lose(1, FailureKind::Interrupted);
    rig.lose(2, FailureKind::Interrupted);
    let again = rig.until_sent();
    rig.fence(again, 1);
    let failed = |event: &WriterEvent| match event {
        WriterEvent::Flushed { result, .. } => Some(result.is_err()),
        _ => None,
    };
    let failed: Vec<_> = rig.events.iter().filter_map(failed).collect();
    assert_eq!(rig.rejected().len(), 2);
    // Each flush has a message of its own that was rejected.
    assert_eq!(failed, [true, true]);
}

#[test]
fn b63_what_is_known_to_be_stored_is_neither_sent_again_nor_reported() {
    for choice in [AfterClaim::Resend, AfterClaim::Report] {
        let mut rig = Rig::in_flight(choosing(choice), &["a", "b", "c", "d"]);
        rig.ok(3);
        rig.lose(1, FailureKind::Interrupted);
        rig.lose(2, FailureKind::Interrupted);
        rig.fence(4, 1);
        // Numbers are taken without a gap: `c` is stored, so `a` and `b` are.
        rig.until_sent_if_waiting();
        assert_eq!(rig.sent_from(5), [(2, 0, "d")], "{choice:?}");
        let mut stored: Vec<_> = rig
            .stored()
            .into_iter()
            .map(|(tickets, _)| tickets)
            .collect();
        stored.sort_by_key(|tickets| tickets.start);
        assert_eq!(stored, [0..1, 1..2, 2..3, 3..4]);
        assert!(rig.rejected().is_empty());
        rig.ok(5);
        assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (0, 0));
    }
}

#[test]
fn b63_what_was_resent_by_a_claim_may_be_stored_although_the_claim_fails() {
    for status in [400, 404, 409] {
        let mut rig = Rig::new(choosing(AfterClaim::Resend));
        rig.append("a");
        rig.append("b");
        rig.lose(0, FailureKind::Interrupted);
        let again = rig.until_sent();
        rig.fence(again, 1);
        assert_eq!(rig.sent_from(2), [(2, 0, "a")]);
        rig.status(2, status);
        // Its first attempt, under epoch 0, may have been stored: the answer was lost.
        let maybe: Vec<_> = rig
            .rejected()
            .into_iter()
            .map(|(.., maybe)| maybe)
            .collect();
        assert_eq!(maybe, [true, false]);
        let maybe: Vec<_> = rig.unsent().into_iter().map(|(.., maybe)| maybe).collect();
        assert_eq!(maybe, [true, false]);
    }
}

#[test]
fn b63_a_split_does_not_forget_what_may_be_stored_under_the_epoch_before() {
    let mut rig = Rig::new(
        config_of("text/plain")
            .auto_claim(true)
            .max_batch_messages(2),
    );
    rig.append("a");
    rig.append("b");
    rig.lose(0, FailureKind::Interrupted);
    let again = rig.until_sent();
    rig.fence(again, 1);
    rig.status(2, 413);
    assert_eq!(rig.sent_from(3), [(3, 0, "a")]);
    rig.status(3, 404);
    assert!(rig.rejected().iter().all(|(.., maybe)| *maybe));
    let unsent = [(0, "a".to_owned(), true), (1, "b".to_owned(), true)];
    assert_eq!(rig.unsent(), unsent);
}

#[test]
fn b63_what_a_gap_turned_down_may_be_stored_by_a_copy_that_comes_later() {
    let gapped_and_fenced = |choice| {
        let mut rig = Rig::in_flight(choosing(choice), &["a", "b"]);
        rig.gap(2, 1);
        rig.ok(1);
        rig.fence(3, 1);
        rig
    };
    let mut rig = gapped_and_fenced(AfterClaim::Resend);
    assert_eq!(rig.rejected(), []);
    assert_eq!(rig.sent_from(3), [(0, 2, "b"), (2, 0, "b")]);
    rig.status(4, 404);
    assert_eq!(rig.rejected(), [(2..3, ErrorKind::StreamNotFound, true)]);

    let rig = gapped_and_fenced(AfterClaim::Report);
    assert_eq!(rig.rejected(), [(2..3, ErrorKind::Fenced, true)]);
    assert_eq!(rig.sent_from(3), [(0, 2, "b")]);
}

#[test]
fn b63_what_a_gap_turned_down_is_not_stored_when_what_is_missing_before_it_never_came() {
    // `b` was never sent, so nothing behind it can be taken, by whatever copy.
    let mut rig = Rig::in_flight(choosing(AfterClaim::Report), &["a", "b", "c"]);
    rig.ok(1);
    rig.gap(3, 2);
    rig.lose(2, FailureKind::Connect);
    let again = rig.until_sent();
    rig.fence(again, 1);
    assert_eq!(rig.rejected(), []);
    assert_eq!(rig.sent[again + 1].what(), (2, 0, "b"));
    rig.ok(again + 1);
    assert_eq!(rig.sent[again + 2].what(), (2, 1, "c"));
}

#[test]
fn b63_everything_reported_the_claim_waits_for_the_next_message() {
    let mut rig = Rig::new(choosing(AfterClaim::Report));
    rig.append("a");
    rig.lose(0, FailureKind::Interrupted);
    let again = rig.until_sent();
    rig.fence(again, 3);
    assert_eq!(rig.rejected(), [(0..1, ErrorKind::Fenced, true)]);
    assert_eq!((rig.epochs(), rig.sent.len()), (vec![4], 2));
    rig.advance(crate::support::SECOND);
    assert_eq!(rig.wait(), None);
    rig.append("b");
    assert_eq!(rig.sent_from(2), [(4, 0, "b")]);
}

#[test]
fn b63_a_close_without_a_message_goes_on_under_the_claimed_epoch() {
    for choice in [AfterClaim::Resend, AfterClaim::Report] {
        let mut rig = Rig::open(choosing(choice));
        rig.close_stream(None);
        rig.lose(1, FailureKind::Interrupted);
        let again = rig.until_sent();
        rig.fence(again, 1);
        // There is no message to store twice, and the stream is open.
        assert_eq!(rig.rejected(), [], "{choice:?}");
        assert_eq!(rig.end(), None, "{choice:?}: it says closed");
        assert_eq!(rig.sent_from(3), [(2, 0, "")]);
        assert!(rig.sent[3].close);
        rig.ok(3);
        assert_eq!(rig.end(), Some(Some("0003")));
    }
}

#[test]
fn b63_a_close_with_a_message_that_is_reported_never_says_closed_of_an_open_stream() {
    let mut rig = Rig::open(choosing(AfterClaim::Report));
    rig.close_stream(Some("z"));
    rig.lose(1, FailureKind::Interrupted);
    let again = rig.until_sent();
    rig.fence(again, 1);
    assert_eq!(rig.rejected(), [(1..2, ErrorKind::Fenced, true)]);
    let closed_by = rig.sent[3..].iter().find(|sent| sent.close);
    assert_eq!(
        rig.end(),
        None,
        "it says closed, and {closed_by:?} was acknowledged"
    );
    assert!(rig.failure().is_some() || closed_by.is_some_and(|sent| sent.body.is_empty()));
}

#[test]
fn b63_a_last_message_whose_number_was_taken_is_not_stored_and_is_sent_again() {
    for choice in [AfterClaim::Resend, AfterClaim::Report] {
        let mut rig = Rig::new(choosing(choice));
        rig.close_stream(Some("z"));
        rig.answer(0, 204, &[("stream-next-offset", "0009")]);
        assert_eq!(rig.rejected(), [], "{choice:?}: it was never written");
        assert_eq!(rig.sent_from(1), [(1, 0, "z")]);
    }
}
