//! Nothing is sent again that may have been sent: whether that is safe is known to the client alone.

use bytes::Bytes;
use durable_streams_client::FailureKind;
use http::{Method, Request};

use super::caller::{Caller, get, post, request, shown};
use crate::script::Reply;
use crate::suite::{Case, Context, Needs, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_resends_nothing_when_a_new_connection_ends,
        transport_resends_no_write_when_a_used_connection_ends,
        transport_resends_no_read_when_a_used_connection_ends,
        transport_resends_nothing_when_an_answer_is_cut,
        transport_resends_nothing_to_a_closing_connection: Needs::Http1("over HTTP/2 a connection does not close without a word"),
        transport_resends_nothing_after_a_server_error,
        transport_resends_no_content_when_its_stream_is_refused: Needs::Http2("it has streams"),
        transport_resends_no_request_without_content_when_its_stream_is_refused: Needs::Http2("it has streams"),
        transport_resends_no_content_when_the_server_goes_away: Needs::Http2("it has GOAWAY"),
        transport_resends_no_request_without_content_when_the_server_goes_away: Needs::Http2("it has GOAWAY"),
    ]
}

const READS: [Method; 2] = [Method::GET, Method::HEAD];
const WRITES: [Method; 3] = [Method::PUT, Method::POST, Method::DELETE];
/// Those that have content here, and those that have none.
const WITH_CONTENT: [Method; 2] = [Method::PUT, Method::POST];
const WITHOUT_CONTENT: [Method; 3] = [Method::GET, Method::HEAD, Method::DELETE];

fn of(method: &Method, url: String) -> Request<Bytes> {
    let has_body = WITH_CONTENT.contains(method);
    request(method.clone(), url, if has_body { "data" } else { "" })
}

/// Ends of a connection before the head of an answer.
fn ends() -> [Reply; 4] {
    [
        Reply::close(),
        Reply::reset(),
        Reply::reset_connection(),
        Reply::raw("HTTP/1.1 2").then_close(),
    ]
}

async fn transport_resends_nothing_when_a_new_connection_ends(cx: Context) {
    let caller = Caller::new(&cx);
    for method in READS.into_iter().chain(WRITES) {
        for reply in ends() {
            let server = cx.serve([reply]).await;
            let error = caller.fail(of(&method, server.url("/"))).await;
            let kind = error.kind();
            assert_eq!(kind, FailureKind::Interrupted, "{method} {}", shown(&error));
            server.assert_finished();
        }
    }
}

async fn transport_resends_no_write_when_a_used_connection_ends(cx: Context) {
    a_used_connection_ends(&cx, &WRITES).await;
}

/// It would do no harm (RFC 9110 §9.2.2). But it is more than the policy of the client has.
async fn transport_resends_no_read_when_a_used_connection_ends(cx: Context) {
    a_used_connection_ends(&cx, &READS).await;
}

async fn a_used_connection_ends(cx: &Context, methods: &[Method]) {
    let caller = Caller::new(cx);
    for method in methods {
        for reply in ends() {
            let server = cx.serve([Reply::new(200).body("first"), reply]).await;
            caller.fetch(get(&server)).await;
            let error = caller.fail(of(method, server.url("/second"))).await;
            let kind = error.kind();
            assert_eq!(kind, FailureKind::Interrupted, "{method} {}", shown(&error));
            server.assert_finished();
        }
    }
}

async fn transport_resends_nothing_when_an_answer_is_cut(cx: Context) {
    let caller = Caller::new(&cx);
    for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE] {
        for reply in [
            Reply::new(200).body("ab").cut_after(0),
            Reply::new(200).body("ab").cut_after(1),
            Reply::new(200).body("ab").chunked().cut_after(1),
            Reply::new(200).body("ab").reset_after(1),
        ] {
            let server = cx.serve([reply]).await;
            let error = caller.fail(of(&method, server.url("/"))).await;
            let kind = error.kind();
            assert_eq!(kind, FailureKind::Interrupted, "{method} {}", shown(&error));
            server.assert_finished();
        }
    }
}

/// A stack may use another connection when the one it had chosen closed before a byte was written. That must be certain: a
/// request that arrived does not arrive again.
async fn transport_resends_nothing_to_a_closing_connection(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|_, _| Reply::new(200).then_close());
    let caller = Caller::new(&cx);
    for number in 0..300 {
        let path = format!("/{number}");
        let request = request(Method::POST, server.url(&path), "data");
        let answered = match caller.try_send(request).await {
            Ok(answer) => caller.body(answer).await.is_empty(),
            Err(error) => {
                assert_eq!(error.kind(), FailureKind::Interrupted, "{}", shown(&error));
                false
            }
        };
        let requests = server.requests();
        let arrived = requests.iter().filter(|sent| sent.target == path).count();
        let arrives = if answered { 1..=1 } else { 0..=1 };
        assert!(arrives.contains(&arrived), "{path} arrived {arrived} times");
    }
}

async fn transport_resends_nothing_after_a_server_error(cx: Context) {
    let server = cx.serve([]).await;
    let caller = Caller::new(&cx);
    for status in [408, 421, 425, 429, 500, 502, 503, 504, 509] {
        for request in [get(&server), post(&server)] {
            let reply = Reply::new(status).header("Retry-After", "0").body("why");
            server.reply(reply);
            let answer = caller.send(request).await;
            assert_eq!(answer.status(), status);
            assert_eq!(caller.body(answer).await, "why");
        }
    }
    server.assert_finished();
}

/// The server says that it did nothing for the request. To try again is still for the client to decide: it counts, waits, and
/// may have been told to stop.
async fn transport_resends_no_content_when_its_stream_is_refused(cx: Context) {
    turned_down(&cx, &WITH_CONTENT, Reply::refuse_stream).await;
}

async fn transport_resends_no_request_without_content_when_its_stream_is_refused(cx: Context) {
    turned_down(&cx, &WITHOUT_CONTENT, Reply::refuse_stream).await;
}

async fn transport_resends_no_content_when_the_server_goes_away(cx: Context) {
    turned_down(&cx, &WITH_CONTENT, Reply::go_away).await;
}

async fn transport_resends_no_request_without_content_when_the_server_goes_away(cx: Context) {
    turned_down(&cx, &WITHOUT_CONTENT, Reply::go_away).await;
}

async fn turned_down(cx: &Context, methods: &[Method], reply: fn() -> Reply) {
    let caller = Caller::new(cx);
    for method in methods {
        for warm in [false, true] {
            let server = cx.serve([]).await;
            if warm {
                server.reply(Reply::new(200));
                caller.fetch(get(&server)).await;
            }
            server.reply(reply());
            let error = caller.fail(of(method, server.url("/"))).await;
            let kind = error.kind();
            assert_eq!(kind, FailureKind::Interrupted, "{method} {}", shown(&error));
            server.reply(Reply::new(200).body("well"));
            assert_eq!(caller.fetch(get(&server)).await, "well");
            server.assert_finished();
        }
    }
}
