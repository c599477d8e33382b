//! Cursors: what keeps shared caches from serving one live answer for ever (§10.1).

use std::time::{Duration, SystemTime};

/// 2024-10-09T00:00:00Z, where the count of intervals begins.
const EPOCH: Duration = Duration::from_secs(1_728_432_000);
const INTERVAL_SECONDS: u64 = 20;
const MAX_JITTER_SECONDS: u64 = 3600;

/// The number of the interval that `now` lies in.
pub(super) fn current(now: SystemTime) -> u64 {
    let since = now
        .duration_since(SystemTime::UNIX_EPOCH + EPOCH)
        .unwrap_or_default();
    since.as_secs() / INTERVAL_SECONDS
}

/// The cursor for an answer. A client that is not behind is pushed ahead by a random step, because an answer
/// with the cursor it already has could be the very one that a cache serves to it again.
pub(super) fn next(client: Option<&str>, now: SystemTime, rng: &mut fastrand::Rng) -> u64 {
    let current = current(now);
    let seen = client.and_then(|cursor| cursor.parse::<u64>().ok());
    match seen {
        Some(seen) if seen >= current => {
            let jitter = rng.u64(1..=MAX_JITTER_SECONDS).div_ceil(INTERVAL_SECONDS);
            // A cursor at the very end of the range is none that a server gave out.
            seen.checked_add(jitter).unwrap_or(current)
        }
        _ => current,
    }
}
