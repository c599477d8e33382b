//! The explicit links of a subscription (§6.4).

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;

use super::answer;
use crate::operation::{Operation, Resend};
use crate::wire::control::{SubscriptionUrl, relative_path};
use crate::wire::error::{Error, OperationKind};
use crate::wire::url::StreamUrl;

/// Links streams to a subscription. One that is linked already stays where it is; for a new one, what it holds is no work.
#[derive(Debug, Clone)]
pub struct LinkStreams {
    url: StreamUrl,
    paths: Vec<String>,
}

#[derive(Serialize)]
struct Body {
    streams: BTreeSet<String>,
}

impl LinkStreams {
    /// Links these streams, by their paths below the root.
    pub fn new<P: Into<String>>(url: &SubscriptionUrl, paths: impl IntoIterator<Item = P>) -> Self {
        Self {
            url: url.part(&["streams"]),
            paths: paths.into_iter().map(Into::into).collect(),
        }
    }

    fn encode(&self) -> Result<Request<Bytes>, Error> {
        let paths = self.paths.iter().map(|path| relative_path(path));
        let streams = paths.collect::<Result<BTreeSet<_>, _>>()?;
        if streams.is_empty() {
            return Err(Error::invalid("there is no stream to link"));
        }
        super::request(Self::KIND, Method::POST, &self.url, Some(&Body { streams }))
    }
}

impl Operation for LinkStreams {
    type Outcome = ();
    const KIND: OperationKind = OperationKind::LinkStreams;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        // Linking what is linked changes nothing.
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
        Err(answer::failure(Self::KIND, &self.url, response))
    }
}

/// Takes back that a stream was linked explicitly. Where the pattern is for it, it stays linked by that; where it was not linked, nothing
/// changes.
#[derive(Debug, Clone)]
pub struct UnlinkStream {
    subscription: SubscriptionUrl,
    url: StreamUrl,
    path: String,
}

impl UnlinkStream {
    /// Takes back the link of the stream at this path below the root.
    pub fn new(url: &SubscriptionUrl, path: impl Into<String>) -> Self {
        Self {
            subscription: url.clone(),
            url: url.part(&["streams"]),
            path: path.into(),
        }
    }

    fn encode(&self) -> Result<Request<Bytes>, Error> {
        // The path is as it is in a URL, and as a whole one segment of this one: its escapes are encoded once more.
        let path = relative_path(&self.path)?;
        let url = self.subscription.part(&["streams", &path]);
        super::bare(Self::KIND, Method::DELETE, &url)
    }
}

impl Operation for UnlinkStream {
    type Outcome = ();
    const KIND: OperationKind = OperationKind::UnlinkStream;

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
        Err(answer::failure(Self::KIND, &self.url, response))
    }
}
