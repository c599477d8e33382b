//! What becomes of an exchange that nobody waits for any more.

use std::pin::pin;

use durable_streams_conformance::script::{ClosedBy, Gate, Reply, ScriptServer};
use durable_streams_isahc::{IsahcTransport, Transport};
use http::{Method, Request};
use isahc::HttpClient;
use smol::future::or;

use super::support::{block_on, fetch, get, next, post, request, send, serve, transport, within};

/// Drops the future of a request when the server has the request.
async fn drop_before_the_head(
    transport: &IsahcTransport,
    request: Request<bytes::Bytes>,
    server: &ScriptServer,
) {
    let count = server.requests().len();
    let sending = async {
        let answer = transport.send(request).await;
        panic!("it is answered: {answer:?}");
    };
    let arrived = async {
        server.wait_for_requests(count + 1).await;
    };
    within(or(pin!(sending), pin!(arrived))).await;
}

#[test]
fn an_exchange_outlives_its_transport_and_others_that_are_dropped() {
    block_on(async {
        let ((kept, live), (dropped, begun)) = (Reply::live_sse(), Reply::live_sse());
        let server = serve([kept, dropped]).await;
        let transport = transport();
        live.event("data", "first");
        begun.event("data", "first");
        let mut answer = send(&transport, get(&server)).await.unwrap();
        assert!(next(&mut answer).await.unwrap().is_ok());
        drop(send(&transport, get(&server)).await.unwrap());
        assert_eq!(within(server.wait_for_close(1)).await, ClosedBy::Peer);
        drop(transport);
        live.send("second");
        assert_eq!(next(&mut answer).await.unwrap().unwrap(), "second");
        live.end();
        assert!(next(&mut answer).await.is_none());
    });
}

/// Whether its body was read, or there was none.
#[test]
fn what_was_carried_to_its_end_leaves_its_connection_to_the_next() {
    block_on(async {
        let head = Reply::new(200).content_length(5);
        let empty = [Reply::new(204), Reply::new(304), Reply::new(200), head];
        let server = serve(empty).await;
        server.answer_with(|_, _| Reply::new(200).body("read"));
        let transport = transport();
        for _ in 0..3 {
            // Nobody reads what is not there.
            drop(send(&transport, post(&server)).await.unwrap());
        }
        let head = request(Method::HEAD, &server.url("/"), "");
        drop(send(&transport, head).await.unwrap());
        for _ in 0..3 {
            assert_eq!(fetch(&transport, get(&server)).await, "read");
        }
        assert_eq!(server.connections(), 1);
    });
}

/// A client that is shared goes on.
#[test]
fn it_ends_with_its_next_byte_in_a_client_of_the_application() {
    block_on(async {
        let gate = Gate::new();
        let before = Reply::new(200).after(&gate).body("a").content_length(1000);
        let (within_a_body, live) = Reply::live_sse();
        let server = serve([before, within_a_body]).await;
        let transport = IsahcTransport::from(HttpClient::new().unwrap());
        drop_before_the_head(&transport, get(&server), &server).await;
        gate.open();
        assert_eq!(within(server.wait_for_close(0)).await, ClosedBy::Peer);

        live.event("data", "first");
        drop(send(&transport, get(&server)).await.unwrap());
        live.event("data", "second");
        assert_eq!(within(server.wait_for_close(1)).await, ClosedBy::Peer);
    });
}
