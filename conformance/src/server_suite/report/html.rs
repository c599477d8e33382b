//! The report as one page of HTML that needs nothing else: to be read, filtered and passed on.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Report;
use crate::server_suite::exchange::Exchange;
use crate::server_suite::ledger;
use crate::server_suite::outcome::{Outcome, Run};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

impl Report {
    /// As a page of HTML.
    pub fn to_html(&self) -> String {
        let counts = self.counts();
        let kinds = [
            ("fail", counts.fail),
            ("warn", counts.warn),
            ("blocked", counts.blocked),
            ("error", counts.error),
            ("skip", counts.skip),
            ("disabled", counts.disabled),
            ("pass", counts.pass),
        ];
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.verdict()) " – " (self.root) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { (self.verdict()) }
                        p { code { (self.root) } }
                        div.bar role="img" aria-label="How many cases came to what" {
                            @for (kind, count) in kinds {
                                @if count > 0 {
                                    span class=(kind) style={ "flex-grow:" (count) } title={ (count) " " (kind) } {}
                                }
                            }
                        }
                        nav {
                            input type="search" placeholder="Filter: id, title, requirement" aria-label="Filter";
                            @for (kind, count) in kinds {
                                button type="button" class=(kind) data-kind=(kind) aria-pressed="true" disabled[count == 0] {
                                    b { (count) } " " (kind)
                                }
                            }
                        }
                    }
                    main {
                        @for (area, runs) in self.areas() {
                            section {
                                h2 { (area) }
                                @for run in runs { (case(run)) }
                            }
                        }
                    }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string()
    }

    /// The cases by the first word of their ids.
    fn areas(&self) -> Vec<(&str, Vec<&Run>)> {
        let mut areas: Vec<(&str, Vec<&Run>)> = Vec::new();
        for run in &self.runs {
            let area = run.case.split('.').next().unwrap_or_default();
            match areas.iter_mut().find(|(known, _)| *known == area) {
                Some((_, runs)) => runs.push(run),
                None => areas.push((area, vec![run])),
            }
        }
        areas
    }
}

fn case(run: &Run) -> Markup {
    let kind = run.outcome.name();
    let is_open = matches!(run.outcome, Outcome::Fail(_) | Outcome::Error(_));
    html! {
        details.case data-kind=(kind) open[is_open] {
            summary {
                span.kind.(kind) { (kind) }
                span.title { (run.title) }
                code { (run.case) }
                span.time { (format!("{:.0} ms", run.time.as_secs_f64() * 1000.0)) }
            }
            @match &run.outcome {
                Outcome::Pass => {}
                Outcome::Fail(failure) | Outcome::Warn(failure) => {
                    dl {
                        dt { "Expected" } dd { (failure.expected) }
                        dt { "Got" } dd { (failure.actual) }
                    }
                }
                Outcome::Skip(why) | Outcome::Disabled(why) | Outcome::Blocked(why) | Outcome::Error(why) => {
                    p { (why.why) }
                }
            }
            ul.covers {
                @for id in &run.covers {
                    li {
                        b { (id) }
                        @if let Some(requirement) = ledger::requirement(id) {
                            " §" (requirement.section()) ": " (requirement.words())
                        }
                    }
                }
            }
            @for (number, exchange) in run.exchanges.iter().enumerate() {
                (transcript(number, exchange, run.shown_exchange() == Some(exchange)))
            }
        }
    }
}

fn transcript(number: usize, exchange: &Exchange, is_open: bool) -> Markup {
    html! {
        details.exchange open[is_open] {
            summary {
                "Exchange " (number) ": " (exchange.method) " → "
                @match exchange.status { Some(status) => (status), None => "no answer" }
            }
            pre.curl { (exchange.to_curl()) }
            pre {
                (exchange.method) " " (exchange.url) "\n"
                @for (name, value) in &exchange.headers { (name) ": " (value) "\n" }
                @if !exchange.body.is_empty() { "\n" (exchange.body) }
            }
            pre {
                @if let Some(status) = exchange.status { (status) "\n" }
                @for (name, value) in &exchange.answer_headers { (name) ": " (value) "\n" }
                @if !exchange.answer_body.is_empty() { "\n" (exchange.answer_body) }
                @if let Some(error) = &exchange.error { "\n" (error) }
            }
        }
    }
}
