//! What failures come to.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use durable_streams_client::{
    Batch, BoxError, Decision, Ended, Error, ErrorKind, Handler, MemoryCheckpoints, RetryPolicy,
    Start, handler_fn,
};

use crate::common::{answer, targets};
use crate::world::{
    CLOSED, Failing, NAME, Notes, client, committed, consumer, four, numbers, page,
};

/// Fails so many times at a number, and notes what it is given and what it is asked.
struct Tripping {
    at: u64,
    times: u32,
    decision: Decision,
    notes: Notes,
}

impl Tripping {
    fn new(at: u64, times: u32, decision: Decision) -> (Self, Notes) {
        let notes = Notes::default();
        let tripping = Self {
            at,
            times,
            decision,
            notes: notes.clone(),
        };
        (tripping, notes)
    }
}

impl Handler for Tripping {
    async fn handle(&mut self, batch: &Batch) -> Result<(), BoxError> {
        let numbers = numbers(batch);
        self.notes.add(format!("{numbers:?}"));
        if numbers.contains(&self.at) && self.times > 0 {
            self.times -= 1;
            return Err(format!("cannot take {}", self.at).into());
        }
        Ok(())
    }

    async fn failed(&mut self, error: &Error, batch: Option<&Batch>) -> Decision {
        let place = batch.map(|batch| batch.checkpoint().to_string());
        self.notes.add(format!("{:?} at {place:?}", error.kind()));
        self.decision.clone()
    }
}

#[tokio::test]
async fn a_batch_that_fails_is_handled_again_while_later_ones_wait() {
    let store = MemoryCheckpoints::new();
    let (consumer, script) = consumer(four(), &store);
    let (handler, notes) = Tripping::new(3, 2, Decision::Retry);
    assert_eq!(consumer.run(handler).await.unwrap(), Ended::StreamClosed);
    let failed = "Handler at Some(\"3\")";
    assert_eq!(
        notes.all(),
        ["[1, 2]", "[3]", failed, "[3]", failed, "[3]", "[4]"]
    );
    assert_eq!(script.requests().len(), 3, "it is kept, not read again");
}

#[tokio::test]
async fn a_batch_that_is_skipped_is_committed_as_if_it_had_been_handled() {
    let store = MemoryCheckpoints::new();
    let (consumer, _) = consumer(four(), &store);
    let (handler, notes) = Tripping::new(4, 9, Decision::Skip);
    assert_eq!(consumer.run(handler).await.unwrap(), Ended::StreamClosed);
    assert_eq!(
        notes.all(),
        ["[1, 2]", "[3]", "[4]", "Handler at Some(\"4\")"]
    );
    assert_eq!(committed(&store).as_deref(), Some("4"));
}

#[tokio::test]
async fn stopping_gives_the_handlers_own_error_and_leaves_the_commit_before_it() {
    let store = MemoryCheckpoints::new();
    let (consumer, _) = consumer(four(), &store);
    let (handler, _) = Tripping::new(3, 1, Decision::Stop);
    let error = consumer.run(handler).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handler);
    assert_eq!(error.source().unwrap().to_string(), "cannot take 3");
    assert_eq!(error.url(), Some("http://streams.test/v1/s"));
    assert!(error.to_string().contains("\"billing\""), "{error}");
    assert_eq!(committed(&store).as_deref(), Some("2"));
}

#[tokio::test]
async fn trying_again_ends_where_the_policy_says_and_a_success_starts_it_over() {
    let store = MemoryCheckpoints::new();
    let policy = RetryPolicy::endless().give_up_after(3, Duration::ZERO);
    // Two failures each for three batches are never three in a row.
    let (all, _) = consumer(four(), &store);
    let count = AtomicU32::new(0);
    let handler = handler_fn(|_| {
        let fails = count.fetch_add(1, Ordering::Relaxed) % 3 < 2;
        async move { if fails { Err("not yet".into()) } else { Ok(()) } }
    });
    all.retry(policy.clone()).run(handler).await.unwrap();

    let (consumer, _) = consumer(four(), &MemoryCheckpoints::new());
    let (handler, notes) = Tripping::new(1, 9, Decision::Retry);
    let error = consumer.retry(policy).run(handler).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Handler);
    assert_eq!(
        notes.all().iter().filter(|note| *note == "[1, 2]").count(),
        3
    );
}

#[tokio::test]
async fn a_reader_that_failed_for_good_ends_the_consumer_unless_it_is_decided_otherwise() {
    let gone = || [page("2", "[1,2]", &[]), answer(404, &[], "no such stream")];
    let (ends, _) = consumer(gone(), &MemoryCheckpoints::new());
    let error = ends
        .run(handler_fn(|_| async { Ok(()) }))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamNotFound);

    for decision in [Decision::Skip, Decision::Stop] {
        let (ends, _) = consumer(gone(), &MemoryCheckpoints::new());
        let (handler, notes) = Tripping::new(0, 0, decision);
        let error = ends.run(handler).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamNotFound);
        assert_eq!(notes.all(), ["[1, 2]", "StreamNotFound at None"]);
    }

    let store = MemoryCheckpoints::new();
    let back = gone().into_iter().chain([page("3", "[3]", &[CLOSED])]);
    let (goes_on, script) = consumer(back, &store);
    let (handler, notes) = Tripping::new(0, 0, Decision::Retry);
    goes_on.run(handler).await.unwrap();
    assert_eq!(notes.all(), ["[1, 2]", "StreamNotFound at None", "[3]"]);
    assert_eq!(targets(&script)[2], "GET /v1/s?offset=2");
    assert_eq!(committed(&store).as_deref(), Some("3"));
}

#[tokio::test]
async fn a_decision_can_be_to_go_on_elsewhere_as_where_retention_went_past_the_checkpoint() {
    let store = MemoryCheckpoints::new();
    let answers = [
        page("2", "[1,2]", &[]),
        answer(410, &[], ""),
        page("8", "[7,8]", &[CLOSED]),
    ];
    let (consumer, script) = consumer(answers, &store);
    let (handler, notes) = Tripping::new(0, 0, Decision::From(Start::Beginning));
    consumer.run(handler).await.unwrap();
    assert_eq!(notes.all(), ["[1, 2]", "Gone at None", "[7, 8]"]);
    assert_eq!(targets(&script)[2], "GET /v1/s?offset=-1");
    assert_eq!(committed(&store).as_deref(), Some("8"));
}

#[tokio::test]
async fn a_handler_that_fails_can_go_back_too() {
    let answers = four()
        .into_iter()
        .take(2)
        .chain([page("4", "[2,3,4]", &[CLOSED])]);
    let store = MemoryCheckpoints::new();
    let (consumer, script) = consumer(answers, &store);
    let back = Start::At("1".parse().unwrap());
    let (handler, notes) = Tripping::new(3, 1, Decision::From(back));
    consumer.run(handler).await.unwrap();
    assert_eq!(
        notes.all(),
        ["[1, 2]", "[3]", "Handler at Some(\"3\")", "[2, 3, 4]"]
    );
    assert_eq!(targets(&script)[2], "GET /v1/s?offset=1");
}

#[tokio::test]
async fn a_commit_that_fails_is_made_again_and_its_batch_is_not_handled_again() {
    let store = Failing::new(0, 2);
    let (client, _) = client(four());
    let consumer = client
        .stream("s")
        .read()
        .consumer(NAME)
        .store(store.clone());
    let notes = store.notes.clone();
    let handler = handler_fn(|batch| {
        notes.add(format!("{:?}", numbers(&batch)));
        async { Ok(()) }
    });
    consumer.run(handler).await.unwrap();
    assert_eq!(
        notes.all(),
        [
            "[1, 2]",
            "not saved 2",
            "not saved 2",
            "saved 2",
            "[3]",
            "saved 3",
            "[4]",
            "saved 4"
        ]
    );
}

#[tokio::test]
async fn a_commit_that_is_skipped_is_made_good_by_the_next() {
    let store = Failing::new(0, 1);
    let (client, script) = client(four());
    let consumer = client
        .stream("s")
        .read()
        .consumer(NAME)
        .store(store.clone());
    let handler = handler_fn(|_| async { Ok(()) });
    let handler = handler.on_failure(|error, batch| {
        assert_eq!(error.kind(), ErrorKind::CheckpointStore);
        assert_eq!(error.source().unwrap().to_string(), "the disk is full");
        assert!(batch.is_some());
        Decision::Skip
    });
    consumer.run(handler).await.unwrap();
    assert_eq!(store.notes.all(), ["not saved 2", "saved 3", "saved 4"]);
    assert_eq!(script.requests().len(), 3);
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_is_asked_again_and_nothing_begins_without_it() {
    let store = Failing::new(2, 0);
    let (all, script) = client(four());
    let consumer = all.stream("s").read().consumer(NAME).store(store.clone());
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let handler = handler_fn(|_| async { Ok(()) }).on_failure(move |error, batch| {
        assert_eq!(
            (error.kind(), batch.is_none()),
            (ErrorKind::CheckpointStore, true)
        );
        counted.fetch_add(1, Ordering::Relaxed);
        Decision::default_for(error)
    });
    consumer.run(handler).await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    assert_eq!(script.requests().len(), 3);

    let (client, script) = client([]);
    let consumer = client
        .stream("s")
        .read()
        .consumer(NAME)
        .store(Failing::new(1, 0));
    let handler = handler_fn(|_| async { Ok(()) }).on_failure(|_, _| Decision::Skip);
    let error = consumer.run(handler).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckpointStore);
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn what_cannot_be_sent_ends_it_before_any_io() {
    let (client, script) = client([]);
    let consumer = client.stream("../up").read().consumer(NAME);
    let error = consumer
        .run(handler_fn(|_| async { Ok(()) }))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(script.requests().is_empty());
}
