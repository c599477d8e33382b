//! What an HTTP/2 server turns down is not sent again, unseen.
#![cfg(feature = "http2")]

mod support;

use std::net::Ipv4Addr;

use durable_streams_reqwest::{FailureKind, ReqwestTransport};
use http::Method;
use support::{fail, request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const HEADERS: u8 = 1;
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// REFUSED_STREAM for stream 1.
const RST_STREAM: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7];
/// NO_ERROR, and no stream was or will be looked at.
const GOAWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Reads requests to the end of the connection, counts them, and turns each down by this frame.
async fn turn_down(mut stream: TcpStream, frame: &[u8], requests: watch::Sender<usize>) {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    stream.write_all(&SETTINGS).await.unwrap();
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            break;
        }
        if head[3] == HEADERS {
            requests.send_modify(|count| *count += 1);
            // It fails when the client is gone already.
            let _ = stream.write_all(frame).await;
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_again_when_a_server_turns_a_request_down() {
    let client = ReqwestTransport::client_builder().http2_prior_knowledge();
    let transport = ReqwestTransport::from(client.build().unwrap());
    for frame in [RST_STREAM, GOAWAY] {
        let requests = watch::Sender::new(0);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/?token=secret", listener.local_addr().unwrap());
        let counted = requests.clone();
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(turn_down(stream, frame, counted.clone()));
            }
        });
        let error = fail(&transport, request(Method::POST, &url, "data")).await;
        assert_eq!(error.kind(), FailureKind::Interrupted);
        assert_eq!(*requests.borrow(), 1);
        serving.abort();
    }
}
