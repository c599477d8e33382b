//! JSON: what is one message, and that its bytes are nobody's business.

use durable_streams_client::{ErrorKind, Live};
use serde_json::json as value;

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b27_a_message_and_a_batch_are_wrapped_alike,
        b27_inner_arrays_are_one_message_each,
        b28_an_empty_array_is_no_stall_and_no_end,
        b28_an_empty_batch_is_refused_before_any_io,
        b33_what_is_empty_is_refused_before_any_io,
        b29_messages_are_sent_as_they_are,
        b29_messages_are_given_as_they_came,
    ]
}

const JSON: &str = "application/json";

async fn b27_a_message_and_a_batch_are_wrapped_alike(cx: Context) {
    let server = cx.serve([]).await;
    server.answer_with(|request, _| match request.method.as_str() {
        "PUT" => Reply::new(201)
            .next_offset("1")
            .header("Content-Type", "application/json; charset=utf-8"),
        _ => no_content("1").closed(),
    });
    let stream = cx.stream(&server);
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

async fn b27_inner_arrays_are_one_message_each(cx: Context) {
    let server = cx
        .serve([
            json("5", r#"[[1,2],[],3,"[4]",{"a":[5]}]"#).tail(),
            Reply::sse()
                .event("data", "[[[6]],[7,8]]")
                .control(r#""streamNextOffset":"7","streamClosed":true"#),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    let batch = within(reader.next()).await.unwrap().unwrap();
    assert_eq!(
        batch.messages(),
        ["[1,2]", "[]", "3", r#""[4]""#, r#"{"a":[5]}"#]
    );
    end_of(&mut reader, &batch).await;
    let batch = within(reader.next()).await.unwrap().unwrap();
    assert_eq!(batch.messages(), ["[[6]]", "[7,8]"]);
    assert!(drain(&mut reader).await.is_empty());
    server.assert_finished();
}

async fn b28_an_empty_array_is_no_stall_and_no_end(cx: Context) {
    let server = cx
        .serve([
            json("1", "[]"),
            json("2", " [ ] "),
            json("3", "[3]").tail(),
            json("4", "[]").tail(),
            json("5", "[5]"),
            no_content("5").closed(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::LongPoll).start();
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

async fn b28_an_empty_batch_is_refused_before_any_io(cx: Context) {
    let server = cx.serve([]).await;
    let stream = cx.stream(&server).with_content_type(JSON);
    let error = stream.append_json_batch::<u8>([]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(!error.may_have_been_applied() && !error.is_retryable());
    assert_eq!(server.connections(), 0);
}

async fn b33_what_is_empty_is_refused_before_any_io(cx: Context) {
    let server = cx.serve([]).await;
    let json = cx.stream(&server).with_content_type(JSON);
    let text = cx.stream(&server).with_content_type("text/plain");
    for refused in [
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

async fn b29_messages_are_sent_as_they_are(cx: Context) {
    let server = cx.serve([no_content("1"), no_content("2")]).await;
    let stream = cx.stream(&server).with_content_type(JSON);
    stream.append_raw_json(ODD).await.unwrap();
    stream.append(ODD).await.unwrap();
    for request in server.requests() {
        assert_eq!(request.body, format!("[{ODD}]"));
    }
    server.assert_finished();
}

async fn b29_messages_are_given_as_they_came(cx: Context) {
    let array: String = format!("[ {ODD} , -0.0,\t\"\\u0041\"]");
    let page = Reply::new(200)
        .header("Content-Type", JSON)
        .next_offset("3")
        .tail();
    let server = cx
        .serve([
            page.pieces(array.bytes().map(|byte| vec![byte]))
                .chunked()
                .byte_by_byte(),
            Reply::sse()
                .event("data", &array)
                .control(r#""streamNextOffset":"6","streamClosed":true"#),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    let mut messages = Vec::new();
    while let Some(batch) = within(reader.next()).await.unwrap() {
        messages.extend(batch.messages().bytes());
    }
    let once = [ODD, "-0.0", "\"\\u0041\""];
    assert_eq!(messages, [once, once].concat());
    server.assert_finished();
}
