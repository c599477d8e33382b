//! Ways to break the server, one at a time, so that a suite for servers can show that it notices.
//!
//! A server goes wrong in what it takes a request for, in what it does, or in what it says. The first and the last are
//! distortions at its edges, done by the listener; in between a rule of the model does not hold, which the model asks
//! where the rule is: `flaws.has(Flaw::…)`.

mod asked;
mod edit;
mod flaw;
mod table;
mod unbroken;

use std::fmt;

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_LENGTH;
use http::response::Parts;

pub(crate) use asked::Asked;
pub(crate) use flaw::{Flaw, Flaws};
pub use unbroken::UNBROKEN;

/// One thing that the server does wrong.
#[derive(Clone, Copy)]
pub struct Defect {
    id: &'static str,
    requirement: &'static str,
    case: &'static str,
    what: &'static str,
    misreads: Option<fn(&Asked, &mut Request<Bytes>)>,
    breaks: Option<Flaw>,
    says: Option<fn(&Asked, &mut Parts)>,
    writes: Option<fn(&Asked, &str) -> String>,
}

const fn defect(
    id: &'static str,
    requirement: &'static str,
    case: &'static str,
    what: &'static str,
) -> Defect {
    Defect {
        id,
        requirement,
        case,
        what,
        misreads: None,
        breaks: None,
        says: None,
        writes: None,
    }
}

impl Defect {
    /// It takes a request for another one.
    const fn misreads(mut self, change: fn(&Asked, &mut Request<Bytes>)) -> Self {
        self.misreads = Some(change);
        self
    }

    /// It does not keep a rule.
    const fn breaks(mut self, flaw: Flaw) -> Self {
        self.breaks = Some(flaw);
        self
    }

    /// The head of an answer is another one.
    const fn says(mut self, change: fn(&Asked, &mut Parts)) -> Self {
        self.says = Some(change);
        self
    }

    /// A piece of a body is another one: a whole body, as long as it is short, or some events.
    const fn writes(mut self, change: fn(&Asked, &str) -> String) -> Self {
        self.writes = Some(change);
        self
    }

    /// All of them, in the order of the protocol.
    pub fn all() -> impl Iterator<Item = Self> {
        table::ALL.iter().copied().flatten().copied()
    }

    /// The one of this name.
    pub fn named(id: &str) -> Option<Self> {
        Self::all().find(|defect| defect.id == id)
    }

    /// Its name, which is stable: `append.no-offset`.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The requirement that it breaks, by the id in the ledger of the server suite.
    pub fn requirement(&self) -> &'static str {
        self.requirement
    }

    /// The case of the server suite that finds it.
    pub fn case(&self) -> &'static str {
        self.case
    }

    /// What the server does.
    pub fn what(&self) -> &'static str {
        self.what
    }

    /// The rule of the model that does not hold, if it is one.
    pub(crate) fn flaw(&self) -> Option<Flaw> {
        self.breaks
    }

    /// Changes a request, if this is about such a request.
    pub(crate) fn misread(&self, asked: &Asked, request: &mut Request<Bytes>) {
        if let Some(change) = self.misreads {
            change(asked, request);
        }
    }

    /// Changes the head of an answer, if this is about such an answer.
    pub(crate) fn distort(&self, asked: &Asked, head: &mut Parts) {
        if let Some(change) = self.says {
            change(asked, head);
        }
        if self.writes.is_some() {
            // How long the body will be is not known.
            head.headers.remove(CONTENT_LENGTH);
        }
    }

    /// Changes a piece of the body of an answer, if this is about such an answer.
    pub(crate) fn garble(&self, asked: &Asked, piece: Bytes) -> Bytes {
        match (self.writes, std::str::from_utf8(&piece)) {
            (Some(change), Ok(text)) => Bytes::from(change(asked, text)),
            _ => piece,
        }
    }
}

impl fmt::Debug for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Defect").field(&self.id).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique() {
        let ids: BTreeSet<_> = Defect::all().map(|defect| defect.id).collect();
        assert_eq!(ids.len(), Defect::all().count());
        assert!(Defect::named("append.no-offset").is_some());
        assert!(Defect::named("append").is_none());
    }

    #[test]
    fn no_two_break_the_same_rule() {
        let flaws: Vec<_> = Defect::all().filter_map(|defect| defect.flaw()).collect();
        for (number, flaw) in flaws.iter().enumerate() {
            assert!(!flaws[..number].contains(flaw), "{flaw:?} twice");
        }
    }

    #[test]
    fn each_does_something_wrong() {
        for defect in Defect::all() {
            let does = defect.misreads.is_some()
                || defect.breaks.is_some()
                || defect.says.is_some()
                || defect.writes.is_some();
            assert!(does, "{}", defect.id);
        }
    }
}
