//! When requests are sent again, and not before.

use std::time::{Duration, Instant};

use durable_streams_client::{Error, ErrorKind, Live, RetryPolicy};

use super::clock::Clock;
use super::support::*;
use crate::script::{Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b54_retry_after_in_seconds_is_a_floor,
        b54_retry_after_that_is_none_is_ignored,
        b54_retry_after_is_an_hour_at_most,
        b66_a_date_is_read_against_the_answers_own,
        b54_retry_after_holds_in_every_phase,
        b54_retry_after_holds_for_operations,
        b54_retry_after_holds_by_the_clock_on_the_wall,
        b54_delays_grow_up_to_their_maximum,
        b54_attempts_or_time_whichever_is_later,
        b54_a_success_starts_the_count_over,
        b56_other_client_errors_are_final,
        b56_client_errors_are_final_for_live_readers_too,
        b56_408_425_and_429_can_pass,
    ]
}

/// Checks how many seconds pass between two requests of a reader, of which the first is answered with this.
async fn waits(cx: &Context, reply: Reply, seconds: u64) {
    let what = format!("{reply:?}");
    let server = cx.serve([reply, json("1", "[1]").tail()]).await;
    let (client, clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read();
    let mut running = Running::start(read.retry(at_once()).start());
    within(server.wait_for_requests(1)).await;
    let waited = clock.until_requests(&server, 2).await;
    assert_eq!(waited, Duration::from_secs(seconds), "{what}");
    assert_eq!(running.next_ended().await, "[1] @1 tail");
    running.end().await;
    server.assert_finished();
}

/// Checks how many seconds pass before each of these requests.
async fn waits_in_turn(clock: &Clock, server: &ScriptServer, requests: &[(usize, u64)]) {
    for (request, seconds) in requests {
        let waited = clock.until_requests(server, *request).await;
        let expected = Duration::from_secs(*seconds);
        assert_eq!(waited, expected, "before request {request}");
    }
}

fn busy(retry_after: &str) -> Reply {
    Reply::new(503).header("Retry-After", retry_after)
}

async fn b54_retry_after_in_seconds_is_a_floor(cx: Context) {
    waits(&cx, Reply::new(503), 0).await;
    waits(&cx, busy("0"), 0).await;
    waits(&cx, busy("20"), 20).await;
    let limited = Reply::new(429).header("Retry-After", "3").body("slow down");
    waits(&cx, limited, 3).await;
}

async fn b54_retry_after_that_is_none_is_ignored(cx: Context) {
    for odd in [
        "-5",
        "soon",
        "",
        "1e3",
        "5 s",
        "Sun, 99 Nov 1994 08:49:37 GMT",
    ] {
        waits(&cx, busy(odd), 0).await;
    }
}

async fn b54_retry_after_is_an_hour_at_most(cx: Context) {
    waits(&cx, busy("86400"), 3600).await;
}

async fn b66_a_date_is_read_against_the_answers_own(cx: Context) {
    let busy = |date: &str, until: &str| busy(until).header("Date", date);
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    // Neither has anything to do with the time here.
    waits(&cx, busy(date, "Sun, 06 Nov 1994 08:49:57 GMT"), 20).await;
    let future = "Fri, 06 Nov 2093 08:49:37 GMT";
    waits(&cx, busy(future, "Fri, 06 Nov 2093 08:49:42 GMT"), 5).await;
    // In the past, and without a date to read it against.
    waits(&cx, busy(date, "Sun, 06 Nov 1994 08:49:00 GMT"), 0).await;
    let undated = Reply::new(503).header("Retry-After", future);
    waits(&cx, undated, 0).await;
}

async fn b54_retry_after_holds_in_every_phase(cx: Context) {
    let busy = || busy("7");
    let server = cx
        .serve([
            busy(),
            empty(),
            busy(),
            Reply::sse(),
            Reply::new(501),
            busy(),
            no_content("0").closed(),
        ])
        .await;
    let (client, clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read().live(Live::Sse);
    let mut running = Running::start(read.retry(at_once()).start());
    let requests = [(1, 0), (2, 7), (3, 0), (4, 7), (5, 0), (6, 0), (7, 7)];
    waits_in_turn(&clock, &server, &requests).await;
    assert_eq!(running.next().await, "[] @0 tail");
    assert_eq!(running.next().await, "[] @0 tail closed");
    running.end().await;
    server.assert_finished();
}

async fn b54_retry_after_holds_for_operations(cx: Context) {
    let busy = || busy("7");
    let found = Reply::new(200).next_offset("1");
    let server = cx.serve([busy(), no_content("1"), busy(), found]).await;
    let (client, clock) = cx.stopped(&server);
    let stream = client.retry(at_once()).build().unwrap().stream("s");
    let calls = tokio::spawn(async move {
        stream.append("a").await.unwrap();
        stream.head().await.unwrap();
    });
    waits_in_turn(&clock, &server, &[(1, 0), (2, 7), (3, 0), (4, 7)]).await;
    within(calls).await.unwrap();
    server.assert_finished();
}

async fn b54_retry_after_holds_by_the_clock_on_the_wall(cx: Context) {
    let server = cx.serve([busy("1"), json("1", "[1]").tail()]).await;
    drain(&mut cx.stream(&server).read().retry(at_once()).start()).await;
    let at: Vec<Instant> = server.requests().iter().map(|request| request.at).collect();
    assert!(
        at[1] - at[0] >= Duration::from_secs(1),
        "{:?}",
        at[1] - at[0]
    );
    server.assert_finished();
}

async fn b54_delays_grow_up_to_their_maximum(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, _| Reply::new(503));
    let policy = RetryPolicy::endless()
        .initial(Duration::from_secs(1))
        .max(Duration::from_secs(8));
    let (client, clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read();
    let running = Running::start(read.retry(policy).start());
    let mut delays = Vec::new();
    for request in 1..30 {
        delays.push(clock.until_requests(&server, request).await);
    }
    let highest = [0, 1, 2, 4].into_iter().chain([8; 25]);
    for (delay, highest) in delays.iter().zip(highest) {
        assert!(*delay <= Duration::from_secs(highest), "{delays:?}");
    }
    assert!(
        delays[4..]
            .iter()
            .any(|delay| *delay > Duration::from_secs(2)),
        "no delay grew: {delays:?}"
    );
    running.abort();
}

async fn b54_attempts_or_time_whichever_is_later(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, _| busy("10"));
    let policy = at_once().give_up_after(2, Duration::from_secs(25));
    let (client, clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read();
    let running = Running::start(read.retry(policy).start());
    // Failures at 0, 10 and 20 s are within the time; the one at 30 s is the last.
    waits_in_turn(&clock, &server, &[(1, 0), (2, 10), (3, 10), (4, 10)]).await;
    let (reader, error) = running.end().await;
    let error = error.unwrap();
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::Unavailable, Some(Duration::from_secs(10)))
    );
    assert!(!reader.is_closed());
    assert_eq!(server.requests().len(), 4);
}

async fn b54_a_success_starts_the_count_over(cx: Context) {
    let server = cx.serve([]).await;
    for page in 1..=4 {
        server.replies([Reply::new(503), Reply::close()]);
        let reply = Reply::new(200)
            .header("Content-Type", "application/json")
            .next_offset(&page.to_string());
        let reply = reply.body("[0]");
        server.reply(if page == 4 { reply.tail() } else { reply });
    }
    let got = drain(&mut cx.stream(&server).read().retry(attempts(3)).start()).await;
    assert_eq!(got.len(), 4);
    assert_eq!(server.requests().len(), 12);
    server.assert_finished();
}

/// What every operation makes of this answer. Each sends one request.
async fn one_request_each(cx: &Context, status: u16) -> Vec<Error> {
    let server = cx
        .serve((0..7).map(|_| Reply::new(status).body("why")))
        .await;
    let stream = cx.stream(&server).with_content_type("text/plain");
    let errors = vec![
        within(stream.create().into_future()).await.unwrap_err(),
        within(stream.append("a").into_future()).await.unwrap_err(),
        within(stream.append("a").seq("1").into_future())
            .await
            .unwrap_err(),
        within(stream.close().into_future()).await.unwrap_err(),
        within(stream.delete().into_future()).await.unwrap_err(),
        within(stream.head().into_future()).await.unwrap_err(),
        fail(&mut stream.read().start()).await.1,
    ];
    server.assert_finished();
    errors
}

async fn b56_other_client_errors_are_final(cx: Context) {
    for (status, kind) in [
        (400, ErrorKind::BadRequest),
        (401, ErrorKind::Unauthorized),
        (402, ErrorKind::UnexpectedStatus),
        (403, ErrorKind::Forbidden),
        (404, ErrorKind::StreamNotFound),
        (405, ErrorKind::NotSupported),
        (410, ErrorKind::Gone),
        (411, ErrorKind::UnexpectedStatus),
        (413, ErrorKind::PayloadTooLarge),
        (414, ErrorKind::UnexpectedStatus),
        (422, ErrorKind::UnexpectedStatus),
        (431, ErrorKind::UnexpectedStatus),
        (451, ErrorKind::UnexpectedStatus),
        (501, ErrorKind::NotSupported),
    ] {
        for error in one_request_each(&cx, status).await {
            assert_eq!(
                (error.kind(), error.status().unwrap().as_u16()),
                (kind, status),
                "{error}"
            );
            assert!(
                !error.is_retryable() && !error.may_have_been_applied(),
                "{error}"
            );
        }
    }
}

async fn b56_client_errors_are_final_for_live_readers_too(cx: Context) {
    for live in [Live::LongPoll, Live::Sse] {
        for status in [400, 401, 403, 404, 410, 413] {
            let server = cx
                .serve([
                    empty(),
                    Reply::new(status).header("Retry-After", "0").tail(),
                ])
                .await;
            let (got, error) = fail(&mut cx.stream(&server).read().live(live).start()).await;
            assert_eq!((got.len(), error.status().unwrap().as_u16()), (1, status));
            server.assert_finished();
        }
    }
}

async fn b56_408_425_and_429_can_pass(cx: Context) {
    for status in [408, 425, 429] {
        let server = cx
            .serve([
                Reply::new(status),
                json("1", "[1]").tail(),
                Reply::new(status),
                Reply::new(200).next_offset("1"),
            ])
            .await;
        let stream = cx.stream(&server);
        assert_eq!(drain(&mut stream.read().start()).await, ["[1] @1 tail"]);
        within(stream.head().into_future()).await.unwrap();
        server.assert_finished();
    }
}
