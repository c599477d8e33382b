//! Connections that are made in other ways.

use std::future::{Ready, ready};
use std::io;

use durable_streams_hyper::{FailureKind, HyperTransport};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tower::service_fn;

use super::support::{fail, get, shown};

pub(crate) fn over<C: Connect + Clone + Send + Sync + 'static>(connector: C) -> HyperTransport {
    let client: Client<C, Full<bytes::Bytes>> =
        Client::builder(TokioExecutor::new()).build(connector);
    HyperTransport::from(client)
}

#[cfg(unix)]
mod sockets {
    use tokio::net::UnixStream;

    use super::super::support::{complete, echo, post, send};
    use super::*;

    /// Every connection is a pair of sockets, and this gets the other end.
    fn to(serve: fn(UnixStream)) -> HyperTransport {
        over(service_fn(move |_| {
            ready(UnixStream::pair().map(|(ours, theirs)| {
                serve(theirs);
                TokioIo::new(ours)
            }))
        }))
    }

    #[tokio::test]
    async fn any_connector_will_do() {
        let transport = to(|theirs| {
            tokio::spawn(echo(theirs));
        });
        for _ in 0..2 {
            let answer = send(&transport, post("http://anything/a?b=c")).await;
            assert_eq!(complete(answer.unwrap()).await, "HTTP/1.1 POST /a?b=c");
        }
    }

    /// The request meets a connection that is closed, or is not even given to it.
    #[tokio::test]
    async fn a_connection_that_is_closed_from_the_start_is_no_connection() {
        let known_to_be = over(service_fn(|_| {
            Box::pin(async {
                let (ours, theirs) = UnixStream::pair()?;
                drop(theirs);
                ours.readable().await?;
                io::Result::Ok(TokioIo::new(ours))
            })
        }));
        for transport in [to(drop), known_to_be] {
            let error = fail(&transport, post("http://anything/")).await;
            assert_eq!(error.kind(), FailureKind::Connect, "{}", shown(&error));
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_closed_for_an_answer_is_interrupted() {
        let transport = to(|theirs| {
            tokio::spawn(async move {
                theirs.readable().await.unwrap();
                assert_ne!(theirs.try_read(&mut [0; 1 << 12]).unwrap(), 0);
            });
        });
        let error = fail(&transport, post("http://anything/")).await;
        assert_eq!(error.kind(), FailureKind::Interrupted, "{}", shown(&error));
    }
}

#[tokio::test]
async fn a_name_that_is_not_known_is_no_connection() {
    let resolver = service_fn(|_: Name| async {
        Err::<std::vec::IntoIter<_>, _>(io::Error::other("no such host"))
    });
    let transport = over(HttpConnector::new_with_resolver(resolver));
    // The word that a certificate error is known by has no effect in a name.
    let error = fail(&transport, get("http://certificate.example/?certificate")).await;
    assert_eq!(error.kind(), FailureKind::Connect);
    assert!(shown(&error).contains("no such host"));
}

#[tokio::test]
async fn https_over_a_connector_without_tls_is_refused() {
    let error = fail(&over(HttpConnector::new()), get("https://127.0.0.1:1/")).await;
    assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
}

#[tokio::test]
async fn a_url_that_no_request_can_have_gets_no_connection() {
    let transport = over(service_fn(|_| -> Ready<io::Result<TokioIo<TcpStream>>> {
        panic!("asked for a connection")
    }));
    for url in [
        "ftp://h/a?token=secret",
        "unix://h/?token=secret",
        "/a?token=secret",
        "h:80",
        "*",
    ] {
        let error = fail(&transport, get(url)).await;
        assert_eq!(error.kind(), FailureKind::Refused, "{url}");
        assert!(!shown(&error).contains("secret"), "{}", shown(&error));
    }
}
