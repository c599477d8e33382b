//! TLS: with an authority that is trusted, with one that is not, and with a server that does not speak it.

use durable_streams_client::FailureKind;
use http::Method;

use super::caller::{Caller, get, post, request, shown};
use super::places::Place;
use crate::script::{Authority, Reply, ScriptServer, sse_event};
use crate::suite::{Case, Context, Needs, cases};

pub(super) fn cases() -> Vec<Case> {
    cases![
        transport_tls_works_with_an_authority_that_is_trusted: Needs::Trust,
        transport_tls_refuses_an_authority_that_is_not_trusted: Needs::Trust,
        transport_tls_does_not_connect_to_a_server_without_it: Needs::Trust,
    ]
}

async fn secure(authority: &Authority) -> ScriptServer {
    let server = ScriptServer::start_tls(authority).await;
    server.expect("a free port")
}

async fn transport_tls_works_with_an_authority_that_is_trusted(cx: Context) {
    let authority = Authority::new().expect("a key");
    let server = secure(&authority).await;
    let (events, live) = Reply::live_sse();
    server.replies([Reply::new(204).header("Stream-Next-Offset", "7"), events]);
    server.reply(Reply::new(200).body("abc").cut_after(1));
    let caller = Caller::with(&cx, cx.trusting(authority.root_der()));

    let answer = caller.send(post(&server)).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["stream-next-offset"], "7");
    assert_eq!(caller.body(answer).await, "");

    live.event("data", "a");
    let mut answer = caller.send(get(&server)).await;
    for data in ["a", "b"] {
        if data == "b" {
            live.event("data", data);
        }
        let event = sse_event("data", data);
        assert_eq!(caller.bytes(&mut answer, event.len()).await, event);
    }
    live.end();
    assert_eq!(caller.body(answer).await, "");

    // It is sent once, by stacks too that would try a read again.
    let error = caller.fail(post(&server)).await;
    assert_eq!(error.kind(), FailureKind::Interrupted, "{}", shown(&error));

    let requests = server.requests();
    assert_eq!(requests[0].target, "/v1/stream/a");
    assert_eq!(requests[0].body, "data");
    let host = format!("localhost:{}", server.address().port());
    assert_eq!(requests[0].header("host"), Some(host.as_str()));
    server.assert_finished();
}

/// To try again would not help, and nothing was said to whoever that is.
async fn transport_tls_refuses_an_authority_that_is_not_trusted(cx: Context) {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let (ours, theirs) = (ours.expect("a key"), theirs.expect("a key"));
    let server = secure(&theirs).await;
    for transport in [cx.trusting(ours.root_der()), cx.transport()] {
        let caller = Caller::with(&cx, transport);
        for request in [get(&server), post(&server)] {
            let error = caller.fail(request).await;
            assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
        }
    }
    assert!(server.requests().is_empty());
    assert!(server.malformed().is_empty());
}

async fn transport_tls_does_not_connect_to_a_server_without_it(cx: Context) {
    let authority = Authority::new().expect("a key");
    let place = Place::without_tls().await.expect("a port");
    let caller = Caller::with(&cx, cx.trusting(authority.root_der()));
    for (method, body) in [(Method::GET, ""), (Method::POST, "data")] {
        let error = caller.fail(request(method, place.url("https"), body)).await;
        assert_eq!(error.kind(), FailureKind::Connect, "{}", shown(&error));
    }
}
