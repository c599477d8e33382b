//! PUT: make a subscription, or find that it is there as it should be (§6.2).

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use serde::Serialize;

use super::answer;
use super::info::SubscriptionInfo;
use crate::operation::{Operation, Resend};
use crate::wire::control::{SubscriptionUrl, pattern, relative_path};
use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::url::StreamUrl;

/// The shortest and the longest lease.
const SHORTEST_LEASE: Duration = Duration::from_millis(1_000);
const LONGEST_LEASE: Duration = Duration::from_millis(600_000);

/// Creates a subscription. Creating one again with the same configuration changes nothing and succeeds.
///
/// What its streams hold already is no work for it.
#[derive(Debug, Clone)]
pub struct CreateSubscription {
    url: SubscriptionUrl,
    way: Way,
    pattern: Option<String>,
    streams: Vec<String>,
    lease: Option<Duration>,
    description: Option<String>,
}

#[derive(Debug, Clone)]
enum Way {
    Webhook(String),
    PullWake(String),
}

/// What became of the wish for a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubscriptionOutcome {
    /// It was created (201).
    Created(SubscriptionInfo),
    /// It was there with the same configuration (200): also when an earlier attempt of the same request created it and its answer was
    /// lost.
    Confirmed(SubscriptionInfo),
}

impl SubscriptionOutcome {
    /// What it is now.
    pub fn info(&self) -> &SubscriptionInfo {
        match self {
            Self::Created(info) | Self::Confirmed(info) => info,
        }
    }

    /// Whether this request created it.
    pub fn is_created(&self) -> bool {
        matches!(self, Self::Created(_))
    }
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    streams: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<Webhook<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wake_stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_ttl_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

#[derive(Serialize)]
struct Webhook<'a> {
    url: &'a str,
}

impl CreateSubscription {
    /// A subscription whose wakes are sent to a URL (§7.1): `https`, outside of development.
    pub fn webhook(url: &SubscriptionUrl, to: impl Into<String>) -> Self {
        Self::new(url, Way::Webhook(to.into()))
    }

    /// A subscription whose wakes are appended to a JSON stream, by its path below the root, and claimed (§7.2). That stream is the
    /// application's to create.
    pub fn pull_wake(url: &SubscriptionUrl, wake_stream: impl Into<String>) -> Self {
        Self::new(url, Way::PullWake(wake_stream.into()))
    }

    fn new(url: &SubscriptionUrl, way: Way) -> Self {
        Self {
            url: url.clone(),
            way,
            pattern: None,
            streams: Vec::new(),
            lease: None,
            description: None,
        }
    }

    /// Link every stream whose path below the root matches, also those to come: `*` is one segment, `**` any number of them. An asterisk
    /// that is meant is written `%2A`.
    #[must_use]
    pub fn pattern(mut self, pattern: impl Into<String>) -> Self {
        self.pattern = Some(pattern.into());
        self
    }

    /// Link this stream too, by its path below the root.
    #[must_use]
    pub fn stream(mut self, path: impl Into<String>) -> Self {
        self.streams.push(path.into());
        self
    }

    /// Link these streams too, by their paths below the root.
    #[must_use]
    pub fn streams<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.streams.extend(paths.into_iter().map(Into::into));
        self
    }

    /// How long a wake belongs to who has it, without a word: from 1 s to 10 min, in whole milliseconds. Default: the server's, 30 s.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// What it is for, for people.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    fn body(&self) -> Result<Body<'_>, Error> {
        let paths = self.streams.iter().map(|path| relative_path(path));
        let streams = paths.collect::<Result<BTreeSet<_>, _>>()?;
        let pattern = self.pattern.as_deref().map(pattern).transpose()?;
        if pattern.is_none() && streams.is_empty() {
            return Err(Error::invalid(
                "a subscription has a pattern, or streams, or both",
            ));
        }
        let (r#type, webhook, wake_stream) = match &self.way {
            Way::Webhook(url) => (
                "webhook",
                Some(Webhook {
                    url: receiver(url)?,
                }),
                None,
            ),
            Way::PullWake(path) => ("pull-wake", None, Some(relative_path(path)?)),
        };
        Ok(Body {
            r#type,
            pattern,
            streams,
            webhook,
            wake_stream,
            lease_ttl_ms: self.lease.map(milliseconds).transpose()?,
            description: self.description.as_deref(),
        })
    }
}

/// Where webhooks are received. Whether it may be plain HTTP, or local, is the server's to say.
fn receiver(url: &str) -> Result<&str, Error> {
    let invalid = |why: &str| Error::invalid(format!("not the URL of a webhook: {why}"));
    let uri: Uri = url.parse().map_err(|_| invalid("it is malformed"))?;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(invalid("it is no absolute http or https URL"));
    }
    if authority.contains('@') {
        return Err(invalid("it carries a user name"));
    }
    if url.contains('#') {
        return Err(invalid("it has a fragment"));
    }
    Ok(url)
}

fn milliseconds(lease: Duration) -> Result<u64, Error> {
    if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&lease) || lease.subsec_nanos() % 1_000_000 != 0 {
        return Err(Error::invalid(
            "a lease is from 1 s to 10 min, in whole milliseconds",
        ));
    }
    // No more than 600 000.
    Ok(lease.as_millis() as u64)
}

impl Operation for CreateSubscription {
    type Outcome = SubscriptionOutcome;
    const KIND: OperationKind = OperationKind::CreateSubscription;
    const READS_BODY: bool = true;

    fn url(&self) -> &StreamUrl {
        self.url.url()
    }

    fn resend(&self) -> Resend {
        // A repeated one finds the subscription with the same configuration.
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        self.body()
            .and_then(|body| super::request(Self::KIND, Method::PUT, self.url(), Some(&body)))
            .map_err(|error| error.at(Self::KIND, self.url()))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<SubscriptionOutcome, Error> {
        let info = || SubscriptionInfo::decode(Self::KIND, &self.url, response);
        match response.status() {
            StatusCode::CREATED => info().map(SubscriptionOutcome::Created),
            StatusCode::OK => info().map(SubscriptionOutcome::Confirmed),
            StatusCode::CONFLICT => Err(answer::failure(Self::KIND, self.url(), response)
                .with_kind(ErrorKind::SubscriptionExists)),
            _ => Err(answer::failure(Self::KIND, self.url(), response)),
        }
    }
}
