//! The server: the script, what was recorded, and waiting for it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection;
use super::reply::Reply;
use super::request::RecordedRequest;
use super::steer::Awaited;
use super::tls::{Acceptor, Authority};
use crate::background::Background;

/// The status of the answer to a request that the script has no reply for.
const EXHAUSTED: u16 = 599;

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedBy {
    /// The client, in an orderly way or not: it dropped the connection.
    Peer,
    /// The server, because a reply said so.
    Server,
}

/// What a server has to do at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// How many requests have arrived so far.
    pub requests: usize,
    /// How many replies are not written to their end, nor given up by the client.
    pub open: usize,
    /// How many of the open replies have written all they can, and wait for something that the test did not do yet.
    pub held: usize,
}

type Answer = Arc<dyn Fn(&RecordedRequest, usize) -> Reply + Send + Sync>;

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    answer: Option<Answer>,
    requests: Vec<RecordedRequest>,
    /// Numbers of the requests for which there was no reply.
    unexpected: Vec<usize>,
    malformed: Vec<String>,
    /// Numbers of the requests whose answers the peer gave up.
    abandoned: BTreeSet<usize>,
    /// How many replies are not written to their end yet.
    open: usize,
    /// What they wait for, if that is something that the test does.
    held: BTreeMap<usize, Awaited>,
    last_held: usize,
    /// One for each connection: who closed it.
    connections: Vec<Option<ClosedBy>>,
    sent: u64,
}

/// What the server and its connections share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

impl Shared {
    /// A panic elsewhere leaves the state whole: every change is a single step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.send_replace(());
        result
    }

    async fn wait<T>(&self, look: impl Fn(&State) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(found) = look(&self.state()) {
                return found;
            }
            // It fails only when the sender is gone, and `self` holds it.
            let _ = changed.changed().await;
        }
    }

    fn opened(&self) -> usize {
        self.change(|state| {
            state.connections.push(None);
            state.connections.len() - 1
        })
    }

    pub(super) fn closed(&self, connection: usize, by: ClosedBy) {
        self.change(|state| state.connections[connection] = Some(by));
    }

    pub(super) fn malformed(&self, why: String) {
        self.change(|state| state.malformed.push(why));
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.change(|state| state.sent += bytes as u64);
    }

    /// Waits for something that the test does.
    pub(super) async fn hold<T>(&self, awaited: Awaited, wait: impl Future<Output = T>) -> T {
        struct Held<'a>(&'a Shared, usize);
        impl Drop for Held<'_> {
            fn drop(&mut self) {
                self.0.change(|state| state.held.remove(&self.1));
            }
        }
        let mut wait = pin!(wait);
        let mut awaited = Some(awaited);
        let mut held = None;
        poll_fn(|cx| {
            let polled = wait.as_mut().poll(cx);
            if polled.is_ready() {
                return polled;
            }
            if let Some(awaited) = awaited.take() {
                let number = self.change(|state| {
                    state.last_held += 1;
                    state.held.insert(state.last_held, awaited);
                    state.last_held
                });
                held = Some(Held(self, number));
            }
            polled
        })
        .await
    }

    /// Records a request, and takes the reply to it, which is open from now on.
    pub(super) fn reply_to(&self, request: RecordedRequest) -> (Reply, Open<'_>) {
        let (number, next, answer) = self.change(|state| {
            let number = state.requests.len();
            state.requests.push(request.clone());
            state.open += 1;
            let next = state.replies.pop_front();
            if next.is_none() && state.answer.is_none() {
                state.unexpected.push(number);
            }
            (number, next, state.answer.clone())
        });
        let open = Open {
            shared: self,
            number,
        };
        // The closure runs without the lock: it may look at the server.
        let reply = match (next, answer) {
            (Some(reply), _) => reply,
            (None, Some(answer)) => answer(&request, number),
            (None, None) => Reply::new(EXHAUSTED)
                .body(format!("the script has no reply to request {number}"))
                .connection_close(),
        };
        (reply, open)
    }
}

/// A reply that is being written, until it is dropped.
pub(super) struct Open<'a> {
    shared: &'a Shared,
    number: usize,
}

impl Open<'_> {
    /// The client does not want it any more.
    pub(super) fn abandoned(self) {
        self.shared
            .change(|state| state.abandoned.insert(self.number));
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.shared.change(|state| state.open -= 1);
    }
}

/// A scripted server on a port of 127.0.0.1, on a thread of its own. Dropping it ends it and all of its connections.
///
/// The reply to a request is the next one of the [queue](Self::reply); when the queue is empty, what the
/// [closure](Self::answer_with) says; and without a closure a 599 that is counted as
/// [unexpected](Self::unexpected_requests).
///
/// It speaks HTTP/1.1, and HTTP/2 to clients that begin with it.
pub struct ScriptServer {
    address: SocketAddr,
    secure: bool,
    shared: Arc<Shared>,
    _background: Background,
}

impl ScriptServer {
    /// Starts a server with an empty script. Any executor will do.
    ///
    /// # Errors
    /// When no port can be listened on, or no thread can be had.
    ///
    /// # Cancel safety
    /// It waits for nothing: the future is done when it was polled once.
    pub async fn start() -> io::Result<Self> {
        Self::listen(None)
    }

    /// Starts a server that speaks TLS, with a certificate of this authority for `localhost` and 127.0.0.1. It offers
    /// HTTP/2 and HTTP/1.1 by ALPN.
    ///
    /// # Errors
    /// When no port can be listened on, or no thread can be had.
    ///
    /// # Cancel safety
    /// It waits for nothing: the future is done when it was polled once.
    pub async fn start_tls(authority: &Authority) -> io::Result<Self> {
        Self::listen(Some(authority.acceptor()?))
    }

    fn listen(acceptor: Option<Acceptor>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let secure = acceptor.is_some();
        let background =
            Background::start("script-server", move || accept(listener, acceptor, serving))?;
        Ok(Self {
            address,
            secure,
            shared,
            _background: background,
        })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        if self.secure {
            format!("https://localhost:{}{path}", self.address.port())
        } else {
            format!("http://{}{path}", self.address)
        }
    }

    /// Adds a reply to the queue.
    pub fn reply(&self, reply: Reply) {
        self.change(|state| state.replies.push_back(reply));
    }

    /// Adds replies to the queue.
    pub fn replies(&self, replies: impl IntoIterator<Item = Reply>) {
        for reply in replies {
            self.reply(reply);
        }
    }

    /// Sets who answers when the queue is empty. It is given the request and its number, from 0 over all requests.
    pub fn answer_with(
        &self,
        answer: impl Fn(&RecordedRequest, usize) -> Reply + Send + Sync + 'static,
    ) {
        self.change(|state| state.answer = Some(Arc::new(answer)));
    }

    /// All requests so far, in the order of their arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.state().requests.clone()
    }

    /// Waits until this many requests have arrived, and gives all there are.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<RecordedRequest> {
        self.shared
            .wait(|state| (state.requests.len() >= count).then(|| state.requests.clone()))
            .await
    }

    /// The requests for which the script had no reply.
    pub fn unexpected_requests(&self) -> Vec<RecordedRequest> {
        let state = self.shared.state();
        let numbers = state.unexpected.iter();
        numbers
            .map(|number| state.requests[*number].clone())
            .collect()
    }

    /// What came that was no request, and why it was none.
    pub fn malformed(&self) -> Vec<String> {
        self.shared.state().malformed.clone()
    }

    /// How many replies of the queue were not used yet.
    pub fn unused_replies(&self) -> usize {
        self.shared.state().replies.len()
    }

    /// Checks that the script was played to its end and not beyond.
    ///
    /// # Panics
    /// When replies are left, when there were requests without a reply, or when something was no request.
    #[track_caller]
    pub fn assert_finished(&self) {
        let extra = self.unexpected_requests();
        assert!(extra.is_empty(), "requests beyond the script: {extra:?}");
        let malformed = self.malformed();
        assert!(malformed.is_empty(), "not a request: {malformed:?}");
        let unused = self.unused_replies();
        assert!(unused == 0, "replies that were not used: {unused}");
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.shared.state().connections.len()
    }

    /// Waits until this many connections were made.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn wait_for_connections(&self, count: usize) {
        self.shared
            .wait(|state| (state.connections.len() >= count).then_some(()))
            .await;
    }

    /// Waits until a connection ended, and says who ended it. Connections are numbered from 0.
    ///
    /// The end is seen while the server waits for a request as well as while it writes a reply. A client that closes
    /// its sending side only counts as gone.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn wait_for_close(&self, connection: usize) -> ClosedBy {
        self.shared
            .wait(|state| state.connections.get(connection).copied().flatten())
            .await
    }

    /// Waits until the client gave an exchange up: it closed the connection, or reset the stream, before the reply to this
    /// request was written. Requests are numbered from 0.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub async fn wait_for_abandoned(&self, request: usize) {
        self.shared
            .wait(|state| state.abandoned.contains(&request).then_some(()))
            .await;
    }

    /// What it has to do at this moment.
    pub fn activity(&self) -> Activity {
        let state = self.shared.state();
        Activity {
            requests: state.requests.len(),
            open: state.open,
            held: state.held.values().filter(|what| !what.is_there()).count(),
        }
    }

    /// Resolves when [`activity`](Self::activity), or anything else that can be asked for here, may have changed since this
    /// was called.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    pub fn changed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut changed = self.shared.changed.subscribe();
        async move {
            // It fails when the server is gone, and then nothing changes any more.
            if changed.changed().await.is_err() {
                pending::<()>().await;
            }
        }
    }

    /// How many bytes of bodies the sockets took so far, over all replies.
    pub fn body_bytes_sent(&self) -> u64 {
        self.shared.state().sent
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.shared.change(change);
    }
}

impl fmt::Debug for ScriptServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Owns the tasks of all connections: they end when it is dropped.
async fn accept(listener: std::net::TcpListener, acceptor: Option<Acceptor>, shared: Arc<Shared>) {
    // It fails where there is no reactor, and the thread of a server has one.
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An error here is of a connection that was lost before it was accepted.
                if let Ok((stream, _)) = accepted {
                    let (number, shared) = (shared.opened(), Arc::clone(&shared));
                    match acceptor.clone() {
                        Some(acceptor) => tasks.spawn(acceptor.serve(stream, number, shared)),
                        None => tasks.spawn(connection::serve(stream, number, shared)),
                    };
                }
            }
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
        }
    }
}
