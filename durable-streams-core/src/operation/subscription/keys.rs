//! GET: the keys that webhooks are signed with (§6.5).

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use super::answer;
use crate::operation::{Operation, Resend};
use crate::webhook::Jwks;
use crate::wire::control::keys_url;
use crate::wire::error::{Error, OperationKind};
use crate::wire::url::StreamUrl;

/// Fetches the keys that a server signs webhooks with.
#[derive(Debug, Clone)]
pub struct ReadKeys {
    url: StreamUrl,
}

impl ReadKeys {
    /// The keys of the server with this root.
    pub fn new(root: &StreamUrl) -> Self {
        Self {
            url: keys_url(root),
        }
    }
}

impl Operation for ReadKeys {
    type Outcome = Jwks;
    const KIND: OperationKind = OperationKind::ReadKeys;
    const READS_BODY: bool = true;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        super::bare(Self::KIND, Method::GET, &self.url)
            .map_err(|error| error.at(Self::KIND, &self.url))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<Jwks, Error> {
        match response.status() {
            StatusCode::OK => Jwks::parse(response.body())
                .map_err(|why| answer::broken(Self::KIND, &self.url, response, why)),
            _ => Err(answer::failure(Self::KIND, &self.url, response)),
        }
    }
}
