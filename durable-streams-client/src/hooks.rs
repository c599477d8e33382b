//! The application's hooks: what goes on each request, and what renews credentials that are refused.

use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use durable_streams_core::{Error, Extras, FailureKind};
use http::{Method, Request, Uri};

use crate::transport::{BoxFuture, TransportError};

/// Any error of the application's.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What a hook gives: headers and parameters that replace those of the same name, or why it could not.
pub type HookResult = Result<Extras, BoxError>;

/// What a request is about, for a hook that says what goes with it.
#[derive(Clone)]
pub struct Outgoing {
    method: Method,
    uri: Uri,
}

impl Outgoing {
    pub(crate) fn of(request: &Request<Bytes>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
        }
    }

    /// Its method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Its URL, with the protocol's parameters and none of the application's yet.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }
}

/// Without the query, which may have a token in it.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("path", &self.uri.path())
            .finish_non_exhaustive()
    }
}

/// Says what goes on a request.
pub(crate) type RequestHook = dyn Fn(Outgoing) -> BoxFuture<'static, HookResult> + Send + Sync;

/// A request whose hook failed was not sent. It is tried again, unless the error is one of this crate that says that it is in vain: a
/// header that cannot be sent.
pub(crate) fn unprepared(error: BoxError) -> TransportError {
    let own = error.downcast_ref::<Error>();
    let kind = if own.is_some_and(|error| !error.is_retryable()) {
        FailureKind::Refused
    } else {
        FailureKind::Hook
    };
    TransportError::new(kind).with_source(error)
}

type RefreshHook = dyn Fn() -> BoxFuture<'static, HookResult> + Send + Sync;

/// Renews credentials, for everything of one client: one run of the hook at a time.
pub(crate) struct Refresh {
    hook: Box<RefreshHook>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What the hook gave so far.
    renewed: Extras,
    /// How often it gave something, and how often it failed.
    successes: u64,
    failures: u64,
    running: bool,
    waiting: Vec<Waker>,
}

/// Who is refused waits for a run of the hook that began before, or runs it.
enum Turn<'a> {
    Renewed,
    Failed,
    Run(Running<'a>),
}

impl Refresh {
    pub(crate) fn new(hook: Box<RefreshHook>) -> Self {
        Self {
            hook,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a single step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was renewed, and how often.
    pub(crate) fn current(&self) -> (u64, Extras) {
        let state = self.state();
        (state.successes, state.renewed.clone())
    }

    /// Renews, unless somebody else did since `seen`. Says whether there is something new.
    pub(crate) async fn renew(&self, seen: u64) -> bool {
        let failures = self.state().failures;
        let running = match poll_fn(|cx| self.poll_turn(seen, failures, cx)).await {
            Turn::Renewed => return true,
            Turn::Failed => return false,
            Turn::Run(running) => running,
        };
        let result = (self.hook)().await;
        let mut state = self.state();
        let renewed = match &result {
            Ok(extras) => {
                state.successes += 1;
                state.renewed.extend(extras);
                true
            }
            Err(_) => {
                state.failures += 1;
                false
            }
        };
        drop(state);
        drop(running);
        if let Err(error) = result {
            crate::log::refresh_failed(&*error);
        }
        renewed
    }

    fn poll_turn(&self, seen: u64, failures: u64, cx: &Context<'_>) -> Poll<Turn<'_>> {
        let mut state = self.state();
        Poll::Ready(if state.successes != seen {
            Turn::Renewed
        } else if state.failures != failures {
            Turn::Failed
        } else if !state.running {
            state.running = true;
            Turn::Run(Running(self))
        } else {
            state.waiting.push(cx.waker().clone());
            return Poll::Pending;
        })
    }
}

/// A run of the hook. When it is dropped, done or not, those who wait look again.
struct Running<'a>(&'a Refresh);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running = false;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}
