//! Workers with a fault built in.

use bytes::Bytes;
use durable_streams_core::{Input, RequestId};
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::Broken;

/// What sits between a worker and its driver.
#[derive(Debug)]
pub(in crate::simulation) struct WorkerSabotage {
    broken: Broken,
    claims: Vec<RequestId>,
    reports: Vec<RequestId>,
    wakes: Vec<RequestId>,
    /// The fences that were taken for acknowledgements, whose bodies are to be so too.
    fences: Vec<RequestId>,
    /// The wake of the first report.
    first: Option<Value>,
}

impl WorkerSabotage {
    pub(in crate::simulation) fn new(broken: Broken) -> Self {
        Self {
            broken,
            claims: Vec::new(),
            reports: Vec::new(),
            wakes: Vec::new(),
            fences: Vec::new(),
            first: None,
        }
    }

    /// Whether what is handed out counts as processed at once.
    pub(in crate::simulation) fn hurries(&self) -> bool {
        self.broken == Broken::AckedWhenHandedOut
    }

    /// Whether the owner goes on when the lease is lost.
    pub(in crate::simulation) fn keeps_on(&self) -> bool {
        self.broken == Broken::WorkedOnAfterLoss
    }

    /// A request that is to be sent.
    pub(in crate::simulation) fn sending(
        &mut self,
        id: RequestId,
        mut request: Request<Bytes>,
    ) -> Request<Bytes> {
        let path = request.uri().path();
        if path.ends_with("/claim") {
            self.claims.push(id);
        } else if request.method() == Method::POST {
            self.reports.push(id);
            if self.broken == Broken::SpeaksForOldWakes {
                self.speak_for_the_first(&mut request);
            }
        } else if path == "/wakes" {
            self.wakes.push(id);
        }
        request
    }

    fn speak_for_the_first(&mut self, request: &mut Request<Bytes>) {
        let Ok(mut body) = serde_json::from_slice::<Value>(request.body()) else {
            return;
        };
        let generation = body["generation"].clone();
        body["generation"] = self.first.get_or_insert(generation).clone();
        *request.body_mut() = Bytes::from(body.to_string());
    }

    /// What the machine is told of what happens, if it is told.
    pub(in crate::simulation) fn input(&mut self, input: Input) -> Option<Input> {
        match input {
            Input::Chunk(id, chunk) if self.claims.contains(&id) => {
                Some(Input::Chunk(id, self.claimed(chunk)))
            }
            Input::Chunk(id, _) if self.fences.contains(&id) => {
                self.fences.retain(|fence| *fence != id);
                Some(Input::Chunk(id, Bytes::from_static(b"{\"ok\":true}")))
            }
            Input::Chunk(id, _)
                if self.broken == Broken::DeafToWakes && self.wakes.contains(&id) =>
            {
                None
            }
            Input::Head(id, head)
                if self.broken == Broken::DeafToOtherHolders
                    && self.reports.contains(&id)
                    && head.status == StatusCode::CONFLICT =>
            {
                self.fences.push(id);
                Some(Input::Head(id, Response::new(()).into_parts().0))
            }
            other => Some(other),
        }
    }

    /// What is made of the answer to a claim, when it comes in one piece.
    fn claimed(&self, chunk: Bytes) -> Bytes {
        let Ok(mut answer) = serde_json::from_slice::<Value>(&chunk) else {
            return chunk;
        };
        if answer["lease_ttl_ms"].is_null() {
            return chunk;
        }
        match self.broken {
            Broken::NeverRenews => answer["lease_ttl_ms"] = json!(600_000),
            Broken::DeafToOtherHolders => {
                answer["lease_ttl_ms"] = json!(answer["lease_ttl_ms"].as_u64().unwrap_or(0) * 2);
            }
            Broken::OverstaysItsLease => {
                answer["lease_ttl_ms"] = json!(answer["lease_ttl_ms"].as_u64().unwrap_or(0) * 2);
            }
            Broken::ReadsWhatIsAcknowledged => {
                for stream in answer["streams"].as_array_mut().into_iter().flatten() {
                    stream["acked_offset"] = json!("-1");
                }
            }
            _ => return chunk,
        }
        Bytes::from(answer.to_string())
    }
}
