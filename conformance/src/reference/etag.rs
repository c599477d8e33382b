//! Entity tags (§10.1).

use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderValue};

use super::choice::AnswerStyle;
use super::config::Config;
use super::defect::Flaw;
use super::page::Page;
use super::stream::Stream;

/// The tag of one answer: which stream, which range, and whether the range reaches the tail or the end. The
/// stream's identity tells a stream from its successor under the same path; the mark makes the tag change when
/// the stream closes or grows, so that no 304 hides either.
pub(super) fn tag(stream: &Stream, page: &Page, config: &Config) -> HeaderValue {
    let flaws = config.flaws();
    let mark = match (page.closed, page.up_to_date) {
        _ if flaws.has(Flaw::TagKnowsNoClosure) => "any",
        (true, _) => "closed",
        (false, true) => "tail",
        (false, false) => "part",
    };
    let odd = if config.answers_like(AnswerStyle::OddTags) {
        "*,W/;'\\"
    } else {
        ""
    };
    let known = |value: u128, flaw| if flaws.has(flaw) { 0 } else { value };
    let tag = format!(
        "\"{odd}{:x}-{:x}-{:x}-{mark}\"",
        known(stream.identity, Flaw::TagKnowsNoStream),
        known(page.start.0.into(), Flaw::TagKnowsNoStart),
        known(page.end.0.into(), Flaw::TagKnowsNoEnd),
    );
    // Cannot fail: visible ASCII.
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Does `If-None-Match` name this tag? Lists and weak tags count (RFC 9110 §13.1.2).
pub(super) fn matches(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(elements)
        .any(|candidate| {
            candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag
        })
}

/// The elements of a list of entity tags: a comma within quotes is a part of a tag.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    list.split(move |character| {
        quoted ^= character == '"';
        character == ',' && !quoted
    })
    .map(str::trim)
}
