//! How many requests are in flight when they overtake each other.

use crate::machine::RequestId;

/// How many stored batches in a row bring back one more request in flight, at first.
const PATIENCE: u32 = 16;
/// However often requests overtake each other, it is tried again after so many.
const MAX_PATIENCE: u32 = 4096;

/// The number of requests that may be in flight, as the way to the server has proved to keep their order.
///
/// Over several connections requests can arrive in another order than they were sent in. A server turns down those that came too
/// early (§5.2.1), and they have to be sent again: that costs more than it gains where it happens often. So their number is halved
/// with each time, and grows by one after a while without; a while that gets longer with each time, too.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    now: usize,
    /// Batches stored since the last change.
    calm: u32,
    patience: u32,
    /// What was sent up to this one is no news any more: of those that were sent together, many can have been overtaken.
    known: RequestId,
}

impl Pace {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            now: most,
            calm: 0,
            patience: PATIENCE,
            known: RequestId(0),
        }
    }

    /// How many requests may be in flight.
    pub(super) fn limit(&self) -> usize {
        self.now
    }

    /// A batch was stored.
    pub(super) fn stored(&mut self) {
        self.calm = self.calm.saturating_add(1);
        if self.calm < self.patience {
            return;
        }
        self.calm = 0;
        if self.now < self.most {
            self.now += 1;
        } else {
            self.patience = PATIENCE;
        }
    }

    /// A request arrived before one that was sent earlier. `last` is the one that was sent last.
    pub(super) fn overtaken(&mut self, request: RequestId, last: RequestId) {
        if request <= self.known {
            return;
        }
        self.known = last;
        self.now = (self.now / 2).max(1);
        self.calm = 0;
        self.patience = (self.patience * 2).min(MAX_PATIENCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(pace: &mut Pace, batches: u32) {
        (0..batches).for_each(|_| pace.stored());
    }

    fn overtaken(pace: &mut Pace) {
        let next = RequestId(pace.known.0 + 1);
        pace.overtaken(next, next);
    }

    #[test]
    fn it_falls_fast_and_rises_slowly() {
        let mut pace = Pace::new(5);
        assert_eq!(pace.limit(), 5);
        // Of one volley, three were too early.
        for request in [5, 3, 4] {
            pace.overtaken(RequestId(request), RequestId(6));
        }
        assert_eq!(pace.limit(), 2);
        overtaken(&mut pace);
        overtaken(&mut pace);
        assert_eq!(pace.limit(), 1);
        stored(&mut pace, 8 * PATIENCE - 1);
        assert_eq!(pace.limit(), 1);
        pace.stored();
        assert_eq!(pace.limit(), 2);
        stored(&mut pace, 3 * 8 * PATIENCE);
        assert_eq!(pace.limit(), 5);
        // Once it stood the test at full width, it is as patient as at first.
        stored(&mut pace, 8 * PATIENCE);
        overtaken(&mut pace);
        stored(&mut pace, 2 * PATIENCE);
        assert_eq!(pace.limit(), 3);
    }

    #[test]
    fn where_two_always_overtake_each_other_few_are_sent_again() {
        let mut pace = Pace::new(5);
        let (mut sent, mut again) = (0, 0);
        while sent < 10_000 {
            let volley = pace.limit();
            sent += volley;
            again += volley - 1;
            if volley > 1 {
                overtaken(&mut pace);
            }
            stored(&mut pace, u32::try_from(volley).unwrap());
        }
        assert!(again * 100 < sent, "{again} of {sent}");
    }
}
