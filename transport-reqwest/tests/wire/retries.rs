//! When requests are sent again, and not before.

use std::time::{Duration, Instant};

use durable_streams_conformance::script::{Reply, ScriptServer};
use durable_streams_reqwest::{Error, ErrorKind, Live, RetryPolicy};

use crate::support::*;

/// Timers run out within the millisecond after their time, and the clock is turned by seconds.
#[track_caller]
fn assert_waited(seconds: u64, floor: u64) {
    let over = u64::from(floor > 0);
    assert!(
        (floor..=floor + over).contains(&seconds),
        "{seconds} s instead of {floor} s"
    );
}

/// Checks how many seconds pass between two requests of a reader, of which the first is answered with this.
async fn waits(clock: &mut Clock, reply: Reply, floor: u64) {
    let what = format!("{reply:?}");
    let server = serve([reply, json("1", "[1]").tail()]).await;
    let mut running = Running::start(stream(&server).read().retry(at_once()).start());
    within(server.wait_for_requests(1)).await;
    let seconds = clock.until_requests(&server, 2).await;
    assert_eq!(running.next().await, "[1] @1 tail");
    running.end().await;
    println!("{what}");
    assert_waited(seconds, floor);
    server.assert_finished();
}

fn busy(retry_after: &str) -> Reply {
    Reply::new(503).header("Retry-After", retry_after)
}

#[tokio::test]
async fn b54_retry_after_in_seconds_is_a_floor() {
    let mut clock = Clock::stopped().await;
    waits(&mut clock, Reply::new(503), 0).await;
    waits(&mut clock, busy("0"), 0).await;
    waits(&mut clock, busy("20"), 20).await;
    let limited = Reply::new(429).header("Retry-After", "3").body("slow down");
    waits(&mut clock, limited, 3).await;
}

#[tokio::test]
async fn b54_retry_after_that_is_none_is_ignored() {
    let mut clock = Clock::stopped().await;
    for odd in [
        "-5",
        "soon",
        "",
        "1e3",
        "5 s",
        "Sun, 99 Nov 1994 08:49:37 GMT",
    ] {
        waits(&mut clock, busy(odd), 0).await;
    }
}

#[tokio::test]
async fn b54_retry_after_is_believed_for_an_hour_at_most() {
    let mut clock = Clock::stopped().await;
    waits(&mut clock, busy("86400"), 3600).await;
}

#[tokio::test]
async fn b66_a_date_is_read_against_the_answers_own() {
    let mut clock = Clock::stopped().await;
    let busy = |date: &str, until: &str| busy(until).header("Date", date);
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    // Neither has anything to do with the time here.
    waits(&mut clock, busy(date, "Sun, 06 Nov 1994 08:49:57 GMT"), 20).await;
    let future = "Fri, 06 Nov 2093 08:49:37 GMT";
    waits(&mut clock, busy(future, "Fri, 06 Nov 2093 08:49:42 GMT"), 5).await;
    // In the past, and without a date to read it against.
    waits(&mut clock, busy(date, "Sun, 06 Nov 1994 08:49:00 GMT"), 0).await;
    let undated = Reply::new(503).header("Retry-After", future);
    waits(&mut clock, undated, 0).await;
}

#[tokio::test]
async fn b54_retry_after_holds_in_every_phase_and_for_operations() {
    let mut clock = Clock::stopped().await;
    let busy = || busy("7");
    let server = serve([
        busy(),
        empty(),
        busy(),
        Reply::sse(),
        Reply::new(501),
        busy(),
        no_content("0").closed(),
    ])
    .await;
    let read = stream(&server).read().live(Live::Sse).retry(at_once());
    let running = Running::start(read.start());
    for (requests, seconds) in [(1, 0), (2, 7), (3, 0), (4, 7), (5, 0), (6, 0), (7, 7)] {
        assert_waited(clock.until_requests(&server, requests).await, seconds);
    }
    drop(running);
    server.assert_finished();

    let server = serve([
        busy(),
        no_content("1"),
        busy(),
        Reply::new(200).next_offset("1"),
    ])
    .await;
    let stream = builder(&server)
        .retry(at_once())
        .build()
        .unwrap()
        .stream("s");
    let calls = tokio::spawn(async move {
        stream.append("a").await.unwrap();
        stream.head().await.unwrap();
    });
    for (requests, seconds) in [(1, 0), (2, 7), (3, 0), (4, 7)] {
        assert_waited(clock.until_requests(&server, requests).await, seconds);
    }
    within(calls).await.unwrap();
    server.assert_finished();
}

#[tokio::test]
async fn b54_retry_after_holds_by_the_clock_on_the_wall() {
    let server = serve([busy("1"), json("1", "[1]").tail()]).await;
    drain(&mut stream(&server).read().retry(at_once()).start()).await;
    let at: Vec<Instant> = server.requests().iter().map(|request| request.at).collect();
    assert!(
        at[1] - at[0] >= Duration::from_secs(1),
        "{:?}",
        at[1] - at[0]
    );
    server.assert_finished();
}

#[tokio::test]
async fn b54_delays_grow_up_to_their_maximum() {
    let mut clock = Clock::stopped().await;
    let server = serve([]).await;
    server.answer_with(|_, _| Reply::new(503));
    let policy = RetryPolicy::endless()
        .initial(Duration::from_secs(1))
        .max(Duration::from_secs(8));
    let running = Running::start(stream(&server).read().retry(policy).start());
    let mut delays = Vec::new();
    for request in 1..30 {
        delays.push(clock.until_requests(&server, request).await);
    }
    // A turn of the clock is a second, and what is left of one is rounded up.
    assert!(
        delays[1] <= 2 && delays[2] <= 3 && delays[3] <= 5,
        "{delays:?}"
    );
    assert!(delays.iter().all(|delay| *delay <= 9), "{delays:?}");
    assert!(
        delays[4..].iter().any(|delay| *delay > 2),
        "no delay grew: {delays:?}"
    );
    running.abort();
}

#[tokio::test]
async fn b54_attempts_and_time_are_given_up_whichever_is_later() {
    let mut clock = Clock::stopped().await;
    let server = serve([]).await;
    server.answer_with(|_, _| busy("10"));
    let policy = at_once().give_up_after(2, Duration::from_secs(25));
    let running = Running::start(stream(&server).read().retry(policy).start());
    // Failures at 0, 10 and 20 s are within the time; the one at 30 s is the last.
    for (request, seconds) in [(1, 0), (2, 10), (3, 10), (4, 10)] {
        assert_waited(clock.until_requests(&server, request).await, seconds);
    }
    let (reader, error) = running.end().await;
    let error = error.unwrap();
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::Unavailable, Some(Duration::from_secs(10)))
    );
    assert!(!reader.is_closed());
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn b54_a_success_starts_the_count_over() {
    let server = serve([]).await;
    for page in 1..=4 {
        server.replies([Reply::new(503), Reply::close()]);
        let reply = Reply::new(200)
            .header("Content-Type", "application/json")
            .next_offset(&page.to_string());
        let reply = reply.body("[0]");
        server.reply(if page == 4 { reply.tail() } else { reply });
    }
    let got = drain(&mut stream(&server).read().retry(attempts(3)).start()).await;
    assert_eq!(got.len(), 4);
    assert_eq!(server.requests().len(), 12);
    server.assert_finished();
}

/// What every operation makes of this answer. Each sends one request.
async fn one_request_each(status: u16) -> Vec<Error> {
    let server: ScriptServer = serve((0..7).map(|_| Reply::new(status).body("why"))).await;
    let stream = stream(&server).with_content_type("text/plain");
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

#[tokio::test]
async fn b56_other_client_errors_are_final() {
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
        for error in one_request_each(status).await {
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

#[tokio::test]
async fn b56_a_live_reader_takes_client_errors_as_final_too() {
    for live in [Live::LongPoll, Live::Sse] {
        for status in [400, 401, 403, 404, 410, 413] {
            let server = serve([
                empty(),
                Reply::new(status).header("Retry-After", "0").tail(),
            ])
            .await;
            let (got, error) = fail(&mut stream(&server).read().live(live).start()).await;
            assert_eq!((got.len(), error.status().unwrap().as_u16()), (1, status));
            server.assert_finished();
        }
    }
}

#[tokio::test]
async fn b56_408_425_and_429_can_pass() {
    for status in [408, 425, 429] {
        let server = serve([
            Reply::new(status),
            json("1", "[1]").tail(),
            Reply::new(status),
            Reply::new(200).next_offset("1"),
        ])
        .await;
        let stream = stream(&server);
        assert_eq!(drain(&mut stream.read().start()).await, ["[1] @1 tail"]);
        within(stream.head().into_future()).await.unwrap();
        server.assert_finished();
    }
}
