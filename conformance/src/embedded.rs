//! A server on a local port: the reference model behind a thin listener.
//!
//! ```
//! use durable_streams_conformance::embedded::Server;
//! use durable_streams_conformance::reference::Config;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let server = Server::start(Config::default()).await?;
//! println!("streams live below {}", server.url());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! The listener speaks HTTP/1.1, and HTTP/2 to clients that begin with it. It decides nothing: it hands requests
//! and the time to the [`Model`](crate::reference::Model), and carries back what comes out, as fast as each
//! client takes it. It sends the model's webhooks, by plain HTTP only: those that should go over TLS fail.

mod exchange;
mod shared;
mod webhooks;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::background::Background;
use crate::reference::Config;
use shared::Shared;

/// A running server, on a thread of its own. Dropping it ends it, with every connection.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Stays open over a restart, so that nobody else gets the port.
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    /// Gone while a restart is under way.
    background: Mutex<Option<Background>>,
}

impl Server {
    /// Starts a server on a free port of the loopback interface. Any executor will do.
    ///
    /// # Errors
    ///
    /// When no socket or thread can be had.
    ///
    /// # Cancel safety
    ///
    /// It waits for nothing: the future is done when it was polled once.
    pub async fn start(config: Config) -> io::Result<Self> {
        Self::bind((Ipv4Addr::LOCALHOST, 0), config).await
    }

    /// Starts a server on an address. Port 0 means any free port; [`address`](Self::address) tells which.
    ///
    /// # Errors
    ///
    /// When the address is taken, or is none of this machine's.
    ///
    /// # Cancel safety
    ///
    /// It waits for nothing: the future is done when it was polled once.
    pub async fn bind(address: impl ToSocketAddrs, config: Config) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let server = Self {
            address,
            listener,
            shared: Arc::new(Shared::new(config)),
            background: Mutex::default(),
        };
        server.begin()?;
        Ok(server)
    }

    fn begin(&self) -> io::Result<()> {
        let listener = self.listener.try_clone()?;
        let shared = Arc::clone(&self.shared);
        let background = Background::start("embedded-server", move || run(listener, shared))?;
        *self.background() = Some(background);
        Ok(())
    }

    fn background(&self) -> MutexGuard<'_, Option<Background>> {
        // It is whole at any time.
        let background = self.background.lock();
        background.unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the server, without a trailing slash: `http://127.0.0.1:4437`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests are being answered now, live readers among them.
    #[must_use]
    pub fn open_exchanges(&self) -> usize {
        self.shared.open_exchanges()
    }

    /// Ends every connection, as a server does that ends and is started again, and goes on with what is stored. Clients that
    /// connect meanwhile have to wait.
    ///
    /// # Errors
    ///
    /// When no thread can be had. The server has ended then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave the server ended.
    pub async fn restart(&self) -> io::Result<()> {
        let background = self.background().take();
        if let Some(background) = background {
            background.shutdown().await;
        }
        self.shared.restarted();
        self.begin()
    }

    /// Ends the server and every connection, and waits until that is done.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the server all the same; only the waiting is cut short.
    pub async fn shutdown(self) {
        let background = self.background().take();
        if let Some(background) = background {
            background.shutdown().await;
        }
    }
}

async fn run(listener: std::net::TcpListener, shared: Arc<Shared>) {
    // It fails where there is no reactor, and the thread of a server has one.
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    tokio::join!(
        accept(listener, Arc::clone(&shared)),
        webhooks::send(Arc::clone(&shared)),
        keep_time(shared)
    );
}

/// Takes connections. The tasks that serve them belong to this one and end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    connections.spawn(serve(socket, Arc::clone(&shared)));
                }
                // Out of sockets, or a client that left at once: neither is helped by a busy loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(socket: TcpStream, shared: Arc<Shared>) {
    // Small events must not wait for company. A socket that refuses the option serves as well, only later.
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(exchange::answer(shared, request).await) }
    });
    // An error here is a client that broke off or spoke no HTTP; its exchanges were cancelled on the way.
    let _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(socket), service)
        .await;
}

/// Ticks the model when it has something to do.
async fn keep_time(shared: Arc<Shared>) {
    loop {
        match shared.next_deadline() {
            None => shared.deadline_moved().await,
            Some(deadline) => {
                tokio::select! {
                    () = tokio::time::sleep_until(deadline) => shared.tick(),
                    () = shared.deadline_moved() => {}
                }
            }
        }
    }
}
