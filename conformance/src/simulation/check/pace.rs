//! How fast a machine may ask when nothing comes of it.

use std::collections::VecDeque;

use crate::simulation::clock::{SECOND, Time};
use crate::simulation::context::Context;

/// The most requests within a second that may bring nothing, for machines whose first retry comes after up to 10 ms and whose
/// delays double up to a second at least: about ten retries, and what was in flight when the trouble began.
const LIMIT: usize = 32;

/// Watches how often a machine sends without getting anywhere.
#[derive(Debug, Default)]
pub(in crate::simulation) struct Pace {
    fruitless: VecDeque<Time>,
    /// How many more may go along with each.
    pub(in crate::simulation) ahead: usize,
}

impl Pace {
    /// A request is sent.
    pub(in crate::simulation) fn sent(&mut self, ctx: &mut Context, who: usize) {
        let now = ctx.now();
        self.fruitless.push_back(now);
        while self
            .fruitless
            .front()
            .is_some_and(|&then| then + SECOND < now)
        {
            self.fruitless.pop_front();
        }
        let count = self.fruitless.len();
        if count > LIMIT * (1 + self.ahead) {
            ctx.violate(who, || {
                format!("{count} requests within a second, and nothing came of them")
            });
        }
    }

    /// The last one only said to ask elsewhere.
    pub(in crate::simulation) fn redirected(&mut self) {
        self.fruitless.pop_back();
    }

    /// Something came of it.
    pub(in crate::simulation) fn progress(&mut self) {
        self.fruitless.clear();
    }
}
