//! Workers: what they ask for and when, and what ends what they do.

use std::time::Duration;

use bytes::Bytes;
use durable_streams_client::{Live, RetryPolicy, Work, Worker, work_fn};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::clock::Clock;
use super::subscriptions::{TOKEN, bodies, claimed, held_by, info, lines, refusal, says};
use super::support::*;
use crate::script::{Reply, ScriptServer};
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b73_a_lease_is_renewed_at_a_third_and_a_fence_ends_everything,
        b73_without_a_confirmed_renewal_the_lease_ends_before_its_time,
        b74_a_wake_is_claimed_worked_on_and_done,
        b74_what_failed_comes_again_and_only_then_is_acknowledged,
        b75_a_lost_report_is_repeated_as_it_was,
    ]
}

const ACK: &str = "POST subscriptions/billing/ack";
const CLAIM: &str = "POST subscriptions/billing/claim";

/// What the handler was given, and waits to be told about.
struct Given {
    contents: Bytes,
    outcome: oneshot::Sender<Result<(), &'static str>>,
}

/// A worker whose handler does what the case says, by a clock that only the case turns.
struct Working {
    server: ScriptServer,
    worker: Worker,
    clock: Clock,
    given: mpsc::UnboundedReceiver<Given>,
}

impl Working {
    /// The lease that is claimed is one of 30 s.
    async fn start<const N: usize>(cx: &Context, then: [Reply; N]) -> Self {
        let begin = [says(200, &info()), says(200, &claimed()), page_of_work()];
        let server = cx.serve(begin.into_iter().chain(then)).await;
        let (client, clock) = cx.stopped(&server);
        let (tell, given) = mpsc::unbounded_channel();
        let handler = work_fn(move |work: Work| {
            let (outcome, told) = oneshot::channel();
            // Whether the end of the answer is known with it is a matter of the transport.
            let contents = work.batch.bytes();
            let asked = tell.send(Given { contents, outcome });
            async move {
                asked?;
                Ok(told.await??)
            }
        });
        let subscription = client.build().unwrap().subscription("billing");
        let worker = subscription.worker("w1").live(Live::Off);
        // The default policy: a delay needs the clock to turn.
        let worker = worker.retry(RetryPolicy::endless()).start(handler);
        Self {
            server,
            worker,
            clock,
            given,
        }
    }

    async fn next(&mut self) -> oneshot::Sender<Result<(), &'static str>> {
        let given = within(self.given.recv()).await.expect("the worker ended");
        assert_eq!(given.contents, "[1,2]");
        given.outcome
    }

    async fn turn(&self, seconds: u64) {
        let far = Duration::from_secs(seconds);
        within(self.clock.turn(&self.server, far)).await;
    }

    async fn end(mut self) {
        self.worker.stop();
        within(self.worker.finished()).await.unwrap();
        assert!(self.given.try_recv().is_err(), "more was handed out");
        self.server.assert_finished();
    }
}

fn page_of_work() -> Reply {
    json("9", "[1,2]").tail()
}

fn ok() -> Reply {
    says(200, &json!({ "ok": true, "next_wake": false }))
}

async fn b74_a_wake_is_claimed_worked_on_and_done(cx: Context) {
    let mut working = Working::start(&cx, [ok()]).await;
    working.next().await.send(Ok(())).unwrap();
    let requests = within(working.server.wait_for_requests(4)).await;
    assert_eq!(requests[2].target, "/v1/stream/orders/1?offset=4");
    let sent = lines(&working.server);
    assert_eq!(sent[..2], ["GET subscriptions/billing", CLAIM]);
    assert_eq!(sent[3], ACK);
    let own = format!("Bearer {TOKEN}");
    assert_eq!(requests[3].header("authorization"), Some(own.as_str()));
    let acks = json!([{ "stream": "orders/1", "offset": "9" }]);
    let report = json!({ "wake_id": "w_1", "generation": 3, "acks": acks, "done": true });
    assert_eq!(bodies(&working.server)[3], report);
    working.end().await;
}

async fn b74_what_failed_comes_again_and_only_then_is_acknowledged(cx: Context) {
    let mut working = Working::start(&cx, [page_of_work(), ok()]).await;
    working.next().await.send(Err("not now")).unwrap();
    // It rests for a while, and nothing of it is acknowledged.
    within(working.clock.until_requests(&working.server, 4)).await;
    let again = working.next().await;
    assert!(!lines(&working.server).iter().any(|line| line == ACK));
    again.send(Ok(())).unwrap();
    within(working.server.wait_for_requests(5)).await;
    assert_eq!(bodies(&working.server)[4]["done"], json!(true));
    working.end().await;
}

async fn b73_a_lease_is_renewed_at_a_third_and_a_fence_ends_everything(cx: Context) {
    let fenced = refusal(409, "FENCED");
    let mut working = Working::start(&cx, [ok(), fenced, held_by("w2")]).await;
    let mut handled = working.next().await;
    working.turn(9).await;
    assert_eq!(working.server.requests().len(), 3);
    working.turn(1).await;
    assert_eq!(working.server.requests().len(), 4);
    assert!(!handled.is_closed());
    working.turn(10).await;
    // The handler is dropped where it waits.
    within(handled.closed()).await;
    within(working.clock.until_requests(&working.server, 6)).await;
    let (sent, bodies) = (lines(&working.server), bodies(&working.server));
    assert_eq!(sent[3..], [ACK, ACK, CLAIM]);
    let renewal = json!({ "wake_id": "w_1", "generation": 3 });
    assert_eq!(bodies[3..5], [renewal.clone(), renewal]);
    working.end().await;
}

async fn b73_without_a_confirmed_renewal_the_lease_ends_before_its_time(cx: Context) {
    let mut working = Working::start(&cx, []).await;
    working.server.answer_with(|_, _| Reply::new(503));
    let mut handled = working.next().await;
    working.turn(28).await;
    assert!(!handled.is_closed());
    working.turn(1).await;
    within(handled.closed()).await;
    let reports = |working: &Working| {
        let sent = lines(&working.server);
        sent.iter().filter(|line| *line == ACK).count()
    };
    let said = reports(&working);
    assert!(said > 1, "a renewal is tried more than once");
    // Nothing more is said for that wake.
    working.turn(60).await;
    assert_eq!(reports(&working), said);
    working.worker.stop();
    within(working.worker.finished()).await.unwrap();
}

async fn b75_a_lost_report_is_repeated_as_it_was(cx: Context) {
    let mut working = Working::start(&cx, [Reply::close(), Reply::new(503), ok()]).await;
    working.next().await.send(Ok(())).unwrap();
    within(working.clock.until_requests(&working.server, 6)).await;
    let bodies = bodies(&working.server);
    assert_eq!(bodies[3]["done"], json!(true));
    assert!(bodies[4..].iter().all(|body| *body == bodies[3]));
    working.end().await;
}
