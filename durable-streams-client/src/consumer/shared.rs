//! What the handles of a consumer, or of a worker, and its driver share.

use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use durable_streams_core::{Checkpoint, Error, ErrorKind};

use super::Ended;

/// What the handles want of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Wish {
    #[default]
    Run,
    Pause,
    Stop,
}

#[derive(Debug, Default)]
pub(crate) struct Shared(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    wish: Wish,
    /// The driver rests, because it was wished for.
    resting: bool,
    committed: Option<Checkpoint>,
    end: Option<Result<Ended, Error>>,
    driver: Option<Waker>,
    waiting: Vec<Waker>,
}

impl Shared {
    fn look<T>(&self, question: impl FnOnce(&mut State) -> T) -> T {
        question(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state, and wakes whoever waits for changes when the lock is open again.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let (driver, waiting) = self.look(|state| {
            change(state);
            (state.driver.take(), std::mem::take(&mut state.waiting))
        });
        driver.into_iter().chain(waiting).for_each(Waker::wake);
    }

    pub(crate) fn wish(&self) -> Wish {
        self.look(|state| state.wish)
    }

    /// Pauses or goes on. What was stopped stays so.
    pub(crate) fn want(&self, wish: Wish) {
        self.change(|state| {
            if state.wish != Wish::Stop {
                state.wish = wish;
            }
        });
    }

    /// Waits until the wish is another than this.
    pub(crate) fn poll_other_wish(&self, than: Wish, cx: &Context<'_>) -> Poll<Wish> {
        self.look(|state| {
            if state.wish != than {
                return Poll::Ready(state.wish);
            }
            state.driver = Some(cx.waker().clone());
            Poll::Pending
        })
    }

    pub(crate) fn rest(&self, resting: bool) {
        self.change(|state| state.resting = resting);
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.look(|state| state.resting)
    }

    /// Waits until it rests, or will not come to rest.
    pub(crate) fn poll_rest(&self, cx: &Context<'_>) -> Poll<()> {
        self.look(|state| {
            let over = state.end.is_some() || state.wish == Wish::Run;
            if state.resting || over {
                return Poll::Ready(());
            }
            state.wait(cx);
            Poll::Pending
        })
    }

    pub(crate) fn committed(&self) -> Option<Checkpoint> {
        self.look(|state| state.committed.clone())
    }

    pub(crate) fn commit(&self, checkpoint: &Checkpoint) {
        self.look(|state| state.committed = Some(checkpoint.clone()));
    }

    /// The first end is the one that counts.
    pub(crate) fn end(&self, result: Result<Ended, Error>) {
        self.change(|state| {
            state.end.get_or_insert(result);
        });
    }

    pub(crate) fn abandon(&self) {
        let why = "the driver was dropped before it was done";
        self.end(Err(Error::new(ErrorKind::Stopped, why)));
    }

    pub(crate) fn poll_end(&self, cx: &Context<'_>) -> Poll<Result<Ended, Error>> {
        self.look(|state| match &state.end {
            Some(end) => Poll::Ready(end.clone()),
            None => {
                state.wait(cx);
                Poll::Pending
            }
        })
    }

    pub(crate) fn ended(&self) -> Option<Result<Ended, Error>> {
        self.look(|state| state.end.clone())
    }
}

impl State {
    fn wait(&mut self, cx: &Context<'_>) {
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
    }
}
