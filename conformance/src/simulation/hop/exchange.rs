//! One request on its way, and its answer.

use bytes::Bytes;
use durable_streams_core::RequestId;
use durable_streams_core::wire::header;
use http::{Method, Request};

use super::cache::Cached;
use super::faults::Plan;
use crate::simulation::clock::Time;

/// The number that a producer gave to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulation) struct Stamp {
    pub(in crate::simulation) epoch: u64,
    pub(in crate::simulation) seq: u64,
}

impl Stamp {
    pub(in crate::simulation) fn of(request: &Request<Bytes>) -> Option<Self> {
        let integer = |name| header::integer(request.headers(), &name).ok().flatten();
        Some(Self {
            epoch: integer(header::PRODUCER_EPOCH)?,
            seq: integer(header::PRODUCER_SEQ)?,
        })
    }
}

/// A request, and what is known of its answer.
#[derive(Debug)]
pub(in crate::simulation) struct Exchange {
    pub(in crate::simulation) actor: usize,
    pub(in crate::simulation) id: RequestId,
    /// Whether the client still wants to hear of it.
    pub(in crate::simulation) open: bool,
    /// When the request was sent; with an answer from a cache, when that answer was given.
    pub(in crate::simulation) since: Time,
    pub(super) request: Option<Box<Request<Bytes>>>,
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) body: Bytes,
    pub(super) stamp: Option<Stamp>,
    pub(super) closes: bool,
    /// The path of the source, when it creates a fork.
    pub(super) source: Option<String>,
    pub(super) plan: Plan,
    /// It does not arrive any more.
    pub(super) dropped: bool,
    /// The server is at work on it.
    pub(super) served: bool,
    /// Nothing more of the answer comes.
    pub(super) mute: bool,
    /// When the last piece that is under way arrives.
    pub(super) due: Time,
    /// Bytes of the body that were passed on.
    pub(super) passed: u64,
    /// Pieces that the body was cut up into.
    pub(super) pieces: usize,
    /// The answer is for anyone, and is being kept.
    pub(super) cacheable: bool,
    pub(super) keeping: Option<Box<Cached>>,
}

impl Exchange {
    pub(super) fn new(
        actor: usize,
        id: RequestId,
        request: Request<Bytes>,
        plan: Plan,
        now: Time,
    ) -> Self {
        let target = request
            .uri()
            .path_and_query()
            .map_or_else(String::new, |target| target.as_str().to_owned());
        let cacheable = request.method() == Method::GET
            && !target.contains("live=")
            && !target.contains("offset=now");
        let post = request.method() == Method::POST;
        let source = (request.method() == Method::PUT)
            .then(|| request.headers().get(header::STREAM_FORKED_FROM))
            .flatten()
            .and_then(|path| path.to_str().ok())
            .map(str::to_owned);
        Self {
            actor,
            id,
            open: true,
            since: now,
            method: request.method().clone(),
            body: request.body().clone(),
            stamp: post.then(|| Stamp::of(&request)).flatten(),
            closes: post && header::flag(request.headers(), &header::STREAM_CLOSED),
            source,
            request: Some(Box::new(request)),
            target,
            plan,
            dropped: false,
            served: false,
            mute: false,
            due: 0,
            passed: 0,
            pieces: 0,
            cacheable,
            keeping: None,
        }
    }

    pub(super) fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(self.target.as_str(), |(path, _)| path)
    }
}
