//! POST with producer headers: an append, a close, or both, that the server takes once however often it is sent (§5.2.1).

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header as http_header};

use super::{Operation, Resend, answer, value};
use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::header::{self, HeaderError};
use crate::wire::position::Offset;
use crate::wire::url::StreamUrl;

/// Who sends a request, and which of its requests it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Producer {
    /// `Producer-Id`: one for each writer of a stream.
    pub id: Arc<str>,
    /// `Producer-Epoch`: raised by every restart.
    pub epoch: u64,
    /// `Producer-Seq`: counts requests, from 0 in each epoch.
    pub seq: u64,
}

/// One request of an idempotent producer. The body is what the stream stores: on a JSON stream an array of messages.
///
/// The exactly-once [`Writer`](crate::Writer) machine makes these, and decides about their order and repetition.
#[derive(Debug, Clone)]
pub struct Produce {
    url: StreamUrl,
    producer: Producer,
    content_type: String,
    body: Bytes,
    close: bool,
}

/// A request of a producer that the server acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Produced {
    /// The tail after it. `None` where a server acknowledges a repeated request by its number alone.
    pub next_offset: Option<Offset>,
    /// Whether it had been accepted before (204); nothing was written now. Says nothing for a close without a body.
    pub duplicate: bool,
    /// Whether the stream is closed now.
    pub closed: bool,
    /// The highest sequence number that the server has accepted in this epoch, where it says so.
    pub highest_seq: Option<u64>,
}

impl Produce {
    /// An append of this body.
    pub fn new(
        url: StreamUrl,
        producer: Producer,
        content_type: impl Into<String>,
        body: Bytes,
    ) -> Self {
        Self {
            url,
            producer,
            content_type: content_type.into(),
            body,
            close: false,
        }
    }

    /// Close the stream with it. The body may then be empty.
    #[must_use]
    pub fn close(mut self, close: bool) -> Self {
        self.close = close;
        self
    }

    fn encode(&self) -> Result<Request<Bytes>, Error> {
        let Producer { id, epoch, seq } = &self.producer;
        if id.is_empty() || *epoch > header::MAX_INTEGER || *seq > header::MAX_INTEGER {
            return Err(Error::invalid(
                "a producer has an id, and an epoch and a sequence number of at most 2^53-1",
            ));
        }
        if self.body.is_empty() && !self.close {
            return Err(Error::invalid("an empty append"));
        }
        let mut request = super::request(Method::POST, self.url.uri(&[])?, self.body.clone());
        let headers = request.headers_mut();
        if !self.body.is_empty() {
            headers.insert(
                http_header::CONTENT_TYPE,
                value(&http_header::CONTENT_TYPE, &self.content_type)?,
            );
        }
        headers.insert(header::PRODUCER_ID, value(&header::PRODUCER_ID, id)?);
        headers.insert(header::PRODUCER_EPOCH, HeaderValue::from(*epoch));
        headers.insert(header::PRODUCER_SEQ, HeaderValue::from(*seq));
        if self.close {
            headers.insert(header::STREAM_CLOSED, HeaderValue::from_static("true"));
        }
        Ok(request)
    }

    fn failure(
        &self,
        response: &Response<Bytes>,
        kind: ErrorKind,
        why: impl Into<String>,
    ) -> Error {
        answer::failure(Self::KIND, &self.url, response)
            .with_kind(kind)
            .because(why)
    }
}

impl Operation for Produce {
    type Outcome = Produced;
    const KIND: OperationKind = OperationKind::Append;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        self.encode()
            .map_err(|error| error.at(Self::KIND, &self.url))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<Produced, Error> {
        match response.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => {}
            StatusCode::CONFLICT => {
                let error = answer::failure(Self::KIND, &self.url, response);
                let kind = if error.is_closed() {
                    ErrorKind::StreamClosed
                } else if error.expected_seq().is_some() {
                    ErrorKind::ProducerGap
                } else {
                    ErrorKind::ContentTypeMismatch
                };
                return Err(error.with_kind(kind));
            }
            _ => return Err(answer::failure(Self::KIND, &self.url, response)),
        }
        let malformed =
            |error: HeaderError| self.failure(response, ErrorKind::Protocol, error.to_string());
        let epoch =
            header::integer(response.headers(), &header::PRODUCER_EPOCH).map_err(malformed)?;
        let highest_seq =
            header::integer(response.headers(), &header::PRODUCER_SEQ).map_err(malformed)?;
        let duplicate = response.status() == StatusCode::NO_CONTENT;
        // A duplicate that names the request it is one of promises as much as an offset does, and there are servers that
        // give no more.
        let named = duplicate && epoch.is_some() && highest_seq.is_some();
        let next_offset = if named && !response.headers().contains_key(header::STREAM_NEXT_OFFSET) {
            None
        } else {
            Some(answer::promised_offset(Self::KIND, &self.url, response)?)
        };
        let theirs = epoch.is_some_and(|epoch| epoch != self.producer.epoch)
            || highest_seq.is_some_and(|seq| seq < self.producer.seq);
        if theirs {
            let why = "the acknowledgement is for another epoch or sequence number";
            return Err(self.failure(response, ErrorKind::Protocol, why));
        }
        let closed = header::flag(response.headers(), &header::STREAM_CLOSED);
        if self.close && !closed {
            let (kind, why) = if duplicate {
                (
                    ErrorKind::Diverged,
                    "this number was taken before, by a request that did not close the stream",
                )
            } else {
                (
                    ErrorKind::Protocol,
                    "the answer does not say that the stream is closed",
                )
            };
            return Err(self.failure(response, kind, why).applied(!duplicate));
        }
        Ok(Produced {
            next_offset,
            duplicate,
            closed,
            highest_seq,
        })
    }
}
