//! A runtime of the client's own, for programs that have none.

use std::io;
use std::sync::Arc;
use std::thread;

use durable_streams_client::BoxFuture;
use durable_streams_client::blocking::Context;
use tokio::runtime::{Builder, EnterGuard, Handle};
use tokio::sync::oneshot;

/// A tokio runtime on a thread of its own. It ends with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Background(Arc<Running>);

#[derive(Debug)]
struct Running {
    runtime: Handle,
    /// Gone when this is dropped: that is the word to stop.
    _stop: oneshot::Sender<()>,
}

impl Background {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("durable-streams".to_owned());
        // An error is the word: the sender is gone.
        thread.spawn(move || runtime.block_on(stopped).is_ok())?;
        Ok(Self(Arc::new(Running {
            runtime: handle,
            _stop: stop,
        })))
    }

    pub(crate) fn spawn(&self, work: BoxFuture<'static, ()>) {
        self.0.runtime.spawn(work);
    }
}

impl Context for Background {
    type Guard<'a> = EnterGuard<'a>;

    fn enter(&self) -> EnterGuard<'_> {
        self.0.runtime.enter()
    }
}
