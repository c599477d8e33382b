//! Addresses without a server: where nobody listens, where nobody answers, and where nobody speaks TLS.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::task::Poll;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

use crate::background::Background;

/// An address, kept from others until this is dropped.
pub(super) struct Place {
    address: SocketAddr,
    _kept: Box<dyn Any + Send + Sync>,
}

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

impl Place {
    /// A port that is bound, so that nobody else gets it, and that nobody listens on.
    pub(super) fn nobody() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(any_port())?;
        Ok(Self {
            address: socket.local_addr()?,
            _kept: Box::new(socket),
        })
    }

    /// Connections are made, and nothing comes back on them.
    pub(super) fn silent() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(any_port())?;
        Ok(Self {
            address: listener.local_addr()?,
            _kept: Box::new(listener),
        })
    }

    /// No connection is made, and none is refused: the queue of those that wait to be accepted is full.
    pub(super) async fn unreachable() -> io::Result<Self> {
        /// More than any system lets wait for a listener that wants none.
        const FILLING: usize = 16;
        Self::kept("full-listener", |ready| async move {
            let socket = TcpSocket::new_v4()?;
            socket.bind(any_port())?;
            let listener = socket.listen(1)?;
            let address = listener.local_addr()?;
            let mut filling = pin!(join_all((0..FILLING).map(|_| TcpStream::connect(address))));
            // When this was polled once all of them are under way.
            let begin = poll_fn(|cx| Poll::Ready(filling.as_mut().poll(cx)));
            if begin.await.is_ready() {
                return Err(io::Error::other(
                    "the system lets any number of connections wait",
                ));
            }
            // It fails when the case is over.
            let _ = ready.send(address);
            filling.await;
            drop(listener);
            Ok(())
        })
        .await
    }

    /// Everybody gets an answer of HTTP, and nobody TLS.
    pub(super) async fn without_tls() -> io::Result<Self> {
        Self::kept("listener-without-tls", |ready| async move {
            let listener = TcpListener::bind(any_port()).await?;
            // It fails when the case is over.
            let _ = ready.send(listener.local_addr()?);
            loop {
                let (mut stream, _) = listener.accept().await?;
                // The greeting is read, so that the end is an orderly one. A client that is gone already is served, too.
                let mut greeting = Vec::with_capacity(1 << 16);
                if stream.read_buf(&mut greeting).await.is_ok() {
                    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                }
            }
        })
        .await
    }

    async fn kept<F: Future<Output = io::Result<()>>>(
        name: &str,
        keep: impl FnOnce(oneshot::Sender<SocketAddr>) -> F + Send + 'static,
    ) -> io::Result<Self> {
        let (ready, address) = oneshot::channel();
        let background = Background::start(name, move || async move {
            // An error before the address is known is told by its absence.
            let _ = keep(ready).await;
        })?;
        let address = address.await.map_err(io::Error::other)?;
        Ok(Self {
            address,
            _kept: Box::new(background),
        })
    }

    pub(super) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}/", self.address)
    }
}
