//! Why the control interface does not do what it was asked for.

use bytes::Bytes;
use http::StatusCode;
use http::header::ALLOW;
use http::{HeaderValue, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::reference::answer::Answer;
use crate::reference::names::NO_STORE;

/// A refusal that says why in JSON, with a code for programs.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    error: Value,
    allow: Option<&'static str>,
}

impl Problem {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self {
            status,
            error: json!({ "code": code, "message": message }),
            allow: None,
        }
    }

    pub(super) fn invalid(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    pub(super) fn url_rejected(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "WEBHOOK_URL_REJECTED", message)
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "SUBSCRIPTION_NOT_FOUND",
            "there is no such subscription",
        )
    }

    pub(super) fn exists() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "SUBSCRIPTION_ALREADY_EXISTS",
            "the subscription exists and is different",
        )
    }

    pub(super) fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "TOKEN_INVALID",
            "the token is missing, or was not issued for this",
        )
    }

    pub(super) fn fenced() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "FENCED",
            "this belongs to an earlier wake",
        )
    }

    pub(super) fn offset(message: &str) -> Self {
        Self::new(StatusCode::CONFLICT, "INVALID_OFFSET", message)
    }

    pub(super) fn nothing_pending() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "NO_PENDING_WORK",
            "everything is acknowledged",
        )
    }

    pub(super) fn claimed(holder: &str, generation: u64) -> Self {
        let mut problem = Self::new(
            StatusCode::CONFLICT,
            "ALREADY_CLAIMED",
            "another worker holds the lease",
        );
        problem.error["current_holder"] = holder.into();
        problem.error["generation"] = generation.into();
        problem
    }

    pub(super) fn method(allowed: &'static str) -> Self {
        Self {
            allow: Some(allowed),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "INVALID_REQUEST",
                "unknown method",
            )
        }
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        let answer = json_answer(problem.status, &json!({ "error": problem.error }));
        match problem.allow {
            Some(methods) => answer.header(ALLOW, HeaderValue::from_static(methods)),
            None => answer,
        }
    }
}

/// An answer in JSON, which nobody may keep.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    Answer::new(status)
        .cache(NO_STORE)
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(vec![Bytes::from(body.to_string())])
}
