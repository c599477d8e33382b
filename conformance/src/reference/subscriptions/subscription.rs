//! One subscription: what it is linked to, and the wake that is under way.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::settings::{Kind, Settings};
use super::{glob, reserved};
use crate::reference::choice::OffsetFormat;
use crate::reference::defect::{Flaw, Flaws};
use crate::reference::offset::Offset;
use crate::reference::store::Store;

/// What is left as it is in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) id: String,
    /// The path below which its streams are.
    pub(super) root: String,
    /// The URL of that, as its creator reached it.
    pub(super) root_url: String,
    pub(super) settings: Settings,
    created: SystemTime,
    /// By path below the root.
    pub(super) links: BTreeMap<String, Link>,
    /// That of the last wake.
    pub(super) generation: u64,
    pub(super) wake: Option<Wake>,
    flaws: Flaws,
}

/// Why a stream belongs to a subscription, and how far it was worked on.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) explicit: bool,
    by_pattern: bool,
    pub(super) acked: Offset,
}

/// The word that there is something to do, until that is done, given back, or its lease runs out.
#[derive(Debug)]
pub(super) struct Wake {
    pub(super) id: String,
    /// Who has claimed it.
    pub(super) holder: Option<String>,
    pub(super) notice: Option<Notice>,
}

/// What a webhook says, in every attempt.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) body: Bytes,
    /// The tails that it names.
    pub(super) tails: Vec<(String, Offset)>,
    /// How many attempts in a row have failed.
    pub(super) failures: u32,
}

impl Subscription {
    pub(super) fn new(
        id: String,
        root: &str,
        root_url: String,
        settings: Settings,
        created: SystemTime,
        flaws: Flaws,
    ) -> Self {
        Self {
            id,
            root: root.to_owned(),
            root_url,
            settings,
            created,
            links: BTreeMap::new(),
            generation: 0,
            wake: None,
            flaws,
        }
    }

    /// The path of a stream below the root, if it is there.
    pub(super) fn relative<'a>(&self, path: &'a str) -> Option<&'a str> {
        let relative = path.strip_prefix(&*self.root)?.strip_prefix('/')?;
        (!relative.is_empty() && reserved(path).is_none()).then_some(relative)
    }

    fn absolute(&self, relative: &str) -> String {
        format!("{}/{relative}", self.root)
    }

    /// The stream that wakes are appended to.
    pub(super) fn wake_path(&self) -> Option<String> {
        match &self.settings.kind {
            Kind::PullWake(relative) => Some(self.absolute(relative)),
            Kind::Webhook(_) => None,
        }
    }

    /// Whether the pattern is for this stream. Its own wakes are no news for a subscription.
    pub(super) fn covers(&self, relative: &str) -> bool {
        let own = matches!(&self.settings.kind, Kind::PullWake(wakes) if wakes == relative);
        let pattern = self.settings.pattern.as_deref();
        let misread = pattern.and_then(|pattern| misread(pattern, self.flaws));
        let pattern = misread.as_deref().or(pattern);
        !own && pattern.is_some_and(|pattern| glob::matches(pattern, relative))
    }

    /// Links a stream by its pattern. What it holds before `acked` is no work.
    pub(super) fn link_by_pattern(&mut self, relative: &str, acked: Offset) {
        self.link(relative, acked).by_pattern = true;
    }

    /// Links a stream because somebody said so, at its tail.
    pub(super) fn link_explicitly(&mut self, relative: &str, store: &Store) {
        let tail = if self.flaws.has(Flaw::LinksBeginAtTheBeginning) {
            Offset(0)
        } else {
            self.tail(relative, store)
        };
        let moves = self.flaws.has(Flaw::LinkingAgainMoves);
        let link = self.link(relative, tail);
        link.explicit = true;
        if moves {
            link.acked = tail;
        }
    }

    fn link(&mut self, relative: &str, acked: Offset) -> &mut Link {
        self.links.entry(relative.to_owned()).or_insert(Link {
            explicit: false,
            by_pattern: false,
            acked,
        })
    }

    /// Takes back that somebody said so.
    pub(super) fn unlink(&mut self, relative: &str) {
        if let Some(link) = self.links.get_mut(relative) {
            link.explicit = false;
            if !link.by_pattern || self.flaws.has(Flaw::UnlinkingTakesPatterns) {
                self.links.remove(relative);
            }
        }
    }

    /// The tail of a stream. One that is not there yet begins like every other.
    pub(super) fn tail(&self, relative: &str, store: &Store) -> Offset {
        let stream = store.at(&self.absolute(relative));
        stream.map_or(Offset(0), |(_, stream)| stream.tail())
    }

    /// The linked streams with their tails.
    pub(super) fn tails(&self, store: &Store) -> Vec<(String, Offset)> {
        let paths = self.links.keys();
        paths
            .map(|path| (path.clone(), self.tail(path, store)))
            .collect()
    }

    /// A stream with something that is not acknowledged.
    pub(super) fn pending(&self, store: &Store) -> Option<&str> {
        let mut links = self.links.iter();
        let pending = links.find(|(path, link)| self.tail(path, store) > link.acked);
        pending.map(|(path, _)| path.as_str())
    }

    pub(super) fn is_pull_wake(&self) -> bool {
        matches!(self.settings.kind, Kind::PullWake(_))
    }

    /// Who has claimed the current wake.
    pub(super) fn holder(&self) -> Option<&str> {
        self.wake.as_ref()?.holder.as_deref()
    }

    /// The webhook of the current wake.
    pub(super) fn notice_mut(&mut self) -> Option<&mut Notice> {
        self.wake.as_mut()?.notice.as_mut()
    }

    /// Where a request about it goes.
    pub(super) fn url(&self, part: &str) -> String {
        let id = utf8_percent_encode(&self.id, SEGMENT);
        format!("{}/__ds/subscriptions/{id}/{part}", self.root_url)
    }

    /// The linked streams, as those who work learn of them.
    pub(super) fn work(&self, store: &Store) -> Value {
        let links = self.links.iter().map(|(path, link)| {
            let tail = self.tail(path, store);
            let mut row = link.describe(path, store.offsets, self.flaws);
            row["tail_offset"] = store.offsets.token(tail.0).into();
            row["has_pending"] = (tail > link.acked).into();
            row
        });
        links.collect()
    }

    /// What is said of it to those who ask (§6.3).
    pub(super) fn describe(&self, kid: &str, offsets: OffsetFormat) -> Value {
        let links = self.links.iter();
        let streams: Value = links
            .map(|(path, link)| link.describe(path, offsets, self.flaws))
            .collect();
        let created = jiff::Timestamp::try_from(self.created).unwrap_or_default();
        let mut members = Map::new();
        let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
        set("id", self.id.as_str().into());
        set("subscription_id", self.id.as_str().into());
        set("streams", streams);
        set(
            "lease_ttl_ms",
            (self.settings.lease.as_millis() as u64).into(),
        );
        set("created_at", format!("{created:.3}").into());
        set("status", self.status().into());
        match &self.settings.kind {
            Kind::Webhook(url) => {
                let jwks_url = format!("{}/__ds/jwks.json", self.root_url);
                let signing = json!({ "alg": "ed25519", "kid": kid, "jwks_url": jwks_url });
                set("type", "webhook".into());
                set("webhook", json!({ "url": url, "signing": signing }));
            }
            Kind::PullWake(path) => {
                set("type", "pull-wake".into());
                set("wake_stream", path.as_str().into());
            }
        }
        if let Some(pattern) = &self.settings.pattern {
            set("pattern", pattern.as_str().into());
        }
        if let Some(description) = &self.settings.description {
            set("description", description.as_str().into());
        }
        Value::Object(members)
    }

    /// §6.3: it has failed as long as a webhook that failed is to be tried again.
    fn status(&self) -> &'static str {
        let notice = self.wake.as_ref().and_then(|wake| wake.notice.as_ref());
        match notice {
            Some(notice) if notice.failures > 0 && !self.flaws.has(Flaw::FailureDoesNotShow) => {
                "failed"
            }
            _ => "active",
        }
    }
}

impl Link {
    /// §6.1: what was said explicitly comes first.
    fn describe(&self, path: &str, offsets: OffsetFormat, flaws: Flaws) -> Value {
        let by_pattern = self.by_pattern && flaws.has(Flaw::PatternsComeFirst);
        let link_type = if self.explicit && !by_pattern {
            "explicit"
        } else {
            "glob"
        };
        json!({
            "path": path,
            "link_type": link_type,
            "acked_offset": offsets.token(self.acked.0),
        })
    }
}

/// What a server with this flaw takes a pattern for.
fn misread(pattern: &str, flaws: Flaws) -> Option<String> {
    let (from, to) = if flaws.has(Flaw::AsteriskIsAnyNumber) {
        ("*", "**")
    } else if flaws.has(Flaw::TwoAsterisksAreSome) {
        ("**", "*/**")
    } else if flaws.has(Flaw::TwoAsterisksAreOne) {
        ("**", "*")
    } else {
        return None;
    };
    let parts = pattern.split('/');
    let parts: Vec<_> = parts
        .map(|part| if part == from { to } else { part })
        .collect();
    Some(parts.join("/"))
}
