//! How fast the exactly-once writer stores messages, beside loops that post the same full batches: one that sends the same requests,
//! in their order, and one that sends plain appends, several at a time, and does not care for their order. Over several connections only
//! one of the two can be had.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_client::{DurableStream, Metrics, OperationKind};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::bare::{self, Bare};
use super::measure::rate;
use super::{BYTES, Bench, Better, BoxError, JSON, batch, message};

/// What the writer does by itself: its defaults.
const BATCH_BYTES: usize = 1024 * 1024;
const BATCH_MESSAGES: usize = 1000;
const IN_FLIGHT: usize = 5;

pub(super) async fn writer(bench: &mut Bench<'_>, progress: &dyn Fn()) -> Result<(), BoxError> {
    for (name, content_type) in [("bytes", BYTES), ("JSON", JSON)] {
        for (label, size) in [("100 B", 100), ("1 KiB", 1024), ("1 MiB", 1024 * 1024)] {
            let message = message(content_type, size);
            // Small ones are limited by their number, large ones by their size.
            let count = (bench.effort.bytes / size).clamp(8, 200_000);
            let (mut ours, mut theirs) = (Vec::new(), [Vec::new(), Vec::new()]);
            for _ in 0..bench.effort.rounds {
                let (stream, _) = bench.stream(content_type).await?;
                ours.push(rate(count, write(&stream, &message, count).await?));
                stream.delete().await?;
                for (ordered, rates) in [true, false].into_iter().zip(&mut theirs) {
                    let (stream, url) = bench.stream(content_type).await?;
                    let batches = batches(content_type, &message, count);
                    let time = if ordered {
                        produce(&*bench.bare, &url, content_type, batches).await?
                    } else {
                        post(&*bench.bare, &url, content_type, batches).await?
                    };
                    rates.push(rate(count, time));
                    stream.delete().await?;
                }
            }
            let [in_order, unordered] = &theirs;
            let what = format!("{label} {name}, messages/s");
            bench.row(&what, Better::More, &ours, in_order);
            let what = format!("{what}, beside {IN_FLIGHT} plain appends at a time in any order");
            bench.row(what, Better::More, &ours, unordered);
            progress();
        }
    }
    resent(bench).await
}

/// Counts what a writer sends.
#[derive(Debug, Clone, Default)]
struct Sent(Arc<AtomicU64>);

impl Metrics for Sent {
    fn request_started(&self, operation: OperationKind) {
        if operation == OperationKind::Append {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// How many requests are sent again although nothing fails, because they overtook each other on their way.
async fn resent(bench: &mut Bench<'_>) -> Result<(), BoxError> {
    let sent = Sent::default();
    let client = (bench.contender.client)(&bench.root)?
        .metrics(sent.clone())
        .build()?;
    let (stream, _) = bench.stream_of(&client, BYTES).await?;
    let message = message(BYTES, 100);
    let batches = bench.effort.bytes.div_ceil(100 * BATCH_MESSAGES);
    write(&stream, &message, batches * BATCH_MESSAGES).await?;
    stream.delete().await?;
    let sent = sent.0.load(Ordering::Relaxed) as f64;
    let again = (sent - batches as f64) / sent * 100.0;
    let what = format!("sent again of {batches} full batches of 100 B, %");
    bench.row(what, Better::Less, &[again], &[]);
    Ok(())
}

async fn write(
    stream: &DurableStream,
    message: &Bytes,
    count: usize,
) -> Result<Duration, BoxError> {
    let writer = stream.writer("bench").start();
    let begun = Instant::now();
    for _ in 0..count {
        writer.append(message.clone()).await?;
    }
    writer.flush().await?;
    let time = begun.elapsed();
    writer.close().await?;
    Ok(time)
}

/// The batches as the writer has to make them, each when it is asked for.
fn batches(content_type: &str, message: &Bytes, count: usize) -> impl Iterator<Item = Bytes> {
    let full = (BATCH_BYTES / (message.len() + 1)).clamp(1, BATCH_MESSAGES);
    let sizes = (0..count)
        .step_by(full)
        .map(move |done| full.min(count - done));
    sizes.map(move |size| batch(content_type, message, size))
}

/// Sends them as a producer does, one after the other.
async fn produce(
    stack: &dyn Bare,
    url: &str,
    content_type: &str,
    batches: impl Iterator<Item = Bytes>,
) -> Result<Duration, BoxError> {
    let begun = Instant::now();
    for (seq, batch) in batches.enumerate() {
        bare::produce(stack, url, content_type, seq, batch).await?;
    }
    Ok(begun.elapsed())
}

/// Posts several of them at a time.
async fn post(
    stack: &dyn Bare,
    url: &str,
    content_type: &str,
    batches: impl Iterator<Item = Bytes>,
) -> Result<Duration, BoxError> {
    let begun = Instant::now();
    stream::iter(batches)
        .map(|batch| bare::append(stack, url, content_type, batch))
        .buffer_unordered(IN_FLIGHT)
        .try_for_each(|()| async { Ok(()) })
        .await?;
    Ok(begun.elapsed())
}

/// A hundred writers of a stream each.
pub(super) async fn many(bench: &mut Bench<'_>) -> Result<(), BoxError> {
    const WRITERS: usize = 100;
    let message = message(BYTES, 100);
    let count = (bench.effort.bytes / 100 / WRITERS).clamp(100, 2000);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..bench.effort.rounds {
        let mut streams = Vec::new();
        for _ in 0..WRITERS {
            streams.push(bench.stream(BYTES).await?);
        }
        let begun = Instant::now();
        let writes = streams.iter().map(|(s, _)| write(s, &message, count));
        futures_util::future::try_join_all(writes).await?;
        ours.push(rate(count * WRITERS, begun.elapsed()));
        let begun = Instant::now();
        let posts = streams
            .iter()
            .map(|(_, url)| produce(&*bench.bare, url, BYTES, batches(BYTES, &message, count)));
        futures_util::future::try_join_all(posts).await?;
        theirs.push(rate(count * WRITERS, begun.elapsed()));
        for (stream, _) in streams {
            stream.delete().await?;
        }
    }
    bench.row(
        format!("{WRITERS} writers, 100 B, messages/s"),
        Better::More,
        &ours,
        &theirs,
    );
    Ok(())
}
