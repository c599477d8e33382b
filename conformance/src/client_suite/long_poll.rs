//! Long-poll.

use std::time::Duration;

use durable_streams_client::{ErrorKind, Live, Start};

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b18_a_204_moves_on_and_is_up_to_date,
        b18_a_204_without_offset_is_an_error,
        b18_no_hot_loop_where_a_server_does_not_wait,
        b19_longer_than_servers_wait_and_never_up_to_date,
        b19_the_limit_is_a_timeout_that_can_pass,
        b20_the_last_cursor_goes_with_every_live_request,
        b20_a_checkpoint_brings_its_cursor,
        b21_closed_ends_the_read_after_its_body,
        b21_only_true_is_closed,
        b25_now_goes_on_by_long_poll,
    ]
}

async fn b18_a_204_moves_on_and_is_up_to_date(cx: Context) {
    let server = cx
        .serve([
            empty().cursor("a"),
            json("1", "[1]").cursor("b"),
            // It says nothing of being up to date, and is.
            no_content("2").cursor("c"),
            no_content("2").cursor("d").tail(),
            json("3", "[3]").tail().closed(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::LongPoll).start();
    assert_eq!(
        drain(&mut reader).await,
        [
            "[] @0,0,a tail",
            "[1] @1,0,b",
            "[] @2,0,c tail",
            "[3] @3,0,d tail closed",
        ]
    );
    assert_eq!(
        targets(&server),
        [
            "GET ?offset=-1",
            "GET ?cursor=a&live=long-poll&offset=0",
            "GET ?cursor=b&live=long-poll&offset=1",
            "GET ?cursor=c&live=long-poll&offset=2",
            "GET ?cursor=d&live=long-poll&offset=2",
        ]
    );
    server.assert_finished();
}

async fn b18_a_204_without_offset_is_an_error(cx: Context) {
    let server = cx
        .serve([empty(), Reply::new(204).cursor("c").tail()])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::LongPoll).start();
    let (got, error) = fail(&mut reader).await;
    assert_eq!(
        (got, error.kind()),
        (vec!["[] @0 tail".to_owned()], ErrorKind::Protocol)
    );
    server.assert_finished();
}

async fn b18_no_hot_loop_where_a_server_does_not_wait(cx: Context) {
    let server = cx.serve([empty()]).await;
    server.answer_with(|_, _| no_content("0").tail());
    let (client, clock) = cx.stopped(&server);
    let stream = client.build().unwrap().stream("s");
    let mut running = Running::start(stream.read().live(Live::LongPoll).start());
    assert_eq!(running.next().await, "[] @0 tail");
    clock.settle(&server).await;
    let at_once = server.requests().len();
    assert!(
        at_once <= 4,
        "{at_once} requests without a moment in between"
    );
    clock.turn(&server, Duration::from_secs(60)).await;
    // One a second is what the client settles at.
    let requests = server.requests().len() - at_once;
    assert!(
        (30..=65).contains(&requests),
        "{requests} requests in a minute"
    );
    running.assert_silent();
    running.abort();
}

async fn b19_longer_than_servers_wait_and_never_up_to_date(cx: Context) {
    let server = cx
        .serve([
            json("1", "[1]").cursor("c").tail(),
            Reply::hang(),
            json("2", "[2]").closed(),
        ])
        .await;
    let (client, clock) = cx.stopped(&server);
    let stream = client.build().unwrap().stream("s");
    let mut running = Running::start(stream.read().live(Live::LongPoll).start());
    assert_eq!(running.next_ended().await, "[1] @1,0,c tail");
    within(server.wait_for_requests(2)).await;
    let waited = clock.until_requests(&server, 3).await.as_secs();
    assert!(
        (62..=68).contains(&waited),
        "a server may wait for a minute, and this one was given up after {waited} s"
    );
    // Nothing was said in between, and the dead exchange is gone.
    assert_eq!(running.next_ended().await, "[2] @2,0,c tail closed");
    running.end().await;
    within(server.wait_for_abandoned(1)).await;
    let again = "GET ?cursor=c&live=long-poll&offset=1";
    assert_eq!(targets(&server)[1..], [again, again]);
    server.assert_finished();
}

async fn b19_the_limit_is_a_timeout_that_can_pass(cx: Context) {
    let server = cx.serve([empty(), Reply::hang(), Reply::hang()]).await;
    let (client, clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read();
    let read = read
        .live(Live::LongPoll)
        .long_poll_timeout(Duration::from_secs(10))
        .retry(attempts(2));
    let mut running = Running::start(read.start());
    assert_eq!(running.next().await, "[] @0 tail");
    within(server.wait_for_requests(2)).await;
    let waited = clock.until_requests(&server, 3).await.as_secs();
    assert!((10..=12).contains(&waited), "given up after {waited} s");
    clock.turn(&server, Duration::from_secs(11)).await;
    let (reader, error) = running.end().await;
    let error = error.unwrap();
    assert!(!reader.is_closed());
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (ErrorKind::Timeout, true)
    );
    server.assert_finished();
}

async fn b20_the_last_cursor_goes_with_every_live_request(cx: Context) {
    let server = cx
        .serve([
            json("1", "[1]").cursor("a b&c=d/%"),
            json("2", "[2]").tail(),
            json("3", "[3]"),
            Reply::new(503),
            Reply::new(200)
                .header("Content-Type", "application/json")
                .next_offset("4")
                .cursor("")
                .body("[4]"),
            json("5", "[5]").cursor("e"),
            no_content("5").tail(),
            no_content("5").closed(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::LongPoll).start();
    let got = drain(&mut reader).await;
    assert_eq!(got.last().unwrap(), "[] @5,0,e tail closed");
    let first = "cursor=a%20b%26c%3Dd%2F%25&live=long-poll";
    assert_eq!(
        targets(&server),
        [
            "GET ?offset=-1",
            "GET ?offset=1",
            &format!("GET ?{first}&offset=2"),
            &format!("GET ?{first}&offset=3"),
            &format!("GET ?{first}&offset=3"),
            &format!("GET ?{first}&offset=4"),
            "GET ?cursor=e&live=long-poll&offset=5",
            "GET ?cursor=e&live=long-poll&offset=5",
        ]
    );
    server.assert_finished();
}

async fn b20_a_checkpoint_brings_its_cursor(cx: Context) {
    let saved: durable_streams_client::Checkpoint = "7,0,saved".parse().unwrap();
    let server = cx
        .serve([json("7", "[]").tail(), no_content("7").closed()])
        .await;
    let read = cx.stream(&server).read().from(saved).live(Live::LongPoll);
    assert_eq!(
        drain(&mut read.start()).await,
        ["[] @7,0,saved tail", "[] @7,0,saved tail closed"]
    );
    assert_eq!(
        targets(&server),
        ["GET ?offset=7", "GET ?cursor=saved&live=long-poll&offset=7"]
    );
    server.assert_finished();
}

async fn b21_closed_ends_the_read_after_its_body(cx: Context) {
    let server = cx.serve([empty(), json("2", "[1,2]").closed()]).await;
    let mut reader = cx.stream(&server).read().live(Live::LongPoll).start();
    assert_eq!(
        drain(&mut reader).await,
        ["[] @0 tail", "[1,2] @2 tail closed"]
    );
    assert!(reader.is_closed());
    server.assert_finished();

    // The body comes in pieces: the end is with the last of it, not with the head.
    let (last, live) = Reply::live(200);
    let last = last
        .header("Content-Type", "application/json")
        .next_offset("2")
        .closed();
    let server = cx.serve([empty(), last]).await;
    let mut reader = cx.stream(&server).read().live(Live::LongPoll).start();
    assert_eq!(next(&mut reader).await, "[] @0 tail");
    live.send("[1,");
    assert_eq!(next(&mut reader).await, "[1] @0,1");
    assert!(!reader.is_closed());
    live.send("2]");
    live.end();
    let got = drain(&mut reader).await;
    // The second message may come before the end of the body is known.
    assert_eq!(
        got.last().unwrap().split_once(" @2").unwrap().1,
        " tail closed",
        "{got:?}"
    );
    assert!(got.concat().contains("[2]") && reader.is_closed());
    server.assert_finished();
}

async fn b21_only_true_is_closed(cx: Context) {
    let server = cx
        .serve([
            empty().header("Stream-Closed", "false"),
            json("1", "[1]").header("Stream-Closed", "1"),
            no_content("1").header("Stream-Closed", ""),
            no_content("1").header("stream-closed", "TRUE"),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::LongPoll).start();
    assert_eq!(
        drain(&mut reader).await,
        ["[] @0 tail", "[1] @1", "[] @1 tail", "[] @1 tail closed"]
    );
    server.assert_finished();
}

async fn b25_now_goes_on_by_long_poll(cx: Context) {
    let server = cx
        .serve([
            json("41", "[]").cursor("c").tail(),
            no_content("41").tail(),
            json("42", "[1]").closed(),
        ])
        .await;
    let mut reader = cx
        .stream(&server)
        .read()
        .from(Start::Now)
        .live(Live::LongPoll)
        .start();
    assert_eq!(
        drain(&mut reader).await,
        ["[] @41,0,c tail", "[1] @42,0,c tail closed"]
    );
    let live = "GET ?cursor=c&live=long-poll&offset=41";
    assert_eq!(targets(&server), ["GET ?offset=now", live, live]);
    server.assert_finished();
}
