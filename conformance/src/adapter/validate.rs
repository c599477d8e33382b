//! `validate`: whether the client takes these options. Nothing is sent.

use std::time::Duration;

use durable_streams_client::{Error, RetryPolicy, WriterBuilder};
use serde::Deserialize;

use super::failure::{Code, Failed};
use super::outcome::Outcome;
use super::session::Session;

/// What is to be made, and of which options. Those that are absent have their defaults.
#[derive(Debug, Deserialize)]
#[serde(
    tag = "target",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Target {
    IdempotentProducer {
        producer_id: Option<String>,
        epoch: Option<i64>,
        max_batch_bytes: Option<i64>,
        max_batch_items: Option<i64>,
    },
    RetryOptions {
        max_retries: Option<i64>,
        initial_delay_ms: Option<i64>,
        max_delay_ms: Option<i64>,
        multiplier: Option<f64>,
    },
    #[serde(other)]
    Unknown,
}

pub(crate) fn validate(session: &Session, target: Target) -> Result<Outcome, Failed> {
    match target {
        Target::IdempotentProducer {
            producer_id,
            epoch,
            max_batch_bytes,
            max_batch_items,
        } => {
            let id = producer_id.unwrap_or_else(|| "producer".into());
            let writer = || session.fresh("/validate").writer(&id);
            taken("producerId", writer())?;
            if let Some(epoch) = number("epoch", epoch)? {
                taken("epoch", writer().epoch(epoch))?;
            }
            if let Some(bytes) = number("maxBatchBytes", max_batch_bytes)? {
                taken("maxBatchBytes", writer().max_batch_bytes(bytes))?;
            }
            if let Some(items) = number("maxBatchItems", max_batch_items)? {
                taken("maxBatchItems", writer().max_batch_messages(items))?;
            }
        }
        Target::RetryOptions {
            max_retries,
            initial_delay_ms,
            max_delay_ms,
            multiplier,
        } => {
            // The client counts attempts, of which there is always one.
            number::<u32>("maxRetries", max_retries)?;
            let initial = number("initialDelayMs", initial_delay_ms)?;
            let initial = Duration::from_millis(initial.unwrap_or(100));
            policy("initialDelayMs", initial, Duration::MAX, 1.0)?;
            let max = number("maxDelayMs", max_delay_ms)?;
            let max = max.map_or(Duration::MAX, Duration::from_millis);
            policy("maxDelayMs", initial, max, 1.0)?;
            policy("multiplier", initial, max, multiplier.unwrap_or(2.0))?;
        }
        Target::Unknown => {
            let why = "there is nothing of that name to be made";
            return Err(Failed::new(Code::NotSupported, why));
        }
    }
    Ok(Outcome::Validate)
}

/// An option as the number that the client takes, whose type has no place for some.
fn number<N: TryFrom<i64>>(option: &str, value: Option<i64>) -> Result<Option<N>, Failed> {
    let Some(value) = value else { return Ok(None) };
    let number = N::try_from(value)
        .map_err(|_| Failed::invalid(format!("{option}: {value} is out of range")))?;
    Ok(Some(number))
}

/// Whether the client takes a writer with this option.
fn taken(option: &str, builder: WriterBuilder) -> Result<(), Failed> {
    let (writer, _driver) = builder.into_parts();
    writer
        .error()
        .map_or(Ok(()), |error| Err(refused(option, &error)))
}

/// Whether there is a policy with these values, of which the option that was added last is at fault when it is refused.
fn policy(option: &str, initial: Duration, max: Duration, multiplier: f64) -> Result<(), Failed> {
    let made = RetryPolicy::checked(initial, max, multiplier);
    made.map(drop).map_err(|error| refused(option, &error))
}

fn refused(option: &str, error: &Error) -> Failed {
    Failed::invalid(format!("{option}: {error}"))
}
