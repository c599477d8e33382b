//! DELETE (§5.4).

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header as http_header};

use super::{Operation, Resend, answer};
use crate::wire::content_type;
use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::url::StreamUrl;

/// Deletes a stream. With forks alive it is only hidden: it then answers 410, and its forks keep reading.
#[derive(Debug, Clone)]
pub struct Delete {
    url: StreamUrl,
}

impl Delete {
    /// A delete of the stream at this URL.
    pub fn new(url: StreamUrl) -> Self {
        Self { url }
    }
}

impl Operation for Delete {
    type Outcome = ();
    const KIND: OperationKind = OperationKind::Delete;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        Ok(super::request(
            Method::DELETE,
            self.url.uri(&[])?,
            Bytes::new(),
        ))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<(), Error> {
        // No header acknowledges a delete, so the least that can be asked of a 200 is that it is no page for people.
        let page = response
            .headers()
            .get(http_header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| content_type::same(value, "text/html"));
        match response.status() {
            StatusCode::NO_CONTENT => Ok(()),
            StatusCode::OK if !page => Ok(()),
            _ => Err(answer::failure(Self::KIND, &self.url, response)),
        }
    }

    fn decode_after_unknown(&self, response: &Response<Bytes>) -> Result<(), Error> {
        match self.decode(response) {
            // It is gone, which is what was asked for; the earlier attempt may have done it.
            Err(error) if matches!(error.kind(), ErrorKind::StreamNotFound | ErrorKind::Gone) => {
                Ok(())
            }
            other => other,
        }
    }
}
