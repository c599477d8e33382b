//! One connection: reads a request, writes the reply that the script has for it, and again.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;

use super::play::play;
use super::reply::{Finish, Reply};
use super::request::{NoRequest, RecordedRequest, Requests};
use super::server::{ClosedBy, Shared};

pub(super) async fn serve(mut stream: TcpStream, number: usize, shared: Arc<Shared>) {
    // Without it a small piece waits for the acknowledgement of the one before. Nothing breaks when it fails.
    let _ = stream.set_nodelay(true);
    let mut end = End {
        shared: &shared,
        number,
        by: ClosedBy::Server,
    };
    let finish;
    (end.by, finish) = exchange(&mut stream, number, &shared).await;
    if finish == Finish::Reset {
        reset(&stream);
    }
    drop(stream);
}

/// Records the end of a connection, also when the test's own closure panics.
struct End<'a> {
    shared: &'a Shared,
    number: usize,
    by: ClosedBy,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.shared.closed(self.number, self.by);
    }
}

async fn exchange(stream: &mut TcpStream, number: usize, shared: &Shared) -> (ClosedBy, Finish) {
    let (read, mut write) = stream.split();
    let mut requests = Requests::new(read);
    loop {
        let (reply, to_head, keep) = match requests.next(number, &mut write).await {
            Ok(request) => {
                let to_head = request.method == "HEAD";
                let keep = wants_more(&request);
                (shared.reply_to(request), to_head, keep)
            }
            Err(NoRequest::Gone) => return (ClosedBy::Peer, Finish::Close),
            Err(NoRequest::Malformed(why)) => {
                let reply = Reply::new(400).body(why.clone()).connection_close();
                shared.malformed(why);
                (reply, false, false)
            }
        };
        let played = tokio::select! {
            played = play(reply, to_head, &mut write, |bytes| shared.sent(bytes)) => played,
            () = requests.gone() => return (ClosedBy::Peer, Finish::Close),
        };
        match played {
            Ok(Finish::KeepAlive) if keep => {}
            Ok(Finish::Reset) => return (ClosedBy::Server, Finish::Reset),
            Ok(_) => return (ClosedBy::Server, Finish::Close),
            // A write fails when the peer is gone.
            Err(_) => return (ClosedBy::Peer, Finish::Close),
        }
    }
}

fn wants_more(request: &RecordedRequest) -> bool {
    !request
        .header_all("connection")
        .any(|value| value.eq_ignore_ascii_case("close"))
}

/// Makes the end of the connection a reset. Closing with a linger time of zero does not block.
#[allow(
    deprecated,
    reason = "its successor is younger than the oldest tokio that is allowed"
)]
fn reset(stream: &TcpStream) {
    // When it fails the connection ends in an orderly way, and the test that wanted a reset sees it.
    let _ = stream.set_linger(Some(Duration::ZERO));
}
