//! Whatever the network does: stored once, in order, and told of as it is.

use durable_streams_core::{AfterClaim, RetryPolicy, WriterConfig, WriterEvent};
use proptest::{collection::vec, prelude::*};

use crate::model::{Faults, World};
use crate::support::{MS, Rig, config_of};

fn config(seed: u64) -> WriterConfig {
    config_of("application/json")
        .max_batch_messages(3)
        .max_in_flight(4)
        .max_buffer_messages(50)
        .linger(2 * MS)
        .retry(RetryPolicy::endless())
        .max_claims(1_000)
        .seed(seed)
}

fn steps() -> impl Strategy<Value = Vec<(u8, u8)>> {
    vec(any::<(u8, u8)>(), 0..250)
}

fn run(config: WriterConfig, faults: Faults, limit: Option<usize>, steps: &[(u8, u8)]) -> World {
    let mut world = World::new(config, faults, limit);
    for (kind, which) in steps {
        world.step(*kind, *which);
    }
    world.finish();
    world.late_copies();
    world
}

/// Every ticket that was told of, each once.
fn told(rig: &Rig) -> (Vec<u64>, Vec<(u64, bool)>) {
    let stored: Vec<u64> = rig
        .stored()
        .into_iter()
        .flat_map(|(tickets, _)| tickets)
        .collect();
    let rejected: Vec<_> = rig
        .rejected()
        .into_iter()
        .flat_map(|(tickets, _, maybe)| tickets.map(move |ticket| (ticket, maybe)))
        .collect();
    let mut all: Vec<u64> = stored
        .iter()
        .copied()
        .chain(rejected.iter().map(|(n, _)| *n))
        .collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count, "a ticket was told of twice");
    (stored, rejected)
}

/// The log is what was appended, and every ticket was told to be stored.
fn exactly_once(world: &World) {
    let all: Vec<u64> = (0..world.appended).collect();
    assert_eq!(world.server.log, all);
    let (mut stored, rejected) = told(&world.rig);
    stored.sort_unstable();
    assert_eq!((stored, rejected), (all, vec![]));
    assert!(world.rig.end().is_some());
    let rig = &world.rig;
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (0, 0));
    let mut last = None;
    for event in &rig.events {
        if let WriterEvent::Flushed { flush, result } = event {
            assert!(result.is_ok() && last < Some(*flush));
            last = Some(*flush);
        }
    }
}

/// The same number under the same epoch is the same body, and the next one comes behind it.
fn numbered_without_a_gap(rig: &Rig) {
    let mut seen = std::collections::BTreeMap::new();
    for sent in &rig.sent {
        let body = seen.entry((sent.epoch, sent.seq)).or_insert(&sent.body);
        assert_eq!(*body, &sent.body);
        let before = sent.seq.checked_sub(1).map(|seq| (sent.epoch, seq));
        assert!(before.is_none_or(|before| seen.contains_key(&before)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn b39_exactly_once_and_in_order_whatever_is_lost_repeated_late_or_reordered(
        steps in steps(), seed: u64, restarts: bool,
    ) {
        let faults = Faults { losses: true, copies_of_gaps: true, claims: false, restarts };
        let world = run(config(seed), faults, None, &steps);
        exactly_once(&world);
        numbered_without_a_gap(&world.rig);
    }

    #[test]
    fn b54b_exactly_once_and_in_order_although_batches_have_to_be_cut(
        steps in steps(), seed: u64, limit in 1usize..3, restarts: bool,
    ) {
        let faults = Faults { losses: false, copies_of_gaps: true, claims: false, restarts };
        let world = run(config(seed), faults, Some(limit), &steps);
        exactly_once(&world);
        numbered_without_a_gap(&world.rig);
    }

    #[test]
    fn b44_claims_that_know_every_outcome_store_exactly_once(steps in steps(), seed: u64) {
        let faults = Faults { losses: false, copies_of_gaps: false, claims: true, restarts: false };
        let world = run(config(seed).auto_claim(true), faults, None, &steps);
        exactly_once(&world);
        numbered_without_a_gap(&world.rig);
    }

    #[test]
    fn b63_reported_nothing_is_stored_twice_and_what_is_told_is_true(steps in steps(), seed: u64) {
        let faults = Faults { losses: true, copies_of_gaps: true, claims: true, restarts: false };
        let config = config(seed).auto_claim(true).after_claim(AfterClaim::Report);
        let world = run(config, faults, None, &steps);
        let log = &world.server.log;
        assert!(log.windows(2).all(|pair| pair[0] < pair[1]), "twice, or out of order: {log:?}");
        let (stored, rejected) = told(&world.rig);
        assert_eq!((stored.len() + rejected.len()) as u64, world.appended);
        assert!(stored.iter().all(|ticket| log.contains(ticket)), "told as stored, and lost");
        assert!(rejected.iter().all(|(ticket, maybe)| *maybe || !log.contains(ticket)));
        numbered_without_a_gap(&world.rig);
    }

    #[test]
    fn b63_resent_nothing_is_lost(steps in steps(), seed: u64) {
        let faults = Faults { losses: true, copies_of_gaps: true, claims: true, restarts: false };
        let world = run(config(seed).auto_claim(true), faults, None, &steps);
        let (stored, rejected) = told(&world.rig);
        assert_eq!((stored.len() as u64, rejected), (world.appended, vec![]));
        let mut seen: Vec<u64> = Vec::new();
        for message in &world.server.log {
            if !seen.contains(message) {
                seen.push(*message);
            }
        }
        assert!(seen.into_iter().eq(0..world.appended));
        numbered_without_a_gap(&world.rig);
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(steps in steps(), seed: u64, claims: bool, restarts: bool) {
        let faults = Faults { losses: true, copies_of_gaps: true, claims, restarts };
        let trace = || run(config(seed).auto_claim(true), faults, None, &steps).rig.trace;
        assert_eq!(trace(), trace());
    }
}
