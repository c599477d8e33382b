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

/// A frame of the server, given the stream of the request that it turns down.
type Frame = fn([u8; 4]) -> Vec<u8>;

/// RST_STREAM with REFUSED_STREAM.
fn refuse(stream: [u8; 4]) -> Vec<u8> {
    let error = [0, 0, 0, 7];
    [&[0, 0, 4, 3, 0], &stream[..], &error].concat()
}

/// GOAWAY with NO_ERROR: no stream was or will be looked at.
fn go_away(_: [u8; 4]) -> Vec<u8> {
    [&[0, 0, 8, 7, 0], &[0; 12][..]].concat()
}

/// Reads requests to the end of the connection, counts them, and turns each down.
async fn turn_down(mut stream: TcpStream, frame: Frame, requests: watch::Sender<usize>) {
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
            let _ = stream
                .write_all(&frame([head[5], head[6], head[7], head[8]]))
                .await;
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_again_when_a_server_turns_a_request_down() {
    let client = ReqwestTransport::client_builder().http2_prior_knowledge();
    let transport = ReqwestTransport::from(client.build().unwrap());
    for frame in [refuse, go_away] as [Frame; 2] {
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
