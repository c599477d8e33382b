//! What failures are, and what they show.

use std::net::Ipv4Addr;

use durable_streams_conformance::script::{Reply, ScriptServer};
use durable_streams_hyper::{FailureKind, HyperTransport};
use tokio::net::TcpSocket;

use super::support::{complete, fail, post, read, send, shown, transport};

#[tokio::test]
async fn a_refused_connection_is_no_connection() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("http://{}/?token=secret", socket.local_addr().unwrap());
    let error = fail(&transport(), post(&url)).await;
    assert_eq!(error.kind(), FailureKind::Connect);
    assert!(!error.kind().may_have_been_sent());
    assert!(!shown(&error).contains("secret"), "{}", shown(&error));
}

#[tokio::test]
async fn what_ends_early_may_have_been_sent_and_shows_no_credentials() {
    let server = ScriptServer::start().await.unwrap();
    let cut = Reply::new(200).content_length(10).body("a").then_close();
    let garbled = Reply::raw("nonsense\r\n\r\n").then_close();
    server.replies([Reply::close(), Reply::reset(), garbled, cut]);
    let transport = transport();
    for _ in 0..4 {
        let mut request = post(&server.url("/a?token=secret"));
        request
            .headers_mut()
            .insert("authorization", "Bearer secret".parse().unwrap());
        let error = fail(&transport, request).await;
        assert_eq!(error.kind(), FailureKind::Interrupted, "{}", shown(&error));
        assert!(std::error::Error::source(&error).is_some());
        assert!(!shown(&error).contains("secret"), "{}", shown(&error));
    }
    server.assert_finished();
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error_after_what_was_there() {
    let server = ScriptServer::start().await.unwrap();
    let cut = Reply::new(200).content_length(10).body("abc").then_close();
    server.replies([cut, Reply::new(200).body("abc").until_close()]);
    let transport = transport();
    let answer = send(&transport, post(&server.url("/"))).await.unwrap();
    let (body, error) = read(answer).await;
    assert_eq!(body, "abc");
    assert_eq!(error.unwrap().kind(), FailureKind::Interrupted);
    let answer = send(&transport, post(&server.url("/"))).await.unwrap();
    assert_eq!(complete(answer).await, "abc");
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[tokio::test]
async fn https_is_refused_without_tls() {
    let error = fail(&transport(), post("https://127.0.0.1:1/")).await;
    assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
}

#[test]
fn nothing_of_a_client_is_shown() {
    assert_eq!(format!("{:?}", transport()), "HyperTransport { .. }");
    let builder = format!("{:?}", HyperTransport::builder());
    assert!(builder.starts_with("HyperTransportBuilder { connect_timeout: 10s"));
}
