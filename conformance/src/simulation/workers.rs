//! Runs about workers: several for one subscription, to streams that others write.

use std::time::Duration;

use bytes::Bytes;
use durable_streams_core::{Live, RetryPolicy, WorkerConfig};
use http::Request;
use serde_json::json;

use super::actor::{Blow, WorkerPlan, url};
use super::clock::{MILLISECOND, SECOND, Time};
use super::message::Format;
use super::tape::Tape;
use super::world::World;

/// The subscription that is worked for.
pub(super) const SUBSCRIPTION: &str = "jobs";

/// A subscription to every stream, and those who work for it. Gives the streams; the first of them is there.
pub(super) fn plan(world: &mut World, first: usize, format: Format) -> Vec<usize> {
    let mut streams = vec![first];
    for path in ["/t", "/u"] {
        if world.ctx.tape.chance(600) {
            streams.push(world.stream(path, format));
        }
    }
    let lease = world.ctx.tape.pick(&[1000, 1000, 2000, 5000]);
    let wakes = Request::put("/wakes").header("content-type", "application/json");
    world.prepare(wakes.body(Bytes::new()));
    let settings = json!({
        "type": "pull-wake",
        "pattern": "**",
        "wake_stream": "wakes",
        "lease_ttl_ms": lease,
    });
    let path = format!("/__ds/subscriptions/{SUBSCRIPTION}");
    world.prepare(Request::put(path).body(Bytes::from(settings.to_string())));
    let workers = world.ctx.tape.between(1, 4);
    for index in 0..workers {
        let at = world.ctx.tape.pick(&[0, 0, 50 * MILLISECOND, SECOND]);
        let lease = lease * MILLISECOND;
        if let Some(plan) = draw(&mut world.ctx.tape, format!("worker-{index}"), lease) {
            world.worker(plan, at);
        }
    }
    streams
}

fn draw(tape: &mut Tape, name: String, lease: Time) -> Option<WorkerPlan> {
    let concurrency = tape.pick(&[8, 1, 2]);
    let live = tape.pick(&[Live::Auto, Live::LongPoll, Live::Sse]);
    let batch = tape.pick(&[256 * 1024, 256 * 1024, 1, 64]);
    let retry = |tape: &mut Tape| {
        RetryPolicy::endless()
            .initial(Duration::from_millis(tape.pick(&[100, 10, 30])))
            .max(Duration::from_millis(tape.pick(&[1000, 2000])))
    };
    let timeout = Duration::from_millis(tape.pick(&[1000, 200, 3000]));
    let idle = Duration::from_millis(tape.pick(&[8000, 2000]));
    // No work is to be found but by the wakes.
    let config = WorkerConfig::new(&url("")?, SUBSCRIPTION, &name).ok()?;
    let config = config
        .concurrency(concurrency)
        .live(live)
        .retry(retry(tape))
        .work_retry(retry(tape))
        .poll_interval(Duration::from_secs(24 * 3600))
        .request_timeout(timeout)
        .long_poll_timeout(Duration::from_secs(6))
        .sse_idle_timeout(idle)
        .max_batch_bytes(batch)
        .seed(tape.below(1 << 32));
    let speed = tape.pick(&[1000, 1000, 960, 1040]);
    let takes = tape.pick(&[0, MILLISECOND, 50 * MILLISECOND, lease / 2, lease * 2]);
    let fails = tape.pick(&[0, 0, 50, 300]);
    let mut fate = Vec::new();
    let mut at = 0;
    for _ in 0..tape.pick(&[0, 0, 1, 2, 4]) {
        at += tape.below(2 * SECOND);
        let blow = match tape.below(3) {
            0 => Blow::Stall(tape.below(lease * 2)),
            1 => Blow::Crash(tape.below(lease)),
            _ => Blow::Leave,
        };
        fate.push((at, blow));
    }
    Some(WorkerPlan {
        name,
        config,
        concurrency,
        speed,
        takes,
        fails,
        fate,
    })
}
