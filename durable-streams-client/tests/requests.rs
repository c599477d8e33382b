//! Headers, credentials and single operations: what is really sent, and what comes of it.

mod common;

use std::future::IntoFuture;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{Reply, Still, answer, scripted, scripted_by, targets};
use durable_streams_client::{
    Client, DurableStream, ErrorKind, Extras, FailureKind, Live, Reader, RetryPolicy,
};

const OFFSET: (&str, &str) = ("stream-next-offset", "7");
const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn b51_the_applications_headers_go_on_every_request_and_the_protocols_win() {
    let closed = ("stream-closed", "true");
    let (builder, script) = scripted([
        answer(201, &[OFFSET, JSON], ""),
        answer(204, &[OFFSET], ""),
        answer(200, &[OFFSET], ""),
        answer(200, &[OFFSET, JSON, closed], "[]"),
        answer(204, &[], ""),
    ]);
    let client = builder
        .bearer_token("s3cret")
        .header("x-app", "client")
        .param("tenant", "a b")
        .build()
        .unwrap();
    let stream = client.stream("s").with_header("x-app", "stream");
    stream
        .create()
        .content_type("application/json")
        .await
        .unwrap();
    stream
        .append_json(&1)
        .header("x-app", "append")
        .await
        .unwrap();
    stream.head().await.unwrap();
    let mut reader = stream.read().start();
    while reader.next().await.unwrap().is_some() {}
    stream.delete().await.unwrap();

    let requests = script.requests();
    for request in &requests {
        assert_eq!(request.headers()["authorization"], "Bearer s3cret");
        assert!(
            request.uri().query().unwrap().ends_with("tenant=a%20b"),
            "{}",
            request.uri()
        );
        assert!(!format!("{request:?}").contains("s3cret"));
    }
    let app: Vec<_> = requests
        .iter()
        .map(|request| request.headers()["x-app"].to_str().unwrap())
        .collect();
    assert_eq!(app, ["stream", "append", "stream", "stream", "stream"]);
    assert_eq!(
        requests[1].headers()["content-type"],
        "application/json",
        "learned from create"
    );
    assert_eq!(requests[1].body(), "[1]");
}

#[tokio::test]
async fn b55_a_refused_request_is_renewed_once_and_reconnects_are_too() {
    let renewals = Arc::new(AtomicU32::new(0));
    let hook = {
        let renewals = Arc::clone(&renewals);
        move || {
            let n = renewals.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                let mut extras = Extras::new();
                extras.set_header("authorization", &format!("Bearer {n}"))?;
                Ok(extras)
            }
        }
    };
    let (builder, script) = scripted([
        answer(401, &[], ""),
        answer(200, &[OFFSET, JSON, ("stream-up-to-date", "true")], "[]"),
        answer(403, &[], ""),
        answer(204, &[OFFSET, ("stream-closed", "true")], ""),
    ]);
    let client = builder.bearer_token("0").refresh(hook).build().unwrap();
    let mut reader = client.stream("s").read().live(Live::LongPoll).start();
    while reader.next().await.unwrap().is_some() {}
    assert!(reader.is_closed());
    let tokens: Vec<_> = script
        .requests()
        .iter()
        .map(|r| r.headers()["authorization"].to_str().unwrap().to_owned())
        .collect();
    assert_eq!(tokens, ["Bearer 0", "Bearer 1", "Bearer 1", "Bearer 2"]);
    assert_eq!(renewals.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn b55_requests_that_are_refused_at_the_same_time_share_one_renewal() {
    let refused = || answer(401, &[], "");
    let answered = || answer(200, &[OFFSET], "");
    for (works, answers) in [
        (
            true,
            vec![
                refused(),
                refused(),
                refused(),
                answered(),
                answered(),
                answered(),
            ],
        ),
        (false, vec![refused(), refused(), refused()]),
    ] {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let (builder, script) = scripted(answers);
        let requests = script.clone();
        let hook = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let requests = requests.clone();
            async move {
                // All three were refused before it is over.
                while requests.requests().len() < 3 {
                    tokio::task::yield_now().await;
                }
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                if works {
                    Ok(Extras::new())
                } else {
                    Err("no token".into())
                }
            }
        };
        let stream = builder.refresh(hook).build().unwrap().stream("s");
        let head = || stream.head().into_future();
        let results = tokio::join!(head(), head(), head());
        for result in [results.0, results.1, results.2] {
            let kind = result.map_err(|error| error.kind());
            assert_eq!(kind.is_ok(), works, "{kind:?}");
        }
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(script.requests().len(), if works { 6 } else { 3 });
    }
}

#[tokio::test]
async fn b55_a_renewal_that_is_dropped_is_run_by_the_next_who_is_refused() {
    let (builder, script) = scripted_by(
        Still,
        [
            answer(401, &[], ""),
            answer(401, &[], ""),
            answer(200, &[OFFSET], ""),
        ],
    );
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let hook = move || {
        let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if first {
                std::future::pending::<()>().await;
            }
            Ok(Extras::new())
        }
    };
    let stream = builder.refresh(hook).build().unwrap().stream("s");
    let dropped = tokio::spawn(stream.head().into_future());
    while runs.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let waiting = tokio::spawn(stream.head().into_future());
    while script.requests().len() < 2 {
        tokio::task::yield_now().await;
    }
    dropped.abort();
    waiting.await.unwrap().unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

/// Gives `x-count: 1`, `2` and so on.
fn counting()
-> impl Fn(durable_streams_client::Outgoing) -> std::future::Ready<durable_streams_client::HookResult>
{
    let count = AtomicU32::new(0);
    move |_| {
        let mut extras = Extras::new();
        let n = count.fetch_add(1, Ordering::SeqCst) + 1;
        extras.set_header("x-count", &n.to_string()).unwrap();
        std::future::ready(Ok(extras))
    }
}

fn header<'a>(request: &'a http::Request<bytes::Bytes>, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_hook_says_anew_what_goes_on_every_request_retries_and_reconnects_included() {
    let (builder, script) = scripted([
        answer(200, &[OFFSET, JSON, ("stream-up-to-date", "true")], "[]"),
        answer(503, &[], ""),
        answer(204, &[OFFSET], ""),
        Reply::fail(FailureKind::Interrupted),
        answer(204, &[OFFSET, ("stream-closed", "true")], ""),
        answer(503, &[], ""),
        answer(204, &[OFFSET], ""),
    ]);
    let client = builder
        .header("x-count", "set")
        .hook(counting())
        .build()
        .unwrap();
    let stream = client.stream("s").with_hook(|request| async move {
        let mut extras = Extras::new();
        extras.set_param("was", request.method().as_str())?;
        Ok(extras)
    });
    let mut reader = stream.read().live(Live::LongPoll).start();
    while reader.next().await.unwrap().is_some() {}
    stream.append("x").await.unwrap();

    let requests = script.requests();
    let counts: Vec<_> = requests
        .iter()
        .map(|request| header(request, "x-count").unwrap())
        .collect();
    assert_eq!(counts, ["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(targets(&script)[0], "GET /v1/s?offset=-1&was=GET");
    assert_eq!(targets(&script)[6], "POST /v1/s?was=POST");
}

#[tokio::test]
async fn a_hook_that_fails_sends_nothing_and_is_tried_again_as_long_as_the_policy_allows() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let hook = move |_| {
        let fails = counted.fetch_add(1, Ordering::SeqCst) < 2;
        async move {
            if fails {
                Err("no token yet".into())
            } else {
                Ok(Extras::new())
            }
        }
    };
    let (builder, script) = scripted([answer(204, &[OFFSET], "")]);
    let stream = builder.hook(hook).build().unwrap().stream("s");
    stream.append("x").await.unwrap();
    assert_eq!(
        (tries.load(Ordering::SeqCst), script.requests().len()),
        (3, 1)
    );

    let (builder, script) = scripted([]);
    let stream = builder
        .build()
        .unwrap()
        .stream("s")
        .with_hook(|_| async { Err("no token".into()) });
    let error = stream
        .append("x")
        .retry(RetryPolicy::never())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.may_have_been_applied()),
        (ErrorKind::Hook, false)
    );
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "no token"
    );
    let mut reader = stream.read().retry(RetryPolicy::never()).start();
    assert_eq!(reader.next().await.unwrap_err().kind(), ErrorKind::Hook);
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn what_a_hook_says_that_cannot_be_sent_is_final() {
    let (builder, script) = scripted([]);
    let stream = builder.build().unwrap().stream("s").with_hook(|_| async {
        let mut extras = Extras::new();
        extras.set_header("x-token", "s3cret\n")?;
        Ok(extras)
    });
    let error = stream.head().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!format!("{error} {error:?}").contains("s3cret"));
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn a_hook_wins_over_what_was_renewed_and_is_asked_again_for_the_second_sending() {
    let (builder, script) = scripted([answer(401, &[], ""), answer(200, &[OFFSET], "")]);
    let renewed = || async {
        let mut extras = Extras::new();
        extras.set_header("x-count", "renewed")?;
        extras.set_header("x-other", "renewed")?;
        Ok(extras)
    };
    let client = builder.refresh(renewed).hook(counting()).build().unwrap();
    client.stream("s").head().await.unwrap();
    let requests = script.requests();
    let sent = |n: usize| {
        (
            header(&requests[n], "x-count"),
            header(&requests[n], "x-other"),
        )
    };
    assert_eq!(sent(0), (Some("1"), None));
    assert_eq!(sent(1), (Some("2"), Some("renewed")));
}

#[tokio::test]
async fn b65_another_origin_gets_nothing_of_the_clients_hook() {
    let (builder, script) = scripted([answer(200, &[OFFSET], "")]);
    let client = builder.hook(counting()).build().unwrap();
    client
        .stream("http://elsewhere.test/s")
        .head()
        .await
        .unwrap();
    assert!(script.requests()[0].headers().is_empty());
}

#[tokio::test]
async fn b55_a_refusal_stands_when_renewing_fails_or_does_not_help_and_fencing_is_no_refusal() {
    for (second, renewed) in [(true, 2), (false, 1)] {
        let (builder, script) = scripted([answer(401, &[], "no"), answer(401, &[], "still no")]);
        let hook = move || async move {
            if second {
                Ok(Extras::new())
            } else {
                Err("no token".into())
            }
        };
        let client = builder.refresh(hook).build().unwrap();
        let error = client.stream("s").head().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert_eq!(script.requests().len(), renewed);
    }
    let (builder, script) = scripted([answer(403, &[("producer-epoch", "3")], "")]);
    let client = builder
        .refresh(|| async { Ok(Extras::new()) })
        .build()
        .unwrap();
    let error = client.stream("s").append("x").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.producer_epoch()),
        (ErrorKind::Fenced, Some(3))
    );
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn b65_a_stream_of_another_origin_gets_nothing_of_the_clients() {
    let (builder, script) = scripted([answer(200, &[OFFSET], "")]);
    let client = builder
        .bearer_token("s3cret")
        .param("tenant", "t")
        .build()
        .unwrap();
    client
        .stream("http://elsewhere.test/s")
        .head()
        .await
        .unwrap();
    let request = &script.requests()[0];
    assert_eq!(request.uri(), "http://elsewhere.test/s");
    assert!(request.headers().is_empty());
}

#[tokio::test]
async fn b58_what_cannot_be_sent_is_refused_when_it_is_built() {
    let secret = "s3cret\n";
    let (builder, _) = scripted([]);
    let error = builder.bearer_token(secret).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!format!("{error} {error:?}").contains("s3cret"));

    let (builder, script) = scripted([]);
    let stream = builder.build().unwrap().stream("s");
    let invalid =
        |error: durable_streams_client::Error| assert_eq!(error.kind(), ErrorKind::InvalidInput);
    invalid(
        stream
            .append("x")
            .header("content-length", "1")
            .await
            .unwrap_err(),
    );
    invalid(stream.append("").await.unwrap_err());
    invalid(stream.append_json_batch::<u8>([]).await.unwrap_err());
    invalid(stream.append_raw_json("{").await.unwrap_err());
    invalid(stream.append("x").seq("").await.unwrap_err());
    invalid(
        stream
            .create()
            .ttl(Duration::from_millis(1500))
            .await
            .unwrap_err(),
    );
    invalid(stream.create().content_type("a\nb").await.unwrap_err());
    let both = stream
        .create()
        .ttl(Duration::from_secs(1))
        .expires_at(std::time::SystemTime::now());
    invalid(both.await.unwrap_err());
    assert!(script.requests().is_empty());
}

#[tokio::test]
async fn b31_an_append_whose_answer_is_lost_is_not_sent_again_and_says_so() {
    let (builder, script) = scripted([
        Reply::fail(FailureKind::Connect),
        answer(503, &[], ""),
        answer(429, &[("retry-after", "1")], ""),
        Reply::fail(FailureKind::Interrupted),
    ]);
    let stream = builder.build().unwrap().stream("s");
    let error = stream.append("x").await.unwrap_err();
    assert!(error.may_have_been_applied() && error.is_retryable());
    assert_eq!(script.requests().len(), 4);

    let (builder, script) = scripted([answer(502, &[], "<html>")]);
    let error = builder
        .build()
        .unwrap()
        .stream("s")
        .append("x")
        .await
        .unwrap_err();
    assert!(error.may_have_been_applied());
    assert_eq!(script.requests().len(), 1);

    let (builder, _) = scripted([Reply::fail(FailureKind::Connect)]);
    let client = builder.retry(RetryPolicy::never()).build().unwrap();
    assert!(
        !client
            .stream("s")
            .append("x")
            .await
            .unwrap_err()
            .may_have_been_applied()
    );
}

#[test]
fn handles_are_plain_types_that_move_between_threads_and_show_no_secret() {
    fn handle<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    fn moves<T: Send + std::fmt::Debug + Unpin + 'static>() {}
    handle::<Client>();
    handle::<DurableStream>();
    moves::<Reader>();

    let (builder, _) = scripted([]);
    let builder = builder.bearer_token("s3cret").param("key", "s3cret");
    let shown = format!("{builder:?}");
    let client = builder.build().unwrap();
    let stream = client
        .stream("s?token=s3cret")
        .with_header("x-key", "s3cret");
    let read = stream.read().header("x-other", "s3cret");
    let shown = format!(
        "{shown} {client:?} {stream:?} {:?} {read:?} {:?}",
        stream.head(),
        stream.read().start()
    );
    assert!(
        shown.contains("authorization") && !shown.contains("s3cret"),
        "{shown}"
    );
}
