//! Servers that fail in every way: never an end, never "up to date", nothing lost or repeated, and no more requests than the
//! policy has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use durable_streams_client::{
    Body, Client, DurableStream, ErrorKind, Live, Transport, TransportError,
};
use http::{Request, Response};

use super::support::*;
use crate::script::{Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b60_failing_in_catch_up_is_an_error,
        b60_failing_in_a_long_poll_is_an_error,
        b60_failing_behind_events_is_an_error,
        b60_a_session_through_every_failure_is_complete,
        b60_a_server_that_dies_is_no_end,
        b60_failing_writes_are_errors,
    ]
}

/// A way to fail, and what it is in the end when it does not pass.
type Failing = (&'static str, fn() -> Reply, ErrorKind);

fn html(status: u16) -> Reply {
    Reply::new(status)
        .header("Content-Type", "text/html")
        .body("<html>Bad Gateway</html>")
}

/// Two transports: one for the first request of a reader, and one for the others.
///
/// HTTP lets a stack send a safe request again when a connection that it had used before ends without a byte, and such a
/// request would be one more than the policy has.
struct Apart {
    first: Arc<dyn Transport>,
    others: Arc<dyn Transport>,
}

impl Apart {
    fn new(cx: &Context) -> Self {
        Self {
            first: cx.transport(),
            others: cx.transport(),
        }
    }

    fn stream(&self, cx: &Context, server: &ScriptServer) -> DurableStream {
        let transport = FirstApart {
            first: Arc::clone(&self.first),
            others: Arc::clone(&self.others),
            is_used: AtomicBool::new(false),
        };
        let root = server.url("/v1/stream");
        let client = Client::builder(&root, transport, cx.timer()).unwrap();
        client.prefetch(0).build().unwrap().stream("s")
    }
}

#[derive(Debug)]
struct FirstApart {
    first: Arc<dyn Transport>,
    others: Arc<dyn Transport>,
    is_used: AtomicBool,
}

#[async_trait]
impl Transport for FirstApart {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let is_used = self.is_used.swap(true, Ordering::SeqCst);
        let transport = if is_used { &self.others } else { &self.first };
        transport.send(request).await
    }
}

/// What can pass by itself.
const PASSING: [Failing; 14] = [
    ("closes", Reply::close, ErrorKind::Transport),
    ("resets", Reply::reset, ErrorKind::Transport),
    (
        "talks nonsense",
        || Reply::raw("SSH-2.0\r\n\r\n").then_close(),
        ErrorKind::Transport,
    ),
    (
        "half a head",
        || Reply::raw("HTTP/1.1 200 OK\r\nStream-Up-To-Date: tr").then_close(),
        ErrorKind::Transport,
    ),
    ("500", || Reply::new(500), ErrorKind::Unavailable),
    ("502", || html(502), ErrorKind::Unavailable),
    (
        "502 that says up to date",
        || html(502).next_offset("9").tail(),
        ErrorKind::Unavailable,
    ),
    (
        "503 that says closed",
        || Reply::new(503).next_offset("9").closed(),
        ErrorKind::Unavailable,
    ),
    (
        "503 that is cut",
        || Reply::new(503).body("busy").cut_after(2),
        ErrorKind::Unavailable,
    ),
    ("504", || Reply::new(504), ErrorKind::Unavailable),
    (
        "429",
        || Reply::new(429).header("Retry-After", "0").tail(),
        ErrorKind::RateLimited,
    ),
    ("408", || Reply::new(408), ErrorKind::Unavailable),
    ("425", || Reply::new(425), ErrorKind::Unavailable),
    (
        "304",
        || Reply::new(304).next_offset("9").tail(),
        ErrorKind::Protocol,
    ),
];

/// What hangs up after the head of a success that says everything but has nothing.
const HANGS_UP: [Failing; 3] = [
    (
        "after the head",
        || json("2", "[2]").tail().cut_after(0),
        ErrorKind::Transport,
    ),
    (
        "after the head, closed",
        || json("2", "[2]").closed().reset_after(0),
        ErrorKind::Transport,
    ),
    (
        "after the head, chunked",
        || json("2", "[2]").tail().chunked().cut_after(0),
        ErrorKind::Transport,
    ),
];

async fn b60_failing_in_catch_up_is_an_error(cx: Context) {
    let apart = Apart::new(&cx);
    for (name, failing, kind) in PASSING.into_iter().chain(HANGS_UP) {
        for live in [Live::Off, Live::LongPoll, Live::Sse, Live::Auto] {
            let server = cx
                .serve([json("1", "[1]"), failing(), failing(), failing()])
                .await;
            let mut reader = apart
                .stream(&cx, &server)
                .read()
                .live(live)
                .retry(attempts(3))
                .start();
            let (got, error) = fail(&mut reader).await;
            assert_eq!(got, ["[1] @1"], "{name}");
            assert_eq!(error.kind(), kind, "{name}: {error}");
            assert_eq!(reader.checkpoint().unwrap().to_string(), "1", "{name}");
            assert_eq!(targets(&server)[1..], ["GET ?offset=1"; 3], "{name}");
            server.assert_finished();
        }
    }
}

/// A live request that fails three times in a row is an error after as many attempts, and nothing else is sent.
async fn fails_live(
    cx: &Context,
    apart: &Apart,
    live: Live,
    target: &str,
    (name, failing, kind): Failing,
) {
    let server = cx
        .serve([
            json("1", "[1]").cursor("c").tail(),
            failing(),
            failing(),
            failing(),
        ])
        .await;
    let mut reader = apart
        .stream(cx, &server)
        .read()
        .live(live)
        .retry(attempts(3))
        .start();
    let (got, error) = fail(&mut reader).await;
    assert_eq!(got, ["[1] @1,0,c tail"], "{name}");
    assert_eq!(error.kind(), kind, "{name}: {error}");
    assert_eq!(targets(&server)[1..], [target; 3], "{name}");
    server.assert_finished();
}

async fn b60_failing_in_a_long_poll_is_an_error(cx: Context) {
    let apart = Apart::new(&cx);
    for case in PASSING.into_iter().chain(HANGS_UP) {
        let target = "GET ?cursor=c&live=long-poll&offset=1";
        fails_live(&cx, &apart, Live::LongPoll, target, case).await;
    }
}

async fn b60_failing_behind_events_is_an_error(cx: Context) {
    let apart = Apart::new(&cx);
    for case in PASSING {
        let target = "GET ?cursor=c&live=sse&offset=1";
        fails_live(&cx, &apart, Live::Sse, target, case).await;
    }
}

/// Every failure once, each between two answers that work.
async fn b60_a_session_through_every_failure_is_complete(cx: Context) {
    for live in [Live::LongPoll, Live::Sse] {
        let server = cx.serve([json("001", "[1]").tail()]).await;
        let mut expected = vec!["[1] @001 tail".to_owned()];
        let failures: Vec<_> = PASSING
            .iter()
            .chain(HANGS_UP.iter().filter(|_| live == Live::LongPoll))
            .collect();
        for (number, (_, failing, _)) in (2..).zip(&failures) {
            server.reply(failing());
            let last = number == failures.len() + 1;
            let next = format!("{number:03}");
            expected.push(format!(
                "[{number}] @{next}{}",
                if last { " tail closed" } else { "" }
            ));
            let body = format!("[{number}]");
            let reply = if live == Live::Sse {
                let closed = if last { r#","streamClosed":true"# } else { "" };
                Reply::sse()
                    .event("data", &body)
                    .control(&format!(r#""streamNextOffset":"{next}"{closed}"#))
            } else {
                let reply = Reply::new(200)
                    .header("Content-Type", "application/json")
                    .next_offset(&next)
                    .body(body);
                if last { reply.closed() } else { reply }
            };
            server.reply(reply);
        }
        // The attempts are counted from the last success on, or these would be too many.
        let mut reader = cx
            .stream(&server)
            .read()
            .live(live)
            .retry(attempts(3))
            .start();
        assert_eq!(drain(&mut reader).await, expected);
        assert_eq!(server.requests().len(), 1 + 2 * failures.len());
        server.assert_finished();
    }
}

async fn b60_a_server_that_dies_is_no_end(cx: Context) {
    for live in [Live::Off, Live::LongPoll, Live::Sse] {
        let first = if live == Live::Off {
            json("1", "[1]")
        } else {
            json("1", "[1]").tail()
        };
        let server = cx.serve([first]).await;
        let (client, sent) = cx.refused(&server, 1..usize::MAX);
        let stream = client.build().unwrap().stream("s");
        let mut reader = stream.read().live(live).retry(attempts(5)).start();
        assert!(next_ended(&mut reader).await.starts_with("[1] @1"));
        // Its connections end, and nobody listens any more.
        server.assert_finished();
        drop(server);
        let (got, error) = fail(&mut reader).await;
        assert!(got.is_empty() || got[0].starts_with("[] @1"), "{got:?}");
        assert_eq!(sent.load(Ordering::SeqCst), 6);
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (ErrorKind::Transport, true)
        );
        assert_eq!(reader.checkpoint().unwrap().to_string(), "1");
    }
}

async fn b60_failing_writes_are_errors(cx: Context) {
    for (name, failing, kind) in PASSING {
        if kind == ErrorKind::Protocol {
            continue;
        }
        let server = cx.serve((0..9).map(|_| failing())).await;
        let client = cx.builder(&server).retry(attempts(3)).build().unwrap();
        let stream = client.stream("s").with_content_type("text/plain");
        for error in [
            within(stream.create().into_future()).await.unwrap_err(),
            within(stream.close().into_future()).await.unwrap_err(),
            within(stream.delete().into_future()).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), kind, "{name}: {error}");
        }
        server.assert_finished();
    }
}
