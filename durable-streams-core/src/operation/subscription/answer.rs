//! What answers of the control interface have in common (§6, §7).

use std::fmt::Display;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::info::LinkType;
use crate::operation::answer as common;
use crate::wire::content_type;
use crate::wire::control::relative_path;
use crate::wire::error::{Error, ErrorKind, OperationKind};
use crate::wire::position::{BEGINNING, Offset};
use crate::wire::url::StreamUrl;

/// The error that an answer is. Why a conflict is one, its code says.
pub(super) fn failure(
    operation: OperationKind,
    url: &StreamUrl,
    response: &Response<Bytes>,
) -> Error {
    let error = common::failure(operation, url, response);
    let code = code(response);
    match (response.status(), code.as_deref()) {
        (StatusCode::CONFLICT, Some("FENCED")) => error
            .with_kind(ErrorKind::Fenced)
            .because("this wake is over"),
        (StatusCode::CONFLICT, Some("INVALID_OFFSET")) => error.with_kind(ErrorKind::AckRejected),
        (StatusCode::NOT_FOUND, _) => error.with_kind(ErrorKind::SubscriptionNotFound),
        _ => error,
    }
}

/// The same for a request with a token: whatever the server says, the token is not in the error.
pub(super) fn failure_without(
    secret: &str,
    operation: OperationKind,
    url: &StreamUrl,
    response: &Response<Bytes>,
) -> Error {
    let said = String::from_utf8_lossy(response.body());
    if !said.contains(secret) {
        return failure(operation, url, response);
    }
    let mut redacted = response.clone();
    *redacted.body_mut() = said.replace(secret, "…").into();
    failure(operation, url, &redacted)
}

/// The code of a refusal, for programs.
pub(super) fn code(response: &Response<Bytes>) -> Option<String> {
    let code = refusal(response)?.get("code")?.as_str()?.to_owned();
    Some(code)
}

/// What a refusal says: the member `error` of its body.
pub(super) fn refusal(response: &Response<Bytes>) -> Option<Value> {
    let body: Value = serde_json::from_slice(response.body()).ok()?;
    body.get("error").cloned()
}

/// The answer says that it is a success, and is not what the protocol promises of one. Its body may hold a token, and stays out of the
/// error.
pub(super) fn broken(
    operation: OperationKind,
    url: &StreamUrl,
    response: &Response<Bytes>,
    why: impl Display,
) -> Error {
    let mut head = Response::new(Bytes::new());
    *head.status_mut() = response.status();
    *head.headers_mut() = response.headers().clone();
    common::broken(operation, url, &head, why)
}

/// The body of a success.
pub(super) fn body<T: DeserializeOwned>(
    operation: OperationKind,
    url: &StreamUrl,
    response: &Response<Bytes>,
) -> Result<T, Error> {
    serde_json::from_slice(response.body()).map_err(|error| {
        // A message of the parser's can quote the value that it did not expect.
        let place = format!("line {}, column {}", error.line(), error.column());
        let why = if error.is_data() {
            "lacks a member that the protocol promises, or has one of another type"
        } else {
            "is not JSON"
        };
        broken(
            operation,
            url,
            response,
            format!("the body {why} ({place})"),
        )
    })
}

/// Whether a success says so without a body: 204, or a 200 that is no page for people.
pub(super) fn is_done(response: &Response<Bytes>) -> bool {
    let page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| content_type::same(value, "text/html"));
    match response.status() {
        StatusCode::NO_CONTENT => true,
        StatusCode::OK => !page,
        _ => false,
    }
}

/// A link to a stream, as it is on the wire.
#[derive(Deserialize)]
pub(super) struct LinkRow {
    path: String,
    #[serde(default)]
    link_type: LinkType,
    acked_offset: Option<String>,
}

impl LinkRow {
    pub(super) fn read(self) -> Result<(String, LinkType, Option<Offset>), &'static str> {
        let path = self.path.trim_start_matches('/');
        // It is going to be joined with the root.
        relative_path(path).map_err(|_| "a stream is named by what is no path below the root")?;
        Ok((path.to_owned(), self.link_type, offset(self.acked_offset)?))
    }
}

/// An offset of a body. The sentinel, and none at all, are the beginning.
pub(super) fn offset(text: Option<String>) -> Result<Option<Offset>, &'static str> {
    text.filter(|text| text != BEGINNING)
        .map(Offset::new)
        .transpose()
        .map_err(|_| "an offset is none that a server may issue")
}
