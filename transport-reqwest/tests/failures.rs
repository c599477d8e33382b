//! What failures are classified as, and what they show.

mod support;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use durable_streams_conformance::script::Reply;
use durable_streams_reqwest::{FailureKind, ReqwestTransport};
use http::{HeaderMap, Method};
use reqwest::dns::{Name, Resolve, Resolving};
use support::{fail, get, post, read, request, send, serve, shown, transport};
use tokio::net::TcpSocket;

#[tokio::test]
async fn a_refused_connection_is_no_connection() {
    // Bound, so that nobody else gets the port, but not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let url = format!("http://{}/?token=secret", socket.local_addr().unwrap());
    let error = fail(&transport(), request(Method::POST, &url, "data")).await;
    assert_eq!(error.kind(), FailureKind::Connect);
    assert!(!error.kind().may_have_been_sent());
    assert!(!shown(&error).contains("secret"), "{}", shown(&error));
}

struct Resolver(fn() -> Resolving);

impl Resolve for Resolver {
    fn resolve(&self, _: Name) -> Resolving {
        (self.0)()
    }
}

fn resolving(resolve: fn() -> Resolving) -> reqwest::ClientBuilder {
    let resolver = Arc::new(Resolver(resolve));
    ReqwestTransport::client_builder().dns_resolver(resolver)
}

#[tokio::test]
async fn a_name_that_is_not_known_is_no_connection() {
    let client = resolving(|| Box::pin(async { Err("no such host".into()) }));
    let transport = ReqwestTransport::from(client.build().unwrap());
    // The word that a certificate error is known by has no effect in a name.
    let unknown = request(Method::GET, "http://certificate.example/?certificate", "");
    let error = fail(&transport, unknown).await;
    assert_eq!(error.kind(), FailureKind::Connect);
    assert!(shown(&error).contains("no such host"));
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_no_connection() {
    let client = resolving(|| Box::pin(std::future::pending()));
    let client = client.connect_timeout(Duration::from_millis(1)).build();
    let transport = ReqwestTransport::from(client.unwrap());
    let error = fail(&transport, request(Method::GET, "http://slow.example/", "")).await;
    assert_eq!(error.kind(), FailureKind::Connect);
}

#[tokio::test]
async fn an_answer_that_ends_early_may_have_been_sent() {
    let replies = || {
        [
            Reply::reset(),
            Reply::close(),
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Le").then_close(),
            Reply::raw("SSH-2.0-OpenSSH_9.9\r\n\r\n").then_close(),
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: none\r\n\r\n").then_close(),
        ]
    };
    let transport = transport();
    for number in 0..replies().len() {
        let reply = replies().into_iter().nth(number);
        let server = serve(reply).await;
        let error = send(&transport, post(&server)).await.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Interrupted, "{number}");
        assert!(error.kind().may_have_been_sent());
        server.assert_finished();
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let server = serve([
        Reply::new(200).body("abc").content_length(10).then_close(),
        Reply::new(200)
            .body("abc")
            .content_length(10)
            .reset_after(3),
        Reply::new(200)
            .body("abc")
            .content_length(10)
            .byte_by_byte()
            .cut_after(3),
        Reply::new(200).pieces(["ab", "cde"]).chunked().cut_after(3),
        Reply::new(200).body("abc").chunked().cut_after(9),
        Reply::raw(format!("{chunked}x\r\n")).then_close(),
        Reply::raw(format!("{chunked}3\r\nabcdef\r\n")).then_close(),
        Reply::raw(format!("{chunked}ffffffffffffffffffff\r\n")).then_close(),
        Reply::raw(format!("{chunked}0\r\n")).then_close(),
    ])
    .await;
    let transport = transport();
    for number in 0..9 {
        let answer = send(&transport, get(&server)).await.unwrap();
        let (body, error) = read(answer).await;
        let error = error.unwrap_or_else(|| panic!("reply {number} ended with {body:?}"));
        assert_eq!(error.kind(), FailureKind::Interrupted, "reply {number}");
        assert!(b"abcabc".starts_with(&body), "reply {number} gave {body:?}");
    }
    server.assert_finished();
}

#[tokio::test]
async fn a_limit_of_the_applications_client_is_a_timeout() {
    let (begun, _live) = Reply::live(200);
    let server = serve([begun]).await;
    server.answer_with(|_, _| Reply::hang());
    let client = ReqwestTransport::client_builder();
    let client = client.timeout(Duration::from_millis(50)).build();
    let transport = ReqwestTransport::from(client.unwrap());
    for _ in 0..2 {
        let error = fail(&transport, post(&server)).await;
        assert_eq!(error.kind(), FailureKind::Timeout);
        assert!(error.kind().may_have_been_sent());
    }
}

#[tokio::test]
async fn a_url_that_no_request_can_have_is_refused() {
    for url in [
        "ftp://h/a?token=secret",
        "unix://h/?token=secret",
        "/a?token=secret",
        "h:80",
    ] {
        let error = fail(&transport(), request(Method::GET, url, "")).await;
        assert_eq!(error.kind(), FailureKind::Refused, "{url}");
        assert!(!shown(&error).contains("secret"), "{}", shown(&error));
    }
}

#[tokio::test]
async fn credentials_are_not_shown() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer secret".parse().unwrap());
    let client = ReqwestTransport::client_builder().default_headers(headers);
    let transport = ReqwestTransport::from(client.build().unwrap());
    assert_eq!(format!("{transport:?}"), "ReqwestTransport { .. }");

    let server = serve([
        Reply::close(),
        Reply::raw("nonsense\r\n\r\n").then_close(),
        Reply::new(200).content_length(10).body("a").then_close(),
    ])
    .await;
    for _ in 0..3 {
        let url = server.url("/a?token=secret");
        let mut request = request(Method::POST, &url, "secret");
        request
            .headers_mut()
            .insert("x-key", "secret".parse().unwrap());
        let error = fail(&transport, request).await;
        assert!(std::error::Error::source(&error).is_some());
        assert!(!shown(&error).contains("secret"), "{}", shown(&error));
    }
    assert_eq!(
        server.requests()[0].header("authorization"),
        Some("Bearer secret")
    );
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[tokio::test]
async fn https_is_refused_without_tls() {
    let error = fail(
        &transport(),
        request(Method::GET, "https://127.0.0.1:1/", ""),
    )
    .await;
    assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod tls {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

    use super::*;

    /// A server whose certificate nobody signed but itself. It is good for one connection, and gives what became of it.
    async fn self_signed() -> (String, JoinHandle<bool>) {
        let certificate = CertificateDer::from(&include_bytes!("tls/certificate.der")[..]);
        let key = PrivatePkcs8KeyDer::from(&include_bytes!("tls/key.der")[..]);
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.into())
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let accepted = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
            accepted.is_ok()
        });
        (format!("https://localhost:{port}/?token=secret"), accepted)
    }

    #[tokio::test]
    async fn a_certificate_that_is_not_trusted_is_refused() {
        let (url, accepted) = self_signed().await;
        let error = fail(&transport(), request(Method::POST, &url, "data")).await;
        assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
        assert!(!shown(&error).contains("secret"), "{}", shown(&error));
        assert!(!accepted.await.unwrap());
    }

    #[tokio::test]
    async fn a_server_that_does_not_speak_tls_is_no_connection() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // The greeting of TLS is read, so that the end is an orderly one.
            stream
                .read_buf(&mut Vec::with_capacity(1 << 16))
                .await
                .unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .await
                .unwrap();
        });
        let error = fail(&transport(), request(Method::POST, &url, "data")).await;
        assert_eq!(error.kind(), FailureKind::Connect, "{}", shown(&error));
    }
}
