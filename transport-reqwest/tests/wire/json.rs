//! JSON: what is one message, and that its bytes are nobody's business.

use durable_streams_conformance::script::Reply;
use durable_streams_reqwest::{ErrorKind, Live};
use serde_json::json as value;

use crate::support::*;

const JSON: &str = "application/json";

#[tokio::test]
async fn b27_one_message_and_a_batch_are_wrapped_alike_wherever_they_are_sent() {
    let server = serve([]).await;
    server.answer_with(|request, _| match request.method.as_str() {
        "PUT" => Reply::new(201)
            .next_offset("1")
            .header("Content-Type", "application/json; charset=utf-8"),
        _ => no_content("1").closed(),
    });
    let stream = stream(&server);
    stream
        .create()
        .contents_json(&value!([1, 2]))
        .await
        .unwrap();
    stream
        .create()
        .content_type("Application/JSON")
        .contents("[1,2]")
        .await
        .unwrap();
    stream.append_json(&[1, 2]).await.unwrap();
    stream.append_json_batch([1, 2]).await.unwrap();
    stream.append_json_batch([vec![1], vec![2]]).await.unwrap();
    stream.append_raw_json("[1,2]").await.unwrap();
    stream.append("[1,2]").await.unwrap();
    stream
        .append_json(&value!({"a": [1]}))
        .close(true)
        .await
        .unwrap();
    stream.close_with("[1,2]").await.unwrap();
    let requests = server.requests();
    let bodies: Vec<_> = requests
        .iter()
        .map(|r| std::str::from_utf8(&r.body).unwrap())
        .collect();
    assert_eq!(
        bodies,
        [
            "[[1,2]]",
            "[[1,2]]",
            "[[1,2]]",
            "[1,2]",
            "[[1],[2]]",
            "[[1,2]]",
            "[[1,2]]",
            r#"[{"a":[1]}]"#,
            "[[1,2]]"
        ]
    );
    let closes: Vec<_> = requests.iter().map(|r| r.header("stream-closed")).collect();
    assert_eq!(closes[7..], [Some("true"), Some("true")]);
    assert!(closes[..7].iter().all(Option::is_none));
    let types: Vec<_> = requests
        .iter()
        .map(|r| r.header("content-type").unwrap())
        .collect();
    assert_eq!(types[..2], [JSON, "Application/JSON"]);
    assert!(
        types[2..].iter().all(|sent| sent.starts_with(JSON)),
        "{types:?}"
    );
    for request in &requests {
        assert_eq!(
            request.header("content-length"),
            Some(request.body.len().to_string().as_str())
        );
    }
}

#[tokio::test]
async fn b27_the_outer_array_is_the_messages_and_inner_arrays_are_one_each() {
    let server = serve([
        json("5", r#"[[1,2],[],3,"[4]",{"a":[5]}]"#).tail(),
        Reply::sse()
            .event("data", "[[[6]],[7,8]]")
            .control(r#""streamNextOffset":"7","streamClosed":true"#),
    ])
    .await;
    let mut reader = stream(&server).read().live(Live::Sse).start();
    let batch = within(reader.next()).await.unwrap().unwrap();
    assert_eq!(
        batch.messages(),
        ["[1,2]", "[]", "3", r#""[4]""#, r#"{"a":[5]}"#]
    );
    let batch = within(reader.next()).await.unwrap().unwrap();
    assert_eq!(batch.messages(), ["[[6]]", "[7,8]"]);
    assert!(drain(&mut reader).await.is_empty());
    server.assert_finished();
}

#[tokio::test]
async fn b28_an_empty_array_is_no_message_no_stall_and_no_end() {
    let server = serve([
        json("1", "[]"),
        json("2", " [ ] "),
        json("3", "[3]").tail(),
        json("4", "[]").tail(),
        json("5", "[5]"),
        no_content("5").closed(),
    ])
    .await;
    let mut reader = stream(&server).read().live(Live::LongPoll).start();
    assert_eq!(
        drain(&mut reader).await,
        [
            "[] @1",
            "[] @2",
            "[3] @3 tail",
            "[] @4 tail",
            "[5] @5",
            "[] @5 tail closed"
        ]
    );
    server.assert_finished();
}

#[tokio::test]
async fn b28_b33_what_is_empty_is_refused_before_any_connection() {
    let server = serve([]).await;
    let json = stream(&server).with_content_type(JSON);
    let text = stream(&server).with_content_type("text/plain");
    for refused in [
        json.append_json_batch::<u8>([]).await,
        json.append("").await,
        text.append("").await,
        text.append(Vec::new()).await,
        json.append_raw_json("").await,
        json.append_raw_json(" ").await,
        // Not JSON, or more than one value of it.
        json.append("{").await,
        json.append("1 2").await,
        json.append_raw_json("1,2").await,
        json.append_raw_json("1]").await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(!error.may_have_been_applied() && !error.is_retryable());
    }
    assert_eq!(server.connections(), 0);
}

const ODD: &str = r#"{ "b" : 1.0e+2 ,"a":12345678901234567890123.10, "b":"\u00e9\/é\ud83d" }"#;

#[tokio::test]
async fn b29_the_bytes_of_a_message_are_sent_as_they_are() {
    let server = serve([no_content("1"), no_content("2")]).await;
    let stream = stream(&server).with_content_type(JSON);
    stream.append_raw_json(ODD).await.unwrap();
    stream.append(ODD).await.unwrap();
    for request in server.requests() {
        assert_eq!(request.body, format!("[{ODD}]"));
    }
    server.assert_finished();
}

#[tokio::test]
async fn b29_the_bytes_of_a_message_are_given_as_they_came() {
    let array: String = format!("[ {ODD} , -0.0,\t\"\\u0041\"]");
    let page = Reply::new(200)
        .header("Content-Type", JSON)
        .next_offset("3")
        .tail();
    let server = serve([
        page.pieces(array.bytes().map(|byte| vec![byte]))
            .chunked()
            .byte_by_byte(),
        Reply::sse()
            .event("data", &array)
            .control(r#""streamNextOffset":"6","streamClosed":true"#),
    ])
    .await;
    let mut reader = stream(&server).read().live(Live::Sse).start();
    let mut messages = Vec::new();
    while let Some(batch) = within(reader.next()).await.unwrap() {
        messages.extend_from_slice(batch.messages());
    }
    let once = [ODD, "-0.0", "\"\\u0041\""];
    assert_eq!(messages, [once, once].concat());
    server.assert_finished();
}
