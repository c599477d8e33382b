//! Long answers: cut anywhere and resumed, in bounded pieces, each with its checkpoint.

use std::collections::HashSet;
use std::sync::Mutex;

use durable_streams_client::{Checkpoint, DurableStream};

use super::support::*;
use crate::script::{RecordedRequest, Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b68_json_cut_anywhere_comes_exactly_once,
        b60_an_array_cut_before_its_first_byte,
        b68_bytes_cut_anywhere_come_exactly_once,
        b68_a_checkpoint_resumes_against_any_page_size,
        b68_a_long_answer_is_delivered_as_it_arrives,
        b68_batches_are_of_bounded_size,
    ]
}

const MESSAGES: [&str; 5] = [r#""ä€""#, "12345", r#"{"a":[1,"]"]}"#, "[2]", r#""\"""#];

/// Messages from this one on, as a body.
fn array(from: usize, to: usize) -> String {
    format!("[{}]", MESSAGES[from..to].join(","))
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Framing {
    Length,
    Chunked,
    ByteChunks,
    UntilClose,
}

impl Framing {
    const ALL: [Self; 4] = [
        Self::Length,
        Self::Chunked,
        Self::ByteChunks,
        Self::UntilClose,
    ];

    /// Those of this protocol: over HTTP/2 the end of a connection ends no body.
    fn all(cx: &Context) -> &'static [Self] {
        if cx.is_http2() {
            &Self::ALL[..3]
        } else {
            &Self::ALL
        }
    }

    fn of(number: &str) -> Self {
        Self::ALL[number.parse::<usize>().unwrap()]
    }

    fn frame(self, head: Reply, body: &[u8]) -> Reply {
        match self {
            Self::Length => head.body(body.to_vec()),
            Self::Chunked => head.body(body.to_vec()).chunked(),
            Self::ByteChunks => head.pieces(body.chunks(1).map(<[u8]>::to_vec)).chunked(),
            Self::UntilClose => head.body(body.to_vec()).until_close(),
        }
    }
}

fn end(how: &str, reply: Reply, at: &str) -> Reply {
    let at = at.parse().unwrap();
    if how == "cut" {
        reply.cut_after(at)
    } else {
        reply.reset_after(at)
    }
}

/// A server whose streams are called `<framing>-<how>-<at>-<page>`: the first answer is cut there, and what comes later has
/// pages of that many messages.
async fn cutting_server(cx: &Context) -> ScriptServer {
    let server = cx.serve([]).await;
    let was_cut = Mutex::new(HashSet::new());
    server.answer_with(move |request: &RecordedRequest, _| {
        let name = request.path().rsplit('/').next().unwrap().to_owned();
        let parts: Vec<_> = name.split('-').collect();
        let [framing, how, at, size] = parts[..] else {
            panic!("{name}")
        };
        let from = match request.query_param("offset").unwrap() {
            "-1" => 0,
            offset => offset.parse().unwrap(),
        };
        let first = was_cut.lock().unwrap().insert(name.clone());
        let to = if first {
            MESSAGES.len()
        } else {
            MESSAGES.len().min(from + size.parse::<usize>().unwrap())
        };
        let head = Reply::new(200)
            .header("Content-Type", "application/json")
            .next_offset(&to.to_string());
        let head = if to == MESSAGES.len() {
            head.tail()
        } else {
            head
        };
        let reply = Framing::of(framing).frame(head, array(from, to).as_bytes());
        if first { end(how, reply, at) } else { reply }
    });
    server
}

/// Reads all there is, and checks that every batch's checkpoint counts what was delivered until then.
async fn read_counting(
    stream: &DurableStream,
    from: Option<&Checkpoint>,
) -> (Vec<String>, Vec<Checkpoint>) {
    let mut reader = stream.read().from(from.cloned()).start();
    let (mut messages, mut checkpoints) = (Vec::new(), Vec::new());
    while let Some(batch) = within(reader.next()).await.unwrap() {
        messages.extend(
            batch
                .messages()
                .iter()
                .map(|m| String::from_utf8(m.to_vec()).unwrap()),
        );
        checkpoints.push(batch.checkpoint().clone());
    }
    assert!(!reader.is_closed());
    (messages, checkpoints)
}

/// How many messages are before this checkpoint: offsets count them here.
fn position(checkpoint: &Checkpoint) -> usize {
    let offset = checkpoint
        .offset()
        .map_or(0, |offset| offset.as_str().parse().unwrap());
    offset + usize::try_from(checkpoint.delivered()).unwrap()
}

async fn b68_json_cut_anywhere_comes_exactly_once(cx: Context) {
    let server = cutting_server(&cx).await;
    let client = cx.builder(&server).build().unwrap();
    let length = array(0, MESSAGES.len()).len();
    let mut whole_pages = 0;
    for (number, &framing) in Framing::all(&cx).iter().enumerate() {
        for how in ["cut", "reset"] {
            // An unframed body without a byte has a test of its own below.
            let begin = usize::from(framing == Framing::UntilClose && how == "cut");
            for at in begin..length {
                // The rest comes in one page, or in pages smaller than what was delivered already.
                let size = if at % 2 == 0 { 5 } else { 1 + at % 3 };
                whole_pages += usize::from(size == 5);
                let name = format!("{number}-{how}-{at}-{size}");
                let (messages, checkpoints) = read_counting(&client.stream(&name), None).await;
                assert_eq!(messages, MESSAGES, "{framing:?} {name}");
                assert!(
                    checkpoints
                        .windows(2)
                        .all(|w| position(&w[0]) <= position(&w[1])),
                    "{name}: {checkpoints:?}"
                );
                assert_eq!(checkpoints.last().unwrap().to_string(), "5");
            }
        }
    }
    // Every one of them was cut, and took one more request for a page of all, or more for smaller ones.
    let sent = server.requests();
    let again = sent.iter().filter(|r| r.path().ends_with("-5")).count();
    assert_eq!(again, 2 * whole_pages);
    assert!(sent.iter().all(|r| r.query_param("live").is_none()));
    server.assert_finished();
}

async fn b60_an_array_cut_before_its_first_byte(cx: Context) {
    // The connection ends in an orderly way right after the head, and only the array could have said that it was all.
    for end in ["Stream-Up-To-Date", "Stream-Closed"] {
        let reply = || json("5", "[1]").header(end, "true");
        let server = cx
            .serve([reply().until_close().cut_after(0), reply()])
            .await;
        let got = drain(&mut cx.stream(&server).read().start()).await;
        assert_eq!(got.len(), 1, "{end}: {got:?}");
        assert!(got[0].starts_with("[1] @5 tail"), "{end}: {got:?}");
        server.assert_finished();
    }
}

async fn b68_bytes_cut_anywhere_come_exactly_once(cx: Context) {
    const TEXT: &str = "aä€😀 and what comes after it";
    for content_type in ["text/plain", "application/octet-stream"] {
        let server = cx.serve([]).await;
        let was_cut = Mutex::new(HashSet::new());
        server.answer_with(move |request, _| {
            let name = request.path().rsplit('/').next().unwrap().to_owned();
            let parts: Vec<_> = name.split('-').collect();
            let head = Reply::new(200)
                .header("Content-Type", content_type)
                .next_offset("end")
                .tail();
            let reply = Framing::of(parts[0]).frame(head, TEXT.as_bytes());
            let first = was_cut.lock().unwrap().insert(name.clone());
            if first {
                end(parts[1], reply, parts[2])
            } else {
                reply
            }
        });
        let client = cx.builder(&server).build().unwrap();
        let mut streams = 0;
        for (number, &framing) in Framing::all(&cx).iter().enumerate() {
            for how in ["cut", "reset"] {
                if framing == Framing::UntilClose && how == "cut" {
                    // An orderly end is the end of such a body: there is nothing to tell it by.
                    continue;
                }
                for at in 0..TEXT.len() {
                    streams += 1;
                    let mut reader = client
                        .stream(&format!("{number}-{how}-{at}"))
                        .read()
                        .start();
                    let mut got = Vec::new();
                    while let Some(batch) = within(reader.next()).await.unwrap() {
                        if content_type == "text/plain" {
                            assert!(
                                batch.text().is_ok(),
                                "a character was cut: {:?}",
                                batch.bytes()
                            );
                        }
                        got.extend_from_slice(&batch.bytes());
                        let (checkpoint, delivered) =
                            (batch.checkpoint(), batch.checkpoint().delivered());
                        let at_end = checkpoint.offset().is_some();
                        assert!(
                            at_end || delivered == got.len() as u64,
                            "{checkpoint} after {}",
                            got.len()
                        );
                    }
                    assert_eq!(got, TEXT.as_bytes(), "{framing:?} {how} {at}");
                }
            }
        }
        assert_eq!(server.requests().len(), 2 * streams);
        server.assert_finished();
    }
}

async fn b68_a_checkpoint_resumes_against_any_page_size(cx: Context) {
    // Every message in a chunk of its own, so that there are batches with checkpoints in between.
    let (reply, live) = Reply::live(200);
    let reply = reply
        .header("Content-Type", "application/json")
        .next_offset("5")
        .tail();
    let server = cx.serve([reply]).await;
    let client = cx.builder(&server).build().unwrap();
    let mut reader = client.stream("first").read().start();
    let mut saved = vec![Checkpoint::beginning()];
    live.send("[");
    for (number, message) in MESSAGES.iter().enumerate() {
        live.send(format!("{message},"));
        assert_eq!(
            next(&mut reader).await,
            format!("[{message}] @-1,{}", number + 1)
        );
        saved.push(reader.checkpoint().unwrap());
    }
    // All of it was delivered, and its end was not seen.
    drop((live, reader));
    assert_eq!(saved.len(), 6);

    let server = cutting_server(&cx).await;
    let client = cx.builder(&server).build().unwrap();
    for (delivered, checkpoint) in saved.iter().enumerate() {
        assert_eq!(position(checkpoint), delivered);
        // By its text, as it would be stored.
        let restored: Checkpoint = checkpoint.to_string().parse().unwrap();
        for size in 1..=5 {
            // The cut is behind the whole body of the first answer.
            let name = format!("{}-cut-{}-{size}", 0, delivered * 7);
            let (messages, _) = read_counting(
                &client.stream(&format!("{delivered}/{name}")),
                Some(&restored),
            )
            .await;
            assert_eq!(
                messages,
                MESSAGES[delivered..],
                "from {checkpoint} by {size}"
            );
        }
    }
    assert!(
        server
            .requests()
            .iter()
            .any(|r| r.query_param("offset") == Some("2"))
    );
    server.assert_finished();
}

async fn b68_a_long_answer_is_delivered_as_it_arrives(cx: Context) {
    let (reply, live) = Reply::live(200);
    let server = cx
        .serve([reply
            .header("Content-Type", "application/json")
            .next_offset("3")
            .tail()])
        .await;
    let mut reader = cx.stream(&server).read().start();
    // Nothing more is sent until what was sent is here.
    live.send(r#"[{"a":1},{"b""#);
    assert_eq!(next(&mut reader).await, r#"[{"a":1}] @-1,1"#);
    live.send(r#":2},3"#);
    assert_eq!(next(&mut reader).await, r#"[{"b":2}] @-1,2"#);
    live.send("]");
    live.end();
    let got = drain(&mut reader).await;
    assert!(
        got[0].starts_with("[3] @") && got.last().unwrap().ends_with(" @3 tail"),
        "{got:?}"
    );
    server.assert_finished();
}

async fn b68_batches_are_of_bounded_size(cx: Context) {
    const LENGTH: usize = 4 << 20;
    const LIMIT: usize = 64 * 1024;
    let head = |content_type: &str| {
        Reply::new(200)
            .header("Content-Type", content_type)
            .next_offset("end")
            .tail()
    };
    let made = |at: u64, piece: &mut [u8]| {
        for (number, byte) in piece.iter_mut().enumerate() {
            *byte = (at as usize + number) as u8 % 251;
        }
    };
    let array = |at: u64, piece: &mut [u8]| {
        for (number, byte) in piece.iter_mut().enumerate() {
            *byte = match at as usize + number {
                0 => b'[',
                odd if odd % 2 == 1 => b'7',
                _ => b',',
            };
        }
    };
    let server = cx
        .serve([
            head("application/octet-stream").generate(LENGTH as u64, made),
            head("application/json")
                .generate(LENGTH as u64, array)
                .body("]"),
        ])
        .await;
    let stream = cx.stream(&server);
    let mut reader = stream.read().max_batch_bytes(LIMIT).start();
    let mut got = 0;
    while let Some(batch) = within(reader.next()).await.unwrap() {
        let bytes = batch.bytes();
        assert!(bytes.len() <= LIMIT, "a batch of {} bytes", bytes.len());
        let expected = |(number, byte): (usize, &u8)| *byte == (got + number) as u8 % 251;
        assert!(
            bytes.iter().enumerate().all(expected),
            "wrong bytes after {got}"
        );
        got += bytes.len();
    }
    assert_eq!(got, LENGTH);

    let mut reader = stream.read().max_batch_bytes(LIMIT).start();
    let mut got = 0;
    while let Some(batch) = within(reader.next()).await.unwrap() {
        assert!(
            batch.messages().len() <= LIMIT,
            "a batch of {}",
            batch.messages().len()
        );
        assert!(batch.messages().iter().all(|message| message == b"7"));
        got += batch.messages().len() as u64;
        let checkpoint = batch.checkpoint();
        assert!(checkpoint.offset().is_some() || checkpoint.delivered() == got);
    }
    assert_eq!(got, LENGTH as u64 / 2);
    server.assert_finished();
}
