//! HEAD and the answers of GET that come whole: catch-up and long-poll (§5.5–5.7).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderMap, StatusCode};

use super::answer::{Answer, Refusal};
use super::choice::AnswerStyle;
use super::config::Config;
use super::defect::{Flaw, Flaws};
use super::etag;
use super::json;
use super::names::{NO_STORE, SHARED, STREAM_CLOSED, STREAM_CURSOR, STREAM_UP_TO_DATE};
use super::offset::{Offset, Start};
use super::page::Page;
use super::stream::Stream;

/// What a stream is like now (§5.5).
pub(super) fn head(stream: &Stream) -> Answer {
    let answer = Answer::new(StatusCode::OK)
        .cache(NO_STORE)
        .header(CONTENT_TYPE, stream.content_type.value.clone())
        .next_offset(stream.tail())
        .flag(STREAM_CLOSED, stream.closed.is_some());
    stream.expiry.describe(answer)
}

/// The position to read from. An offset past the tail was never issued by this stream: to wait there would be
/// to skip what is appended below it. One before the earliest that is kept would skip what was dropped (§5.6);
/// who asks for the beginning says that any will do.
pub(super) fn position(
    stream: &Stream,
    earliest: Offset,
    start: Start,
    flaws: Flaws,
) -> Result<Offset, Refusal> {
    let tail = stream.tail();
    let unknown = || Err(Refusal::bad_request("this stream has no such offset"));
    match start {
        _ if stream.closed.is_some() && flaws.has(Flaw::ClosedIsUnreadable) => Ok(tail),
        Start::Beginning => Ok(earliest),
        Start::Tail if flaws.has(Flaw::NowIsTheBeginning) => Ok(earliest),
        Start::Tail => Ok(tail),
        Start::At(offset) if offset < earliest => {
            if flaws.has(Flaw::OldContentIsForgotten) || flaws.has(Flaw::DroppedIsSkipped) {
                Ok(earliest)
            } else {
                Err(Refusal::dropped())
            }
        }
        Start::At(offset) if offset > tail => unknown(),
        Start::At(offset) if flaws.has(Flaw::OldOffsetsAreForgotten) && offset.0 + 8 < tail.0 => {
            unknown()
        }
        Start::At(offset)
            if flaws.has(Flaw::InheritedOffsetsAreUnknown) && offset.0 < stream.log.start() =>
        {
            unknown()
        }
        Start::At(Offset(at)) if flaws.has(Flaw::OffsetIsIncluded) && at > earliest.0 => {
            Ok(Offset(at - 1))
        }
        Start::At(Offset(at)) if flaws.has(Flaw::OffsetIsSkipped) && at < tail.0 => {
            Ok(Offset(at + 1))
        }
        Start::At(offset) => Ok(offset),
    }
}

/// Content, or the news that there is none: the answer to a catch-up read, and to a long-poll that found
/// something.
pub(super) fn content(
    stream: &Stream,
    page: &Page,
    request: &HeaderMap,
    config: &Config,
) -> Answer {
    let tag = etag::tag(stream, page, config);
    let known = etag::matches(request, &tag);
    let answer = page_head(stream, page)
        .cache(SHARED)
        .header(ETAG, tag)
        .body(body(stream, page, config));
    if known { answer.not_modified() } else { answer }
}

/// The answer to a read from `now` (§8): true for this moment only, so that nobody may keep it and no tag
/// names it. Empty on a catch-up read; on a long-poll, what came first.
pub(super) fn from_now(stream: &Stream, page: &Page, config: &Config) -> Answer {
    page_head(stream, page)
        .cache(NO_STORE)
        .body(body(stream, page, config))
}

fn body(stream: &Stream, page: &Page, config: &Config) -> Vec<Bytes> {
    let json = stream.content_type.is_json();
    let flaws = config.flaws();
    if flaws.has(Flaw::ForksAreTwoArrays) && json {
        let inherited = stream.log.start().saturating_sub(page.start.0) as usize;
        let (inherited, own) = page.pieces.split_at(inherited.min(page.pieces.len()));
        if !inherited.is_empty() && !own.is_empty() {
            let array = |pieces| json::array(pieces, config.spacing());
            return [inherited, own].into_iter().flat_map(array).collect();
        }
    }
    let array = json || page.is_empty() && flaws.has(Flaw::NowBringsAnArray);
    page.body(array.then(|| config.spacing()))
}

fn page_head(stream: &Stream, page: &Page) -> Answer {
    Answer::new(StatusCode::OK)
        .header(CONTENT_TYPE, stream.content_type.value.clone())
        .next_offset(page.end)
        .flag(STREAM_UP_TO_DATE, page.up_to_date)
        .flag(STREAM_CLOSED, page.closed)
}

/// The answer to a long-poll that has nothing to bring (§5.7): its time is up, or the stream is closed. Without
/// a cursor once closed, as there will be no further live request.
pub(super) fn nothing(stream: &Stream, cursor: u64, config: &Config) -> Answer {
    let closed = stream.closed.is_some();
    let answer = Answer::new(StatusCode::NO_CONTENT)
        .cache(NO_STORE)
        .next_offset(stream.tail())
        .flag(STREAM_UP_TO_DATE, true)
        .flag(STREAM_CLOSED, closed);
    if closed && !config.answers_like(AnswerStyle::Cursors) {
        answer
    } else {
        answer.header(STREAM_CURSOR, cursor)
    }
}
