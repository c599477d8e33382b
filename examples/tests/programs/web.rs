//! The page of the web example, asked for as a browser does.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use durable_streams_conformance::embedded::Server;
use durable_streams_reqwest::{DurableStream, client};

use crate::running::{LIMIT, Running, start};

/// The web example, and where its page is.
pub(crate) fn web(root: &str, address: &str) -> (Running, String) {
    let mut running = start(env!("CARGO_BIN_EXE_web"), &[root, address]);
    let mut stdout = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let page = stdout.find_map(|line| {
        let line = line.unwrap();
        line.strip_prefix("page       http://")
            .map(|page| page.trim_end_matches('/').to_owned())
    });
    (running, page.expect("it ended before it listened"))
}

/// Sends a request and gives what comes, line by line.
fn ask(address: &str, request: &str) -> impl Iterator<Item = String> + use<> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.write_all(request.as_bytes()).unwrap();
    BufReader::new(socket).lines().map_while(Result::ok)
}

/// A browser's `EventSource`: gives the events behind the one that it received last, as ids and lines.
fn tail(address: &str, last: &str) -> impl Iterator<Item = (String, Vec<String>)> + use<> {
    let request = format!("GET /lines?after= HTTP/1.1\r\nhost: h\r\nlast-event-id: {last}\r\n\r\n");
    let mut lines = ask(address, &request);
    std::iter::from_fn(move || {
        let (mut id, mut data) = (None, None);
        for line in lines.by_ref() {
            if let Some(text) = line.strip_prefix("id: ") {
                id = Some(text.to_owned());
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = Some(serde_json::from_str(text).unwrap());
            }
            if id.is_some() && data.is_some() {
                return id.zip(data);
            }
        }
        None
    })
}

async fn say(lines: &DurableStream, line: &str) {
    lines.append_json(line).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_where_it_was_after_a_restart_and_begins_anew_after_a_reload() {
    let server = Server::start(Default::default()).await.unwrap();
    let root = format!("{}/v1/stream", server.url());
    let (first, address) = web(&root, "127.0.0.1:0");
    let lines = client(&root).unwrap().build().unwrap().stream("lines");
    lines.head().await.unwrap();

    let page: Vec<String> = ask(
        &address,
        "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
    )
    .collect();
    assert!(
        page.iter().any(|line| line.contains("new EventSource")),
        "{page:?}"
    );
    let form = "POST /lines HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\
        content-type: application/x-www-form-urlencoded\r\ncontent-length: 12\r\n\r\nline=a+%3Cb%3E";
    let form = form.replace(
        "content-length: 12",
        &format!("content-length: {}", "line=a+%3Cb%3E".len()),
    );
    assert_eq!(
        ask(&address, &form).next().as_deref(),
        Some("HTTP/1.1 204 No Content")
    );

    let mut events = tail(&address, "");
    let (_, shown) = events.next().unwrap();
    assert_eq!(shown, ["a <b>"]);
    say(&lines, "two").await;
    let (last, shown) = events.next().unwrap();
    assert_eq!(shown, ["two"]);

    // The program is killed, lines are appended meanwhile, and it is started again where it was.
    drop(first);
    assert!(events.next().is_none());
    say(&lines, "three").await;
    let (_second, address) = web(&root, &address);
    say(&lines, "four").await;
    let mut shown = Vec::new();
    for (_, lines) in tail(&address, &last) {
        shown.extend(lines);
        if shown.len() >= 2 {
            break;
        }
    }
    assert_eq!(shown, ["three", "four"]);

    let (_, all) = tail(&address, "").next().unwrap();
    assert_eq!(
        all,
        ["a <b>", "two", "three", "four"],
        "a reload begins at the beginning"
    );

    lines.close().await.unwrap();
    let mut over = ask(
        &address,
        &format!("GET /lines?after={last} HTTP/1.1\r\nhost: h\r\n\r\n"),
    );
    assert!(over.any(|line| line == "event: end"));
    // Without data browsers ignore it.
    assert_eq!(over.next().as_deref(), Some("data: closed"));
    let bad = ask(&address, "GET /lines?after=now HTTP/1.1\r\nhost: h\r\n\r\n").next();
    assert_eq!(bad.as_deref(), Some("HTTP/1.1 400 Bad Request"));
}
