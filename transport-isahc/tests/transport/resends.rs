//! libcurl repeats what a used connection loses. It is kept from that wherever it counts.

use std::io::{self, Read};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;

use bytes::Bytes;
use durable_streams_conformance::script::{Reply, ScriptServer};
use durable_streams_isahc::{FailureKind, IsahcTransport};
use http::{Method, Request};
use isahc::HttpClient;

use super::support::{block_on, fail, fetch, get, post, request, serve, shown, transport};

/// Ends of a connection by a server that has read the request.
fn ends() -> [Reply; 3] {
    [
        Reply::close(),
        Reply::reset(),
        Reply::raw("HTTP/1.1 2").then_close(),
    ]
}

/// A server whose first connection is used and idle, and ends like this with the second request.
async fn used(transport: &IsahcTransport, end: Reply) -> ScriptServer {
    let server = serve([Reply::new(200).body("first"), end]).await;
    assert_eq!(fetch(transport, get(&server)).await, "first");
    server
}

/// Sends this to a server that reads it on a used connection and then ends that. It must arrive once.
async fn arrives_once(transport: &IsahcTransport, method: Method, content: Bytes) {
    for end in ends() {
        let server = used(transport, end).await;
        let sent = Request::builder()
            .method(method.clone())
            .uri(server.url("/second"))
            .body(content.clone())
            .unwrap();
        let error = fail(transport, sent).await;
        let kind = error.kind();
        assert_eq!(kind, FailureKind::Interrupted, "{method} {}", shown(&error));
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{method} arrives more than once");
        assert_eq!(requests[1].body, content);
        // There is no third one under way: this would find it in its place.
        server.reply(Reply::new(200).body("third"));
        assert_eq!(fetch(transport, get(&server)).await, "third");
        server.assert_finished();
    }
}

#[test]
fn content_arrives_once() {
    block_on(async {
        let transport = transport();
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            arrives_once(&transport, method, Bytes::from_static(b"data")).await;
        }
    });
}

/// What is more than libcurl takes and sends at once.
#[test]
fn large_content_arrives_once() {
    block_on(async {
        let content = Bytes::from(vec![b'a'; 1 << 20]);
        arrives_once(&transport(), Method::POST, content).await;
    });
}

#[test]
fn what_changes_something_without_content_arrives_once() {
    block_on(async {
        let transport = transport();
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            arrives_once(&transport, method, Bytes::new()).await;
        }
    });
}

/// It is a connection that was not used which keeps these from being sent again.
#[test]
fn what_changes_something_without_content_has_a_new_connection() {
    block_on(async {
        let server = serve([]).await;
        server.answer_with(|_, _| Reply::new(200).body("done"));
        let transport = transport();
        let close = || request(Method::POST, &server.url("/"), "");
        for sent in [get(&server), close(), close(), post(&server), close()] {
            assert_eq!(fetch(&transport, sent).await, "done");
        }
        let connections: Vec<_> = server.requests().iter().map(|one| one.connection).collect();
        assert_eq!(connections, [0, 1, 2, 2, 3]);
    });
}

/// With the defaults of isahc, which are those of libcurl.
#[test]
fn content_arrives_once_with_any_client() {
    block_on(async {
        let transport = IsahcTransport::from(HttpClient::new().unwrap());
        arrives_once(&transport, Method::POST, Bytes::from_static(b"data")).await;
    });
}

/// The tests above would show nothing if libcurl had stopped doing what they are about.
#[test]
fn a_read_may_be_repeated() {
    block_on(async {
        let transport = transport();
        let server = used(&transport, Reply::close()).await;
        server.reply(Reply::new(200).body("again"));
        assert_eq!(fetch(&transport, get(&server)).await, "again");
        assert_eq!(server.requests().len(), 3);
    });
}

/// Answers one request, reads another, and is gone.
fn serve_twice() -> io::Result<String> {
    fn read_head(stream: &mut TcpStream) -> io::Result<()> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.extend(byte);
        }
        Ok(())
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}/", listener.local_addr()?);
    thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        read_head(&mut stream)?;
        io::Write::write_all(
            &mut stream,
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst",
        )?;
        read_head(&mut stream)?;
        drop(listener);
        stream.shutdown(Shutdown::Write)?;
        // Until the client closes it, so that the end is an orderly one.
        stream.read_to_end(&mut Vec::new())
    });
    Ok(url)
}

/// libcurl tries a new connection, and reports that. What counts is that the request was sent before.
#[test]
fn what_was_sent_is_not_taken_for_a_connection_that_was_not_made() {
    block_on(async {
        let transport = transport();
        for (method, content) in [(Method::POST, "data"), (Method::GET, "")] {
            let url = serve_twice().unwrap();
            let first = request(Method::GET, &url, "");
            assert_eq!(fetch(&transport, first).await, "first");
            let error = fail(&transport, request(method.clone(), &url, content)).await;
            let kind = error.kind();
            assert_eq!(kind, FailureKind::Interrupted, "{method} {}", shown(&error));
        }
    });
}
