//! A server that keeps one stream of JSON messages and knows producers, without a network; what goes wrong is scripted.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use bytes::Bytes;
use durable_streams_client::{Body, FailureKind, Transport, TransportError};
use http::{Request, Response};

type Headers = Vec<(&'static str, String)>;

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// It does not arrive.
    Fails(FailureKind),
    /// It arrives and is answered; the answer does not.
    AnswerLost,
    /// It is answered with this status by somebody in between, and not applied.
    Status(u16),
    /// It arrives once [`Server::release`] says so.
    Held,
}

#[derive(Default)]
struct State {
    stored: Vec<u64>,
    closed_by: Option<(String, u64, u64)>,
    /// The epoch and the last sequence number of each producer.
    producers: HashMap<String, (u64, u64)>,
    requests: Vec<Request<Bytes>>,
    faults: VecDeque<Fault>,
    /// What happens when nothing is scripted.
    otherwise: Option<Fault>,
    released: bool,
    names_no_offset: bool,
    held: Vec<Waker>,
    in_flight: usize,
    most_in_flight: usize,
    dropped: usize,
}

#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<State>>);

impl Server {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().faults.extend(faults);
    }

    /// From now on this happens to every request that nothing else is scripted for.
    pub(crate) fn always(&self, fault: Fault) {
        self.lock().otherwise = Some(fault);
    }

    /// Lets go of what is held, and holds nothing more.
    pub(crate) fn release(&self) {
        let mut state = self.lock();
        state.released = true;
        let held = std::mem::take(&mut state.held);
        drop(state);
        held.into_iter().for_each(Waker::wake);
    }

    /// Somebody else takes over under this epoch.
    pub(crate) fn fence(&self, id: &str, epoch: u64) {
        self.lock().producers.insert(id.to_owned(), (epoch, 0));
    }

    /// From now on duplicates are acknowledged by their number alone.
    pub(crate) fn names_no_offset_of_duplicates(&self) {
        self.lock().names_no_offset = true;
    }

    pub(crate) fn stored(&self) -> Vec<u64> {
        self.lock().stored.clone()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed_by.is_some()
    }

    pub(crate) fn requests(&self) -> Vec<Request<Bytes>> {
        self.lock().requests.clone()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.lock().in_flight
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.lock().most_in_flight
    }

    /// How many requests were given up by the client before they were answered.
    pub(crate) fn dropped(&self) -> usize {
        self.lock().dropped
    }

    async fn wait_for_release(&self) {
        poll_fn(|cx| {
            let mut state = self.lock();
            if state.released {
                return Poll::Ready(());
            }
            state.held.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Counts a request as in flight, and as dropped unless it was answered.
struct InFlight {
    server: Server,
    answered: bool,
}

impl InFlight {
    fn new(server: &Server) -> Self {
        let mut state = server.lock();
        state.in_flight += 1;
        state.most_in_flight = state.most_in_flight.max(state.in_flight);
        Self {
            server: server.clone(),
            answered: false,
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.server.lock();
        state.in_flight -= 1;
        state.dropped += usize::from(!self.answered);
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

#[async_trait::async_trait]
impl Transport for Server {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        let mut in_flight = InFlight::new(self);
        let fault = {
            let mut state = self.lock();
            state.requests.push(request.clone());
            let otherwise = state.otherwise.unwrap_or(Fault::None);
            state.faults.pop_front().unwrap_or(otherwise)
        };
        later().await;
        if fault == Fault::Held {
            self.wait_for_release().await;
        }
        let answer = match fault {
            Fault::Fails(kind) => Err(TransportError::new(kind)),
            Fault::Status(status) => Ok((status, Headers::new())),
            Fault::None | Fault::Held => Ok(self.lock().take(&request)),
            Fault::AnswerLost => {
                self.lock().take(&request);
                Err(TransportError::new(FailureKind::Interrupted))
            }
        };
        later().await;
        in_flight.answered = true;
        let (status, headers) = answer?;
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        Ok(response.body(Body::empty()).unwrap())
    }
}

impl State {
    /// What a server does with a request of a producer (§5.2.1).
    fn take(&mut self, request: &Request<Bytes>) -> (u16, Headers) {
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        let id = header("producer-id");
        let (epoch, seq): (u64, u64) = (
            header("producer-epoch").parse().unwrap(),
            header("producer-seq").parse().unwrap(),
        );
        let offset = ("stream-next-offset", format!("{:08}", self.stored.len()));
        let closed = ("stream-closed", "true".to_owned());
        if let Some(closed_by) = &self.closed_by {
            let same = *closed_by == (id, epoch, seq);
            return (if same { 204 } else { 409 }, vec![offset, closed]);
        }
        let known = self.producers.get(&id).copied();
        let expected = match known {
            Some((current, _)) if epoch < current => {
                return (403, vec![("producer-epoch", current.to_string())]);
            }
            Some((current, last)) if epoch == current && seq <= last => {
                let echo = [("producer-epoch", epoch), ("producer-seq", last)];
                let echo = echo.map(|(name, value)| (name, value.to_string()));
                let offset = Some(offset).filter(|_| !self.names_no_offset);
                return (204, offset.into_iter().chain(echo).collect());
            }
            Some((current, last)) if epoch == current => last + 1,
            _ => 0,
        };
        if seq != expected {
            let numbers = [
                ("producer-expected-seq", expected),
                ("producer-received-seq", seq),
            ];
            let numbers = numbers.map(|(name, value)| (name, value.to_string()));
            return (409, numbers.into_iter().collect());
        }
        let closes = request.headers().contains_key("stream-closed");
        if !request.body().is_empty() {
            let messages: Vec<u64> = serde_json::from_slice(request.body()).unwrap();
            self.stored.extend(messages);
        }
        self.producers.insert(id.clone(), (epoch, seq));
        let mut headers = vec![
            ("stream-next-offset", format!("{:08}", self.stored.len())),
            ("producer-epoch", epoch.to_string()),
            ("producer-seq", seq.to_string()),
        ];
        if closes {
            self.closed_by = Some((id, epoch, seq));
            headers.push(closed);
        }
        (200, headers)
    }
}

/// Pending once.
async fn later() {
    let mut asked = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
