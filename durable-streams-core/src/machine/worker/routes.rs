//! Which machine inside the worker a request belongs to. Outside each has an id of its own.

use crate::machine::RequestId;

/// A machine inside the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What is asked of the subscription: one request at a time.
    Control,
    /// The reader of the wakes.
    Wakes,
    /// The reader of a stream, by its number.
    Stream(u64),
}

#[derive(Debug)]
struct Route {
    outer: RequestId,
    part: Part,
    inner: RequestId,
}

/// The requests in flight.
#[derive(Debug, Default)]
pub(super) struct Routes {
    open: Vec<Route>,
    last: u64,
}

impl Routes {
    /// A part sends a request: its id outside.
    pub(super) fn open(&mut self, part: Part, inner: RequestId) -> RequestId {
        self.last += 1;
        let outer = RequestId(self.last);
        self.open.push(Route { outer, part, inner });
        outer
    }

    /// Whose it is, and its id there.
    pub(super) fn find(&self, outer: RequestId) -> Option<(Part, RequestId)> {
        let route = self.open.iter().find(|route| route.outer == outer)?;
        Some((route.part, route.inner))
    }

    /// It is over.
    pub(super) fn end(&mut self, outer: RequestId) {
        self.open.retain(|route| route.outer != outer);
    }

    /// A part drops a request.
    pub(super) fn abort(&mut self, part: Part, inner: RequestId) -> Option<RequestId> {
        let is_it = |route: &Route| route.part == part && route.inner == inner;
        let index = self.open.iter().position(is_it)?;
        Some(self.open.swap_remove(index).outer)
    }

    /// A part is gone, and with it what it had in flight.
    pub(super) fn close(&mut self, part: Part) -> Vec<RequestId> {
        let (gone, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|route| route.part == part);
        self.open = open;
        gone.into_iter().map(|route: Route| route.outer).collect()
    }

    /// Everything is gone.
    pub(super) fn close_all(&mut self) -> Vec<RequestId> {
        self.open.drain(..).map(|route| route.outer).collect()
    }
}
