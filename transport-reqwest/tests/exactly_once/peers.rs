//! What a server does to itself: the npm package `@durable-streams/server` can be asked to fail.

use crate::hop::Plan;
use crate::world::{World, check, root, seed, within};

/// Asks the server at `DURABLE_STREAMS_ROOT` to do this to requests about the stream.
async fn inject(world: &World, fault: &str) {
    let url = reqwest::Url::parse(&root().expect("DURABLE_STREAMS_ROOT")).unwrap();
    let path = world.stream.url().unwrap().to_string();
    let path = reqwest::Url::parse(&path).unwrap().path().to_owned();
    let answer = reqwest::Client::new()
        .post(url.join("/_test/inject-error").unwrap())
        .body(format!(
            r#"{{"path": "{path}", "method": "POST", "count": 40, {fault}}}"#
        ))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200, "the server injects no faults");
}

#[tokio::test]
#[ignore = "for a server that injects faults"]
async fn b39_a_server_that_fails_by_itself_stores_once_and_in_order() {
    within(async {
        let world = World::start("application/json", Plan::new(seed(), 20)).await;
        let writer = world.writer("w").max_batch_messages(10).start();
        let mut written = 0_u64;
        for fault in [
            r#""probability": 0.5, "dropConnection": true"#,
            r#""probability": 0.5, "status": 503, "retryAfter": 0"#,
            r#""probability": 0.5, "status": 500"#,
            r#""probability": 0.5, "status": 429"#,
            r#""delayMs": 1, "jitterMs": 30"#,
        ] {
            inject(&world, fault).await;
            for _ in 0..1_000 {
                writer.append_json(&written).await.unwrap();
                written += 1;
            }
            writer.flush().await.unwrap();
            check(&world.messages(None).await.0, written).unwrap();
        }
        println!("{written} messages, {}", world.hop.summary());
    })
    .await;
}
