//! Half a gigabyte in one answer: read in bounded memory, and complete when it is cut (B68).
//!
//! A test target of its own, because the memory that is measured is the whole process's: client, transport, test and the
//! server, which makes the body up while it writes.

use std::sync::Mutex;

use bytes::Bytes;
use durable_streams_conformance::script::{RecordedRequest, Reply, ScriptServer};
use durable_streams_reqwest::{Batch, Checkpoint, DurableStream, Reader, RetryPolicy, client};

const TOTAL: u64 = 512 * 1024 * 1024;
const MAX_MEMORY: u64 = 32 * 1024 * 1024;

/// One at a time: the memory of one is not another's.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The most memory this process has had resident, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// What a stream of this kind has at every position, and how a reader checks it.
trait Contents: Copy + Send + Sync + 'static {
    const CONTENT_TYPE: &'static str;
    /// Units, messages or bytes, in the whole stream.
    const UNITS: u64;
    /// The length of an answer with these units.
    fn length(from: u64, to: u64) -> u64;
    /// A part of the body of an answer that begins at unit `from`.
    fn fill(from: u64, to: u64, offset: u64, piece: &mut [u8]);
    /// Checks that a batch goes on at `position`, and says where it ends.
    fn check(batch: &Batch, position: u64) -> u64;
}

/// Messages of 127 bytes that carry their number.
#[derive(Clone, Copy)]
struct Json;

const MESSAGE: u64 = 127;

fn message(n: u64) -> [u8; MESSAGE as usize] {
    let mut message = [b'x'; MESSAGE as usize];
    message[..6].copy_from_slice(b"{\"n\":\"");
    message[6..26].copy_from_slice(format!("{n:020}").as_bytes());
    message[26..35].copy_from_slice(b"\",\"pad\":\"");
    message[125..].copy_from_slice(b"\"}");
    message
}

impl Contents for Json {
    const CONTENT_TYPE: &'static str = "application/json";
    const UNITS: u64 = TOTAL / (MESSAGE + 1);

    fn length(from: u64, to: u64) -> u64 {
        // `[`, messages with a comma or the final `]` behind each.
        1 + (to - from) * (MESSAGE + 1)
    }

    fn fill(from: u64, to: u64, offset: u64, piece: &mut [u8]) {
        let mut at = offset;
        let mut done = 0;
        while done < piece.len() {
            if at == 0 {
                piece[0] = b'[';
                (at, done) = (1, 1);
                continue;
            }
            let n = from + (at - 1) / (MESSAGE + 1);
            let within = ((at - 1) % (MESSAGE + 1)) as usize;
            let mut text = [b','; MESSAGE as usize + 1];
            text[..MESSAGE as usize].copy_from_slice(&message(n));
            if n + 1 == to {
                text[MESSAGE as usize] = b']';
            }
            let count = (text.len() - within).min(piece.len() - done);
            piece[done..done + count].copy_from_slice(&text[within..within + count]);
            done += count;
            at += count as u64;
        }
    }

    fn check(batch: &Batch, mut position: u64) -> u64 {
        for got in batch.messages() {
            assert!(
                got[..] == message(position)[..],
                "message {position} is {got:?}"
            );
            position += 1;
        }
        position
    }
}

/// Bytes that follow from their position.
#[derive(Clone, Copy)]
struct Octets;

fn word(index: u64) -> [u8; 8] {
    (index.wrapping_mul(0x9E37_79B9_7F4A_7C15)).to_le_bytes()
}

impl Contents for Octets {
    const CONTENT_TYPE: &'static str = "application/octet-stream";
    const UNITS: u64 = TOTAL;

    fn length(from: u64, to: u64) -> u64 {
        to - from
    }

    fn fill(from: u64, _: u64, offset: u64, piece: &mut [u8]) {
        let mut at = from + offset;
        let mut done = 0;
        while done < piece.len() {
            let (word, within) = (word(at / 8), (at % 8) as usize);
            let count = (8 - within).min(piece.len() - done);
            piece[done..done + count].copy_from_slice(&word[within..within + count]);
            done += count;
            at += count as u64;
        }
    }

    fn check(batch: &Batch, position: u64) -> u64 {
        let got = batch.bytes();
        let mut expected = vec![0; got.len()];
        Self::fill(position, TOTAL, 0, &mut expected);
        assert!(got == expected, "the bytes after {position} differ");
        position + got.len() as u64
    }
}

/// Serves the stream: `plan` says for every request how many units it answers with, and after how many bytes it is cut.
async fn serve<C: Contents>(
    plan: impl Fn(usize) -> (u64, Option<u64>) + Send + Sync + 'static,
) -> ScriptServer {
    let server = ScriptServer::start().await.unwrap();
    server.answer_with(move |request: &RecordedRequest, n| {
        let offset = request.query_param("offset").unwrap();
        let from = if offset == "-1" {
            0
        } else {
            offset.trim_start_matches('p').parse().unwrap()
        };
        let (units, cut) = plan(n);
        let to = C::UNITS.min(from + units);
        let mut reply = Reply::new(200)
            .header("Content-Type", C::CONTENT_TYPE)
            .header("Stream-Next-Offset", &format!("p{to:020}"))
            .content_length(C::length(from, to))
            .generate(C::length(from, to), move |offset, piece| {
                C::fill(from, to, offset, piece)
            });
        if to == C::UNITS {
            reply = reply
                .header("Stream-Up-To-Date", "true")
                .header("Stream-Closed", "true");
        }
        match cut {
            Some(bytes) if n % 2 == 0 => reply.cut_after(bytes),
            Some(bytes) => reply.reset_after(bytes),
            None => reply,
        }
    });
    server
}

fn stream(server: &ScriptServer) -> DurableStream {
    let soon = RetryPolicy::endless().max(std::time::Duration::from_millis(5));
    client(&server.url("/v1"))
        .unwrap()
        .read_retry(soon)
        .build()
        .unwrap()
        .stream("s")
}

/// Reads on from `position` until the end, or until `stop` says so; gives the position and the checkpoint there.
async fn read<C: Contents>(reader: &mut Reader, mut position: u64, stop: u64) -> (u64, Checkpoint) {
    while let Some(batch) = reader.next().await.unwrap() {
        position = C::check(&batch, position);
        assert!(batch.bytes().len() <= 300 * 1024, "a batch is bounded");
        if position >= stop && !batch.is_closed() {
            break;
        }
    }
    (position, reader.checkpoint().unwrap())
}

async fn whole<C: Contents>() {
    let _alone = ALONE.lock().await;
    let server = serve::<C>(|_| (u64::MAX / 2, None)).await;
    let mut reader = stream(&server).read().start();
    let (position, _) = read::<C>(&mut reader, 0, u64::MAX).await;
    assert_eq!(position, C::UNITS);
    assert!(reader.is_closed());
    assert_eq!(server.requests().len(), 1);
    let peak = peak_memory();
    assert!(peak < MAX_MEMORY, "{} KiB were resident", peak / 1024);
    println!(
        "{}: {} MiB in one answer, {} KiB resident at most",
        C::CONTENT_TYPE,
        TOTAL >> 20,
        peak / 1024
    );
}

/// Cut three times at random, then resumed by another reader from a checkpoint in the middle of the answer, against a
/// server that meanwhile answers in small pages.
async fn cut_and_resumed<C: Contents>() {
    let _alone = ALONE.lock().await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let rng = Mutex::new(fastrand::Rng::with_seed(seed));
    let stop = C::UNITS / 2 + rng.lock().unwrap().u64(..C::UNITS / 4);
    let server = serve::<C>(move |n| match n {
        0..3 => (u64::MAX / 2, Some(rng.lock().unwrap().u64(..TOTAL / 2))),
        3 => (u64::MAX / 2, None),
        _ => (rng.lock().unwrap().u64(C::UNITS / 100..C::UNITS / 50), None),
    })
    .await;
    let stream = stream(&server);
    let mut reader = stream.read().start();
    let (position, checkpoint) = read::<C>(&mut reader, 0, stop).await;
    assert_eq!(
        checkpoint.offset(),
        None,
        "one answer has been asked for, from the beginning"
    );
    assert_eq!(checkpoint.delivered(), position);
    drop(reader);

    let saved: Checkpoint = checkpoint.to_string().parse().unwrap();
    let mut reader = stream.read().from(saved).start();
    let (position, _) = read::<C>(&mut reader, position, u64::MAX).await;
    assert_eq!(position, C::UNITS);
    assert!(reader.is_closed());
    let peak = peak_memory();
    assert!(peak < MAX_MEMORY, "{} KiB were resident", peak / 1024);
}

#[tokio::test]
async fn b68_half_a_gigabyte_of_json_in_one_answer_needs_little_memory() {
    whole::<Json>().await;
}

#[tokio::test]
async fn b68_half_a_gigabyte_of_bytes_in_one_answer_needs_little_memory() {
    whole::<Octets>().await;
}

#[tokio::test]
async fn b68_json_that_is_cut_at_random_and_resumed_in_the_middle_is_complete() {
    cut_and_resumed::<Json>().await;
}

#[tokio::test]
async fn b68_bytes_that_are_cut_at_random_and_resumed_in_the_middle_are_complete() {
    cut_and_resumed::<Octets>().await;
}

#[test]
fn the_made_up_bodies_are_what_they_should_be() {
    let mut whole = vec![0; Json::length(5, 8) as usize];
    Json::fill(5, 8, 0, &mut whole);
    let messages: Vec<std::collections::BTreeMap<String, String>> =
        serde_json::from_slice(&whole).unwrap();
    assert_eq!(
        messages
            .iter()
            .map(|m| m["n"].parse::<u64>().unwrap())
            .collect::<Vec<_>>(),
        [5, 6, 7]
    );
    let mut pieces = Vec::new();
    for offset in (0..whole.len()).step_by(7) {
        let mut piece = vec![0; 7.min(whole.len() - offset)];
        Json::fill(5, 8, offset as u64, &mut piece);
        pieces.extend(piece);
    }
    assert_eq!(Bytes::from(pieces), whole);
}
