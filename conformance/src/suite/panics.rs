//! A failed assertion as text: its message and where it was.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::pin::Pin;
use std::sync::Once;
use std::task::{Context, Poll};

thread_local! {
    /// Whether a panic of this thread is ours now.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static SEEN: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Gives what the future gives, or the text of its panic, which is not printed. All other panics are printed as before.
pub(super) async fn caught<T>(future: impl Future<Output = T> + Send) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if WATCHED.get() {
                SEEN.set(Some(described(info)));
            } else {
                others(info);
            }
        }));
    });
    Watched(Box::pin(future)).await
}

fn described(info: &PanicHookInfo<'_>) -> String {
    let message = message(info.payload());
    match info.location() {
        Some(at) => format!("{message}\nat {}:{}", at.file(), at.line()),
        None => message,
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

struct Watched<'a, T>(Pin<Box<dyn Future<Output = T> + Send + 'a>>);

impl<T> Future for Watched<'_, T> {
    type Output = Result<T, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let before = WATCHED.replace(true);
        let polled = panic::catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx)));
        WATCHED.set(before);
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(payload) => {
                let seen = SEEN.take();
                Poll::Ready(Err(seen.unwrap_or_else(|| message(&*payload))))
            }
        }
    }
}
