//! Commands of exactly-once producers. Those that share path, id and epoch share one writer, until it is detached.

use std::collections::HashMap;
use std::time::Duration;

use durable_streams_client::{Writer, WriterBuilder};

use super::command::{Headers, Produce, ProduceBatch, ProduceClose, Producer};
use super::failure::{Code, Failed};
use super::outcome::Outcome;
use super::retries;
use super::session::Session;

/// The writers that live between commands.
///
/// One that failed stays: another one would begin with numbers that are taken, and the server would acknowledge its messages as those
/// that it has.
pub(crate) type Producers = HashMap<Key, Shared>;

#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    path: String,
    id: String,
    epoch: u64,
}

impl Key {
    fn of(producer: &Producer) -> Self {
        Self {
            path: producer.address.path.clone(),
            id: producer.producer_id.clone(),
            epoch: producer.epoch,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    writer: Writer,
    headers: Headers,
}

pub(crate) async fn append(session: &mut Session, produce: Produce) -> Result<Outcome, Failed> {
    let writer = shared(session, &produce.producer)?;
    let stored = writer.append_acked(produce.data).await?;
    Ok(Outcome::IdempotentAppend {
        status: 200,
        offset: stored.next_offset,
        duplicate: stored.duplicate,
        producer_seq: last_seq(&writer),
    })
}

/// With a writer of its own, whatever others live.
pub(crate) async fn append_batch(
    session: &mut Session,
    batch: ProduceBatch,
) -> Result<Outcome, Failed> {
    let builder = builder(session, &batch.producer);
    let writer = match batch.max_in_flight {
        Some(requests) if requests > 1 => builder
            .max_in_flight(requests)
            .max_batch_bytes(1)
            .linger(Duration::ZERO),
        // All in one request, which the flush sends and nothing before it.
        _ => builder
            .max_in_flight(1)
            .max_batch_messages(usize::MAX)
            .linger(Duration::from_secs(60)),
    };
    let writer = writer.start();
    for item in batch.items {
        writer.append(item).await?;
    }
    writer.flush().await?;
    writer.close().await?;
    Ok(Outcome::IdempotentAppendBatch {
        status: 200,
        producer_seq: last_seq(&writer),
    })
}

pub(crate) async fn close(session: &mut Session, close: ProduceClose) -> Result<Outcome, Failed> {
    let writer = shared(session, &close.producer)?;
    let end = match close.data.filter(|data| !data.is_empty()) {
        Some(last) if writer.error().is_none() => writer.close_stream_with(last).await,
        // A writer that closed the stream says again where it ended, and one that failed why.
        _ => writer.close_stream().await,
    };
    let final_offset = end?;
    if let Some(error) = writer.closed_by_others() {
        return Err(error.into());
    }
    Ok(Outcome::IdempotentClose {
        status: 200,
        final_offset,
    })
}

pub(crate) async fn detach(session: &mut Session, producer: Producer) -> Result<Outcome, Failed> {
    if let Some(kept) = session.producers.remove(&Key::of(&producer)) {
        kept.writer.close().await?;
    }
    Ok(Outcome::IdempotentDetach { status: 200 })
}

/// The writer of this producer, begun now if there is none.
fn shared(session: &mut Session, producer: &Producer) -> Result<Writer, Failed> {
    let (key, headers) = (Key::of(producer), &producer.address.headers);
    if let Some(kept) = session.producers.get(&key) {
        if !headers.is_empty() && *headers != kept.headers {
            let why = "a producer's headers are those that it began with";
            return Err(Failed::new(Code::NotSupported, why));
        }
        return Ok(kept.writer.clone());
    }
    let builder = builder(session, producer);
    let writer = builder.max_in_flight(1).linger(Duration::ZERO).start();
    let kept = Shared {
        writer: writer.clone(),
        headers: headers.clone(),
    };
    session.producers.insert(key, kept);
    Ok(writer)
}

fn builder(session: &mut Session, producer: &Producer) -> WriterBuilder {
    session
        .stream(&producer.address)
        .writer(&producer.producer_id)
        .epoch(producer.epoch)
        .auto_claim(producer.auto_claim)
        .retry(retries())
}

/// The number of the last request, if there was one.
fn last_seq(writer: &Writer) -> Option<u64> {
    writer.next_seq().checked_sub(1)
}
