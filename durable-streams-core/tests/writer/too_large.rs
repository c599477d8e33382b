//! 413: a batch that the server does not take as large as it is.

use durable_streams_core::{ErrorKind, FailureKind, WriterConfig};

use crate::support::{MS, Rig, config, config_of};

/// Batches of up to this many messages, that wait for company.
fn batches_of(messages: usize) -> WriterConfig {
    config_of("application/json").max_batch_messages(messages)
}

/// A writer with these messages in flight, in requests of `size`, behind a first one.
fn in_flight(size: usize, messages: usize) -> Rig {
    let mut rig = Rig::new(batches_of(size));
    rig.append("0");
    rig.advance(5 * MS);
    rig.ok(0);
    for message in 1..=messages {
        rig.append(&message.to_string());
    }
    rig
}

#[test]
fn b54b_a_batch_that_is_too_large_goes_in_two_halves_under_the_next_epoch() {
    let mut rig = Rig::new(batches_of(5));
    for message in ["1", "[2,2]", " 3", "4", "5"] {
        rig.append(message);
    }
    assert_eq!(rig.sent_from(0), [(0, 0, "[1,[2,2], 3,4,5]")]);
    rig.status(0, 413);
    assert_eq!(rig.epochs(), [1]);
    assert_eq!(rig.sent_from(1), [(1, 0, "[1,[2,2]]")]);
    rig.ok(1);
    assert_eq!(rig.sent_from(2), [(1, 1, "[ 3,4,5]")]);
    rig.ok(2);
    assert_eq!(rig.stored(), [(0..2, false), (2..5, false)]);
    assert!(rig.rejected().is_empty() && rig.delays().is_empty());
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (0, 0));
}

#[test]
fn b54b_halves_are_split_again_until_they_pass() {
    let mut rig = Rig::new(batches_of(4));
    for message in ["1", "2", "3", "4"] {
        rig.append(message);
    }
    let mut answered = 0;
    while answered < rig.sent.len() {
        match rig.sent[answered].body.len() {
            0..=3 => rig.ok(answered),
            _ => rig.status(answered, 413),
        }
        answered += 1;
    }
    let accepted: Vec<_> = rig
        .sent
        .iter()
        .filter(|sent| sent.body.len() <= 3)
        .collect();
    assert!(
        accepted
            .iter()
            .map(|sent| sent.body.as_str())
            .eq(["[1]", "[2]", "[3]", "[4]"])
    );
    assert_eq!(rig.stored().len(), 4);
    assert!(rig.rejected().is_empty());
    // Every cut is an epoch of its own, and each begins with number 0.
    let epochs = rig.epochs();
    assert!(epochs.iter().copied().eq(1..=epochs.len() as u64));
    for epoch in epochs {
        assert_eq!(
            rig.sent
                .iter()
                .find(|sent| sent.epoch == epoch)
                .unwrap()
                .seq,
            0
        );
    }
}

#[test]
fn b54b_a_single_message_that_is_too_large_is_rejected_and_the_others_go_on() {
    let mut rig = Rig::new(config());
    for message in ["a", "large", "c"] {
        rig.append(message);
    }
    rig.ok(0);
    rig.status(1, 413);
    rig.gap(2, 1);
    assert_eq!(rig.rejected(), [(1..2, ErrorKind::PayloadTooLarge, false)]);
    assert_eq!(rig.sent_from(3), [(1, 0, "c")]);
    rig.ok(3);
    rig.append("d");
    rig.ok(4);
    assert_eq!(rig.stored(), [(0..1, false), (2..3, false), (3..4, false)]);
    assert!(rig.failure().is_none());
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (0, 0));
}

#[test]
fn b54b_others_in_flight_are_waited_for_before_the_halves_go() {
    let mut rig = in_flight(2, 6);
    assert_eq!(
        rig.sent_from(1),
        [(0, 1, "[1,2]"), (0, 2, "[3,4]"), (0, 3, "[5,6]")]
    );
    rig.status(1, 413);
    rig.append("7");
    rig.append("8");
    assert_eq!(
        (rig.sent.len(), rig.epochs()),
        (4, vec![]),
        "nothing goes meanwhile"
    );
    rig.gap(3, 1);
    rig.gap(2, 1);
    assert_eq!(rig.epochs(), [1]);
    assert_eq!(rig.sent_from(4), [(1, 0, "[1]")]);
    rig.ok(4);
    assert_eq!(
        rig.sent_from(5),
        [
            (1, 1, "[2]"),
            (1, 2, "[3,4]"),
            (1, 3, "[5,6]"),
            (1, 4, "[7,8]")
        ]
    );
}

#[test]
fn b54b_others_whose_answers_are_lost_cannot_be_stored_and_are_sent_again() {
    let mut rig = in_flight(2, 6);
    rig.status(1, 413);
    rig.lose(2, FailureKind::Interrupted);
    rig.advance(crate::support::SECOND * 30);
    assert_eq!(rig.epochs(), [1]);
    rig.until_sent_if_waiting();
    assert_eq!(rig.sent_from(4), [(1, 0, "[1]")]);
    rig.ok(4);
    assert_eq!(
        rig.sent_from(5),
        [(1, 1, "[2]"), (1, 2, "[3,4]"), (1, 3, "[5,6]")]
    );
    assert!(rig.rejected().is_empty());
}

#[test]
fn b54b_behind_the_front_the_batch_is_split_once_it_is_the_front() {
    let mut rig = in_flight(2, 6);
    rig.status(2, 413);
    rig.gap(3, 2);
    rig.advance(crate::support::SECOND);
    assert_eq!((rig.sent.len(), rig.epochs()), (4, vec![]));
    rig.ok(1);
    // It is tried once more: the server may have been short of something for a moment.
    assert_eq!(rig.sent_from(4)[0], (0, 2, "[3,4]"));
    rig.status(4, 413);
    for index in rig.live.clone() {
        rig.gap(index, 2);
    }
    let last = rig.sent.len() - 1;
    assert_eq!(
        (rig.epochs(), rig.sent[last].what()),
        (vec![1], (1, 0, "[3]"))
    );
    assert!(rig.stored().contains(&(1..3, false)));
}

#[test]
fn b54b_a_split_does_not_lower_an_epoch_that_is_being_claimed() {
    let mut rig = Rig::new(batches_of(2).auto_claim(true));
    rig.append("0");
    rig.advance(5 * MS);
    rig.ok(0);
    for message in ["1", "2", "3", "4"] {
        rig.append(message);
    }
    rig.fence(2, 7);
    // A proxy that looks at lengths only.
    rig.status(1, 413);
    assert_eq!(rig.epochs(), [8]);
    assert_eq!(rig.sent_from(3), [(8, 0, "[1]")]);
}

#[test]
fn b54b_too_large_after_an_unknown_outcome_never_stores_it_twice() {
    let mut rig = Rig::new(batches_of(2));
    rig.append("1");
    rig.append("2");
    rig.lose(0, FailureKind::Interrupted);
    let again = rig.until_sent();
    rig.status(again, 413);
    // The first attempt may be stored: it is not sent under another epoch, and the caller learns it.
    assert_eq!(rig.sent.len(), 2);
    assert_eq!(rig.rejected(), [(0..2, ErrorKind::PayloadTooLarge, true)]);
    assert!(rig.unsent().iter().all(|(.., maybe)| *maybe));
}

#[test]
fn b54b_a_last_message_that_is_too_large_leaves_the_stream_open() {
    let mut rig = Rig::open(config());
    rig.close_stream(Some("large"));
    rig.status(1, 413);
    assert_eq!(rig.failure().unwrap().kind(), ErrorKind::PayloadTooLarge);
    assert_eq!(rig.rejected(), [(1..2, ErrorKind::PayloadTooLarge, false)]);
    assert_eq!(rig.unsent(), [(1, "large".to_owned(), false)]);
}

#[test]
fn b54b_a_split_before_the_close_leaves_the_close_whole() {
    let mut rig = Rig::new(batches_of(2));
    rig.append("1");
    rig.append("2");
    rig.close_stream(Some("3"));
    rig.status(0, 413);
    rig.ok(1);
    rig.ok(2);
    rig.ok(3);
    assert_eq!(
        rig.sent_from(1),
        [(1, 0, "[1]"), (1, 1, "[2]"), (1, 2, "[3]")]
    );
    assert!(
        rig.sent
            .iter()
            .map(|sent| sent.close)
            .eq([false, false, false, true])
    );
    assert_eq!(rig.end(), Some(Some("0003")));
}
