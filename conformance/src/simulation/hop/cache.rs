//! A shared cache in between, which may serve what it once saw.

use bytes::Bytes;
use http::response::Parts;

use crate::simulation::clock::Time;
use crate::simulation::tape::Tape;

/// Answers that anyone may share, by URL: several of one URL when it was answered differently over time.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pages: Vec<Cached>,
}

/// An answer that is kept.
#[derive(Debug, Clone)]
pub(super) struct Cached {
    url: String,
    /// When the server gave it.
    pub(super) born: Time,
    pub(super) head: Parts,
    pub(super) body: Vec<Bytes>,
}

impl Cached {
    pub(super) fn new(url: String, born: Time, head: Parts) -> Self {
        Self {
            url,
            born,
            head,
            body: Vec::new(),
        }
    }
}

/// More is not kept.
const PAGES: usize = 16;

impl Cache {
    pub(super) fn keep(&mut self, tape: &mut Tape, page: Cached) {
        if self.pages.len() < PAGES {
            self.pages.push(page);
        } else {
            let index = tape.index(PAGES);
            self.pages[index] = page;
        }
    }

    /// Some answer to this URL.
    pub(super) fn find(&self, tape: &mut Tape, url: &str) -> Option<Cached> {
        let matching = || self.pages.iter().filter(|page| page.url == url);
        let count = matching().count();
        if count == 0 {
            return None;
        }
        matching().nth(tape.index(count)).cloned()
    }
}
