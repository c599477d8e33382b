//! POST: append, and maybe close with it (§5.2).

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header as http_header};

use super::{Operation, Payload, Resend, answer, value};
use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::header;
use crate::wire::position::Offset;
use crate::wire::url::StreamUrl;

/// Appends to a stream, in one atomic step; may close it in the same step.
#[derive(Debug, Clone)]
pub struct Append {
    url: StreamUrl,
    payload: Payload,
    content_type: Option<String>,
    seq: Option<String>,
    close: bool,
    at_least_once: bool,
}

/// An append that the server acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appended {
    /// The tail after this append.
    pub next_offset: Offset,
    /// Whether the stream is closed now.
    pub closed: bool,
}

impl Append {
    /// An append of this payload.
    pub fn new(url: StreamUrl, payload: impl Into<Payload>) -> Self {
        Self {
            url,
            payload: payload.into(),
            content_type: None,
            seq: None,
            close: false,
            at_least_once: false,
        }
    }

    /// The stream's content type. Without it: `application/json` for JSON messages, `application/octet-stream` for bytes.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// `Stream-Seq`: must be above the last one, byte by byte, or the append is refused. It also makes the append safe to
    /// send again.
    #[must_use]
    pub fn seq(mut self, seq: impl Into<String>) -> Self {
        self.seq = Some(seq.into());
        self
    }

    /// Close the stream with this append. The payload may then be empty: it is a plain close.
    ///
    /// With a payload and without [`seq`](Self::seq) it is not sent again when its answer is lost, as any plain append.
    #[must_use]
    pub fn close(mut self, close: bool) -> Self {
        self.close = close;
        self
    }

    /// Send it again when its answer is lost too, as a read: it is then stored at least once, and maybe twice. Default: no.
    ///
    /// For what may stand in the stream twice. Exactly once is what [`seq`](Self::seq) or a [`Writer`](crate::Writer) is for.
    #[must_use]
    pub fn at_least_once(mut self, wanted: bool) -> Self {
        self.at_least_once = wanted;
        self
    }

    fn encode(&self) -> Result<Request<Bytes>, Error> {
        let content_type = self
            .content_type
            .as_deref()
            .unwrap_or_else(|| self.payload.default_content_type());
        let body = if self.is_close_only() {
            Bytes::new()
        } else {
            self.payload.body(content_type)?
        };
        let mut request = super::request(Method::POST, self.url.uri(&[])?, body);
        let headers = request.headers_mut();
        if !self.is_close_only() {
            let content_type = value(&http_header::CONTENT_TYPE, content_type)?;
            headers.insert(http_header::CONTENT_TYPE, content_type);
        }
        if let Some(seq) = &self.seq {
            if seq.is_empty() || !seq.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Error::invalid("Stream-Seq is visible ASCII, and not empty"));
            }
            headers.insert(header::STREAM_SEQ, value(&header::STREAM_SEQ, seq)?);
        }
        if self.close {
            headers.insert(
                header::STREAM_CLOSED,
                http::HeaderValue::from_static("true"),
            );
        }
        Ok(request)
    }

    fn is_close_only(&self) -> bool {
        self.close && self.payload.is_empty()
    }

    /// A 409, read from its headers in the order of §5.2: closed, producer gap, then sequence or content type.
    fn conflict(&self, response: &Response<Bytes>) -> Error {
        let error = answer::failure(Self::KIND, &self.url, response);
        let kind = if error.is_closed() {
            ErrorKind::StreamClosed
        } else if error.expected_seq().is_some() {
            ErrorKind::ProducerGap
        } else if self.seq.is_some() {
            ErrorKind::SequenceConflict
        } else {
            ErrorKind::ContentTypeMismatch
        };
        error.with_kind(kind)
    }
}

impl Operation for Append {
    type Outcome = Appended;
    const KIND: OperationKind = OperationKind::Append;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        // With a sequence number the server refuses the second copy; without one it would store it, which is for the caller
        // to say.
        if self.seq.is_some() || self.is_close_only() || self.at_least_once {
            Resend::Safe
        } else {
            Resend::IfNotApplied
        }
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        self.encode()
            .map_err(|error| error.at(Self::KIND, &self.url))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<Appended, Error> {
        match response.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => {}
            StatusCode::CONFLICT => {
                let error = self.conflict(response);
                // A plain close finds the stream as it was to be.
                if !(self.is_close_only() && error.kind() == ErrorKind::StreamClosed) {
                    return Err(error);
                }
            }
            _ => return Err(answer::failure(Self::KIND, &self.url, response)),
        }
        let next_offset = answer::promised_offset(Self::KIND, &self.url, response)?;
        let closed = header::flag(response.headers(), &header::STREAM_CLOSED);
        if self.close && !closed {
            let why = "the append was to close the stream, and the answer does not say that it did";
            return Err(answer::broken(Self::KIND, &self.url, response, why));
        }
        Ok(Appended {
            next_offset,
            closed,
        })
    }

    fn decode_after_unknown(&self, response: &Response<Bytes>) -> Result<Appended, Error> {
        self.decode(response).map_err(|error| {
            let ours = match error.kind() {
                ErrorKind::SequenceConflict => true,
                ErrorKind::StreamClosed => self.close,
                // Any other refusal of this attempt does not say what became of the earlier one.
                _ => return error.applied(true),
            };
            if !ours {
                return error.applied(true);
            }
            error
                .because("an earlier attempt of this append got no answer, and may be what it conflicts with")
                .applied(true)
        })
    }
}
