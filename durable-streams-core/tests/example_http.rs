//! The HTTP of the blocking example, read against answers of every framing, and of none.
#![allow(
    clippy::disallowed_methods,
    reason = "the core has no clock and never sleeps: its driver does"
)]

#[path = "../examples/blocking/http.rs"]
mod http;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use ::http::{Method, Request};
use bytes::Bytes;
use durable_streams_core::FailureKind;

use self::http::{Exchange, Piece};

/// A request on its way to a server that only listens, and the server's end of the connection.
fn begin(method: Method, body: &'static str) -> (Exchange, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/a?offset=-1", listener.local_addr().unwrap());
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("x-a", "b");
    let request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
    let exchange = Exchange::begin(&request).unwrap();
    (exchange, listener.accept().unwrap().0)
}

/// What becomes of an answer: its status and body, or how it failed.
fn read(exchange: &mut Exchange) -> Result<(u16, String), FailureKind> {
    let (mut status, mut body) = (0, Vec::new());
    loop {
        match exchange.next(None) {
            Ok(Some(Piece::Head(head))) => status = head.status.as_u16(),
            Ok(Some(Piece::Chunk(chunk))) => body.extend_from_slice(&chunk),
            Ok(Some(Piece::End)) => return Ok((status, String::from_utf8(body).unwrap())),
            Ok(None) => panic!("there was no deadline"),
            Err(failure) => return Err(failure.kind),
        }
    }
}

fn answer(method: Method, text: &str) -> Result<(u16, String), FailureKind> {
    let (mut exchange, mut server) = begin(method, "");
    // The request was sent at once. It is read, so that the connection ends in an orderly way.
    assert!(server.read(&mut [0; 1024]).unwrap() > 0);
    let text = text.to_owned();
    // A client that has seen enough lets this fail.
    let writing = thread::spawn(move || drop(server.write_all(text.as_bytes())));
    let given = read(&mut exchange);
    drop(exchange);
    writing.join().unwrap();
    given
}

#[test]
fn a_request_is_written_as_it_is() {
    for (method, length, body) in [
        (Method::GET, "", ""),
        (Method::POST, "content-length: 0\r\n", ""),
        (Method::PUT, "content-length: 4\r\n", "data"),
    ] {
        let (exchange, mut server) = begin(method.clone(), body);
        let host = format!("host: {}", server.local_addr().unwrap());
        drop(exchange);
        let mut text = String::new();
        server.read_to_string(&mut text).unwrap();
        let head = format!("{method} /a?offset=-1 HTTP/1.1\r\n{host}\r\nconnection: close\r\n");
        assert_eq!(text, format!("{head}{length}x-a: b\r\n\r\n{body}"));
    }
}

#[test]
fn the_body_is_what_its_framing_says() {
    for (text, status, body) in [
        ("200 OK\r\nContent-Length: 3\r\n\r\nabcd", 200, "abc"),
        ("200 OK\r\nContent-Length: 0\r\n\r\n", 200, ""),
        (
            "200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            200,
            "abc",
        ),
        ("200 OK\r\n\r\nabc", 200, "abc"),
        (
            "409\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n",
            409,
            "abc",
        ),
        (
            "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: y\r\n\r\n",
            200,
            "",
        ),
        ("204 No Content\r\nContent-Length: 3\r\n\r\n", 204, ""),
        (
            "304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
            304,
            "",
        ),
        (
            "103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
            200,
            "a",
        ),
    ] {
        let given = answer(Method::GET, &format!("HTTP/1.1 {text}"));
        assert_eq!(given, Ok((status, body.into())), "{text:?}");
    }
    let to_head = answer(Method::HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    assert_eq!(to_head, Ok((200, String::new())));
}

#[test]
fn an_answer_that_is_cut_or_malformed_is_a_failure() {
    let huge = format!("200 OK\r\nx: {}\r\n\r\n", "y".repeat(70_000));
    let many = format!("200 OK\r\n{}\r\n", "x: y\r\n".repeat(20_000));
    for text in [
        "",
        "20",
        "200 OK\r\nContent-Length: 3\r\n\r\nab",
        "200 OK\r\nContent-Length: +3\r\n\r\nabc",
        "200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        "200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        &huge,
        &many,
    ] {
        let given = answer(Method::GET, &format!("HTTP/1.1 {text}"));
        assert_eq!(given, Err(FailureKind::Interrupted), "{text:?}");
    }
    assert_eq!(
        answer(Method::GET, "SSH-2.0\r\n\r\n"),
        Err(FailureKind::Interrupted)
    );
}

#[test]
fn a_deadline_ends_a_read_and_loses_nothing() {
    let text =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n0\r\nx: y\r\n\r\n";
    let (mut exchange, mut server) = begin(Method::GET, "");
    let mut body = Vec::new();
    let mut ended = false;
    for byte in text.bytes() {
        // The deadline is over already: what is there is read, and nothing is waited for.
        while let Some(piece) = exchange.next(Some(Instant::now())).unwrap() {
            if let Piece::Chunk(chunk) = piece {
                body.extend_from_slice(&chunk);
            }
        }
        server.write_all(&[byte]).unwrap();
    }
    while !ended {
        match exchange.next(None).unwrap().unwrap() {
            Piece::Chunk(chunk) => body.extend_from_slice(&chunk),
            Piece::End => ended = true,
            Piece::Head(_) => {}
        }
    }
    assert_eq!(body, b"ab");
}

#[test]
fn what_keeps_coming_does_not_put_the_deadline_off() {
    let (mut exchange, mut server) = begin(Method::GET, "");
    // More than a head may have, and it is all there: only the deadline ends this before the limit does.
    server.write_all(&[b'x'; 70_000]).unwrap();
    assert!(matches!(exchange.next(Some(Instant::now())), Ok(None)));
}

#[test]
fn what_was_not_sent_is_told_from_what_may_have_been() {
    let begin = |url: &str| {
        let request = Request::get(url).body(Bytes::new()).unwrap();
        Exchange::begin(&request).err().map(|failure| failure.kind)
    };
    assert_eq!(begin("https://127.0.0.1/"), Some(FailureKind::Refused));
    assert_eq!(begin("/a"), Some(FailureKind::Refused));
    // Port 0 is nobody's.
    assert_eq!(begin("http://127.0.0.1:0/"), Some(FailureKind::Connect));
}
