//! GET: what a subscription is (§6.3).

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;

use super::answer::{self, LinkRow};
use crate::operation::{Operation, Resend};
use crate::wire::control::SubscriptionUrl;
use crate::wire::error::{Error, OperationKind};
use crate::wire::position::Offset;
use crate::wire::time;
use crate::wire::url::StreamUrl;

/// Asks what a subscription is, and how far its streams were worked on.
#[derive(Debug, Clone)]
pub struct ReadSubscription {
    url: SubscriptionUrl,
}

/// What the server says of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionInfo {
    /// Its id.
    pub id: String,
    /// How a wake reaches those who work.
    pub kind: SubscriptionKind,
    /// The pattern of paths that links streams.
    pub pattern: Option<String>,
    /// The linked streams.
    pub streams: Vec<LinkedStream>,
    /// How long a wake belongs to who has it, without a word.
    pub lease: Option<Duration>,
    /// When it was made.
    pub created_at: Option<SystemTime>,
    /// Whether its wakes get through.
    pub status: SubscriptionStatus,
    /// What its creator says it is for.
    pub description: Option<String>,
}

/// How a wake reaches those who work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionKind {
    /// It is sent to a URL (§7.1).
    Webhook {
        /// The URL.
        url: String,
        /// What its signatures are checked with, where the server says so.
        signing: Option<Signing>,
    },
    /// It is appended to a stream, and claimed (§7.2).
    PullWake {
        /// The path of that stream below the root.
        wake_stream: String,
    },
}

/// What webhooks are signed with (§6.5).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Signing {
    /// The algorithm: `ed25519`.
    #[serde(default)]
    pub alg: Option<String>,
    /// The id of the current key.
    #[serde(default)]
    pub kid: Option<String>,
    /// Where the keys are.
    #[serde(default)]
    pub jwks_url: Option<String>,
}

/// A stream of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkedStream {
    /// Its path below the root.
    pub path: String,
    /// Why it is linked.
    pub link_type: LinkType,
    /// How far it was worked on. `None` is its beginning.
    pub acked: Option<Offset>,
}

/// Why a stream is linked. What was said explicitly comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LinkType {
    /// The pattern is for it.
    Glob,
    /// Somebody said so.
    Explicit,
    /// For a reason that is not known here.
    #[default]
    #[serde(other)]
    Other,
}

/// Whether the wakes of a subscription get through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SubscriptionStatus {
    /// They do.
    Active,
    /// The last webhook failed, and is going to be sent again.
    Failed,
    /// The server says something else, or nothing.
    #[default]
    #[serde(other)]
    Other,
}

/// The description as it is on the wire.
#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    id: Option<String>,
    r#type: String,
    #[serde(default)]
    pattern: Option<String>,
    #[serde(default)]
    streams: Vec<LinkRow>,
    #[serde(default)]
    webhook: Option<Webhook>,
    #[serde(default)]
    wake_stream: Option<String>,
    #[serde(default)]
    lease_ttl_ms: Option<u64>,
    #[serde(default)]
    created_at: Option<serde_json::Value>,
    #[serde(default)]
    status: SubscriptionStatus,
    #[serde(default)]
    description: Option<String>,
}

#[derive(Deserialize)]
struct Webhook {
    url: String,
    #[serde(default)]
    signing: Option<Signing>,
}

impl SubscriptionInfo {
    /// The description of the subscription of this id, from a success.
    pub(super) fn decode(
        operation: OperationKind,
        url: &SubscriptionUrl,
        response: &Response<Bytes>,
    ) -> Result<Self, Error> {
        let row: Row = answer::body(operation, url.url(), response)?;
        Self::of(row, url.id()).map_err(|why| answer::broken(operation, url.url(), response, why))
    }

    fn of(row: Row, id: &str) -> Result<Self, &'static str> {
        let kind = match row.r#type.as_str() {
            "webhook" => {
                let webhook = row.webhook.ok_or("a webhook without a URL")?;
                SubscriptionKind::Webhook {
                    url: webhook.url,
                    signing: webhook.signing,
                }
            }
            "pull-wake" => SubscriptionKind::PullWake {
                wake_stream: row.wake_stream.ok_or("pull-wake without a wake_stream")?,
            },
            _ => return Err("a type of subscription that is not known"),
        };
        let streams = row.streams.into_iter().map(|link| {
            let (path, link_type, acked) = link.read()?;
            Ok(LinkedStream {
                path,
                link_type,
                acked,
            })
        });
        Ok(Self {
            id: row.id.unwrap_or_else(|| id.to_owned()),
            kind,
            pattern: row.pattern,
            streams: streams.collect::<Result<_, &'static str>>()?,
            lease: row.lease_ttl_ms.map(Duration::from_millis),
            // For people: one that cannot be read is worth no failure.
            created_at: row
                .created_at
                .as_ref()
                .and_then(|moment| time::parse_rfc3339(moment.as_str()?)),
            status: row.status,
            description: row.description,
        })
    }
}

impl ReadSubscription {
    /// A question about this subscription.
    pub fn new(url: &SubscriptionUrl) -> Self {
        Self { url: url.clone() }
    }
}

impl Operation for ReadSubscription {
    type Outcome = SubscriptionInfo;
    const KIND: OperationKind = OperationKind::ReadSubscription;
    const READS_BODY: bool = true;

    fn url(&self) -> &StreamUrl {
        self.url.url()
    }

    fn resend(&self) -> Resend {
        Resend::Safe
    }

    fn request(&self) -> Result<Request<Bytes>, Error> {
        super::bare(Self::KIND, Method::GET, self.url())
            .map_err(|error| error.at(Self::KIND, self.url()))
    }

    fn decode(&self, response: &Response<Bytes>) -> Result<SubscriptionInfo, Error> {
        match response.status() {
            StatusCode::OK => SubscriptionInfo::decode(Self::KIND, &self.url, response),
            _ => Err(answer::failure(Self::KIND, self.url(), response)),
        }
    }
}
