//! An answer, and what can be asked of it.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

use super::outcome::{Failure, Stop, Verdict};

/// An answer that was read to its end.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) number: usize,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    /// What was expected is not what came.
    pub(super) fn fail<T>(
        &self,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Verdict<T> {
        Err(Stop::Fail(Failure {
            expected: expected.into(),
            actual: actual.into(),
            exchange: Some(self.number),
        }))
    }

    fn check(
        &self,
        holds: bool,
        expected: impl Into<String>,
        actual: impl FnOnce() -> String,
    ) -> Verdict<&Self> {
        if holds {
            Ok(self)
        } else {
            self.fail(expected, actual())
        }
    }

    /// It has one of these statuses.
    pub(super) fn status(&self, accepted: &[u16]) -> Verdict<&Self> {
        let names: Vec<_> = accepted.iter().map(u16::to_string).collect();
        self.check(
            accepted.contains(&self.status),
            format!("status {}", names.join(" or ")),
            || format!("status {}", self.status),
        )
    }

    /// It is refused with this status. A server that says that it does not have this at all is not asked further.
    pub(super) fn refused(&self, status: u16) -> Verdict<&Self> {
        if matches!(self.status, 405 | 501) {
            return Err(Stop::Skip(format!("the server answers {}", self.status)));
        }
        self.status(&[status])
    }

    /// It says that the request was carried out: 200 and 204 are both right where a case is about something else.
    pub(super) fn carried_out(&self) -> Verdict<&Self> {
        self.status(&[200, 204])
    }

    /// It is refused with 409, for another reason than that the stream is closed: headers alone tell the two apart.
    pub(super) fn conflict(&self) -> Verdict<&Self> {
        self.refused(409)?.does_not_say("Stream-Closed")
    }

    /// It is refused because the stream is closed, and ends here.
    pub(super) fn refused_at_end(&self, tail: &str) -> Verdict<&Self> {
        self.refused(409)?.says("Stream-Closed")?;
        self.has("Stream-Next-Offset", tail)
    }

    /// The value of a header, if there is one that is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The value of a header that must be there.
    pub(super) fn needs(&self, name: &str) -> Verdict<&str> {
        match self.header(name) {
            Some(value) => Ok(value),
            None => self.fail(format!("the header {name}"), "none"),
        }
    }

    /// It has this header once, with this value.
    pub(super) fn has(&self, name: &str, value: &str) -> Verdict<&Self> {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        let is = values.len() == 1 && values[0].as_bytes() == value.as_bytes();
        self.check(is, format!("{name}: {value}"), || match values.as_slice() {
            [] => format!("no {name}"),
            some => format!("{name}: {some:?}"),
        })
    }

    /// A header that says that something is so: `true`, in whatever case.
    pub(super) fn says(&self, name: &str) -> Verdict<&Self> {
        let value = self.header(name);
        let is = value.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        self.check(is, format!("{name}: true"), || match value {
            None => format!("no {name}"),
            Some(value) => format!("{name}: {value}"),
        })
    }

    /// It does not say that this is so.
    pub(super) fn does_not_say(&self, name: &str) -> Verdict<&Self> {
        let value = self.header(name);
        let is = value.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        self.check(!is, format!("no {name}: true"), || {
            format!("{name}: {}", value.unwrap_or_default())
        })
    }

    /// It does not have this header.
    pub(super) fn lacks(&self, name: &str) -> Verdict<&Self> {
        let value = self.header(name);
        self.check(
            !self.headers.contains_key(name),
            format!("no {name}"),
            || format!("{name}: {}", value.unwrap_or_default()),
        )
    }

    /// The offset in `Stream-Next-Offset`, which must be one.
    pub(super) fn next_offset(&self) -> Verdict<&str> {
        let offset = self.needs("Stream-Next-Offset")?;
        let is = !offset.is_empty()
            && offset != "-1"
            && offset != "now"
            && !offset.contains([',', '&', '=', '?', '/']);
        if is {
            Ok(offset)
        } else {
            self.fail(
                "an offset in Stream-Next-Offset: not empty, neither -1 nor now, and without , & = ? /",
                format!("Stream-Next-Offset: {offset}"),
            )
        }
    }

    /// `Cache-Control` has this directive, whatever else it has.
    pub(super) fn cache_directive(&self, directive: &str) -> Verdict<&Self> {
        let values = self.headers.get_all("cache-control").iter();
        let text: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
        let mut directives = text.iter().flat_map(|value| value.split(','));
        let is = directives.any(|one| one.trim().eq_ignore_ascii_case(directive));
        self.check(
            is,
            format!("Cache-Control with {directive}"),
            || match text.as_slice() {
                [] => "no Cache-Control".to_owned(),
                some => format!("Cache-Control: {}", some.join(", ")),
            },
        )
    }

    /// Its body is this, byte for byte.
    pub(super) fn body(&self, expected: impl AsRef<[u8]>) -> Verdict<&Self> {
        let expected = expected.as_ref();
        self.check(
            self.body == expected,
            format!("the body {}", quoted(expected)),
            || format!("the body {}", quoted(&self.body)),
        )
    }

    /// Its body as JSON.
    pub(super) fn json(&self) -> Verdict<Value> {
        match serde_json::from_slice(&self.body) {
            Ok(value) => Ok(value),
            Err(error) => self.fail("a body of JSON", format!("{}: {error}", quoted(&self.body))),
        }
    }

    /// Its body is this JSON, however it is written.
    pub(super) fn messages(&self, expected: &Value) -> Verdict<&Self> {
        let value = self.json()?;
        self.check(value == *expected, format!("the body {expected}"), || {
            format!("the body {value}")
        })
    }

    /// Its type is this one, without parameters and case.
    pub(super) fn content_type(&self, expected: &str) -> Verdict<&Self> {
        let value = self.needs("Content-Type")?;
        let essence = value.split(';').next().unwrap_or_default().trim();
        self.check(
            essence.eq_ignore_ascii_case(expected),
            format!("Content-Type: {expected}"),
            || format!("Content-Type: {value}"),
        )
    }
}

/// Bytes as text, the beginning of them.
pub(super) fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 200;
    if bytes.len() <= SHOWN {
        return format!("{:?}", String::from_utf8_lossy(bytes));
    }
    let beginning = String::from_utf8_lossy(&bytes[..SHOWN]);
    format!("{beginning:?}… ({} bytes)", bytes.len())
}
