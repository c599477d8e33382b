//! What is particular to this transport: names, limits, proxies, TLS and HTTP/2 as reqwest has them. The rest is the kit's.

#[path = "transport/blocking.rs"]
mod blocking;
#[path = "transport/forks.rs"]
mod forks;
#[path = "transport/streams.rs"]
mod streams;

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use durable_streams_conformance::script::{Reply, ScriptServer};
use durable_streams_reqwest::{Body, FailureKind, ReqwestTransport, Transport, TransportError};
use futures_util::StreamExt;
use http::{HeaderMap, Method, Request, Response};
use reqwest::ClientBuilder;
use reqwest::dns::{Name, Resolve, Resolving};

fn transport(client: ClientBuilder) -> ReqwestTransport {
    client.build().unwrap().into()
}

async fn serve(replies: impl IntoIterator<Item = Reply>) -> ScriptServer {
    let server = ScriptServer::start().await.unwrap();
    server.replies(replies);
    server
}

async fn send(transport: &ReqwestTransport, url: &str) -> Result<Response<Body>, TransportError> {
    let request = Request::builder().method(Method::POST).uri(url);
    let request = request.body(Bytes::from_static(b"data")).unwrap();
    let sent = tokio::time::timeout(Duration::from_secs(30), transport.send(request));
    sent.await.expect("this hangs")
}

async fn fail(transport: &ReqwestTransport, url: &str) -> TransportError {
    let mut answer = match send(transport, url).await {
        Ok(answer) => answer,
        Err(error) => return error,
    };
    while let Some(chunk) = answer.body_mut().next().await {
        if let Err(error) = chunk {
            return error;
        }
    }
    panic!("{url} is answered: {answer:?}");
}

async fn body(answer: Response<Body>) -> BytesMut {
    let mut body = BytesMut::new();
    let mut chunks = answer.into_body();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.unwrap());
    }
    body
}

/// Everything that a log could show of an error.
fn shown(error: &TransportError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(&format!(", {error} {error:?}"));
        source = error.source();
    }
    text
}

struct Resolver(fn() -> Resolving);

impl Resolve for Resolver {
    fn resolve(&self, _: Name) -> Resolving {
        (self.0)()
    }
}

fn resolving(resolve: fn() -> Resolving) -> ClientBuilder {
    let resolver = Arc::new(Resolver(resolve));
    ReqwestTransport::client_builder().dns_resolver(resolver)
}

#[tokio::test]
async fn a_name_that_is_not_known_is_no_connection() {
    let transport = transport(resolving(|| Box::pin(async { Err("no such host".into()) })));
    // The word that a certificate error is known by has no effect in a name.
    let error = fail(&transport, "http://certificate.example/?certificate").await;
    assert_eq!(error.kind(), FailureKind::Connect);
    assert!(shown(&error).contains("no such host"));
}

#[tokio::test]
async fn a_name_that_takes_too_long_is_no_connection() {
    let client = resolving(|| Box::pin(std::future::pending()));
    let transport = transport(client.connect_timeout(Duration::from_millis(1)));
    let error = fail(&transport, "http://slow.example/").await;
    assert_eq!(error.kind(), FailureKind::Connect);
}

#[tokio::test]
async fn a_limit_of_the_applications_client_is_a_timeout() {
    let (begun, _live) = Reply::live(200);
    let server = serve([begun]).await;
    server.answer_with(|_, _| Reply::hang());
    let client = ReqwestTransport::client_builder().timeout(Duration::from_millis(50));
    let transport = transport(client);
    for _ in 0..2 {
        let error = fail(&transport, &server.url("/a")).await;
        assert_eq!(error.kind(), FailureKind::Timeout);
        assert!(error.kind().may_have_been_sent());
    }
}

#[tokio::test]
async fn the_applications_headers_are_sent_and_not_shown() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer secret".parse().unwrap());
    let transport = transport(ReqwestTransport::client_builder().default_headers(headers));
    assert_eq!(format!("{transport:?}"), "ReqwestTransport { .. }");
    let server = serve([Reply::close()]).await;
    let error = fail(&transport, &server.url("/a?token=secret")).await;
    assert!(!shown(&error).contains("secret"), "{}", shown(&error));
    let sent = &server.requests()[0];
    assert_eq!(sent.header("authorization"), Some("Bearer secret"));
}

#[tokio::test]
async fn a_proxy_is_used_where_one_is_given() {
    let proxy = serve([Reply::new(200).body("by the proxy")]).await;
    let given = reqwest::Proxy::http(proxy.url("")).unwrap();
    let transport = transport(ReqwestTransport::client_builder().proxy(given));
    let answer = send(&transport, "http://streams.example/a").await.unwrap();
    assert_eq!(body(answer).await, "by the proxy");
    assert_eq!(proxy.requests()[0].target, "http://streams.example/a");
    assert_eq!(proxy.requests()[0].body, "data");
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[tokio::test]
async fn https_is_refused_without_tls() {
    let transport = ReqwestTransport::new().unwrap();
    let error = fail(&transport, "https://127.0.0.1:1/").await;
    assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
}

#[cfg(any(feature = "rustls", feature = "native-tls"))]
#[tokio::test]
async fn the_version_is_negotiated() {
    use durable_streams_conformance::script::Authority;
    use http::Version;

    let authority = Authority::new().unwrap();
    let server = ScriptServer::start_tls(&authority).await.unwrap();
    server.answer_with(|_, _| Reply::new(200).body("well"));
    let trusting = || {
        let root = reqwest::Certificate::from_pem(authority.root_pem().as_bytes()).unwrap();
        ReqwestTransport::client_builder().tls_certs_only([root])
    };
    let newest = if cfg!(feature = "http2") {
        Version::HTTP_2
    } else {
        Version::HTTP_11
    };
    for (client, version) in [
        (trusting(), newest),
        (trusting().http1_only(), Version::HTTP_11),
    ] {
        let answer = send(&transport(client), &server.url("/a")).await.unwrap();
        assert_eq!(answer.version(), version);
        assert_eq!(body(answer).await, "well");
        assert_eq!(server.requests().pop().unwrap().version, version);
    }
}
