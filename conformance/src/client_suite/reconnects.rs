//! Event streams that end: what a reconnect asks for, how soon, and when an idle one is opened anew.

use std::time::Duration;

use durable_streams_client::{ErrorKind, Live, RetryPolicy};

use super::support::*;
use crate::script::{Reply, ScriptServer, sse_event};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b13_a_reconnect_carries_its_offset_and_cursor,
        b13_event_streams_of_a_minute_are_healthy,
        b13_a_server_that_accepts_and_hangs_up_is_not_hammered,
        b13_short_event_streams_are_delayed_by_the_policy,
        b15_an_idle_event_stream_is_opened_anew,
        b15_the_idle_limit_can_be_set_and_is_no_end,
    ]
}

async fn b13_a_reconnect_carries_its_offset_and_cursor(cx: Context) {
    let group = |number: u32| {
        let control = format!(r#""streamNextOffset":"{number}","streamCursor":"a b&{number}""#);
        Reply::sse()
            .event("data", &format!("[{number}]"))
            .control(&control)
    };
    let server = cx
        .serve([
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
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
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

/// Waits until nothing is under way, which it is until somebody turns the clock.
async fn ended(server: &ScriptServer) {
    let ended = async {
        loop {
            let changed = server.changed();
            if server.activity().open == 0 {
                return;
            }
            changed.await;
        }
    };
    within(ended).await;
}

async fn b13_event_streams_of_a_minute_are_healthy(cx: Context) {
    let server = cx.serve([empty()]).await;
    let mut lives = Vec::new();
    for _ in 0..6 {
        let (events, live) = Reply::live_sse();
        server.reply(events);
        lives.push(live);
    }
    let (client, clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read().live(Live::Sse);
    // The default policy: a delay needs the clock to turn.
    let mut running = Running::start(read.retry(RetryPolicy::endless()).start());
    assert_eq!(running.next().await, "[] @0 tail");
    let last = lives.pop().unwrap();
    for (number, live) in lives.into_iter().enumerate() {
        within(server.wait_for_requests(number + 2)).await;
        // Its only bytes: the answer has begun.
        live.send(":\n");
        let received = "[]".len() + (number + 1) * ":\n".len();
        within(clock.received(received as u64)).await;
        clock.turn(&server, Duration::from_secs(60)).await;
        assert_eq!(
            server.requests().len(),
            number + 2,
            "one connection a minute"
        );
        // Orderly and not: both are what servers and balancers do.
        if number % 2 == 0 {
            live.end();
            within(server.wait_for_requests(number + 3)).await;
        } else {
            live.cut();
            ended(&server).await;
            // A broken connection is tried again after at most the first delay.
            let delay = clock.until_requests(&server, number + 3).await;
            assert!(delay <= Duration::from_millis(100), "{delay:?}");
        }
    }
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

async fn b13_a_server_that_accepts_and_hangs_up_is_not_hammered(cx: Context) {
    // Up to date, and then it accepts everything and ends it at once.
    let server = cx.serve([empty()]).await;
    server.answer_with(|request, _| match request.query_param("live") {
        Some("sse") => Reply::sse().connection_close(),
        Some("long-poll") => Reply::close(),
        _ => panic!("{}", request.target),
    });
    let policy = at_once().give_up_after(6, Duration::ZERO);
    // Event streams are short for as long as the clock stands still.
    let (client, _clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read().live(Live::Sse);
    let read = read.retry(policy);
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

async fn b13_short_event_streams_are_delayed_by_the_policy(cx: Context) {
    let server = cx.serve([empty(), Reply::sse(), Reply::sse()]).await;
    server.answer_with(|_, _| Reply::hang());
    // Full jitter over two minutes: no delay at all is next to impossible.
    let bound = Duration::from_secs(120);
    let policy = quick().initial(bound).max(bound);
    let (client, clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read().live(Live::Sse);
    let mut running = Running::start(read.retry(policy).start());
    assert_eq!(running.next().await, "[] @0 tail");
    within(server.wait_for_requests(2)).await;
    let delays = clock.until_requests(&server, 3).await + clock.until_requests(&server, 4).await;
    assert!(
        Duration::from_secs(1) <= delays && delays <= 2 * bound,
        "asked again after {delays:?}"
    );
    running.assert_silent();
    running.abort();
}

async fn b15_an_idle_event_stream_is_opened_anew(cx: Context) {
    let (first, live) = Reply::live_sse();
    let (second, again) = Reply::live_sse();
    let server = cx.serve([empty(), first, second]).await;
    let (client, clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read().live(Live::Sse);
    let mut running = Running::start(read.start());
    assert_eq!(running.next().await, "[] @0 tail");
    let data = sse_event("data", "[1]");
    let control = sse_event("control", r#"{"streamNextOffset":"1","streamCursor":"c"}"#);
    let mut received = "[]".len() + data.len() + control.len();
    live.send(data);
    live.send(control);
    assert_eq!(running.next().await, "[1] @1,0,c");
    // A comment now and then is life enough for the default of 90 s.
    for _ in 0..3 {
        clock.turn(&server, Duration::from_secs(80)).await;
        live.send(":\n");
        received += 2;
        within(clock.received(received as u64)).await;
    }
    assert_eq!(server.requests().len(), 2);
    let idle = clock.until_requests(&server, 3).await;
    assert!(
        (90..=91).contains(&idle.as_secs()),
        "opened anew after {idle:?}"
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

async fn b15_the_idle_limit_can_be_set_and_is_no_end(cx: Context) {
    let (first, live) = Reply::live_sse();
    let last = Reply::sse()
        .event("data", "[3]")
        .control(r#""streamNextOffset":"3","streamClosed":true"#);
    let server = cx.serve([empty(), first, last]).await;
    let (client, clock) = cx.stopped(&server);
    let read = client.build().unwrap().stream("s").read().live(Live::Sse);
    let limit = Duration::from_millis(30);
    let mut running = Running::start(read.sse_idle_timeout(limit).start());
    assert_eq!(running.next().await, "[] @0 tail");
    // The second control event never comes.
    let events = [
        sse_event("data", "[1]"),
        sse_event("control", r#"{"streamNextOffset":"1","streamCursor":"c"}"#),
        sse_event("data", "[2]"),
    ]
    .concat();
    let received = "[]".len() + events.len();
    live.send(events);
    within(clock.received(received as u64)).await;
    assert_eq!(running.next().await, "[1] @1,0,c");
    let idle = clock.until_requests(&server, 3).await;
    assert!((30..=35).contains(&idle.as_millis()), "{idle:?}");
    assert_eq!(running.next().await, "[3] @3,0,c tail closed");
    running.end().await;
    within(live.gone()).await;
    assert_eq!(targets(&server)[2], "GET ?cursor=c&live=sse&offset=1");
    server.assert_finished();
}
