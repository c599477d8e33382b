//! Reading requests: paths, queries, headers.

use std::borrow::Cow;

use http::header::{AsHeaderName, HOST};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use percent_encoding::percent_decode_str;

use super::answer::Refusal;
use super::choice::OffsetFormat;
use super::names::STREAM_CLOSED;
use super::offset::Start;

/// Longer paths than this name no stream.
const MAX_PATH: usize = 4096;

/// The name of a stream: a path in its one canonical spelling.
pub(super) fn stream_path(path: &str) -> Result<String, Refusal> {
    if path.len() > MAX_PATH {
        return Err(Refusal::new(
            StatusCode::URI_TOO_LONG,
            "the path is too long",
        ));
    }
    if !path.starts_with('/') {
        return Err(Refusal::bad_request("a stream is named by a path"));
    }
    let path = canonical(path).ok_or(Refusal::bad_request("malformed path"))?;
    if walks(&path) {
        return Err(Refusal::bad_request("malformed path"));
    }
    Ok(path)
}

/// §12.2: does a path walk upwards, or in place? What another server might take for a separator counts as one.
fn walks(path: &str) -> bool {
    let path = path.replace("%2F", "/").replace("%5C", "/");
    path.split(['/', '\\'])
        .any(|segment| matches!(segment, "." | ".."))
}

/// Percent-decodes what needs no encoding and spells the other escapes in upper case (RFC 3986 §6.2.2), so
/// that equivalent paths are one stream. Broken escapes and encoded NULs give nothing.
fn canonical(path: &str) -> Option<String> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let digits = after.get(..2)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        match u8::from_str_radix(digits, 16).ok()? {
            0 => return None,
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(byte.into())
            }
            _ => {
                out.push('%');
                out.push_str(&digits.to_ascii_uppercase());
            }
        }
        rest = &after[2..];
    }
    out.push_str(rest);
    Some(out)
}

/// The URL that a request was sent to, for `Location` (§5.1): absolute when the request says which host it
/// meant, else a path.
pub(super) fn location(uri: &Uri, headers: &HeaderMap) -> String {
    origin(uri, headers) + uri.path()
}

/// The beginning of that URL: scheme and host, when the request says which host it meant, else nothing.
pub(super) fn origin(uri: &Uri, headers: &HeaderMap) -> String {
    let host = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => headers.get(HOST).and_then(|host| host.to_str().ok()),
    };
    match host {
        Some(host) => format!("{}://{host}", uri.scheme_str().unwrap_or("http")),
        None => String::new(),
    }
}

/// How a reader wants to be served (§5.6–5.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    CatchUp,
    LongPoll,
    Sse,
}

/// The query of a read.
#[derive(Debug)]
pub(super) struct ReadQuery {
    pub(super) start: Start,
    pub(super) mode: Mode,
    pub(super) cursor: Option<String>,
}

impl ReadQuery {
    /// Unknown parameters are ignored (§11.1); known ones must make sense, and may be given once only.
    pub(super) fn parse(uri: &Uri, offsets: OffsetFormat) -> Result<Self, Refusal> {
        let query = uri.query().unwrap_or("");
        let mut offset = None;
        let mut live = None;
        let mut cursor = None;
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = match key {
                "offset" => &mut offset,
                "live" => &mut live,
                "cursor" => &mut cursor,
                _ => continue,
            };
            let value = percent_decode_str(value)
                .decode_utf8()
                .map(Cow::into_owned)
                .map_err(|_| Refusal::bad_request("malformed query"))?;
            // A cursor is a hint: a repeated one does no harm.
            if slot.replace(value).is_some() && key != "cursor" {
                return Err(Refusal::bad_request("a query parameter is given twice"));
            }
        }
        let mode = match live.as_deref() {
            None => Mode::CatchUp,
            Some("long-poll") => Mode::LongPoll,
            Some("sse") => Mode::Sse,
            Some(_) => return Err(Refusal::bad_request("unsupported live mode")),
        };
        let start = match offset {
            Some(offset) => Start::parse(&offset, offsets)?,
            None if mode == Mode::CatchUp => Start::Beginning,
            None => return Err(Refusal::bad_request("live reads need an offset")),
        };
        Ok(Self {
            start,
            mode,
            cursor,
        })
    }
}

/// A header that may be given once only, whatever bytes it has.
pub(super) fn single_value(
    headers: &HeaderMap,
    name: impl AsHeaderName,
) -> Result<Option<&HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Refusal::bad_request("a header is given twice"));
    }
    Ok(value)
}

/// A header that may be given once only, as text.
pub(super) fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    single_value(headers, name)?
        .map(HeaderValue::to_str)
        .transpose()
        .map_err(|_| Refusal::bad_request("a header is not text"))
}

/// §4.1: `Stream-Closed` counts only with the value `true`, in any case. Everything else is as if it were absent.
pub(super) fn asks_to_close(headers: &HeaderMap) -> bool {
    matches!(single(headers, STREAM_CLOSED), Ok(Some(value)) if value.eq_ignore_ascii_case("true"))
}

/// A non-negative decimal integer in its only spelling: no sign, no leading zeros, no point, no exponent.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    (digits && !leading_zero)
        .then(|| text.parse().ok())
        .flatten()
}
