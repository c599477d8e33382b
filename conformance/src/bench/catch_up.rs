//! How fast history is read, beside a loop that asks for the same answers and throws them away.

use std::time::Instant;

use durable_streams_client::DurableStream;
use futures_util::stream::StreamExt as _;
use serde::Deserialize;

use super::bare::{self, Bare};
use super::measure::rate;
use super::{BYTES, Bench, Better, BoxError, JSON, batch, memory, message};

/// What is appended at once.
const APPEND: usize = 1024 * 1024;
const MIB: f64 = 1024.0 * 1024.0;

/// How the client's user takes what is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Bytes,
    /// Of messages of the size that the stream has.
    Raw,
    Typed,
}

#[derive(Debug, Deserialize)]
struct Message {
    id: u64,
    note: String,
}

pub(super) async fn run(bench: &mut Bench<'_>, progress: &dyn Fn()) -> Result<(), BoxError> {
    let (stream, url, length) = fill(bench, BYTES, 1024).await?;
    compare(bench, "bytes", &stream, &url, length, Taken::Bytes).await?;
    progress();
    ahead(bench, &stream, length).await?;
    progress();
    stream.delete().await?;
    for (label, size) in [("100 B", 100), ("1 KiB", 1024)] {
        let (stream, url, length) = fill(bench, JSON, size).await?;
        for (how, taken) in [("raw", Taken::Raw), ("typed", Taken::Typed)] {
            let name = format!("{how} JSON of {label}");
            compare(bench, &name, &stream, &url, length, taken).await?;
            progress();
        }
        stream.delete().await?;
    }
    Ok(())
}

/// A closed stream of so many bytes, in messages of this size. Gives the length of its contents.
async fn fill(
    bench: &Bench<'_>,
    content_type: &str,
    size: usize,
) -> Result<(DurableStream, String, usize), BoxError> {
    let (stream, url) = bench.stream(content_type).await?;
    let message = message(content_type, size);
    let count = APPEND / (size + 1);
    let body = batch(content_type, &message, count);
    let appends = bench.effort.bytes.div_ceil(body.len());
    for _ in 0..appends {
        bare::append(&*bench.bare, &url, content_type, body.clone()).await?;
    }
    stream.close().await?;
    Ok((stream, url, appends * count * message.len()))
}

async fn compare(
    bench: &mut Bench<'_>,
    name: &str,
    stream: &DurableStream,
    url: &str,
    length: usize,
    taken: Taken,
) -> Result<(), BoxError> {
    let (mut ours, mut theirs, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.effort.rounds {
        let begun = Instant::now();
        throw_away(&*bench.bare, url, length).await?;
        theirs.push(rate(length, begun.elapsed()) / MIB);
        memory::forget_peak();
        let begun = Instant::now();
        read(stream, length, taken, bench.effort.prefetch).await?;
        ours.push(rate(length, begun.elapsed()) / MIB);
        peaks.extend(memory::peak().map(|peak| peak / 1024.0));
    }
    let what = format!("{name}, MiB/s");
    bench.row(what, Better::More, &ours, &theirs);
    if !peaks.is_empty() {
        let what = format!("{name}, peak memory of the process, MiB");
        bench.row(what, Better::Less, &peaks, &[]);
    }
    Ok(())
}

/// With answers asked for ahead, beside the client without.
async fn ahead(
    bench: &mut Bench<'_>,
    stream: &DurableStream,
    length: usize,
) -> Result<(), BoxError> {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..bench.effort.rounds {
        for (answers, times) in [(bench.effort.prefetch, &mut with), (0, &mut without)] {
            let begun = Instant::now();
            read(stream, length, Taken::Bytes, answers).await?;
            times.push(rate(length, begun.elapsed()) / MIB);
        }
    }
    let what = format!("prefetch of {} beside none, MiB/s", bench.effort.prefetch);
    bench.row(what, Better::More, &with, &without);
    Ok(())
}

async fn read(
    stream: &DurableStream,
    length: usize,
    taken: Taken,
    prefetch: usize,
) -> Result<(), BoxError> {
    let mut reader = stream.read().prefetch(prefetch).start();
    let (mut read, mut sum) = (0, 0);
    while let Some(batch) = reader.next().await? {
        match taken {
            Taken::Bytes => read += batch.bytes().len(),
            Taken::Raw => read += batch.messages().iter().map(<[u8]>::len).sum::<usize>(),
            Taken::Typed => {
                for message in batch.json::<Message>() {
                    let Message { id, note } = message?;
                    sum += id;
                    // All but the text is the same in each.
                    read += r#"{"id":1234567,"note":""}"#.len() + note.len();
                }
            }
        }
    }
    std::hint::black_box(sum);
    if read != length {
        return Err(format!("{read} bytes were read of {length}").into());
    }
    Ok(())
}

/// The same requests by the bare stack, which counts the bytes. The array around messages counts too.
async fn throw_away(stack: &dyn Bare, url: &str, length: usize) -> Result<(), BoxError> {
    let mut offset = "-1".to_owned();
    let mut read = 0;
    loop {
        let request = bare::get(&format!("{url}?offset={offset}"))?;
        let (status, headers, mut chunks) = stack.send(request).await?;
        if !status.is_success() {
            return Err(format!("{status} to a read").into());
        }
        while let Some(chunk) = chunks.next().await {
            read += chunk?.len();
        }
        if headers.contains_key("stream-up-to-date") || headers.contains_key("stream-closed") {
            break;
        }
        let next = headers.get("stream-next-offset");
        offset = next.ok_or("a read without an offset")?.to_str()?.to_owned();
    }
    if read < length {
        return Err(format!("{read} bytes were read of {length}").into());
    }
    Ok(())
}
