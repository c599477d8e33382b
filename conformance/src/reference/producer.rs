//! Idempotent producers (§5.2.1).

use http::{HeaderMap, StatusCode};

use super::answer::{Answer, Refusal};
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
    pub(super) fn state(&self) -> State {
        State {
            epoch: self.epoch,
            seq: self.seq,
        }
    }
}

fn integer(text: &str) -> Option<u64> {
    decimal(text).filter(|&number| number <= MAX_INTEGER)
}

/// What a stream knows about a producer: the last request it accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub(super) epoch: u64,
    pub(super) seq: u64,
}

impl State {
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
pub(super) fn judge(known: Option<State>, claim: &Claim) -> Result<Verdict, Refusal> {
    match known {
        Some(state) if claim.epoch < state.epoch => Err(fenced(state)),
        Some(state) if claim.epoch == state.epoch => {
            if claim.seq <= state.seq {
                Ok(Verdict::Duplicate(state))
            } else if claim.seq == state.seq + 1 {
                Ok(Verdict::Accept)
            } else {
                Err(gap(state.seq + 1, claim.seq))
            }
        }
        // A higher epoch: the producer was restarted and begins anew.
        Some(_) if claim.seq == 0 => Ok(Verdict::Accept),
        Some(_) => Err(Refusal::bad_request("a new epoch begins at Producer-Seq 0")),
        None if claim.seq == 0 => Ok(Verdict::Accept),
        None => Err(gap(0, claim.seq)),
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
