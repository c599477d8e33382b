//! URLs of streams, and the queries of requests: encoded, in lexicographic order, with the protocol's parameters safe.

use std::fmt;

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::Error;

/// The query parameters of the protocol, which no application parameter may stand in for (§5.6–5.8).
pub(crate) const RESERVED_PARAMS: &[&str] = &["cursor", "live", "offset"];

/// Everything but the unreserved characters of RFC 3986 §2.3.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a path may not carry as it is (RFC 3986 §3.3); `%` stays where it begins an escape.
const PATH: &AsciiSet = &QUERY
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// One query parameter, already percent-encoded: `key=value`, or `key` alone as it was given.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Param {
    text: String,
    key: usize,
}

impl Param {
    pub(crate) fn new(key: &str, value: &str) -> Self {
        let mut text = utf8_percent_encode(key, QUERY).to_string();
        let key = text.len();
        text.push('=');
        text.extend(utf8_percent_encode(value, QUERY));
        Self { text, key }
    }

    fn raw(text: &str) -> Self {
        let key = text.find('=').unwrap_or(text.len());
        Self {
            text: text.to_owned(),
            key,
        }
    }

    pub(crate) fn key(&self) -> &str {
        &self.text[..self.key]
    }
}

/// Whether this parameter name belongs to the protocol, also when it is written with escapes.
pub(crate) fn is_reserved(key: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(key).decode_utf8_lossy();
    RESERVED_PARAMS.contains(&decoded.as_ref())
}

/// Splits a query as it stands into its parameters, keeping each as it is written.
pub(crate) fn split_query(query: &str) -> impl Iterator<Item = Param> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(Param::raw)
}

/// Joins parameters in lexicographic order of their keys; equal keys keep their order.
pub(crate) fn join_query(mut params: Vec<Param>) -> String {
    params.sort_by(|a, b| a.key().cmp(b.key()));
    let mut query = String::new();
    for param in &params {
        query.push(if query.is_empty() { '?' } else { '&' });
        query.push_str(&param.text);
    }
    query
}

/// The URL of a stream, or of the root under which streams live: absolute, `http` or `https`, without a fragment.
///
/// A query that it has stays on every request, sorted among the protocol's own parameters.
///
/// ```
/// use durable_streams_core::StreamUrl;
///
/// let root = StreamUrl::parse("https://streams.example.com/v1/stream/")?;
/// assert_eq!(root.join("orders/berlin ost")?.to_string(), "https://streams.example.com/v1/stream/orders/berlin%20ost");
/// # Ok::<(), durable_streams_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StreamUrl {
    /// Scheme, authority and path.
    base: String,
    /// How much of it is scheme and authority.
    origin: usize,
    query: Vec<Param>,
    /// The URL of a request without a parameter of the protocol's, which is that of most writes; `None` where it is too long.
    plain: Option<Uri>,
}

impl StreamUrl {
    /// An absolute `http` or `https` URL. A fragment is dropped.
    ///
    /// # Errors
    /// [`InvalidInput`](super::error::ErrorKind::InvalidInput) when it is not absolute, has another scheme, carries a user name or password (they belong in a
    /// header), or has one of the protocol's parameters (`cursor`, `live`, `offset`) in its query.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let (rest, _fragment) = url.split_once('#').unwrap_or((url, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let invalid = |why: &str| Error::invalid(format!("not the URL of a stream: {why}"));
        let (scheme, after) = rest
            .split_once("://")
            .ok_or_else(|| invalid("it is not absolute"))?;
        let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(invalid("its scheme is neither http nor https"));
        }
        if authority.contains('@') {
            return Err(invalid(
                "it carries a user name; credentials belong in a header",
            ));
        }
        let path = encode_path(path)?;
        let base = format!("{}://{authority}{path}", scheme.to_ascii_lowercase());
        let uri: Uri = base
            .parse()
            .map_err(|_| invalid("its host or path is malformed"))?;
        if uri.host().is_none_or(str::is_empty) {
            return Err(invalid("it has no host"));
        }
        if uri
            .authority()
            .is_some_and(|a| a.port().is_none() && a.host().len() != a.as_str().len())
        {
            return Err(invalid("its port is not a number"));
        }
        let query: Vec<Param> = split_query(query).collect();
        if query.iter().any(|param| is_reserved(param.key())) {
            return Err(invalid("cursor, live and offset are set by the protocol"));
        }
        let origin = base.len() - path.len();
        // The query is kept as it was written, so that it may hold a character no request can carry.
        let url = Self::new(base, origin, query);
        if url.plain.is_none() {
            return Err(invalid("its query is malformed"));
        }
        Ok(url)
    }

    fn new(base: String, origin: usize, query: Vec<Param>) -> Self {
        let mut url = Self {
            base,
            origin,
            query,
            plain: None,
        };
        url.plain = url.try_uri(&[]).ok();
        url
    }

    /// The stream at this path below a root; an absolute URL stands for itself.
    ///
    /// Slashes between the two do not matter. Characters that a path cannot carry are percent-encoded, escapes that
    /// are there already stay. The root's query stays, and a query of the path joins it.
    ///
    /// # Errors
    /// [`InvalidInput`](super::error::ErrorKind::InvalidInput) when the path is empty, has a `.` or `..` segment, or as in [`parse`](Self::parse).
    pub fn join(&self, path: &str) -> Result<Self, Error> {
        if path.starts_with("http://") || path.starts_with("https://") {
            return Self::parse(path);
        }
        let path = path.trim_start_matches('/');
        if path.is_empty() || path.starts_with(['?', '#']) {
            return Err(Error::invalid("the path of a stream is empty"));
        }
        let joined = Self::parse(&format!("{}/{path}", self.base.trim_end_matches('/')))?;
        if self.query.is_empty() {
            return Ok(joined);
        }
        let query = self.query.iter().cloned().chain(joined.query).collect();
        Ok(Self::new(joined.base, joined.origin, query))
    }

    /// The URL of what the protocol itself keeps below a root: each segment is encoded, so that it stays one.
    pub(crate) fn below(&self, segments: &[&str]) -> Self {
        let mut base = self.base.trim_end_matches('/').to_owned();
        for segment in segments {
            base.push('/');
            base.extend(utf8_percent_encode(segment, QUERY));
        }
        Self::new(base, self.origin, self.query.clone())
    }

    /// The scheme and authority: what credentials are bound to.
    pub fn origin(&self) -> &str {
        &self.base[..self.origin]
    }

    /// The path, as `Stream-Forked-From` names a stream (§4.2).
    pub fn path(&self) -> &str {
        let path = &self.base[self.origin..];
        if path.is_empty() { "/" } else { path }
    }

    /// The URL as a request has it that adds no parameter: with its query, but without a fragment.
    ///
    /// # Errors
    /// [`InvalidInput`](super::error::ErrorKind::InvalidInput) when it is too long for a request.
    pub fn to_uri(&self) -> Result<Uri, Error> {
        self.plain.clone().ok_or_else(too_long)
    }

    /// The URL of a request: this one with the protocol's parameters sorted in.
    pub(crate) fn uri(&self, params: &[(&str, &str)]) -> Result<Uri, Error> {
        if params.is_empty() {
            return self.to_uri();
        }
        self.try_uri(params).map_err(|_| too_long())
    }

    fn try_uri(&self, params: &[(&str, &str)]) -> Result<Uri, http::uri::InvalidUri> {
        if self.query.is_empty() {
            return self.own_uri(params);
        }
        let own = params.iter().map(|(key, value)| Param::new(key, value));
        let all: Vec<Param> = self.query.iter().cloned().chain(own).collect();
        Uri::try_from(format!("{}{}", self.base, join_query(all)))
    }

    /// The URL with the protocol's parameters alone, which come in their order.
    fn own_uri(&self, params: &[(&str, &str)]) -> Result<Uri, http::uri::InvalidUri> {
        debug_assert!(params.is_sorted());
        // `&`, `=`, and some room for escapes.
        let length = params
            .iter()
            .map(|(key, value)| key.len() + value.len() + 8);
        let mut url = String::with_capacity(self.base.len() + length.sum::<usize>());
        url.push_str(&self.base);
        for (index, (key, value)) in params.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(key);
            url.push('=');
            url.extend(utf8_percent_encode(value, QUERY));
        }
        Uri::try_from(url)
    }
}

fn too_long() -> Error {
    Error::invalid("the URL of the request is too long")
}

/// Percent-encodes what a path cannot carry, keeping escapes, and refuses segments that climb.
pub(super) fn encode_path(path: &str) -> Result<String, Error> {
    let decoded = percent_encoding::percent_decode_str(path).collect::<Vec<u8>>();
    if decoded
        .split(|&byte| byte == b'/')
        .any(|segment| segment == b"." || segment == b"..")
    {
        return Err(Error::invalid("the path of a stream has a . or .. segment"));
    }
    let mut encoded = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        encoded.extend(utf8_percent_encode(&rest[..at], PATH));
        let escape = rest.as_bytes().get(at + 1..at + 3);
        let valid = escape.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        encoded.push_str(if valid { "%" } else { "%25" });
        rest = &rest[at + 1..];
    }
    encoded.extend(utf8_percent_encode(rest, PATH));
    Ok(encoded)
}

/// Without the query: it may carry what is nobody else's business.
impl fmt::Display for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

impl fmt::Debug for StreamUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamUrl({self})")
    }
}

impl std::str::FromStr for StreamUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        Self::parse(url)
    }
}

/// Where a redirect leads: an absolute URL as it is, or a reference resolved against the request's own URL (RFC 3986 §5.2).
pub(crate) fn resolve(from: &Uri, location: &str) -> Option<Uri> {
    let (location, _fragment) = location.split_once('#').unwrap_or((location, ""));
    let origin = format!("{}://{}", from.scheme_str()?, from.authority()?);
    let absolute = if location.contains("://") && !location.starts_with(['/', '?']) {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{}://{rest}", from.scheme_str()?)
    } else if location.starts_with('/') {
        format!("{origin}{location}")
    } else if location.starts_with('?') {
        format!("{origin}{}{location}", from.path())
    } else {
        let directory = &from.path()[..=from.path().rfind('/')?];
        format!("{origin}{directory}{location}")
    };
    let uri: Uri = absolute.parse().ok()?;
    let http = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    http.then_some(uri)
}

/// Whether two URLs have the same scheme, host and port.
pub(crate) fn same_origin(a: &Uri, b: &Uri) -> bool {
    let port = |uri: &Uri| {
        uri.port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") {
                443
            } else {
                80
            })
    };
    let same_host = match (a.host(), b.host()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b,
    };
    same_host && a.scheme_str() == b.scheme_str() && port(a) == port(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(url: &str, params: &[(&str, &str)]) -> String {
        StreamUrl::parse(url)
            .unwrap()
            .uri(params)
            .unwrap()
            .to_string()
    }

    #[test]
    fn b24_values_are_encoded_and_keys_sorted() {
        let params = [("cursor", "1+2"), ("live", "sse"), ("offset", "a b&c=d/é")];
        assert_eq!(
            uri("http://h/s", &params),
            "http://h/s?cursor=1%2B2&live=sse&offset=a%20b%26c%3Dd%2F%C3%A9"
        );
    }

    #[test]
    fn b24_an_existing_query_stays_and_a_fragment_goes() {
        assert_eq!(
            uri(
                "http://h/s?z=1&b=%20x&&m#frag?offset=1",
                &[("live", "sse"), ("offset", "-1")]
            ),
            "http://h/s?b=%20x&live=sse&m&offset=-1&z=1"
        );
    }

    #[test]
    fn b24_a_url_cannot_set_the_protocols_parameters() {
        for query in ["offset=1", "a=1&live=sse", "cursor", "off%73et=1"] {
            let error = StreamUrl::parse(&format!("http://h/s?{query}")).unwrap_err();
            assert_eq!(
                error.kind(),
                super::super::error::ErrorKind::InvalidInput,
                "{query}"
            );
        }
    }

    #[test]
    fn bad_urls_are_refused_before_any_io() {
        for bad in [
            "",
            "/s",
            "h/s",
            "ftp://h/s",
            "http://",
            "http:///s",
            "http://u:p@h/s",
            "http://h/a/../b",
            "http://h/%2e%2e/b",
            "http://h:port/s",
            "http://h h/s",
        ] {
            assert!(StreamUrl::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn joining_is_indifferent_to_slashes_and_keeps_queries() {
        for root in ["http://h/v1", "http://h/v1/", "HTTP://h/v1"] {
            for path in ["orders", "/orders"] {
                assert_eq!(
                    StreamUrl::parse(root)
                        .unwrap()
                        .join(path)
                        .unwrap()
                        .to_string(),
                    "http://h/v1/orders"
                );
            }
        }
        let root = StreamUrl::parse("http://h?tenant=1").unwrap();
        assert_eq!(
            root.join("a%20b ü%?x=2").unwrap().uri(&[]).unwrap(),
            "http://h/a%20b%20%C3%BC%25?tenant=1&x=2"
        );
        assert_eq!(
            root.join("https://other/x").unwrap().to_string(),
            "https://other/x"
        );
        assert_eq!(root.join("a").unwrap().path(), "/a");
        assert_eq!((root.path(), root.origin()), ("/", "http://h"));
        for bad in ["", "/", "?x=1", "../up"] {
            assert!(root.join(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn b65_locations_resolve_and_origins_compare() {
        let from: Uri = "http://h:8080/a/b?offset=-1".parse().unwrap();
        for (location, expected) in [
            ("http://o/x?y#f", "http://o/x?y"),
            ("//o/x", "http://o/x"),
            ("/x?offset=-1", "http://h:8080/x?offset=-1"),
            ("c", "http://h:8080/a/c"),
            ("?q=1", "http://h:8080/a/b?q=1"),
        ] {
            assert_eq!(resolve(&from, location).unwrap(), expected, "{location}");
        }
        assert_eq!(resolve(&from, "ftp://h/x"), None);
        let same = |a: &str, b: &str| same_origin(&a.parse().unwrap(), &b.parse().unwrap());
        assert!(same("http://h/a", "http://H:80/b") && same("https://h:443/", "https://h/"));
        assert!(
            !same("http://h/", "https://h/")
                && !same("http://h/", "http://h:81/")
                && !same("http://h/", "http://i/")
        );
    }
}
