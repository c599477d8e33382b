//! The caller's future is dropped at each of its polls in turn, and the caller goes on with new calls: what was reported as
//! accepted is stored exactly once and in order, and nothing else is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use durable_streams_client::{FailureKind, Writer};

use crate::server::Fault;
use crate::world::{Task, World, patient};

type Accepted = Arc<Mutex<Vec<u64>>>;

/// What a caller does, telling what it knows to be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    AppendFlushClose,
    ReceiptsRestartCloseStream,
    Acknowledged,
}

const SCENARIOS: [Scenario; 3] = [
    Scenario::AppendFlushClose,
    Scenario::ReceiptsRestartCloseStream,
    Scenario::Acknowledged,
];

async fn call(scenario: Scenario, writer: Writer, accepted: Accepted, from: u64) {
    let accept = |n| accepted.lock().unwrap().push(n);
    match scenario {
        Scenario::AppendFlushClose => {
            for n in from..from + 7 {
                if writer.append_json(&n).await.is_ok() {
                    accept(n);
                }
            }
            let _ = writer.flush().await;
            for n in from + 7..from + 10 {
                if writer.append_json(&n).await.is_ok() {
                    accept(n);
                }
            }
            writer.close().await.unwrap();
        }
        Scenario::ReceiptsRestartCloseStream => {
            let mut receipts = Vec::new();
            for n in from..from + 6 {
                if let Ok(receipt) = writer.append_json_with_receipt(&n).await {
                    accept(n);
                    receipts.push(receipt);
                }
                if n == from + 3 {
                    let _ = writer.restart().await;
                }
            }
            for receipt in receipts {
                receipt.await.unwrap();
            }
            // After a dropped `close_stream` the writer is closing already, and this joins in.
            writer.close_stream().await.unwrap();
        }
        Scenario::Acknowledged => {
            for n in from..from + 6 {
                // Of one that is dropped while it waits it is not known whether it was accepted.
                if writer.append_acked(n.to_string()).await.is_ok() {
                    accept(n);
                }
            }
            writer.close().await.unwrap();
        }
    }
}

/// Whether a future of this scenario can be dropped after a message was accepted and before it says so.
fn may_store_more(scenario: Scenario) -> bool {
    scenario == Scenario::Acknowledged
}

fn is_subsequence(part: &[u64], whole: &[u64]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|n| whole.any(|other| other == n))
}

/// Runs the scenario to its poll `n`, drops it, and runs another to its end. Says whether the first came to its end before.
fn run(scenario: Scenario, faults: &[Fault], buffer: usize, n: usize) -> bool {
    let (mut world, writer) = World::new(|builder| {
        builder
            .max_buffer_messages(buffer)
            .max_batch_messages(2)
            .linger(Duration::from_millis(5))
            .retry(patient())
    });
    world.server.faults(faults.iter().copied());
    let accepted = Accepted::default();
    let caller = |from| call(scenario, writer.clone(), Arc::clone(&accepted), from);
    let mut first = Task::new(caller(0));
    let complete = world.run_for(&mut first, n).is_some();
    drop(first);
    if !complete {
        world
            .run_for(&mut Task::new(caller(1000)), 10_000)
            .unwrap_or_else(|| panic!("{scenario:?} spins after a drop at poll {n}"));
    }
    let (stored, accepted) = (world.server.stored(), accepted.lock().unwrap().clone());
    let context = format!("{scenario:?} with {faults:?}, dropped at poll {n}");
    if may_store_more(scenario) {
        assert!(
            is_subsequence(&accepted, &stored),
            "{context}: {accepted:?} {stored:?}"
        );
        let mut once = stored.clone();
        once.dedup();
        assert_eq!(once, stored, "{context}: stored twice");
        assert!(stored.len() <= accepted.len() + 1, "{context}");
    } else {
        assert_eq!(stored, accepted, "{context}");
    }
    assert!(world.driver.is_none(), "{context}: the driver goes on");
    assert_eq!(world.server.in_flight(), 0, "{context}");
    complete
}

#[test]
fn b59_a_call_dropped_at_any_poll_loses_nothing_and_repeats_nothing() {
    let faults: [&[Fault]; 6] = [
        &[],
        &[Fault::AnswerLost; 5],
        &[Fault::Status(503); 5],
        &[Fault::Fails(FailureKind::Connect); 3],
        &[
            Fault::None,
            Fault::Fails(FailureKind::Interrupted),
            Fault::None,
            Fault::AnswerLost,
            Fault::Status(502),
        ],
        &[
            Fault::None,
            Fault::None,
            Fault::AnswerLost,
            Fault::Status(500),
        ],
    ];
    let mut drops = 0;
    for scenario in SCENARIOS {
        for faults in faults {
            for buffer in [1, 2, 5, 100] {
                let mut n = 0;
                while !run(scenario, faults, buffer, n) {
                    n += 1;
                }
                assert!(n > 2, "{scenario:?}: it never waits");
                drops += n;
            }
        }
    }
    println!("{drops} drops");
    assert!(drops > 400, "{drops}");
}

/// The same with everything drawn from a seed: several callers at once, each dropped at some poll.
#[test]
fn b59_callers_dropped_at_random_polls_lose_nothing() {
    for seed in 0..300_u64 {
        let mut state = seed;
        let mut draw = |below: u64| {
            // An odd multiplier and the high bits are random enough for this.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let (mut world, writer) = World::new(|builder| {
            builder
                .max_buffer_messages(4)
                .max_batch_messages(3)
                .retry(patient())
        });
        let faults = (0..20).map(|_| match draw(6) {
            0 => Fault::AnswerLost,
            1 => Fault::Status(503),
            2 => Fault::Fails(FailureKind::Interrupted),
            _ => Fault::None,
        });
        let faults: Vec<_> = faults.collect();
        world.server.faults(faults);
        let accepted = Accepted::default();
        let mut callers: Vec<_> = (0..6_u64)
            .map(|caller| {
                let (writer, accepted) = (writer.clone(), Arc::clone(&accepted));
                let task = Task::new(async move {
                    for n in caller * 100..caller * 100 + 8 {
                        if writer.append_json(&n).await.is_ok() {
                            accepted.lock().unwrap().push(n);
                        }
                        if n % 3 == 0 {
                            writer.flush().await.unwrap();
                        }
                    }
                });
                (task, draw(12))
            })
            .collect();
        while !callers.is_empty() {
            let mut polled = false;
            callers.retain_mut(|(task, polls)| {
                let woken = task.is_woken();
                polled |= woken;
                let over = woken && task.poll().is_ready();
                !over && (task.polls as u64) <= *polls
            });
            assert!(world.step() || polled || callers.is_empty(), "seed {seed}");
        }
        world.run(async move { writer.close().await }).unwrap();
        let accepted = accepted.lock().unwrap().clone();
        assert_eq!(world.server.stored(), accepted, "seed {seed}");
    }
}
