//! POST `ack`, or to the callback of a webhook: how far the work on a wake has come (§7.1, §7.2).

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

use super::answer;
use super::wake::Wake;
use crate::operation::{Operation, Resend};
use crate::wire::control::{SubscriptionUrl, relative_path};
use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::position::Offset;
use crate::wire::url::StreamUrl;

/// Reports on a wake: acknowledges offsets, and extends the lease or, with [`done`](Self::done), ends it. With neither it is a heartbeat.
///
/// Everything up to an acknowledged offset is done: it is the offset of the checkpoint behind what was worked on. Acknowledging the same offset again
/// changes nothing, so it is sent again when its answer is lost. When the lost answer was to one that was `done`, the next one is
/// [`Fenced`](ErrorKind::Fenced), and [may have been applied](Error::may_have_been_applied).
#[derive(Debug, Clone)]
pub struct Ack {
    url: StreamUrl,
    wake: Wake,
    acks: Vec<(String, Offset)>,
    done: bool,
}

/// A report that the server took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acked {
    /// Whether there is more to do: another wake began with this one's end.
    pub next_wake: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    wake_id: &'a str,
    generation: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    acks: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    done: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    stream: String,
    offset: &'a Offset,
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    next_wake: bool,
}

impl Ack {
    /// A report on a wake that was claimed.
    pub fn new(url: &SubscriptionUrl, wake: &Wake) -> Self {
        Self::to(url.part(&["ack"]), wake)
    }

    /// A report on a wake that came by webhook, to the callback URL that it named.
    pub fn callback(url: StreamUrl, wake: &Wake) -> Self {
        Self::to(url, wake)
    }

    fn to(url: StreamUrl, wake: &Wake) -> Self {
        Self {
            url,
            wake: wake.clone(),
            acks: Vec::new(),
            done: false,
        }
    }

    /// Everything of this stream up to here is done. The path is below the root. It takes the place of an offset that was named before for
    /// the same stream.
    #[must_use]
    pub fn stream(mut self, path: impl Into<String>, offset: Offset) -> Self {
        let path = path.into();
        self.acks.retain(|(other, _)| *other != path);
        self.acks.push((path, offset));
        self
    }

    /// The work on this wake is over, and its lease ends. What is not acknowledged is for the next wake. Default: no.
    #[must_use]
    pub fn done(mut self, done: bool) -> Self {
        self.done = done;
        self
    }

    fn encode(&self) -> Result<Request<Bytes>, Error> {
        let acks = self.acks.iter().map(|(path, offset)| {
            let stream = relative_path(path)?;
            Ok(Row { stream, offset })
        });
        let body = Body {
            wake_id: &self.wake.id,
            generation: self.wake.generation,
            acks: acks.collect::<Result<_, Error>>()?,
            done: self.done,
        };
        let mut request = super::request(Self::KIND, Method::POST, &self.url, Some(&body))?;
        let token = self.wake.token.header()?;
        request.headers_mut().insert(header::AUTHORIZATION, token);
        Ok(request)
    }
}

impl Operation for Ack {
    type Outcome = Acked;
    const KIND: OperationKind = OperationKind::Ack;
    const READS_BODY: bool = true;

    fn url(&self) -> &StreamUrl {
        &self.url
    }

    fn resend(&self) -> Resend {
        // It says the same again, and a newer wake fences it.
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        self.encode()
            .map_err(|error| error.at(Self::KIND, &self.url))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<Acked, Error> {
        match response.status() {
            StatusCode::NO_CONTENT => Ok(Acked { next_wake: false }),
            StatusCode::OK => {
                let Answer { ok, next_wake } = answer::body(Self::KIND, &self.url, response)?;
                if ok {
                    return Ok(Acked { next_wake });
                }
                let why = "a success that says of itself that it is none";
                Err(answer::broken(Self::KIND, &self.url, response, why))
            }
            _ => {
                let token = self.wake.token.expose();
                let url = &self.url;
                Err(answer::failure_without(token, Self::KIND, url, response))
            }
        }
    }

    fn decode_after_unknown(&self, response: &Response<Bytes>) -> Result<Acked, Error> {
        self.decode(response).map_err(|error| {
            let ours = self.done && error.kind() == ErrorKind::Fenced;
            let error = error.applied(true);
            if ours {
                error.because("an earlier attempt of this report got no answer, and may be what ended the wake")
            } else {
                // A refusal of this attempt does not say what became of the earlier one.
                error
            }
        })
    }
}
