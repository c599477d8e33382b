//! Writes events: the format of `text/event-stream`, in each of the ways that it has.

use bytes::Bytes;

use super::choice::SseStyle;
use super::config::Config;
use super::defect::Flaw;

/// Of a long text, how much at its beginning and at its end goes byte by byte.
const ENDS: usize = 200;

/// What writes the events of one answer.
#[derive(Debug)]
pub(super) struct Pen {
    styles: Vec<SseStyle>,
    /// The ends of lines that events take turns with.
    line_ends: Vec<&'static str>,
    /// How many events it has written.
    events: usize,
    out: String,
    /// What ends a line of content.
    ends: &'static [char],
}

impl Pen {
    pub(super) fn new(config: &Config) -> Self {
        let styles = &config.sse;
        let mut line_ends: Vec<_> = styles
            .iter()
            .filter_map(|style| match style {
                SseStyle::Cr => Some("\r"),
                SseStyle::CrLf => Some("\r\n"),
                SseStyle::Lf => Some("\n"),
                _ => None,
            })
            .collect();
        if line_ends.is_empty() {
            line_ends.push("\n");
        }
        Self {
            styles: styles.to_vec(),
            line_ends,
            events: 0,
            out: String::new(),
            ends: if config.flaws().has(Flaw::CarriageReturnsAreText) {
                &['\n']
            } else {
                &['\r', '\n']
            },
        }
    }

    fn has(&self, style: SseStyle) -> bool {
        self.styles.contains(&style)
    }

    /// One event, and whatever else belongs there. Every line of the payload gets its prefix, or content could pass for events.
    pub(super) fn event(&mut self, name: &str, payload: &str) {
        if self.events == 0 && self.has(SseStyle::Bom) {
            self.out.push('\u{feff}');
        }
        if self.has(SseStyle::Comments) {
            self.line(":");
            self.line(": event: control");
        }
        if self.has(SseStyle::Events) {
            self.strangers();
        }
        let fields = self.has(SseStyle::Fields);
        if fields {
            self.line("event: ignored, as another one follows");
            self.line("id: 7");
            self.line("retry: 5");
            self.line("Data: unknown, as fields have case");
            self.line("datum");
        } else {
            self.field("event", name);
        }
        for (number, line) in lines(payload, self.ends).enumerate() {
            if number > 0 && self.has(SseStyle::Comments) {
                self.line(":data: none");
            }
            self.field("data", line);
        }
        if fields {
            self.field("event", name);
            self.line("retry");
            self.line("id");
            self.line("unknown: field");
        }
        self.line("");
        if self.has(SseStyle::Comments) {
            self.line(": keep-alive");
            self.line("");
            self.line("");
        }
        self.events += 1;
    }

    /// Events that are none of the protocol, or none at all.
    fn strangers(&mut self) {
        self.field("event", "ping");
        self.field("data", r#"{"streamNextOffset":"-1","streamClosed":true}"#);
        self.line("");
        self.field("data", "of no type");
        self.line("");
        self.field("event", "control");
        self.line("");
        self.field("event", "Data");
        self.field("data", "unknown, as types have case");
        self.line("");
    }

    /// The space after the colon is there unless it is asked to be left out: readers drop one.
    fn field(&mut self, name: &str, value: &str) {
        if value.is_empty() && self.has(SseStyle::Fields) {
            return self.line(name);
        }
        let space = if self.has(SseStyle::Tight) && !value.starts_with(' ') {
            ""
        } else {
            " "
        };
        self.line(&format!("{name}:{space}{value}"));
    }

    /// One end of lines for all of an event: a CR and the LF of an empty line would make one.
    fn line(&mut self, line: &str) {
        self.out.push_str(line);
        let end = self.line_ends[self.events % self.line_ends.len()];
        self.out.push_str(end);
    }

    /// What was written since, as the chunks in which it goes out.
    pub(super) fn take(&mut self) -> Vec<Bytes> {
        let mut rest = Bytes::from(std::mem::take(&mut self.out));
        if !self.has(SseStyle::Bytes) {
            return vec![rest];
        }
        let mut chunks = Vec::new();
        while !rest.is_empty() {
            let middle = chunks.len() == ENDS && rest.len() > ENDS;
            let length = if middle { rest.len() - ENDS } else { 1 };
            chunks.push(rest.split_to(length));
        }
        chunks
    }
}

/// The lines of a text, whatever ends them. What follows the last end is a line, too.
fn lines<'a>(text: &'a str, ends: &'static [char]) -> impl Iterator<Item = &'a str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.find(ends).unwrap_or(text.len());
        let (line, next) = text.split_at(end);
        rest = next
            .strip_prefix("\r\n")
            .or(next.strip_prefix(['\r', '\n']));
        Some(line)
    })
}
