//! A reader over a server that is obviously correct and a network that is not: whatever happens, it delivers the stream.

mod common;

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use common::model::{Log, Media};
use common::*;
use durable_streams_core::{
    Checkpoint, FailureKind, Input, Live, Reader, ReaderConfig, ReaderEvent, RequestId,
};
use proptest::{collection::vec, prelude::*, sample::select};

/// So many answers are asked for ahead at most.
const MOST_AHEAD: usize = 3;

/// What is random about a run. Once it has run out, everything works, and pages are as long as they can be.
#[derive(Debug, Clone)]
struct Tape {
    bytes: Vec<u8>,
    pos: usize,
}

impl Tape {
    fn new(bytes: &[u8]) -> Self {
        Self {
            bytes: bytes.to_vec(),
            pos: 0,
        }
    }

    fn is_over(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    fn next(&mut self) -> Option<usize> {
        let byte = self.bytes.get(self.pos)?;
        self.pos += 1;
        Some(usize::from(*byte))
    }

    /// Up to `most`, and `most` once the tape is over.
    fn up_to(&mut self, most: usize) -> usize {
        self.next().map_or(most, |n| n % (most + 1))
    }

    /// Up to `most`, and nothing once the tape is over.
    fn fault(&mut self, most: usize) -> usize {
        self.next().map_or(0, |n| n % (most + 1))
    }
}

/// A stream that grows up to its log, and is closed then, or not.
#[derive(Debug, Clone)]
struct World {
    log: Log,
    visible: usize,
    closes: bool,
    /// Whether a cache may take an earlier tail for the current one.
    stale: bool,
}

impl World {
    /// The end of a page from here.
    fn page_end(&self, from: usize, tape: &mut Tape) -> usize {
        let rest = self.visible - from;
        if tape.is_over() || rest == 0 {
            return self.visible;
        }
        self.between_characters(from + tape.up_to(rest.min(7)).max(1))
    }

    fn grow(&mut self, tape: &mut Tape) {
        let by = tape.up_to(self.log.len() - self.visible);
        self.visible = self.between_characters(self.visible + by);
    }

    /// A server of text cuts it between characters.
    fn between_characters(&self, at: usize) -> usize {
        let text = self.log.media == Media::Text;
        let rest = &self.log.units[at..];
        let inside = rest
            .iter()
            .take_while(|unit| text && unit[0] & 0xC0 == 0x80);
        at + inside.count()
    }

    fn is_end(&self, to: usize) -> bool {
        self.closes && to == self.log.len()
    }

    fn events(&self, from: usize, tape: &mut Tape) -> (Vec<u8>, usize) {
        let (mut body, mut at) = (Vec::new(), from);
        loop {
            let to = self.page_end(at, tape);
            if to > at {
                let data = self.log.body(at, to);
                let data = match self.log.media {
                    Media::Binary => STANDARD.encode(data),
                    _ => String::from_utf8(data).unwrap(),
                };
                body.extend_from_slice(b"event: data\n");
                for line in data.split('\n') {
                    body.extend_from_slice(format!("data: {line}\n").as_bytes());
                }
                body.push(b'\n');
            }
            let closed = self.is_end(to);
            let control = serde_json::json!({
                "streamNextOffset": Log::offset(to), "streamCursor": format!("c{to}"),
                "upToDate": to == self.visible, "streamClosed": closed,
            });
            body.extend_from_slice(format!("event: control\ndata: {control}\n\n").as_bytes());
            at = to;
            if at == self.visible {
                return (body, at);
            }
        }
    }
}

/// Hands in a body in random pieces, some of them before the machine is asked what to do.
fn stream(r: &mut Driver<Reader>, id: RequestId, mut body: &[u8], tape: &mut Tape) {
    while !body.is_empty() && r.live() == Some(id) {
        let size = 1 + tape.up_to(body.len() - 1);
        let (chunk, rest) = body.split_at(size);
        r.hand_in(Input::Chunk(id, Bytes::copy_from_slice(chunk)));
        if tape.fault(1) == 0 {
            r.settle();
        }
        body = rest;
    }
}

/// Answers the request in flight.
fn serve(r: &mut Driver<Reader>, world: &mut World, tape: &mut Tape) {
    let open = r.open();
    let id = open[tape.fault(open.len() - 1)];
    r.focus = Some(id);
    let fault = tape.fault(24);
    match fault {
        1 => return r.failed(FailureKind::Connect),
        2 => return r.failed(FailureKind::Interrupted),
        3 => return r.timeout(),
        4 => return r.answer(503, &[("retry-after", "2")], "busy"),
        5 => return r.answer(429, &[], ""),
        6 => return r.answer(304, &[], ""),
        7 => return r.answer(502, &[("content-type", "text/html")], "<h1>no</h1>"),
        8 => {
            let query = r.current().request.uri().query().unwrap();
            let location = format!("/elsewhere?{query}");
            return r.answer(307, &[("location", &location)], "");
        }
        _ => {}
    }
    r.pass(Duration::from_millis(tape.fault(250) as u64));
    let from = Log::asked(r.current(), world.visible);
    assert!(from <= world.visible, "an offset that nobody gave out");
    match r.current().param("live") {
        Some("sse") if fault == 9 => return r.answer(406, &[], ""),
        Some("sse") => return serve_events(r, world, tape, fault, from),
        Some("long-poll") if from == world.visible => {
            if fault != 10 {
                r.pass(Duration::from_secs(20));
            }
            world.grow(tape);
        }
        _ => {}
    }
    let to = world.page_end(from, tape);
    let (offset, cursor) = (Log::offset(to), format!("c{to}"));
    let mut headers = vec![next(&offset), ("stream-cursor", &cursor)];
    if to == world.visible || (world.stale && fault == 17) {
        headers.push(UP_TO_DATE);
    }
    if world.is_end(to) {
        headers.push(CLOSED);
    }
    if r.current().param("live").is_some() && to == from {
        return r.answer(204, &headers, "");
    }
    headers.push(("content-type", world.log.media.as_str()));
    let body = world.log.body(from, to);
    let length = body.len().to_string();
    // Without its length a body of bytes cannot be told from its beginning.
    if world.log.media != Media::Json || tape.fault(1) == 0 {
        headers.push(("content-length", &length));
    }
    r.head(200, &headers);
    let cut = match fault {
        11..=16 => tape.up_to(body.len()),
        _ => body.len(),
    };
    // An empty answer at the beginning of a stream may be an empty stream.
    let cut = if fault == 14 && body.len() == 2 {
        2
    } else {
        cut
    };
    let silent = cut == 0 && !headers.iter().any(|(name, _)| *name == "content-length");
    stream(r, id, &body[..cut], tape);
    match fault {
        11 | 12 => r.feed(Input::Failed(id, FailureKind::Interrupted.into())),
        13 => {
            r.settle();
            r.timeout();
        }
        14..=16 if !silent => r.feed(Input::End(id)),
        14..=16 => r.feed(Input::Failed(id, FailureKind::Interrupted.into())),
        _ => r.feed(Input::End(id)),
    }
}

fn serve_events(
    r: &mut Driver<Reader>,
    world: &mut World,
    tape: &mut Tape,
    fault: usize,
    from: usize,
) {
    let id = r.live().unwrap();
    let base64 = [SSE, ("stream-sse-data-encoding", "base64")];
    let binary = world.log.media == Media::Binary;
    r.head(200, &base64[..1 + usize::from(binary)]);
    let mut at = from;
    loop {
        let (body, to) = world.events(at, tape);
        at = to;
        let cut = if fault >= 10 {
            tape.up_to(body.len())
        } else {
            body.len()
        };
        stream(r, id, &body[..cut], tape);
        r.settle();
        if r.live() != Some(id) {
            return;
        }
        if cut < body.len() || fault >= 20 {
            return match fault % 3 {
                0 => r.feed(Input::End(id)),
                1 => r.feed(Input::Failed(id, FailureKind::Interrupted.into())),
                _ => r.timeout(),
            };
        }
        r.pass(Duration::from_secs(30));
        if at == world.log.len() {
            // Nothing more will come, and the server lets go of it.
            return r.feed(Input::End(id));
        }
        world.grow(tape);
    }
}

/// Reads until the end of the stream, or until all was delivered and told to be so.
fn drive(config: ReaderConfig, world: &mut World, tape: &mut Tape) -> Driver<Reader> {
    let mut r = Driver::with_at_most(1 + MOST_AHEAD, Reader::new(config));
    let mut calm = None;
    for _ in 0..10_000 {
        if r.is_done() {
            break;
        }
        match r.live() {
            Some(_) => serve(&mut r, world, tape),
            None => {
                r.next_request();
            }
        }
        if tape.is_over() {
            let calm = *calm.get_or_insert(r.sent.len());
            assert!(r.sent.len() - calm < 12, "{:?}", r.targets());
            let told = r.batches().last().is_some_and(|b| b.is_up_to_date());
            let end = Log::offset(world.log.len());
            let at_end = r.machine.checkpoint().and_then(|c| c.offset().cloned());
            if !world.closes && told && at_end.is_some_and(|at| at.as_str() == end) {
                break;
            }
        }
    }
    r
}

/// The checkpoints of a run, with how many units were delivered before each.
fn checkpoints(r: &Driver<Reader>, media: Media) -> Vec<(String, usize)> {
    let mut before = 0;
    r.batches()
        .map(|batch| {
            before += match media {
                Media::Json => batch.messages().len(),
                _ => batch.bytes().len(),
            };
            (batch.checkpoint().to_string(), before)
        })
        .collect()
}

fn assert_delivered(r: &Driver<Reader>, world: &World, from: usize) {
    assert_eq!(r.units(world.log.media), world.log.units[from..]);
    assert!(
        !matches!(r.events.last(), Some((_, ReaderEvent::Failed(_)))),
        "{:?}",
        r.events.last()
    );
    if world.closes {
        r.assert_closed();
    } else {
        assert!(!r.machine.is_closed() && r.batches().all(|batch| !batch.is_closed()));
    }
}

fn log() -> impl Strategy<Value = Log> {
    let message = select(vec![
        "1",
        "-2.50e+1",
        "null",
        "[]",
        "[1,[2]]",
        "{\"a\":\"]\\\"\"}",
        "\"\\\\\"",
        "\"\u{20ac}\"",
        "{ }",
    ]);
    let character = select(vec!["a", "\u{e4}", "\u{20ac}", "\u{1f600}", "\n", " ", ":"]);
    prop_oneof![
        vec(message, 0..16).prop_map(|messages| Log::json(&messages)),
        vec(character, 0..16).prop_map(|text| Log::bytes(Media::Text, text.concat().as_bytes())),
        vec(any::<u8>(), 0..40).prop_map(|bytes| Log::bytes(Media::Binary, &bytes)),
    ]
}

fn mode() -> impl Strategy<Value = Live> {
    select(vec![Live::Off, Live::LongPoll, Live::Sse, Live::Auto])
}

fn config(live: Live, seed: u64, piece: usize) -> ReaderConfig {
    ReaderConfig::new(url())
        .live(live)
        .seed(seed)
        .max_batch_bytes(piece)
        .prefetch(seed as usize % (MOST_AHEAD + 1))
        .max_prefetch_bytes(piece)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Once and in order, from the start and from every checkpoint, closed once and last, and calm when the faults stop.
    #[test]
    fn b68_b11_b22_everything_is_delivered_once_from_every_checkpoint(
        log in log(),
        live in mode(),
        closes: bool,
        seed: u64,
        piece in 1usize..40,
        tape in vec(any::<u8>(), 0..300),
        again in vec(any::<u8>(), 0..60),
    ) {
        let mut tape = Tape::new(&tape);
        let stale = live != Live::Off;
        let mut world = World { visible: 0, closes, stale, log };
        match live {
            Live::Off => world.visible = world.log.len(),
            _ => world.grow(&mut tape),
        }
        let r = drive(config(live, seed, piece), &mut world, &mut tape);
        assert_delivered(&r, &world, 0);
        for (checkpoint, before) in checkpoints(&r, world.log.media) {
            let saved: Checkpoint = checkpoint.parse().unwrap();
            prop_assert_eq!(saved.to_string(), checkpoint);
            for mode in [Live::Off, live] {
                let (visible, stale) = (world.log.len(), mode != Live::Off);
                let mut world = World { visible, stale, ..world.clone() };
                let config = config(mode, seed, piece + 3).from(saved.clone());
                let resumed = drive(config, &mut world, &mut Tape::new(&again));
                assert_delivered(&resumed, &world, before);
            }
        }
    }

    /// The same inputs give the same outputs.
    #[test]
    fn runs_are_repeatable(
        log in log(),
        live in mode(),
        seed: u64,
        tape in vec(any::<u8>(), 0..300),
    ) {
        let run = || {
            let mut world = World { visible: log.len(), closes: true, stale: false, log: log.clone() };
            drive(config(live, seed, 9), &mut world, &mut Tape::new(&tape)).trace
        };
        let trace = run();
        prop_assert!(trace.len() > 1);
        prop_assert_eq!(trace, run());
    }

    /// Whatever a server says, the reader neither panics nor spins, and claims no end that nobody gave it.
    #[test]
    fn b60_nonsense_is_no_end(
        live in mode(),
        answers in vec((0usize..12, vec(any::<u8>(), 0..40), any::<u8>()), 1..20),
    ) {
        let mut r = Driver::with_at_most(1 + MOST_AHEAD, Reader::new(config(live, 2, 16)));
        for (kind, body, flags) in answers {
            if r.is_done() {
                break;
            }
            if r.live().is_none() {
                r.next_request();
            }
            r.focus = r.open().get(usize::from(flags) % 2).copied();
            let status = [200, 200, 200, 200, 204, 206, 304, 404, 500, 503, 307, 100][kind];
            let offset = format!("{:03}", flags >> 3);
            let mut headers = vec![next(&offset), [JSON, TEXT, SSE, BINARY][kind % 4]];
            if flags & 1 != 0 {
                headers.push(UP_TO_DATE);
            }
            if flags & 6 == 6 {
                headers.push(("content-length", "17"));
            }
            r.answer(status, &headers, &body);
        }
        prop_assert!(!r.machine.is_closed());
        prop_assert!(r.batches().all(|batch| !batch.is_closed()));
    }
}
