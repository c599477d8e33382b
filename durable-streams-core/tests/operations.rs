//! Single operations: the requests they are, and what they make of answers.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use durable_streams_core::operation::{
    Append, Close, Create, Delete, Fork, Head, LiveMode, Operation, Payload, Read, ReadOutcome,
    Resend,
};
use durable_streams_core::{Error, ErrorKind, Offset, OperationKind, Start, StreamUrl};
use http::{Request, Response};

fn url() -> StreamUrl {
    StreamUrl::parse("http://h/v1/s?tenant=7").unwrap()
}

fn append() -> Append {
    Append::new(url(), "x")
}

fn answer(status: u16, headers: &[(&str, &str)], body: &'static str) -> Response<Bytes> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Bytes::from_static(body.as_bytes())).unwrap()
}

fn next(offset: &str) -> (&str, &str) {
    ("stream-next-offset", offset)
}

const CLOSED: (&str, &str) = ("stream-closed", "true");
const HTML: (&str, &str) = ("content-type", "text/html");

/// The request line and all headers, sorted.
fn shown(request: &Request<Bytes>) -> String {
    let mut headers: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    format!(
        "{} {} [{}]",
        request.method(),
        request.uri(),
        headers.join(" ")
    )
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error
}

#[test]
fn requests_carry_what_was_asked_for_and_nothing_else() {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    let source = StreamUrl::parse("http://h/v1/a%20b").unwrap();
    let fork = Fork::of(&source).at(Offset::new("5").unwrap()).plus(2);
    let close = Close::new(url()).request().unwrap();
    assert!(close.body().is_empty());
    for (request, expected) in [
        (
            Create::new(url()).request(),
            "PUT http://h/v1/s?tenant=7 []",
        ),
        (
            Create::new(url())
                .content_type("text/plain")
                .ttl(Duration::from_secs(60))
                .closed(true)
                .request(),
            "PUT http://h/v1/s?tenant=7 [content-type=text/plain stream-closed=true stream-ttl=60]",
        ),
        (
            Create::new(url()).expires_at(moment).fork(fork).request(),
            "PUT http://h/v1/s?tenant=7 [stream-expires-at=2030-03-17T17:46:40Z stream-fork-offset=5 stream-fork-sub-offset=2 stream-forked-from=/v1/a%20b]",
        ),
        (
            append().seq("a1").close(true).request(),
            "POST http://h/v1/s?tenant=7 [content-type=application/octet-stream stream-closed=true stream-seq=a1]",
        ),
        (
            Ok(close),
            "POST http://h/v1/s?tenant=7 [stream-closed=true]",
        ),
        (
            Delete::new(url()).request(),
            "DELETE http://h/v1/s?tenant=7 []",
        ),
        (Head::new(url()).request(), "HEAD http://h/v1/s?tenant=7 []"),
        (
            Read::new(url(), Start::Now).request(),
            "GET http://h/v1/s?offset=now&tenant=7 []",
        ),
        (
            Read::new(url(), Offset::new("a:1").unwrap())
                .live(LiveMode::Sse)
                .cursor("c d")
                .if_none_match("\"t\"")
                .request(),
            "GET http://h/v1/s?cursor=c%20d&live=sse&offset=a%3A1&tenant=7 [accept=text/event-stream if-none-match=\"t\"]",
        ),
        (
            // The cursor is for live requests.
            Read::new(url(), Start::Beginning).cursor("c").request(),
            "GET http://h/v1/s?offset=-1&tenant=7 []",
        ),
    ] {
        assert_eq!(shown(&request.unwrap()), expected);
    }
}

#[test]
fn b33_an_empty_append_is_refused_before_it_is_sent_unless_it_closes() {
    for append in [
        Append::new(url(), ""),
        Append::new(url(), "").seq("1"),
        Append::new(url(), "").content_type("application/json"),
    ] {
        refused(append.request(), ErrorKind::InvalidInput);
    }
    // To close without contents is an operation of its own.
    let close = Close::new(url()).request().unwrap();
    assert!(close.body().is_empty());
    assert_eq!(close.headers()["stream-closed"], "true");
    assert!(append().close(true).request().is_ok());
    // A create may have no contents, but not contents that are none.
    let create = Create::new(url()).content_type("text/plain");
    assert!(create.request().unwrap().body().is_empty());
    refused(create.contents("").request(), ErrorKind::InvalidInput);
}

#[test]
fn b34_a_409_is_read_from_its_headers_in_order_and_never_from_its_body() {
    let body = "stream is closed; content type mismatch; sequence regression";
    let gap = ("producer-expected-seq", "3");
    for (headers, plain, with_seq) in [
        (
            vec![CLOSED, gap, next("9")],
            ErrorKind::StreamClosed,
            ErrorKind::StreamClosed,
        ),
        (
            vec![gap, ("producer-received-seq", "5")],
            ErrorKind::ProducerGap,
            ErrorKind::ProducerGap,
        ),
        (
            vec![],
            ErrorKind::ContentTypeMismatch,
            ErrorKind::SequenceConflict,
        ),
        (
            vec![("stream-closed", "false")],
            ErrorKind::ContentTypeMismatch,
            ErrorKind::SequenceConflict,
        ),
    ] {
        let response = answer(409, &headers, body);
        let error = refused(append().decode(&response), plain);
        assert!(!error.is_retryable() && !error.may_have_been_applied());
        let error = refused(append().seq("1").decode(&response), with_seq);
        assert_eq!(error.status().unwrap(), 409);
    }
    let closed = answer(409, &[CLOSED, next("9")], "");
    let error = append().decode(&closed).unwrap_err();
    assert_eq!(error.next_offset().unwrap().as_str(), "9");
    let gap = answer(409, &[gap, ("producer-received-seq", "5")], "");
    let error = append().decode(&gap).unwrap_err();
    assert_eq!(
        (error.expected_seq(), error.received_seq()),
        (Some(3), Some(5))
    );

    refused(
        Create::new(url()).decode(&answer(409, &[], body)),
        ErrorKind::StreamExists,
    );
}

#[test]
fn b35_close_is_idempotent() {
    let close = Close::new(url());
    for status in [200, 204, 409] {
        let closed = close
            .decode(&answer(status, &[CLOSED, next("9")], ""))
            .unwrap();
        assert_eq!(closed.final_offset.as_str(), "9");
    }
    // What does not say that the stream is closed, closed nothing.
    refused(
        close.decode(&answer(204, &[next("9")], "")),
        ErrorKind::Protocol,
    );
    refused(
        close.decode(&answer(409, &[next("9")], "")),
        ErrorKind::Conflict,
    );
    // An append that closes is not: its contents may be somebody else's.
    let append = append().close(true);
    refused(
        append.decode(&answer(409, &[CLOSED, next("9")], "")),
        ErrorKind::StreamClosed,
    );
    refused(
        append.decode(&answer(204, &[next("9")], "")),
        ErrorKind::Protocol,
    );
    let done = append.decode(&answer(204, &[CLOSED, next("9")], ""));
    assert!(done.unwrap().closed);
}

#[test]
fn b36_200_and_204_are_both_success() {
    for status in [200, 204] {
        let ok = answer(status, &[next("5"), CLOSED], "");
        assert_eq!(append().decode(&ok).unwrap().next_offset.as_str(), "5");
        assert!(!Create::new(url()).decode(&ok).unwrap().created);
        Close::new(url()).decode(&ok).unwrap();
        Delete::new(url()).decode(&ok).unwrap();
        assert!(Head::new(url()).decode(&ok).unwrap().closed);
        let read = Read::new(url(), Start::Beginning).decode(&ok).unwrap();
        assert!(matches!(read, ReadOutcome::Page(page) if page.closed && page.up_to_date));
    }
    let created = answer(201, &[next("0"), ("location", "/v1/s")], "");
    assert!(Create::new(url()).decode(&created).unwrap().created);
}

#[test]
fn b64_only_what_the_protocol_promises_is_an_acknowledgement() {
    for (response, kind) in [
        (answer(200, &[HTML], "<h1>Log in</h1>"), ErrorKind::Protocol),
        (answer(204, &[], ""), ErrorKind::Protocol),
        (answer(200, &[next("-1")], ""), ErrorKind::Protocol),
        (answer(200, &[next("now")], ""), ErrorKind::Protocol),
        (
            answer(200, &[next("1"), next("2")], ""),
            ErrorKind::Protocol,
        ),
        (answer(202, &[next("1")], ""), ErrorKind::Protocol),
        (answer(206, &[next("1")], ""), ErrorKind::Protocol),
        (answer(302, &[next("1")], ""), ErrorKind::Redirect),
        (answer(307, &[next("1")], ""), ErrorKind::Redirect),
    ] {
        let error = refused(append().decode(&response), kind);
        // Nobody knows what such a success did.
        let success = response.status().is_success();
        assert_eq!(error.may_have_been_applied(), success, "{error}");
        refused(Create::new(url()).decode(&response), kind);
        refused(Close::new(url()).decode(&response), kind);
        refused(Head::new(url()).decode(&response), kind);
        refused(Read::new(url(), Start::Beginning).decode(&response), kind);
    }
    let error = refused(
        Delete::new(url()).decode(&answer(200, &[HTML], "<h1>Log in</h1>")),
        ErrorKind::Protocol,
    );
    assert!(error.may_have_been_applied());
}

#[test]
fn b56_statuses_have_their_kinds() {
    for (status, kind, retryable) in [
        (400, ErrorKind::BadRequest, false),
        (401, ErrorKind::Unauthorized, false),
        (403, ErrorKind::Forbidden, false),
        (404, ErrorKind::StreamNotFound, false),
        (405, ErrorKind::NotSupported, false),
        (408, ErrorKind::Unavailable, true),
        (410, ErrorKind::Gone, false),
        (413, ErrorKind::PayloadTooLarge, false),
        (418, ErrorKind::UnexpectedStatus, false),
        (425, ErrorKind::Unavailable, true),
        (429, ErrorKind::RateLimited, true),
        (500, ErrorKind::Unavailable, true),
        (501, ErrorKind::NotSupported, false),
        (503, ErrorKind::Unavailable, true),
    ] {
        let response = answer(status, &[next("1"), ("retry-after", "3")], "why");
        let error = refused(append().decode(&response), kind);
        assert_eq!(error.is_retryable(), retryable, "{status}");
        refused(Create::new(url()).decode(&response), kind);
        refused(Head::new(url()).decode(&response), kind);
        refused(Delete::new(url()).decode(&response), kind);
    }
    let fenced = answer(403, &[("producer-epoch", "4")], "");
    let error = refused(append().decode(&fenced), ErrorKind::Fenced);
    assert_eq!(error.producer_epoch(), Some(4));
}

#[test]
fn b57_errors_say_what_where_and_how() {
    let response = answer(503, &[("retry-after", "3"), ("set-cookie", "k=v")], "busy");
    let error = append().decode(&response).unwrap_err();
    assert_eq!(error.operation(), Some(OperationKind::Append));
    assert_eq!(error.url(), Some("http://h/v1/s"));
    assert_eq!(error.status().unwrap(), 503);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    assert_eq!(error.body(), Some("busy"));
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("tenant") && !shown.contains("k=v"),
        "{shown}"
    );
}

#[test]
fn b58_what_cannot_be_sent_is_refused_before_it_is_sent() {
    let long = Duration::from_millis(1500);
    let moment = SystemTime::UNIX_EPOCH;
    let over = Fork::of(&url()).plus(1 << 53);
    for request in [
        append().content_type("a\nb").request(),
        append().seq("").request(),
        append().seq("a b").request(),
        append().seq("\u{e4}").request(),
        Create::new(url()).content_type("a\0b").request(),
        Create::new(url()).ttl(long).request(),
        Create::new(url())
            .ttl(Duration::from_secs(1 << 53))
            .request(),
        Create::new(url())
            .ttl(2 * long)
            .expires_at(moment)
            .request(),
        Create::new(url()).fork(over).request(),
        Read::new(url(), Start::Now).if_none_match("a\nb").request(),
    ] {
        let error = refused(request, ErrorKind::InvalidInput);
        assert_eq!(error.url(), Some("http://h/v1/s"));
        assert!(!error.may_have_been_applied());
    }
}

#[test]
fn b67_integers_in_answers_are_strict() {
    let head = Head::new(url());
    let ttl = |text| head.decode(&answer(200, &[next("1"), ("stream-ttl", text)], ""));
    assert_eq!(
        ttl("9007199254740991").unwrap().ttl,
        Some(Duration::from_secs((1 << 53) - 1))
    );
    for bad in ["9007199254740992", "-1", "+1", "01", "1.0", "1e3", ""] {
        refused(ttl(bad), ErrorKind::Protocol);
    }
    // In an error, what cannot be read counts as absent.
    let fenced = answer(403, &[("producer-epoch", "9007199254740992")], "");
    let error = append().decode(&fenced).unwrap_err();
    assert_eq!(
        (error.kind(), error.producer_epoch()),
        (ErrorKind::Fenced, None)
    );
}

#[test]
fn b29_messages_of_a_page_are_as_the_server_has_them() {
    let body = "[ {\"b\":1.0e2, \"a\":1} ,[1,2],12345678901234567890 ]";
    let json = ("content-type", "application/json");
    let read = Read::new(url(), Start::Beginning);
    let Ok(ReadOutcome::Page(page)) = read.decode(&answer(200, &[json, next("3")], body)) else {
        panic!("no page")
    };
    assert!(!page.up_to_date && !page.closed);
    assert_eq!(
        page.messages().unwrap(),
        ["{\"b\":1.0e2, \"a\":1}", "[1,2]", "12345678901234567890"]
    );
    let cut = read.decode(&answer(200, &[json, next("3")], "[1,2"));
    let Ok(ReadOutcome::Page(page)) = cut else {
        panic!("no page")
    };
    refused(page.messages(), ErrorKind::Protocol);
    let same = read.decode(&answer(304, &[], ""));
    assert!(matches!(same, Ok(ReadOutcome::NotModified)));
}

#[test]
fn b27_appends_and_creates_wrap_messages_the_same_way() {
    let json = "application/json; charset=utf-8";
    for (payload, body) in [
        (Payload::bytes("[1,2]"), "[[1,2]]"),
        (Payload::message(&[1, 2]).unwrap(), "[[1,2]]"),
        (Payload::batch([1, 2]).unwrap(), "[1,2]"),
    ] {
        let append = Append::new(url(), payload.clone()).content_type(json);
        assert_eq!(append.request().unwrap().body(), body);
        let closing = append.clone().close(true);
        assert_eq!(closing.request().unwrap().body(), body);
        let create = Create::new(url()).content_type(json).contents(payload);
        assert_eq!(create.request().unwrap().body(), body);
    }
}

#[test]
fn b33_b35_an_empty_append_that_closes_is_a_plain_close() {
    let url = StreamUrl::parse("http://h/s").unwrap();
    let close = Append::new(url.clone(), "")
        .content_type("application/json")
        .close(true);
    let request = close.request().unwrap();
    assert!(request.body().is_empty());
    assert!(!request.headers().contains_key("content-type"));
    assert_eq!(request.headers()["stream-closed"], "true");
    assert_eq!(close.resend(), Resend::Safe);
    for status in [204, 409] {
        let answer = Response::builder()
            .status(status)
            .header("stream-closed", "true")
            .header("stream-next-offset", "7")
            .body(Bytes::new())
            .unwrap();
        let closed = close.decode(&answer).unwrap();
        assert_eq!((closed.next_offset.as_str(), closed.closed), ("7", true));
    }
    let kept_open = Append::new(url, "");
    assert_eq!(
        kept_open.request().unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}
