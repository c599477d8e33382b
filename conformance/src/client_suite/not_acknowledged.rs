//! Successes that are none: only what the protocol promises is an acknowledgement.

use durable_streams_client::{Error, ErrorKind, Live};

use super::support::*;
use crate::script::{Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b64_a_page_of_html_acknowledges_nothing,
        b64_unknown_successes_acknowledge_nothing,
        b64_an_offset_that_is_none_acknowledges_nothing,
        b64_a_close_that_is_not_said_is_none,
        b64_reads_and_heads_take_no_portal_for_a_stream,
        b64_a_compressed_body_is_an_error,
    ]
}

fn portal(status: u16) -> Reply {
    Reply::new(status)
        .header("Content-Type", "text/html")
        .body("<html>Please log in</html>")
}

/// The error of every operation that writes, against the same answer. Each sends one request.
async fn writes(cx: &Context, answer: impl Fn() -> Reply) -> Vec<Error> {
    let server = cx.serve((0..6).map(|_| answer())).await;
    let stream = cx.stream(&server).with_content_type("text/plain");
    let errors = vec![
        within(stream.create().into_future()).await.unwrap_err(),
        within(stream.append("a").into_future()).await.unwrap_err(),
        within(stream.append("a").seq("1").into_future())
            .await
            .unwrap_err(),
        within(stream.close_with("a").into_future())
            .await
            .unwrap_err(),
        within(stream.close().into_future()).await.unwrap_err(),
        within(stream.delete().into_future()).await.unwrap_err(),
    ];
    server.assert_finished();
    errors
}

async fn b64_a_page_of_html_acknowledges_nothing(cx: Context) {
    for error in writes(&cx, || portal(200)).await {
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
        assert!(error.may_have_been_applied(), "{error}");
        assert_eq!(error.status().unwrap(), 200);
    }
}

async fn b64_unknown_successes_acknowledge_nothing(cx: Context) {
    for status in [202, 203, 205, 206, 226] {
        for error in writes(&cx, || Reply::new(status).next_offset("1").closed()).await {
            assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
            assert!(error.may_have_been_applied(), "{error}");
        }
    }
}

async fn b64_an_offset_that_is_none_acknowledges_nothing(cx: Context) {
    let server = cx.serve([]).await;
    let stream = cx.stream(&server);
    for reply in [
        Reply::new(204),
        Reply::new(204).next_offset(""),
        Reply::new(204).next_offset("-1"),
        Reply::new(204).next_offset("now"),
        Reply::new(204).next_offset("a b"),
        Reply::new(204).next_offset("1").next_offset("2"),
    ] {
        server.reply(reply);
        let error = within(stream.append("a").into_future()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.may_have_been_applied());
    }
    assert_eq!(server.requests().len(), 6);
    server.assert_finished();
}

async fn b64_a_close_that_is_not_said_is_none(cx: Context) {
    let server = cx
        .serve([
            no_content("1"),
            no_content("1").header("Stream-Closed", "false"),
            no_content("1"),
            no_content("").closed(),
        ])
        .await;
    let stream = cx.stream(&server);
    for error in [
        within(stream.close().into_future()).await.unwrap_err(),
        within(stream.close().into_future()).await.unwrap_err(),
        within(stream.close_with("a").into_future())
            .await
            .unwrap_err(),
        within(stream.close().into_future()).await.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind(), error.may_have_been_applied()),
            (ErrorKind::Protocol, true)
        );
    }
    server.assert_finished();
}

async fn reads(cx: &Context, server: &ScriptServer, live: Live) -> (Vec<String>, Error) {
    fail(
        &mut cx
            .stream(server)
            .read()
            .live(live)
            .retry(attempts(1))
            .start(),
    )
    .await
}

async fn b64_reads_and_heads_take_no_portal_for_a_stream(cx: Context) {
    let server = cx.serve([portal(200), portal(200)]).await;
    let error = within(cx.stream(&server).head().into_future())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_been_applied()),
        (ErrorKind::Protocol, false)
    );
    let (got, error) = reads(&cx, &server, Live::Off).await;
    assert_eq!((got.len(), error.kind()), (0, ErrorKind::Protocol));
    server.assert_finished();

    // Live: an event stream it is not, and no long-poll either.
    for (live, portals) in [(Live::LongPoll, 1), (Live::Sse, 2)] {
        let server = cx.serve([empty()]).await;
        server.replies((0..portals).map(|_| portal(200)));
        let (got, error) = reads(&cx, &server, live).await;
        assert_eq!(
            (got, error.kind()),
            (vec!["[] @0 tail".to_owned()], ErrorKind::Protocol)
        );
        server.assert_finished();
    }
    for status in [202, 206] {
        let server = cx.serve([json("1", "[1]").tail()]).await;
        server.answer_with(move |_, _| Reply::new(status).next_offset("2").body("[2]").tail());
        let (got, error) = reads(&cx, &server, Live::LongPoll).await;
        assert_eq!(
            (got, error.kind()),
            (vec!["[1] @1 tail".to_owned()], ErrorKind::Protocol)
        );
        assert_eq!(server.requests().len(), 2);
    }
}

async fn b64_a_compressed_body_is_an_error(cx: Context) {
    let server = cx
        .serve([json("1", "[1]").header("Content-Encoding", "gzip").tail()])
        .await;
    let (got, error) = reads(&cx, &server, Live::Off).await;
    assert_eq!((got.len(), error.kind()), (0, ErrorKind::Protocol));
    assert_eq!(server.requests()[0].header("accept-encoding"), None);
    server.assert_finished();
}
