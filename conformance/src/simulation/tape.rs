//! The one source of choices of a run.

/// Where every random decision of a run comes from: a seed, or given bytes.
///
/// The calm choice is always zero: a tape of bytes that has run out makes runs without faults.
#[derive(Debug)]
pub struct Tape {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Seed(fastrand::Rng),
    Bytes { bytes: Vec<u8>, next: usize },
}

impl Tape {
    /// Choices drawn from a seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self {
            source: Source::Seed(fastrand::Rng::with_seed(seed)),
        }
    }

    /// Choices read from bytes, zeros after their end: for fuzzers.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            source: Source::Bytes {
                bytes: bytes.into(),
                next: 0,
            },
        }
    }

    /// A number below `limit`; 0 when that is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit <= 1 {
            return 0;
        }
        match &mut self.source {
            Source::Seed(rng) => rng.u64(..limit),
            Source::Bytes { bytes, next } => {
                // As few bytes as the range needs, so that a change of one byte is a small change of the run.
                let mut number = 0;
                let mut left = limit - 1;
                while left > 0 {
                    let byte = bytes.get(*next).copied().unwrap_or_default();
                    *next += 1;
                    number = number << 8 | u64::from(byte);
                    left >>= 8;
                }
                number % limit
            }
        }
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// An index below `length`.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    /// Yes, so many times in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        per_mille > 0 && self.below(1000) >= 1000_u64.saturating_sub(per_mille)
    }

    /// One of these; the first is the calm one.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_of_bytes_ends_calmly_and_uses_few_of_them() {
        let mut tape = Tape::from_bytes([7, 1, 2]);
        assert_eq!(tape.below(10), 7);
        assert_eq!(tape.below(1000), 258);
        assert_eq!(tape.below(1000), 0);
        assert!(!tape.chance(999));
        assert_eq!(tape.pick(&[3, 4]), 3);
    }

    #[test]
    fn the_same_seed_makes_the_same_choices() {
        let draw = |seed| {
            let mut tape = Tape::from_seed(seed);
            (0..50).map(|_| tape.between(3, 99)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).iter().all(|number| (3..=99).contains(number)));
    }
}
