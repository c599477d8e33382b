//! How fast the exactly-once writer stores messages, beside a loop that posts the same full batches.

use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_client::DurableStream;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::bare::{self, Bare};
use super::measure::{median, rate};
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
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..bench.effort.rounds {
                let (stream, url) = bench.stream(content_type).await?;
                ours.push(rate(count, write(&stream, &message, count).await?));
                stream.delete().await?;
                let (stream, _) = bench.stream(content_type).await?;
                let url = stream.url().map_or(url, ToString::to_string);
                let time = post(&*bench.bare, &url, content_type, &message, count).await?;
                theirs.push(rate(count, time));
                stream.delete().await?;
            }
            let (client, bare) = (median(&mut ours), median(&mut theirs));
            let what = format!("{label} {name}, messages/s");
            bench.row(what, Better::More, client, Some(bare));
            progress();
        }
    }
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

/// Makes the batches as the writer has to make them, and posts as many at a time.
async fn post(
    stack: &dyn Bare,
    url: &str,
    content_type: &str,
    message: &Bytes,
    count: usize,
) -> Result<Duration, BoxError> {
    let full = (BATCH_BYTES / (message.len() + 1)).clamp(1, BATCH_MESSAGES);
    let begun = Instant::now();
    let sizes = (0..count).step_by(full).map(|done| full.min(count - done));
    stream::iter(sizes)
        .map(|size| bare::append(stack, url, content_type, batch(content_type, message, size)))
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
            .map(|(_, url)| post(&*bench.bare, url, BYTES, &message, count));
        futures_util::future::try_join_all(posts).await?;
        theirs.push(rate(count * WRITERS, begun.elapsed()));
        for (stream, _) in streams {
            stream.delete().await?;
        }
    }
    bench.row(
        format!("{WRITERS} writers, 100 B, messages/s"),
        Better::More,
        median(&mut ours),
        Some(median(&mut theirs)),
    );
    Ok(())
}
