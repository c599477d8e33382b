//! Webhooks, between the model and whoever receives them.

use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::shared::Shared;
use crate::reference::{Delivery, DeliveryId};

/// The most that is read of an answer, which has little to say.
const MOST: usize = 64 * 1024;

/// Sends webhooks as they come, each by itself: one receiver that is slow keeps no other waiting.
pub(super) async fn send(shared: Arc<Shared>) {
    let mut on_their_way = JoinSet::new();
    loop {
        tokio::select! {
            webhook = shared.webhook() => {
                let shared = Arc::clone(&shared);
                on_their_way.spawn(deliver(webhook, shared));
            }
            Some(_) = on_their_way.join_next() => {}
        }
    }
}

async fn deliver(webhook: Delivery, shared: Arc<Shared>) {
    let id = webhook.id;
    // A webhook that is on its way when the server ends has failed, and is sent again by the next one.
    let unanswered = Unanswered { shared, id };
    let answer = tokio::time::timeout(webhook.limit, post(webhook.request)).await;
    unanswered.shared.delivered(id, answer.ok().flatten());
}

/// A webhook of which the model does not know yet what came of it.
struct Unanswered {
    shared: Arc<Shared>,
    id: DeliveryId,
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.shared.delivered(self.id, None);
    }
}

/// The answer to a request, whole. It goes over a connection of its own, and redirects are not followed.
async fn post(mut request: Request<Bytes>) -> Option<Response<Bytes>> {
    let uri = request.uri().clone();
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let authority = uri.authority()?;
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(80);
    let value = HeaderValue::try_from(authority.as_str()).ok()?;
    request.headers_mut().insert(HOST, value);
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    *request.uri_mut() = target.parse::<Uri>().ok()?;

    let socket = TcpStream::connect((host, port)).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await.ok()?;
    let exchange = async {
        let answer = sender.send_request(request.map(Full::new)).await.ok()?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MOST).collect().await.ok()?;
        Some(Response::from_parts(head, body.to_bytes()))
    };
    tokio::pin!(exchange, connection);
    tokio::select! {
        answer = &mut exchange => answer,
        // What it has received already is still there to be read.
        _ = &mut connection => exchange.await,
    }
}
