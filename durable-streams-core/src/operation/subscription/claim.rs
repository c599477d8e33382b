//! POST `claim`: take a wake of a pull-wake subscription (§7.2).

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::answer;
use super::wake::{Wake, WakeRow, WakeStream, WakeToken};
use crate::operation::{Operation, Resend};
use crate::wire::control::SubscriptionUrl;
use crate::wire::error::{Error, OperationKind};
use crate::wire::header::MAX_INTEGER;
use crate::wire::url::StreamUrl;

/// Claims the wake of a pull-wake subscription, whatever of it is pending, for a worker.
///
/// It is sent again when its answer is lost: the server gives a wake to one claim at a time. When it was the lost answer that had the wake,
/// the next one says that this worker has it ([`AlreadyClaimed::lost_answer`]): the token is gone with that answer, and once the lease has
/// run out the wake can be claimed anew.
#[derive(Debug, Clone)]
pub struct Claim {
    url: StreamUrl,
    worker: String,
}

/// What a claim found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// There is work, and it belongs to this worker until its lease runs out.
    Claimed(Claimed),
    /// Somebody works on it.
    AlreadyClaimed(AlreadyClaimed),
    /// Everything is acknowledged.
    NothingPending,
}

/// A wake that belongs to who claimed it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claimed {
    /// The wake, with the right to report on it.
    pub wake: Wake,
    /// All streams of the subscription, those with nothing pending included.
    pub streams: Vec<WakeStream>,
    /// How long the wake belongs to this worker, from the claim on and from each report on it. `None` where the server does not say.
    pub lease: Option<Duration>,
}

/// Who works on the wake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlreadyClaimed {
    /// The worker that has it, where the server says so.
    pub current_holder: Option<String>,
    /// Its generation, where the server says so.
    pub generation: Option<u64>,
    /// Whether it belongs to an attempt of this very claim, as far as can be told: the holder has this worker's name, and an earlier attempt
    /// got no answer.
    pub lost_answer: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    worker: &'a str,
}

#[derive(Deserialize)]
struct Row {
    wake_id: String,
    generation: u64,
    token: WakeToken,
    streams: Vec<WakeRow>,
    #[serde(default)]
    lease_ttl_ms: Option<u64>,
}

impl Claim {
    /// A claim for the worker of this name, which others are told while it has the wake.
    pub fn new(url: &SubscriptionUrl, worker: impl Into<String>) -> Self {
        Self {
            url: url.part(&["claim"]),
            worker: worker.into(),
        }
    }

    fn encode(&self) -> Result<Request<Bytes>, Error> {
        if self.worker.is_empty() {
            return Err(Error::invalid("a worker has a name"));
        }
        let body = Body {
            worker: &self.worker,
        };
        super::request(Self::KIND, Method::POST, &self.url, Some(&body))
    }

    fn claimed(&self, response: &Response<Bytes>) -> Result<Claimed, Error> {
        let broken = |why| answer::broken(Self::KIND, &self.url, response, why);
        let row: Row = answer::body(Self::KIND, &self.url, response)?;
        if row.generation > MAX_INTEGER {
            return Err(broken("the generation is over 2^53-1"));
        }
        let streams = row.streams.into_iter().map(WakeRow::read);
        Ok(Claimed {
            wake: Wake {
                id: row.wake_id,
                generation: row.generation,
                token: row.token,
            },
            streams: streams.collect::<Result<_, _>>().map_err(broken)?,
            lease: row.lease_ttl_ms.map(Duration::from_millis),
        })
    }

    /// What a 409 says that is no failure.
    fn conflict(&self, response: &Response<Bytes>) -> Option<ClaimOutcome> {
        let refusal = answer::refusal(response)?;
        match refusal.get("code")?.as_str()? {
            "ALREADY_CLAIMED" => {
                let holder = refusal.get("current_holder").and_then(|held| held.as_str());
                Some(ClaimOutcome::AlreadyClaimed(AlreadyClaimed {
                    current_holder: holder.map(str::to_owned),
                    generation: refusal.get("generation").and_then(|number| number.as_u64()),
                    lost_answer: false,
                }))
            }
            "NO_PENDING_WORK" => Some(ClaimOutcome::NothingPending),
            _ => None,
        }
    }
}

impl Operation for Claim {
    type Outcome = ClaimOutcome;
    const KIND: OperationKind = OperationKind::Claim;
    const READS_BODY: bool = true;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        // A second claim is refused as long as the first one has the wake.
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        self.encode()
            .map_err(|error| error.at(Self::KIND, &self.url))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<ClaimOutcome, Error> {
        let failure = || answer::failure(Self::KIND, &self.url, response);
        match response.status() {
            StatusCode::OK => self.claimed(response).map(ClaimOutcome::Claimed),
            StatusCode::NO_CONTENT => Ok(ClaimOutcome::NothingPending),
            StatusCode::CONFLICT => self.conflict(response).ok_or_else(failure),
            _ => Err(failure()),
        }
    }

    fn decode_after_unknown(&self, response: &Response<Bytes>) -> Result<ClaimOutcome, Error> {
        let outcome = self
            .decode(response)
            // The refusal of this attempt does not say what became of the earlier one.
            .map_err(|error| error.applied(true))?;
        Ok(match outcome {
            ClaimOutcome::AlreadyClaimed(claimed) => {
                let own = claimed.current_holder.as_deref() == Some(&self.worker);
                ClaimOutcome::AlreadyClaimed(AlreadyClaimed {
                    lost_answer: own,
                    ..claimed
                })
            }
            other => other,
        })
    }
}
