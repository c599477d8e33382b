//! What failures are classified as, and what they show.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use durable_streams_conformance::script::Reply;
use durable_streams_isahc::{FailureKind, IsahcTransport, TransportError};
use http::{HeaderMap, Method, Uri};
use isahc::config::Configurable;
use smol::future::zip;

use super::support::{block_on, fail, get, post, request, serve, shown, transport};

/// POST with content, and GET without: what says whether they were sent is not the same.
fn both(url: &str) -> [http::Request<bytes::Bytes>; 2] {
    [
        request(Method::POST, url, "data"),
        request(Method::GET, url, ""),
    ]
}

fn assert_kind(error: &TransportError, expected: FailureKind) {
    assert_eq!(error.kind(), expected, "{}", shown(error));
}

#[test]
fn a_name_that_is_not_known_is_no_connection() {
    block_on(async {
        for sent in both("http://certificate.invalid/?certificate") {
            assert_kind(&fail(&transport(), sent).await, FailureKind::Connect);
        }
    });
}

/// The listener accepts nothing, so what speaks first waits for it.
#[test]
fn a_connection_that_is_not_made_in_time_is_no_connection() {
    block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let proxy: Uri = format!("socks5://{address}").parse().unwrap();
        let limit = Duration::from_millis(50);
        let transport =
            IsahcTransport::with(move |client| client.proxy(proxy.clone()).connect_timeout(limit));
        let transport = transport.unwrap();
        for sent in both("http://127.0.0.1:1/") {
            assert_kind(&fail(&transport, sent).await, FailureKind::Connect);
        }
    });
}

#[test]
fn a_limit_of_the_applications_client_is_a_timeout() {
    block_on(async {
        let (begun, live) = Reply::live(200);
        let server = serve([begun]).await;
        server.answer_with(|_, _| Reply::hang());
        // Not over before the requests are sent.
        let limit = Duration::from_secs(1);
        let transport = IsahcTransport::with(move |client| client.timeout(limit)).unwrap();
        live.send("a part");
        let within_a_body = fail(&transport, get(&server)).await;
        let (get, post) = zip(
            fail(&transport, get(&server)),
            fail(&transport, post(&server)),
        )
        .await;
        for error in [within_a_body, get, post] {
            assert_kind(&error, FailureKind::Timeout);
            assert!(error.kind().may_have_been_sent());
        }
    });
}

#[test]
fn credentials_are_not_shown() {
    block_on(async {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer secret".parse().unwrap());
        let transport =
            IsahcTransport::with(move |client| client.default_headers(&headers)).unwrap();
        assert_eq!(format!("{transport:?}"), "IsahcTransport { .. }");

        let server = serve([
            Reply::close(),
            Reply::raw("nonsense\r\n\r\n").then_close(),
            Reply::new(200).content_length(10).body("a").then_close(),
        ])
        .await;
        for _ in 0..3 {
            let url = server.url("/a?token=secret");
            let mut sent = request(Method::POST, &url, "secret");
            let headers = sent.headers_mut();
            headers.insert("x-key", "secret".parse().unwrap());
            let error = fail(&transport, sent).await;
            assert!(std::error::Error::source(&error).is_some());
            assert!(!shown(&error).contains("secret"), "{}", shown(&error));
        }
        let sent = &server.requests()[0];
        assert_eq!(sent.header("authorization"), Some("Bearer secret"));
    });
}

/// It has no address, which otherwise says that there was a connection.
#[cfg(unix)]
#[test]
fn what_was_sent_over_a_unix_socket_was_sent() {
    use std::io::Read;
    use std::os::unix::net::UnixListener;
    use std::thread;

    use isahc::net::Dialer;

    block_on(async {
        let path = std::env::temp_dir().join(format!("durable-streams-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let serving = thread::spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                assert!(stream.read(&mut [0; 1 << 16]).unwrap() > 0);
            }
        });
        let dial = Dialer::unix_socket(&path);
        let transport = IsahcTransport::with(move |client| client.dial(dial.clone())).unwrap();
        for sent in both("http://localhost/") {
            assert_kind(&fail(&transport, sent).await, FailureKind::Interrupted);
        }
        serving.join().unwrap();
        std::fs::remove_file(&path).unwrap();
        for sent in both("http://localhost/") {
            assert_kind(&fail(&transport, sent).await, FailureKind::Connect);
        }
    });
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[test]
fn https_is_refused_without_tls() {
    block_on(async {
        let sent = request(Method::GET, "https://127.0.0.1:1/", "");
        assert_kind(&fail(&transport(), sent).await, FailureKind::Refused);
    });
}
