//! What was measured, for people and programs.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use super::{Better, Row};

/// A run of the benchmarks.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What was measured against.
    pub server: String,
    /// The numbers.
    pub rows: Vec<Row>,
}

const METHOD: &str = "Each number is the median of the rounds, in which the client and a bare loop over the same HTTP stack take \
    turns with the same requests. The ratio is the client's number over that of the bare loop, the median of the rounds' ratios; \
    what has none is the client's alone.";

impl Report {
    /// As a table in Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "# Benchmarks against {}\n\n{METHOD}\n\n| scenario | transport | what | client | bare | ratio |\n|---|---|---|---:|---:|---:|\n",
            self.server
        );
        for row in &self.rows {
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                row.scenario,
                row.transport,
                row.what,
                number(row.client),
                row.bare.map_or_else(String::new, number),
                row.ratio.map_or_else(String::new, ratio),
            ));
        }
        text
    }

    /// As JSON.
    ///
    /// # Errors
    /// None that is known: everything in it can be written.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// As a page with a picture of the ratios.
    #[must_use]
    pub fn to_html(&self) -> String {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { "Benchmarks" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { "Benchmarks against " (self.server) }
                    p { (METHOD) }
                    (self.picture())
                    table {
                        tr {
                            @for head in ["scenario", "transport", "what", "client", "bare", "ratio"] { th { (head) } }
                        }
                        @for row in &self.rows {
                            tr {
                                td { (row.scenario) }
                                td { (row.transport) }
                                td { (row.what) }
                                td.number { (number(row.client)) }
                                td.number { (row.bare.map_or_else(String::new, number)) }
                                td.number { (row.ratio.map_or_else(String::new, ratio)) }
                            }
                        }
                    }
                }
            }
        };
        page.into_string()
    }

    /// A bar for each ratio. The line is where the client is as good as the bare stack; left of it is worse.
    fn picture(&self) -> Markup {
        const LEFT: f64 = 430.0;
        const UNIT: f64 = 200.0;
        const HEIGHT: usize = 18;
        let bars: Vec<(&Row, f64)> = self
            .rows
            .iter()
            .filter_map(|row| Some((row, row.ratio?)))
            .collect();
        let height = bars.len() * HEIGHT + 4;
        html! {
            svg width="900" height=(height) role="img" aria-label="ratios of the client to the bare stack" {
                @for (index, (row, ratio)) in bars.iter().enumerate() {
                    @let top = index * HEIGHT;
                    // How good it is, whichever way is better.
                    @let good = if row.better == Better::More { *ratio } else { 1.0 / ratio };
                    text x="0" y=(top + 13) { (row.transport) ": " (row.what) }
                    rect class=(if good < 0.9 { "worse" } else { "same" }) x=(LEFT) y=(top + 2) height=(HEIGHT - 4)
                        width=(format!("{:.1}", good.clamp(0.0, 2.0) * UNIT)) {}
                    text x=(LEFT + 4.0) y=(top + 13) { (self::ratio(*ratio)) }
                }
                line x1=(LEFT + UNIT) x2=(LEFT + UNIT) y1="0" y2=(height) {}
            }
        }
    }
}

const STYLE: &str = "body{font:14px sans-serif;max-width:60em;margin:2em auto}svg text{font-size:11px}\
    rect.same{fill:#9bd3a6}rect.worse{fill:#f0b49a}line{stroke:#333}td,th{padding:2px 8px;text-align:left}\
    td.number{text-align:right}";

fn number(number: f64) -> String {
    if number >= 100.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    }
}

fn ratio(ratio: f64) -> String {
    format!("{ratio:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_every_number_and_the_ratio() {
        let row = |what: &str, bare| Row {
            scenario: "append",
            transport: "hyper",
            what: what.into(),
            better: Better::Less,
            client: 120.0,
            bare,
            ratio: bare.map(|_| 1.25),
        };
        let rows = vec![row("a <time>", Some(100.0)), row("memory", None)];
        let server = "http://h".into();
        let report = Report { server, rows };
        let markdown = report.to_markdown();
        assert!(markdown.contains("| append | hyper | a <time> | 120 | 100 | 1.25 |"));
        assert!(markdown.contains("| append | hyper | memory | 120 |  |  |"));
        let html = report.to_html();
        assert!(html.contains("<svg") && html.contains("a &lt;time&gt;") && html.contains("1.25"));
        let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        assert_eq!(json["rows"][0]["better"], "less");
        assert_eq!(json["rows"][1]["bare"], serde_json::Value::Null);
    }
}
