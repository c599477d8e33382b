//! The control interface: URLs below the reserved segment of a root, and how streams are named in its bodies (§6).

use std::fmt;

use super::error::Error;
use super::url::{StreamUrl, encode_path};

/// The first segment below a root that is the protocol's own.
const RESERVED: &str = "__ds";

/// Where the keys are that webhooks are signed with (§6.5).
#[cfg(feature = "webhooks")]
pub(crate) fn keys_url(root: &StreamUrl) -> StreamUrl {
    root.below(&[RESERVED, "jwks.json"])
}

/// The URL of a subscription: the root under which its streams live, and its id (§6.2).
///
/// ```
/// use durable_streams_core::{StreamUrl, SubscriptionUrl};
///
/// let root = StreamUrl::parse("https://streams.example.com/v1/stream")?;
/// let billing = SubscriptionUrl::new(&root, "billing")?;
/// assert_eq!(billing.to_string(), "https://streams.example.com/v1/stream/__ds/subscriptions/billing");
/// # Ok::<(), durable_streams_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SubscriptionUrl {
    id: String,
    url: StreamUrl,
}

impl SubscriptionUrl {
    /// The subscription of this id to streams below this root. The root's query stays on every request.
    ///
    /// # Errors
    /// [`InvalidInput`](super::error::ErrorKind::InvalidInput) when the id is empty, `.` or `..`, or has a slash or a control character
    /// in it.
    pub fn new(root: &StreamUrl, id: impl Into<String>) -> Result<Self, Error> {
        let id = id.into();
        // On its way an encoded slash may be decoded, and what stands behind it is then taken for a part of the interface.
        if matches!(id.as_str(), "" | "." | "..")
            || id.contains(|c: char| c == '/' || c.is_control())
        {
            return Err(Error::invalid(
                "the id of a subscription is one segment of a path, without control characters",
            ));
        }
        let url = root.below(&[RESERVED, "subscriptions", &id]);
        Ok(Self { id, url })
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where the subscription is described, made and ended.
    pub fn url(&self) -> &StreamUrl {
        &self.url
    }

    /// Where a part of it is.
    pub(crate) fn part(&self, segments: &[&str]) -> StreamUrl {
        self.url.below(segments)
    }
}

/// Without the query: it may carry what is nobody else's business.
impl fmt::Display for SubscriptionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

impl fmt::Debug for SubscriptionUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SubscriptionUrl({self})")
    }
}

/// The path of a stream below its root, as bodies name it: encoded as in a URL, without a slash before it.
pub(crate) fn relative_path(path: &str) -> Result<String, Error> {
    let path = path.trim_start_matches('/');
    let why = if path.is_empty() {
        "it is empty"
    } else if path.contains(['?', '#']) {
        "it has a query or a fragment"
    } else if path.starts_with("http://") || path.starts_with("https://") {
        "it is a URL, and is to be below the root"
    } else if path.split('/').next() == Some(RESERVED) {
        "its first segment is the protocol's own"
    } else {
        return encode_path(path);
    };
    Err(Error::invalid(format!("not the path of a stream: {why}")))
}

/// A pattern of such paths: `*` is one segment, `**` any number of them (§6.2).
pub(crate) fn pattern(text: &str) -> Result<String, Error> {
    let whole = |segment: &str| matches!(segment, "*" | "**") || !segment.contains('*');
    if !text.split('/').all(whole) {
        return Err(Error::invalid(
            "in a pattern an asterisk stands for a whole segment; one that is meant is written %2A",
        ));
    }
    relative_path(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment() {
        let root = StreamUrl::parse("http://h/v1/?tenant=1").unwrap();
        let url = SubscriptionUrl::new(&root, "a b%2F?ü*").unwrap();
        let claim = url.part(&["claim"]).uri(&[]).unwrap();
        assert_eq!(
            claim,
            "http://h/v1/__ds/subscriptions/a%20b%252F%3F%C3%BC%2A/claim?tenant=1"
        );
        assert_eq!(url.id(), "a b%2F?ü*");
        for bad in ["", ".", "..", "a/b", "a\n", "\0"] {
            assert!(SubscriptionUrl::new(&root, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn paths_and_patterns_are_below_the_root() {
        assert_eq!(relative_path("/a b/c%20d").unwrap(), "a%20b/c%20d");
        assert_eq!(pattern("/orders/*/**").unwrap(), "orders/*/**");
        assert_eq!(pattern("a%2A").unwrap(), "a%2A");
        for bad in [
            "",
            "/",
            "a?b",
            "a#b",
            "http://o/x",
            "__ds/x",
            "a/../b",
            "%2e/b",
        ] {
            assert!(relative_path(bad).is_err(), "{bad:?}");
            assert!(pattern(bad).is_err(), "{bad:?}");
        }
        for bad in ["a*", "a/*b", "***"] {
            assert!(pattern(bad).is_err(), "{bad:?}");
        }
    }
}
