//! What is sent, and what is refused before anything is.

use std::time::Duration;

use bytes::Bytes;
use durable_streams_core::operation::Operation;
use durable_streams_core::operation::subscription::{
    Ack, Claim, CreateSubscription, DeleteSubscription, LinkStreams, ReadKeys, ReadSubscription,
    Release, UnlinkStream, WakeToken,
};
use durable_streams_core::{Error, ErrorKind, Offset, OperationKind, StreamUrl};
use http::Request;

use crate::{TOKEN, body, refused, root, url, wake};

fn shown(request: Result<Request<Bytes>, Error>) -> String {
    let request = request.unwrap();
    let content = request.headers().get("content-type");
    assert_eq!(content.is_some(), !request.body().is_empty());
    assert!(content.is_none_or(|kind| kind == "application/json"));
    let uri = request.uri();
    assert_eq!((uri.host(), uri.query()), (Some("h"), Some("tenant=7")));
    format!("{} {} {}", request.method(), uri.path(), body(&request))
}

#[test]
fn b69_requests_are_what_was_asked_for() {
    let at = "/v1/stream/__ds/subscriptions/billing";
    let pull = CreateSubscription::pull_wake(&url(), "/wakes/b")
        .pattern("/orders/*/**")
        .streams(["z", "/a b/c", "z"])
        .lease(Duration::from_millis(1_000))
        .description("bills");
    let hook = CreateSubscription::webhook(&url(), "https://h.example/hook?offset=1")
        .stream("a%20b")
        .lease(Duration::from_secs(600));
    for (request, expected) in [
        (
            pull.request(),
            format!(
                r#"PUT {at} {{"type":"pull-wake","pattern":"orders/*/**","streams":["a%20b/c","z"],"wake_stream":"wakes/b","lease_ttl_ms":1000,"description":"bills"}}"#
            ),
        ),
        (
            hook.request(),
            format!(
                r#"PUT {at} {{"type":"webhook","streams":["a%20b"],"webhook":{{"url":"https://h.example/hook?offset=1"}},"lease_ttl_ms":600000}}"#
            ),
        ),
        (
            ReadSubscription::new(&url()).request(),
            format!("GET {at} "),
        ),
        (
            DeleteSubscription::new(&url()).request(),
            format!("DELETE {at} "),
        ),
        (
            LinkStreams::new(&url(), ["b", "/a"]).request(),
            format!(r#"POST {at}/streams {{"streams":["a","b"]}}"#),
        ),
        (
            UnlinkStream::new(&url(), "/a b/c").request(),
            format!("DELETE {at}/streams/a%2520b%2Fc "),
        ),
        (
            Claim::new(&url(), "w\"1").request(),
            format!(r#"POST {at}/claim {{"worker":"w\"1"}}"#),
        ),
        (
            Release::new(&url(), &wake()).request(),
            format!(r#"POST {at}/release {{"wake_id":"w_1","generation":3}}"#),
        ),
        (
            ReadKeys::new(&root()).request(),
            "GET /v1/stream/__ds/jwks.json ".to_owned(),
        ),
    ] {
        assert_eq!(shown(request), expected);
    }
}

#[test]
fn b69_a_report_says_what_is_done_once_for_each_stream() {
    let offset = |text| Offset::new(text).unwrap();
    let path = "POST /v1/stream/__ds/subscriptions/billing/ack ";
    let heartbeat = Ack::new(&url(), &wake());
    assert_eq!(
        shown(heartbeat.request()),
        format!(r#"{path}{{"wake_id":"w_1","generation":3}}"#)
    );
    let ack = heartbeat
        .stream("b", offset("1"))
        .stream("a b", offset("2"))
        .stream("b", offset("3"))
        .done(true);
    assert_eq!(
        shown(ack.request()),
        format!(
            r#"{path}{{"wake_id":"w_1","generation":3,"acks":[{{"stream":"a%20b","offset":"2"}},{{"stream":"b","offset":"3"}}],"done":true}}"#
        )
    );
    let callback = StreamUrl::parse("https://elsewhere/callback?x=1").unwrap();
    let request = Ack::callback(callback, &wake()).request().unwrap();
    assert_eq!(request.uri(), "https://elsewhere/callback?x=1");
}

#[test]
fn b71_a_token_goes_in_its_header_and_nowhere_else() {
    for request in [
        Ack::new(&url(), &wake()).request().unwrap(),
        Ack::callback(root(), &wake()).request().unwrap(),
        Release::new(&url(), &wake()).request().unwrap(),
    ] {
        let value = &request.headers()["authorization"];
        assert_eq!(value, &format!("Bearer {TOKEN}"));
        assert!(value.is_sensitive());
        assert!(!request.uri().to_string().contains(TOKEN));
        assert!(!body(&request).contains(TOKEN));
        assert!(!format!("{request:?}").contains(TOKEN));
    }
    let shown = format!("{:?} {:?}", wake(), Ack::new(&url(), &wake()));
    assert!(shown.contains("w_1") && !shown.contains(TOKEN), "{shown}");
    assert_eq!(wake().token.expose(), TOKEN);
    for bad in ["", "a b", "a\r\nx: y", "ü"] {
        let error = refused(WakeToken::new(bad), ErrorKind::InvalidInput);
        assert!(bad.is_empty() || !error.to_string().contains(bad));
    }
}

#[test]
fn b69_what_cannot_be_meant_is_refused_before_any_io() {
    let create = || CreateSubscription::pull_wake(&url(), "wakes").stream("a");
    let hook = |to: &str| CreateSubscription::webhook(&url(), to).stream("a");
    let seconds = Duration::from_secs;
    let offset = Offset::new("1").unwrap();
    let bad = [
        CreateSubscription::pull_wake(&url(), "wakes").request(),
        CreateSubscription::pull_wake(&url(), "")
            .stream("a")
            .request(),
        CreateSubscription::pull_wake(&url(), "__ds/x")
            .stream("a")
            .request(),
        create().pattern("a*").request(),
        create().pattern("").request(),
        create().stream("a/../b").request(),
        create().stream("a?b").request(),
        create().stream("http://h/v1/stream/a").request(),
        create().lease(Duration::from_millis(999)).request(),
        create()
            .lease(seconds(600) + Duration::from_millis(1))
            .request(),
        create()
            .lease(seconds(5) + Duration::from_micros(1))
            .request(),
        hook("").request(),
        hook("/hook").request(),
        hook("ftp://h/hook").request(),
        hook("https://u:p@h/hook").request(),
        hook("https://h/hook#x").request(),
        LinkStreams::new(&url(), [""; 0]).request(),
        LinkStreams::new(&url(), ["a", ""]).request(),
        UnlinkStream::new(&url(), "/").request(),
        Claim::new(&url(), "").request(),
        Ack::new(&url(), &wake()).stream("", offset).request(),
    ];
    for (index, request) in bad.into_iter().enumerate() {
        let error = refused(request, ErrorKind::InvalidInput);
        assert!(error.operation().is_some(), "{index}: {error}");
        assert!(
            error.url().unwrap().contains("/billing"),
            "{index}: {error}"
        );
    }
}

#[test]
fn a_request_says_what_it_is_for() {
    let of = |request: Result<Request<Bytes>, Error>| {
        request
            .unwrap()
            .extensions()
            .get::<OperationKind>()
            .copied()
    };
    let pairs = [
        (of(Claim::new(&url(), "w").request()), OperationKind::Claim),
        (of(Ack::new(&url(), &wake()).request()), OperationKind::Ack),
        (
            of(DeleteSubscription::new(&url()).request()),
            OperationKind::DeleteSubscription,
        ),
        (
            of(ReadKeys::new(&root()).request()),
            OperationKind::ReadKeys,
        ),
    ];
    for (said, kind) in pairs {
        assert_eq!(said, Some(kind));
    }
}
