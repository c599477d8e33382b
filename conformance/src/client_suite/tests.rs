//! The table of the cases in the documentation is true.

use std::fs;
use std::path::Path;

use crate::suite::table;
use crate::{client_suite, kit};

fn documented() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("CASES.md");
    fs::read_to_string(file).unwrap()
}

#[test]
fn the_cases_are_documented() {
    let mut cases = kit::cases();
    cases.extend(client_suite::cases());
    let documented = documented();
    let (_, rows) = documented.split_once("\n\n| ").unwrap();
    let command = "cargo run -p durable-streams-conformance -- client --list md";
    assert!(
        format!("| {rows}") == table(&cases),
        "CASES.md is out of date: its table is what `{command}` prints"
    );
}

#[test]
fn every_behaviour_has_a_case() {
    let documented = documented();
    // B72 is about who receives webhooks, and no server is asked for them.
    for number in (1..=76).filter(|&number| number != 72) {
        let row = format!("| B{number} | `");
        assert!(documented.contains(&row), "B{number} has no case");
    }
}
