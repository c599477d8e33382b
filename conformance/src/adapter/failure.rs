//! What went wrong in a command, in the words of the runner.

use durable_streams_client::{Error, ErrorKind, OperationKind, Refused};
use serde::Serialize;

/// What a failure is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Code {
    NetworkError,
    Timeout,
    Conflict,
    NotFound,
    SequenceConflict,
    StreamClosed,
    InvalidOffset,
    UnexpectedStatus,
    ParseError,
    InternalError,
    NotSupported,
    InvalidArgument,
}

impl Code {
    /// The one table from what the client says to what the runner calls it.
    fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput => Self::InvalidArgument,
            ErrorKind::StreamNotFound => Self::NotFound,
            ErrorKind::StreamClosed => Self::StreamClosed,
            ErrorKind::SequenceConflict | ErrorKind::ProducerGap | ErrorKind::Diverged => {
                Self::SequenceConflict
            }
            ErrorKind::StreamExists | ErrorKind::ContentTypeMismatch | ErrorKind::Conflict => {
                Self::Conflict
            }
            ErrorKind::BadRequest if error.operation() == Some(OperationKind::Read) => {
                Self::InvalidOffset
            }
            ErrorKind::Protocol => Self::ParseError,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Transport => Self::NetworkError,
            ErrorKind::LimitExceeded | ErrorKind::Stopped => Self::InternalError,
            // Refusals without a name here: 401, 403, 405, 410, 413, 429, 5xx and the like.
            _ => Self::UnexpectedStatus,
        }
    }
}

/// A command that failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Failed {
    /// Of the answer, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(rename = "errorCode")]
    code: Code,
    message: String,
}

impl Failed {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            status: None,
            code,
            message: message.into(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// The same failure, with the status of the answer in which it was found: a body that does not parse had a good one.
    pub(crate) fn found_in(mut self, status: Option<u16>) -> Self {
        if self.code == Code::ParseError {
            self.status = self.status.or(status);
        }
        self
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            status: error.status().map(|status| status.as_u16()),
            code: Code::of(&error),
            message: error.to_string(),
        }
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Self {
        refused.into_error().into()
    }
}
