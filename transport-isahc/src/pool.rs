//! Clients of isahc for one exchange at a time each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use durable_streams_client::{FailureKind, TransportError};
use isahc::{Error, HttpClient};

/// How many clients are kept that have nothing to do. Each is a thread, and most have a connection.
const MOST_IDLE: usize = 8;

/// How long they are kept. Less than what servers and balancers commonly wait (60 s), so that a request seldom meets
/// a connection that the other side is just giving up.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Clients that have nothing to do, and how to make more.
///
/// isahc does not look at whether anybody still waits for an exchange until the next byte of it arrives. A client that
/// is dropped closes its connections at once. So each exchange has a client to itself, and takes it along.
pub(crate) struct Pool {
    build: Box<dyn Fn() -> Result<HttpClient, Error> + Send + Sync>,
    /// With the time since when. The one that was used last is the last.
    idle: Mutex<Vec<(HttpClient, Instant)>>,
}

impl Pool {
    /// A pool of clients that are built like this. The first one shows whether they can be.
    pub(crate) fn new(
        build: impl Fn() -> Result<HttpClient, Error> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, Error> {
        let first = (build()?, Instant::now());
        Ok(Arc::new(Self {
            build: Box::new(build),
            idle: Mutex::new(vec![first]),
        }))
    }

    /// The client that was used last, or a new one.
    pub(crate) fn take(self: &Arc<Self>) -> Result<(Lease, HttpClient), TransportError> {
        self.end_old(Instant::now());
        let last = self.idle().pop();
        match last {
            Some((client, _)) => Ok(self.lease(client)),
            None => self.make(),
        }
    }

    /// A new client: it has no connection that was used before.
    pub(crate) fn make(self: &Arc<Self>) -> Result<(Lease, HttpClient), TransportError> {
        match (self.build)() {
            Ok(client) => Ok(self.lease(client)),
            // The first one could be built. It is for want of threads or files, and may pass.
            Err(error) => Err(TransportError::new(FailureKind::Connect).with_source(error)),
        }
    }

    fn lease(self: &Arc<Self>, client: HttpClient) -> (Lease, HttpClient) {
        let lease = Lease {
            client: Some(client.clone()),
            pool: Arc::clone(self),
        };
        (lease, client)
    }

    fn end_old(&self, now: Instant) {
        let mut idle = self.idle();
        let old =
            idle.partition_point(|(_, since)| now.saturating_duration_since(*since) > IDLE_TIMEOUT);
        idle.drain(..old).for_each(|(client, _)| end(client));
    }

    fn put(&self, client: HttpClient) {
        let mut idle = self.idle();
        idle.push((client, Instant::now()));
        if idle.len() > MOST_IDLE {
            end(idle.remove(0).0);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(HttpClient, Instant)>> {
        // No step leaves it broken.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.idle().drain(..).for_each(|(client, _)| end(client));
    }
}

/// Drops a client elsewhere. It waits for its thread, which may be resolving a name, or be the one that drops it.
fn end(client: HttpClient) {
    // Without a thread for that, it is dropped here.
    drop(thread::Builder::new().spawn(move || drop(client)));
}

/// The last to hold the client of an exchange. Unless it is given back, the client ends when this is dropped.
pub(crate) struct Lease {
    /// There until then.
    client: Option<HttpClient>,
    pool: Arc<Pool>,
}

impl Lease {
    /// The exchange was carried to its end, and another may follow.
    pub(crate) fn give_back(mut self) {
        if let Some(client) = self.client.take() {
            self.pool.put(client);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            end(client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_that_was_used_last_is_the_next_and_few_are_kept() {
        let pool = Pool::new(HttpClient::new).unwrap();
        let leases: Vec<_> = (0..MOST_IDLE + 3).map(|_| pool.take().unwrap().0).collect();
        assert!(pool.idle().is_empty());
        leases.into_iter().for_each(Lease::give_back);
        assert_eq!(pool.idle().len(), MOST_IDLE);

        let last = pool.idle()[MOST_IDLE - 1].1;
        let (lease, _) = pool.take().unwrap();
        assert!(pool.idle().iter().all(|(_, since)| *since <= last));
        assert_eq!(pool.idle().len(), MOST_IDLE - 1);
        drop(lease);
        assert_eq!(pool.idle().len(), MOST_IDLE - 1);
    }

    #[test]
    fn a_client_that_is_idle_for_long_is_not_used_again() {
        let pool = Pool::new(HttpClient::new).unwrap();
        let since = pool.idle()[0].1;
        pool.end_old(since + IDLE_TIMEOUT);
        assert_eq!(pool.idle().len(), 1);
        pool.end_old(since + 2 * IDLE_TIMEOUT);
        assert!(pool.idle().is_empty());
    }
}
