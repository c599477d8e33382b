//! The clock of a tokio runtime.

use std::future::pending;
use std::time::{Duration, Instant};

use durable_streams_client::{BoxFuture, Timer};
use tokio::time;

/// Measures and waits by the clock of tokio, which a test can pause.
///
/// Its futures are polled in a tokio runtime whose time is enabled; they can be made anywhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioTimer;

impl Timer for TokioTimer {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        // The time runs from here, not from the first poll; but tokio's own future can only be made in a runtime.
        let deadline = time::Instant::now().checked_add(duration);
        Box::pin(async move {
            match deadline {
                Some(deadline) => time::sleep_until(deadline).await,
                // Beyond what a clock can say.
                None => pending().await,
            }
        })
    }

    fn now(&self) -> Instant {
        time::Instant::now().into_std()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_waits_by_the_clock_of_tokio() {
        let timer = TokioTimer;
        let begin = timer.now();
        timer.sleep(Duration::from_secs(60)).await;
        assert!(timer.now() - begin >= Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_runs_from_where_it_was_asked_for() {
        let timer = TokioTimer;
        let begin = timer.now();
        let (first, second) = (
            timer.sleep(Duration::from_secs(60)),
            timer.sleep(Duration::from_secs(60)),
        );
        first.await;
        second.await;
        assert!(timer.now() - begin < Duration::from_secs(61));
    }

    #[test]
    fn a_future_is_made_outside_of_a_runtime_and_any_duration_is_taken() {
        drop(TokioTimer.sleep(Duration::MAX));
    }
}
