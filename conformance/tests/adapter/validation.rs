//! `validate`: the options that the client takes.

use serde_json::{Value, json};

use crate::over::Over;
use crate::support::{code, failed};

fn producer(options: Value) -> Value {
    target("idempotent-producer", options)
}

fn retry(options: Value) -> Value {
    target("retry-options", options)
}

fn target(target: &str, mut options: Value) -> Value {
    options["target"] = json!(target);
    json!({"type": "validate", "target": options})
}

#[tokio::test]
async fn what_makes_sense_is_taken() {
    let (server, mut adapter) = Over::Reqwest.scripted([]).await;
    for command in [
        producer(json!({})),
        producer(json!({"producerId": "test-producer", "epoch": 0, "maxBatchBytes": 1_048_576})),
        producer(json!({"producerId": "test-producer", "epoch": 9_007_199_254_740_991_u64})),
        producer(json!({"maxBatchBytes": 1, "maxBatchItems": 1})),
        retry(json!({})),
        retry(
            json!({"maxRetries": 3, "initialDelayMs": 100, "maxDelayMs": 5000, "multiplier": 2.0}),
        ),
        retry(json!({"maxRetries": 0, "initialDelayMs": 1, "maxDelayMs": 1, "multiplier": 1})),
        retry(json!({"maxRetries": 4_294_967_295_u64})),
    ] {
        assert_eq!(adapter.ok(command).await, json!({}));
    }
    assert!(server.requests().is_empty(), "nothing is sent");
}

#[tokio::test]
async fn what_makes_none_is_refused_by_name() {
    let (server, mut adapter) = Over::Reqwest.scripted([]).await;
    for (option, command) in [
        ("epoch", producer(json!({"epoch": -1}))),
        (
            "epoch",
            producer(json!({"epoch": 9_007_199_254_740_992_u64})),
        ),
        ("maxBatchBytes", producer(json!({"maxBatchBytes": -1}))),
        ("maxBatchBytes", producer(json!({"maxBatchBytes": 0}))),
        ("maxBatchItems", producer(json!({"maxBatchItems": -10}))),
        ("maxBatchItems", producer(json!({"maxBatchItems": 0}))),
        ("producerId", producer(json!({"producerId": ""}))),
        ("producerId", producer(json!({"producerId": "with space"}))),
        ("maxRetries", retry(json!({"maxRetries": -1}))),
        ("initialDelayMs", retry(json!({"initialDelayMs": -100}))),
        ("initialDelayMs", retry(json!({"initialDelayMs": 0}))),
        ("maxDelayMs", retry(json!({"maxDelayMs": -1}))),
        (
            "maxDelayMs",
            retry(json!({"initialDelayMs": 1000, "maxDelayMs": 500})),
        ),
        ("multiplier", retry(json!({"multiplier": 0.5}))),
        ("multiplier", retry(json!({"multiplier": -2}))),
        ("multiplier", retry(json!({"multiplier": 0}))),
    ] {
        let error = adapter.error(command.clone()).await;
        assert_eq!(code(&error), failed("INVALID_ARGUMENT", 0), "{command}");
        let message = error["message"].as_str().unwrap();
        for other in [
            "epoch",
            "maxBatchBytes",
            "maxBatchItems",
            "maxRetries",
            "initialDelayMs",
            "maxDelayMs",
            "multiplier",
        ] {
            // The message is about this option, in this spelling.
            assert_eq!(
                message.starts_with(&format!("{other}:")),
                other == option,
                "{message}"
            );
        }
        assert!(message.contains(option), "{message}");
    }
    assert!(server.requests().is_empty(), "nothing is sent");
}

#[tokio::test]
async fn what_is_unknown_is_not_supported() {
    let (_server, mut adapter) = Over::Reqwest.scripted([]).await;
    let error = adapter.err(target("time-machine", json!({}))).await;
    assert_eq!(error, failed("NOT_SUPPORTED", 0));
}
