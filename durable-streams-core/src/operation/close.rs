//! POST with `Stream-Closed: true` and no body: close a stream (§5.3).

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::{Operation, Resend, answer};
use crate::wire::error::{Error, OperationKind};
use crate::wire::header;
use crate::wire::position::Offset;
use crate::wire::url::StreamUrl;

/// Closes a stream. Closing a closed stream succeeds.
#[derive(Debug, Clone)]
pub struct Close {
    url: StreamUrl,
}

/// A stream that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The position after its last byte or message.
    pub final_offset: Offset,
}

impl Close {
    /// A close of the stream at this URL.
    pub fn new(url: StreamUrl) -> Self {
        Self { url }
    }
}

impl Operation for Close {
    type Outcome = Closed;
    const KIND: OperationKind = OperationKind::Close;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        let mut request = super::request(Method::POST, self.url.uri(&[])?, Bytes::new());
        request
            .headers_mut()
            .insert(header::STREAM_CLOSED, HeaderValue::from_static("true"));
        Ok(request)
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<Closed, Error> {
        let closed = header::flag(response.headers(), &header::STREAM_CLOSED);
        match response.status() {
            StatusCode::OK | StatusCode::NO_CONTENT if closed => {}
            StatusCode::OK | StatusCode::NO_CONTENT => {
                let why = "the answer does not say that the stream is closed";
                return Err(answer::broken(Self::KIND, &self.url, response, why));
            }
            // Some servers answer a repeated close as they answer an append to a closed stream.
            StatusCode::CONFLICT if closed => {}
            _ => return Err(answer::failure(Self::KIND, &self.url, response)),
        }
        let final_offset = answer::promised_offset(Self::KIND, &self.url, response)?;
        Ok(Closed { final_offset })
    }
}
