//! What the rows of the tables are made of: changes to requests, heads and bodies.

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};

/// Changes to the head of an answer.
pub(super) trait Distort {
    fn is(&self, status: u16) -> bool;
    fn has(&self, name: &str) -> bool;
    fn lose(&mut self, name: &str);
    fn set(&mut self, name: &'static str, value: &str);
    /// It announces a body of no bytes.
    fn says_empty(&self) -> bool;
    fn answer_with(&mut self, status: StatusCode);
    /// Another status, for an answer that has no body then.
    fn answer_without_body(&mut self, status: StatusCode);
    /// Another text where a header is.
    fn change(&mut self, name: &'static str, change: fn(&str) -> String);
}

impl Distort for Parts {
    fn is(&self, status: u16) -> bool {
        self.status.as_u16() == status
    }

    fn has(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    fn lose(&mut self, name: &str) {
        self.headers.remove(name);
    }

    fn set(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }

    fn says_empty(&self) -> bool {
        let length = self.headers.get("content-length");
        length.is_some_and(|length| length == "0")
    }

    fn answer_with(&mut self, status: StatusCode) {
        self.status = status;
    }

    fn answer_without_body(&mut self, status: StatusCode) {
        self.status = status;
        self.lose("content-length");
        self.lose("content-type");
    }

    fn change(&mut self, name: &'static str, change: fn(&str) -> String) {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(value) = value.map(change) {
            self.set(name, &value);
        }
    }
}

/// Changes to a request.
pub(super) trait Misread {
    fn lose(&mut self, name: &str);
    fn set(&mut self, name: &'static str, value: &str);
    /// Another text where a header is.
    fn change(&mut self, name: &'static str, change: fn(&str) -> String);
    fn set_body(&mut self, body: impl Into<Bytes>);
    /// Another query, and the same path.
    fn set_query(&mut self, query: &str);
    /// Another path, and the same query.
    fn set_path(&mut self, path: &str);
    /// Another value of a parameter; one that is not there is added.
    fn set_parameter(&mut self, name: &str, value: &str);
}

impl Misread for Request<Bytes> {
    fn lose(&mut self, name: &str) {
        self.headers_mut().remove(name);
    }

    fn set(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }

    fn change(&mut self, name: &'static str, change: fn(&str) -> String) {
        let value = self.headers().get(name);
        let value = value.and_then(|value| value.to_str().ok()).map(change);
        if let Some(value) = value {
            self.set(name, &value);
        }
    }

    fn set_body(&mut self, body: impl Into<Bytes>) {
        *self.body_mut() = body.into();
    }

    fn set_query(&mut self, query: &str) {
        let path = self.uri().path().to_owned();
        set_target(self, &format!("{path}?{query}"));
    }

    fn set_path(&mut self, path: &str) {
        let query = self.uri().query().unwrap_or_default().to_owned();
        set_target(self, &format!("{path}?{query}"));
    }

    fn set_parameter(&mut self, name: &str, value: &str) {
        let query = self.uri().query().unwrap_or_default().to_owned();
        let others = query.split('&').filter(|pair| {
            let key = pair.split_once('=').map_or(*pair, |(key, _)| key);
            key != name && !pair.is_empty()
        });
        let mut pairs: Vec<_> = others.map(str::to_owned).collect();
        pairs.push(format!("{name}={value}"));
        self.set_query(&pairs.join("&"));
    }
}

/// What is no target at all leaves the request as it is.
fn set_target(request: &mut Request<Bytes>, target: &str) {
    let mut parts = request.uri().clone().into_parts();
    if let Ok(target) = target.parse() {
        parts.path_and_query = Some(target);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
}

/// As a parser reads a number that stops where there is none: the digits at the beginning.
pub(super) fn leading_digits(text: &str) -> String {
    let text = text.trim_start().trim_start_matches('+');
    let end = text.find(|c: char| !c.is_ascii_digit());
    match &text[..end.unwrap_or(text.len())] {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}
