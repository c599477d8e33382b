//! Event streams, byte by byte.

use durable_streams_client::{ErrorKind, Live};

use super::support::*;
use crate::script::{Reply, ScriptServer, sse_event};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b1_characters_cut_by_chunks_and_packets_are_whole,
        b1_characters_of_json_messages_are_whole_too,
        b2_lines_end_in_cr_lf_or_crlf_and_in_nothing_else,
        b2_an_event_is_over_at_its_cr,
        b3_what_the_format_allows_does_no_harm,
        b4_an_event_without_data_leaves_no_type,
        b5_an_event_cut_off_by_the_end_is_dropped,
        b6_unknown_events_and_fields_are_ignored,
        b6_a_control_event_that_is_none_is_an_error,
        b8_base64_is_decoded_when_the_header_says_so,
        b8_bad_base64_and_unknown_encodings_are_errors,
        b9_documents_span_lines_and_share_a_control_event,
        b9_half_a_document_in_an_event_is_an_error,
    ]
}

/// How the pieces of a body come.
#[derive(Debug, Clone, Copy)]
enum Pieces {
    Whole,
    /// Every byte in a chunk of its own, with its own write.
    Bytes,
    /// Two chunks.
    CutAt(usize),
}

fn body(text: &str, pieces: Pieces) -> Reply {
    let bytes = text.as_bytes().to_vec();
    match pieces {
        Pieces::Whole => Reply::sse().body(bytes),
        Pieces::Bytes => Reply::sse()
            .pieces(bytes.chunks(1).map(<[u8]>::to_vec))
            .byte_by_byte(),
        Pieces::CutAt(at) => Reply::sse().pieces([bytes[..at].to_vec(), bytes[at..].to_vec()]),
    }
}

/// A text stream that is at its tail, and then this.
async fn text_events(cx: &Context, text: &str, pieces: Pieces) -> (Vec<String>, ScriptServer) {
    let server = cx
        .serve([
            page("text/plain", "0", "").tail(),
            body(text, pieces).then_close(),
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    let got = drain(&mut reader).await;
    assert_eq!(
        targets(&server),
        ["GET ?offset=-1", "GET ?live=sse&offset=0"]
    );
    (got, server)
}

async fn b1_characters_cut_by_chunks_and_packets_are_whole(cx: Context) {
    let text = "aä€😀\u{feff}語";
    let events = format!(
        "{}{}",
        sse_event("data", text),
        sse_event("control", r#"{"streamNextOffset":"1","streamClosed":true}"#)
    );
    let cuts = (0..=events.len()).map(Pieces::CutAt);
    let server = cx.serve([]).await;
    let client = cx.builder(&server).build().unwrap();
    for pieces in [Pieces::Whole, Pieces::Bytes].into_iter().chain(cuts) {
        server.reply(page("text/plain", "0", "").tail());
        server.reply(body(&events, pieces));
        let mut reader = client.stream("s").read().live(Live::Sse).start();
        let got = drain(&mut reader).await;
        assert_eq!(
            got,
            [" @0 tail", &format!("{text} @1 tail closed")],
            "{pieces:?}"
        );
    }
    server.assert_finished();
}

async fn b1_characters_of_json_messages_are_whole_too(cx: Context) {
    let events = sse_event("data", r#"["ä€😀",{"語":"ü"}]"#)
        + &sse_event("control", r#"{"streamNextOffset":"1","streamClosed":true}"#);
    let server = cx.serve([empty(), body(&events, Pieces::Bytes)]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    let got = drain(&mut reader).await;
    assert_eq!(got, ["[] @0 tail", r#"["ä€😀",{"語":"ü"}] @1 tail closed"#]);
    server.assert_finished();
}

async fn b2_lines_end_in_cr_lf_or_crlf_and_in_nothing_else(cx: Context) {
    // None of these ends a line: line and paragraph separator, next line, vertical tab, form feed, and their like.
    let text = "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{c}f\u{1c}g";
    let events = sse_event("data", &format!("{text}\nsecond"))
        + &sse_event("control", r#"{"streamNextOffset":"1"}"#)
        + &sse_event("data", "third")
        + &sse_event("control", r#"{"streamNextOffset":"2","streamClosed":true}"#);
    for end in ["\n", "\r", "\r\n"] {
        for pieces in [Pieces::Whole, Pieces::Bytes] {
            let (got, server) = text_events(&cx, &events.replace('\n', end), pieces).await;
            let first = format!("{text}\nsecond @1");
            assert_eq!(
                got,
                [" @0 tail", &first, "third @2 tail closed"],
                "{end:?} {pieces:?}"
            );
            server.assert_finished();
        }
    }
}

async fn b2_an_event_is_over_at_its_cr(cx: Context) {
    let (events, live) = Reply::live_sse();
    let server = cx.serve([page("text/plain", "0", "").tail(), events]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    assert_eq!(next(&mut reader).await, " @0 tail");
    // The body stops right after the CR that ends the event: nobody may wait for an LF.
    live.send("event: data\rdata: a\r\revent: control\rdata: {\"streamNextOffset\":\"1\"}\r\r");
    assert_eq!(next(&mut reader).await, "a @1");
    // The LF comes in a chunk of its own, and ends no further line.
    live.send(
        "event: data\r\ndata: b\r\n\r\nevent: control\r\ndata: {\"streamNextOffset\":\"2\"}\r\n\r",
    );
    assert_eq!(next(&mut reader).await, "b @2");
    live.send("\nevent: data\r");
    live.send("\ndata: c\r");
    live.send("\n\r");
    live.send("\nevent: control\ndata: {\"streamNextOffset\":\"3\",\"streamClosed\":true}\n\n");
    assert_eq!(drain(&mut reader).await, ["c @3 tail closed"]);
    server.assert_finished();
}

async fn b3_what_the_format_allows_does_no_harm(cx: Context) {
    let events = "\u{feff}: a comment\nretry: 1\nid: 7\nevent: data\ndata:  two spaces\ndata\ndata:none\nunknown: x\n\n\
         event: control\nid\ndata: {\"streamNextOffset\":\"1\",\"streamClosed\":true}\n\n";
    for pieces in [Pieces::Whole, Pieces::Bytes] {
        let (got, server) = text_events(&cx, events, pieces).await;
        assert_eq!(got, [" @0 tail", " two spaces\n\nnone @1 tail closed"]);
        server.assert_finished();
    }
}

async fn b4_an_event_without_data_leaves_no_type(cx: Context) {
    let events = "event: data\ndata: one\n\n\
         event: data\n\n: its type is not kept\ndata: not a data event\n\n\
         event: control\n\ndata: {\"streamNextOffset\":\"9\",\"streamClosed\":true}\n\n\
         event: control\ndata: {\"streamNextOffset\":\"1\",\"streamClosed\":true}\n\n";
    for pieces in [Pieces::Whole, Pieces::Bytes] {
        let (got, server) = text_events(&cx, events, pieces).await;
        assert_eq!(got, [" @0 tail", "one @1 tail closed"]);
        server.assert_finished();
    }
}

async fn b5_an_event_cut_off_by_the_end_is_dropped(cx: Context) {
    let cut = sse_event("data", "[1]") + "event: control\ndata: {\"streamNextOffset\":\"1\"}\n";
    let whole = Reply::sse()
        .event("data", "[1]")
        .control(r#""streamNextOffset":"1","streamClosed":true"#);
    let server = cx
        .serve([
            empty(),
            body(&cut, Pieces::Whole),
            body(
                "event: control\ndata: {\"streamNextOffset\":\"9\"}",
                Pieces::Bytes,
            ),
            whole,
        ])
        .await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    assert_eq!(
        drain(&mut reader).await,
        ["[] @0 tail", "[1] @1 tail closed"]
    );
    let again = "GET ?live=sse&offset=0";
    assert_eq!(targets(&server), ["GET ?offset=-1", again, again, again]);
    server.assert_finished();
}

async fn b6_unknown_events_and_fields_are_ignored(cx: Context) {
    let events = Reply::sse()
        .event("ping", "[666]")
        .event("data", "[1]")
        .event("Data", "[667]")
        .event("message", "not even JSON")
        .control(r#""extension":{"a":[1]},"streamNextOffset":"1","streamClosed":true"#);
    let server = cx.serve([empty(), events]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    assert_eq!(
        drain(&mut reader).await,
        ["[] @0 tail", "[1] @1 tail closed"]
    );
    server.assert_finished();
}

async fn b6_a_control_event_that_is_none_is_an_error(cx: Context) {
    let server = cx.serve([]).await;
    let client = cx.builder(&server).build().unwrap();
    for control in [
        "",
        "null",
        "{",
        "{}",
        r#"["1"]"#,
        r#""1""#,
        r#"{"streamNextOffset":1}"#,
        r#"{"streamNextOffset":null}"#,
        r#"{"streamNextOffset":""}"#,
        r#"{"streamNextOffset":"-1"}"#,
        r#"{"streamNextOffset":"now"}"#,
        r#"{"streamNextOffset":"1"} x"#,
        r#"{"upToDate":true,"streamClosed":true}"#,
    ] {
        server.reply(empty());
        server.reply(Reply::sse().event("data", "[1]").event("control", control));
        let mut reader = client.stream("s").read().live(Live::Sse).start();
        let (got, error) = fail(&mut reader).await;
        assert_eq!(got, ["[] @0 tail"], "{control:?}");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{control:?}");
        assert_eq!(reader.checkpoint().unwrap().to_string(), "0");
        // Neither a retry nor another start.
        server.assert_finished();
    }
    assert_eq!(server.requests().len(), 26);
}

fn base64_events(server: &ScriptServer, encoding: Option<&str>, data: &[&str]) {
    server.reply(page("application/octet-stream", "0", "").tail());
    let mut events = Reply::sse();
    if let Some(encoding) = encoding {
        events = events.header("Stream-SSE-Data-Encoding", encoding);
    }
    let events = data
        .iter()
        .fold(events, |events, data| events.event("data", data));
    server.reply(events.control(r#""streamNextOffset":"1","streamClosed":true"#));
}

async fn b8_base64_is_decoded_when_the_header_says_so(cx: Context) {
    let server = cx.serve([]).await;
    let client = cx.builder(&server).build().unwrap();
    let cases: [(Option<&str>, &[&str], &[u8]); 5] = [
        // Each event has its own padding, and may be cut over lines anywhere.
        (
            Some("base64"),
            &["/w==", "AAE=", "AP8Q"],
            b"\xff\x00\x01\x00\xff\x10",
        ),
        (Some("BASE64"), &["/\nw=\n=", "A\r\nAE="], b"\xff\x00\x01"),
        (Some("base64"), &["", "AA=="], b"\x00"),
        // Looks like it, and is not.
        (None, &["/w=="], b"/w=="),
        (None, &["not base64"], b"not base64"),
    ];
    for (encoding, data, expected) in cases {
        base64_events(&server, encoding, data);
        let mut reader = client.stream("s").read().live(Live::Sse).start();
        assert_eq!(next(&mut reader).await, " @0 tail");
        let batch = within(reader.next()).await.unwrap().unwrap();
        assert_eq!(batch.bytes(), expected, "{data:?}");
        assert!(drain(&mut reader).await.is_empty() && reader.is_closed());
    }
    server.assert_finished();
}

async fn b8_bad_base64_and_unknown_encodings_are_errors(cx: Context) {
    let server = cx.serve([]).await;
    let client = cx.builder(&server).build().unwrap();
    for (encoding, data) in [
        ("base64", "not base64"),
        ("base64", "AAE"),
        ("base64", "AA==AA=="),
        ("base64", "_w=="),
        ("base64", "/x=="),
        ("gzip", "/w=="),
        ("", "/w=="),
    ] {
        base64_events(&server, Some(encoding), &["AA==", data]);
        let mut reader = client.stream("s").read().live(Live::Sse).start();
        let (got, error) = fail(&mut reader).await;
        assert_eq!(got, [" @0 tail"], "{encoding:?} {data:?}");
        assert_eq!(error.kind(), ErrorKind::Protocol, "{encoding:?} {data:?}");
    }
    server.assert_finished();
}

async fn b9_documents_span_lines_and_share_a_control_event(cx: Context) {
    let events = Reply::sse()
        .event("data", "[\n  {\"a\":\n1},\n2\n]")
        .event("data", "[]")
        .event("data", "[[3]]")
        .control(r#""streamNextOffset":"1","streamCursor":"c""#)
        .event("data", "[4,5]")
        .control(r#""streamNextOffset":"2","streamClosed":true"#);
    let server = cx.serve([empty(), events]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    assert_eq!(next(&mut reader).await, "[] @0 tail");
    let batch = within(reader.next()).await.unwrap().unwrap();
    assert_eq!(batch.messages(), ["{\"a\":\n1}", "2", "[3]"]);
    assert_eq!(batch.checkpoint().to_string(), "1,0,c");
    assert_eq!(drain(&mut reader).await, ["[4,5] @2,0,c tail closed"]);
    server.assert_finished();
}

async fn b9_half_a_document_in_an_event_is_an_error(cx: Context) {
    let events = Reply::sse()
        .event("data", "[1,")
        .event("data", "2]")
        .control(r#""streamNextOffset":"1""#);
    let server = cx.serve([empty(), events]).await;
    let mut reader = cx.stream(&server).read().live(Live::Sse).start();
    let (got, error) = fail(&mut reader).await;
    assert_eq!(
        (got, error.kind()),
        (vec!["[] @0 tail".to_owned()], ErrorKind::Protocol)
    );
    server.assert_finished();
}
