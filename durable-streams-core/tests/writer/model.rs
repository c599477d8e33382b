//! A server with the producer's rules, and a network that loses, delays, repeats and reorders.

use durable_streams_core::{FailureKind, WriterConfig};

use crate::support::{MS, Rig, SECOND, Sent};

/// What a request did, as status and headers.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>);

/// One stream and one producer, serialised.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// The epoch, and the last number accepted in it.
    state: Option<(u64, Option<u64>)>,
    closed_by: Option<(u64, u64)>,
    pub(crate) log: Vec<u64>,
    /// The most messages in a body.
    pub(crate) limit: Option<usize>,
}

impl Server {
    pub(crate) fn post(&mut self, sent: &Sent) -> Reply {
        let inner = sent.body.trim_matches(['[', ']']);
        let messages: Vec<u64> = inner
            .split(',')
            .filter_map(|one| one.parse().ok())
            .collect();
        let (mine, seq) = (sent.epoch, sent.seq);
        if self.limit.is_some_and(|limit| messages.len() > limit) {
            return (413, Vec::new());
        }
        if let Some(by) = self.closed_by {
            let status = if by == (mine, seq) { 204 } else { 409 };
            return (status, self.headers(&[]));
        }
        let (epoch, last) = self.state.unwrap_or((mine, None));
        let expected = match mine.cmp(&epoch) {
            std::cmp::Ordering::Less => {
                return (403, vec![("producer-epoch", epoch.to_string())]);
            }
            std::cmp::Ordering::Equal => last.map_or(0, |last| last + 1),
            std::cmp::Ordering::Greater if seq > 0 => return (400, Vec::new()),
            std::cmp::Ordering::Greater => 0,
        };
        if seq > expected {
            let numbers = [
                ("producer-expected-seq", expected),
                ("producer-received-seq", seq),
            ];
            return (409, numbers.map(|(name, n)| (name, n.to_string())).to_vec());
        }
        if seq < expected {
            let echo = [("producer-epoch", epoch), ("producer-seq", expected - 1)];
            return (204, self.headers(&echo));
        }
        self.state = Some((mine, Some(seq)));
        self.log.extend(messages);
        if sent.close {
            self.closed_by = Some((mine, seq));
        }
        (
            200,
            self.headers(&[("producer-epoch", mine), ("producer-seq", seq)]),
        )
    }

    fn headers(&self, numbers: &[(&'static str, u64)]) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("stream-next-offset", format!("{:06}", self.log.len())),
            ("stream-closed", self.closed_by.is_some().to_string()),
        ];
        headers.extend(numbers.iter().map(|(name, n)| (*name, n.to_string())));
        headers
    }

    /// Another producer of the same id takes over.
    fn claim(&mut self) {
        let epoch = self.state.map_or(0, |(epoch, _)| epoch + 1);
        self.state = Some((epoch, None));
    }
}

/// Where the copies of one request are.
#[derive(Debug, Clone, Default)]
struct Copies {
    /// The server may see it (again) at any time.
    may_arrive: bool,
    /// What the server said, on its way back.
    reply: Option<Reply>,
}

/// Which faults may happen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// Requests and answers get lost without anybody knowing how far they got.
    pub(crate) losses: bool,
    /// A second copy of a request that was answered by a gap arrives later.
    pub(crate) copies_of_gaps: bool,
    pub(crate) claims: bool,
    pub(crate) restarts: bool,
}

/// A writer, a server, and what is between them.
pub(crate) struct World {
    pub(crate) rig: Rig,
    pub(crate) server: Server,
    faults: Faults,
    copies: Vec<Copies>,
    pub(crate) appended: u64,
}

impl World {
    pub(crate) fn new(config: WriterConfig, faults: Faults, limit: Option<usize>) -> Self {
        Self {
            rig: Rig::new(config),
            server: Server {
                limit,
                ..Server::default()
            },
            faults,
            copies: Vec::new(),
            appended: 0,
        }
    }

    /// One of those in flight for which this holds.
    fn pick(&mut self, which: u8, replied: bool) -> Option<usize> {
        self.copies.resize(self.rig.sent.len(), Copies::default());
        let fits = |index: &usize| self.copies[*index].reply.is_some() == replied;
        let fitting: Vec<usize> = self.rig.live.iter().copied().filter(fits).collect();
        fitting
            .get(usize::from(which) % fitting.len().max(1))
            .copied()
    }

    fn deliver(&mut self, index: usize) -> Reply {
        let reply = self.server.post(&self.rig.sent[index]);
        // A gap passes by itself: a copy may be taken later. What else is turned down stays so.
        let passes = reply.0 == 409 && self.faults.copies_of_gaps;
        self.copies[index].may_arrive |= reply.0 < 300 || passes;
        reply
    }

    fn answer(&mut self, index: usize) {
        if let Some((status, headers)) = self.copies[index].reply.take() {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            self.rig.answer(index, status, &headers);
        }
    }

    /// One step, whatever it is.
    pub(crate) fn step(&mut self, kind: u8, which: u8) {
        let losses = self.faults.losses;
        match kind % 16 {
            0..=3 => {
                self.appended += u64::from(self.rig.try_append(&self.appended.to_string()).is_ok());
            }
            4..=6 => {
                if let Some(index) = self.pick(which, false) {
                    self.copies[index].reply = Some(self.deliver(index));
                }
            }
            7 | 8 => {
                if let Some(index) = self.pick(which, true) {
                    self.answer(index);
                }
            }
            9 => self.rig.advance(MS * u32::from(which)),
            10 => {
                if let Some(index) = self.pick(which, false) {
                    match which % 3 {
                        0 => self.rig.lose(index, FailureKind::Connect),
                        1 if losses => {
                            self.copies[index].may_arrive = true;
                            self.rig.lose(index, FailureKind::Interrupted);
                        }
                        _ => self.rig.status(index, 503),
                    }
                }
            }
            11 if losses => {
                if let Some(index) = self.pick(which, true) {
                    self.rig.lose(index, FailureKind::Interrupted);
                }
            }
            12 => {
                // A copy of any request that may still be on its way; nobody hears the answer.
                let late: Vec<usize> = (0..self.copies.len())
                    .filter(|&n| self.copies[n].may_arrive)
                    .collect();
                if let Some(&index) = late.get(usize::from(which) % late.len().max(1)) {
                    self.deliver(index);
                }
            }
            13 if losses && which % 4 == 0 => {
                // Whatever is in flight by then is given up, and may arrive all the same; an answer that is given up is heard of still.
                for index in self.rig.live.clone() {
                    self.pick(0, false);
                    self.copies[index].may_arrive = true;
                }
                self.rig.advance(31 * SECOND);
                let stale: Vec<usize> = (0..self.copies.len())
                    .filter(|n| self.copies[*n].reply.is_some() && !self.rig.live.contains(n))
                    .collect();
                stale.into_iter().for_each(|index| self.answer(index));
            }
            14 if self.faults.claims && which % 3 == 0 => self.server.claim(),
            14 if self.faults.restarts && which % 3 == 0 => {
                // Refused once it is closed.
                let _ = self.rig.writer.restart();
                self.rig.poll();
            }
            15 if which < 5 => self.close(),
            15 => {
                self.rig.writer.flush();
                self.rig.poll();
            }
            _ => {}
        }
    }

    fn close(&mut self) {
        if self.rig.writer.ended().is_none() {
            self.rig.close_stream(None);
        }
    }

    /// From here on everything works, and the stream is closed at the end.
    pub(crate) fn finish(&mut self) {
        self.close();
        for _ in 0..10_000 {
            if self.rig.is_done() {
                let closed = self.server.closed_by.is_some();
                assert!(
                    closed && self.rig.end().is_some(),
                    "it says closed of an open stream"
                );
                return;
            }
            if let Some(index) = self.pick(0, true) {
                self.answer(index);
            } else if let Some(index) = self.pick(0, false) {
                self.copies[index].reply = Some(self.deliver(index));
            } else {
                let wait = self.rig.wait().expect("it waits for nothing");
                self.rig.advance(wait);
            }
        }
        panic!(
            "it comes to no end: {:?}",
            self.rig.trace.iter().rev().take(8).collect::<Vec<_>>()
        );
    }

    /// Copies that arrive after the end.
    pub(crate) fn late_copies(&mut self) {
        for index in 0..self.copies.len() {
            if self.copies[index].may_arrive {
                self.deliver(index);
            }
        }
    }
}
