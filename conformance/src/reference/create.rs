//! PUT: creating a stream (§5.1).

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Request, StatusCode};

use super::answer::{Answer, Refusal};
use super::append;
use super::choice::OffsetFormat;
use super::content_type::ContentType;
use super::defect::{Flaw, Flaws};
use super::expiry::Expiry;
use super::fork::{self, WantedFork};
use super::log::Log;
use super::names::{NO_STORE, STREAM_CLOSED};
use super::request::{asks_to_close, location};
use super::store::Store;
use super::stream::{Closed, Stream, StreamId};

/// What the creator of a stream asks for.
#[derive(Debug)]
struct Wanted {
    content_type: Option<ContentType>,
    expiry: Option<Expiry>,
    closed: bool,
    fork: Option<WantedFork>,
}

impl Wanted {
    fn of(headers: &HeaderMap, offsets: OffsetFormat) -> Result<Self, Refusal> {
        Ok(Self {
            content_type: ContentType::of(headers)?,
            expiry: Expiry::of(headers)?,
            closed: asks_to_close(headers),
            fork: WantedFork::of(headers, offsets)?,
        })
    }

    /// Is this stream what the request would create? Then creating it again is no conflict.
    fn matches(&self, stream: &Stream, flaws: Flaws) -> bool {
        let closed = stream.closed.is_some();
        self.matches_content_type(stream)
            && self.matches_expiry(stream)
            && (self.closed == closed || flaws.has(Flaw::ClosureIsNotCompared))
            && fork::matches(self.fork.as_ref(), stream.fork.as_ref(), flaws)
    }

    /// Makes a stream that is there what is asked for: nothing that a PUT ever does, if all is well.
    fn change(&self, stream: &mut Stream, flaws: Flaws) {
        if self.closed && flaws.has(Flaw::PutCloses) {
            stream.closed = Some(Closed { by: None });
        }
        if !self.closed && flaws.has(Flaw::PutReopens) {
            stream.closed = None;
        }
        if flaws.has(Flaw::PutChangesTheEnd) {
            stream.expiry = self.expiry.clone().unwrap_or(Expiry::Never);
            stream.expiry_asked = self.expiry.is_some();
        }
    }

    /// Does the stream that is there give way? It never does.
    fn replaces(&self, flaws: Flaws) -> bool {
        flaws.has(Flaw::PutReplaces) || self.fork.is_some() && flaws.has(Flaw::ForkReplaces)
    }

    fn matches_content_type(&self, stream: &Stream) -> bool {
        match &self.content_type {
            Some(content_type) => content_type.same(&stream.content_type),
            // A fork takes over whatever its source has.
            None if self.fork.is_some() => true,
            None => ContentType::default().same(&stream.content_type),
        }
    }

    fn matches_expiry(&self, stream: &Stream) -> bool {
        match &self.expiry {
            Some(expiry) => expiry.same(&stream.expiry),
            None => !stream.expiry_asked,
        }
    }
}

/// Creates the stream under a path, or finds that it is there already.
pub(super) fn create(
    store: &mut Store,
    path: &str,
    request: &Request<Bytes>,
    nonce: u64,
    now: SystemTime,
) -> Result<Answer, Refusal> {
    let wanted = Wanted::of(request.headers(), store.offsets)?;
    let flaws = store.flaws();
    let taken = store.at(path).map(|(id, _)| id);
    match taken.map(|id| (id, store.get_mut(id))) {
        None => {}
        Some((_, Err(_))) if flaws.has(Flaw::SoftDeletedPathIsFree) => {}
        Some((_, Err(_))) => {
            return Err(Refusal::conflict("the path is taken by a deleted stream"));
        }
        Some((id, Ok(_))) if wanted.replaces(flaws) => store.delete(id),
        Some((id, Ok(stream))) => {
            wanted.change(stream, flaws);
            if !wanted.matches(stream, flaws) {
                return Err(Refusal::conflict("the stream exists and is different"));
            }
            if flaws.has(Flaw::RepeatedBodyIsAppended) {
                let content = append::content(request.body(), &stream.content_type)?;
                stream.log.push(content);
            }
            return describe(store, id, StatusCode::OK);
        }
    }
    if let Some(fork) = wanted.fork.as_ref() {
        if flaws.has(Flaw::RefusedForkCounts) {
            fork.count(store);
        }
    }
    // Everything that can be refused is refused before the stream exists and a fork takes its reference.
    let stream = build(store, path, wanted, request.body())?;
    let id = store.insert(stream, nonce, now);
    let answer = describe(store, id, StatusCode::CREATED)?;
    Ok(
        match HeaderValue::try_from(location(request.uri(), request.headers())) {
            Ok(location) => answer.header(LOCATION, location),
            Err(_) => answer,
        },
    )
}

fn build(store: &Store, path: &str, wanted: Wanted, body: &Bytes) -> Result<Stream, Refusal> {
    let origin = match &wanted.fork {
        Some(fork) => Some(fork.resolve(store, wanted.content_type.as_ref())?),
        None => None,
    };
    let start = origin.as_ref().map_or(0, |origin| origin.start);
    let expiry_asked = wanted.expiry.is_some();
    let (fork, inherited_type, inherited_expiry) = match origin {
        Some(origin) => (
            Some(origin.fork),
            Some(origin.content_type),
            Some(origin.expiry),
        ),
        None => (None, None, None),
    };
    let source = fork
        .as_ref()
        .map(|fork| store.get(fork.source))
        .transpose()?;
    // A fork returns its source's content type, exactly: most of its content was written under it.
    let content_type = inherited_type.or(wanted.content_type).unwrap_or_default();
    let mut log = Log::new(start);
    if !body.is_empty() {
        log.push(append::content(body, &content_type)?);
    }
    let mut stream = Stream {
        path: path.to_owned(),
        identity: 0,
        content_type,
        expiry: match inherited_expiry {
            Some(inherited) => Expiry::of_fork(wanted.expiry, inherited, store.flaws()),
            None => wanted.expiry.unwrap_or(Expiry::Never),
        },
        expiry_asked,
        log,
        closed: wanted.closed.then_some(Closed { by: None }),
        // Neither producers nor Stream-Seq are inherited (§4.2).
        producers: BTreeMap::new(),
        last_seq: None,
        fork,
        forks: 0,
        soft_deleted: false,
        readers: 0,
    };
    if let Some(source) = source {
        inherit(&mut stream, source, store.flaws());
    }
    Ok(stream)
}

/// What a fork has of its source besides content: nothing, if all is well.
fn inherit(fork: &mut Stream, source: &Stream, flaws: Flaws) {
    if source.closed.is_some() && flaws.has(Flaw::ForkIsClosedToo) {
        fork.closed = Some(Closed { by: None });
    }
    if flaws.has(Flaw::ForkHasTheProducers) {
        fork.producers.clone_from(&source.producers);
    }
    if flaws.has(Flaw::ForkHasTheSeq) {
        fork.last_seq.clone_from(&source.last_seq);
    }
}

fn describe(store: &Store, id: StreamId, status: StatusCode) -> Result<Answer, Refusal> {
    let stream = store.get(id)?;
    let answer = Answer::new(status)
        .cache(NO_STORE)
        .header(CONTENT_TYPE, stream.content_type.value.clone())
        .next_offset(stream.tail())
        .flag(STREAM_CLOSED, stream.closed.is_some());
    Ok(stream.expiry.describe(answer))
}
