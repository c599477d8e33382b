//! The one error of the protocol, and what a transport reports when there was no answer.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::position::Offset;
use super::url::StreamUrl;
use super::{header, time};

/// What was being done when an error happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OperationKind {
    /// Creating a stream (§5.1).
    Create,
    /// Appending to it (§5.2).
    Append,
    /// Closing it (§5.3).
    Close,
    /// Deleting it (§5.4).
    Delete,
    /// Asking for its metadata (§5.5).
    Head,
    /// Reading it, live or not (§5.6–5.8).
    Read,
    /// Creating a subscription (§6.2).
    CreateSubscription,
    /// Asking what a subscription is (§6.3).
    ReadSubscription,
    /// Deleting a subscription (§6.3).
    DeleteSubscription,
    /// Linking streams to a subscription (§6.4).
    LinkStreams,
    /// Taking a stream's link back (§6.4).
    UnlinkStream,
    /// Claiming the wake of a subscription (§7.2).
    Claim,
    /// Acknowledging work on a wake, or extending its lease (§7.1, §7.2).
    Ack,
    /// Giving a wake back (§7.2).
    Release,
    /// Fetching the keys that webhooks are signed with (§6.5).
    ReadKeys,
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Append => "append",
            Self::Close => "close",
            Self::Delete => "delete",
            Self::Head => "head",
            Self::Read => "read",
            Self::CreateSubscription => "create subscription",
            Self::ReadSubscription => "read subscription",
            Self::DeleteSubscription => "delete subscription",
            Self::LinkStreams => "link",
            Self::UnlinkStream => "unlink",
            Self::Claim => "claim",
            Self::Ack => "ack",
            Self::Release => "release",
            Self::ReadKeys => "read keys",
        })
    }
}

/// What went wrong, as far as a program can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something that cannot be sent. Found before any I/O.
    InvalidInput,
    /// 404: there is no such stream (or no such source to fork from).
    StreamNotFound,
    /// 409 on create: the stream exists with another configuration, or its URL may not be used again.
    StreamExists,
    /// 409 with `Stream-Closed: true`: the stream takes no more appends.
    StreamClosed,
    /// 409 on an append with `Stream-Seq`: it is not above the last one.
    SequenceConflict,
    /// 409 on an append without `Stream-Seq`: its content type is not the stream's.
    ContentTypeMismatch,
    /// 409 for another reason.
    Conflict,
    /// 409 with `Producer-Expected-Seq`: an earlier request of this producer is missing (§5.2.1).
    ProducerGap,
    /// The server does not know what it acknowledged to this producer, or somebody else writes under its id and epoch.
    Diverged,
    /// Somebody newer took over. 403 with `Producer-Epoch`: a newer epoch of this producer (§5.2.1). 409 with the code `FENCED`: the
    /// wake is over, and maybe another one began (§7.3).
    Fenced,
    /// 404 about a subscription: there is none of this id, or the server has no subscriptions.
    SubscriptionNotFound,
    /// 409 on creating a subscription: it exists with another configuration.
    SubscriptionExists,
    /// 409 with the code `INVALID_OFFSET`: the acknowledged stream is not linked, has no such offset, or more of it is acknowledged
    /// already.
    AckRejected,
    /// 401.
    Unauthorized,
    /// 403 without `Producer-Epoch`.
    Forbidden,
    /// 410: deleted while forks live on, or the offset is before what is retained.
    Gone,
    /// 400: the server does not accept the request as it is.
    BadRequest,
    /// 405 or 501: the server does not offer this operation.
    NotSupported,
    /// 413: the server does not take a body this large.
    PayloadTooLarge,
    /// 429.
    RateLimited,
    /// 5xx, 408 or 425: the server cannot answer now.
    Unavailable,
    /// No answer within the limit.
    Timeout,
    /// The connection could not be made, or ended before the answer did.
    Transport,
    /// A hook of the application's failed, which was to say what goes on the request: the source says how. Nothing was sent.
    Hook,
    /// A 3xx that is not followed.
    Redirect,
    /// A message or event is larger than the configured limit.
    LimitExceeded,
    /// A writer or consumer ended before it was done: its driver, or the last handle to a writer, was dropped.
    Stopped,
    /// The handler of a consumer failed: the source says how.
    Handler,
    /// The store of a consumer's checkpoints failed: the source says how.
    CheckpointStore,
    /// An answer that is not what the protocol promises.
    Protocol,
    /// Any other status.
    UnexpectedStatus,
}

/// Whether a request that failed in the transport may have reached the server, and whether it can work later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// No connection was made: the request was certainly not sent. It can be tried again, whatever it is.
    Connect,
    /// The connection ended: the request may have been sent, and the answer or the rest of it is lost.
    Interrupted,
    /// A limit of the transport ran out after the request may have been sent.
    Timeout,
    /// The transport will not send this request, now or later: an unknown scheme, a certificate that is not trusted.
    Refused,
    /// A hook of the application's failed before anything was sent. It can be tried again, whatever it is.
    Hook,
}

impl FailureKind {
    /// Whether the request may have reached the server.
    pub fn may_have_been_sent(self) -> bool {
        matches!(self, Self::Interrupted | Self::Timeout)
    }
}

/// A failure of the transport: its kind, and the transport's own error as the source.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What the retry rules hang on.
    pub kind: FailureKind,
    /// The transport's own error, when there is one.
    pub source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self { kind, source: None }
    }
}

/// The longest piece of an answer's body that an error keeps, in bytes.
pub const MAX_ERROR_BODY: usize = 1024;

/// Why an operation failed: the [kind](ErrorKind), what was being done, where, and what the server said.
///
/// It carries no secret: the URL is without its query, and no request header is kept. Cheap to clone.
///
/// ```
/// use durable_streams_core::{Error, ErrorKind};
///
/// fn advice(error: &Error) -> &'static str {
///     match error.kind() {
///         ErrorKind::StreamNotFound => "create it first",
///         ErrorKind::Unauthorized | ErrorKind::Forbidden => "renew the token",
///         // An answer was lost, of what is not sent again unasked.
///         _ if error.may_have_been_applied() => "look whether it is there",
///         _ if error.is_retryable() => "try again later",
///         _ => "this will not work",
///     }
/// }
///
/// let gone = Error::new(ErrorKind::Gone, "deleted");
/// assert_eq!(advice(&gone), "this will not work");
/// assert_eq!(advice(&Error::new(ErrorKind::Unavailable, "503").applied(true)), "look whether it is there");
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    operation: Option<OperationKind>,
    url: Option<String>,
    message: String,
    answer: Option<Answer>,
    may_have_been_applied: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// What the server said: the headers that matter, and a bounded piece of the body.
#[derive(Clone)]
struct Answer {
    status: StatusCode,
    closed: bool,
    next_offset: Option<Offset>,
    producer_epoch: Option<u64>,
    expected_seq: Option<u64>,
    received_seq: Option<u64>,
    retry_after: Option<Duration>,
    body: String,
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the cause can pass: the same operation may work later.
    ///
    /// Retries within the configured policy were already made when an error reaches the caller.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::RateLimited
                | ErrorKind::Unavailable
                | ErrorKind::Timeout
                | ErrorKind::Transport
                | ErrorKind::Hook
        )
    }

    /// Whether the server may have done what was asked although it is reported as failed: the answer is lost, or is
    /// none that the protocol knows. `false` is certain.
    pub fn may_have_been_applied(&self) -> bool {
        self.0.may_have_been_applied
    }

    /// What was being done.
    pub fn operation(&self) -> Option<OperationKind> {
        self.0.operation
    }

    /// Where, without the query.
    pub fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// The status of the answer, when there was one.
    pub fn status(&self) -> Option<StatusCode> {
        self.answer().map(|answer| answer.status)
    }

    /// `Stream-Next-Offset` of the answer: on a closed stream the final offset.
    pub fn next_offset(&self) -> Option<&Offset> {
        self.answer().and_then(|answer| answer.next_offset.as_ref())
    }

    /// Whether the answer said that the stream is closed.
    pub fn is_closed(&self) -> bool {
        self.answer().is_some_and(|answer| answer.closed)
    }

    /// `Producer-Epoch` of the answer: the epoch that is current on the server.
    pub fn producer_epoch(&self) -> Option<u64> {
        self.answer().and_then(|answer| answer.producer_epoch)
    }

    /// `Producer-Expected-Seq` of the answer.
    pub fn expected_seq(&self) -> Option<u64> {
        self.answer().and_then(|answer| answer.expected_seq)
    }

    /// `Producer-Received-Seq` of the answer.
    pub fn received_seq(&self) -> Option<u64> {
        self.answer().and_then(|answer| answer.received_seq)
    }

    /// How long the server asked to wait, at most an hour.
    pub fn retry_after(&self) -> Option<Duration> {
        self.answer().and_then(|answer| answer.retry_after)
    }

    /// The beginning of the answer's body, at most 1 KiB. For people: nothing is decided by it.
    pub fn body(&self) -> Option<&str> {
        self.answer()
            .map(|answer| answer.body.as_str())
            .filter(|body| !body.is_empty())
    }

    fn answer(&self) -> Option<&Answer> {
        self.0.answer.as_ref()
    }
}

/// How errors are made: for transports, and for what drives a machine.
impl Error {
    /// An error of this kind, with a message for people.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            operation: None,
            url: None,
            message: message.into(),
            answer: None,
            may_have_been_applied: false,
            source: None,
        }))
    }

    /// What the caller asked for cannot be sent; nothing was.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// The answer breaks the protocol.
    pub fn protocol(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Protocol, message.to_string())
    }

    /// The transport failed. Whether it may have been applied depends on the operation: see [`Error::applied`].
    pub fn transport(failure: &Failure) -> Self {
        let (kind, message) = match failure.kind {
            FailureKind::Connect => (ErrorKind::Transport, "no connection to the server"),
            FailureKind::Interrupted => (
                ErrorKind::Transport,
                "the connection ended before the answer did",
            ),
            FailureKind::Timeout => (ErrorKind::Timeout, "no answer in time"),
            FailureKind::Refused => (
                ErrorKind::InvalidInput,
                "the transport refuses this request",
            ),
            FailureKind::Hook => (ErrorKind::Hook, "nothing was sent"),
        };
        let mut error = Self::new(kind, message);
        error.edit().source = failure.source.clone();
        error
    }

    /// An answer that is an error, with the facts its headers carry.
    pub(crate) fn answered(
        kind: ErrorKind,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Self {
        let mut error = Self::new(kind, String::new());
        error.edit().answer = Some(Answer {
            status,
            closed: header::flag(headers, &header::STREAM_CLOSED),
            // An error is reported as it is: a header it carries that cannot be read counts as absent.
            next_offset: header::next_offset(headers).ok().flatten(),
            producer_epoch: header::integer(headers, &header::PRODUCER_EPOCH)
                .ok()
                .flatten(),
            expected_seq: header::integer(headers, &header::PRODUCER_EXPECTED_SEQ)
                .ok()
                .flatten(),
            received_seq: header::integer(headers, &header::PRODUCER_RECEIVED_SEQ)
                .ok()
                .flatten(),
            retry_after: time::retry_after(headers),
            body: excerpt(body),
        });
        error
    }

    fn edit(&mut self) -> &mut Inner {
        Arc::make_mut(&mut self.0)
    }

    /// The same error, told of what was being done and where. The query stays out of it.
    #[must_use]
    pub fn at(mut self, operation: OperationKind, url: &StreamUrl) -> Self {
        let inner = self.edit();
        inner.operation = Some(operation);
        inner.url = Some(url.to_string());
        self
    }

    /// The same error, with the answer to [`may_have_been_applied`](Self::may_have_been_applied).
    #[must_use]
    pub fn applied(mut self, maybe: bool) -> Self {
        self.edit().may_have_been_applied = maybe;
        self
    }

    /// The same error, with another one as its source.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.edit().source = Some(Arc::from(source.into()));
        self
    }

    /// The same error, with a longer explanation.
    #[must_use]
    pub(crate) fn because(mut self, message: impl Into<String>) -> Self {
        self.edit().message = message.into();
        self
    }

    /// The same error, of another kind.
    #[must_use]
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.edit().kind = kind;
        self
    }

    /// The same error, with what the answer that it was found in said.
    #[must_use]
    pub(crate) fn with_answer(mut self, status: StatusCode, headers: &HeaderMap) -> Self {
        let answered = Self::answered(self.kind(), status, headers, b"");
        self.edit().answer = answered.0.answer.clone();
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{operation} ")?;
        }
        if let Some(url) = self.url() {
            write!(f, "{url} ")?;
        }
        if self.operation().is_some() || self.url().is_some() {
            f.write_str("failed: ")?;
        }
        match self.kind() {
            ErrorKind::InvalidInput => f.write_str("invalid input")?,
            ErrorKind::StreamNotFound => f.write_str("stream not found")?,
            ErrorKind::StreamExists => f.write_str("stream exists with another configuration")?,
            ErrorKind::StreamClosed => f.write_str("stream is closed")?,
            ErrorKind::SequenceConflict => f.write_str("sequence conflict")?,
            ErrorKind::ContentTypeMismatch => f.write_str("content type is not the stream's")?,
            ErrorKind::Conflict => f.write_str("conflict")?,
            ErrorKind::ProducerGap => {
                f.write_str("an earlier request of this producer is missing")?
            }
            ErrorKind::Diverged => {
                f.write_str("the producer's state on the server is not this writer's")?
            }
            ErrorKind::Fenced => f.write_str("fenced: somebody newer took over")?,
            ErrorKind::SubscriptionNotFound => f.write_str("subscription not found")?,
            ErrorKind::SubscriptionExists => {
                f.write_str("subscription exists with another configuration")?
            }
            ErrorKind::AckRejected => f.write_str("acknowledgement rejected")?,
            ErrorKind::Unauthorized => f.write_str("unauthorized")?,
            ErrorKind::Forbidden => f.write_str("forbidden")?,
            ErrorKind::Gone => f.write_str("gone")?,
            ErrorKind::BadRequest => f.write_str("bad request")?,
            ErrorKind::NotSupported => f.write_str("not supported by the server")?,
            ErrorKind::PayloadTooLarge => f.write_str("payload too large")?,
            ErrorKind::RateLimited => f.write_str("rate limited")?,
            ErrorKind::Unavailable => f.write_str("server unavailable")?,
            ErrorKind::Timeout => f.write_str("timeout")?,
            ErrorKind::Transport => f.write_str("transport failure")?,
            ErrorKind::Hook => f.write_str("a hook of the application failed")?,
            ErrorKind::Redirect => f.write_str("redirect not followed")?,
            ErrorKind::LimitExceeded => f.write_str("over the configured limit")?,
            ErrorKind::Stopped => f.write_str("stopped")?,
            ErrorKind::Handler => f.write_str("the handler failed")?,
            ErrorKind::CheckpointStore => f.write_str("the checkpoint store failed")?,
            ErrorKind::Protocol => f.write_str("protocol error")?,
            ErrorKind::UnexpectedStatus => f.write_str("unexpected status")?,
        }
        if !self.0.message.is_empty() {
            write!(f, ": {}", self.0.message)?;
        }
        if let Some(answer) = self.answer() {
            write!(f, " (status {}", answer.status.as_u16())?;
            if let Some(wait) = answer.retry_after {
                write!(f, ", retry after {} s", wait.as_secs())?;
            }
            if !answer.body.is_empty() {
                write!(f, ", said {:?}", answer.body)?;
            }
            f.write_str(")")?;
        }
        if self.may_have_been_applied() {
            f.write_str("; it may have been applied")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug
            .field("kind", &self.kind())
            .field("operation", &self.operation())
            .field("url", &self.url());
        if !self.0.message.is_empty() {
            debug.field("message", &self.0.message);
        }
        if let Some(answer) = self.answer() {
            debug
                .field("status", &answer.status.as_u16())
                .field("body", &answer.body);
        }
        debug.field("may_have_been_applied", &self.may_have_been_applied());
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// A bounded, printable piece of a body: control characters (a terminal would obey them) become spaces.
fn excerpt(body: &[u8]) -> String {
    let piece = &body[..body.len().min(MAX_ERROR_BODY)];
    let text = String::from_utf8_lossy(piece);
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b57_an_error_says_what_where_and_how_but_no_secret() {
        let url = StreamUrl::parse("http://h:80/v1/orders?token=secret").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "3".parse().unwrap());
        headers.insert("set-cookie", "secret".parse().unwrap());
        let body = format!("<h1>\u{1b}[31mbusy</h1>{}", "x".repeat(5000));
        let error = Error::answered(
            ErrorKind::Unavailable,
            StatusCode::SERVICE_UNAVAILABLE,
            &headers,
            body.as_bytes(),
        )
        .at(OperationKind::Append, &url);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(
            "append http://h:80/v1/orders failed: server unavailable (status 503, retry after 3 s"
        ));
        assert!(!shown.contains("secret") && !shown.contains('\u{1b}'));
        assert!(error.body().unwrap().len() <= MAX_ERROR_BODY);
        assert!(error.is_retryable() && !error.may_have_been_applied());
    }
}
