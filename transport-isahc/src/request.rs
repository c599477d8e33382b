//! A request as isahc takes it, with what keeps libcurl from sending it twice.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use durable_streams_client::{FailureKind, TransportError};
use futures_lite::AsyncRead;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Uri};
use isahc::AsyncBody;
use isahc::config::{Configurable, ExpectContinue, RedirectPolicy};

/// The content of a request.
///
/// libcurl sends a request again on a new connection when a used one ends without a byte of an answer, and nothing
/// tells it not to. Before that it winds the content back. This one cannot be wound back, so the request fails there.
struct Content {
    rest: Bytes,
    taken: Taken,
}

/// Whether libcurl took any of the content. It does so before the first byte of the request is written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Taken(Arc<AtomicBool>);

impl Taken {
    pub(crate) fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl AsyncRead for Content {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.taken.0.store(true, Ordering::Relaxed);
        let length = buffer.len().min(self.rest.len());
        buffer[..length].copy_from_slice(&self.rest.split_to(length));
        Poll::Ready(Ok(length))
    }
}

/// Whether libcurl could send this again although it changes something: there is no content to stop it by.
pub(crate) fn could_be_repeated(request: &Request<Bytes>) -> bool {
    request.body().is_empty() && !request.method().is_safe()
}

/// The request for isahc, and whether its content was taken when it has any.
///
/// What is said here is said for every request, so that it holds for any client an application brings.
pub(crate) fn prepare(
    request: Request<Bytes>,
) -> Result<(Request<AsyncBody>, Option<Taken>), TransportError> {
    let (parts, content) = request.into_parts();
    check(&parts.uri, &parts.headers)?;
    let mut headers = parts.headers;
    // isahc goes by this header instead of by the content.
    headers.remove(CONTENT_LENGTH);

    let taken = Taken::default();
    // A request with content is an upload to libcurl: it would wait for the body of an answer to HEAD.
    let has_content = !content.is_empty() && parts.method != Method::HEAD;
    let body = if has_content {
        if parts.method == Method::POST {
            // libcurl takes what does not say its type for an HTML form. To HTTP it is this (RFC 9110 §8.3).
            let unknown = HeaderValue::from_static("application/octet-stream");
            headers.entry(CONTENT_TYPE).or_insert(unknown);
        }
        let length = content.len() as u64;
        let content = Content {
            rest: content,
            taken: taken.clone(),
        };
        AsyncBody::from_reader_sized(content, length)
    } else {
        if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) {
            // Where content could be expected its absence is said (RFC 9110 §8.6): there are servers that answer 411.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        AsyncBody::empty()
    };

    let mut request = Request::builder()
        .redirect_policy(RedirectPolicy::None)
        .automatic_decompression(false)
        .expect_continue(ExpectContinue::disabled())
        .method(parts.method)
        .uri(parts.uri)
        .body(body)
        .map_err(refused)?;
    *request.headers_mut() = headers;
    Ok((request, has_content.then_some(taken)))
}

/// Turns down what isahc would panic about, and what libcurl would fetch although it is not HTTP.
fn check(uri: &Uri, headers: &HeaderMap) -> Result<(), TransportError> {
    const TLS: bool = cfg!(any(feature = "rustls", feature = "native-tls"));
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") if TLS => {}
        Some("https") => return Err(refused("this build has no TLS")),
        _ => return Err(refused("this is no http or https URL")),
    }
    if headers.values().any(|value| value.to_str().is_err()) {
        return Err(refused("isahc sends visible ASCII in headers only"));
    }
    Ok(())
}

fn refused(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TransportError {
    TransportError::new(FailureKind::Refused).with_source(why)
}
