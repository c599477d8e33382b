//! A thread with a runtime of its own, for servers that must not depend on the executor of whoever starts them.

use std::future::Future;
use std::io;
use std::thread;

use tokio::sync::oneshot;

/// Work on a thread of its own. Dropping it ends the work and whatever it has spawned, soon.
#[cfg_attr(
    not(feature = "embedded"),
    allow(dead_code, reason = "only the embedded server waits for the end")
)]
#[derive(Debug)]
pub(crate) struct Background {
    /// Gone when this is dropped: that is the word to stop.
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Background {
    /// Runs what `work` makes, in a runtime that is entered already when it is called.
    pub(crate) fn start<F>(
        name: &str,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        // An error is the word: the sender is gone.
                        _ = stopped => {}
                        () = work() => {}
                    }
                });
                drop(runtime);
                // Nobody may be waiting.
                let _ = end.send(());
            })?;
        Ok(Self { stop, ended })
    }

    /// Ends the work, and waits until that is done.
    #[cfg(feature = "embedded")]
    pub(crate) async fn shutdown(self) {
        drop(self.stop);
        // An error is a thread that panicked: it has ended as well.
        let _ = self.ended.await;
    }
}
