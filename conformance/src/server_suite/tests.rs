//! The cases and the ledger belong together.

use std::collections::BTreeSet;

use super::ledger::{UNOBSERVABLE, requirement, requirements};
use super::{Capability, cases};

#[test]
fn every_requirement_has_a_case_or_a_reason() {
    let cases = cases();
    let covered: BTreeSet<_> = cases
        .iter()
        .flat_map(|case| case.covers())
        .copied()
        .collect();
    let excluded: BTreeSet<_> = UNOBSERVABLE.iter().map(|(id, _)| *id).collect();
    let wrong = requirements()
        .map(|one| one.id())
        .filter(|id| covered.contains(id) == excluded.contains(id));
    let wrong: Vec<_> = wrong.collect();
    assert!(
        wrong.is_empty(),
        "neither covered nor excluded, or both: {wrong:?}"
    );
    let unknown = covered.iter().filter(|id| requirement(id).is_none());
    let unknown: Vec<_> = unknown.collect();
    assert!(unknown.is_empty(), "no such requirements: {unknown:?}");
}

#[test]
fn cases_are_told_apart_and_explain_themselves() {
    let cases = cases();
    let ids: BTreeSet<_> = cases.iter().map(|case| case.id()).collect();
    assert_eq!(ids.len(), cases.len(), "ids are unique");
    for case in &cases {
        let id = case.id();
        assert_eq!(id.split('.').count(), 3, "{id}: area.subject.behaviour");
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        assert!(id.chars().all(legal), "{id}");
        assert!(!case.covers().is_empty(), "{id} covers something");
        assert!(
            case.title().len() > 20 && !case.title().ends_with('.'),
            "{id}"
        );
        if let Some(after) = case.depends_on() {
            assert!(after != id && ids.contains(after), "{id} builds on {after}");
        }
    }
    let names: BTreeSet<_> = Capability::ALL.iter().map(|one| one.name()).collect();
    assert_eq!(names.len(), Capability::ALL.len());
}
