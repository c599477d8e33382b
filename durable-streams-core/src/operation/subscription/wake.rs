//! A wake in somebody's hands: what it is about, and the right to work on it (§7).

use std::fmt;

use http::HeaderValue;
use serde::{Deserialize, Deserializer};

use super::answer::{LinkRow, offset};
use super::info::LinkType;
use crate::wire::error::Error;
use crate::wire::position::Offset;

/// The right to work on one wake: a secret, which `Debug` does not show, and which travels in `Authorization` alone (§12).
#[derive(Clone, PartialEq, Eq)]
pub struct WakeToken(Box<str>);

impl WakeToken {
    /// A token as the server issued it.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when it is empty or cannot be sent in a header.
    pub fn new(token: impl Into<String>) -> Result<Self, Error> {
        let token = token.into();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid("the token of a wake is visible ASCII"));
        }
        Ok(Self(token.into_boxed_str()))
    }

    /// The token itself, for handing it to another process over a way that keeps secrets.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The value of `Authorization`.
    pub(super) fn header(&self) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0))
            .map_err(|_| Error::invalid("the token of a wake cannot be sent"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl fmt::Debug for WakeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WakeToken(…)")
    }
}

impl<'de> Deserialize<'de> for WakeToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(|_| {
            // Without the value: it may be a secret all the same.
            serde::de::Error::custom("the token is not visible ASCII")
        })
    }
}

/// One wake of a subscription, and the right to work on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// Names it, among all wakes.
    pub id: String,
    /// Rises with every wake of the subscription. A newer one fences an older one.
    pub generation: u64,
    /// The right to report on it.
    pub token: WakeToken,
}

/// A linked stream as a wake names it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WakeStream {
    /// Its path below the root.
    pub path: String,
    /// Why it is linked.
    pub link_type: LinkType,
    /// How far it was worked on: reading goes on after this. `None` is its beginning.
    pub acked: Option<Offset>,
    /// Its tail when the wake was given out. `None` where the server does not say, or nothing was appended yet.
    pub tail: Option<Offset>,
    /// Whether there is something behind `acked`.
    pub has_pending: bool,
}

/// A row of a claim or a webhook.
#[derive(Deserialize)]
pub(crate) struct WakeRow {
    #[serde(flatten)]
    link: LinkRow,
    #[serde(default)]
    tail_offset: Option<String>,
    #[serde(default)]
    has_pending: Option<bool>,
}

impl WakeRow {
    pub(crate) fn read(self) -> Result<WakeStream, &'static str> {
        let (path, link_type, acked) = self.link.read()?;
        let tail = offset(self.tail_offset)?;
        Ok(WakeStream {
            has_pending: self.has_pending.unwrap_or(tail > acked),
            path,
            link_type,
            acked,
            tail,
        })
    }
}
