//! A clock that needs no runtime.

use std::future::pending;
use std::time::{Duration, Instant};

use durable_streams_client::{BoxFuture, Timer};
use futures_timer::Delay;

/// Measures and waits by the clock of the system.
///
/// Its futures are made and polled anywhere: one thread of [`futures_timer`] wakes them all.
#[derive(Debug, Clone, Copy, Default)]
pub struct FuturesTimer;

impl Timer for FuturesTimer {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        match Instant::now().checked_add(duration) {
            Some(_) => Box::pin(Delay::new(duration)),
            // Beyond what a clock can say.
            None => Box::pin(pending()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    #[test]
    fn it_waits_on_any_thread() {
        let timer = FuturesTimer;
        let begin = timer.now();
        block_on(timer.sleep(Duration::from_millis(5)));
        assert!(timer.now() - begin >= Duration::from_millis(5));
    }

    #[test]
    fn any_duration_is_taken() {
        drop(FuturesTimer.sleep(Duration::MAX));
    }
}
