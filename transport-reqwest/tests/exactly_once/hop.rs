//! A hop between client and server that does what networks and proxies do, drawn from a seed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::http1::{Answer, Request};

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The connection ends before the request is forwarded.
    RequestLost,
    /// The server answers, and the connection ends before the answer does.
    AnswerLost,
    /// The connection ends in the middle of the answer.
    AnswerCut,
    /// The connection ends behind the answer: the next request on it fails.
    ClosedAfter,
    /// The hop answers 503 itself.
    Unavailable,
    /// The same, with `Retry-After: 0`.
    RetryNow,
    /// The same, with `Retry-After: 1`.
    RetryLater,
    /// The hop answers with a page of its own.
    BadGateway,
    /// The request waits until another one went by.
    RequestHeld,
    /// The answer waits until another request went by.
    AnswerHeld,
    /// The request is delivered twice at once.
    Twice,
    /// The request is delivered again later.
    AgainLater,
}

/// Each as often as it is in here.
const USUAL: [Fault; 19] = [
    Fault::RequestLost,
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::AnswerLost,
    Fault::AnswerLost,
    Fault::AnswerCut,
    Fault::AnswerCut,
    Fault::ClosedAfter,
    Fault::Unavailable,
    Fault::RetryNow,
    Fault::BadGateway,
    Fault::RequestHeld,
    Fault::RequestHeld,
    Fault::RequestHeld,
    Fault::AnswerHeld,
    Fault::AnswerHeld,
    Fault::Twice,
    Fault::AgainLater,
    Fault::AgainLater,
];

/// How much goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// How many of a hundred requests.
    pub(crate) percent: u32,
    /// After this many faults the hop is a good one.
    pub(crate) heals_after: usize,
    /// A second's wait is a long one in a test: at most this many.
    pub(crate) long_waits: usize,
    /// The hop takes the producer's headers away.
    pub(crate) forgets_producers: bool,
}

impl Plan {
    pub(crate) fn new(seed: u64, percent: u32) -> Self {
        Self {
            seed,
            percent,
            heals_after: usize::MAX,
            long_waits: 2,
            forgets_producers: false,
        }
    }
}

/// A request that the server answered with 200: new, and stored.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) epoch: u64,
    pub(crate) body: Vec<u8>,
}

struct State {
    rng: fastrand::Rng,
    plan: Plan,
    requests: usize,
    faults: BTreeMap<Fault, usize>,
    active: usize,
    held: usize,
    again: Vec<Request>,
    taken: Vec<Taken>,
}

struct Shared {
    server: SocketAddr,
    state: Mutex<State>,
    /// Changes when held requests and answers may go on.
    released: watch::Sender<()>,
}

/// Ends with its connections when it is dropped.
pub(crate) struct Hop {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Hop {
    pub(crate) async fn start(server: SocketAddr, plan: Plan) -> Self {
        println!("hop: {plan:?}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let shared = Arc::new(Shared {
            server,
            state: Mutex::new(State {
                rng: fastrand::Rng::with_seed(plan.seed),
                plan,
                requests: 0,
                faults: BTreeMap::new(),
                active: 0,
                held: 0,
                again: Vec::new(),
                taken: Vec::new(),
            }),
            released: watch::Sender::new(()),
        });
        Self {
            address: listener.local_addr().unwrap(),
            task: tokio::spawn(accept(listener, Arc::clone(&shared))),
            shared,
        }
    }

    pub(crate) fn faults(&self) -> BTreeMap<Fault, usize> {
        self.shared.lock().faults.clone()
    }

    /// What the server took so far, in the order of its answers.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        self.shared.lock().taken.clone()
    }

    /// Waits until no request is under way.
    pub(crate) async fn idle(&self) {
        let mut released = self.shared.released.subscribe();
        while self.shared.lock().active > 0 {
            released.changed().await.unwrap();
        }
    }

    /// What went by and what went wrong, in a line.
    pub(crate) fn summary(&self) -> String {
        let state = self.shared.lock();
        let faults: usize = state.faults.values().sum();
        let mut text = format!("{} requests, {faults} faults:", state.requests);
        for (fault, count) in &state.faults {
            let _ = write!(text, " {fault:?} {count}");
        }
        text
    }
}

impl Drop for Hop {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until another request went by, or none is left that could.
    async fn hold(&self) {
        let mut released = self.released.subscribe();
        {
            let mut state = self.lock();
            state.held += 1;
            if state.held == state.active {
                self.released.send_replace(());
            }
        }
        let _ = released.changed().await;
        self.lock().held -= 1;
    }

    /// Delivers a request to the server, and keeps what it took.
    async fn deliver(&self, request: &Request) -> Option<Answer> {
        let answer = request.send(self.server).await.ok()?;
        if answer.status == 200 {
            let epoch = request.header("producer-epoch").unwrap_or("0");
            let taken = Taken {
                epoch: epoch.parse().unwrap(),
                body: request.body.clone(),
            };
            self.lock().taken.push(taken);
        }
        Some(answer)
    }
}

impl State {
    fn draw(&mut self) -> Option<Fault> {
        self.requests += 1;
        let so_far: usize = self.faults.values().sum();
        if so_far >= self.plan.heals_after || self.rng.u32(0..100) >= self.plan.percent {
            return None;
        }
        let mut fault = USUAL[self.rng.usize(0..USUAL.len())];
        if fault == Fault::RetryNow && self.plan.long_waits > 0 && self.rng.u8(0..4) == 0 {
            self.plan.long_waits -= 1;
            fault = Fault::RetryLater;
        }
        *self.faults.entry(fault).or_default() += 1;
        Some(fault)
    }
}

/// A request that is under way. Who is held waits for others, so the last one lets them go.
struct Active(Arc<Shared>);

impl Active {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.lock().active += 1;
        shared.released.send_replace(());
        Self(Arc::clone(shared))
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.active -= 1;
        if state.held >= state.active {
            self.0.released.send_replace(());
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((socket, _)) = listener.accept() => {
                connections.spawn(serve(socket, Arc::clone(&shared)));
            }
            Some(result) = connections.join_next() => result.unwrap(),
        }
    }
}

/// One connection of the client's, until it ends or is to end.
async fn serve(mut socket: TcpStream, shared: Arc<Shared>) {
    socket.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while let Some(mut request) = Request::read(&mut socket, &mut buffer).await {
        let _active = Active::new(&shared);
        if shared.lock().plan.forgets_producers {
            request = request.without("producer-");
        }
        let fault = shared.lock().draw();
        let Some((bytes, goes_on)) = exchange(&shared, &request, fault).await else {
            return;
        };
        if socket.write_all(&bytes).await.is_err() || !goes_on {
            return;
        }
    }
}

/// What the client gets, and whether its connection stays.
async fn exchange(
    shared: &Shared,
    request: &Request,
    fault: Option<Fault>,
) -> Option<(Vec<u8>, bool)> {
    let again = std::mem::take(&mut shared.lock().again);
    for request in &again {
        shared.deliver(request).await;
    }
    match fault {
        Some(Fault::RequestLost) => return None,
        Some(Fault::Unavailable) => return own("503 Service Unavailable", "", "try again"),
        Some(Fault::RetryNow) => return own("503 Busy", "retry-after: 0\r\n", ""),
        Some(Fault::RetryLater) => return own("503 Busy", "retry-after: 1\r\n", ""),
        Some(Fault::BadGateway) => {
            let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
            return own("502 Bad Gateway", "content-type: text/html\r\n", page);
        }
        Some(Fault::RequestHeld) => shared.hold().await,
        Some(Fault::AgainLater) => shared.lock().again.push(request.clone()),
        _ => {}
    }
    let answer = if fault == Some(Fault::Twice) {
        let (first, second) = tokio::join!(shared.deliver(request), shared.deliver(request));
        // One was new, and the other a duplicate: the client sees the one that stored it.
        [first?, second?]
            .into_iter()
            .min_by_key(|answer| answer.status)?
    } else {
        shared.deliver(request).await?
    };
    let mut bytes = answer.bytes;
    match fault {
        Some(Fault::AnswerLost) => return None,
        Some(Fault::AnswerCut) => {
            let at = shared.lock().rng.usize(1..bytes.len());
            bytes.truncate(at);
            return Some((bytes, false));
        }
        Some(Fault::AnswerHeld) => shared.hold().await,
        _ => {}
    }
    Some((
        bytes,
        answer.has_length && fault != Some(Fault::ClosedAfter),
    ))
}

fn own(status: &str, headers: &str, body: &str) -> Option<(Vec<u8>, bool)> {
    Some((Answer::own(status, headers, body).bytes, true))
}
