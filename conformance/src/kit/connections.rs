//! Connections: reused, given up, and many at once.

use futures_util::future::join_all;
use http::Method;

use super::caller::{Caller, get, post, request, shown};
use crate::script::{Gate, Reply, ScriptServer};
use crate::suite::{Case, Context, Needs, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_connections_are_reused,
        transport_connections_that_were_told_to_close_are_not_reused: Needs::Http1("over HTTP/2 the word crosses with requests"),
        transport_connections_belong_to_one_server,
        transport_connections_carry_many_requests_at_once,
        transport_connections_are_shared_by_requests_at_once: Needs::Http2("it has streams"),
        transport_connections_are_made_anew_after_a_failure,
    ]
}

async fn transport_connections_are_reused(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, number| Reply::new(200).body(number.to_string()));
    let caller = Caller::new(&cx);
    for number in 0..1000 {
        assert_eq!(caller.fetch(post(&server)).await, number.to_string());
    }
    assert_eq!(server.requests().len(), 1000);
    let connections = server.connections();
    // Over HTTP/1.1 one may be free again a moment late, and then another one is made.
    let most = if cx.is_http2() { 1 } else { 20 };
    assert!(connections <= most, "{connections}");
}

async fn transport_connections_that_were_told_to_close_are_not_reused(cx: Context) {
    let server = cx.serve([]).await;
    let caller = Caller::new(&cx);
    for number in 0..50 {
        server.reply(Reply::new(200).body("last").connection_close());
        assert_eq!(caller.fetch(post(&server)).await, "last");
        assert_eq!(server.connections(), number + 1);
    }
    server.assert_finished();
}

async fn transport_connections_belong_to_one_server(cx: Context) {
    let servers = [cx.serve([]).await, cx.serve([]).await];
    for (number, server) in servers.iter().enumerate() {
        server.answer_with(move |_, _| Reply::new(200).body(number.to_string()));
    }
    let caller = Caller::new(&cx);
    for _ in 0..10 {
        for (number, server) in servers.iter().enumerate() {
            assert_eq!(caller.fetch(get(server)).await, number.to_string());
        }
    }
}

async fn transport_connections_carry_many_requests_at_once(cx: Context) {
    many_at_once(&cx).await;
}

async fn transport_connections_are_shared_by_requests_at_once(cx: Context) {
    let server = many_at_once(&cx).await;
    assert_eq!(server.connections(), 1);
}

async fn many_at_once(cx: &Context) -> ScriptServer {
    const MANY: usize = 50;
    let gate = Gate::new();
    let server = cx.serve([Reply::new(200)]).await;
    let held = gate.clone();
    server.answer_with(move |request, _| Reply::new(200).after(&held).body(request.target.clone()));
    let caller = Caller::new(cx);
    caller.fetch(get(&server)).await;
    let all = join_all((0..MANY).map(|number| {
        let path = format!("/{number}");
        let request = request(Method::GET, server.url(&path), "");
        let caller = &caller;
        async move { assert_eq!(caller.fetch(request).await, path) }
    }));
    // None is answered before all have arrived.
    let open = async {
        cx.within(server.wait_for_requests(MANY + 1)).await;
        gate.open();
    };
    futures_util::join!(all, open);
    server
}

async fn transport_connections_are_made_anew_after_a_failure(cx: Context) {
    let server = cx.serve([]).await;
    let caller = Caller::new(&cx);
    for _ in 0..10 {
        for failure in [
            Reply::reset(),
            Reply::reset_connection(),
            Reply::close(),
            Reply::new(200).body("ab").reset_after(1),
            Reply::raw("nonsense\r\n\r\n").then_close(),
        ] {
            server.replies([failure, Reply::new(200).body("well")]);
            // It is sent once, by stacks too that would try a read again.
            caller.fail(post(&server)).await;
            let arrived = server.requests().len();
            let mut answer = caller.try_send(get(&server)).await;
            // That a connection is gone may be found out by the next request, which does not arrive then.
            if answer.is_err() && server.requests().len() == arrived {
                answer = caller.try_send(get(&server)).await;
            }
            let answer = answer.unwrap_or_else(|error| panic!("{}", shown(&error)));
            assert_eq!(caller.body(answer).await, "well");
        }
    }
    server.assert_finished();
}
