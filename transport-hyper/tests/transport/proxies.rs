//! Proxies, by the connectors of the stack.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use durable_streams_hyper::FailureKind;
use http::HeaderValue;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::connectors::over;
use super::support::{complete, echo, fail, get, send, shown};
use super::tls::{Config, authority, serve};

/// A proxy that knows CONNECT, and wants a password. It keeps the heads of its requests.
struct Proxy {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(tunnel(stream, Arc::clone(&seen)));
            }
        });
        Self { url, heads }
    }

    fn connector(&self) -> Tunnel<HttpConnector> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        Tunnel::new(self.url.parse().unwrap(), tcp)
    }

    /// What connections were asked for.
    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(stream: TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufStream::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).await.unwrap(), 0);
    }
    let target = head
        .split_whitespace()
        .nth(1)
        .unwrap()
        .replace("localhost", "127.0.0.1");
    let allowed = head.contains("Proxy-Authorization: secret\r\n");
    heads.lock().unwrap().push(head);
    let status = if allowed { "200 OK" } else { "407 Who" };
    let answer = format!("HTTP/1.1 {status}\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    if allowed {
        let mut server = TcpStream::connect(target).await.unwrap();
        // Either side may leave as it likes.
        let _ = copy_bidirectional(&mut stream, &mut server).await;
    }
}

fn password() -> HeaderValue {
    HeaderValue::from_static("secret")
}

#[tokio::test]
async fn requests_go_through_a_tunnel() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move { echo(listener.accept().await.unwrap().0).await });
    let proxy = Proxy::start().await;
    let transport = over(proxy.connector().with_auth(password()));
    for _ in 0..2 {
        let answer = send(&transport, get(&format!("http://{server}/a"))).await;
        assert_eq!(complete(answer.unwrap()).await, "HTTP/1.1 GET /a");
    }
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with(&format!("CONNECT {server} ")));
}

#[tokio::test]
async fn tls_goes_through_a_tunnel() {
    let authority = authority();
    let server = serve(&authority, Config::default()).await;
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let proxy = Proxy::start().await;
    let connector = proxy.connector().with_auth(password());
    let transport = over(hyper_rustls::HttpsConnector::from((connector, config)));
    let answer = send(&transport, get(&server.url)).await.unwrap();
    assert_eq!(complete(answer).await, "HTTP/1.1 GET /a?token=secret");
    assert_eq!(proxy.heads().len(), 1);
    assert!(!proxy.heads()[0].contains("token"));
}

#[tokio::test]
async fn a_proxy_that_turns_a_connection_down_is_no_connection() {
    let proxy = Proxy::start().await;
    let wrong = HeaderValue::from_static("wrong-secret");
    let transport = over(proxy.connector().with_auth(wrong));
    let error = fail(&transport, get("http://server.example/?token=secret")).await;
    assert_eq!(error.kind(), FailureKind::Connect, "{}", shown(&error));
    assert!(!shown(&error).contains("secret"), "{}", shown(&error));
}
