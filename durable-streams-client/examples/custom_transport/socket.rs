//! A [`Transport`] over plain sockets: HTTP/1.1, one thread for each exchange, and a few idle connections.
//!
//! It keeps the whole contract of a transport, and nothing beyond it: no TLS, no proxies. An answer is read once the request is
//! written, and not meanwhile. A thread that blocks knows nothing of futures, so two things join them: a channel that is
//! full holds the thread back, and [`Hold`] lets whoever drops the future end what the thread waits for.

#[path = "http1.rs"]
mod http1;

use std::fmt;
use std::io;
use std::mem;
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_client::{Body, FailureKind, Transport, TransportError};
use futures_channel::mpsc;
use futures_executor::block_on;
use futures_util::{SinkExt, StreamExt, stream};
use http::{Request, Response, response};

use self::http1::Connection;

/// How long one address may take to be connected to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept without a request: less than servers and balancers commonly wait (60 s).
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The most connections that are kept.
const MAX_IDLE: usize = 16;
/// How many pieces of an answer may wait for whoever reads it. Behind them its thread waits, and then the server.
const AHEAD: usize = 2;

/// Sends requests over sockets of its own. Clones share the idle connections.
#[derive(Clone, Default)]
pub(crate) struct SocketTransport {
    idle: Arc<Pool>,
}

/// Nothing of the connections.
impl fmt::Debug for SocketTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketTransport").finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for SocketTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let address = address(&request)?;
        let (sender, mut pieces) = mpsc::channel(AHEAD);
        let hold = Arc::new(Mutex::new(Hold::Connecting));
        // Whoever drops this future, or later the body, drops this: the exchange ends.
        let cancel = Cancel(Arc::clone(&hold));
        let exchange = Exchange {
            address,
            request,
            pieces: sender,
            hold,
            idle: Arc::clone(&self.idle),
        };
        thread::Builder::new()
            .name("exchange".into())
            .spawn(move || exchange.run())
            .map_err(|error| failure(FailureKind::Connect, error))?;

        let head = match pieces.next().await {
            Some(Ok(Piece::Head(head))) => head,
            Some(Err(error)) => return Err(error),
            _ => return Err(lost()),
        };
        // The end is a piece too: a channel that only closes is a body that was cut.
        let body = stream::try_unfold((pieces, cancel), |(mut pieces, cancel)| async move {
            match pieces.next().await {
                Some(Ok(Piece::Chunk(chunk))) => Ok(Some((chunk, (pieces, cancel)))),
                Some(Ok(Piece::End)) => Ok(None),
                Some(Err(error)) => Err(error),
                _ => Err(lost()),
            }
        });
        Ok(Response::from_parts(head, Body::new(body)))
    }
}

/// What the thread of an exchange tells.
enum Piece {
    Head(response::Parts),
    Chunk(Bytes),
    End,
}

/// One request and its answer, on a thread of their own.
struct Exchange {
    address: String,
    request: Request<Bytes>,
    pieces: mpsc::Sender<Result<Piece, TransportError>>,
    hold: Arc<Mutex<Hold>>,
    idle: Arc<Pool>,
}

impl Exchange {
    fn run(mut self) {
        let end = self.answer().map(|()| Piece::End);
        self.tell(end);
    }

    fn answer(&mut self) -> Result<(), TransportError> {
        let mut connection = self
            .connection()
            .map_err(|error| failure(FailureKind::Connect, error))?;
        if !Hold::take(&self.hold, connection.socket()) {
            // Cancelled: nothing was sent, and nobody listens.
            return Ok(());
        }
        // From here on the server may have the request, or a part of it: nothing is sent a second time, also when this is
        // a connection that was idle and the server has just closed it.
        let interrupted = |error| failure(FailureKind::Interrupted, error);
        let written = connection.write(&self.request);
        // A server may answer, and close, before it has taken everything: a 413. Only without an answer is that a failure.
        let head = match (connection.head(self.request.method()), written) {
            (Ok(head), _) => head,
            (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(interrupted(error)),
        };
        let mut piece = Some(Piece::Head(head));
        while !connection.is_over() {
            if piece.is_some_and(|piece| !self.tell(Ok(piece))) {
                // Nobody wants the rest. The connection ends with it.
                return Ok(());
            }
            piece = connection.chunk().map_err(interrupted)?.map(Piece::Chunk);
        }
        // Before its last piece is told, so that the next request finds the connection. And if it was cancelled meanwhile, the
        // socket is shut down.
        if Hold::release(&self.hold) {
            self.idle.put(mem::take(&mut self.address), connection);
        }
        if let Some(piece) = piece {
            self.tell(Ok(piece));
        }
        Ok(())
    }

    /// An idle connection, or a new one.
    fn connection(&self) -> io::Result<Connection> {
        if let Some(connection) = self.idle.take(&self.address) {
            return Ok(connection);
        }
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in self.address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    return Ok(Connection::new(Arc::new(socket)));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Waits until there is room for a piece. `false` when nobody listens any more.
    fn tell(&mut self, piece: Result<Piece, TransportError>) -> bool {
        block_on(self.pieces.send(piece)).is_ok()
    }
}

/// Who may end the connection of an exchange. A thread that blocks in a read sees nothing of a dropped future: so it is the
/// dropper who shuts the socket down, and the read ends.
enum Hold {
    Connecting,
    Connected(Arc<TcpStream>),
    /// The exchange is over, or cancelled.
    Over,
}

impl Hold {
    /// Puts the socket into the dropper's reach. `false` when that one has come already.
    fn take(hold: &Mutex<Self>, socket: &Arc<TcpStream>) -> bool {
        let mut hold = lock(hold);
        let wanted = matches!(*hold, Self::Connecting);
        if wanted {
            *hold = Self::Connected(Arc::clone(socket));
        }
        wanted
    }

    /// Takes the socket out of the dropper's reach again. `false` when that one was faster.
    fn release(hold: &Mutex<Self>) -> bool {
        matches!(
            mem::replace(&mut *lock(hold), Self::Over),
            Self::Connected(_)
        )
    }
}

/// Ends an exchange when it is dropped, unless it has ended well before.
struct Cancel(Arc<Mutex<Hold>>);

impl Drop for Cancel {
    fn drop(&mut self) {
        let hold = mem::replace(&mut *lock(&self.0), Hold::Over);
        if let Hold::Connected(socket) = hold {
            // An error is a connection that has ended already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Connections without a request, the oldest first.
#[derive(Default)]
struct Pool(Mutex<Vec<Idle>>);

struct Idle {
    address: String,
    since: Instant,
    connection: Connection,
}

impl Pool {
    /// A connection that is still silent: what was closed meanwhile, or says something that nobody asked for, is dropped.
    fn take(&self, address: &str) -> Option<Connection> {
        let mut idle = self.current();
        while let Some(index) = idle.iter().rposition(|idle| idle.address == address) {
            let connection = idle.remove(index).connection;
            if connection.is_silent() {
                return Some(connection);
            }
        }
        None
    }

    fn put(&self, address: String, connection: Connection) {
        if !connection.is_reusable() {
            return;
        }
        let mut idle = self.current();
        if idle.len() == MAX_IDLE {
            idle.remove(0);
        }
        let since = Instant::now();
        idle.push(Idle {
            address,
            since,
            connection,
        });
    }

    /// Without those that are too old.
    fn current(&self) -> MutexGuard<'_, Vec<Idle>> {
        let mut idle = lock(&self.0);
        idle.retain(|idle| idle.since.elapsed() < IDLE_TIMEOUT);
        idle
    }
}

/// Host and port of a request that can be sent here.
fn address(request: &Request<Bytes>) -> Result<String, TransportError> {
    let refused = |why: &str| failure(FailureKind::Refused, io::Error::other(why));
    let uri = request.uri();
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(refused("the URL is not absolute"));
    };
    if scheme != "http" {
        return Err(refused("only http is spoken here"));
    }
    let (host, port) = (authority.host(), authority.port());
    let plain = port
        .as_ref()
        .map_or_else(|| host.into(), |port| format!("{host}:{port}"));
    if host.is_empty() || plain != authority.as_str() {
        return Err(refused(
            "the URL has a user name in it, or no host, or no such port",
        ));
    }
    let port = port.map_or(80, |port| port.as_u16());
    Ok(format!("{host}:{port}"))
}

/// A panic elsewhere leaves everything whole: each change is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The errors of sockets and of this HTTP show nothing of a request.
fn failure(kind: FailureKind, error: io::Error) -> TransportError {
    TransportError::new(kind).with_source(error)
}

/// The thread of an exchange has ended without a word.
fn lost() -> TransportError {
    TransportError::new(FailureKind::Interrupted)
}
