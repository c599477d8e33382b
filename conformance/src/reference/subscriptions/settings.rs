//! What the creator of a subscription asks for (§6.2), in its normal form: two that mean the same are equal.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use super::problem::Problem;
use super::target;
use crate::reference::defect::{Flaw, Flaws};
use crate::reference::request::stream_path;

const DEFAULT_LEASE: u64 = 30_000;
const LEASES: std::ops::RangeInclusive<u64> = 1_000..=600_000;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) kind: Kind,
    /// A pattern of paths below the root.
    pub(super) pattern: Option<String>,
    /// Paths below the root.
    pub(super) streams: BTreeSet<String>,
    pub(super) lease: Duration,
    pub(super) description: Option<String>,
}

/// How a wake reaches those who work.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is sent to a URL.
    Webhook(String),
    /// It is appended to a stream, by its path below the root.
    PullWake(String),
}

impl Settings {
    pub(super) fn parse(body: &Value, local: bool, flaws: Flaws) -> Result<Self, Problem> {
        let Value::Object(members) = body else {
            return Err(Problem::invalid("the body is no JSON object"));
        };
        let kind = match text(members, "type")? {
            Some("webhook") => Kind::Webhook(webhook(members, local, flaws)?),
            Some("pull-wake") => match text(members, "wake_stream")? {
                Some(path) => Kind::PullWake(relative(path)?),
                None => return Err(Problem::invalid("pull-wake needs a wake_stream")),
            },
            _ => return Err(Problem::invalid("type is neither webhook nor pull-wake")),
        };
        let pattern = text(members, "pattern")?.map(relative).transpose()?;
        let streams = match members.get("streams") {
            None | Some(Value::Null) => BTreeSet::new(),
            Some(paths) => relatives(paths)?,
        };
        if pattern.is_none() && streams.is_empty() && !flaws.has(Flaw::ToNothingIsTaken) {
            return Err(Problem::invalid("there is neither a pattern nor streams"));
        }
        let lease = match members.get("lease_ttl_ms") {
            None | Some(Value::Null) => DEFAULT_LEASE,
            Some(value) => value
                .as_u64()
                .filter(|lease| LEASES.contains(lease) || flaws.has(Flaw::AnyLeaseIsTaken))
                .ok_or(Problem::invalid(
                    "lease_ttl_ms is not between 1000 and 600000",
                ))?,
        };
        Ok(Self {
            kind,
            pattern,
            streams,
            lease: Duration::from_millis(lease),
            description: text(members, "description")?.map(str::to_owned),
        })
    }
}

fn webhook(members: &Map<String, Value>, local: bool, flaws: Flaws) -> Result<String, Problem> {
    let webhook = members.get("webhook").and_then(Value::as_object);
    let url = match webhook {
        Some(webhook) => text(webhook, "url")?,
        None => None,
    };
    let url = url.ok_or(Problem::invalid("webhook needs a webhook.url"))?;
    target::check(url, local, flaws).map_err(Problem::url_rejected)?;
    Ok(url.to_owned())
}

/// A member that is text, if it is there and not empty.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Problem> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(Problem::invalid("a member that should be text is not")),
    }
}

/// Paths below the root, in a list.
pub(super) fn relatives(paths: &Value) -> Result<BTreeSet<String>, Problem> {
    let invalid = || Problem::invalid("streams is no list of paths");
    let paths = paths.as_array().ok_or_else(invalid)?.iter();
    let paths = paths.map(|path| relative(path.as_str().ok_or_else(invalid)?));
    paths.collect()
}

/// A path below the root as streams are named: where it begins with a slash, it means the same.
pub(super) fn relative(path: &str) -> Result<String, Problem> {
    let path = path.trim_start_matches('/');
    let absolute = format!("/{path}");
    match stream_path(&absolute) {
        Ok(absolute) if !path.is_empty() && super::reserved(&absolute).is_none() => {
            Ok(absolute[1..].to_owned())
        }
        _ => Err(Problem::invalid("this is no path of a stream")),
    }
}
