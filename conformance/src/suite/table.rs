//! The cases as a table for the documentation.

use std::fmt::Write as _;

use super::case::{Case, Needs};

/// One row for each first word of the ids, in order, with the cases that have it.
pub fn table(cases: &[Case]) -> String {
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    for case in cases {
        let (word, rest) = case.id().split_once('.').unwrap_or((case.id(), ""));
        let only = match case.needs() {
            Needs::Http1(_) => " (HTTP/1.1)",
            Needs::Http2(_) => " (HTTP/2)",
            Needs::Trust => " (TLS)",
            Needs::Nothing | Needs::ConnectTimeout => "",
        };
        let text = format!("`{rest}`{only}");
        match rows.iter_mut().find(|(known, _)| *known == word) {
            Some((_, texts)) => texts.push(text),
            None => rows.push((word, vec![text])),
        }
    }
    // b2 before b10, and words without a number first.
    rows.sort_by_key(|(word, _)| {
        let number = word.strip_prefix('b').map(|rest| {
            let digits = rest.trim_end_matches(|c: char| !c.is_ascii_digit());
            digits.parse::<u32>().unwrap_or(0)
        });
        (number, *word)
    });
    let mut table = "| | cases |\n|---|---|\n".to_owned();
    for (word, texts) in rows {
        let name = match word.strip_prefix('b') {
            Some(number) => format!("B{number}"),
            None => word.to_owned(),
        };
        // Writing to a string does not fail.
        let _ = writeln!(table, "| {name} | {} |", texts.join("<br>"));
    }
    table
}
