//! POST `release`: give a claimed wake back (§7.2).

use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde::Serialize;

use super::answer;
use super::wake::Wake;
use crate::operation::{Operation, Resend};
use crate::wire::control::SubscriptionUrl;
use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::url::StreamUrl;

/// Gives a claimed wake back, as it is: what is not acknowledged wakes somebody else.
#[derive(Debug, Clone)]
pub struct Release {
    url: StreamUrl,
    wake: Wake,
}

#[derive(Serialize)]
struct Body<'a> {
    wake_id: &'a str,
    generation: u64,
}

impl Release {
    /// Gives this wake back.
    pub fn new(url: &SubscriptionUrl, wake: &Wake) -> Self {
        Self {
            url: url.part(&["release"]),
            wake: wake.clone(),
        }
    }

    fn encode(&self) -> Result<Request<Bytes>, Error> {
        let body = Body {
            wake_id: &self.wake.id,
            generation: self.wake.generation,
        };
        let mut request = super::request(Self::KIND, Method::POST, &self.url, Some(&body))?;
        let token = self.wake.token.header()?;
        request.headers_mut().insert(header::AUTHORIZATION, token);
        Ok(request)
    }
}

impl Operation for Release {
    type Outcome = ();
    const KIND: OperationKind = OperationKind::Release;

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

    fn decode(&self, response: &Response<Bytes>) -> Result<(), Error> {
        if answer::is_done(response) {
            return Ok(());
        }
        let token = self.wake.token.expose();
        Err(answer::failure_without(
            token,
            Self::KIND,
            &self.url,
            response,
        ))
    }

    fn decode_after_unknown(&self, response: &Response<Bytes>) -> Result<(), Error> {
        match self.decode(response) {
            // The wake is somebody else's, or nobody's, which is what was asked for; the earlier attempt may have done it.
            Err(error) if error.kind() == ErrorKind::Fenced => Ok(()),
            other => other,
        }
    }
}
