//! Workers over real sockets, against a server that really keeps streams: the embedded one, or, with `DURABLE_STREAMS_NPM_ROOT` set to
//! the URL of a running `@durable-streams/server`, that one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_reqwest::{
    Batch, BoxError, Client, Error, ErrorKind, Subscription, Work, WorkDecision, WorkHandler,
    Worker, client, work_fn,
};
use tokio::sync::Notify;

/// Only what hangs takes this long.
const LIMIT: Duration = Duration::from_secs(60);

/// A subscription to the streams below a path of its own, with the shortest lease.
struct World {
    client: Client,
    path: String,
    subscription: Subscription,
    _server: Option<Server>,
}

impl World {
    async fn new() -> Self {
        let (root, server) = match std::env::var("DURABLE_STREAMS_NPM_ROOT") {
            Ok(root) => (root, None),
            Err(_) => {
                let server = Server::start(Default::default()).await.unwrap();
                (format!("{}/v1/stream", server.url()), Some(server))
            }
        };
        let client = client(&root).unwrap().build().unwrap();
        let path = format!("jobs-{:016x}", fastrand::u64(..));
        let wakes = format!("wakes-{path}");
        let stream = client.stream(&wakes);
        let create = stream.create().content_type("application/json");
        create.await.unwrap();
        let subscription = client.subscription(&path);
        let create = subscription
            .create_pull_wake(&wakes)
            .pattern(format!("{path}/*"));
        create.lease(Duration::from_secs(1)).await.unwrap();
        Self {
            client,
            path,
            subscription,
            _server: server,
        }
    }

    async fn append(&self, stream: &str, numbers: std::ops::Range<u64>) {
        let stream = self.client.stream(&format!("{}/{stream}", self.path));
        let create = stream.create().content_type("application/json");
        create.await.unwrap();
        stream.append_json_batch(numbers).await.unwrap();
    }

    /// Waits until everything is acknowledged.
    async fn done(&self) {
        let everything = async {
            loop {
                let mut done = true;
                for stream in self.subscription.read().await.unwrap().streams {
                    let head = self.client.stream(&stream.path).head().await.unwrap();
                    done &= stream.acked.is_some_and(|acked| acked >= head.next_offset);
                }
                if done {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        limited(everything).await;
    }
}

async fn limited<T>(future: impl Future<Output = T>) -> T {
    let limited = tokio::time::timeout(LIMIT, future);
    limited.await.expect("it hangs")
}

/// The last segment of a path.
fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// What handlers were given, shared with the test.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, work: &Work) {
        for number in work.batch.json::<u64>() {
            let note = format!("{} {}", last(&work.stream), number.unwrap());
            self.0.lock().unwrap().push(note);
        }
    }

    /// Each once: on a machine that stands still for a second the lease is lost, and something comes again.
    fn sorted(&self) -> Vec<String> {
        let mut notes = self.0.lock().unwrap().clone();
        notes.sort();
        notes.dedup();
        notes
    }
}

/// Notes what it is given.
fn notes(to: &Notes) -> impl WorkHandler + use<> {
    let to = to.clone();
    work_fn(move |work| {
        let to = to.clone();
        async move {
            to.add(&work);
            Ok(())
        }
    })
}

async fn finished(worker: &Worker) -> Result<(), Error> {
    limited(worker.finished()).await
}

#[tokio::test]
async fn b74_what_is_there_and_what_comes_is_handled() {
    let world = World::new().await;
    world.append("a", 0..3).await;
    let seen = Notes::default();
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&acknowledged);
    let handler = {
        let seen = seen.clone();
        work_fn(move |work| {
            let seen = seen.clone();
            async move {
                seen.add(&work);
                Ok(())
            }
        })
        .on_acknowledged(move |_, _| {
            count.fetch_add(1, Ordering::Relaxed);
        })
    };
    let worker = world.subscription.worker("w").start(handler);
    world.done().await;
    world.append("a", 3..5).await;
    world.append("b", 0..1).await;
    world.done().await;
    worker.stop();
    finished(&worker).await.unwrap();
    let expected = ["a 0", "a 1", "a 2", "a 3", "a 4", "b 0"];
    assert_eq!(seen.sorted(), expected);
    assert!(acknowledged.load(Ordering::Relaxed) >= 1);
    // It left nothing claimed behind.
    world.append("b", 1..2).await;
    let claim = world.subscription.claim("other").await.unwrap();
    assert!(matches!(
        claim,
        durable_streams_reqwest::ClaimOutcome::Claimed(_)
    ));
}

/// Fails at the number 7, the first time at least.
struct Careless {
    seen: Notes,
    failures: AtomicUsize,
    decision: WorkDecision,
}

impl WorkHandler for Careless {
    async fn handle(&self, work: &Work) -> Result<(), BoxError> {
        let stumbles = work
            .batch
            .json::<u64>()
            .any(|number| number.is_ok_and(|number| number == 7));
        let first = self.failures.load(Ordering::Relaxed) == 0;
        if stumbles && (first || self.decision != WorkDecision::Retry) {
            return Err("seven".into());
        }
        self.seen.add(work);
        Ok(())
    }

    async fn failed(&self, error: &Error, stream: &str, batch: Option<&Batch>) -> WorkDecision {
        assert_eq!(error.kind(), ErrorKind::Handler);
        assert_eq!(last(stream), "a");
        assert!(batch.is_some());
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.decision
    }
}

fn careless(seen: &Notes, decision: WorkDecision) -> Careless {
    Careless {
        seen: seen.clone(),
        failures: AtomicUsize::new(0),
        decision,
    }
}

#[tokio::test]
async fn b74_what_fails_comes_again_or_is_left_out() {
    for (decision, expected) in [
        (WorkDecision::Retry, &["a 7", "b 1"][..]),
        (WorkDecision::Skip, &["b 1"]),
    ] {
        let world = World::new().await;
        world.append("a", 7..8).await;
        world.append("b", 1..2).await;
        let seen = Notes::default();
        let worker = world.subscription.worker("w");
        let worker = worker.start(careless(&seen, decision));
        world.done().await;
        worker.stop();
        finished(&worker).await.unwrap();
        assert_eq!(seen.sorted(), expected);
    }
}

#[tokio::test]
async fn b74_a_handler_can_end_the_worker_and_loses_nothing() {
    let world = World::new().await;
    world.append("a", 7..8).await;
    let seen = Notes::default();
    let worker = world.subscription.worker("w");
    let worker = worker.start(careless(&seen, WorkDecision::Stop));
    let error = finished(&worker).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handler);
    let source = std::error::Error::source(&error).map(ToString::to_string);
    assert_eq!(source.as_deref(), Some("seven"));
    // The next one need not wait for the lease.
    let next = world.subscription.worker("next").start(notes(&seen));
    world.done().await;
    assert_eq!(seen.sorted(), ["a 7"]);
    drop(next);
}

#[tokio::test]
async fn b74_when_one_dies_another_goes_on_with_what_was_not_acknowledged() {
    let world = World::new().await;
    world.append("a", 0..2).await;
    let begun = Arc::new(Notify::new());
    let told = Arc::clone(&begun);
    let (first, driver) = world
        .subscription
        .worker("first")
        .into_parts(work_fn(move |_| {
            told.notify_one();
            std::future::pending()
        }));
    let task = tokio::spawn(driver);
    limited(begun.notified()).await;
    let seen = Notes::default();
    let second = world.subscription.worker("second").start(notes(&seen));
    task.abort();
    let error = finished(&first).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    world.done().await;
    assert_eq!(seen.sorted(), ["a 0", "a 1"]);
    second.stop();
    finished(&second).await.unwrap();
}

/// Says when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn b73_a_handler_is_dropped_when_the_lease_is_over() {
    let world = World::new().await;
    world.append("a", 0..1).await;
    let dropped = Arc::new(AtomicBool::new(false));
    let begun = Arc::new(Notify::new());
    let (guard, told) = (Arc::clone(&dropped), Arc::clone(&begun));
    let handler = work_fn(move |_| {
        let guard = Dropped(Arc::clone(&guard));
        told.notify_one();
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    });
    let worker = world.subscription.worker("w").start(handler);
    limited(begun.notified()).await;
    world.subscription.delete().await.unwrap();
    let error = finished(&worker).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SubscriptionNotFound);
    assert!(dropped.load(Ordering::Relaxed));
}

#[tokio::test]
async fn b75_what_is_no_subscription_is_said_at_once() {
    let world = World::new().await;
    let run = world.client.subscription("none").worker("w");
    let error = limited(run.run(work_fn(|_| async { Ok(()) })))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SubscriptionNotFound);
    for (id, name) in [("a/b", "w"), ("jobs", "")] {
        let run = world.client.subscription(id).worker(name);
        let error = limited(run.run(work_fn(|_| async { Ok(()) })))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
}
