//! Receiving webhooks with the keys of the server that sends them, fetched when they are needed.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use durable_streams_core::Error;
use durable_streams_core::operation::subscription::ReadKeys;
use durable_streams_core::webhook::{DEFAULT_WINDOW, Jwks, Notice, Verifier, WebhookError};
use http::HeaderMap;

use crate::client::Client;
use crate::operation::{Learn, OperationBuilder};
use crate::stream::DurableStream;

/// For how long keys are used before they are fetched anew: a key that the server has withdrawn is believed no longer than that.
const KEPT_FOR: Duration = Duration::from_secs(300);
/// How much time is between two fetches at least, by default: whoever sends webhooks with made-up keys causes no more.
const BETWEEN_FETCHES: Duration = Duration::from_secs(10);

/// Receives webhooks of one server (§7.1): checks their signatures with the server's keys, which it fetches when it has none of the id that a
/// webhook names, and keeps. Cheap to clone; clones share the keys.
///
/// What is to be answered, [`webhook::done`](crate::webhook::done), [`accepted`](crate::webhook::accepted) and
/// [`refused`](crate::webhook::refused) say. What is done after that goes to [`Client::callback`].
///
/// ```
/// # use durable_streams_client::{WebhookReceiver, webhook};
/// # use bytes::Bytes;
/// async fn receive(receiver: WebhookReceiver, request: http::Request<Bytes>) -> http::Response<Bytes> {
///     match receiver.verify(request.headers(), request.body()).await {
///         Ok(notice) => {
///             println!("{} is to work on {} streams", notice.subscription_id, notice.streams.len());
///             webhook::done()
///         }
///         Err(error) => webhook::refused(&error),
///     }
/// }
/// ```
///
/// [`webhook::done`]: crate::webhook::done
/// [`webhook`]: crate::webhook
/// [`webhook::accepted`]: crate::webhook::accepted
#[derive(Clone)]
pub struct WebhookReceiver {
    client: Client,
    window: Duration,
    between: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    keys: Jwks,
    /// When they came.
    since: Option<Instant>,
    /// When the last fetch began.
    tried: Option<Instant>,
    /// How it failed.
    failure: Option<Error>,
    /// How many have ended.
    fetches: u64,
    running: bool,
    waiting: Vec<Waker>,
}

/// Who lacks a key looks again after somebody's fetch, gets none, or fetches.
enum Turn<'a> {
    Look,
    None(Option<Error>),
    Fetch(Running<'a>),
}

impl Client {
    /// A receiver of the webhooks that the server of this client sends.
    pub fn webhook_receiver(&self) -> WebhookReceiver {
        WebhookReceiver {
            client: self.clone(),
            window: DEFAULT_WINDOW,
            between: BETWEEN_FETCHES,
            state: Arc::default(),
        }
    }

    /// Fetches the keys that the server of this client signs webhooks with (§6.5). A [`WebhookReceiver`] does it by itself.
    pub fn webhook_keys(&self) -> OperationBuilder<ReadKeys> {
        let root = self.root().clone();
        let handle = DurableStream::new(self.clone(), Ok(root));
        OperationBuilder::new(&handle, |root| ReadKeys::new(&root))
    }
}

impl WebhookReceiver {
    /// How far the time of a signature may be from this machine's own, to either side. Default: 5 minutes.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How much time is between two fetches of the keys at least. Default: 10 s.
    #[must_use]
    pub fn between_fetches(mut self, pause: Duration) -> Self {
        self.between = pause;
        self
    }

    /// What a webhook says, if the server signed it, and not long ago. The body is that of the request, byte for byte.
    ///
    /// # Errors
    /// Why it is not to be believed; [`Keys`](WebhookError::Keys) when the keys could not be fetched.
    ///
    /// # Cancel safety
    /// Dropping the future ends a fetch that it began, which counts as one that failed.
    pub async fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<Notice, WebhookError> {
        self.verify_at(headers, body, SystemTime::now()).await
    }

    /// As [`verify`](Self::verify), at this time by the clock on the wall.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    ///
    /// # Cancel safety
    /// As [`verify`](Self::verify).
    pub async fn verify_at(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: SystemTime,
    ) -> Result<Notice, WebhookError> {
        let (keys, seen) = self.keys();
        let checked = Verifier::new(keys)
            .window(self.window)
            .verify(headers, body, now);
        let Err(WebhookError::UnknownKey(kid)) = checked else {
            return checked;
        };
        match poll_fn(|cx| self.poll_turn(seen, cx)).await {
            Turn::Look => {}
            Turn::None(None) => return Err(WebhookError::UnknownKey(kid)),
            Turn::None(Some(error)) => return Err(WebhookError::Keys(error)),
            Turn::Fetch(running) => {
                let fetched = self.client.webhook_keys().await;
                let failure = running.fetched(fetched);
                if let Some(error) = failure {
                    return Err(WebhookError::Keys(error));
                }
            }
        }
        let (keys, _) = self.keys();
        Verifier::new(keys)
            .window(self.window)
            .verify(headers, body, now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a single step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        self.client.0.timer.now()
    }

    /// The keys as long as they are good, and how often they were fetched.
    fn keys(&self) -> (Jwks, u64) {
        let now = self.now();
        let state = self.state();
        let good = state
            .since
            .is_some_and(|since| now.saturating_duration_since(since) < KEPT_FOR);
        let keys = if good {
            state.keys.clone()
        } else {
            Jwks::default()
        };
        (keys, state.fetches)
    }

    fn poll_turn(&self, seen: u64, cx: &Context<'_>) -> Poll<Turn<'_>> {
        let now = self.now();
        let mut state = self.state();
        if state.running {
            state.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        if state.fetches != seen {
            return Poll::Ready(match &state.failure {
                Some(error) => Turn::None(Some(error.clone())),
                None => Turn::Look,
            });
        }
        let early = state
            .tried
            .is_some_and(|tried| now.saturating_duration_since(tried) < self.between);
        if early {
            return Poll::Ready(Turn::None(state.failure.clone()));
        }
        state.running = true;
        state.tried = Some(now);
        Poll::Ready(Turn::Fetch(Running(self)))
    }
}

/// A fetch. When it is dropped, done or not, those who wait look again.
struct Running<'a>(&'a WebhookReceiver);

impl Running<'_> {
    /// Keeps what came of it. Says how it failed.
    fn fetched(self, keys: Result<Jwks, Error>) -> Option<Error> {
        let now = self.0.now();
        let mut state = self.0.state();
        state.fetches += 1;
        match keys {
            Ok(keys) => {
                state.keys = keys;
                state.since = Some(now);
                state.failure = None;
            }
            Err(error) => state.failure = Some(error),
        }
        state.failure.clone()
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running = false;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for WebhookReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookReceiver")
            .field("root", self.client.root())
            .field("keys", &self.state().keys)
            .finish_non_exhaustive()
    }
}

impl Learn for ReadKeys {}
