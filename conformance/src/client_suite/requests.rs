//! What requests look like: URLs, queries, and the application's headers among the protocol's.

use durable_streams_client::{Checkpoint, ErrorKind, Live};

use super::support::*;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b24_parameters_are_encoded_and_sorted,
        b24_the_protocols_parameters_cannot_be_set,
        b24_offsets_are_sent_as_they_were_received,
        b51_the_applications_headers_go_on_every_request,
        b51_the_protocols_headers_win,
    ]
}

async fn b24_parameters_are_encoded_and_sorted(cx: Context) {
    let offset = "a+b%c\"d;e~f";
    let server = cx
        .serve([
            json(offset, "[]").cursor("c#/+&%20").tail(),
            Reply::sse().control(r#""streamNextOffset":"z","streamClosed":true"#),
            Reply::new(404),
        ])
        .await;
    let root = cx
        .client(&server.url("/v1/stream/?root=1&flag#fragment"))
        .unwrap();
    let client = root.param("m n", "1&2=ü").param("a", "x").build().unwrap();
    let stream = client
        .stream("/a b/ü%2F%zz?z=%41&b#fragment")
        .with_param("zz", "");
    let mut reader = stream.read().param("lively", "1").live(Live::Sse).start();
    drain(&mut reader).await;
    let error = within(stream.head().into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamNotFound);

    let path = "/v1/stream/a%20b/%C3%BC%2F%25zz";
    let sent: Vec<_> = server.requests().iter().map(|r| r.target.clone()).collect();
    assert_eq!(
        sent,
        [
            format!("{path}?a=x&b&flag&lively=1&m%20n=1%262%3D%C3%BC&offset=-1&root=1&z=%41&zz="),
            format!(
                "{path}?a=x&b&cursor=c%23%2F%2B%26%2520&flag&live=sse&lively=1&m%20n=1%262%3D%C3%BC&\
                 offset=a%2Bb%25c%22d%3Be~f&root=1&z=%41&zz="
            ),
            format!("{path}?a=x&b&flag&m%20n=1%262%3D%C3%BC&root=1&z=%41&zz="),
        ]
    );
    server.assert_finished();
}

async fn b24_the_protocols_parameters_cannot_be_set(cx: Context) {
    let server = cx.serve([]).await;
    for key in ["cursor", "live", "offset", "off%73et"] {
        let error = cx.builder(&server).param(key, "x").build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{key}");
        let error = cx.client(&server.url(&format!("/v1?{key}=1"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{key}");
        let stream = cx
            .builder(&server)
            .build()
            .unwrap()
            .stream(&format!("s?{key}=1"));
        let error = within(stream.head().into_future()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{key}");
        let (_, error) = fail(&mut stream.read().param(key, "x").start()).await;
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{key}");
    }
    assert_eq!(server.connections(), 0);
}

async fn b24_offsets_are_sent_as_they_were_received(cx: Context) {
    let odd = ["0000_0016", "~", "!'()*", "a:b@c", "%2F", "[{}]|\\^`<>#$;"];
    let server = cx.serve([]).await;
    let client = cx.builder(&server).build().unwrap();
    let mut expected = Vec::new();
    for offset in odd {
        let saved: Checkpoint = offset.parse().unwrap();
        server.reply(json(offset, "[]").tail());
        let got = drain(&mut client.stream("s").read().from(saved).start()).await;
        assert_eq!(got, [format!("[] @{offset} tail")]);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let encode = |byte: u8| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        };
        expected.push(format!(
            "GET ?offset={}",
            offset.bytes().map(encode).collect::<String>()
        ));
    }
    assert_eq!(targets(&server), expected);
    server.assert_finished();
}

async fn b51_the_applications_headers_go_on_every_request(cx: Context) {
    let server = cx
        .serve([
            Reply::new(201)
                .next_offset("0")
                .header("Content-Type", "application/json"),
            no_content("1"),
            Reply::new(200).next_offset("1"),
            json("1", "[1]").tail(),
            Reply::sse().then_close(),
            Reply::new(406),
            Reply::new(503),
            no_content("1").closed(),
            no_content("1").closed(),
            Reply::new(204),
        ])
        .await;
    let client = cx
        .builder(&server)
        .bearer_token("s3cret")
        .header("X-App", "client")
        .param("tenant", "t");
    let stream = client
        .build()
        .unwrap()
        .stream("s")
        .with_header("x-app", "stream");
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
    drain(&mut stream.read().header("x-read", "r").live(Live::Sse).start()).await;
    stream.close().await.unwrap();
    stream.delete().await.unwrap();

    let requests = server.requests();
    let methods: Vec<_> = requests.iter().map(|r| r.method.as_str()).collect();
    let reads = ["GET"; 5];
    assert_eq!(
        methods,
        [&["PUT", "POST", "HEAD"], &reads[..], &["POST", "DELETE"]].concat()
    );
    for (number, request) in requests.iter().enumerate() {
        assert_eq!(
            request.header_all("authorization").collect::<Vec<_>>(),
            ["Bearer s3cret"]
        );
        assert_eq!(
            request.query_param("tenant"),
            Some("t"),
            "{}",
            request.target
        );
        let app = if number == 1 { "append" } else { "stream" };
        assert_eq!(request.header_all("x-app").collect::<Vec<_>>(), [app]);
        let is_read = request.method == "GET";
        assert_eq!(request.header("x-read"), is_read.then_some("r"));
    }
    // What the handle learned from the creation is what it says of its appends.
    assert_eq!(requests[1].header("content-type"), Some("application/json"));
    assert_eq!(requests[1].body, "[1]");
    server.assert_finished();
}

async fn b51_the_protocols_headers_win(cx: Context) {
    let server = cx
        .serve([
            empty(),
            Reply::sse().control(r#""streamNextOffset":"0","streamClosed":true"#),
        ])
        .await;
    for name in [
        "content-type",
        "Stream-Seq",
        "stream-closed",
        "Producer-Id",
        "content-length",
        "host",
    ] {
        let error = cx.builder(&server).header(name, "x").build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
    }
    let client = cx
        .builder(&server)
        .header("accept", "text/html")
        .build()
        .unwrap();
    drain(&mut client.stream("s").read().live(Live::Sse).start()).await;
    let accept: Vec<_> = server
        .requests()
        .iter()
        .map(|r| {
            r.header_all("accept")
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(accept, [["text/html"], ["text/event-stream"]]);
    server.assert_finished();
}
