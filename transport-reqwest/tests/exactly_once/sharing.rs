//! One writer, shared by tasks on several threads.

use std::collections::BTreeMap;

use crate::hop::Plan;
use crate::world::{World, seed, within};

const TASKS: u64 = 16;
const EACH: u64 = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn b49_tasks_on_many_threads_share_a_small_buffer_and_nobody_is_forgotten() {
    within(async {
        let plan = Plan {
            long_waits: 0,
            ..Plan::new(seed(), 20)
        };
        let world = World::start("application/json", plan).await;
        let writer = world.writer("w").max_buffer_messages(30).start();
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let writer = writer.clone();
            tasks.spawn(async move {
                for n in 0..EACH {
                    let message = task * 1_000_000 + n;
                    match n % 100 {
                        7 => drop(writer.append_json_with_receipt(&message).await.unwrap()),
                        42 => drop(writer.append_acked(message.to_string()).await.unwrap()),
                        _ => writer.append_json(&message).await.unwrap(),
                    }
                }
                writer.flush().await.unwrap();
            });
        }
        while let Some(result) = tasks.join_next().await {
            result.unwrap();
        }
        let mut next: BTreeMap<u64, u64> = BTreeMap::new();
        for message in world.messages(None).await.0 {
            let next = next.entry(message / 1_000_000).or_default();
            assert_eq!(message % 1_000_000, *next, "each task's in its order");
            *next += 1;
        }
        assert_eq!(next, (0..TASKS).map(|task| (task, EACH)).collect());
        println!("{} messages, {}", TASKS * EACH, world.hop.summary());
    })
    .await;
}
