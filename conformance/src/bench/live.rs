//! How long it takes from an append to its delivery: to one reader, and to many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_client::{DurableStream, Live, Offset, Reader};
use futures_util::stream::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::bare::{self, Bare, Chunks};
use super::measure::{micros, quantile};
use super::{Bench, Better, BoxError, JSON, batch, memory, message};

/// One reader, by server-sent events and by long-poll.
pub(super) async fn latency(bench: &mut Bench<'_>, progress: &dyn Fn()) -> Result<(), BoxError> {
    for (name, live) in [("SSE", Live::Sse), ("long-poll", Live::LongPoll)] {
        let (stream, url) = bench.stream(JSON).await?;
        let mut ours = [Vec::new(), Vec::new()];
        let mut theirs = [Vec::new(), Vec::new()];
        for _ in 0..bench.effort.rounds {
            let mut times = client_times(bench, &stream, &url, live).await?;
            ours[0].push(quantile(&mut times, 0.5));
            ours[1].push(quantile(&mut times, 0.99));
            let mut times = bare_times(bench, &stream, &url, live).await?;
            theirs[0].push(quantile(&mut times, 0.5));
            theirs[1].push(quantile(&mut times, 0.99));
        }
        for (index, part) in ["p50", "p99"].iter().enumerate() {
            let what = format!("append to delivery by {name} {part}, µs");
            bench.row(what, Better::Less, &ours[index], &theirs[index]);
        }
        stream.delete().await?;
        progress();
    }
    Ok(())
}

/// How many appends are timed in a round of live reading.
fn appends(bench: &Bench<'_>) -> usize {
    (bench.effort.appends / 4).max(10)
}

fn body() -> Bytes {
    batch(JSON, &message(JSON, 100), 1)
}

async fn client_times(
    bench: &Bench<'_>,
    stream: &DurableStream,
    url: &str,
    live: Live,
) -> Result<Vec<f64>, BoxError> {
    let tail = stream.head().await?.next_offset;
    let mut reader = stream.read().from(tail).live(live).start();
    let mut times = Vec::new();
    // The first of them waits until the reader is live.
    for _ in 0..=appends(bench) {
        let begun = Instant::now();
        let append = bare::append(&*bench.bare, url, JSON, body());
        let delivery = async {
            next_message(&mut reader).await?;
            Ok(micros(begun.elapsed()))
        };
        let ((), time) = futures_util::future::try_join(append, delivery).await?;
        times.push(time);
    }
    Ok(times.split_off(1))
}

async fn next_message(reader: &mut Reader) -> Result<(), BoxError> {
    while let Some(batch) = reader.next().await? {
        if !batch.is_empty() {
            return Ok(());
        }
    }
    Err("the stream ended".into())
}

async fn bare_times(
    bench: &Bench<'_>,
    stream: &DurableStream,
    url: &str,
    live: Live,
) -> Result<Vec<f64>, BoxError> {
    let tail = stream.head().await?.next_offset;
    let mut tail = BareTail::new(&bench.bare, url, tail.as_str(), live == Live::Sse);
    let mut times = Vec::new();
    for _ in 0..=appends(bench) {
        let begun = Instant::now();
        let append = bare::append(&*bench.bare, url, JSON, body());
        let delivery = async {
            tail.next().await?;
            Ok(micros(begun.elapsed()))
        };
        let ((), time) = futures_util::future::try_join(append, delivery).await?;
        times.push(time);
    }
    Ok(times.split_off(1))
}

/// A loop over the bare stack that waits for what is appended.
struct BareTail {
    stack: Arc<dyn Bare>,
    url: String,
    offset: String,
    sse: bool,
    chunks: Option<Chunks>,
    text: Vec<u8>,
}

impl BareTail {
    fn new(stack: &Arc<dyn Bare>, url: &str, offset: &str, sse: bool) -> Self {
        Self {
            stack: Arc::clone(stack),
            url: url.to_owned(),
            offset: offset.to_owned(),
            sse,
            chunks: None,
            text: Vec::new(),
        }
    }

    /// Waits for the next message.
    async fn next(&mut self) -> Result<(), BoxError> {
        if self.sse {
            self.next_event().await
        } else {
            self.next_poll().await
        }
    }

    async fn next_poll(&mut self) -> Result<(), BoxError> {
        loop {
            let query = format!("{}?live=long-poll&offset={}", self.url, self.offset);
            let (_, headers, mut chunks) = self.stack.send(bare::get(&query)?).await?;
            let next = headers.get("stream-next-offset");
            self.offset = next.ok_or("no offset")?.to_str()?.to_owned();
            let mut length = 0;
            while let Some(chunk) = chunks.next().await {
                length += chunk?.len();
            }
            if length > 0 {
                return Ok(());
            }
        }
    }

    /// Looks for the end of an event with a data line that holds an array, and for nothing else.
    async fn next_event(&mut self) -> Result<(), BoxError> {
        loop {
            if let Some(end) = end_of_data(&self.text) {
                self.text.drain(..end);
                return Ok(());
            }
            let chunks = match &mut self.chunks {
                Some(chunks) => chunks,
                none => {
                    let query = format!("{}?live=sse&offset={}", self.url, self.offset);
                    none.insert(self.stack.send(bare::get(&query)?).await?.2)
                }
            };
            let chunk = chunks.next().await.ok_or("the events ended")??;
            self.text.extend_from_slice(&chunk);
        }
    }
}

fn end_of_data(text: &[u8]) -> Option<usize> {
    let find = |from: usize, what: &[u8]| {
        let rest = &text[from..];
        let at = rest.windows(what.len()).position(|part| part == what)?;
        Some(from + at + what.len())
    };
    let data = find(0, b"data: [").or_else(|| find(0, b"data:["))?;
    find(data, b"\n\n")
}

/// Readers of one stream, and the word of each when it has a message.
struct Group {
    stream: DurableStream,
    url: String,
    told: mpsc::UnboundedReceiver<Instant>,
    readers: usize,
    /// They end with this.
    _tasks: JoinSet<()>,
}

type Told = mpsc::UnboundedSender<Instant>;

impl Group {
    /// Starts as many as there are to be, and waits until each has a first message.
    async fn start<F>(
        bench: &Bench<'_>,
        reader: impl Fn(&DurableStream, &str, &str, Told) -> F,
    ) -> Result<Self, BoxError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stream, url) = bench.stream(JSON).await?;
        let tail = stream.head().await?.next_offset;
        let (tell, told) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        for _ in 0..bench.effort.readers {
            tasks.spawn(reader(&stream, &url, tail.as_str(), tell.clone()));
        }
        let mut group = Self {
            stream,
            url,
            told,
            readers: bench.effort.readers,
            _tasks: tasks,
        };
        group.append(bench).await?;
        Ok(group)
    }

    /// Appends, and gives how long it took until the message was with each, in µs.
    async fn append(&mut self, bench: &Bench<'_>) -> Result<Vec<f64>, BoxError> {
        let begun = Instant::now();
        bare::append(&*bench.bare, &self.url, JSON, body()).await?;
        let mut times = Vec::with_capacity(self.readers);
        while times.len() < self.readers {
            let told = tokio::time::timeout(PATIENCE, self.told.recv()).await;
            let missing = || format!("{} readers of {} have it", times.len(), self.readers);
            let told = told.map_err(|_| missing())?.ok_or_else(missing)?;
            times.push(micros(told.duration_since(begun)));
        }
        Ok(times)
    }
}

/// A reader that has nothing for so long is lost.
const PATIENCE: Duration = Duration::from_secs(60);

async fn read_on(mut reader: Reader, told: Told) {
    while next_message(&mut reader).await.is_ok() {
        if told.send(Instant::now()).is_err() {
            return;
        }
    }
}

async fn tail_on(mut tail: BareTail, told: Told) {
    while tail.next().await.is_ok() {
        if told.send(Instant::now()).is_err() {
            return;
        }
    }
}

/// Many readers of one stream in this process, and as many loops over the bare stack. Both stay, so that what one group
/// gave back does not count as the other's thrift.
pub(super) async fn fan_out(bench: &mut Bench<'_>) -> Result<(), BoxError> {
    let readers = bench.effort.readers;
    let before = memory::resident();
    let stack = Arc::clone(&bench.bare);
    let mut theirs = Group::start(bench, |_, url, offset, told| {
        tail_on(BareTail::new(&stack, url, offset, true), told)
    })
    .await?;
    let between = memory::resident();
    let mut ours = Group::start(bench, |stream, _, offset, told| {
        let start = Offset::new(offset).ok();
        read_on(stream.read().from(start).live(Live::Sse).start(), told)
    })
    .await?;
    let after = memory::resident();
    let (mut client, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..bench.effort.rounds.max(10) {
        bare.push(quantile(&mut theirs.append(bench).await?, 0.99));
        client.push(quantile(&mut ours.append(bench).await?, 0.99));
    }
    let what = format!("{readers} readers, append to delivery p99, µs");
    bench.row(what, Better::Less, &client, &bare);
    if let (Some(before), Some(between), Some(after)) = (before, between, after) {
        let each = |memory: f64| memory / readers as f64;
        let what = format!("{readers} readers, resident for each, KiB");
        let (client, bare) = (each(after - between), each(between - before));
        bench.row(what, Better::Less, &[client], &[bare]);
    }
    for group in [ours, theirs] {
        group.stream.delete().await?;
    }
    Ok(())
}
