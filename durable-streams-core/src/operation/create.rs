//! PUT: create a stream, or a fork of one (§5.1, §4.2).

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header as http_header};

use super::{Operation, Payload, Resend, answer, value};
use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::header;
use crate::wire::position::Offset;
use crate::wire::time;
use crate::wire::url::StreamUrl;

/// Creates a stream. Creating one again with the same configuration changes nothing and succeeds.
#[derive(Debug, Clone)]
pub struct Create {
    url: StreamUrl,
    content_type: Option<String>,
    ttl: Option<Duration>,
    expires_at: Option<SystemTime>,
    closed: bool,
    payload: Option<Payload>,
    fork: Option<Fork>,
}

/// Where a new stream branches off from another one (§4.2).
#[derive(Debug, Clone)]
pub struct Fork {
    source: String,
    offset: Option<Offset>,
    sub_offset: u64,
}

impl Fork {
    /// A fork at the current tail of `source`, which lives on the same server.
    pub fn of(source: &StreamUrl) -> Self {
        Self {
            source: source.path().to_owned(),
            offset: None,
            sub_offset: 0,
        }
    }

    /// Fork at this offset instead, which the server issued for the source.
    #[must_use]
    pub fn at(mut self, offset: Offset) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Take this many more messages (JSON) or bytes past the offset.
    #[must_use]
    pub fn plus(mut self, count: u64) -> Self {
        self.sub_offset = count;
        self
    }
}

/// What the server says of the stream that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Created {
    /// Whether this request created it (201); otherwise it was there with the same configuration.
    ///
    /// `false` also when an earlier attempt of the same request created it and its answer was lost.
    pub created: bool,
    /// The tail: after the initial contents, if there were any.
    pub next_offset: Offset,
    /// Whether the stream is closed.
    pub closed: bool,
    /// Its content type, as the server has it.
    pub content_type: Option<String>,
    /// `Location`, when the server gave it.
    pub location: Option<String>,
}

impl Create {
    /// A stream at this URL, with the server's defaults.
    pub fn new(url: StreamUrl) -> Self {
        Self {
            url,
            content_type: None,
            ttl: None,
            expires_at: None,
            closed: false,
            payload: None,
            fork: None,
        }
    }

    /// The content type, fixed for the stream's life. Without it: that of the contents' kind when contents are
    /// given, otherwise the server's default, `application/octet-stream`, or the source's for a fork.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Delete the stream when nobody read or wrote it for this long; whole seconds.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Delete the stream at this time.
    #[must_use]
    pub fn expires_at(mut self, moment: SystemTime) -> Self {
        self.expires_at = Some(moment);
        self
    }

    /// Create it closed: the contents given here are all it will ever have.
    #[must_use]
    pub fn closed(mut self, closed: bool) -> Self {
        self.closed = closed;
        self
    }

    /// Its first contents.
    #[must_use]
    pub fn contents(mut self, payload: impl Into<Payload>) -> Self {
        self.payload = Some(payload.into());
        self
    }

    /// Make it a fork.
    #[must_use]
    pub fn fork(mut self, fork: Fork) -> Self {
        self.fork = Some(fork);
        self
    }

    /// Whether it makes a fork.
    pub fn is_fork(&self) -> bool {
        self.fork.is_some()
    }

    /// Changes where the fork begins; of a stream that is no fork nothing changes.
    #[must_use]
    pub fn map_fork(mut self, change: impl FnOnce(Fork) -> Fork) -> Self {
        self.fork = self.fork.map(change);
        self
    }

    /// The content type that is sent.
    fn sent_content_type(&self) -> Option<&str> {
        let implied = || self.payload.as_ref().map(Payload::default_content_type);
        self.content_type.as_deref().or_else(implied)
    }
}

impl Operation for Create {
    type Outcome = Created;
    const KIND: OperationKind = OperationKind::Create;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        // A repeated create finds the stream with the same configuration, and appends nothing.
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        self.encode()
            .map_err(|error| error.at(Self::KIND, &self.url))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<Created, Error> {
        let created = match response.status() {
            StatusCode::CREATED => true,
            StatusCode::OK | StatusCode::NO_CONTENT => false,
            StatusCode::CONFLICT => return Err(self.conflict(response)),
            _ => return Err(answer::failure(Self::KIND, &self.url, response)),
        };
        let text = |name| {
            header::single(response.headers(), &name)
                .ok()
                .flatten()
                .map(str::to_owned)
        };
        Ok(Created {
            created,
            next_offset: answer::promised_offset(Self::KIND, &self.url, response)?,
            closed: header::flag(response.headers(), &header::STREAM_CLOSED),
            content_type: text(http_header::CONTENT_TYPE),
            location: text(http_header::LOCATION),
        })
    }
}

impl Create {
    fn encode(&self) -> Result<Request<Bytes>, Error> {
        if self.ttl.is_some() && self.expires_at.is_some() {
            return Err(Error::invalid("a stream has a TTL or an expiry, not both"));
        }
        let content_type = self.sent_content_type();
        let body = match (&self.payload, content_type) {
            (Some(payload), Some(content_type)) => payload.body(content_type)?,
            _ => Bytes::new(),
        };
        let mut request = super::request(Method::PUT, self.url.uri(&[])?, body);
        let headers = request.headers_mut();
        let mut set =
            |name, text: &str| value(&name, text).map(|value| headers.insert(name, value));
        if let Some(content_type) = content_type {
            set(http_header::CONTENT_TYPE, content_type)?;
        }
        if let Some(ttl) = self.ttl {
            if ttl.subsec_nanos() > 0 || ttl.as_secs() > header::MAX_INTEGER {
                return Err(Error::invalid(
                    "a TTL is a whole number of seconds, at most 2^53-1",
                ));
            }
            set(header::STREAM_TTL, &ttl.as_secs().to_string())?;
        }
        if let Some(moment) = self.expires_at {
            let text = time::format_rfc3339(moment)
                .ok_or_else(|| Error::invalid("an expiry outside of years 0-9999"))?;
            set(header::STREAM_EXPIRES_AT, &text)?;
        }
        if self.closed {
            set(header::STREAM_CLOSED, "true")?;
        }
        if let Some(fork) = &self.fork {
            set(header::STREAM_FORKED_FROM, &fork.source)?;
            if let Some(offset) = &fork.offset {
                set(header::STREAM_FORK_OFFSET, offset.as_str())?;
            }
            if fork.sub_offset > header::MAX_INTEGER {
                return Err(Error::invalid("a fork's sub-offset is at most 2^53-1"));
            }
            if fork.sub_offset > 0 {
                set(header::STREAM_FORK_SUB_OFFSET, &fork.sub_offset.to_string())?;
            }
        }
        Ok(request)
    }

    fn conflict(&self, response: &Response<Bytes>) -> Error {
        let error = answer::failure(Self::KIND, &self.url, response);
        if self.fork.is_some() {
            error.because("the fork exists with another configuration, or its source is deleted or of another content type")
        } else {
            error.with_kind(ErrorKind::StreamExists)
        }
    }
}
