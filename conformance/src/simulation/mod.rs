//! Deterministic simulation: the machines of the client against the reference server, under faults, in virtual time.
//!
//! A run is a function of its seed. One [`Tape`] of choices decides who takes part, with which settings, what goes wrong on the
//! way between them and when; a queue of events is the only clock. Nothing sleeps and nothing runs at the same time, so a run
//! that violates an invariant does so again, with a trace to read.
//!
//! ```
//! use durable_streams_conformance::simulation::Simulation;
//!
//! let outcome = Simulation::new(1).run();
//! assert_eq!(outcome.violation, None);
//! assert_eq!(outcome.hash, Simulation::new(1).run().hash);
//! ```

mod actor;
mod broken;
mod check;
mod clock;
mod context;
mod hop;
mod message;
mod scenario;
mod tape;
mod trace;
mod truth;
mod workers;
mod world;

use std::time::{Duration, Instant};

pub use self::broken::Broken;
use self::clock::Clock;
use self::context::Context;
use self::hop::{Faults, Hop};
use self::message::Format;
pub use self::scenario::Scenario;
pub use self::tape::Tape;
use self::trace::Trace;
use self::world::World;
use crate::reference::{AnswerStyle, Config, Model, OffsetFormat, SseStyle};

/// One run that is to be made.
#[derive(Debug)]
pub struct Simulation {
    tape: Tape,
    scenario: Option<Scenario>,
    trace: bool,
    broken: Option<Broken>,
}

/// What came of a run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Outcome {
    /// What it was about.
    pub scenario: Scenario,
    /// The invariant that did not hold, if one did not.
    pub violation: Option<String>,
    /// A hash of everything that happened: the same for the same seed.
    pub hash: u64,
    /// How much happened.
    pub events: u64,
    /// What happened, line by line, when that was asked for.
    pub trace: Vec<String>,
}

impl Simulation {
    /// The run of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_tape(Tape::from_seed(seed))
    }

    /// The run of these choices.
    #[must_use]
    pub fn with_tape(tape: Tape) -> Self {
        Self {
            tape,
            scenario: None,
            trace: false,
            broken: None,
        }
    }

    /// What it is about. Default: the tape decides.
    #[must_use]
    pub fn scenario(mut self, scenario: impl Into<Option<Scenario>>) -> Self {
        self.scenario = scenario.into();
        self
    }

    /// Whether to keep a readable trace. Default: no.
    #[must_use]
    pub fn trace(mut self, trace: bool) -> Self {
        self.trace = trace;
        self
    }

    /// Break the clients: the run should then violate an invariant, if it comes to that. Default: no.
    #[must_use]
    pub fn broken(mut self, broken: impl Into<Option<Broken>>) -> Self {
        self.broken = broken.into();
        self
    }

    /// Makes the run.
    #[must_use]
    pub fn run(mut self) -> Outcome {
        let drawn = self.tape.pick(&Scenario::ALL);
        let scenario = self.scenario.unwrap_or(drawn);
        let mut faults = Faults::draw(&mut self.tape);
        faults.second_answers = scenario != Scenario::Takeover;
        let format = self
            .tape
            .pick(&[Format::Json, Format::Text, Format::Binary]);
        let (config, max_body) = server(&mut self.tape, scenario, format);
        // A point to count from: no time passes between it and anything.
        let clock = Clock::new(Instant::now());
        let ctx = Context::new(clock, self.tape, Trace::new(self.trace));
        let mut world = World::new(ctx, Hop::new(Model::new(config), faults), self.broken);
        let faults = &world.hop.faults;
        world
            .ctx
            .note("run", 0, 0, || format!("{scenario:?} {faults:?}"));
        scenario.plan(&mut world, format, max_body);
        world.run();
        let events = world.events;
        let (violation, hash, trace) = world.ctx.finish();
        Outcome {
            scenario,
            violation,
            hash,
            events,
            trace,
        }
    }
}

/// What the server is like, and the longest body it takes when that is short.
fn server(tape: &mut Tape, scenario: Scenario, format: Format) -> (Config, Option<usize>) {
    let page = match format {
        // One message.
        Format::Json => 1,
        _ => 17,
    };
    let config = Config::default()
        .with_page_bytes(tape.pick(&[None, None, Some(1000), Some(200), Some(60), Some(page)]))
        .with_long_poll_timeout(Duration::from_millis(tape.pick(&[3000, 300, 1000])))
        .with_sse_lifetime(Duration::from_millis(tape.pick(&[4000, 300, 1500])))
        .with_seed(tape.below(1 << 32))
        .with_offsets(tape.pick(OffsetFormat::ALL))
        .with_sse(some(tape, SseStyle::ALL))
        .with_answers(some(tape, AnswerStyle::ALL));
    let short = match scenario {
        Scenario::Limits => 600,
        // There nobody may change his epoch by himself, which a body that is cut does.
        Scenario::Takeover => 0,
        // Nor can a report be shortened at will.
        Scenario::Workers => 0,
        _ => 60,
    };
    if tape.chance(short) {
        let limit = tape.pick(&[400, 150, 40]);
        (config.with_max_body_bytes(limit), Some(limit))
    } else {
        (config, None)
    }
}

/// Some of these, often none.
fn some<T: Copy>(tape: &mut Tape, all: &[T]) -> Vec<T> {
    let count = tape.pick(&[0, 0, 1, 3]);
    (0..count).map(|_| tape.pick(all)).collect()
}
