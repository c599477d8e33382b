//! A handle to a subscription: its requests are those of the core, with what the application adds.

use std::sync::{Arc, Mutex};

use durable_streams_client::{
    ClaimOutcome, ErrorKind, Extras, Metrics, Offset, OperationKind, StreamUrl, Wake, WakeToken,
};
use http::Request;

use crate::common::{answer, scripted, targets};

const TOKEN: &str = "w4ke";
const INFO: &str = r#"{"type":"pull-wake","wake_stream":"wakes","streams":[]}"#;
const CLAIMED: &str = r#"{"wake_id":"w","generation":2,"token":"w4ke","streams":[]}"#;

fn wake() -> Wake {
    Wake {
        id: "w".to_owned(),
        generation: 2,
        token: WakeToken::new(TOKEN).unwrap(),
    }
}

fn header<'a>(request: &'a Request<bytes::Bytes>, name: &str) -> &'a str {
    request
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[derive(Debug, Clone, Default)]
struct Started(Arc<Mutex<Vec<OperationKind>>>);

impl Metrics for Started {
    fn request_started(&self, operation: OperationKind) {
        self.0.lock().unwrap().push(operation);
    }

    fn retrying(&self, operation: OperationKind) {
        self.request_started(operation);
    }
}

#[tokio::test]
async fn b69_every_operation_goes_where_it_belongs_and_is_counted_as_what_it_is() {
    let (builder, script) = scripted([
        answer(201, &[], INFO),
        answer(200, &[], INFO),
        answer(204, &[], ""),
        answer(204, &[], ""),
        answer(503, &[], ""),
        answer(200, &[], CLAIMED),
        answer(200, &[], r#"{"ok":true}"#),
        answer(200, &[], r#"{"ok":true,"next_wake":true}"#),
        answer(204, &[], ""),
        answer(204, &[], ""),
        answer(200, &[], r#"{"keys":[]}"#),
    ]);
    let metrics = Started::default();
    let client = builder.metrics(metrics.clone()).build().unwrap();
    let subscription = client.subscription("a b");
    let created = subscription.create_pull_wake("wakes").pattern("**").await;
    assert!(created.unwrap().is_created());
    subscription.read().await.unwrap();
    subscription.link(["a", "b"]).await.unwrap();
    subscription.unlink("a/b").await.unwrap();
    let ClaimOutcome::Claimed(claimed) = subscription.claim("w1").await.unwrap() else {
        panic!("it is claimed");
    };
    subscription.heartbeat(&claimed.wake).await.unwrap();
    let ack = subscription.ack(&claimed.wake).done(true);
    let acked = ack.stream("a", Offset::new("1").unwrap()).await.unwrap();
    assert!(acked.next_wake);
    subscription.release(&claimed.wake).await.unwrap();
    subscription.delete().await.unwrap();
    client.webhook_keys().await.unwrap();
    let at = "/v1/__ds/subscriptions/a%20b";
    assert_eq!(
        targets(&script),
        [
            format!("PUT {at}"),
            format!("GET {at}"),
            format!("POST {at}/streams"),
            format!("DELETE {at}/streams/a%2Fb"),
            format!("POST {at}/claim"),
            format!("POST {at}/claim"),
            format!("POST {at}/ack"),
            format!("POST {at}/ack"),
            format!("POST {at}/release"),
            format!("DELETE {at}"),
            "GET /v1/__ds/jwks.json".to_owned(),
        ]
    );
    use OperationKind as Kind;
    let started = metrics.0.lock().unwrap();
    assert_eq!(
        *started,
        [
            Kind::CreateSubscription,
            Kind::ReadSubscription,
            Kind::LinkStreams,
            Kind::UnlinkStream,
            Kind::Claim,
            Kind::Claim,
            Kind::Claim,
            Kind::Ack,
            Kind::Ack,
            Kind::Release,
            Kind::DeleteSubscription,
            Kind::ReadKeys,
        ]
    );
}

#[tokio::test]
async fn b71_a_wakes_token_takes_the_place_of_the_applications_own() {
    let done = || answer(200, &[], r#"{"ok":true}"#);
    let (builder, script) = scripted([answer(200, &[], CLAIMED), done(), done(), done()]);
    let client = builder
        .bearer_token("app")
        .header("x-tenant", "7")
        .param("key", "k")
        .hook(|_| async {
            let mut extras = Extras::new();
            extras.set_header("authorization", "Bearer hook")?;
            Ok(extras)
        })
        .build()
        .unwrap();
    let subscription = client.subscription("s");
    subscription.claim("w1").await.unwrap();
    subscription.ack(&wake()).await.unwrap();
    let home = StreamUrl::parse("http://streams.test/elsewhere").unwrap();
    client.callback(&home, &wake()).done(true).await.unwrap();
    // What comes from another origin gets its own token, and nothing of the application's.
    let other = StreamUrl::parse("http://other.test/callback").unwrap();
    client.callback(&other, &wake()).await.unwrap();
    let seen: Vec<_> = script
        .requests()
        .iter()
        .map(|request| {
            let names = ["authorization", "x-tenant"];
            let [authorization, tenant] = names.map(|name| header(request, name).to_owned());
            let query = request.uri().query().unwrap_or_default().to_owned();
            (authorization, tenant, query)
        })
        .collect();
    let row = |authorization: &str, tenant: &str, query: &str| {
        (
            authorization.to_owned(),
            tenant.to_owned(),
            query.to_owned(),
        )
    };
    assert_eq!(
        seen,
        [
            row("Bearer hook", "7", "key=k"),
            row("Bearer w4ke", "7", "key=k"),
            row("Bearer w4ke", "7", "key=k"),
            row("Bearer w4ke", "", ""),
        ]
    );
}

#[tokio::test]
async fn b69_a_handle_to_nothing_fails_before_any_io() {
    let (builder, script) = scripted([]);
    let client = builder.build().unwrap();
    let subscription = client.subscription("a/b");
    assert!(subscription.url().is_err());
    for error in [
        subscription.read().await.unwrap_err(),
        subscription.claim("w").await.unwrap_err(),
        subscription.ack(&wake()).await.unwrap_err(),
        client
            .subscription("s")
            .with_header("x y", "1")
            .read()
            .await
            .unwrap_err(),
        client
            .subscription("s")
            .with_param("offset", "1")
            .read()
            .await
            .unwrap_err(),
        client
            .subscription("s")
            .create_webhook("nowhere")
            .streams(["a"])
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    assert!(script.requests().is_empty());
}

#[test]
fn b69_it_can_be_waited_for_without_async() {
    let (builder, _) = scripted([
        answer(201, &[], INFO),
        answer(200, &[], CLAIMED),
        answer(409, &[], r#"{"error":{"code":"FENCED"}}"#),
    ]);
    let client = builder.stands_alone().build().unwrap();
    let subscription = client.subscription("s").with_header("x-tenant", "7");
    subscription
        .create_pull_wake("wakes")
        .streams(["a"])
        .wait()
        .unwrap();
    let ClaimOutcome::Claimed(claimed) = subscription.claim("w").wait().unwrap() else {
        panic!("it is claimed");
    };
    let error = subscription.ack(&claimed.wake).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert!(!format!("{error} {error:?} {subscription:?} {claimed:?}").contains(TOKEN));
}
