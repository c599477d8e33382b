//! Faults of clients, made between the client and its transport, each with the case of the suite that must find it.

use bytes::Bytes;
use durable_streams_client::FailureKind;
use http::header::{
    AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
};
use http::response::Parts;
use http::{Method, Request, StatusCode};

use crate::broken::{Fault, each};
use crate::{Entry, entry};

pub(crate) fn all() -> Vec<Entry> {
    vec![
        entry(
            "decodes text chunk by chunk",
            "b1.characters-cut-by-chunks-and-packets-are-whole",
            Fault::Chunk(|chunk| Bytes::from(String::from_utf8_lossy(&chunk).into_owned())),
        ),
        entry(
            "takes CR and LF for two ends of a line",
            "b2.lines-end-in-cr-lf-or-crlf-and-in-nothing-else",
            Fault::Chunk(|chunk| {
                chunk
                    .iter()
                    .map(|&b| if b == b'\r' { b'\n' } else { b })
                    .collect()
            }),
        ),
        entry(
            "is live from the first request",
            "b17.nothing-is-live-before-it-was-up-to-date",
            Fault::Request(|request, _| {
                let uri = request.uri().to_string();
                if *request.method() == Method::GET && !uri.contains("live=") {
                    change_uri(request, &uri.replace("offset=", "live=sse&offset="));
                }
            }),
        ),
        entry(
            "forgets the cursor",
            "b20.the-last-cursor-goes-with-every-live-request",
            Fault::Request(|request, _| {
                let uri = request.uri().to_string();
                let (path, query) = uri.split_once('?').unwrap_or((&uri, ""));
                let mut parts: Vec<_> = query.split('&').collect();
                parts.retain(|part| !part.starts_with("cursor="));
                change_uri(request, &format!("{path}?{}", parts.join("&")));
            }),
        ),
        entry(
            "does not see that the stream is closed",
            "b21.closed-ends-the-read-after-its-body",
            Fault::Head(|head, _| hide(head, "stream-closed")),
        ),
        entry(
            "takes every page for the last",
            "b22.pages-are-read-until-one-is-up-to-date",
            Fault::Head(|head, _| say(head, "stream-up-to-date", "true")),
        ),
        entry(
            "does not see the tail",
            "b22.the-tail-ends-what-is-not-live",
            Fault::Head(|head, _| hide(head, "stream-up-to-date")),
        ),
        entry(
            "asks without its condition",
            "b23.the-condition-is-for-the-first-answer",
            Fault::Request(|request, _| {
                request.headers_mut().remove("if-none-match");
            }),
        ),
        entry(
            "sorts parameters the wrong way around",
            "b24.parameters-are-encoded-and-sorted",
            Fault::Request(|request, _| {
                let uri = request.uri().to_string();
                if let Some((path, query)) = uri.split_once('?') {
                    let parts: Vec<_> = query.split('&').rev().collect();
                    change_uri(request, &format!("{path}?{}", parts.join("&")));
                }
            }),
        ),
        entry(
            "makes up an offset where there is none",
            "b26.a-success-without-a-good-offset-is-an-error",
            Fault::Head(|head, _| {
                if head.status.is_success() && !head.headers.contains_key("stream-next-offset") {
                    say(head, "stream-next-offset", "0");
                }
            }),
        ),
        entry(
            "writes JSON anew",
            "b29.messages-are-sent-as-they-are",
            Fault::Request(|request, _| {
                let spaced = |byte: &u8| !byte.is_ascii_whitespace();
                *request.body_mut() = request.body().iter().copied().filter(spaced).collect();
            }),
        ),
        entry(
            "sends a lost append again",
            "b31.a-lost-append-is-sent-once-and-says-so",
            Fault::Exchange(|inner, request, _| {
                Box::pin(async move {
                    match inner.send(request.clone()).await {
                        Err(error) if error.kind() == FailureKind::Interrupted => {
                            inner.send(request).await
                        }
                        answer => answer,
                    }
                })
            }),
        ),
        entry(
            "takes a closed stream for a conflict",
            "b35.closing-a-closed-stream-succeeds",
            Fault::Head(|head, _| hide(head, "stream-closed")),
        ),
        entry(
            "leaves out the application's headers",
            "b51.the-applications-headers-go-on-every-request",
            Fault::Request(|request, _| {
                let headers = request.headers_mut();
                let own =
                    |name: &HeaderName| name.as_str().starts_with("x-") || *name == AUTHORIZATION;
                let names: Vec<_> = headers.keys().filter(|name| own(name)).cloned().collect();
                for name in names {
                    headers.remove(name);
                }
            }),
        ),
        entry(
            "does not wait as long as it is asked to",
            "b54.retry-after-in-seconds-is-a-floor",
            Fault::Head(|head, _| hide(head, RETRY_AFTER.as_str())),
        ),
        entry(
            "takes a page of HTML for an acknowledgement",
            "b64.a-page-of-html-acknowledges-nothing",
            Fault::Head(|head, _| {
                say(head, CONTENT_TYPE.as_str(), "application/json");
                say(head, "stream-next-offset", "1");
            }),
        ),
        entry(
            "reads a date by its own clock",
            "b66.a-date-is-read-against-the-answers-own",
            Fault::Head(|head, _| hide(head, DATE.as_str())),
        ),
        entry(
            "encodes the path of a link once",
            "b69.a-subscription-is-made-read-linked-and-ended",
            Fault::Request(|request, _| {
                let uri = request.uri().to_string();
                change_uri(request, &uri.replace("%25", "%"));
            }),
        ),
        entry(
            "does not see why it was refused",
            "b70.a-fence-is-final-and-told-from-other-conflicts",
            Fault::Chunk(|_| Bytes::from_static(b"{}")),
        ),
        entry(
            "says something else when it was turned down",
            "b70.turned-down-is-sent-again-as-it-was",
            Fault::Request(|request, memory| {
                if memory.requests == 2 {
                    *request.body_mut() = Bytes::from_static(b"{}");
                }
            }),
        ),
        entry(
            "takes what came for all there is",
            "b70.a-cut-claim-is-no-claim",
            Fault::Body(|body| each(body, |chunk| chunk.ok().map(Ok))),
        ),
        entry(
            "forgets that an answer was lost",
            "b70.a-fence-behind-a-lost-report-may-be-its-own",
            Fault::Exchange(|inner, request, _| {
                Box::pin(async move {
                    match inner.send(request.clone()).await {
                        Ok(answer) if answer.status() != 502 => Ok(answer),
                        _ => inner.send(request).await,
                    }
                })
            }),
        ),
        entry(
            "sends a token where everybody sees it",
            "b71.a-token-goes-in-authorization-alone",
            Fault::Request(|request, _| {
                if let Some(token) = request.headers().get(AUTHORIZATION) {
                    let token = token.to_str().unwrap_or_default().replace("Bearer ", "");
                    let uri = format!("{}?token={token}", request.uri());
                    change_uri(request, &uri);
                }
            }),
        ),
        entry(
            "takes a token along a redirect",
            "b71.a-token-follows-no-redirect",
            Fault::Exchange(|inner, mut request, _| {
                Box::pin(async move {
                    let answer = inner.send(request.clone()).await?;
                    let Some(location) = answer.headers().get(LOCATION) else {
                        return Ok(answer);
                    };
                    let location = location.to_str().unwrap_or_default().to_owned();
                    change_uri(&mut request, &location);
                    inner.send(request).await
                })
            }),
        ),
        entry(
            "takes a fence for something that passes",
            "b73.a-lease-is-renewed-at-a-third-and-a-fence-ends-everything",
            Fault::Head(|head, _| {
                if head.status == StatusCode::CONFLICT {
                    head.status = StatusCode::SERVICE_UNAVAILABLE;
                }
            }),
        ),
        entry(
            "acknowledges where it began",
            "b74.a-wake-is-claimed-worked-on-and-done",
            Fault::Request(|request, _| {
                if request.uri().path().ends_with("/ack") {
                    let body = String::from_utf8_lossy(request.body());
                    *request.body_mut() = body.replace("\"9\"", "\"4\"").into();
                }
            }),
        ),
    ]
}

fn change_uri(request: &mut Request<Bytes>, uri: &str) {
    *request.uri_mut() = uri.parse().expect("it is a URL still");
}

fn hide(head: &mut Parts, name: &str) {
    head.headers.remove(name);
}

fn say(head: &mut Parts, name: &'static str, value: &'static str) {
    let value = HeaderValue::from_static(value);
    head.headers.insert(HeaderName::from_static(name), value);
}
