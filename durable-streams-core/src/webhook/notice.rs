//! What a webhook says (§7.1).

use serde::Deserialize;

use crate::operation::subscription::{Wake, WakeRow, WakeStream, WakeToken};
use crate::wire::header::MAX_INTEGER;
use crate::wire::url::StreamUrl;

/// A wake that came by webhook, with a good signature. Whoever received it has the lease.
///
/// What was done is reported with [`Ack::callback`](crate::operation::subscription::Ack::callback), to [`callback`](Self::callback), unless
/// the answer to the webhook says that all is done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// The id of the subscription.
    pub subscription_id: String,
    /// The wake, with the right to report on it.
    pub wake: Wake,
    /// All streams of the subscription, those with nothing pending included.
    pub streams: Vec<WakeStream>,
    /// Where reports go.
    pub callback: StreamUrl,
}

#[derive(Deserialize)]
struct Row {
    subscription_id: String,
    wake_id: String,
    generation: u64,
    streams: Vec<WakeRow>,
    callback_url: String,
    callback_token: WakeToken,
}

impl Notice {
    /// Reads the body of a webhook whose signature is good.
    pub(super) fn parse(body: &[u8]) -> Result<Self, &'static str> {
        // The parser's own message can quote what it read, and a token may be in it.
        let row: Row = serde_json::from_slice(body).map_err(|error| {
            if error.is_data() {
                "it lacks a member that the protocol promises, or has one of another type"
            } else {
                "it is not JSON"
            }
        })?;
        if row.generation > MAX_INTEGER {
            return Err("its generation is over 2^53-1");
        }
        let callback = StreamUrl::parse(&row.callback_url);
        let streams = row.streams.into_iter().map(WakeRow::read);
        Ok(Self {
            subscription_id: row.subscription_id,
            wake: Wake {
                id: row.wake_id,
                generation: row.generation,
                token: row.callback_token,
            },
            streams: streams.collect::<Result<_, _>>()?,
            callback: callback.map_err(|_| "its callback_url is no URL that can be asked")?,
        })
    }
}
