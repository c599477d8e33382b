//! What an application adds to every request: its own headers and query parameters.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};

use super::error::Error;
use super::header;
use super::url::{Param, is_reserved, join_query, same_origin, split_query};

/// Headers and query parameters of the application's own, checked when they are set.
///
/// The protocol's headers and parameters cannot be set here, and win over what is. All values count as secrets: none is
/// shown by `Debug`, and none is sent to an origin other than the one it was set for.
#[derive(Clone, Default)]
pub struct Extras {
    /// Nothing, mostly; and what there is goes on many requests, so a clone costs next to nothing.
    set: Option<Arc<Set>>,
}

#[derive(Clone, Default)]
struct Set {
    headers: HeaderMap,
    params: Vec<Param>,
}

impl Extras {
    /// Nothing added.
    pub fn new() -> Self {
        Self::default()
    }

    fn edit(&mut self) -> &mut Set {
        Arc::make_mut(self.set.get_or_insert_default())
    }

    /// Sets a header, replacing one of the same name.
    ///
    /// # Errors
    /// [`InvalidInput`](super::error::ErrorKind::InvalidInput) when the name or the value cannot be sent, or the header is the protocol's.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        // The value may be a secret, so only the name is in the error.
        let invalid = |why| Error::invalid(format!("header {name:?}: {why}"));
        let parsed: HeaderName = name.parse().map_err(|_| invalid("not a header name"))?;
        if header::RESERVED.contains(&parsed) {
            return Err(invalid("the protocol sets it"));
        }
        let mut value: HeaderValue = value
            .parse()
            .map_err(|_| invalid("its value cannot be sent"))?;
        value.set_sensitive(true);
        self.edit().headers.insert(parsed, value);
        Ok(())
    }

    /// Sets a query parameter, replacing one of the same name.
    ///
    /// # Errors
    /// [`InvalidInput`](super::error::ErrorKind::InvalidInput) when it is one of the protocol's: `cursor`, `live`, `offset`.
    pub fn set_param(&mut self, key: &str, value: &str) -> Result<(), Error> {
        if key.is_empty() || is_reserved(key) {
            return Err(Error::invalid(format!(
                "query parameter {key:?}: the protocol sets it, or it is empty"
            )));
        }
        let param = Param::new(key, value);
        let params = &mut self.edit().params;
        params.retain(|other| other.key() != param.key());
        params.push(param);
        Ok(())
    }

    /// Adds all of `other`, which replaces what has the same name here.
    pub fn extend(&mut self, other: &Self) {
        let (Some(other), Some(_)) = (&other.set, &self.set) else {
            self.set = self.set.take().or_else(|| other.set.clone());
            return;
        };
        let Set { headers, params } = self.edit();
        for (name, value) in &other.headers {
            headers.insert(name, value.clone());
        }
        params.retain(|param| {
            let same = |theirs: &Param| theirs.key() == param.key();
            !other.params.iter().any(same)
        });
        params.extend(other.params.iter().cloned());
    }

    /// Adds them to a request to `home`, the origin they were set for; to any other origin nothing is added (B65).
    ///
    /// A header or parameter that the request has already stays as it is.
    ///
    /// # Errors
    /// [`InvalidInput`](super::error::ErrorKind::InvalidInput) when the URL gets too long.
    pub fn apply(&self, request: &mut Request<Bytes>, home: &Uri) -> Result<(), Error> {
        let Some(Set {
            headers,
            params: added,
        }) = self.set.as_deref()
        else {
            return Ok(());
        };
        if !same_origin(request.uri(), home) {
            return Ok(());
        }
        for (name, value) in headers {
            request
                .headers_mut()
                .entry(name)
                .or_insert_with(|| value.clone());
        }
        if added.is_empty() {
            return Ok(());
        }
        let mut params: Vec<Param> =
            split_query(request.uri().query().unwrap_or_default()).collect();
        let present = params.len();
        for param in added {
            if params[..present].iter().all(|own| own.key() != param.key()) {
                params.push(param.clone());
            }
        }
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        let path = parts
            .path_and_query
            .as_ref()
            .map_or("/", |path| path.path());
        let invalid = || Error::invalid("the URL of the request is too long");
        let target = format!("{path}{}", join_query(params))
            .parse()
            .map_err(|_| invalid())?;
        parts.path_and_query = Some(target);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| invalid())?;
        Ok(())
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = self.set.as_deref();
        let headers = set.into_iter().flat_map(|set| set.headers.keys());
        let params = set.into_iter().flat_map(|set| &set.params);
        f.debug_struct("Extras")
            .field("headers", &headers.collect::<Vec<_>>())
            .field("params", &params.map(Param::key).collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &str) -> Request<Bytes> {
        Request::get(uri)
            .header("stream-seq", "7")
            .body(Bytes::new())
            .unwrap()
    }

    #[test]
    fn b58_headers_are_checked_when_set() {
        let mut extras = Extras::new();
        for (name, value) in [
            ("bad name", "x"),
            ("", "x"),
            ("x", "a\r\nb"),
            ("Content-Type", "x"),
            ("producer-id", "x"),
        ] {
            let error = extras.set_header(name, value).unwrap_err();
            assert_eq!(error.kind(), super::super::error::ErrorKind::InvalidInput);
        }
        let error = extras
            .set_header("authorization", "Bearer s3cret\n")
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }

    #[test]
    fn b24_parameters_are_sorted_in_and_cannot_override_the_protocols() {
        let mut extras = Extras::new();
        for key in ["offset", "live", "cursor", "off%73et", ""] {
            assert!(extras.set_param(key, "x").is_err(), "{key}");
        }
        extras.set_param("m n", "1&2").unwrap();
        extras.set_param("a", "old").unwrap();
        extras.set_param("a", "new").unwrap();
        let mut sent = request("http://h/s?live=sse&offset=-1&z=1");
        extras
            .apply(&mut sent, &"http://h/s".parse().unwrap())
            .unwrap();
        assert_eq!(
            sent.uri(),
            "http://h/s?a=new&live=sse&m%20n=1%262&offset=-1&z=1"
        );
        // Applying twice changes nothing: a request can be renewed and sent again.
        extras
            .apply(&mut sent, &"http://h/s".parse().unwrap())
            .unwrap();
        assert_eq!(
            sent.uri(),
            "http://h/s?a=new&live=sse&m%20n=1%262&offset=-1&z=1"
        );
    }

    #[test]
    fn b65_nothing_is_added_for_another_origin() {
        let mut extras = Extras::new();
        extras.set_header("authorization", "Bearer t").unwrap();
        extras.set_param("token", "t").unwrap();
        let mut sent = request("http://elsewhere/s?offset=-1");
        extras
            .apply(&mut sent, &"http://h/s".parse().unwrap())
            .unwrap();
        assert_eq!(sent.uri(), "http://elsewhere/s?offset=-1");
        assert!(!sent.headers().contains_key("authorization"));
        assert!(!format!("{extras:?}").contains("Bearer"));
    }
}
