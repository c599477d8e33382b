//! Subscriptions: what is sent, whose wake it is, and where its token goes.

use durable_streams_client::{
    ClaimOutcome, Client, Error, ErrorKind, LinkType, Offset, StreamUrl, Subscription, Wake,
    WakeToken,
};
use serde_json::{Value, json};

use super::support::*;
use crate::script::{Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b69_a_subscription_is_made_read_linked_and_ended,
        b69_a_claim_is_had_held_by_others_or_needless,
        b69_what_more_is_said_is_ignored,
        b69_a_success_without_what_is_promised_is_none,
        b69_what_cannot_be_meant_is_refused_before_any_io,
        b70_a_fence_is_final_and_told_from_other_conflicts,
        b70_turned_down_is_sent_again_as_it_was,
        b70_a_lost_claim_is_repeated_and_knows_itself,
        b70_a_cut_claim_is_no_claim,
        b70_a_fence_behind_a_lost_report_may_be_its_own,
        b70_a_lost_release_may_find_the_wake_gone,
        b71_a_token_goes_in_authorization_alone,
        b71_a_token_follows_no_redirect,
        b71_a_token_is_in_no_error,
    ]
}

pub(super) const TOKEN: &str = "w4ke.s3cret";

fn wake() -> Wake {
    Wake {
        id: "w_1".to_owned(),
        generation: 3,
        token: WakeToken::new(TOKEN).unwrap(),
    }
}

fn subscription(cx: &Context, server: &ScriptServer) -> Subscription {
    cx.builder(server).build().unwrap().subscription("billing")
}

pub(super) fn says(status: u16, body: &Value) -> Reply {
    Reply::new(status)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

pub(super) fn refusal(status: u16, code: &str) -> Reply {
    says(
        status,
        &json!({ "error": { "code": code, "message": "no" } }),
    )
}

pub(super) fn held_by(worker: &str) -> Reply {
    let error = json!({ "code": "ALREADY_CLAIMED", "current_holder": worker, "generation": 8 });
    says(409, &json!({ "error": error }))
}

pub(super) fn info() -> Value {
    json!({ "id": "billing", "type": "pull-wake", "wake_stream": "wakes", "status": "active", "streams": [
        { "path": "orders/1", "link_type": "glob", "acked_offset": "4" },
        // What was linked before anything was acknowledged.
        { "path": "late", "link_type": "explicit", "acked_offset": "-1" },
    ]})
}

pub(super) fn claimed() -> Value {
    json!({ "wake_id": "w_1", "generation": 3, "token": TOKEN, "lease_ttl_ms": 30_000, "streams": [
        { "path": "orders/1", "link_type": "glob", "acked_offset": "4", "tail_offset": "9", "has_pending": true },
    ]})
}

/// The bodies of all requests, as JSON.
pub(super) fn bodies(server: &ScriptServer) -> Vec<Value> {
    let requests = server.requests();
    let body = |body: &[u8]| serde_json::from_slice(body).unwrap_or(Value::Null);
    requests.iter().map(|request| body(&request.body)).collect()
}

pub(super) fn lines(server: &ScriptServer) -> Vec<String> {
    let requests = server.requests();
    let line = |(method, target): (&str, &str)| {
        format!("{method} {}", target.trim_start_matches("/v1/stream/__ds/"))
    };
    requests
        .iter()
        .map(|request| line((request.method.as_str(), &request.target)))
        .collect()
}

async fn b69_a_subscription_is_made_read_linked_and_ended(cx: Context) {
    let server = cx
        .serve([
            says(201, &info()),
            says(200, &info()),
            says(200, &info()),
            Reply::new(204),
            Reply::new(204),
            Reply::new(204),
            refusal(409, "SUBSCRIPTION_ALREADY_EXISTS"),
            refusal(404, "SUBSCRIPTION_NOT_FOUND"),
        ])
        .await;
    let it = subscription(&cx, &server);
    let create = || {
        it.create_pull_wake("wakes")
            .pattern("orders/*")
            .streams(["b", "a b"])
    };
    let created = within(create().into_future()).await.unwrap();
    let confirmed = within(create().into_future()).await.unwrap();
    assert!(created.is_created() && !confirmed.is_created());
    let read = within(it.read().into_future()).await.unwrap();
    assert_eq!(&read, created.info());
    let links: Vec<_> = read
        .streams
        .iter()
        .map(|link| {
            (
                &*link.path,
                link.link_type,
                link.acked.as_ref().map(Offset::as_str),
            )
        })
        .collect();
    assert_eq!(
        links,
        [
            ("orders/1", LinkType::Glob, Some("4")),
            ("late", LinkType::Explicit, None)
        ]
    );
    within(it.link(["c"]).into_future()).await.unwrap();
    within(it.unlink("a b/c").into_future()).await.unwrap();
    within(it.delete().into_future()).await.unwrap();
    let error = within(create().into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SubscriptionExists);
    let error = within(it.read().into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SubscriptionNotFound);
    assert_eq!(
        lines(&server)[..6],
        [
            "PUT subscriptions/billing",
            "PUT subscriptions/billing",
            "GET subscriptions/billing",
            "POST subscriptions/billing/streams",
            "DELETE subscriptions/billing/streams/a%2520b%2Fc",
            "DELETE subscriptions/billing",
        ]
    );
    let sent = bodies(&server);
    let settings = json!({
        "type": "pull-wake", "wake_stream": "wakes", "pattern": "orders/*", "streams": ["a%20b", "b"],
    });
    assert_eq!(
        (&sent[0], &sent[3]),
        (&settings, &json!({ "streams": ["c"] }))
    );
    let content_type = server.requests()[0]
        .header("content-type")
        .map(str::to_owned);
    assert_eq!(content_type.as_deref(), Some("application/json"));
    server.assert_finished();
}

async fn b69_a_claim_is_had_held_by_others_or_needless(cx: Context) {
    let server = cx
        .serve([
            says(200, &claimed()),
            held_by("w2"),
            refusal(409, "NO_PENDING_WORK"),
        ])
        .await;
    let it = subscription(&cx, &server);
    let claim = || within(it.claim("w1").into_future());
    let ClaimOutcome::Claimed(claimed) = claim().await.unwrap() else {
        panic!("it is claimed");
    };
    assert_eq!(claimed.wake, wake());
    assert_eq!(claimed.lease.unwrap().as_secs(), 30);
    let ClaimOutcome::AlreadyClaimed(held) = claim().await.unwrap() else {
        panic!("somebody has it");
    };
    assert_eq!(
        (
            held.current_holder.as_deref(),
            held.generation,
            held.lost_answer
        ),
        (Some("w2"), Some(8), false)
    );
    assert_eq!(claim().await.unwrap(), ClaimOutcome::NothingPending);
    assert!(
        bodies(&server)
            .iter()
            .all(|body| *body == json!({ "worker": "w1" }))
    );
    server.assert_finished();
}

async fn b69_what_more_is_said_is_ignored(cx: Context) {
    let mut more = claimed();
    more["shard"] = json!({ "of": 7 });
    more["streams"][0]["heat"] = json!([1]);
    let mut told = info();
    told["shard"] = json!(null);
    told["status"] = json!("dreaming");
    let acked = json!({ "ok": true, "next_wake": true, "because": {} });
    let server = cx
        .serve([says(200, &more), says(200, &told), says(200, &acked)])
        .await;
    let it = subscription(&cx, &server);
    within(it.claim("w1").into_future()).await.unwrap();
    within(it.read().into_future()).await.unwrap();
    let acked = within(it.heartbeat(&wake()).into_future()).await.unwrap();
    assert!(acked.next_wake);
    server.assert_finished();
}

async fn b69_a_success_without_what_is_promised_is_none(cx: Context) {
    let html = || {
        Reply::new(200)
            .header("Content-Type", "text/html")
            .body("<html>")
    };
    let short = || Reply::new(200).body("{");
    for bad in [html, short, || says(200, &json!({}))] {
        let server = cx.serve([bad(), bad(), bad(), bad()]).await;
        let it = subscription(&cx, &server);
        for error in [
            within(it.read().into_future()).await.unwrap_err(),
            within(it.claim("w1").into_future()).await.unwrap_err(),
            within(it.ack(&wake()).into_future()).await.unwrap_err(),
            within(it.create_pull_wake("w").streams(["a"]).into_future())
                .await
                .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Protocol);
        }
        server.assert_finished();
    }
    let server = cx.serve([html(), html(), html(), html()]).await;
    let it = subscription(&cx, &server);
    for error in [
        within(it.release(&wake()).into_future()).await.unwrap_err(),
        within(it.delete().into_future()).await.unwrap_err(),
        within(it.link(["a"]).into_future()).await.unwrap_err(),
        within(it.unlink("a").into_future()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.may_have_been_applied());
    }
    server.assert_finished();
}

async fn b69_what_cannot_be_meant_is_refused_before_any_io(cx: Context) {
    let server = cx.serve([]).await;
    let client = cx.builder(&server).build().unwrap();
    let it = client.subscription("billing");
    let errors: [Error; 8] = [
        within(client.subscription("a/b").read().into_future())
            .await
            .unwrap_err(),
        within(it.create_pull_wake("w").into_future())
            .await
            .unwrap_err(),
        within(it.create_pull_wake("w").pattern("a*").into_future())
            .await
            .unwrap_err(),
        within(it.create_webhook("/hook").streams(["a"]).into_future())
            .await
            .unwrap_err(),
        within(it.link(["../a"]).into_future()).await.unwrap_err(),
        within(it.link([""; 0]).into_future()).await.unwrap_err(),
        within(it.unlink("__ds/x").into_future()).await.unwrap_err(),
        within(it.claim("").into_future()).await.unwrap_err(),
    ];
    assert!(
        errors
            .iter()
            .all(|error| error.kind() == ErrorKind::InvalidInput)
    );
    assert_eq!(server.connections(), 0);
}

async fn b70_a_fence_is_final_and_told_from_other_conflicts(cx: Context) {
    let it = |server: &ScriptServer| subscription(&cx, server);
    for (reply, kind) in [
        (refusal(409, "FENCED"), ErrorKind::Fenced),
        (refusal(409, "INVALID_OFFSET"), ErrorKind::AckRejected),
        (refusal(409, "SOMETHING_ELSE"), ErrorKind::Conflict),
        (refusal(401, "TOKEN_INVALID"), ErrorKind::Unauthorized),
        (
            refusal(404, "SUBSCRIPTION_NOT_FOUND"),
            ErrorKind::SubscriptionNotFound,
        ),
    ] {
        let server = cx.serve([reply]).await;
        let offset = Offset::new("9").unwrap();
        let ack = it(&server)
            .ack(&wake())
            .stream("orders/1", offset)
            .done(true);
        let error = within(ack.into_future()).await.unwrap_err();
        assert_eq!((error.kind(), error.may_have_been_applied()), (kind, false));
        server.assert_finished();
    }
    let server = cx.serve([refusal(409, "FENCED")]).await;
    let error = within(it(&server).release(&wake()).into_future())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    server.assert_finished();
}

async fn b70_turned_down_is_sent_again_as_it_was(cx: Context) {
    let server = cx
        .serve([
            Reply::new(503),
            Reply::new(429),
            refusal(409, "FENCED"),
            Reply::new(503),
            says(200, &claimed()),
        ])
        .await;
    let it = subscription(&cx, &server);
    let error = within(it.ack(&wake()).done(true).into_future())
        .await
        .unwrap_err();
    // Both were turned down: neither can be what ended the wake.
    assert_eq!(
        (error.kind(), error.may_have_been_applied()),
        (ErrorKind::Fenced, false)
    );
    let done = json!({ "wake_id": "w_1", "generation": 3, "done": true });
    assert!(bodies(&server).iter().all(|body| *body == done));
    within(it.claim("w1").into_future()).await.unwrap();
    server.assert_finished();
}

async fn b70_a_lost_claim_is_repeated_and_knows_itself(cx: Context) {
    for (holder, own) in [("w1", true), ("w2", false)] {
        let server = cx.serve([Reply::close(), held_by(holder)]).await;
        let claim = subscription(&cx, &server).claim("w1");
        let ClaimOutcome::AlreadyClaimed(held) = within(claim.into_future()).await.unwrap() else {
            panic!("somebody has it");
        };
        assert_eq!(held.lost_answer, own, "{holder}");
        server.assert_finished();
    }
}

async fn b70_a_cut_claim_is_no_claim(cx: Context) {
    let cut = says(200, &claimed()).content_length(500);
    let server = cx.serve([cut.cut_after(20), held_by("w1")]).await;
    let claim = subscription(&cx, &server).claim("w1");
    let ClaimOutcome::AlreadyClaimed(held) = within(claim.into_future()).await.unwrap() else {
        panic!("the cut one has it");
    };
    assert!(held.lost_answer);
    server.assert_finished();
}

async fn b70_a_fence_behind_a_lost_report_may_be_its_own(cx: Context) {
    for lost in [Reply::close(), Reply::new(502)] {
        let server = cx.serve([lost, refusal(409, "FENCED")]).await;
        let done = subscription(&cx, &server).ack(&wake()).done(true);
        let error = within(done.into_future()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.may_have_been_applied()),
            (ErrorKind::Fenced, true)
        );
        server.assert_finished();
    }
}

async fn b70_a_lost_release_may_find_the_wake_gone(cx: Context) {
    let server = cx.serve([Reply::close(), refusal(409, "FENCED")]).await;
    let release = subscription(&cx, &server).release(&wake());
    within(release.into_future()).await.unwrap();
    server.assert_finished();
}

fn secretive(cx: &Context, server: &ScriptServer) -> Client {
    let builder = cx.builder(server).retry(attempts(1));
    builder.bearer_token("application").build().unwrap()
}

async fn b71_a_token_goes_in_authorization_alone(cx: Context) {
    let ok = || says(200, &json!({ "ok": true }));
    let server = cx
        .serve([says(200, &claimed()), ok(), Reply::new(204), ok()])
        .await;
    let client = secretive(&cx, &server);
    let it = client.subscription("billing");
    within(it.claim("w1").into_future()).await.unwrap();
    within(it.ack(&wake()).into_future()).await.unwrap();
    within(it.release(&wake()).into_future()).await.unwrap();
    let callback = StreamUrl::parse(&server.url("/callback")).unwrap();
    within(client.callback(&callback, &wake()).into_future())
        .await
        .unwrap();
    let requests = server.requests();
    let authorizations: Vec<_> = requests
        .iter()
        .map(|request| request.header_all("authorization").collect::<Vec<_>>())
        .collect();
    let own = format!("Bearer {TOKEN}");
    let own = vec![own.as_str()];
    assert_eq!(
        authorizations,
        [vec!["Bearer application"], own.clone(), own.clone(), own]
    );
    for request in &requests {
        assert!(!request.target.contains(TOKEN));
        assert!(!String::from_utf8_lossy(&request.body).contains(TOKEN));
        let others = request
            .headers
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        assert!(others.into_iter().all(|(_, value)| !value.contains(TOKEN)));
    }
    server.assert_finished();
}

async fn b71_a_token_follows_no_redirect(cx: Context) {
    for status in [301, 302, 303, 307, 308] {
        let server = cx.serve([]).await;
        let to = server.url("/elsewhere");
        let moved = || Reply::new(status).header("Location", &to);
        server.replies([moved(), moved(), moved()]);
        let client = secretive(&cx, &server);
        let it = client.subscription("billing");
        let callback = StreamUrl::parse(&server.url("/callback")).unwrap();
        for error in [
            within(it.ack(&wake()).into_future()).await.unwrap_err(),
            within(it.release(&wake()).into_future()).await.unwrap_err(),
            within(client.callback(&callback, &wake()).into_future())
                .await
                .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Redirect);
        }
        assert!(
            server
                .requests()
                .iter()
                .all(|request| request.target != "/elsewhere")
        );
        server.assert_finished();
    }
}

async fn b71_a_token_is_in_no_error(cx: Context) {
    let echo = json!({ "error": { "code": "TOKEN_INVALID", "message": format!("not {TOKEN}") } });
    let torn = json!({ "wake_id": "w_1", "generation": TOKEN, "token": TOKEN });
    let odd =
        json!({ "wake_id": "w_1", "generation": 1, "token": format!("{TOKEN} ") , "streams": []});
    let server = cx
        .serve([
            says(401, &echo),
            says(500, &echo),
            Reply::new(200).body(format!("{TOKEN} is no JSON")),
            Reply::close(),
            says(200, &torn),
            says(200, &odd),
        ])
        .await;
    let it = secretive(&cx, &server).subscription("billing");
    for error in [
        within(it.ack(&wake()).into_future()).await.unwrap_err(),
        within(it.release(&wake()).into_future()).await.unwrap_err(),
        within(it.ack(&wake()).into_future()).await.unwrap_err(),
        within(it.ack(&wake()).into_future()).await.unwrap_err(),
        within(it.claim("w1").into_future()).await.unwrap_err(),
        within(it.claim("w1").into_future()).await.unwrap_err(),
    ] {
        let mut text = format!("{error} {error:?}");
        let mut next = std::error::Error::source(&error);
        while let Some(source) = next {
            text += &format!(" {source} {source:?}");
            next = source.source();
        }
        assert!(!text.contains(TOKEN), "{text}");
    }
    server.assert_finished();
}
