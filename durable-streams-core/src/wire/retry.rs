//! When to try again: exponential backoff with full jitter, and when to give up.

use std::time::{Duration, Instant};

use super::error::Error;

/// How failed requests are tried again.
///
/// The delay before retry *n* is drawn evenly from zero to `min(max, initial × multiplier^(n−1))`: full jitter, so that
/// many clients of a server that comes back do not come back at once. `Retry-After` is a floor under it. Any value is
/// valid: the setters bring what makes no sense to the nearest value that does, and say how.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryPolicy {
    initial: Duration,
    max: Duration,
    multiplier: f64,
    give_up: Option<(u32, Duration)>,
}

impl RetryPolicy {
    /// The policy for reads: 100 ms, doubling up to 30 s, without end.
    pub fn endless() -> Self {
        Self {
            initial: Duration::from_millis(100),
            max: Duration::from_secs(30),
            multiplier: 2.0,
            give_up: None,
        }
    }

    /// The policy for single operations: as [`endless`](Self::endless), but given up after 5 attempts or 30 s, whichever is later.
    pub fn operations() -> Self {
        Self::endless().give_up_after(5, Duration::from_secs(30))
    }

    /// The policy for writers: as [`endless`](Self::endless), but given up after 10 attempts or 2 minutes, whichever is later.
    pub fn writers() -> Self {
        Self::endless().give_up_after(10, Duration::from_secs(120))
    }

    /// No retries at all: the first failure is the answer.
    pub fn never() -> Self {
        Self::endless().give_up_after(1, Duration::ZERO)
    }

    /// A policy from settings that somebody wrote down: as [`endless`](Self::endless) with these values, where what the setters would
    /// bring to the nearest value that makes sense is a mistake.
    ///
    /// # Errors
    /// [`InvalidInput`](super::error::ErrorKind::InvalidInput) when `initial` is zero, `max` is below it, or `multiplier` is below 1 or
    /// no number.
    pub fn checked(initial: Duration, max: Duration, multiplier: f64) -> Result<Self, Error> {
        let why = if initial.is_zero() {
            "the first delay is over zero"
        } else if max < initial {
            "the longest delay is no shorter than the first"
        } else if multiplier.is_nan() || multiplier < 1.0 {
            "the multiplier is at least 1"
        } else {
            let policy = Self::endless().initial(initial).max(max);
            return Ok(policy.multiplier(multiplier));
        };
        Err(Error::invalid(why))
    }

    /// The upper bound of the first delay.
    #[must_use]
    pub fn initial(mut self, delay: Duration) -> Self {
        self.initial = delay;
        self
    }

    /// The upper bound of every delay. Below `initial` it bounds that as well.
    #[must_use]
    pub fn max(mut self, delay: Duration) -> Self {
        self.max = delay;
        self
    }

    /// How much the bound grows with each failure; below 1, or not a number, it counts as 1.
    #[must_use]
    pub fn multiplier(mut self, factor: f64) -> Self {
        self.multiplier = if factor >= 1.0 { factor } else { 1.0 };
        self
    }

    /// Give up once this many attempts were made **and** this much time has passed since the first failure: whichever
    /// is later. With `Duration::ZERO` attempts alone decide, with 0 attempts time alone.
    #[must_use]
    pub fn give_up_after(mut self, attempts: u32, elapsed: Duration) -> Self {
        self.give_up = Some((attempts, elapsed));
        self
    }

    fn bound(&self, failures: u32) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial.as_secs_f64() * self.multiplier.powi(exponent);
        // Too large for a duration, or infinite, is over the maximum as well.
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(self.max)
            .min(self.max)
    }
}

/// The state of one retry loop.
#[derive(Debug)]
pub struct Backoff {
    policy: RetryPolicy,
    rng: fastrand::Rng,
    failures: u32,
    since: Option<Instant>,
}

impl Backoff {
    /// A loop with nothing failed yet. The seed makes its jitter repeatable.
    pub fn new(policy: RetryPolicy, seed: u64) -> Self {
        Self {
            policy,
            rng: fastrand::Rng::with_seed(seed),
            failures: 0,
            since: None,
        }
    }

    /// What was done last worked: the next failure is the first one again.
    pub fn reset(&mut self) {
        self.failures = 0;
        self.since = None;
    }

    /// How long to wait after one more failure, `floor` at least; `None` when the policy gives up.
    pub fn fail(&mut self, now: Instant, floor: Option<Duration>) -> Option<Duration> {
        let since = *self.since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        if let Some((attempts, elapsed)) = self.policy.give_up {
            if self.failures >= attempts && now.saturating_duration_since(since) >= elapsed {
                return None;
            }
        }
        let bound = self.policy.bound(self.failures);
        let nanos = u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX);
        let jittered = Duration::from_nanos(self.rng.u64(0..=nanos));
        Some(jittered.max(floor.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Only a point to count from: nothing here waits.
    #[allow(clippy::disallowed_methods)]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn b54_delays_are_jittered_below_a_growing_bound() {
        let now = start();
        let mut highest = [Duration::ZERO; 12];
        for seed in 0..500 {
            let mut backoff = Backoff::new(RetryPolicy::endless(), seed);
            for (n, high) in highest.iter_mut().enumerate() {
                let delay = backoff.fail(now, None).unwrap();
                let bound = Duration::from_millis(100 << n).min(Duration::from_secs(30));
                assert!(delay <= bound, "delay {delay:?} over {bound:?}");
                *high = (*high).max(delay);
            }
        }
        // Full jitter uses the whole range.
        assert!(highest[0] > Duration::from_millis(90) && highest[11] > Duration::from_secs(27));
    }

    #[test]
    fn b54_retry_after_is_a_floor_and_a_reset_starts_over() {
        let now = start();
        let mut backoff = Backoff::new(RetryPolicy::endless(), 1);
        assert_eq!(
            backoff.fail(now, Some(Duration::from_secs(60))),
            Some(Duration::from_secs(60))
        );
        for _ in 0..100 {
            backoff.fail(now, None);
        }
        backoff.reset();
        assert!(backoff.fail(now, None).unwrap() <= Duration::from_millis(100));
    }

    #[test]
    fn b54_gives_up_after_attempts_or_time_whichever_is_later() {
        let now = start();
        let policy = RetryPolicy::endless().give_up_after(3, Duration::from_secs(10));
        let mut backoff = Backoff::new(policy, 1);
        for _ in 0..5 {
            assert!(backoff.fail(now, None).is_some());
        }
        assert!(backoff.fail(now + Duration::from_secs(10), None).is_none());
        assert!(
            Backoff::new(RetryPolicy::never(), 1)
                .fail(now, None)
                .is_none()
        );
    }

    #[test]
    fn a_checked_policy_is_refused_where_the_setters_would_change_it() {
        let ms = Duration::from_millis;
        let policy = RetryPolicy::checked(ms(100), ms(5000), 2.0);
        let same = RetryPolicy::endless().max(ms(5000));
        assert_eq!(policy.unwrap(), same);
        assert!(RetryPolicy::checked(ms(1), ms(1), 1.0).is_ok());
        for (initial, max, multiplier) in [
            (ms(0), ms(1), 1.0),
            (ms(1000), ms(999), 1.0),
            (ms(1), ms(1), 0.99),
            (ms(1), ms(1), f64::NAN),
        ] {
            let error = RetryPolicy::checked(initial, max, multiplier).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn any_policy_is_valid() {
        let now = start();
        for factor in [f64::NAN, -1.0, 0.0, f64::INFINITY] {
            let policy = RetryPolicy::endless()
                .multiplier(factor)
                .max(Duration::MAX)
                .initial(Duration::MAX);
            let mut backoff = Backoff::new(policy, 1);
            for _ in 0..3 {
                assert!(backoff.fail(now, None).is_some());
            }
        }
    }
}
