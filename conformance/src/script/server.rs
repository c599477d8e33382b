//! The server: the script, what was recorded, and waiting for it.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::connection;
use super::reply::Reply;
use super::request::RecordedRequest;

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

type Answer = Arc<dyn Fn(&RecordedRequest, usize) -> Reply + Send + Sync>;

#[derive(Default)]
struct State {
    replies: VecDeque<Reply>,
    answer: Option<Answer>,
    requests: Vec<RecordedRequest>,
    /// Numbers of the requests for which there was no reply.
    unexpected: Vec<usize>,
    malformed: Vec<String>,
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

    /// Records a request and takes the reply to it.
    pub(super) fn reply_to(&self, request: RecordedRequest) -> Reply {
        let (number, next, answer) = {
            let mut state = self.state();
            let number = state.requests.len();
            state.requests.push(request.clone());
            let next = state.replies.pop_front();
            if next.is_none() && state.answer.is_none() {
                state.unexpected.push(number);
            }
            (number, next, state.answer.clone())
        };
        self.changed.send_replace(());
        // The closure runs without the lock: it may look at the server.
        match (next, answer) {
            (Some(reply), _) => reply,
            (None, Some(answer)) => answer(&request, number),
            (None, None) => Reply::new(EXHAUSTED)
                .body(format!("the script has no reply to request {number}"))
                .connection_close(),
        }
    }
}

/// A scripted server on a port of 127.0.0.1. Dropping it ends it and all of its connections.
///
/// The reply to a request is the next one of the [queue](Self::reply); when the queue is empty, what the
/// [closure](Self::answer_with) says; and without a closure a 599 that is counted as
/// [unexpected](Self::unexpected_requests).
pub struct ScriptServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl ScriptServer {
    /// Starts a server with an empty script.
    ///
    /// # Errors
    /// When no port can be listened on.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            accepting,
        })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
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

    /// How many bytes of bodies the sockets took so far, over all replies.
    pub fn body_bytes_sent(&self) -> u64 {
        self.shared.state().sent
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        self.shared.change(change);
    }
}

impl Drop for ScriptServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for ScriptServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Owns the tasks of all connections: they end when it is aborted.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An error here is of a connection that was lost before it was accepted.
                if let Ok((stream, _)) = accepted {
                    tasks.spawn(connection::serve(stream, shared.opened(), Arc::clone(&shared)));
                }
            }
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
        }
    }
}
