//! One request and its answer, between hyper and the model.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

use super::shared::Shared;
use crate::reference::{Asked, Defect, ExchangeId, Flaw, Output, broken_body};

/// Answers a request: takes its body, and comes back when the model has given the head of the answer.
pub(super) async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let (parts, body) = request.into_parts();
    let Some(body) = collect(body, &shared).await else {
        // The client broke off in the middle of its body, or framed it badly and may read this.
        return Response::from_parts(broken_body(), AnswerBody::default());
    };
    let mut request = Request::from_parts(parts, body);
    let defect = shared.defect().map(|defect| (defect, Asked::of(&request)));
    if let Some((defect, asked)) = &defect {
        defect.misread(asked, &mut request);
    }
    if !shared.answer_delay().is_zero() {
        tokio::time::sleep(shared.answer_delay()).await;
    }
    let id = shared.step(request);
    let exchange = Exchange { shared, id };
    let mut head = loop {
        match poll_fn(|cx| exchange.shared.poll_output(exchange.id, cx)).await {
            Output::Head(head) => break head,
            // Does not happen: a head comes first.
            Output::Chunk(_) | Output::End => {}
        }
    };
    if let Some((defect, asked)) = &defect {
        defect.distort(asked, &mut head);
    }
    let delay = exchange.shared.body_delay();
    let mut body = AnswerBody {
        next: None,
        exchange: Some(exchange),
        defect,
        delay: None,
    };
    body.look_ahead().await;
    if !delay.is_zero() && !body.is_end_stream() {
        body.delay = Some(Box::pin(tokio::time::sleep(delay)));
    }
    Response::from_parts(head, body)
}

/// A whole request body, or one byte more than the model accepts: it will refuse that by itself.
async fn collect(body: Incoming, shared: &Shared) -> Option<Bytes> {
    let limit = shared.max_body_bytes();
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(_) if shared.has(Flaw::CutBodyIsStored) => break,
            Err(_) => return None,
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
        if first.len().max(rest.len()) > limit {
            break;
        }
    }
    Some(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

/// An exchange that is open in the model. When hyper drops it, because the client hung up or the answer is
/// complete, the model forgets it too.
#[derive(Debug)]
struct Exchange {
    shared: Arc<Shared>,
    id: ExchangeId,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.shared.cancel(self.id);
    }
}

/// The body of an answer: asks the model for the next piece when hyper has room for it.
#[derive(Debug, Default)]
pub(super) struct AnswerBody {
    /// A piece that was looked at early.
    next: Option<Bytes>,
    /// Gone once the answer is complete.
    exchange: Option<Exchange>,
    /// What is wrong with it.
    defect: Option<(Defect, Asked)>,
    /// What it waits for before it begins.
    delay: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    /// Looks for what follows the head, without waiting: an answer without a body is known as such then.
    async fn look_ahead(&mut self) {
        poll_fn(|cx| {
            if let Poll::Ready(Some(chunk)) = self.poll_chunk(cx) {
                self.next = Some(chunk);
            }
            Poll::Ready(())
        })
        .await;
    }

    fn poll_chunk(&mut self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(chunk) = self.next.take() {
            return Poll::Ready(Some(chunk));
        }
        let Some(exchange) = &self.exchange else {
            return Poll::Ready(None);
        };
        match exchange.shared.poll_output(exchange.id, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Output::Chunk(chunk)) => Poll::Ready(Some(match &self.defect {
                Some((defect, asked)) => defect.garble(asked, chunk),
                None => chunk,
            })),
            Poll::Ready(Output::Head(_) | Output::End) => {
                self.exchange = None;
                Poll::Ready(None)
            }
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(delay) = &mut self.delay {
            ready!(delay.as_mut().poll(cx));
            self.delay = None;
        }
        self.poll_chunk(cx)
            .map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none() && self.exchange.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_end_stream() {
            SizeHint::with_exact(0)
        } else {
            SizeHint::default()
        }
    }
}
