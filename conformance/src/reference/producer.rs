//! Idempotent producers (§5.2.1).

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};

use super::answer::{Answer, Refusal};
use super::defect::{Flaw, Flaws};
use super::names::{
    PRODUCER_EPOCH, PRODUCER_EXPECTED_SEQ, PRODUCER_ID, PRODUCER_RECEIVED_SEQ, PRODUCER_SEQ,
};
use super::request::{decimal, single, single_value};

/// The greatest integer that every peer can represent.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// What a request says about its producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) id: Vec<u8>,
    pub(super) epoch: u64,
    pub(super) seq: u64,
}

impl Claim {
    /// The producer headers: all three or none.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let id = single_value(headers, PRODUCER_ID)?;
        let epoch = single(headers, PRODUCER_EPOCH)?;
        let seq = single(headers, PRODUCER_SEQ)?;
        let (id, epoch, seq) = match (id, epoch, seq) {
            (None, None, None) => return Ok(None),
            (Some(id), Some(epoch), Some(seq)) => (id, epoch, seq),
            _ => {
                return Err(Refusal::bad_request(
                    "the three producer headers go together",
                ));
            }
        };
        if id.is_empty() {
            return Err(Refusal::bad_request("Producer-Id is empty"));
        }
        Ok(Some(Self {
            id: id.as_bytes().to_vec(),
            epoch: integer(epoch).ok_or(Refusal::bad_request("malformed Producer-Epoch"))?,
            seq: integer(seq).ok_or(Refusal::bad_request("malformed Producer-Seq"))?,
        }))
    }

    /// The state of the producer once this request is accepted.
    pub(super) fn state(&self, now: SystemTime) -> State {
        State {
            epoch: self.epoch,
            seq: self.seq,
            since: now,
        }
    }
}

fn integer(text: &str) -> Option<u64> {
    decimal(text).filter(|&number| number <= MAX_INTEGER)
}

/// What a stream knows about its producers.
pub(super) type Producers = BTreeMap<Vec<u8>, State>;

/// What a stream knows about a producer: the last request it accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub(super) epoch: u64,
    pub(super) seq: u64,
    since: SystemTime,
}

impl State {
    /// Whether it is some time ago that it was accepted.
    pub(super) fn has_settled(&self, now: SystemTime) -> bool {
        self.since + Duration::from_millis(200) < now
    }

    /// Echoes the producer's state in an answer.
    pub(super) fn describe(self, answer: Answer) -> Answer {
        answer
            .header(PRODUCER_EPOCH, self.epoch)
            .header(PRODUCER_SEQ, self.seq)
    }
}

/// What to do with a request that is not refused.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is the next one.
    Accept,
    /// It was carried out before.
    Duplicate(State),
}

/// Judges a request by what the stream knows about its producer.
pub(super) fn judge(known: Option<State>, claim: &Claim, flaws: Flaws) -> Result<Verdict, Refusal> {
    let Some(state) = known else {
        return if claim.seq == 0 || flaws.has(Flaw::ProducersBeginAnywhere) {
            Ok(Verdict::Accept)
        } else {
            Err(gap(0, claim.seq))
        };
    };
    let next = state.seq + 1;
    match claim.epoch.cmp(&state.epoch) {
        Less if flaws.has(Flaw::OldEpochsAreTaken) => Ok(Verdict::Accept),
        Less if claim.seq < next && flaws.has(Flaw::OldRepetitionsAreKnown) => {
            Ok(Verdict::Duplicate(state))
        }
        Less => Err(fenced(state)),
        Equal if claim.seq < next && flaws.has(Flaw::RepetitionIsStored) => Ok(Verdict::Accept),
        Equal if claim.seq < state.seq && flaws.has(Flaw::OnlyTheLastIsKnown) => {
            Err(gap(next, claim.seq))
        }
        Equal if claim.seq < next => Ok(Verdict::Duplicate(state)),
        Equal if claim.seq == next || flaws.has(Flaw::GapsAreTaken) => Ok(Verdict::Accept),
        Equal => Err(gap(next, claim.seq)),
        Greater if flaws.has(Flaw::NewEpochsAreRefused) => Err(fenced(state)),
        // The producer was restarted and begins anew.
        Greater if claim.seq == 0 || flaws.has(Flaw::NewEpochsBeginAnywhere) => Ok(Verdict::Accept),
        Greater => Err(Refusal::bad_request("a new epoch begins at Producer-Seq 0")),
    }
}

fn fenced(state: State) -> Refusal {
    Refusal::new(
        StatusCode::FORBIDDEN,
        "the producer was fenced by a higher epoch",
    )
    .header(PRODUCER_EPOCH, state.epoch)
}

fn gap(expected: u64, received: u64) -> Refusal {
    Refusal::conflict("an earlier request of the producer is missing")
        .header(PRODUCER_EXPECTED_SEQ, expected)
        .header(PRODUCER_RECEIVED_SEQ, received)
}
