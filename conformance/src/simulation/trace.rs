//! What happened in a run: a hash of all of it, and lines to read when somebody asks.

use super::clock::{MICROSECOND, SECOND, Time};

/// The trace of a run.
#[derive(Debug)]
pub(super) struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

impl Trace {
    /// With lines or without.
    pub(super) fn new(readable: bool) -> Self {
        Self {
            hash: SEED,
            lines: readable.then(Vec::new),
        }
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(PRIME).rotate_left(23);
    }

    /// Notes that something happened: `what`, to whom, and a number that tells it apart.
    pub(super) fn note(
        &mut self,
        now: Time,
        what: &'static str,
        who: usize,
        number: u64,
        detail: impl FnOnce() -> String,
    ) {
        self.mix(now);
        self.mix((what.len() as u64) << 32 ^ who as u64);
        self.mix(number ^ u64::from(what.as_bytes()[0]) << 56);
        if let Some(lines) = &mut self.lines {
            let line = format!(
                "{:>4}.{:06}  {what:<9} #{who} {}",
                now / SECOND,
                now % SECOND / MICROSECOND,
                detail()
            );
            lines.push(line);
        }
    }

    /// Notes contents.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.mix(bytes.len() as u64);
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            let mut whole = [0; 8];
            whole.copy_from_slice(word);
            self.mix(u64::from_le_bytes(whole));
        }
        let mut rest = [0; 8];
        rest[..words.remainder().len()].copy_from_slice(words.remainder());
        self.mix(u64::from_le_bytes(rest));
    }

    /// The hash, and the lines.
    pub(super) fn finish(self) -> (u64, Vec<String>) {
        (self.hash, self.lines.unwrap_or_default())
    }
}
