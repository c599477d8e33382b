//! The examples, run as a user runs them: to their end, over a good network and a bad one.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use durable_streams_conformance::embedded::Server;

/// Only an example that hangs takes this long.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs an example to its end, which must be a good one, and gives what it said.
fn run(name: &str, arguments: &[&str]) -> String {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().unwrap().parent().unwrap().join("examples");
    let program = built.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let started = Command::new(&program)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn();
    // `cargo test --test examples` alone builds no examples.
    let mut child = started.unwrap_or_else(|error| panic!("{}: {error}", program.display()));

    let mut stdout = child.stdout.take().unwrap();
    let (said, heard) = mpsc::channel();
    let listener = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        let _ = said.send(text);
    });
    let text = heard.recv_timeout(LIMIT);
    if text.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    listener.join().unwrap();
    let text = text.expect("the example hangs");
    assert!(status.success(), "{status}: {text}");
    text
}

/// What both runs of `blocking` say, besides what they say of the network.
fn assert_complete(said: &str) {
    let expected = [
        "server        http://127.0.0.1:",
        "created       http://127.0.0.1:",
        "appended      the tail is ",
        "read          200 sales, each once and in order",
        "tailed        {\"sale\":200}",
        "tailed        {\"sale\":201}",
        "stopped       with the checkpoint ",
        "resumed       {\"close\":\"till-7\"}",
        "closed        at ",
        "end of stream closed: true",
    ];
    let of_the_network = |line: &&str| {
        let mut words = line.split(' ');
        matches!(words.next(), Some("stored" | "again" | "notice"))
    };
    let lines: Vec<_> = said.lines().filter(|line| !of_the_network(line)).collect();
    assert_eq!(lines.len(), expected.len(), "{said}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line:?} is not {expected:?}");
    }
}

#[test]
fn blocking_runs_to_its_end() {
    let said = run("blocking", &[]);
    assert_complete(&said);
    assert!(!said.contains("sent again: true"), "{said}");
}

#[test]
fn blocking_goes_on_where_the_network_breaks() {
    let server = futures_executor::block_on(Server::start(Default::default())).unwrap();
    let hop = Hop::before(server.address());
    let said = run("blocking", &[&format!("http://{}/v1/stream", hop.address)]);
    assert_complete(&said);
    assert!(said.contains("sent again: true"), "{said}");
    assert!(said.contains("notice        Retrying"), "{said}");
    let all = ["PUT", "catch-up", "close", "long-poll", "sse", "writer"];
    assert_eq!(*hop.broken.lock().unwrap(), BTreeSet::from(all));
}

/// Stands between the example and a server.
///
/// It breaks the first connection of every kind in the middle of the answer: the server has done what it was asked, and the
/// client cannot know. Plain appends get through, since nobody may send them again. And one answer to the writer is
/// held until the next batch has come: that one lingers meanwhile, so it takes a driver that watches the time while it reads.
struct Hop {
    address: SocketAddr,
    broken: Arc<Mutex<BTreeSet<&'static str>>>,
    accepting: Option<thread::JoinHandle<()>>,
}

impl Hop {
    fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let broken = Arc::<Mutex<BTreeSet<_>>>::default();
        let kinds = Arc::clone(&broken);
        let accepting = thread::spawn(move || {
            let (mut writes, mut held) = (0, None::<mpsc::Sender<()>>);
            loop {
                let (client, _) = listener.accept().unwrap();
                let request = request(&client).unwrap();
                // A connection without one is the word to stop.
                let Some(kind) = kind(&request) else { break };
                let breaks = kind != "append" && kinds.lock().unwrap().insert(kind);
                let mut hold = None;
                if kind == "writer" {
                    // Its drop lets the one that is held go on.
                    drop(held.take());
                    writes += 1;
                    // The first is broken, and the second is the same again.
                    if writes == 3 {
                        let (sender, until) = mpsc::channel::<()>();
                        (held, hold) = (Some(sender), Some(until));
                    }
                }
                // It ends with the client or with the server, and an error is one of the two.
                thread::spawn(move || pass(client, &request, server, breaks, hold));
            }
        });
        Self {
            address,
            broken,
            accepting: Some(accepting),
        }
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            let ended = accepting.join();
            assert!(ended.is_ok() || thread::panicking(), "the hop failed");
        }
    }
}

fn kind(request: &str) -> Option<&'static str> {
    let line = request.lines().next()?;
    Some(match line.split(' ').next()? {
        "PUT" => "PUT",
        "POST" if request.contains("producer-id: ") => "writer",
        "POST" if request.contains("stream-closed: ") => "close",
        "POST" => "append",
        "GET" if line.contains("live=sse") => "sse",
        "GET" if line.contains("live=long-poll") => "long-poll",
        "GET" => "catch-up",
        other => panic!("nobody sends {other}"),
    })
}

/// A request with its body; empty when the client leaves.
fn request(mut client: &TcpStream) -> io::Result<String> {
    let mut text = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let so_far = String::from_utf8_lossy(&text);
        if let Some((head, body)) = so_far.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Ok(so_far.into_owned());
            }
        }
        let length = client.read(&mut piece)?;
        if length == 0 {
            return Ok(String::new());
        }
        text.extend_from_slice(&piece[..length]);
    }
}

fn pass(
    mut client: TcpStream,
    request: &str,
    server: SocketAddr,
    breaks: bool,
    hold: Option<mpsc::Receiver<()>>,
) -> io::Result<()> {
    let mut server = TcpStream::connect(server)?;
    server.write_all(request.as_bytes())?;
    if let Some(until) = hold {
        // Nothing is ever sent: it ends with its sender.
        let _ = until.recv();
    }
    let mut piece = [0; 4096];
    loop {
        let length = server.read(&mut piece)?;
        if breaks || length == 0 {
            return client.write_all(&piece[..length / 2]);
        }
        client.write_all(&piece[..length])?;
    }
}
