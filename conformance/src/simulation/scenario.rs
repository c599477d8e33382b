//! What a run is about: who takes part, with which settings, and what they do.

use std::time::Duration;

use durable_streams_core::{
    AfterClaim, Live, ReaderConfig, RetryPolicy, Start as From, WriterConfig,
};

use super::actor::{Epochs, ReaderPlan, Start, Step, Task, WriterPlan, url};
use super::check::{Lawful, Limits};
use super::clock::{MILLISECOND, SECOND, Time};
use super::message::Format;
use super::tape::Tape;
use super::workers;
use super::world::World;

/// What a run is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One writer, and a reader in every live mode.
    Basic,
    /// Several writers with ids of their own.
    Writers,
    /// A writer whose process crashes, and one that goes on with its id in the next epoch.
    Restart,
    /// A writer that takes over an id by claiming an epoch; the old one may be alive.
    Takeover,
    /// Streams that are closed while others write.
    Closing,
    /// Streams that are deleted while others write and read.
    Deleting,
    /// Forks, read while their source goes on.
    Forks,
    /// Readers that stop and go on all the time.
    Resuming,
    /// Small buffers, small batches, a server that takes no large body.
    Limits,
    /// Workers that compete for what several streams have for them, and crash, stall and leave.
    Workers,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Basic,
        Self::Writers,
        Self::Restart,
        Self::Takeover,
        Self::Closing,
        Self::Deleting,
        Self::Forks,
        Self::Resuming,
        Self::Limits,
        Self::Workers,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Writers => "writers",
            Self::Restart => "restart",
            Self::Takeover => "takeover",
            Self::Closing => "closing",
            Self::Deleting => "deleting",
            Self::Forks => "forks",
            Self::Resuming => "resuming",
            Self::Limits => "limits",
            Self::Workers => "workers",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scenario| scenario.name() == name)
    }

    /// Fills a world.
    pub(super) fn plan(self, world: &mut World, format: Format, max_body: Option<usize>) {
        let stream = world.stream("/s", format);
        let mut lawful = Lawful {
            too_large: max_body.is_some(),
            ..Lawful::default()
        };
        match self {
            Self::Basic | Self::Limits => {
                draw_writer(world, "w", stream, lawful).add(world);
            }
            Self::Resuming => {
                draw_writer(world, "w", stream, lawful).add(world);
                draw_reader(world, stream, 4, 0);
            }
            Self::Writers => {
                let ids: &[&str] = world.ctx.tape.pick(&[&["a", "b"], &["a", "b", "c"]]);
                for id in ids {
                    draw_writer(world, id, stream, lawful).add(world);
                }
            }
            Self::Workers => {
                for (index, stream) in workers::plan(world, stream, format).into_iter().enumerate()
                {
                    draw_writer(world, &format!("w{index}"), stream, lawful).add(world);
                }
            }
            Self::Restart => restart(world, stream, lawful),
            Self::Takeover => takeover(world, stream, lawful),
            Self::Closing => {
                lawful.closed = true;
                let closers = world.ctx.tape.between(0, 2);
                for id in ["a", "b"] {
                    let mut writer = draw_writer(world, id, stream, lawful);
                    if world.ctx.tape.chance(600) {
                        let last = world.ctx.tape.chance(500);
                        writer.ends(Step::CloseStream(last));
                    }
                    writer.add(world);
                }
                for _ in 0..closers {
                    let at = world.ctx.tape.below(2 * SECOND);
                    world.call(Task::Close(stream), false, at);
                }
            }
            Self::Deleting => {
                lawful.deleted = true;
                for id in ["a", "b"] {
                    draw_writer(world, id, stream, lawful).add(world);
                }
                let at = world.ctx.tape.below(2 * SECOND);
                world.call(Task::Delete(stream), false, at);
            }
            Self::Forks => {
                lawful.deleted = true;
                draw_writer(world, "w", stream, lawful).add(world);
                let at = world.ctx.tape.below(SECOND);
                let fork = Task::Fork {
                    source: stream,
                    path: "/f".to_owned(),
                    at: None,
                };
                world.call(fork, false, at);
                if world.ctx.tape.chance(300) {
                    let at = at + world.ctx.tape.below(SECOND);
                    world.call(Task::Delete(stream), false, at);
                }
            }
        }
        let readers = world.ctx.tape.between(1, 2);
        for _ in 0..readers {
            let stops = world.ctx.tape.pick(&[0, 0, 0, 1, 3]);
            let at = world.ctx.tape.pick(&[0, 0, 50 * MILLISECOND, SECOND]);
            draw_reader(world, stream, stops, at);
        }
    }
}

/// A process that crashes, and those that follow it, each one epoch above.
fn restart(world: &mut World, stream: usize, mut lawful: Lawful) {
    lawful.fenced = false;
    let mut writer = draw_writer(world, "w", stream, lawful);
    writer.crashes(&mut world.ctx.tape);
    let mut before = writer.add(world);
    let more = world.ctx.tape.between(1, 2);
    for index in 0..more {
        let mut next = draw_writer(world, "w", stream, lawful);
        next.0.start = Start::After(before);
        next.0.epochs = Epochs::Above(1);
        if index + 1 < more {
            next.crashes(&mut world.ctx.tape);
        }
        before = next.add(world);
    }
}

/// Somebody takes over an id by claiming, and maybe a third one from him by an epoch far above.
///
/// A 204 does not say whose data was stored. When two live writers of one id send the same number of the same epoch, and the
/// request of one was lost before it is repeated, nothing tells the two apart (§5.2.1). So an epoch is never used by two here before
/// the first of them got two requests accepted: an answer then names a number above what the second one sent. Only one claims.
fn takeover(world: &mut World, stream: usize, lawful: Lawful) {
    let fenced = Lawful {
        fenced: true,
        ..lawful
    };
    let first_epoch = world.ctx.tape.pick(&[0, 3]);
    let mut old = draw_writer(world, "w", stream, fenced);
    old.0.epochs = Epochs::From(first_epoch);
    old.keeps_its_epoch();
    if world.ctx.tape.chance(400) {
        old.crashes(&mut world.ctx.tape);
    }
    let old = old.add(world);

    let mut new = draw_writer(world, "w", stream, fenced);
    new.keeps_its_epoch();
    let after = world
        .ctx
        .tape
        .pick(&[AfterClaim::Resend, AfterClaim::Report]);
    new.0.config = new.0.config.clone().auto_claim(true).after_claim(after);
    new.0.resends = after == AfterClaim::Resend;
    new.0.start = Start::Over(old);
    new.0.epochs = Epochs::From(world.ctx.tape.between(0, first_epoch));
    let new = new.add(world);

    if world.ctx.tape.chance(500) {
        let mut third = draw_writer(world, "w", stream, fenced);
        third.keeps_its_epoch();
        third.0.start = Start::Over(new);
        third.0.epochs = Epochs::Above(50);
        third.add(world);
    }
}

/// A writer that is being planned.
struct Draft(WriterPlan);

impl Draft {
    fn add(self, world: &mut World) -> usize {
        world.writer(self.0)
    }

    /// What it does last.
    fn ends(&mut self, step: Step) {
        self.0.script.pop();
        self.0.script.push(step);
    }

    /// It crashes at some point.
    fn crashes(&mut self, tape: &mut Tape) {
        let at = tape.index(self.0.script.len());
        self.0.script.truncate(at + 1);
        self.0.script.pop();
        let pause = tape.pick(&[0, MILLISECOND, 100 * MILLISECOND]);
        self.0.script.push(Step::Pause(pause));
        self.0.script.push(Step::Crash);
    }

    /// It never changes its epoch of its own accord.
    fn keeps_its_epoch(&mut self) {
        self.0.script.retain(|step| !matches!(step, Step::Restart));
    }
}

fn draw_writer(world: &mut World, id: &str, stream: usize, lawful: Lawful) -> Draft {
    let tape = &mut world.ctx.tape;
    let limits = Limits {
        batch_bytes: tape.pick(&[1 << 20, 1 << 20, 200, 60, 1]),
        batch_messages: tape.pick(&[1000, 1000, 1, 2, 5]),
        in_flight: usize::try_from(tape.between(1, 8)).unwrap_or(1),
        buffer_bytes: tape.pick(&[1 << 20, 1 << 20, 2000, 300]),
        buffer_messages: tape.pick(&[1000, 1000, 1, 3, 10]),
    };
    let give_up = tape.chance(250);
    let mut retry = RetryPolicy::endless()
        .initial(Duration::from_millis(tape.pick(&[100, 10, 30])))
        .max(Duration::from_millis(tape.pick(&[1000, 2000])));
    if give_up {
        retry = retry.give_up_after(
            tape.pick(&[5, 1, 2]),
            Duration::from_millis(tape.pick(&[500, 0])),
        );
    }
    let lawful = Lawful {
        gives_up: give_up,
        ..lawful
    };
    let seed = tape.below(1 << 32);
    let timeout = Duration::from_millis(tape.pick(&[1000, 200, 3000]));
    let linger = Duration::from_millis(tape.pick(&[5, 0, 1, 50]));
    let script = draw_script(tape);
    let start = Start::At(tape.pick(&[0, 0, 20 * MILLISECOND]));
    let streams = &world.truth.streams[stream];
    let config = url(&streams.path)
        .and_then(|url| WriterConfig::new(url, streams.format.content_type(), id).ok());
    let config = config.expect("fixed paths, types and ids are valid");
    let config = config
        .max_batch_bytes(limits.batch_bytes)
        .max_batch_messages(limits.batch_messages)
        .max_in_flight(limits.in_flight)
        .max_buffer_bytes(limits.buffer_bytes)
        .max_buffer_messages(limits.buffer_messages)
        .retry(retry)
        .request_timeout(timeout)
        .linger(linger)
        .seed(seed);
    Draft(WriterPlan {
        stream,
        config,
        limits,
        lawful,
        resends: false,
        start,
        epochs: Epochs::From(0),
        script,
    })
}

/// Bursts of messages with pauses between, flushes, restarts, and an end.
fn draw_script(tape: &mut Tape) -> Vec<Step> {
    let mut script = Vec::new();
    for _ in 0..tape.between(1, 5) {
        let count = tape.pick(&[1, 1, 2, 4, 10]);
        let padding = tape.pick(&[0, 3, 10, 100]);
        script.push(Step::Append(count, padding));
        let pause: Time = tape.pick(&[0, MILLISECOND, 7 * MILLISECOND, 100 * MILLISECOND, SECOND]);
        script.push(Step::Pause(pause));
        if tape.chance(150) {
            script.push(Step::Flush);
        }
        if tape.chance(80) {
            script.push(Step::Restart);
        }
    }
    script.push(Step::Close);
    script
}

/// Somebody reads a fork that was just made, and maybe writes to it.
pub(super) fn follow_fork(world: &mut World, fork: usize) {
    let now = world.ctx.now();
    draw_reader(world, fork, 1, now);
    if world.ctx.tape.chance(500) {
        // Whether the server takes every body is not known here any more.
        let lawful = Lawful {
            too_large: true,
            ..Lawful::default()
        };
        let mut writer = draw_writer(world, "f", fork, lawful);
        writer.0.start = Start::At(now);
        writer.add(world);
    }
}

fn draw_reader(world: &mut World, stream: usize, stops: u64, at: Time) {
    let tape = &mut world.ctx.tape;
    let live = tape.pick(&[Live::Auto, Live::Sse, Live::LongPoll, Live::Off]);
    let start = if tape.chance(100) {
        From::Now
    } else {
        From::Beginning
    };
    let seed = tape.below(1 << 32);
    let batch = tape.pick(&[256 * 1024, 256 * 1024, 1, 7, 64]);
    let patience = tape.pick(&[1, 3, 10]);
    let retry = RetryPolicy::endless()
        .initial(Duration::from_millis(tape.pick(&[100, 10, 30])))
        .max(Duration::from_millis(tape.pick(&[1000, 2000])));
    let timeout = Duration::from_millis(tape.pick(&[1000, 200, 3000]));
    let idle = Duration::from_millis(tape.pick(&[8000, 2000]));
    let ahead = tape.pick(&[2, 2, 0, 1, 5]);
    let ahead_bytes = tape.pick(&[1024 * 1024, 1, 100]);
    let Some(url) = url(&world.truth.streams[stream].path) else {
        return;
    };
    let config = ReaderConfig::new(url)
        .live(live)
        .retry(retry)
        .request_timeout(timeout)
        .long_poll_timeout(Duration::from_secs(6))
        .sse_idle_timeout(idle)
        .max_batch_bytes(batch)
        .prefetch(ahead)
        .max_prefetch_bytes(ahead_bytes)
        .seed(seed);
    let plan = ReaderPlan {
        stream,
        config,
        ahead,
        live,
        start,
        stops,
        patience,
    };
    world.reader(plan, at);
}
