//! What a case is given.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use durable_streams_client::{Timer, Transport};
use futures_util::future::{Either, select};

use super::subject::{Protocol, Subject};
use crate::script::{Reply, ScriptServer};

thread_local! {
    static PATIENCE: Cell<Duration> = const { Cell::new(Duration::from_secs(30)) };
}

/// How long a case that has this thread for itself waits for what should happen at once.
pub(crate) fn patience() -> Duration {
    PATIENCE.get()
}

pub(super) fn set_patience(limit: Duration) {
    PATIENCE.set(limit);
}

/// The subject of a case, and what it is to speak.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) subject: Subject,
    pub(crate) protocol: Protocol,
}

impl Context {
    /// A transport as its users get it, which speaks what the case is run for.
    #[track_caller]
    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        let made = self.subject.make(self.protocol);
        made.expect("only asked to speak what it can")
            .expect("the transport can be made")
    }

    /// A transport that trusts this certificate. For cases that [need](super::Needs::Trust) it.
    #[track_caller]
    pub(crate) fn trusting(&self, root: &[u8]) -> Arc<dyn Transport> {
        let made = self.subject.make_trusting(root);
        made.expect("the case says that it needs this")
            .expect("the transport can be made")
    }

    /// A transport that gives a connection no longer than this. For cases that [need](super::Needs::ConnectTimeout) it.
    #[track_caller]
    pub(crate) fn connecting_within(&self, limit: Duration) -> Arc<dyn Transport> {
        let made = self.subject.make_connecting_within(limit);
        made.expect("the case says that it needs this")
            .expect("the transport can be made")
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.protocol == Protocol::Http2
    }

    pub(crate) fn timer(&self) -> Arc<dyn Timer> {
        self.subject.timer()
    }

    /// A server that has these replies.
    pub(crate) async fn serve(&self, replies: impl IntoIterator<Item = Reply>) -> ScriptServer {
        let server = ScriptServer::start().await.expect("a free port");
        server.replies(replies);
        server
    }

    /// What should happen soon, or the case fails.
    pub(crate) async fn within<T>(&self, future: impl Future<Output = T>) -> T {
        let limit = self.timer().sleep(self.subject.limit());
        match select(pin!(future), limit).await {
            Either::Left((done, _)) => done,
            Either::Right(_) => panic!("this hangs: nothing for {:?}", self.subject.limit()),
        }
    }
}
