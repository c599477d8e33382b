//! Live readers while nothing happens: what each costs, counted.
//!
//! A test target of its own: the counter of allocations is the process's.

use std::alloc::System;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use durable_streams_client::{
    Body, BoxFuture, Checkpoint, Client, Live, Reader, Timer, Transport, TransportError,
};
use futures_util::StreamExt;
use futures_util::stream;
use futures_util::task::{ArcWake, waker};
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

/// A clock that is moved by hand, and knows who waits for it.
#[derive(Debug, Clone)]
struct ByHand(Arc<Mutex<Hands>>);

#[derive(Debug)]
struct Hands {
    now: Instant,
    waiting: Vec<(Instant, Waker)>,
}

impl ByHand {
    #[allow(
        clippy::disallowed_methods,
        reason = "a point to count from: no time passes here"
    )]
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Hands {
            now: Instant::now(),
            waiting: Vec::with_capacity(2 * READERS),
        })))
    }

    /// Wakes whoever has waited long enough.
    fn advance(&self, by: Duration) {
        let due: Vec<Waker> = {
            let mut hands = self.0.lock().unwrap();
            hands.now += by;
            let now = hands.now;
            let waiting = mem::take(&mut hands.waiting);
            let (due, later): (Vec<_>, _) =
                waiting.into_iter().partition(|(until, _)| *until <= now);
            hands.waiting = later;
            due.into_iter().map(|(_, waker)| waker).collect()
        };
        due.into_iter().for_each(Waker::wake);
    }
}

impl Timer for ByHand {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let hands = Arc::clone(&self.0);
        let until = self.now() + duration;
        Box::pin(std::future::poll_fn(move |cx| {
            let mut hands = hands.lock().unwrap();
            if hands.now >= until {
                return Poll::Ready(());
            }
            hands.waiting.push((until, cx.waker().clone()));
            Poll::Pending
        }))
    }

    fn now(&self) -> Instant {
        self.0.lock().unwrap().now
    }
}

/// Counts how often anything was woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl ArcWake for Count {
    fn wake_by_ref(this: &Arc<Self>) {
        this.0.fetch_add(1, Relaxed);
    }
}

/// Polls a reader until it waits. Says how many batches it gave.
fn settle(reader: &mut Reader, cx: &mut Context<'_>) -> usize {
    let mut batches = 0;
    while let Poll::Ready(batch) = reader.poll_next_unpin(cx) {
        batch.expect("it goes on").unwrap();
        batches += 1;
    }
    batches
}

#[test]
fn an_idle_live_reader_costs_little_memory_and_no_wake_up() {
    // By default: without a byte for so long, a reader asks anew.
    for (live, limit) in [(Live::Sse, 90), (Live::LongPoll, 65)] {
        let clock = ByHand::new();
        let transport = Arc::new(Silent::default());
        let client = Client::builder(
            "http://streams.test/",
            Arc::clone(&transport),
            clock.clone(),
        );
        let client = client.unwrap().build().unwrap();
        let checkpoint: Checkpoint = "5".parse().unwrap();
        let count = Arc::new(Count::default());
        let waker = waker(Arc::clone(&count));
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
        let woken = || count.0.load(Relaxed);
        assert_eq!((requests(), woken()), (2 * READERS, 0));
        for _ in 1..limit {
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(woken(), 0, "before the limit");
        clock.advance(Duration::from_secs(1));
        assert_eq!(woken(), READERS, "once, at the limit");
    }
}
