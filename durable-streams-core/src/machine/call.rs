//! One operation with its retries.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode, response};

use super::{Input, Machine, Output, RequestId, later};
use crate::machine::redirect::{Redirect, Redirects};
use crate::operation::{Operation, Resend};
use crate::wire::error::{Error, Failure, FailureKind};
use crate::wire::retry::{Backoff, RetryPolicy};
use crate::wire::time;

/// How much of an answer's body is kept. Most answers have nothing in their bodies but an explanation; only the success of an
/// operation that reads its body is kept whole.
const MAX_BODY: usize = 64 * 1024;

/// How a [`Call`] behaves.
#[derive(Debug, Clone)]
pub struct CallConfig {
    /// When and how long to retry.
    pub retry: RetryPolicy,
    /// How long one attempt may take. Default 30 s.
    pub timeout: Duration,
    /// The seed of the jitter.
    pub seed: u64,
}

impl Default for CallConfig {
    fn default() -> Self {
        Self {
            retry: RetryPolicy::operations(),
            timeout: Duration::from_secs(30),
            seed: 0,
        }
    }
}

/// How a [`Call`] ended.
#[derive(Debug)]
pub enum CallEnd {
    /// The last answer that came, a success or not: [`Operation::decode`] reads it.
    Answered {
        /// The answer; a body longer than 64 KiB is cut there, unless it is that of a success whose body says something.
        response: Response<Bytes>,
        /// Whether an earlier attempt had an unknown fate: then
        /// [`decode_after_unknown`](crate::operation::Operation::decode_after_unknown) reads it.
        after_unknown: bool,
    },
    /// No answer came.
    Failed {
        /// How the last attempt failed.
        failure: Failure,
        /// Whether any attempt may have reached the server.
        may_have_been_sent: bool,
    },
}

impl CallEnd {
    /// Reads the end of a call as the outcome of its operation.
    ///
    /// # Errors
    /// What the operation makes of the answer, or the failure of the transport.
    pub fn outcome<O: Operation>(self, operation: &O) -> Result<O::Outcome, Error> {
        match self {
            Self::Answered {
                response,
                after_unknown: false,
            } => operation.decode(&response),
            Self::Answered {
                response,
                after_unknown: true,
            } => operation.decode_after_unknown(&response),
            Self::Failed {
                failure,
                may_have_been_sent,
            } => {
                let write = crate::operation::is_write(O::KIND);
                Err(Error::transport(&failure)
                    .at(O::KIND, operation.url())
                    .applied(write && may_have_been_sent))
            }
        }
    }
}

/// The machine that sends one request until it has an answer that stands.
///
/// A request that may not be repeated is sent again only when it was certainly not applied: no connection was made, or
/// the server answered 429 or 503. Reads (GET, HEAD) follow 307 and 308 within their origin.
#[derive(Debug)]
pub struct Call {
    request: Request<Bytes>,
    resend: Resend,
    reads_body: bool,
    config: CallConfig,
    backoff: Backoff,
    redirects: Redirects,
    state: State,
    last_id: u64,
    retries: u32,
    abort: Option<RequestId>,
    /// An attempt may have reached the server, and its answer did not come back.
    unknown: bool,
}

#[derive(Debug)]
enum State {
    Idle {
        at: Option<Instant>,
    },
    Sent {
        id: RequestId,
        deadline: Instant,
    },
    Body {
        id: RequestId,
        deadline: Instant,
        head: response::Parts,
        body: BytesMut,
    },
    Ended(CallEnd),
    Done,
}

impl Call {
    /// A call of this operation.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when its request cannot be sent as it is.
    pub fn of<O: Operation>(operation: &O, config: CallConfig) -> Result<Self, Error> {
        let call = Self::new(operation.request()?, operation.resend(), config);
        let reads_body = O::READS_BODY;
        Ok(Self { reads_body, ..call })
    }

    /// A call of this request. `resend` comes from its operation. What a success says in its body counts for a GET.
    pub fn new(request: Request<Bytes>, resend: Resend, config: CallConfig) -> Self {
        Self {
            reads_body: *request.method() == Method::GET,
            redirects: Redirects::new(false),
            backoff: Backoff::new(config.retry.clone(), config.seed),
            request,
            resend,
            config,
            state: State::Idle { at: None },
            last_id: 0,
            retries: 0,
            abort: None,
            unknown: false,
        }
    }

    /// How often it was tried again so far.
    pub fn retries(&self) -> u32 {
        self.retries
    }

    fn current(&self) -> Option<RequestId> {
        match self.state {
            State::Sent { id, .. } | State::Body { id, .. } => Some(id),
            _ => None,
        }
    }

    fn is_read(&self) -> bool {
        matches!(*self.request.method(), Method::GET | Method::HEAD)
    }

    fn failed(&mut self, failure: Failure, now: Instant) {
        let sent = failure.kind.may_have_been_sent();
        let again = match failure.kind {
            FailureKind::Connect | FailureKind::Hook => true,
            FailureKind::Refused => false,
            FailureKind::Interrupted | FailureKind::Timeout => self.resend == Resend::Safe,
        };
        self.unknown |= sent;
        let delay = again.then(|| self.backoff.fail(now, None)).flatten();
        self.retries += u32::from(delay.is_some());
        self.state = match delay {
            Some(delay) => State::Idle {
                at: Some(later(now, delay)),
            },
            None => State::Ended(CallEnd::Failed {
                failure,
                may_have_been_sent: self.unknown,
            }),
        };
    }

    fn answered(&mut self, head: response::Parts, body: Bytes, now: Instant) {
        if self.is_read() {
            match self.redirects.follow(&head, self.request.uri()) {
                Redirect::To(target) => {
                    *self.request.uri_mut() = target;
                    self.state = State::Idle { at: None };
                    return;
                }
                Redirect::Not | Redirect::Refused(_) => {}
            }
        }
        let not_applied = matches!(
            head.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        let passing = not_applied || is_passing(head.status);
        let again = passing && (not_applied || self.resend == Resend::Safe);
        let delay = again
            .then(|| self.backoff.fail(now, time::retry_after(&head.headers)))
            .flatten();
        self.retries += u32::from(delay.is_some());
        self.state = match delay {
            Some(delay) => {
                self.unknown |= !not_applied && !self.is_read();
                State::Idle {
                    at: Some(later(now, delay)),
                }
            }
            None => State::Ended(CallEnd::Answered {
                response: Response::from_parts(head, body),
                after_unknown: self.unknown,
            }),
        };
    }

    /// Whether the body that is arriving is what was asked for, and not an explanation.
    fn wants_body(&self) -> bool {
        let success = matches!(&self.state, State::Body { head, .. } if head.status.is_success());
        success && self.reads_body
    }

    /// The answer, or the rest of it, does not come.
    fn lost(&mut self, failure: Failure, now: Instant) {
        // The head decides; what is missing of an explanation changes nothing. Which conflict it is, only the body says where bodies say
        // something.
        let decided = match &self.state {
            State::Body { head, .. } if head.status == StatusCode::CONFLICT => !self.reads_body,
            State::Body { .. } => !self.wants_body(),
            _ => false,
        };
        if decided {
            self.finish_body(now);
        } else {
            self.failed(failure, now);
        }
    }

    /// The body is complete, or as much of it as anybody wants.
    fn finish_body(&mut self, now: Instant) {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Body { head, body, .. } => self.answered(head, body.freeze(), now),
            other => self.state = other,
        }
    }
}

/// Whether a status says that the server cannot answer now: 408, 425, 429 and 5xx but 501 (B56).
pub(crate) fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502..=599)
}

impl Machine for Call {
    type Event = CallEnd;

    fn poll_output(&mut self, now: Instant) -> Output<CallEnd> {
        if let Some(id) = self.abort.take() {
            return Output::Abort(id);
        }
        match &self.state {
            State::Idle { at: Some(at) } if *at > now => Output::Wait(Some(*at)),
            State::Idle { .. } => {
                self.last_id += 1;
                let id = RequestId(self.last_id);
                self.state = State::Sent {
                    id,
                    deadline: later(now, self.config.timeout),
                };
                Output::Send(id, self.request.clone())
            }
            State::Sent { deadline, .. } | State::Body { deadline, .. } => {
                Output::Wait(Some(*deadline))
            }
            State::Ended(_) => match std::mem::replace(&mut self.state, State::Done) {
                State::Ended(end) => Output::Event(end),
                _ => Output::Done,
            },
            State::Done => Output::Done,
        }
    }

    fn handle_input(&mut self, input: Input, now: Instant) {
        let current = self.current();
        match input {
            Input::Head(id, head) if current == Some(id) => {
                if let State::Sent { deadline, .. } = self.state {
                    let no_body = *self.request.method() == Method::HEAD
                        || head.status == StatusCode::NO_CONTENT;
                    self.state = State::Body {
                        id,
                        deadline,
                        head,
                        body: BytesMut::new(),
                    };
                    if no_body {
                        // The body of such an answer is never read, whatever a server sends.
                        self.abort = Some(id);
                        self.finish_body(now);
                    }
                }
            }
            Input::Chunk(id, chunk) if current == Some(id) => {
                let limit = if self.wants_body() {
                    usize::MAX
                } else {
                    MAX_BODY
                };
                if let State::Body { body, .. } = &mut self.state {
                    let room = limit - body.len();
                    body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                    if chunk.len() > room {
                        self.abort = Some(id);
                        self.finish_body(now);
                    }
                }
            }
            Input::End(id) if current == Some(id) => self.finish_body(now),
            Input::Failed(id, failure) if current == Some(id) => self.lost(failure, now),
            Input::Timeout => match &self.state {
                State::Sent { id, deadline } | State::Body { id, deadline, .. }
                    if *deadline <= now =>
                {
                    self.abort = Some(*id);
                    self.lost(FailureKind::Timeout.into(), now);
                }
                _ => {}
            },
            _ => {}
        }
    }
}
