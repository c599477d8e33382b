use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ClosedBy, Gate, Reply, ScriptServer};

const GET: &str = "GET /a?b=1&c HTTP/1.1\r\nHost: h\r\n\r\n";

/// A limit for tests that would hang; none waits for it when it passes.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("the test hangs")
}

async fn serve(replies: impl IntoIterator<Item = Reply>) -> ScriptServer {
    let server = ScriptServer::start().await.unwrap();
    server.replies(replies);
    server
}

struct Peer(TcpStream);

impl Peer {
    async fn of(server: &ScriptServer) -> Self {
        Self(TcpStream::connect(server.address()).await.unwrap())
    }

    async fn ask(server: &ScriptServer, request: &str) -> Self {
        let mut peer = Self::of(server).await;
        peer.send(request).await;
        peer
    }

    async fn send(&mut self, text: &str) {
        within(self.0.write_all(text.as_bytes())).await.unwrap();
    }

    /// Reads until what was read ends like this.
    async fn until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.ends_with(end) {
            let byte = within(self.0.read_u8()).await;
            text.push(char::from(
                byte.unwrap_or_else(|_| panic!("ended after {text:?}")),
            ));
        }
        text
    }

    async fn rest(&mut self) -> io::Result<String> {
        let mut text = String::new();
        within(self.0.read_to_string(&mut text)).await?;
        Ok(text)
    }
}

#[tokio::test]
async fn a_request_is_recorded_as_it_was() {
    let server = serve([Reply::new(204)]).await;
    let text = "PUT /a%2Fb?x=%20&y HTTP/1.1\r\nhOST: h\r\nx-A: 1\r\nX-a:2 \r\ncontent-length: 3\r\n\r\nabc";
    let mut peer = Peer::ask(&server, text).await;
    assert_eq!(
        peer.until("\r\n\r\n").await,
        "HTTP/1.1 204 No Content\r\n\r\n"
    );
    let requests = within(server.wait_for_requests(1)).await;
    let request = &requests[0];
    assert_eq!((request.method.as_str(), request.connection), ("PUT", 0));
    assert_eq!(request.target, "/a%2Fb?x=%20&y");
    assert_eq!(
        (request.path(), request.query_param("x")),
        ("/a%2Fb", Some("%20"))
    );
    assert_eq!(request.query_param("y"), Some(""));
    assert_eq!(request.headers[0], ("hOST".to_owned(), "h".to_owned()));
    assert_eq!(request.header_all("x-a").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(request.body, "abc");
    assert!(request.head.ends_with(b"3\r\n\r\n"));
    server.assert_finished();
}

#[tokio::test]
async fn a_chunked_request_body_is_put_together() {
    let server = serve([Reply::new(204)]).await;
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n";
    let mut peer = Peer::ask(&server, head).await;
    assert_eq!(
        peer.until("\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    peer.send("2\r\nab\r\n1;x=y\r\nc\r\n0\r\nTrailer: t\r\n\r\n")
        .await;
    peer.until("\r\n\r\n").await;
    assert_eq!(server.requests()[0].body, "abc");
}

#[tokio::test]
async fn a_connection_is_kept_and_pipelined_requests_are_answered_in_order() {
    let server = serve([]).await;
    server
        .answer_with(|request, number| Reply::new(200).body(format!("{number}{}", request.path())));
    let mut peer = Peer::ask(&server, &GET.repeat(2)).await;
    peer.until("0/a").await;
    peer.until("1/a").await;
    assert_eq!((server.connections(), server.requests().len()), (1, 2));
    drop(peer);
    assert_eq!(within(server.wait_for_close(0)).await, ClosedBy::Peer);
}

#[tokio::test]
async fn a_request_beyond_the_script_is_answered_599_and_counted() {
    let server = serve([]).await;
    let answer = Peer::ask(&server, GET).await.rest().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 599 "));
    assert_eq!(server.unexpected_requests().len(), 1);
}

#[tokio::test]
async fn what_is_no_request_is_recorded() {
    let server = serve([]).await;
    let answer = Peer::ask(&server, "nonsense\r\n\r\n")
        .await
        .rest()
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "));
    assert_eq!(server.malformed(), ["request line \"nonsense\""]);
}

#[tokio::test]
async fn bodies_are_framed_as_asked() {
    let pieces = || Reply::new(200).pieces(["ab", "", "c"]);
    let server = serve([
        pieces().connection_close(),
        pieces().chunked().then_close(),
        pieces().until_close(),
        pieces().content_length(9).then_close(),
        pieces().header("CONTENT-length", "3").then_close(),
        Reply::raw("any\nthing").then_close(),
        Reply::new(200).informational(103).body("x").then_close(),
    ])
    .await;
    let mut answers = Vec::new();
    for _ in 0..7 {
        answers.push(Peer::ask(&server, GET).await.rest().await.unwrap());
    }
    assert_eq!(
        answers,
        [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nCONTENT-length: 3\r\n\r\nabc",
            "any\nthing",
            "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
        ]
    );
    server.assert_finished();
}

#[tokio::test]
async fn a_body_is_cut_where_asked() {
    let server = serve([
        Reply::new(200).body("abcdef").cut_after(4),
        Reply::new(200)
            .pieces(["abc", "def"])
            .chunked()
            .cut_after(4),
        Reply::new(200).body("abc").chunked().cut_after(9),
        Reply::new(200).body("abc").byte_by_byte().cut_after(0),
        Reply::close(),
    ])
    .await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        let answer = Peer::ask(&server, GET).await.rest().await.unwrap();
        answers.push(
            answer
                .split_once("\r\n\r\n")
                .unwrap_or_default()
                .1
                .to_owned(),
        );
    }
    assert_eq!(
        answers,
        ["abcd", "3\r\nabc\r\n3\r\nd", "3\r\nabc\r\n", "", ""]
    );
    assert_eq!(within(server.wait_for_close(4)).await, ClosedBy::Server);
}

#[tokio::test]
async fn a_reset_is_one() {
    let server = serve([Reply::reset(), Reply::new(200).body("abc").reset_after(1)]).await;
    for _ in 0..2 {
        let error = Peer::ask(&server, GET).await.rest().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn gates_hold_the_head_and_the_body() {
    let (head, body) = (Gate::new(), Gate::new());
    let reply = Reply::new(200).after(&head).body("a").gate(&body).body("b");
    let server = serve([reply.byte_by_byte()]).await;
    let mut peer = Peer::ask(&server, GET).await;
    within(server.wait_for_requests(1)).await;
    assert!(peer.0.try_read(&mut [0]).is_err());
    head.open();
    peer.until("\r\n\r\na").await;
    assert!(peer.0.try_read(&mut [0]).is_err());
    body.open();
    peer.until("b").await;
}

#[tokio::test]
async fn a_live_body_is_pushed_by_the_test() {
    let (reply, live) = Reply::live_sse();
    let (cut, cutting) = Reply::live(200);
    let server = serve([reply, cut]).await;
    let mut peer = Peer::ask(&server, GET).await;
    peer.until("chunked\r\n\r\n").await;
    live.event("control", "{}");
    peer.until("event: control\ndata: {}\n\n\r\n").await;
    live.end();
    peer.until("0\r\n\r\n").await;

    peer.send(GET).await;
    peer.until("\r\n\r\n").await;
    cutting.send("x");
    cutting.cut();
    assert_eq!(peer.rest().await.unwrap(), "1\r\nx\r\n");
}

#[tokio::test]
async fn a_peer_that_gives_up_is_noticed_while_a_reply_hangs() {
    let (reply, live) = Reply::live(200);
    let server = serve([Reply::hang(), reply]).await;
    for connection in 0..2 {
        let peer = Peer::ask(&server, GET).await;
        within(server.wait_for_requests(connection + 1)).await;
        drop(peer);
        assert_eq!(
            within(server.wait_for_close(connection)).await,
            ClosedBy::Peer
        );
    }
    within(live.gone()).await;
}

#[tokio::test]
async fn a_generated_body_waits_for_its_reader() {
    const SIZE: u64 = 512 << 20;
    let made = |at: u64, piece: &mut [u8]| piece.fill((at >> 16) as u8);
    let server = serve([Reply::new(200).generate(SIZE, made).cut_after(SIZE / 2)]).await;
    let mut peer = Peer::ask(&server, GET).await;
    peer.until(&format!("Content-Length: {SIZE}\r\n\r\n")).await;
    let mut buffer = vec![0; 1 << 16];
    for piece in 0..64_u8 {
        within(peer.0.read_exact(&mut buffer)).await.unwrap();
        assert!(buffer.iter().all(|byte| *byte == piece));
    }
    // The sockets hold some, but nowhere near all of it.
    assert!(server.body_bytes_sent() < SIZE / 4);
    drop(peer);
    assert_eq!(within(server.wait_for_close(0)).await, ClosedBy::Peer);
}

#[tokio::test]
async fn dropping_the_server_ends_its_connections() {
    let server = serve([Reply::hang()]).await;
    let mut peer = Peer::ask(&server, GET).await;
    within(server.wait_for_requests(1)).await;
    drop(server);
    assert_eq!(peer.rest().await.unwrap_or_default(), "");
}
