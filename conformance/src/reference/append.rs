//! POST: appending and closing (§5.2, §5.3).

use std::time::SystemTime;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, StatusCode};

use super::answer::{Answer, Refusal};
use super::choice::AnswerStyle;
use super::config::Config;
use super::content_type::ContentType;
use super::defect::{Flaw, Flaws};
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
    let body = request.body();
    let flaws = config.flaws();
    let untouched = match &wanted.claim {
        _ if body.is_empty() => Flaw::CloseIsNoUse,
        Some(_) => Flaw::ProducerIsNoUse,
        None => Flaw::AppendIsNoUse,
    };
    let stream = store.get_mut(id)?;
    let left = Left::of(&wanted, stream, flaws);
    let answer = apply(stream, wanted, body, config, now);
    if answer.is_err() {
        left.behind(stream, body);
    }
    let answer = answer?;
    if !flaws.has(untouched) {
        store.touch(id, now);
    }
    Ok(answer)
}

/// What a refused append leaves behind: nothing, if all is well.
#[derive(Debug)]
struct Left {
    content: bool,
    closure: bool,
}

impl Left {
    fn of(wanted: &Wanted, stream: &Stream, flaws: Flaws) -> Self {
        Self {
            content: flaws.has(match wanted {
                _ if stream.closed.is_some() => Flaw::ClosedIsStored,
                Wanted { claim: Some(_), .. } => Flaw::OutOfTurnIsStored,
                _ => Flaw::NotRisingIsStored,
            }),
            closure: wanted.close && flaws.has(Flaw::RefusedCloses),
        }
    }

    fn behind(self, stream: &mut Stream, body: &Bytes) {
        if self.content {
            if let Ok(content) = content(body, &stream.content_type) {
                stream.log.push(content);
            }
        }
        if self.closure {
            stream.closed = Some(Closed { by: None });
        }
    }
}

/// The checks come in the order that §5.2 gives them (closed, content type, sequence), and all of them before
/// anything changes: a refused append leaves no trace, a stream never shows half of one.
fn apply(
    stream: &mut Stream,
    wanted: Wanted,
    body: &Bytes,
    config: &Config,
    now: SystemTime,
) -> Result<Answer, Refusal> {
    let flaws = config.flaws();
    if body.is_empty() && !wanted.close {
        return Err(Refusal::bad_request("there is nothing to append"));
    }
    let closed = stream.closed.is_some()
        && !flaws.has(match wanted.claim {
            Some(_) => Flaw::ClosedTakesProducers,
            None => Flaw::ClosedTakesAppends,
        });
    if closed {
        let answer = on_closed(stream, &wanted, body, now, flaws)?;
        if flaws.has(Flaw::ClosingRepetitionIsStored) {
            stream.log.push(content(body, &stream.content_type)?);
        }
        return Ok(answer);
    }
    if !body.is_empty() || flaws.has(Flaw::TypeOfNothingMatters) {
        check_content_type(stream, wanted.content_type?.as_ref(), flaws)?;
    }
    let mut known = None;
    if let Some(claim) = &wanted.claim {
        known = stream.producers.get(&claim.id).copied();
        known = known.filter(|state| !flaws.has(Flaw::StateComesLate) || state.has_settled(now));
        if let Verdict::Duplicate(state) = producer::judge(known, claim, flaws)? {
            return Ok(success(stream, StatusCode::NO_CONTENT, Some(state)));
        }
        if flaws.has(Flaw::NumberIsUsedUpFirst) {
            stream.producers.insert(claim.id.clone(), claim.state(now));
        }
    }
    let rises = check_seq(stream, wanted.seq.as_ref(), flaws);
    if rises.is_err() && flaws.has(Flaw::RefusedSeqIsKept) {
        stream.last_seq.clone_from(&wanted.seq);
    }
    rises?;
    if wanted.seq.is_some() && flaws.has(Flaw::SeqIsUsedUpFirst) {
        stream.last_seq.clone_from(&wanted.seq);
    }
    let content = if body.is_empty() {
        None
    } else {
        Some(content(body, &stream.content_type)?)
    };
    let no_messages = matches!(&content, Some(Content::Messages(messages)) if messages.is_empty());
    if no_messages && !flaws.has(Flaw::EmptyArrayIsTaken) {
        // §9.1.3, also when the request would close the stream.
        return Err(Refusal::bad_request("an empty array holds no message"));
    }

    let old_tail = stream.tail();
    let status = match (&wanted.claim, &content) {
        (Some(_), Some(_)) => StatusCode::OK,
        // Accepted (200), and without content (204): both say what happened.
        (Some(_), None) if config.answers_like(AnswerStyle::Ok) => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    };
    if let Some(content) = content {
        let lost = stream.log.len() >= 20 && flaws.has(Flaw::LogIsFull)
            || wanted.close && flaws.has(Flaw::ClosingAppendIsLost);
        let forgets = flaws.has(Flaw::OldContentIsForgotten).then_some(8);
        if !lost {
            push(stream, content, config.retention_bytes.or(forgets));
        }
    }
    if wanted.seq.is_some() || flaws.has(Flaw::SeqIsForgotten) {
        stream.last_seq = wanted.seq;
    }
    let state = wanted.claim.as_ref().map(|claim| claim.state(now));
    if let (Some(claim), Some(state)) = (&wanted.claim, state) {
        let is_new = known.is_some_and(|known| known.epoch < claim.epoch);
        if !(is_new && flaws.has(Flaw::NewEpochIsForgotten)) {
            stream.producers.insert(claim.id.clone(), state);
        }
    }
    let close_is_lost = flaws.has(if body.is_empty() {
        Flaw::CloseIsLost
    } else {
        Flaw::ClosingAppendLeavesOpen
    });
    if wanted.close && !close_is_lost {
        stream.closed = Some(Closed { by: wanted.claim });
    }
    let answer = success(stream, status, state);
    Ok(if flaws.has(Flaw::AppendNamesTheOldTail) {
        answer.next_offset(old_tail)
    } else {
        answer
    })
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
fn on_closed(
    stream: &Stream,
    wanted: &Wanted,
    body: &Bytes,
    now: SystemTime,
    flaws: Flaws,
) -> Result<Answer, Refusal> {
    if flaws.has(Flaw::TypeBeforeClosed) && !body.is_empty() {
        let content_type = wanted.content_type.as_ref().ok().and_then(Option::as_ref);
        check_content_type(stream, content_type, flaws)?;
    }
    if flaws.has(Flaw::SeqBeforeClosed) {
        check_seq(stream, wanted.seq.as_ref(), flaws)?;
    }
    if flaws.has(Flaw::ContentBeforeClosed) && !body.is_empty() {
        content(body, &stream.content_type)?;
    }
    let by = stream.closed.as_ref().and_then(|closed| closed.by.as_ref());
    let (again, flaw) = match &wanted.claim {
        Some(claim) if by == Some(claim) => (true, Flaw::ClosingIsForgotten),
        Some(_) => (false, Flaw::AnyProducerClosesAgain),
        None if body.is_empty() => (true, Flaw::CloseAgainIsRefused),
        None => (false, Flaw::AppendClosesAgain),
    };
    if wanted.close && again != flaws.has(flaw) {
        let state = wanted.claim.as_ref().map(|claim| claim.state(now));
        return Ok(success(stream, StatusCode::NO_CONTENT, state));
    }
    Err(Refusal::conflict("the stream is closed")
        .header(STREAM_CLOSED, HeaderValue::from_static("true"))
        .next_offset(stream.tail()))
}

fn check_content_type(
    stream: &Stream,
    content_type: Option<&HeaderValue>,
    flaws: Flaws,
) -> Result<(), Refusal> {
    match content_type {
        None if flaws.has(Flaw::UntypedIsTaken) => Ok(()),
        None => Err(Refusal::bad_request("a body needs a Content-Type")),
        Some(value) if stream.content_type.is(value) => Ok(()),
        Some(_) if flaws.has(Flaw::TypeIsNotCompared) => Ok(()),
        Some(_) => Err(Refusal::conflict("the stream has a different content type")),
    }
}

/// `Stream-Seq` rises strictly, byte by byte, over all appends to the stream.
fn check_seq(stream: &Stream, seq: Option<&HeaderValue>, flaws: Flaws) -> Result<(), Refusal> {
    let rises = |last: &HeaderValue, seq: &HeaderValue| {
        let number = |value: &HeaderValue| value.to_str().ok()?.parse::<u64>().ok();
        match (number(last), number(seq)) {
            (Some(last), Some(seq)) if flaws.has(Flaw::SeqIsANumber) => seq > last,
            _ => seq.as_bytes() > last.as_bytes() || flaws.has(Flaw::SeqMayStay) && seq == last,
        }
    };
    match (&stream.last_seq, seq) {
        (Some(last), Some(seq)) if !rises(last, seq) => {
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
