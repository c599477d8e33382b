//! A worker of the subscription `jobs`, and a server that is played by hand.

use std::time::Duration;

use durable_streams_core::{
    Fate, LeaseLoss, RequestId, StreamUrl, Ticket, Unreadable, Work, Worker, WorkerConfig,
    WorkerEvent,
};
use serde_json::{Value, json};

use crate::common::{Driver, JSON, Sent, UP_TO_DATE, next};

/// The lease of every wake here.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

pub(crate) type Bench = Driver<Worker>;

/// A worker that has asked what it works for.
pub(crate) fn start(set: impl FnOnce(WorkerConfig) -> WorkerConfig) -> Bench {
    let root = StreamUrl::parse("http://h:4437/v1").unwrap();
    let config = WorkerConfig::new(&root, "jobs", "me").unwrap();
    let config = config.live(durable_streams_core::Live::LongPoll);
    Driver::with_at_most(32, Worker::new(set(config)))
}

/// One that listens for wakes, and whose first claim is under way.
pub(crate) fn asking(set: impl FnOnce(WorkerConfig) -> WorkerConfig) -> Bench {
    let mut bench = start(set);
    bench.describe();
    bench.listen();
    bench
}

/// One that has the lease, for these streams: path, acknowledged, tail.
pub(crate) fn working(
    set: impl FnOnce(WorkerConfig) -> WorkerConfig,
    streams: &[(&str, &str, &str)],
) -> Bench {
    let mut bench = asking(set);
    bench.refuse("/claim", "NO_PENDING_WORK");
    bench.grant(1, streams);
    bench
}

impl Bench {
    /// The request in flight to this path.
    pub(crate) fn find(&self, path: &str) -> Option<RequestId> {
        let is_it = |sent: &&Sent| sent.request.uri().path() == format!("/v1/{path}");
        let mut open = self.sent.iter().rev();
        open.find(|sent| is_it(sent) && self.open().contains(&sent.id))
            .map(|sent| sent.id)
    }

    pub(crate) fn focus(&mut self, path: &str) {
        let found = self.find(path);
        assert!(
            found.is_some(),
            "no request to {path}: {:?}",
            self.targets()
        );
        self.focus = found;
    }

    pub(crate) fn control(&self, part: &str) -> Option<RequestId> {
        self.find(&format!("__ds/subscriptions/jobs{part}"))
    }

    /// What the request in flight to this part says.
    pub(crate) fn said(&self, part: &str) -> Value {
        let id = self.control(part).expect("a request");
        let sent = self.sent.iter().find(|sent| sent.id == id).unwrap();
        serde_json::from_slice(sent.request.body()).unwrap()
    }

    /// Answers a request about the subscription.
    pub(crate) fn reply(&mut self, part: &str, status: u16, body: &Value) {
        self.focus(&format!("__ds/subscriptions/jobs{part}"));
        self.answer(status, &[JSON], body.to_string());
    }

    pub(crate) fn refuse(&mut self, part: &str, code: &str) {
        self.reply(part, 409, &json!({ "error": { "code": code } }));
    }

    pub(crate) fn describe(&mut self) {
        let info = json!({
            "id": "jobs", "type": "pull-wake", "wake_stream": "wakes",
            "lease_ttl_ms": LEASE.as_millis() as u64, "streams": [],
        });
        self.reply("", 200, &info);
    }

    /// The stream of the wakes is at its tail `w0`.
    pub(crate) fn listen(&mut self) {
        self.focus("wakes");
        self.answer(200, &[JSON, next("w0"), UP_TO_DATE], "[]");
    }

    /// A wake of this generation is announced.
    pub(crate) fn wake(&mut self, generation: u64) {
        let event = json!([{
            "type": "wake", "subscription_id": "jobs", "stream": "a", "generation": generation,
        }]);
        self.focus("wakes");
        let tail = format!("w{}", self.sent.len());
        self.answer(200, &[JSON, next(&tail), UP_TO_DATE], event.to_string());
    }

    pub(crate) fn grant(&mut self, generation: u64, streams: &[(&str, &str, &str)]) {
        let streams = streams.iter().map(|(path, acked, tail)| {
            json!({
                "path": path, "link_type": "glob", "acked_offset": acked, "tail_offset": tail,
                "has_pending": acked != tail,
            })
        });
        let claimed = json!({
            "wake_id": format!("w{generation}"), "generation": generation, "token": "t",
            "streams": streams.collect::<Value>(), "lease_ttl_ms": LEASE.as_millis() as u64,
        });
        self.reply("/claim", 200, &claimed);
    }

    /// The report in flight is taken.
    pub(crate) fn confirm(&mut self, next_wake: bool) {
        self.reply("/ack", 200, &json!({ "ok": true, "next_wake": next_wake }));
    }

    /// Answers a read of a stream.
    pub(crate) fn page(&mut self, path: &str, tail: &str, up_to_date: bool, body: &str) {
        let mut headers = vec![JSON, next(tail)];
        headers.extend(up_to_date.then_some(UP_TO_DATE));
        self.focus(path);
        self.answer(200, &headers, body);
    }

    pub(crate) fn works(&self) -> Vec<&Work> {
        let events = self.events.iter();
        let works = events.filter_map(|(_, event)| match event {
            WorkerEvent::Work(work) => Some(work),
            _ => None,
        });
        works.collect()
    }

    /// What was handed out: streams and their contents.
    pub(crate) fn handed_out(&self) -> Vec<String> {
        let works = self.works().into_iter().map(|work| {
            let body = work.batch.bytes();
            format!("{} {}", work.stream, String::from_utf8_lossy(&body))
        });
        works.collect()
    }

    pub(crate) fn last_ticket(&self) -> Ticket {
        self.works().last().expect("work").ticket
    }

    /// The ticket of what was handed out last of this stream.
    pub(crate) fn ticket(&self, stream: &str) -> Ticket {
        let works = self.works();
        let work = works.iter().rev().find(|work| work.stream == stream);
        work.expect("work of this stream").ticket
    }

    pub(crate) fn unreadable(&self) -> &Unreadable {
        let events = self.events.iter().rev();
        let mut unreadable = events.filter_map(|(_, event)| match event {
            WorkerEvent::Unreadable(unreadable) => Some(unreadable),
            _ => None,
        });
        unreadable.next().expect("an unreadable stream")
    }

    pub(crate) fn processed(&mut self, ticket: Ticket) -> bool {
        let taken = self.machine.processed(ticket);
        self.settle();
        taken
    }

    pub(crate) fn fails(&mut self, ticket: Ticket) -> Fate {
        let fate = self.machine.failed(ticket, self.instant());
        self.settle();
        fate
    }

    pub(crate) fn stop(&mut self) {
        self.machine.stop();
        self.settle();
    }

    pub(crate) fn losses(&self) -> Vec<(u64, LeaseLoss)> {
        let events = self.events.iter();
        let losses = events.filter_map(|(_, event)| match event {
            WorkerEvent::LeaseLost { generation, reason } => Some((*generation, *reason)),
            _ => None,
        });
        losses.collect()
    }

    /// Whether wakes were given up in good order: generations, and whether all was done.
    pub(crate) fn releases(&self) -> Vec<(u64, bool)> {
        let events = self.events.iter();
        let releases = events.filter_map(|(_, event)| match event {
            WorkerEvent::Released { generation, done } => Some((*generation, *done)),
            _ => None,
        });
        releases.collect()
    }

    /// Lets this much time pass, and whatever comes due meanwhile happen.
    pub(crate) fn go(&mut self, time: Duration) {
        let end = self.elapsed() + time;
        while !self.is_done() {
            let left = end - self.elapsed();
            let wait = self.deadline().unwrap_or(left);
            if wait > left {
                self.pass(left);
                return;
            }
            self.pass(wait);
            self.feed(durable_streams_core::Input::Timeout);
        }
    }

    /// How many requests went to this path.
    pub(crate) fn count(&self, path: &str) -> usize {
        let path = format!("/v1/{path}");
        let sent = self.sent.iter();
        sent.filter(|sent| sent.request.uri().path() == path)
            .count()
    }

    pub(crate) fn claims(&self) -> usize {
        self.count("__ds/subscriptions/jobs/claim")
    }
}
