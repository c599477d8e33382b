//! Futures and readers that are dropped.

use durable_streams_client::{Live, Reader};
use futures_util::FutureExt;

use super::support::*;
use crate::script::{Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b59_a_reader_dropped_before_an_answer_gives_it_up,
        b59_a_reader_dropped_in_a_page_gives_it_up,
        b59_a_reader_dropped_in_a_long_poll_gives_it_up,
        b59_a_reader_dropped_in_an_event_stream_gives_it_up,
        b59_a_dropped_reader_resumes_from_its_last_batch,
        b59_a_dropped_operation_sends_nothing_more,
        b59_an_operation_that_is_not_awaited_sends_nothing,
        b59_dropping_every_future_of_next_loses_nothing,
    ]
}

/// The exchange of this request was given up, and no other took its place.
async fn given_up(server: &ScriptServer, request: usize) {
    within(server.wait_for_abandoned(request)).await;
    server.assert_finished();
}

async fn b59_a_reader_dropped_before_an_answer_gives_it_up(cx: Context) {
    let server = cx.serve([Reply::hang()]).await;
    let running = Running::start(cx.stream(&server).read().start());
    within(server.wait_for_requests(1)).await;
    running.abort();
    given_up(&server, 0).await;
}

async fn b59_a_reader_dropped_in_a_page_gives_it_up(cx: Context) {
    let (page, live) = Reply::live(200);
    let page = page.header("Content-Type", "application/json");
    let server = cx.serve([page.next_offset("2").tail()]).await;
    let mut reader = cx.stream(&server).read().start();
    live.send("[1,");
    assert_eq!(next(&mut reader).await, "[1] @-1,1");
    drop(reader);
    within(live.gone()).await;
    given_up(&server, 0).await;
}

async fn b59_a_reader_dropped_in_a_long_poll_gives_it_up(cx: Context) {
    let server = cx.serve([empty(), Reply::hang()]).await;
    let mut running = Running::start(cx.stream(&server).read().live(Live::LongPoll).start());
    assert_eq!(running.next().await, "[] @0 tail");
    within(server.wait_for_requests(2)).await;
    running.abort();
    given_up(&server, 1).await;
}

async fn b59_a_reader_dropped_in_an_event_stream_gives_it_up(cx: Context) {
    let (events, live) = Reply::live_sse();
    let server = cx.serve([empty(), events]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    assert_eq!(next(&mut reader).await, "[] @0 tail");
    live.event("data", "[1]");
    live.event("control", r#"{"streamNextOffset":"1"}"#);
    assert_eq!(next(&mut reader).await, "[1] @1");
    drop(reader);
    within(live.gone()).await;
    given_up(&server, 1).await;
}

async fn b59_a_dropped_reader_resumes_from_its_last_batch(cx: Context) {
    let (page, live) = Reply::live(200);
    let page = page.header("Content-Type", "application/json");
    let whole = json("3", "[1,2,3]").closed();
    let server = cx.serve([page.next_offset("3").closed(), whole]).await;
    let stream = cx.stream(&server);
    let mut reader = stream.read().start();
    live.send("[1,2,");
    let got = next(&mut reader).await;
    assert!(got.starts_with("[1"), "{got}");
    let saved = reader.checkpoint();
    drop(reader);
    let rest = drain(&mut stream.read().from(saved).start()).await;
    let messages = format!("{got} {}", rest.join(" "));
    let numbers: Vec<_> = messages
        .split(' ')
        .filter(|word| word.starts_with('['))
        .collect();
    assert_eq!(numbers.concat().replace("][", ","), "[1,2,3]");
    server.assert_finished();
}

async fn b59_a_dropped_operation_sends_nothing_more(cx: Context) {
    let (endless, live) = Reply::live(500);
    let found = Reply::new(200).next_offset("0");
    let server = cx
        .serve([Reply::hang(), Reply::hang(), endless, found])
        .await;
    let (client, clock) = cx.stopped(&server);
    let stream = client.build().unwrap().stream("s");
    let append = tokio::spawn(stream.append("abc").into_future());
    within(server.wait_for_requests(1)).await;
    append.abort();
    within(server.wait_for_abandoned(0)).await;

    let head = tokio::spawn(stream.head().into_future());
    within(server.wait_for_requests(2)).await;
    head.abort();
    within(server.wait_for_abandoned(1)).await;

    // While the explanation of a refusal is on its way.
    let delete = tokio::spawn(stream.delete().into_future());
    let why = "because";
    live.send(why);
    within(clock.received(why.len() as u64)).await;
    delete.abort();
    within(live.gone()).await;
    within(server.wait_for_abandoned(2)).await;

    // Whatever time would bring would be here before this one.
    clock
        .turn(&server, std::time::Duration::from_secs(600))
        .await;
    within(stream.head().into_future()).await.unwrap();
    assert_eq!(targets(&server), ["POST ", "HEAD ", "DELETE ", "HEAD "]);
    server.assert_finished();
}

async fn b59_an_operation_that_is_not_awaited_sends_nothing(cx: Context) {
    let server = cx.serve([Reply::new(200).next_offset("0")]).await;
    let stream = cx.stream(&server);
    drop(stream.append("abc"));
    drop(stream.delete().into_future());
    let reader = stream.read().live(Live::Sse).start();
    assert_eq!(server.connections(), 0);
    within(stream.head().into_future()).await.unwrap();
    drop(reader);
    assert_eq!(targets(&server), ["HEAD "]);
    server.assert_finished();
}

/// Reads to the end, dropping every future that is not ready at once.
async fn drain_dropping(reader: &mut Reader) -> (Vec<String>, usize) {
    let (mut got, mut dropped) = (Vec::new(), 0);
    loop {
        match reader.next().now_or_never() {
            None => {
                dropped += 1;
                // Who polls by itself waits for nobody to wake it.
                tokio::task::yield_now().await;
            }
            Some(Ok(Some(batch))) => got.push(show(&batch)),
            Some(Ok(None)) => return (got, dropped),
            Some(Err(error)) => panic!("{error}"),
        }
    }
}

async fn b59_dropping_every_future_of_next_loses_nothing(cx: Context) {
    let server = cx
        .serve([
            json("2", "[1,2]").byte_by_byte(),
            json("4", "[3,4]").cut_after(4),
            Reply::new(503),
            json("4", "[3,4]").tail().chunked().byte_by_byte(),
            Reply::sse()
                .event("data", "[5]")
                .control(r#""streamNextOffset":"5","streamCursor":"c""#)
                .event("data", "[6]")
                .then_close(),
            Reply::sse()
                .event("data", "[6]")
                .control(r#""streamNextOffset":"6","streamClosed":true"#)
                .byte_by_byte(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    let (got, dropped) = within(drain_dropping(&mut reader)).await;
    assert!(dropped > 5, "only {dropped} futures were dropped");
    // How bytes become batches depends on when they arrive; what they are does not.
    let messages: String = got
        .iter()
        .map(|batch| batch.split_once(" @").unwrap().0)
        .collect();
    assert_eq!(
        messages.replace("[]", "").replace("][", ","),
        "[1,2,3,4,5,6]"
    );
    assert_eq!(got.last().unwrap(), "[6] @6,0,c tail closed");
    assert_eq!(
        targets(&server),
        [
            "GET ?offset=-1",
            "GET ?offset=2",
            "GET ?offset=2",
            "GET ?offset=2",
            "GET ?live=sse&offset=4",
            "GET ?cursor=c&live=sse&offset=5",
        ]
    );
    server.assert_finished();
}
