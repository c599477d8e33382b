//! Live readers while nothing happens: what each costs, counted.
//!
//! A test target of its own: the counter of allocations is the process's.

#[path = "common/by_hand.rs"]
mod by_hand;

use std::alloc::System;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use by_hand::{Clock, Wakes};
use bytes::Bytes;
use durable_streams_client::{
    Body, BoxFuture, Checkpoint, Client, Live, Reader, Transport, TransportError,
};
use futures_util::StreamExt;
use futures_util::stream;
use http::{Request, Response};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATIONS: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const READERS: usize = 1_000;

const TAIL: &[u8] = b"event: control\ndata: {\"streamNextOffset\":\"5\",\"upToDate\":true}\n\n";

/// Says that the tail is reached, and then nothing for ever.
#[derive(Debug, Default)]
struct Silent {
    requests: AtomicUsize,
}

/// By hand, so that its futures are as small as can be: what is measured is the client's.
impl Transport for Silent {
    fn send<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> BoxFuture<'async_trait, Result<Response<Body>, TransportError>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        self.requests.fetch_add(1, Relaxed);
        let query = request.uri().query().unwrap_or_default();
        if query.contains("live=long-poll") {
            return Box::pin(std::future::pending());
        }
        let answer = Response::builder().header("cache-control", "no-store");
        let answer = if query.contains("live=sse") {
            let said = stream::iter([Ok(Bytes::from_static(TAIL))]).chain(stream::pending());
            answer
                .header("content-type", "text/event-stream")
                .body(Body::new(said))
        } else {
            answer
                .header("content-type", "application/json")
                .header("stream-next-offset", "5")
                .header("stream-up-to-date", "true")
                .body(Body::new(stream::iter([Ok(Bytes::from_static(b"[]"))])))
        };
        Box::pin(std::future::ready(Ok(answer.unwrap())))
    }
}

/// Polls a reader until it waits.
fn settle(reader: &mut Reader, cx: &mut Context<'_>) {
    while let Poll::Ready(batch) = reader.poll_next_unpin(cx) {
        batch.expect("it goes on").unwrap();
    }
}

#[test]
fn an_idle_live_reader_costs_little_memory_and_no_wake_up() {
    // By default: without a byte for so long, a reader asks anew.
    for (live, limit) in [(Live::Sse, 90), (Live::LongPoll, 65)] {
        let clock = Clock::new();
        let transport = Arc::new(Silent::default());
        let client = Client::builder(
            "http://streams.test/",
            Arc::clone(&transport),
            clock.clone(),
        );
        let client = client.unwrap().build().unwrap();
        let checkpoint: Checkpoint = "5".parse().unwrap();
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let mut readers = Vec::with_capacity(READERS);

        let region = Region::new(ALLOCATIONS);
        for n in 0..READERS {
            let stream = client.stream(&format!("tenants/some-tenant/streams/{n}"));
            let mut reader = stream.read().from(checkpoint.clone()).live(live).start();
            settle(&mut reader, &mut cx);
            readers.push(reader);
        }
        let change = region.change();
        let allocated = change.bytes_allocated - change.bytes_deallocated;
        let each = size_of::<Reader>() + allocated / READERS;
        println!("{live:?}: {each} bytes for each reader");
        assert!(each <= 4096, "{live:?}: {each} bytes for each reader");

        let requests = || transport.requests.load(Relaxed);
        let woken = || wakes.count();
        assert_eq!((requests(), woken()), (2 * READERS, 0));
        for _ in 1..limit {
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(woken(), 0, "before the limit");
        clock.advance(Duration::from_secs(1));
        assert_eq!(woken(), READERS, "once, at the limit");
    }
}
