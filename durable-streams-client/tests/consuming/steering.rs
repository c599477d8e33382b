//! Stopping, pausing, dropping: whoever says when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use durable_streams_client::{Batch, Decision, Ended, ErrorKind, MemoryCheckpoints, handler_fn};
use futures_util::FutureExt;
use tokio::task::yield_now;

use crate::common::{Script, answer, scripted, targets};
use crate::world::{
    CLOSED, Failing, NAME, Notes, client, committed, four, live, numbers, page, silence,
};

/// A batch is being handled: `entered` says so, and it is handled to its end when `leave` is called.
#[derive(Clone)]
struct Gate(Arc<tokio::sync::Semaphore>, Arc<tokio::sync::Semaphore>);

impl Gate {
    fn new() -> Self {
        let closed = || Arc::new(tokio::sync::Semaphore::new(0));
        Self(closed(), closed())
    }

    async fn pass(&self) {
        self.0.add_permits(1);
        self.1.acquire().await.unwrap().forget();
    }

    async fn entered(&self) {
        self.0.acquire().await.unwrap().forget();
    }

    fn leave(&self) {
        self.1.add_permits(1);
    }
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        yield_now().await;
    }
}

async fn asked(script: &Script, requests: usize) {
    until(|| script.requests().len() >= requests).await;
}

#[tokio::test]
async fn stopping_lets_the_batch_at_hand_be_handled_and_committed() {
    let store = MemoryCheckpoints::new();
    let (consumer, _) = live(four(), &store);
    let gate = Gate::new();
    let inside = gate.clone();
    let consumer = consumer.start(handler_fn(move |_| {
        let gate = inside.clone();
        async move {
            gate.pass().await;
            Ok(())
        }
    }));
    gate.entered().await;
    consumer.stop();
    assert!(consumer.finished().now_or_never().is_none());
    gate.leave();
    assert_eq!(consumer.finished().await.unwrap(), Ended::Stopped);
    assert_eq!(committed(&store).as_deref(), Some("2"));
    assert_eq!(
        consumer.finished().await.unwrap(),
        Ended::Stopped,
        "again the same"
    );
    assert_eq!(consumer.committed(), store.get(NAME));
}

#[tokio::test]
async fn stopping_ends_a_read_that_waits_and_a_delay() {
    let store = MemoryCheckpoints::new();
    let (waiting, script) = live([silence()], &store);
    let consumer = waiting.start(handler_fn(|_| async { Ok(()) }));
    asked(&script, 1).await;
    consumer.stop();
    assert_eq!(consumer.finished().await.unwrap(), Ended::Stopped);

    let failures = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&failures);
    let (failing, _) = live(four(), &store);
    let handler = handler_fn(|_| async { Err("never".into()) }).on_failure(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        Decision::Retry
    });
    let consumer = failing.start(handler);
    until(|| failures.load(Ordering::Relaxed) > 0).await;
    consumer.stop();
    assert_eq!(consumer.finished().await.unwrap(), Ended::Stopped);
    assert_eq!(committed(&store), None);
}

#[tokio::test]
async fn a_pause_gives_up_the_connection_and_going_on_begins_at_the_commit() {
    let store = MemoryCheckpoints::new();
    let answers = [
        page("2", "[1,2]", &[]),
        silence(),
        page("3", "[3]", &[CLOSED]),
    ];
    let (consumer, script) = live(answers, &store);
    let notes = Notes::default();
    let noted = notes.clone();
    let consumer = consumer.start(handler_fn(move |batch| {
        noted.add(format!("{:?}", numbers(&batch)));
        async { Ok(()) }
    }));
    asked(&script, 2).await;
    consumer.pause();
    consumer.paused().await;
    assert!(consumer.is_paused());
    for _ in 0..100 {
        yield_now().await;
    }
    assert_eq!(script.requests().len(), 2, "nothing is asked for meanwhile");

    consumer.resume();
    assert_eq!(consumer.finished().await.unwrap(), Ended::StreamClosed);
    assert!(!consumer.is_paused());
    assert_eq!(notes.all(), ["[1, 2]", "[3]"]);
    assert_eq!(targets(&script)[2], "GET /v1/s?offset=2");
}

#[tokio::test]
async fn a_pause_before_the_first_poll_and_a_stop_within_it_hold() {
    let (client, script) = client([]);
    let consumer = client.stream("s").read().consumer(NAME);
    let (consumer, driver) = consumer.into_parts(handler_fn(|_| async { Ok(()) }));
    consumer.pause();
    let driver = tokio::spawn(driver);
    consumer.paused().await;
    consumer.stop();
    consumer.resume();
    assert_eq!(consumer.finished().await.unwrap(), Ended::Stopped);
    driver.await.unwrap();
    assert!(script.requests().is_empty());
    // It will not come to rest any more, and says so at once.
    consumer.pause();
    consumer.paused().await;
}

#[tokio::test]
async fn a_handler_can_pause_and_stop_its_own_consumer() {
    let store = MemoryCheckpoints::new();
    let (consumer, _) = live(four(), &store);
    let own: Arc<std::sync::OnceLock<durable_streams_client::Consumer>> = Arc::default();
    let inside = Arc::clone(&own);
    let (consumer, driver) = consumer.into_parts(handler_fn(move |batch: Batch| {
        if numbers(&batch) == [3] {
            inside.get().unwrap().stop();
        }
        async { Ok(()) }
    }));
    own.set(consumer.clone()).unwrap();
    driver.await;
    assert_eq!(consumer.finished().await.unwrap(), Ended::Stopped);
    assert_eq!(committed(&store).as_deref(), Some("3"));
}

#[tokio::test]
async fn dropping_the_last_handle_stops_it_in_order() {
    let store = MemoryCheckpoints::new();
    let (consumer, script) = live([page("2", "[1,2]", &[]), silence()], &store);
    let (consumer, driver) = consumer.into_parts(handler_fn(|_| async { Ok(()) }));
    let driver = tokio::spawn(driver);
    let other = consumer.clone();
    drop(consumer);
    asked(&script, 2).await;
    assert!(!driver.is_finished());
    drop(other);
    driver.await.unwrap();
    assert_eq!(committed(&store).as_deref(), Some("2"));
}

#[tokio::test]
async fn a_driver_that_is_dropped_is_a_crash_what_was_not_committed_comes_again() {
    let store = MemoryCheckpoints::new();
    let notes = Notes::default();
    for round in 0..2 {
        let (consumer, _) = live(four(), &store);
        let (gate, noted) = (Gate::new(), notes.clone());
        let inside = gate.clone();
        let (consumer, driver) = consumer.into_parts(handler_fn(move |batch| {
            noted.add(format!("{:?}", numbers(&batch)));
            let gate = inside.clone();
            async move {
                if round == 0 {
                    gate.pass().await;
                }
                Ok(())
            }
        }));
        let driver = tokio::spawn(driver);
        if round == 0 {
            gate.entered().await;
            driver.abort();
            let error = consumer.finished().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Stopped);
            assert_eq!(committed(&store), None);
        } else {
            driver.await.unwrap();
            assert_eq!(consumer.finished().await.unwrap(), Ended::StreamClosed);
        }
    }
    assert_eq!(notes.all(), ["[1, 2]", "[1, 2]", "[3]", "[4]"]);
}

#[tokio::test]
async fn a_handler_that_panics_ends_the_consumer_for_whoever_waits() {
    let (consumer, _) = live(four(), &MemoryCheckpoints::new());
    let (consumer, driver) = consumer.into_parts(handler_fn(|_| async { panic!("as it is to") }));
    assert!(tokio::spawn(driver).await.unwrap_err().is_panic());
    let error = consumer.finished().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
}

#[tokio::test]
async fn a_stop_while_commits_fail_tries_once_more_and_says_that_it_is_not_committed() {
    let store = Failing::new(0, u32::MAX);
    let (client, _) = client(four());
    let consumer = client
        .stream("s")
        .read()
        .consumer(NAME)
        .store(store.clone());
    let consumer = consumer.start(handler_fn(|_| async { Ok(()) }));
    until(|| !store.notes.all().is_empty()).await;
    consumer.stop();
    let error = consumer.finished().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckpointStore);
    assert_eq!(consumer.committed(), None);
}

#[tokio::test]
async fn a_client_without_a_spawner_says_so() {
    let (builder, script) = scripted([answer(200, &[], "")]);
    let stream = builder.build().unwrap().stream("s");
    let consumer = stream
        .read()
        .consumer(NAME)
        .start(handler_fn(|_| async { Ok(()) }));
    let error = consumer.finished().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("spawner"), "{error}");
    assert!(script.requests().is_empty());
}
