//! Faults of transports, each with the case of the kit that must find it.

use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use durable_streams_client::{Body, BoxFuture, FailureKind, Transport, TransportError};
use futures_util::{StreamExt, stream};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, HeaderValue,
    LOCATION, SET_COOKIE,
};
use http::{Method, Request, Response};

use crate::broken::{Answer, Fault, Memory, each};
use crate::{Entry, entry};

pub(crate) fn all() -> Vec<Entry> {
    vec![
        entry(
            "follows redirects with a GET",
            "transport.redirects-of-a-post-are-not-followed",
            Fault::Exchange(|inner, request, _| {
                Box::pin(async move {
                    let answer = inner.send(request).await?;
                    let Some(location) = answer.headers().get(LOCATION) else {
                        return Ok(answer);
                    };
                    let uri = location.to_str().unwrap_or_default().to_owned();
                    match Request::get(uri).body(Bytes::new()) {
                        Ok(again) => inner.send(again).await,
                        Err(_) => Ok(answer),
                    }
                })
            }),
        ),
        entry(
            "takes a redirect to no URL for a failure",
            "transport.redirects-to-what-is-no-url-are-answers",
            Fault::Exchange(|inner, request, _| {
                Box::pin(async move {
                    let answer = inner.send(request).await?;
                    match answer.headers().get(LOCATION) {
                        Some(location) if location.as_bytes().contains(&b'[') => {
                            Err(TransportError::new(FailureKind::Refused))
                        }
                        _ => Ok(answer),
                    }
                })
            }),
        ),
        entry(
            "sends again what a new connection did not answer",
            "transport.resends-nothing-when-a-new-connection-ends",
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
            "sends again what a used connection did not answer",
            "transport.resends-no-write-when-a-used-connection-ends",
            Fault::Exchange(again_when_used),
        ),
        entry(
            "sends again what a used connection did not answer",
            "transport.resends-no-read-when-a-used-connection-ends",
            Fault::Exchange(again_when_used),
        ),
        entry(
            "tries a 503 again",
            "transport.resends-nothing-after-a-server-error",
            Fault::Exchange(|inner, request, _| {
                Box::pin(async move {
                    let answer = inner.send(request.clone()).await?;
                    if answer.status() == 503 {
                        return inner.send(request).await;
                    }
                    Ok(answer)
                })
            }),
        ),
        entry(
            "gives the head with the whole body",
            "transport.streams-the-head-before-the-body",
            Fault::Exchange(|inner, request, _| {
                Box::pin(async move {
                    let (head, body) = inner.send(request).await?.into_parts();
                    let chunks: Vec<_> = body.collect().await;
                    Ok(Response::from_parts(head, Body::new(stream::iter(chunks))))
                })
            }),
        ),
        entry(
            "gives a chunk when the next has come",
            "transport.streams-each-chunk-before-the-next-is-sent",
            Fault::Body(|body| {
                let held: Option<_> = None;
                Body::new(stream::unfold(
                    (body, held, false),
                    |(mut body, held, ended)| async move {
                        if ended {
                            return None;
                        }
                        let mut held = held;
                        loop {
                            match (body.next().await, held.take()) {
                                (Some(next), Some(last)) => {
                                    return Some((last, (body, Some(next), false)));
                                }
                                (Some(next), None) => held = Some(next),
                                (None, Some(last)) => return Some((last, (body, None, true))),
                                (None, None) => return None,
                            }
                        }
                    },
                ))
            }),
        ),
        entry(
            "finishes what was dropped before its head",
            "transport.cancels-when-the-future-is-dropped",
            Fault::Exchange(|inner, request, _| {
                let sent = tokio::spawn(async move { inner.send(request).await });
                Box::pin(async move { sent.await.expect("the exchange does not panic") })
            }),
        ),
        entry(
            "reads a body to its end when it was dropped",
            "transport.cancels-when-the-body-is-dropped-within",
            Fault::Body(detached),
        ),
        entry(
            "reads a body to its end that nobody read",
            "transport.cancels-when-the-body-is-dropped-unread",
            Fault::Body(detached),
        ),
        entry(
            "takes a whole body into memory",
            "transport.bodies-that-are-not-read-hold-their-sender-back",
            Fault::Body(detached),
        ),
        entry(
            "loses the end of a large body",
            "transport.bodies-of-answers-can-be-large",
            Fault::Body(|body| {
                let mut left: usize = 32 << 20;
                each(body, move |chunk| {
                    let size = chunk.as_ref().map_or(0, Bytes::len);
                    left = left.checked_sub(size)?;
                    Some(chunk)
                })
            }),
        ),
        entry(
            "loses the end of a large request",
            "transport.bodies-of-requests-can-be-large",
            Fault::Request(|request, _| {
                let body = request.body_mut();
                *body = body.slice(..body.len().min(1 << 20));
            }),
        ),
        entry(
            "takes a cut for an end",
            "transport.fails-interrupted-within-a-body",
            Fault::Body(|body| each(body, |chunk| chunk.ok().map(Ok))),
        ),
        entry(
            "says that what was sent was not",
            "transport.fails-interrupted-without-an-answer",
            Fault::Failure(|error| match error.kind() {
                FailureKind::Interrupted => TransportError::new(FailureKind::Connect),
                _ => error,
            }),
        ),
        entry(
            "does not know that it was not connected",
            "transport.fails-to-connect-where-nobody-listens",
            Fault::Failure(|_| TransportError::new(FailureKind::Interrupted)),
        ),
        entry(
            "would try an impossible URL for ever",
            "transport.refuses-urls-that-no-request-can-have",
            Fault::Failure(|error| match error.kind() {
                FailureKind::Refused => TransportError::new(FailureKind::Connect),
                _ => error,
            }),
        ),
        entry(
            "shows the URL with its query in errors",
            "transport.hides-credentials-in-errors",
            Fault::Exchange(|inner, request, _| {
                Box::pin(async move {
                    let url = request.uri().to_string();
                    inner.send(request).await.map_err(|error| {
                        TransportError::new(error.kind()).with_source(format!("at {url}"))
                    })
                })
            }),
        ),
        entry(
            "shows headers in its Debug",
            "transport.hides-credentials-in-debug",
            Fault::Request(|request, memory| {
                for (name, value) in request.headers() {
                    memory.words.insert(
                        name.to_string(),
                        format!("{:?}", value.as_bytes().escape_ascii().to_string()),
                    );
                }
            }),
        ),
        entry(
            "asks for compression",
            "transport.adds-nothing-but-what-http-needs",
            Fault::Request(|request, _| {
                let gzip = HeaderValue::from_static("gzip");
                request.headers_mut().insert(ACCEPT_ENCODING, gzip);
            }),
        ),
        entry(
            "takes what has no type for bytes",
            "transport.adds-no-content-type",
            Fault::Request(|request, _| {
                let bytes = HeaderValue::from_static("application/octet-stream");
                request.headers_mut().entry(CONTENT_TYPE).or_insert(bytes);
            }),
        ),
        entry(
            "writes a question mark for what is not ASCII",
            "transport.sends-header-values-that-are-not-ascii",
            Fault::Request(|request, _| {
                for value in request.headers_mut().values_mut() {
                    let ascii = value.as_bytes().iter().map(|byte| match byte {
                        0..=0x7f => *byte,
                        _ => b'?',
                    });
                    let ascii: Vec<u8> = ascii.collect();
                    *value = HeaderValue::from_bytes(&ascii).expect("it is a value still");
                }
            }),
        ),
        entry(
            "decodes what it takes to be compressed",
            "transport.does-not-decode",
            Fault::Head(|head, _| {
                head.headers.remove(CONTENT_ENCODING);
            }),
        ),
        entry(
            "keeps cookies",
            "transport.keeps-no-cookies",
            Fault::Exchange(|inner, mut request, memory| {
                Box::pin(async move {
                    if let Some(cookie) = memory.lock().unwrap().words.get("cookie") {
                        let cookie = HeaderValue::try_from(cookie).expect("it was a header");
                        request.headers_mut().insert(COOKIE, cookie);
                    }
                    let answer = inner.send(request).await?;
                    if let Some(cookie) = answer.headers().get(SET_COOKIE) {
                        let cookie = cookie.to_str().unwrap_or_default().to_owned();
                        let mut memory = memory.lock().unwrap();
                        memory.words.insert("cookie".to_owned(), cookie);
                    }
                    Ok(answer)
                })
            }),
        ),
        entry(
            "answers from a cache",
            "transport.caches-nothing",
            Fault::Exchange(|inner, request, memory| {
                Box::pin(async move {
                    let key = request.uri().to_string();
                    let cached = memory.lock().unwrap().answers.get(&key).cloned();
                    if let Some((head, body)) = cached {
                        return Ok(Response::from_parts(head, Body::from(body)));
                    }
                    let (head, body) = inner.send(request).await?.into_parts();
                    let body = whole(body).await?;
                    let answer = (head.clone(), body.clone());
                    memory.lock().unwrap().answers.insert(key, answer);
                    Ok(Response::from_parts(head, Body::from(body)))
                })
            }),
        ),
        entry(
            "asks with GET instead of HEAD",
            "transport.sends-the-method",
            Fault::Request(|request, _| {
                if *request.method() == Method::HEAD {
                    *request.method_mut() = Method::GET;
                }
            }),
        ),
        entry(
            "decodes escapes in queries",
            "transport.sends-path-and-query-byte-for-byte",
            Fault::Request(|request, _| {
                let uri = request.uri().to_string().replace("%2B", "+");
                *request.uri_mut() = uri.parse().expect("it is a URL still");
            }),
        ),
        entry(
            "sorts queries",
            "transport.sends-path-and-query-byte-for-byte",
            Fault::Request(|request, _| {
                let uri = request.uri().to_string();
                if let Some((path, query)) = uri.split_once('?') {
                    let mut parts: Vec<_> = query.split('&').collect();
                    parts.sort_unstable_by(|a, b| b.cmp(a));
                    let uri = format!("{path}?{}", parts.join("&"));
                    *request.uri_mut() = uri.parse().expect("it is a URL still");
                }
            }),
        ),
        entry(
            "sends one value of a header",
            "transport.sends-all-values-of-a-header-in-order",
            Fault::Request(|request, _| last_of_each(request.headers_mut())),
        ),
        entry(
            "gives one value of a header",
            "transport.gives-all-values-of-a-header-in-order",
            Fault::Head(|head, _| last_of_each(&mut head.headers)),
        ),
        entry(
            "says what it accepts by itself",
            "transport.sends-accept-as-it-is",
            Fault::Request(|request, _| {
                let any = HeaderValue::from_static("*/*");
                request.headers_mut().insert(ACCEPT, any);
            }),
        ),
        entry(
            "makes a connection for each request",
            "transport.connections-are-reused",
            Fault::Request(|request, _| {
                let close = HeaderValue::from_static("close");
                request.headers_mut().insert(CONNECTION, close);
            }),
        ),
        entry(
            "goes to another host than the URL says",
            "transport.sends-the-host-of-the-url",
            Fault::Request(|request, _| {
                let other = HeaderValue::from_static("elsewhere.example");
                request.headers_mut().insert(HOST, other);
            }),
        ),
        entry(
            "sends one request at a time",
            "transport.connections-carry-many-requests-at-once",
            Fault::Exchange(|inner, request, _| {
                static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
                Box::pin(async move {
                    let turn = TURN.lock().await;
                    let (head, body) = inner.send(request).await?.into_parts();
                    let body = each(body, move |chunk| {
                        let _ = &turn;
                        Some(chunk)
                    });
                    Ok(Response::from_parts(head, body))
                })
            }),
        ),
        entry(
            "takes an error status for a failure",
            "transport.gives-every-status",
            Fault::Exchange(|inner, request, _| {
                Box::pin(async move {
                    let answer = inner.send(request).await?;
                    if answer.status().is_server_error() {
                        return Err(TransportError::new(FailureKind::Interrupted));
                    }
                    Ok(answer)
                })
            }),
        ),
    ]
}

/// Sends a request that may have arrived again, unless it is the first of all.
fn again_when_used(
    inner: Arc<dyn Transport>,
    request: Request<Bytes>,
    memory: Arc<Mutex<Memory>>,
) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        let used = memory.lock().unwrap().requests > 1;
        match inner.send(request.clone()).await {
            Err(error) if used && error.kind() == FailureKind::Interrupted => {
                inner.send(request).await
            }
            answer => answer,
        }
    })
}

/// A body that is read in the background, as fast as it comes.
fn detached(mut body: Body) -> Body {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(chunk) = body.next().await {
            // Nobody may be there any more.
            let _ = sender.send(chunk);
        }
    });
    Body::new(stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    }))
}

async fn whole(mut body: Body) -> Result<Bytes, TransportError> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes.freeze())
}

fn last_of_each(headers: &mut http::HeaderMap) {
    let names: Vec<_> = headers.keys().cloned().collect();
    for name in names {
        let last = headers.get_all(&name).iter().next_back().cloned();
        if let Some(last) = last {
            headers.insert(name, last);
        }
    }
}
