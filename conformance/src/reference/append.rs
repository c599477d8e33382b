//! POST: appending and closing (§5.2, §5.3).

use std::time::SystemTime;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, StatusCode};

use super::answer::{Answer, Refusal};
use super::choice::AnswerStyle;
use super::config::Config;
use super::content_type::ContentType;
use super::json;
use super::log::{Content, keep};
use super::names::{NO_STORE, STREAM_CLOSED, STREAM_SEQ};
use super::producer::{self, Claim, State, Verdict};
use super::request::{asks_to_close, single_value};
use super::store::Store;
use super::stream::{Closed, Stream, StreamId};

/// What an append says about itself.
#[derive(Debug)]
struct Wanted {
    content_type: Result<Option<HeaderValue>, Refusal>,
    seq: Option<HeaderValue>,
    close: bool,
    claim: Option<Claim>,
}

impl Wanted {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        Ok(Self {
            // Not looked at yet: without a body the content type must not matter (§5.2).
            content_type: single_value(headers, CONTENT_TYPE).map(Option::<&_>::cloned),
            seq: single_value(headers, STREAM_SEQ)?.cloned(),
            close: asks_to_close(headers),
            claim: Claim::of(headers)?,
        })
    }
}

/// Appends to a stream, closes it, or both at once.
pub(super) fn append(
    store: &mut Store,
    id: StreamId,
    request: &Request<Bytes>,
    config: &Config,
    now: SystemTime,
) -> Result<Answer, Refusal> {
    let wanted = Wanted::of(request.headers())?;
    let answer = apply(store.get_mut(id)?, wanted, request.body(), config)?;
    store.touch(id, now);
    Ok(answer)
}

/// The checks come in the order that §5.2 gives them (closed, content type, sequence), and all of them before
/// anything changes: a refused append leaves no trace, a stream never shows half of one.
fn apply(
    stream: &mut Stream,
    wanted: Wanted,
    body: &Bytes,
    config: &Config,
) -> Result<Answer, Refusal> {
    if body.is_empty() && !wanted.close {
        return Err(Refusal::bad_request("there is nothing to append"));
    }
    if stream.closed.is_some() {
        return on_closed(stream, &wanted, body);
    }
    if !body.is_empty() {
        check_content_type(stream, wanted.content_type?.as_ref())?;
    }
    if let Some(claim) = &wanted.claim {
        let known = stream.producers.get(&claim.id).copied();
        if let Verdict::Duplicate(state) = producer::judge(known, claim)? {
            return Ok(success(stream, StatusCode::NO_CONTENT, Some(state)));
        }
    }
    check_seq(stream, wanted.seq.as_ref())?;
    let content = if body.is_empty() {
        None
    } else {
        Some(content(body, &stream.content_type)?)
    };
    if matches!(&content, Some(Content::Messages(messages)) if messages.is_empty()) {
        // §9.1.3, also when the request would close the stream.
        return Err(Refusal::bad_request("an empty array holds no message"));
    }

    let status = match (&wanted.claim, &content) {
        (Some(_), Some(_)) => StatusCode::OK,
        // Accepted (200), and without content (204): both say what happened.
        (Some(_), None) if config.answers_like(AnswerStyle::Ok) => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    };
    if let Some(content) = content {
        push(stream, content, config.retention_bytes);
    }
    if wanted.seq.is_some() {
        stream.last_seq = wanted.seq;
    }
    let state = wanted.claim.as_ref().map(Claim::state);
    if let (Some(claim), Some(state)) = (&wanted.claim, state) {
        stream.producers.insert(claim.id.clone(), state);
    }
    if wanted.close {
        stream.closed = Some(Closed { by: wanted.claim });
    }
    Ok(success(stream, status, state))
}

fn push(stream: &mut Stream, content: Content, retention: Option<usize>) {
    // What forks inherit is kept for them.
    if let Some(limit) = retention.filter(|_| stream.forks == 0) {
        stream.log.trim(limit);
    }
    stream.log.push(content);
}

/// Appends what the server itself has to say, if the stream is open.
pub(super) fn append_event(
    store: &mut Store,
    id: StreamId,
    event: &Bytes,
    retention: Option<usize>,
    now: SystemTime,
) -> Result<(), Refusal> {
    let stream = store.get_mut(id)?;
    if stream.closed.is_some() {
        return Err(Refusal::conflict("the stream is closed"));
    }
    let content = content(event, &stream.content_type)?;
    push(stream, content, retention);
    store.touch(id, now);
    Ok(())
}

/// A closed stream accepts nothing but the wish to close it (§5.3), and the very request that closed it (§5.2.1).
fn on_closed(stream: &Stream, wanted: &Wanted, body: &Bytes) -> Result<Answer, Refusal> {
    let by = stream.closed.as_ref().and_then(|closed| closed.by.as_ref());
    match &wanted.claim {
        Some(claim) if wanted.close && by == Some(claim) => {
            Ok(success(stream, StatusCode::NO_CONTENT, Some(claim.state())))
        }
        None if wanted.close && body.is_empty() => {
            Ok(success(stream, StatusCode::NO_CONTENT, None))
        }
        _ => Err(Refusal::conflict("the stream is closed")
            .header(STREAM_CLOSED, HeaderValue::from_static("true"))
            .next_offset(stream.tail())),
    }
}

fn check_content_type(stream: &Stream, content_type: Option<&HeaderValue>) -> Result<(), Refusal> {
    match content_type {
        None => Err(Refusal::bad_request("a body needs a Content-Type")),
        Some(value) if stream.content_type.is(value) => Ok(()),
        Some(_) => Err(Refusal::conflict("the stream has a different content type")),
    }
}

/// `Stream-Seq` rises strictly, byte by byte, over all appends to the stream.
fn check_seq(stream: &Stream, seq: Option<&HeaderValue>) -> Result<(), Refusal> {
    match (&stream.last_seq, seq) {
        (Some(last), Some(seq)) if seq.as_bytes() <= last.as_bytes() => {
            Err(Refusal::conflict("Stream-Seq does not rise"))
        }
        _ => Ok(()),
    }
}

/// A body as content of a stream of this type; none are checked but JSON ones.
pub(super) fn content(body: &Bytes, content_type: &ContentType) -> Result<Content, Refusal> {
    let body = keep(body);
    if content_type.is_json() {
        json::messages(&body).map(Content::Messages)
    } else {
        Ok(Content::Bytes(body))
    }
}

fn success(stream: &Stream, status: StatusCode, producer: Option<State>) -> Answer {
    let answer = Answer::new(status)
        .cache(NO_STORE)
        .next_offset(stream.tail())
        .flag(STREAM_CLOSED, stream.closed.is_some());
    match producer {
        Some(state) => state.describe(answer),
        None => answer,
    }
}
