//! Heads of answers that do not come whole.

use durable_streams_conformance::script::Reply;
use durable_streams_isahc::FailureKind;
use http::Method;

use super::support::{block_on, fail, fetch, get, post, request, serve, shown, transport};

/// libcurl takes all of these for answers.
#[test]
fn a_head_that_is_cut_off_is_no_answer() {
    block_on(async {
        let transport = transport();
        for head in [
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Le",
            "HTTP/1.1 200 OK\r\nStream-Next-Offset: 12",
            "HTTP/1.1 200 OK\r\nStream-Next-Offset: 12\r\n",
            "HTTP/1.1 200 OK\r\nStream-Next-Offset: 12\r\nContent-Length: 3\r\n",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n",
            "HTTP/1.1 409 Conflict\r\nStream-Closed: tr",
        ] {
            for method in [Method::GET, Method::POST] {
                let server = serve([Reply::raw(head).then_close()]).await;
                let error = fail(&transport, request(method, &server.url("/"), "")).await;
                let kind = error.kind();
                assert_eq!(kind, FailureKind::Interrupted, "{head:?} {}", shown(&error));
                server.assert_finished();
            }
        }
    });
}

/// The end of their connection is the end of their bodies, and there is nothing in these.
#[test]
fn an_answer_to_a_write_that_says_that_the_connection_ends_is_one() {
    block_on(async {
        let transport = transport();
        for head in [
            "HTTP/1.1 201 Created\r\nConnection: x, Close\r\n\r\n",
            "HTTP/1.0 201 Created\r\n\r\n",
        ] {
            let server = serve([]).await;
            let reply = || Reply::raw(head).then_close();
            server.replies([reply(), reply()]);
            assert_eq!(fetch(&transport, post(&server)).await, "");
            // A read would take it for the end of what there is.
            let error = fail(&transport, get(&server)).await;
            let kind = error.kind();
            assert_eq!(kind, FailureKind::Interrupted, "{head:?} {}", shown(&error));
            server.assert_finished();
        }
    });
}

/// libcurl goes by the end of the connection then.
#[test]
fn a_length_that_cannot_be_counted_is_no_answer() {
    block_on(async {
        let transport = transport();
        for length in ["99999999999999999999999999", "9223372036854775808"] {
            let reply = Reply::new(200).header("Content-Length", length);
            let server = serve([reply.body("abc").then_close()]).await;
            let error = fail(&transport, get(&server)).await;
            let kind = error.kind();
            assert_eq!(kind, FailureKind::Interrupted, "{}", shown(&error));
            server.assert_finished();
        }
    });
}
