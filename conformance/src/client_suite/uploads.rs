//! A body is sent again only if it can be: the client's are whole bytes in memory, so what decides is what was sent of them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use bytes::Bytes;
use durable_streams_client::ErrorKind;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::support::*;
use crate::background::Background;
use crate::script::{Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b37_a_large_body_is_sent_again_whole_after_a_503,
        b37_without_a_connection_a_large_body_goes_later,
        b37_an_upload_that_was_cut_is_not_sent_again,
    ]
}

/// No two pieces of it are alike, and it is larger than what waits in sockets.
fn large() -> Bytes {
    let numbers = (0..1_000_000_u32).flat_map(u32::to_le_bytes);
    numbers.collect::<Vec<u8>>().into()
}

fn assert_whole(server: &ScriptServer, count: usize) {
    let requests = server.requests();
    assert_eq!(requests.len(), count);
    for request in requests {
        assert_eq!(
            (&*request.method, &*request.target),
            ("POST", "/v1/stream/s")
        );
        // Not by `assert_eq`, which would print them.
        assert!(request.body == large(), "{} bytes", request.body.len());
        let length = request.header("content-length");
        assert!(
            length.is_none_or(|length| length == "4000000"),
            "{length:?}"
        );
    }
}

async fn b37_a_large_body_is_sent_again_whole_after_a_503(cx: Context) {
    let server = cx
        .serve([
            Reply::new(503),
            Reply::new(429).header("Retry-After", "0"),
            no_content("1"),
        ])
        .await;
    within(cx.stream(&server).append(large()).into_future())
        .await
        .unwrap();
    assert_whole(&server, 3);
    server.assert_finished();
}

async fn b37_without_a_connection_a_large_body_goes_later(cx: Context) {
    let server = cx.serve([no_content("1")]).await;
    let (client, sent) = cx.refused(&server, 0..3);
    let client = client.build().unwrap();
    let append = client.stream("s").append(large()).retry(attempts(4));
    within(append.into_future()).await.unwrap();
    assert_eq!(sent.load(SeqCst), 4);
    assert_whole(&server, 1);
    server.assert_finished();
}

/// How much of a request is read before its connection ends: no HTTP/2 client has to wait for a window before that.
const SOME: usize = 32 * 1024;

/// A server that cuts every upload. Counts them.
async fn cutting() -> (SocketAddr, Arc<AtomicUsize>, Background) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let uploads = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&uploads);
    let background = Background::start("cutting-server", move || async move {
        let listener = TcpListener::from_std(listener).unwrap();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut piece = vec![0; SOME];
            // A connection that was made for nothing is not counted.
            if socket.read_exact(&mut piece).await.is_ok() {
                counted.fetch_add(1, SeqCst);
            }
        }
    });
    (address, uploads, background.unwrap())
}

async fn b37_an_upload_that_was_cut_is_not_sent_again(cx: Context) {
    let (address, uploads, background) = cutting().await;
    let root = format!("http://{address}/v1/stream");
    let client = cx.client(&root).unwrap().retry(quick()).build().unwrap();
    let append = client.stream("s").append(large());
    let error = within(append.into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.may_have_been_applied() && error.is_retryable());
    drop(client);
    background.shutdown().await;
    assert_eq!(uploads.load(SeqCst), 1);
}
