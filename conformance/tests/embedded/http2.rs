//! HTTP/2 by hand, as far as one append needs it.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::peer::{PATIENCE, Peer, server};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short frame");
    let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
    frame.extend_from_slice(payload);
    frame
}

#[tokio::test]
async fn r5_2_06_a_body_in_frames_is_one_append() {
    let server = server().await;
    let mut peer = Peer::connect(&server).await;
    // Names from the static table of RFC 7541, values as literals: POST, http, /s, test, text/plain.
    let head = b"\x83\x86\x04\x02/s\x01\x04test\x0f\x10\x0atext/plain";
    let bytes = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, b""),
        frame(HEADERS, END_HEADERS, 1, head),
        frame(DATA, 0, 1, b"abc"),
        frame(DATA, END_STREAM, 1, b"de"),
    ];
    let sent = peer.socket.write_all(&bytes.concat()).await;
    sent.expect("the request goes out");
    let answer = async {
        loop {
            let mut head = [0; 9];
            peer.socket.read_exact(&mut head).await.expect("a frame");
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            let read = peer.socket.read_exact(&mut payload).await;
            read.expect("its payload");
            if head[3] == HEADERS {
                break payload;
            }
        }
    };
    let answer = tokio::time::timeout(PATIENCE, answer).await;
    // The static table has 204 at 9.
    assert_eq!(answer.expect("an answer in time").first(), Some(&0x89));
    let read = Peer::exchange(&server, "GET", "/s", "", "").await;
    assert!(read.ends_with("\r\n\r\nabcde"), "{read}");
}
