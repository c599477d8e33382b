//! `benchmark`: work for the client, timed. What it counts was really written or read; what fails is an error.

use std::time::{Duration, Instant};

use durable_streams_client::core::wire::content_type::Format;
use durable_streams_client::{DurableStream, Reader};
use serde::Deserialize;
use serde_json::Value;

use super::command::{Benchmark, Live, LiveMode};
use super::failure::{Code, Failed};
use super::outcome::{Metrics, Outcome};
use super::reads::start;
use super::session::Session;
use super::streams::DEFAULT_TYPE;

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum Work {
    Append {
        path: String,
        size: u32,
    },
    Read {
        path: String,
        offset: Option<String>,
    },
    Create {
        path: String,
        content_type: Option<String>,
    },
    Roundtrip {
        path: String,
        size: u32,
        live: Option<LiveMode>,
        content_type: Option<String>,
    },
    ThroughputAppend {
        path: String,
        count: u32,
        size: u32,
    },
    ThroughputRead {
        path: String,
    },
    #[serde(other)]
    Unknown,
}

pub(crate) async fn run(session: &Session, benchmark: Benchmark) -> Result<Outcome, Failed> {
    let began = Instant::now();
    let metrics = work(session, benchmark.operation).await?;
    Ok(Outcome::Benchmark {
        iteration_id: benchmark.iteration_id,
        duration_ns: began.elapsed().as_nanos().to_string(),
        metrics,
    })
}

async fn work(session: &Session, work: Work) -> Result<Metrics, Failed> {
    match work {
        Work::Append { path, size } => {
            let stream = session.fresh(&path);
            stream.append(payload(&stream, size)).await?;
            Ok(Metrics::of(size.into(), 1))
        }
        Work::Read { path, offset } => {
            let read = session.fresh(&path).read();
            let mut reader = read.from(start(offset.as_deref())?).start();
            let mut metrics = Metrics::default();
            while let Some(batch) = reader.next().await? {
                metrics.bytes_transferred += batch.bytes().len() as u64;
                metrics.messages_processed += batch.messages().len() as u64;
            }
            Ok(metrics)
        }
        Work::Create { path, content_type } => {
            create(session, &path, content_type).await?;
            Ok(Metrics::default())
        }
        Work::Roundtrip {
            path,
            size,
            live,
            content_type,
        } => {
            let stream = create(session, &path, content_type).await?;
            let mode = Live::Mode(live.unwrap_or(LiveMode::LongPoll));
            let mut reader = stream.read().live(mode.into()).start();
            let sent = payload(&stream, size);
            let sending = async { Ok::<_, Failed>(stream.append(sent).await?) };
            let (_, received) = tokio::try_join!(sending, first(&mut reader))?;
            Ok(Metrics::of(received, 1))
        }
        Work::ThroughputAppend { path, count, size } => {
            let stream = create(session, &path, None).await?;
            // As every run has an id of its own, none is taken for the repetition of another.
            let writer = stream
                .writer_with_random_id()
                .linger(Duration::ZERO)
                .start();
            let message = bytes::Bytes::from(payload(&stream, size));
            for _ in 0..count {
                writer.append(message.clone()).await?;
            }
            writer.flush().await?;
            writer.close().await?;
            let count = u64::from(count);
            Ok(Metrics::of(count * u64::from(size), count))
        }
        Work::ThroughputRead { path } => {
            let mut reader = session.fresh(&path).read().start();
            let mut metrics = Metrics::default();
            while let Some(batch) = reader.next().await? {
                for message in batch.json::<Value>() {
                    let text = message?.to_string();
                    metrics.bytes_transferred += text.len() as u64;
                    metrics.messages_processed += 1;
                }
            }
            Ok(metrics)
        }
        Work::Unknown => {
            let why = "there is no benchmark of that name";
            Err(Failed::new(Code::NotSupported, why))
        }
    }
}

/// The stream, created or found as it is to be.
async fn create(
    session: &Session,
    path: &str,
    content_type: Option<String>,
) -> Result<DurableStream, Failed> {
    let content_type = content_type.unwrap_or_else(|| DEFAULT_TYPE.into());
    let stream = session.fresh(path).with_content_type(&content_type);
    stream.create().content_type(content_type).await?;
    Ok(stream)
}

/// So many bytes, as a stream of this content type takes them: of a JSON stream a string, which has two quotes at least.
fn payload(stream: &DurableStream, size: u32) -> Vec<u8> {
    let mut bytes = vec![b'x'; size as usize];
    if Format::of(&stream.content_type().unwrap_or_default()) == Format::Json {
        bytes.resize(bytes.len().max(2), b'x');
        for end in [0, bytes.len() - 1] {
            bytes[end] = b'"';
        }
    }
    bytes
}

/// Waits for the first delivery with something in it, and says how much that is.
async fn first(reader: &mut Reader) -> Result<u64, Failed> {
    while let Some(batch) = reader.next().await? {
        if !batch.is_empty() {
            return Ok(batch.bytes().len() as u64);
        }
    }
    Err(Failed::new(
        Code::StreamClosed,
        "the stream ended before anything came",
    ))
}

impl Metrics {
    fn of(bytes: u64, messages: u64) -> Self {
        Self {
            bytes_transferred: bytes,
            messages_processed: messages,
        }
    }
}
