//! Event streams that end: what a reconnect asks for, how soon, and when an idle one is opened anew.

use std::time::Duration;

use durable_streams_conformance::script::Reply;
use durable_streams_reqwest::{ErrorKind, Live, client};

use crate::support::*;

#[tokio::test]
async fn b13_a_reconnect_carries_the_last_offset_and_cursor_and_asks_for_events() {
    let group = |number: u32| {
        let control = format!(r#""streamNextOffset":"{number}","streamCursor":"a b&{number}""#);
        Reply::sse()
            .event("data", &format!("[{number}]"))
            .control(&control)
    };
    let server = serve([
        empty().cursor("zero"),
        group(1),
        group(2).then_close(),
        // No cursor in this one: the last one stays.
        Reply::sse()
            .event("data", "[3]")
            .control(r#""streamNextOffset":"3""#),
        Reply::sse().control(r#""streamNextOffset":"3","streamClosed":true"#),
    ])
    .await;
    let mut reader = stream(&server).read().live(Live::Sse).start();
    drain(&mut reader).await;
    assert_eq!(
        targets(&server),
        [
            "GET ?offset=-1",
            "GET ?cursor=zero&live=sse&offset=0",
            "GET ?cursor=a%20b%261&live=sse&offset=1",
            "GET ?cursor=a%20b%262&live=sse&offset=2",
            "GET ?cursor=a%20b%262&live=sse&offset=3",
        ]
    );
    let accepts: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.header("accept").map(str::to_owned))
        .collect();
    assert_ne!(accepts[0].as_deref(), Some("text/event-stream"));
    assert!(
        accepts[1..]
            .iter()
            .all(|accept| accept.as_deref() == Some("text/event-stream"))
    );
    server.assert_finished();
}

#[tokio::test]
async fn b13_a_server_that_ends_idle_event_streams_every_minute_is_healthy() {
    let mut clock = Clock::stopped().await;
    let server = serve([empty()]).await;
    // The default policy: a delay would need the clock to turn.
    let client = client(&server.url("/v1/stream")).unwrap();
    let reader = client
        .build()
        .unwrap()
        .stream("s")
        .read()
        .live(Live::Sse)
        .start();
    let mut lives = Vec::new();
    for _ in 0..6 {
        let (events, live) = Reply::live_sse();
        server.reply(events);
        lives.push(live);
    }
    let mut running = Running::start(reader);
    assert_eq!(running.next().await, "[] @0 tail");
    let last = lives.pop().unwrap();
    for (number, live) in lives.into_iter().enumerate() {
        within(server.wait_for_requests(number + 2)).await;
        clock.turn(60).await;
        assert_eq!(
            server.requests().len(),
            number + 2,
            "one connection a minute"
        );
        // Orderly and not: both are what servers and balancers do.
        if number % 2 == 0 {
            live.end()
        } else {
            live.cut()
        }
        if number % 2 == 1 {
            // A broken connection is tried again after at most the first delay of 100 ms.
            clock.turn(1).await;
        }
    }
    within(server.wait_for_requests(7)).await;
    running.assert_silent();
    last.event("control", r#"{"streamNextOffset":"0","streamClosed":true}"#);
    assert_eq!(running.next().await, "[] @0 tail closed");
    running.end().await;
    assert!(
        targets(&server)[1..]
            .iter()
            .all(|target| target == "GET ?live=sse&offset=0")
    );
    server.assert_finished();
}

#[tokio::test]
async fn b13_a_server_that_accepts_and_hangs_up_is_not_hammered() {
    // Event streams are short for as long as the clock stands still.
    let _clock = Clock::stopped().await;
    // Up to date, and then it accepts everything and ends it at once.
    let server = serve([empty()]).await;
    server.answer_with(|request, _| match request.query_param("live") {
        Some("sse") => Reply::sse().then_close(),
        Some("long-poll") => Reply::close(),
        _ => panic!("{}", request.target),
    });
    let policy = at_once().give_up_after(6, Duration::ZERO);
    let read = stream(&server).read().live(Live::Sse).retry(policy);
    let (got, error) = fail(&mut read.start()).await;
    assert_eq!(got, ["[] @0 tail"]);
    assert_eq!(error.kind(), ErrorKind::Transport);
    // Two short event streams were failures, the third one made it a long-poll, which failed four times more.
    let sent = targets(&server);
    assert_eq!(
        sent.iter()
            .filter(|target| target.contains("live=sse"))
            .count(),
        3
    );
    assert_eq!(
        sent.iter()
            .filter(|target| target.contains("live=long-poll"))
            .count(),
        4
    );
    assert_eq!(sent.len(), 8);
}

#[tokio::test]
async fn b13_the_delays_between_short_event_streams_are_those_of_the_policy() {
    let mut clock = Clock::stopped().await;
    let server = serve([empty(), Reply::sse(), Reply::sse()]).await;
    server.answer_with(|_, _| Reply::hang());
    // Full jitter over two minutes: no delay at all is next to impossible.
    let bound = Duration::from_secs(120);
    let policy = quick().initial(bound).max(bound);
    let read = stream(&server).read().live(Live::Sse).retry(policy);
    let mut running = Running::start(read.start());
    assert_eq!(running.next().await, "[] @0 tail");
    within(server.wait_for_requests(2)).await;
    let delays = clock.until_requests(&server, 3).await + clock.until_requests(&server, 4).await;
    assert!((1..=244).contains(&delays), "asked again after {delays} s");
    running.assert_silent();
    running.abort();
}

#[tokio::test]
async fn b15_an_event_stream_without_a_byte_for_the_idle_limit_is_opened_anew() {
    let mut clock = Clock::stopped().await;
    let (first, live) = Reply::live_sse();
    let (second, again) = Reply::live_sse();
    let server = serve([empty(), first, second]).await;
    let mut running = Running::start(stream(&server).read().live(Live::Sse).start());
    assert_eq!(running.next().await, "[] @0 tail");
    live.event("data", "[1]");
    live.event("control", r#"{"streamNextOffset":"1","streamCursor":"c"}"#);
    assert_eq!(running.next().await, "[1] @1,0,c");
    // A comment now and then is life enough for the default of 90 s.
    for _ in 0..3 {
        clock.turn(80).await;
        live.send(":\n");
        clock.settle().await;
    }
    assert_eq!(server.requests().len(), 2);
    let seconds = clock.until_requests(&server, 3).await;
    assert!(
        (90..=92).contains(&seconds),
        "opened anew after {seconds} s"
    );
    within(live.gone()).await;
    running.assert_silent();
    assert_eq!(targets(&server)[2], "GET ?cursor=c&live=sse&offset=1");
    again.event("data", "[2]");
    again.event("control", r#"{"streamNextOffset":"2","streamClosed":true}"#);
    assert_eq!(running.next().await, "[2] @2,0,c tail closed");
    running.end().await;
    server.assert_finished();
}

#[tokio::test]
async fn b15_the_idle_limit_can_be_set_and_is_no_end() {
    let (first, live) = Reply::live_sse();
    let last = Reply::sse()
        .event("data", "[3]")
        .control(r#""streamNextOffset":"3","streamClosed":true"#);
    let server = serve([empty(), first, last]).await;
    let idle = Duration::from_millis(30);
    let mut reader = stream(&server)
        .read()
        .live(Live::Sse)
        .sse_idle_timeout(idle)
        .start();
    assert_eq!(next(&mut reader).await, "[] @0 tail");
    live.event("data", "[1]");
    live.event("control", r#"{"streamNextOffset":"1","streamCursor":"c"}"#);
    // Its control event never comes.
    live.event("data", "[2]");
    let got = drain(&mut reader).await;
    assert_eq!(got, ["[1] @1,0,c", "[3] @3,0,c tail closed"]);
    within(live.gone()).await;
    assert_eq!(targets(&server)[2], "GET ?cursor=c&live=sse&offset=1");
    server.assert_finished();
}
