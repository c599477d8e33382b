//! Whoever drops the future or the body cancels the exchange, and nothing else.

use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{Request, header};

use super::caller::{Caller, get, post};
use crate::script::{ClosedBy, Live, Reply, ScriptServer};
use crate::suite::{Case, Context, Needs, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_cancels_when_the_future_is_dropped,
        transport_cancels_when_the_body_is_dropped_before_it_begins,
        transport_cancels_when_the_body_is_dropped_unread,
        transport_cancels_when_the_body_is_dropped_within,
        transport_cancels_by_closing_the_connection: Needs::Http1("over HTTP/2 the stream is reset"),
        transport_cancels_one_stream_and_keeps_the_connection: Needs::Http2("it has streams"),
        transport_cancels_no_other_exchange,
        transport_works_after_a_cancelled_exchange,
    ]
}

/// Drops the future of a request when the server has the request.
async fn drop_before_the_head(
    cx: &Context,
    caller: &Caller<'_>,
    request: Request<Bytes>,
    server: &ScriptServer,
) {
    let count = server.requests().len();
    let sending = caller.transport.send(request);
    let arrived = pin!(server.wait_for_requests(count + 1));
    match cx.within(select(sending, arrived)).await {
        Either::Left((Ok(answer), _)) => panic!("it is answered: {}", answer.status()),
        Either::Left((Err(error), _)) => panic!("it fails: {error}"),
        Either::Right(_) => {}
    }
}

async fn transport_cancels_when_the_future_is_dropped(cx: Context) {
    let server = cx.serve([Reply::hang(), Reply::hang()]).await;
    let caller = Caller::new(&cx);
    for (number, request) in [post(&server), get(&server)].into_iter().enumerate() {
        drop_before_the_head(&cx, &caller, request, &server).await;
        cx.within(server.wait_for_abandoned(number)).await;
    }
    server.assert_finished();
}

/// An answer that has begun and does not end.
fn begun() -> (Reply, Live) {
    let (reply, live) = Reply::live_sse();
    live.send(": begun\n");
    (reply, live)
}

fn unfinished() -> impl Iterator<Item = (Reply, Live)> {
    let framings: [fn(Reply) -> Reply; 3] = [
        Reply::chunked,
        |reply| reply.content_length(1000),
        Reply::until_close,
    ];
    framings.into_iter().map(|framed| {
        let (reply, live) = Reply::live(200);
        (framed(reply), live)
    })
}

async fn transport_cancels_when_the_body_is_dropped_before_it_begins(cx: Context) {
    let caller = Caller::new(&cx);
    for (reply, live) in unfinished() {
        let server = cx.serve([reply]).await;
        drop(caller.send(get(&server)).await);
        cx.within(server.wait_for_abandoned(0)).await;
        cx.within(live.gone()).await;
    }
}

async fn transport_cancels_when_the_body_is_dropped_unread(cx: Context) {
    let caller = Caller::new(&cx);
    for (reply, live) in unfinished() {
        let server = cx.serve([reply]).await;
        live.send("a part");
        drop(caller.send(get(&server)).await);
        cx.within(server.wait_for_abandoned(0)).await;
        cx.within(live.gone()).await;
    }
}

async fn transport_cancels_when_the_body_is_dropped_within(cx: Context) {
    let caller = Caller::new(&cx);
    for (reply, live) in unfinished() {
        let server = cx.serve([reply]).await;
        live.send("a part");
        let mut answer = caller.send(get(&server)).await;
        assert_eq!(caller.bytes(&mut answer, 6).await, "a part");
        drop(answer);
        cx.within(server.wait_for_abandoned(0)).await;
        cx.within(live.gone()).await;
    }
}

/// There is no other way to take a request back.
async fn transport_cancels_by_closing_the_connection(cx: Context) {
    let (reply, _live) = begun();
    let server = cx.serve([Reply::hang(), reply]).await;
    let caller = Caller::new(&cx);
    drop_before_the_head(&cx, &caller, post(&server), &server).await;
    assert_eq!(cx.within(server.wait_for_close(0)).await, ClosedBy::Peer);
    drop(caller.send(get(&server)).await);
    assert_eq!(cx.within(server.wait_for_close(1)).await, ClosedBy::Peer);
}

async fn transport_cancels_one_stream_and_keeps_the_connection(cx: Context) {
    let (reply, _live) = begun();
    let server = cx.serve([Reply::new(200), Reply::hang(), reply]).await;
    server.answer_with(|_, _| Reply::new(200).body("well"));
    let caller = Caller::new(&cx);
    caller.fetch(get(&server)).await;
    drop_before_the_head(&cx, &caller, post(&server), &server).await;
    drop(caller.send(get(&server)).await);
    for number in [1, 2] {
        cx.within(server.wait_for_abandoned(number)).await;
    }
    assert_eq!(caller.fetch(get(&server)).await, "well");
    assert_eq!(server.connections(), 1);
}

async fn transport_cancels_no_other_exchange(cx: Context) {
    let (kept, live) = begun();
    let (dropped, _live) = begun();
    let server = cx.serve([kept, dropped, Reply::hang()]).await;
    let caller = Caller::new(&cx);
    let mut answer = caller.send(get(&server)).await;
    drop(caller.send(get(&server)).await);
    drop_before_the_head(&cx, &caller, post(&server), &server).await;
    for number in [1, 2] {
        cx.within(server.wait_for_abandoned(number)).await;
    }
    live.send("still here");
    let all = ": begun\nstill here";
    assert_eq!(caller.bytes(&mut answer, all.len()).await, all);
    live.end();
    assert_eq!(caller.body(answer).await, "");
}

async fn transport_works_after_a_cancelled_exchange(cx: Context) {
    let server = cx.serve([]).await;
    let caller = Caller::new(&cx);
    for number in 0..20 {
        let (reply, _live) = begun();
        server.replies([Reply::hang(), reply]);
        drop_before_the_head(&cx, &caller, post(&server), &server).await;
        drop(caller.send(get(&server)).await);
        // An answer that nobody waits for any more is taken for no other.
        let reply = Reply::new(200).header("ETag", &number.to_string());
        server.reply(reply.body(number.to_string()));
        let answer = caller.send(get(&server)).await;
        assert_eq!(answer.headers()[header::ETAG], number.to_string());
        assert_eq!(caller.body(answer).await, number.to_string());
    }
    server.assert_finished();
}
