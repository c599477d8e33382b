//! DELETE: end a subscription (§6.3).

use bytes::Bytes;
use http::{Method, Request, Response};

use super::answer;
use crate::operation::{Operation, Resend};
use crate::wire::control::SubscriptionUrl;
use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::url::StreamUrl;

/// Deletes a subscription. What still works on one of its wakes is refused; the streams stay.
#[derive(Debug, Clone)]
pub struct DeleteSubscription {
    url: SubscriptionUrl,
}

impl DeleteSubscription {
    /// A delete of this subscription.
    pub fn new(url: &SubscriptionUrl) -> Self {
        Self { url: url.clone() }
    }
}

impl Operation for DeleteSubscription {
    type Outcome = ();
    const KIND: OperationKind = OperationKind::DeleteSubscription;

    fn url(&self) -> &StreamUrl {
        self.url.url()
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        super::bare(Self::KIND, Method::DELETE, self.url())
            .map_err(|error| error.at(Self::KIND, self.url()))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<(), Error> {
        if answer::is_done(response) {
            return Ok(());
        }
        Err(answer::failure(Self::KIND, self.url(), response))
    }

    fn decode_after_unknown(&self, response: &Response<Bytes>) -> Result<(), Error> {
        match self.decode(response) {
            // It is gone, which is what was asked for; the earlier attempt may have done it.
            Err(error) if error.kind() == ErrorKind::SubscriptionNotFound => Ok(()),
            other => other,
        }
    }
}
