//! What is handled, and when it is committed.

use durable_streams_client::{
    Batch, BoxError, Checkpoint, CheckpointStore, Ended, Handler, Live, MemoryCheckpoints, Start,
    handler_fn,
};

use crate::common::{answer, targets};
use crate::world::{CLOSED, NAME, Notes, TAIL, client, committed, consumer, four, numbers, page};

#[tokio::test]
async fn a_checkpoint_is_committed_when_the_handler_returned_ok_and_not_before() {
    let store = MemoryCheckpoints::new();
    let (consumer, _) = consumer(four(), &store);
    let mut seen = Vec::new();
    let handler = handler_fn(|batch: Batch| {
        seen.push((numbers(&batch), committed(&store)));
        async { Ok(()) }
    });
    assert_eq!(consumer.run(handler).await.unwrap(), Ended::StreamClosed);
    let at = |offset: &str| Some(offset.to_owned());
    assert_eq!(
        seen,
        [(vec![1, 2], None), (vec![3], at("2")), (vec![4], at("3"))]
    );
    assert_eq!(committed(&store), at("4"));
}

#[tokio::test]
async fn a_consumer_begins_where_the_last_one_of_its_name_committed() {
    let store = MemoryCheckpoints::new();
    store.save(NAME, &"3".parse().unwrap()).await.unwrap();
    store.save("other", &"1".parse().unwrap()).await.unwrap();
    let (consumer, script) = consumer([page("4", "[4]", &[CLOSED])], &store);
    let mut seen = Vec::new();
    let handler = handler_fn(|batch| {
        seen.extend(numbers(&batch));
        async { Ok(()) }
    });
    consumer.run(handler).await.unwrap();
    assert_eq!(targets(&script), ["GET /v1/s?offset=3"]);
    assert_eq!(seen, [4]);
}

#[tokio::test]
async fn where_nothing_was_committed_it_begins_where_the_reader_was_told_to() {
    let (client, script) = client([page("9", "[]", &[TAIL])]);
    let read = client.stream("s").read().from(Start::Now);
    let store = MemoryCheckpoints::new();
    let consumer = read.consumer(NAME).store(store.clone());
    let handler = handler_fn(|_| async { Err("there is nothing to handle".into()) });
    assert_eq!(consumer.run(handler).await.unwrap(), Ended::UpToDate);
    assert_eq!(targets(&script), ["GET /v1/s?offset=now"]);
    assert_eq!(
        committed(&store).as_deref(),
        Some("9"),
        "now is a place from here on"
    );
}

#[tokio::test]
async fn without_a_store_it_remembers_where_it_is_as_long_as_it_lives() {
    let (client, script) = client([
        page("2", "[1,2]", &[]),
        answer(404, &[], ""),
        page("3", "[3]", &[CLOSED]),
    ]);
    let mut seen = Vec::new();
    let handler = handler_fn(|batch| {
        seen.extend(numbers(&batch));
        async { Ok(()) }
    });
    let handler = handler.on_failure(|_, _| durable_streams_client::Decision::Retry);
    client
        .stream("s")
        .read()
        .consumer(NAME)
        .run(handler)
        .await
        .unwrap();
    assert_eq!(seen, [1, 2, 3]);
    assert_eq!(
        targets(&script)[1..],
        ["GET /v1/s?offset=2", "GET /v1/s?offset=2"]
    );
}

/// Notes what it is called for.
struct Noting(Notes);

impl Handler for Noting {
    async fn handle(&mut self, batch: &Batch) -> Result<(), BoxError> {
        self.0.add(format!("{:?}", numbers(batch)));
        Ok(())
    }

    async fn up_to_date(&mut self, checkpoint: &Checkpoint) {
        self.0.add(format!("up to date at {checkpoint}"));
    }
}

#[tokio::test]
async fn up_to_date_is_told_when_it_is_and_again_when_it_was_behind() {
    let waited_in_vain = || answer(204, &[("stream-next-offset", "2"), TAIL], "");
    let (client, _) = client([
        page("1", "[1]", &[]),
        page("2", "[2]", &[TAIL]),
        waited_in_vain(),
        page("3", "[3]", &[TAIL]),
        page("4", "[4]", &[]),
        page("5", "[5]", &[CLOSED]),
    ]);
    let read = client.stream("s").read().live(Live::LongPoll);
    let consumer = read.consumer(NAME);
    let notes = Notes::default();
    consumer.run(Noting(notes.clone())).await.unwrap();
    assert_eq!(
        notes.all(),
        [
            "[1]",
            "[2]",
            "up to date at 2",
            "[3]",
            "[4]",
            "[5]",
            "up to date at 5"
        ]
    );
}

#[tokio::test]
async fn a_stream_with_nothing_in_it_is_up_to_date_and_nothing_is_handled() {
    let store = MemoryCheckpoints::new();
    let (consumer, _) = consumer([page("0", "[]", &[TAIL])], &store);
    let notes = Notes::default();
    let ended = consumer.run(Noting(notes.clone())).await.unwrap();
    assert_eq!(ended, Ended::UpToDate);
    assert_eq!(notes.all(), ["up to date at 0"]);
    assert_eq!(committed(&store).as_deref(), Some("0"));
}

#[tokio::test]
async fn a_cursor_alone_is_no_reason_to_commit_and_goes_on_all_the_same() {
    let store = crate::world::Failing::new(0, 0);
    let waited = |cursor| {
        answer(
            204,
            &[("stream-next-offset", "1"), TAIL, ("stream-cursor", cursor)],
            "",
        )
    };
    let answers = [
        page("1", "[1]", &[TAIL]),
        waited("a"),
        waited("b"),
        answer(204, &[("stream-next-offset", "1"), CLOSED], ""),
    ];
    let (client, script) = client(answers);
    let read = client.stream("s").read().live(Live::LongPoll);
    let consumer = read.consumer(NAME).store(store.clone());
    consumer
        .run(handler_fn(|_| async { Ok(()) }))
        .await
        .unwrap();
    assert_eq!(store.notes.all(), ["saved 1"]);
    assert!(targets(&script)[3].contains("cursor=b"));
}
