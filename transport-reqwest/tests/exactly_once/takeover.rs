//! Writers of one id that take over from each other: what was acknowledged stays, and is there once for each epoch it was sent in.

use std::collections::{BTreeMap, BTreeSet};

use durable_streams_reqwest::{Receipt, Writer};

use crate::hop::Plan;
use crate::world::{World, seed, within};

fn plan(seed: u64) -> Plan {
    Plan {
        long_waits: 0,
        ..Plan::new(seed, 20)
    }
}

/// Messages that are one writer's alone: the number of the writer, and of the message.
async fn append(writer: &Writer, who: u64, numbers: std::ops::Range<u64>) -> Vec<(u64, Receipt)> {
    let mut receipts = Vec::new();
    for n in numbers {
        let message = who * 1_000_000 + n;
        let receipt = writer.append_json_with_receipt(&message).await.unwrap();
        receipts.push((message, receipt));
    }
    receipts
}

/// The messages whose receipts say that they are stored.
async fn acknowledged(receipts: Vec<(u64, Receipt)>) -> BTreeSet<u64> {
    let mut messages = BTreeSet::new();
    for (message, receipt) in receipts {
        if receipt.await.is_ok() {
            messages.insert(message);
        }
    }
    messages
}

/// What the server took, by epoch. No message is in one epoch twice.
fn taken(world: &World) -> BTreeMap<u64, BTreeSet<u64>> {
    let mut epochs: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for taken in world.hop.taken() {
        let messages: Vec<u64> = serde_json::from_slice(&taken.body).unwrap();
        for message in messages {
            let new = epochs.entry(taken.epoch).or_default().insert(message);
            assert!(new, "{message} is twice in epoch {}", taken.epoch);
        }
    }
    epochs
}

fn count(messages: impl IntoIterator<Item = u64>) -> BTreeMap<u64, usize> {
    let mut counts = BTreeMap::new();
    for message in messages {
        *counts.entry(message).or_default() += 1;
    }
    counts
}

/// Whether each message is in `all` at least as often as in `part`.
fn contains(all: &BTreeMap<u64, usize>, part: &BTreeMap<u64, usize>) -> bool {
    part.iter()
        .all(|(message, count)| all.get(message).is_some_and(|all| all >= count))
}

/// Compares the log with what was acknowledged, and with what the server took under each epoch.
async fn compare(world: &World, acknowledged: &BTreeSet<u64>) {
    // Requests of a writer that is gone may still arrive, before or after the log is read.
    let before = count(taken(world).into_values().flatten());
    let (log, _) = world.messages(None).await;
    world.hop.idle().await;
    let epochs = taken(world);
    let after = count(epochs.values().flatten().copied());
    let counts = count(log.iter().copied());
    assert!(contains(&counts, &before), "the server lost what it took");
    assert!(contains(&after, &counts), "more than the server took");
    let stored: BTreeSet<u64> = log.iter().copied().collect();
    let missing: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(missing.is_empty(), "acknowledged and lost: {missing:?}");
    println!(
        "{} acknowledged, {} stored, {} in all, {} epochs, {}",
        acknowledged.len(),
        stored.len(),
        log.len(),
        epochs.len(),
        world.hop.summary()
    );
    assert!(epochs.len() > 1, "nobody took over");
}

#[tokio::test]
async fn b44_a_writer_takes_over_from_a_dead_one_and_nothing_acknowledged_is_lost() {
    within(async {
        let seed = seed();
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::start("application/json", plan(seed)).await;
        let mut known = BTreeSet::new();
        for run in 0..20 {
            let builder = world.writer("w").auto_claim(true).max_batch_messages(10);
            let writer = builder.start();
            let mut receipts = append(&writer, run, 0..100).await;
            let dies_at = rng.usize(..receipts.len());
            let rest = receipts.split_off(dies_at);
            known.extend(acknowledged(receipts).await);
            // It dies with whatever is under way.
            drop(writer);
            known.extend(acknowledged(rest).await);
        }
        compare(&world, &known).await;
    })
    .await;
}

#[tokio::test]
async fn b44_two_live_writers_that_take_turns_lose_nothing_acknowledged() {
    within(async {
        let seed = seed();
        let mut rng = fastrand::Rng::with_seed(seed);
        let world = World::start("application/json", plan(seed)).await;
        let start = || {
            let builder = world.writer("w").auto_claim(true).max_claims(1000);
            builder.max_batch_messages(10).start()
        };
        let first = start();
        let mut known = acknowledged(append(&first, 0, 0..50).await).await;
        let writers = [first, start()];
        let mut next = [50_u64, 0];
        for turn in 1..16_usize {
            let who = turn % 2;
            let count = rng.u64(20..200);
            let numbers = next[who]..next[who] + count;
            next[who] += count;
            let receipts = append(&writers[who], who as u64, numbers).await;
            // The other one's turn begins while this one's last messages are under way, or after them.
            let mut receipts = receipts;
            let rest = receipts.split_off(rng.usize(..receipts.len()));
            known.extend(acknowledged(receipts).await);
            if rng.bool() {
                known.extend(acknowledged(rest).await);
            }
        }
        for writer in &writers {
            writer.flush().await.unwrap();
        }
        let all = (0..next[0]).chain((0..next[1]).map(|n| 1_000_000 + n));
        // Both came to an end without an error: everything was acknowledged.
        known.extend(all);
        compare(&world, &known).await;
    })
    .await;
}
