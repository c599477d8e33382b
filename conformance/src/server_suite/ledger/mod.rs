//! What a server must do, statement by statement, in the order of the protocol.
//!
//! Each statement stands for itself: who writes a server can read it without the text of the protocol. Where that
//! text is unclear, or allows more than one reading, the statement says which are accepted, and a case accepts all
//! of them. Ids are stable: cases name the statements that they check.

mod append;
mod create;
mod forks;
mod json;
mod live;
mod model;
mod offsets;
mod producers;
mod reading;
mod serving;
mod subscriptions;

/// How strongly the protocol asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Force {
    /// It says MUST or MUST NOT.
    Must,
    /// It says so without a keyword: a status code, a header, a row of a table.
    Promised,
    /// It says SHOULD or SHOULD NOT.
    Should,
    /// It comes from an RFC that the protocol leans on.
    Rfc,
}

/// One thing that a server must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requirement {
    id: &'static str,
    section: &'static str,
    force: Force,
    words: &'static str,
}

impl Requirement {
    /// Its id, which is stable: `5.2-15`.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The section of the protocol that says so, `5.2`, or two of them, `5.2/12.4`. A bare `9110` is RFC 9110.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.section
    }

    /// How strongly the protocol asks for it.
    #[must_use]
    pub fn force(&self) -> Force {
        self.force
    }

    /// What a server does, in one or a few sentences.
    #[must_use]
    pub fn words(&self) -> &'static str {
        self.words
    }
}

/// All of them, in the order of the protocol.
pub fn requirements() -> impl Iterator<Item = &'static Requirement> {
    PARTS.iter().copied().flatten()
}

/// The one with this id.
#[must_use]
pub fn requirement(id: &str) -> Option<&'static Requirement> {
    requirements().find(|requirement| requirement.id == id)
}

/// Those that no suite can check from outside, and why.
pub const UNOBSERVABLE: &[(&str, &str)] = &[
    (
        "5.1-25",
        "It asks for documentation, which no answer shows.",
    ),
    (
        "5.1-35",
        "Whether there is a limit, and where, is the operator's policy: a server that never answers 429 is right too.",
    ),
    (
        "5.2-01",
        "A server that takes appends never shows what it would answer if it took none.",
    ),
    (
        "5.2-08",
        "It asks for documentation, which no answer shows.",
    ),
    (
        "5.2.1-18",
        "It shows only in a crash at the moment between the two, which nobody outside can bring about.",
    ),
    (
        "5.2.1-19",
        "It asks for documentation, which no answer shows.",
    ),
    (
        "6.5-03",
        "A `kid` does not show what it was made from: thumbprints and random names look alike.",
    ),
    (
        "6.5-06",
        "When a server changes its keys is up to its operator: nobody outside can make it do so, and wait for it.",
    ),
    (
        "7.1-07",
        "What is stored is inside the server, and a retry may take so long that a lost one looks like a late one.",
    ),
    (
        "12-01",
        "Who may do what is the operator's policy: a server that is open to everybody on purpose is right too.",
    ),
    (
        "12-03",
        "Whether there is a limit, and where, is the operator's policy.",
    ),
    (
        "12-07",
        "It is about how a server is deployed: the one that a suite is pointed at need not be in production.",
    ),
    (
        "12-08",
        "A suite is told where the server listens, and cannot tell whether somebody had to tell the server.",
    ),
];

const PARTS: &[&[Requirement]] = &[
    model::ROWS,
    forks::ROWS,
    create::ROWS,
    append::ROWS,
    producers::ROWS,
    append::CLOSING,
    reading::ROWS,
    live::ROWS,
    subscriptions::ROWS,
    offsets::ROWS,
    json::ROWS,
    serving::ROWS,
];

const fn must(id: &'static str, section: &'static str, words: &'static str) -> Requirement {
    row(id, section, Force::Must, words)
}

const fn promised(id: &'static str, section: &'static str, words: &'static str) -> Requirement {
    row(id, section, Force::Promised, words)
}

const fn should(id: &'static str, section: &'static str, words: &'static str) -> Requirement {
    row(id, section, Force::Should, words)
}

const fn rfc(id: &'static str, section: &'static str, words: &'static str) -> Requirement {
    row(id, section, Force::Rfc, words)
}

const fn row(
    id: &'static str,
    section: &'static str,
    force: Force,
    words: &'static str,
) -> Requirement {
    Requirement {
        id,
        section,
        force,
        words,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The part and the number of an id: `5.2.1` and 7 of `5.2.1-07`.
    fn split(id: &str) -> (&str, usize) {
        let (part, number) = id.rsplit_once('-').expect("an id has a dash");
        assert_eq!(number.len(), 2, "{id}: a number has two digits");
        (part, number.parse().expect("an id ends with a number"))
    }

    #[test]
    fn none_is_missing() {
        assert_eq!(requirements().count(), 314);
    }

    #[test]
    fn ids_are_unique() {
        let mut seen = HashSet::new();
        for requirement in requirements() {
            assert!(seen.insert(requirement.id()), "{} twice", requirement.id());
        }
    }

    /// Within a part the numbers count from one; parts come in the order of their sections.
    #[test]
    fn they_are_in_the_order_of_the_protocol() {
        let mut last: Option<(Vec<usize>, usize)> = None;
        for requirement in requirements() {
            let (part, number) = split(requirement.id());
            let part: Vec<usize> = part
                .split('.')
                .map(|section| section.parse().expect("a section is a number"))
                .collect();
            match &last {
                Some((last, before)) if *last == part => {
                    assert_eq!(number, before + 1, "{}", requirement.id());
                }
                Some((last, _)) => {
                    assert!(*last < part, "{}", requirement.id());
                    assert_eq!(number, 1, "{}", requirement.id());
                }
                None => assert_eq!(number, 1, "{}", requirement.id()),
            }
            last = Some((part, number));
        }
    }

    #[test]
    fn each_is_said_in_whole_sentences() {
        for requirement in requirements() {
            let words = requirement.words();
            assert!(words.ends_with('.'), "{}: {words}", requirement.id());
            assert!(words.len() >= 30, "{}: {words}", requirement.id());
            // What a line break in the source can do to a sentence.
            assert!(!words.contains("  "), "{}: {words}", requirement.id());
            assert!(!words.contains('\n'), "{}: {words}", requirement.id());
        }
    }

    #[test]
    fn no_two_say_the_same() {
        let mut seen = HashSet::new();
        for requirement in requirements() {
            assert!(seen.insert(requirement.words()), "{}", requirement.id());
        }
    }

    #[test]
    fn they_are_found_by_id() {
        for wanted in requirements() {
            assert_eq!(requirement(wanted.id()), Some(wanted));
        }
        assert_eq!(requirement("5.2"), None);
        assert_eq!(requirement("5.2-99"), None);
    }

    #[test]
    fn what_cannot_be_checked_exists_and_has_a_reason() {
        let mut seen = HashSet::new();
        for (id, reason) in UNOBSERVABLE {
            assert!(requirement(id).is_some(), "{id} is not in the ledger");
            assert!(seen.insert(id), "{id} twice");
            assert!(
                reason.ends_with('.') && reason.len() >= 30,
                "{id}: {reason}"
            );
        }
    }
}
