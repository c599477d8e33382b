//! HEAD: what a stream is, without its contents (§5.5).

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header as http_header};

use super::{Operation, Resend, answer};
use crate::wire::error::{Error, OperationKind};
use crate::wire::header;
use crate::wire::position::Offset;
use crate::wire::time;
use crate::wire::url::StreamUrl;

/// Asks for a stream's metadata. Does not reset its TTL.
#[derive(Debug, Clone)]
pub struct Head {
    url: StreamUrl,
}

/// What the server says of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// The content type, as it was created, with its parameters.
    pub content_type: Option<String>,
    /// The tail: where the next append goes.
    pub next_offset: Offset,
    /// Whether the stream is closed, and `next_offset` is its end.
    pub closed: bool,
    /// The sliding time to live.
    pub ttl: Option<Duration>,
    /// The absolute expiry.
    pub expires_at: Option<SystemTime>,
    /// The entity tag, where the server gives one.
    pub etag: Option<String>,
    /// `Cache-Control`, as it came.
    pub cache_control: Option<String>,
}

impl Head {
    /// A question about the stream at this URL.
    pub fn new(url: StreamUrl) -> Self {
        Self { url }
    }
}

impl Operation for Head {
    type Outcome = Metadata;
    const KIND: OperationKind = OperationKind::Head;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        Ok(super::request(
            Method::HEAD,
            self.url.uri(&[])?,
            Bytes::new(),
        ))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<Metadata, Error> {
        if !matches!(response.status(), StatusCode::OK | StatusCode::NO_CONTENT) {
            return Err(answer::failure(Self::KIND, &self.url, response));
        }
        let headers = response.headers();
        let malformed =
            |why: &dyn std::fmt::Display| answer::broken(Self::KIND, &self.url, response, why);
        let text = |name| header::single(headers, &name).map_err(|error| malformed(&error));
        let expires_at = match text(header::STREAM_EXPIRES_AT)? {
            None => None,
            Some(moment) => Some(
                time::parse_rfc3339(moment)
                    .ok_or_else(|| malformed(&"Stream-Expires-At is not an RFC 3339 date"))?,
            ),
        };
        Ok(Metadata {
            content_type: text(http_header::CONTENT_TYPE)?.map(str::to_owned),
            next_offset: answer::promised_offset(Self::KIND, &self.url, response)?,
            closed: header::flag(headers, &header::STREAM_CLOSED),
            ttl: header::integer(headers, &header::STREAM_TTL)
                .map_err(|error| malformed(&error))?
                .map(Duration::from_secs),
            expires_at,
            etag: text(http_header::ETAG)?.map(str::to_owned),
            cache_control: text(http_header::CACHE_CONTROL)?.map(str::to_owned),
        })
    }
}
