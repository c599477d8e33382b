//! Writers with a fault built in.

use bytes::Bytes;
use durable_streams_core::wire::header;
use durable_streams_core::{
    AfterClaim, FlushId, Flushed, Input, Offset, RequestId, WriterConfig, WriterEvent,
};
use http::{HeaderValue, Request, Response, StatusCode};

use super::Broken;
use crate::simulation::check::Limits;
use crate::simulation::hop::Stamp;

/// What sits between a writer and its driver.
#[derive(Debug)]
pub(in crate::simulation) struct WriterSabotage {
    broken: Broken,
    /// What was sent first under each number.
    sent: Vec<(Stamp, Bytes)>,
    held: Vec<(RequestId, Request<Bytes>)>,
    /// Answers that never came.
    made_up: Vec<Input>,
    swallowed: bool,
}

impl WriterSabotage {
    pub(in crate::simulation) fn new(broken: Broken) -> Self {
        Self {
            broken,
            sent: Vec::new(),
            held: Vec::new(),
            made_up: Vec::new(),
            swallowed: false,
        }
    }

    pub(in crate::simulation) fn config(
        &self,
        config: WriterConfig,
        limits: Limits,
    ) -> WriterConfig {
        match self.broken {
            Broken::MoreInFlight => config.max_in_flight(limits.in_flight + 1),
            Broken::LargerBatches => config.max_batch_messages(limits.batch_messages + 1),
            Broken::ResentAfterClaim => config.after_claim(AfterClaim::Resend),
            _ => config,
        }
    }

    pub(in crate::simulation) fn hurries(&self) -> bool {
        self.broken == Broken::WriterWithoutBackoff
    }

    /// A request that is to be sent, and what is sent for it.
    pub(in crate::simulation) fn sending(
        &mut self,
        id: RequestId,
        mut request: Request<Bytes>,
    ) -> Vec<(RequestId, Request<Bytes>)> {
        let Some(stamp) = Stamp::of(&request) else {
            return vec![(id, request)];
        };
        let first = self.sent.iter().find(|(sent, _)| *sent == stamp);
        let again = first.is_some();
        if !again {
            self.sent.push((stamp, request.body().clone()));
        }
        match self.broken {
            Broken::NewSeqOnRetry if again => {
                let highest = self.sent.iter().map(|(sent, _)| sent.seq).max();
                let seq = highest.unwrap_or_default() + 1;
                request
                    .headers_mut()
                    .insert(header::PRODUCER_SEQ, HeaderValue::from(seq));
            }
            Broken::OtherBodyOnRetry if again => {
                if let Some((_, body)) = self.sent.iter().find(|(sent, _)| *sent != stamp) {
                    *request.body_mut() = body.clone();
                }
            }
            Broken::StoredWhenSent => self.make_up(id),
            Broken::ParallelClaim if stamp.epoch > 0 && stamp.seq == 0 => self.make_up(id),
            Broken::Reordered if !again && !request.body().is_empty() => {
                self.held.push((id, request));
                return Vec::new();
            }
            _ => {}
        }
        vec![(id, request)]
    }

    fn make_up(&mut self, id: RequestId) {
        self.made_up.push(Input::Head(id, acknowledgement()));
        self.made_up.push(Input::End(id));
    }

    /// The machine waits: what was held back is sent.
    pub(in crate::simulation) fn release(&mut self) -> Vec<(RequestId, Request<Bytes>)> {
        for pair in self.held.chunks_mut(2) {
            if let [(_, one), (_, other)] = pair {
                std::mem::swap(one.body_mut(), other.body_mut());
            }
        }
        std::mem::take(&mut self.held)
    }

    /// What the machine is told besides what happens.
    pub(in crate::simulation) fn made_up(&mut self) -> Vec<Input> {
        std::mem::take(&mut self.made_up)
    }

    /// What the machine is told of what happens.
    pub(in crate::simulation) fn input(&self, input: Input) -> Input {
        let Input::Head(id, mut head) = input else {
            return input;
        };
        let has = |name| head.headers.contains_key(name);
        let lies = match self.broken {
            Broken::DroppedOnGap => has(header::PRODUCER_EXPECTED_SEQ),
            Broken::StoredOnUnavailable => head.status.is_server_error(),
            Broken::StoredOnAnySuccess => {
                head.status == StatusCode::OK && !has(header::STREAM_NEXT_OFFSET)
            }
            Broken::DeafToFences if head.status == StatusCode::FORBIDDEN => {
                head.status = StatusCode::SERVICE_UNAVAILABLE;
                head.headers.remove(header::PRODUCER_EPOCH);
                false
            }
            _ => false,
        };
        Input::Head(id, if lies { acknowledgement() } else { head })
    }

    /// What the user is told.
    pub(in crate::simulation) fn event(&mut self, event: WriterEvent) -> Vec<WriterEvent> {
        match (self.broken, event) {
            (Broken::StoredWhenGivenUp, WriterEvent::Rejected { tickets, .. }) => {
                vec![WriterEvent::Stored {
                    tickets,
                    next_offset: offset(),
                    duplicate: false,
                }]
            }
            (
                Broken::ResolvedTwice,
                WriterEvent::Stored {
                    tickets,
                    next_offset,
                    duplicate,
                },
            ) => {
                let event = || WriterEvent::Stored {
                    tickets: tickets.clone(),
                    next_offset: next_offset.clone(),
                    duplicate,
                };
                vec![event(), event()]
            }
            (Broken::NeverResolved, WriterEvent::Stored { .. }) if !self.swallowed => {
                self.swallowed = true;
                Vec::new()
            }
            (Broken::EarlyFlush, WriterEvent::Flushed { .. }) => Vec::new(),
            (_, event) => vec![event],
        }
    }

    /// What the user is told as soon as he asks for a flush.
    pub(in crate::simulation) fn flushing(&self, flush: FlushId) -> Option<WriterEvent> {
        (self.broken == Broken::EarlyFlush).then_some(WriterEvent::Flushed {
            flush,
            result: Ok(Flushed::default()),
        })
    }
}

fn offset() -> Option<Offset> {
    Offset::new("o00000000ffffffff").ok()
}

/// What a server would say.
fn acknowledgement() -> http::response::Parts {
    let (mut head, ()) = Response::new(()).into_parts();
    let offset = HeaderValue::from_static("o00000000ffffffff");
    head.headers.insert(header::STREAM_NEXT_OFFSET, offset);
    head.headers
        .insert(header::STREAM_CLOSED, HeaderValue::from_static("true"));
    head
}
