//! A live answer of server-sent events, event by event, in whatever legal way they are written.

use bytes::Bytes;
use durable_streams_client::core::wire::sse::{SseEvent, SseParser, decode_base64};
use serde_json::Value;

use super::answer::{Answer, quoted};
use super::outcome::Verdict;
use super::target::Opened;

/// More than any case stores.
const MAX_EVENT_BYTES: usize = 64 << 20;

/// The events of an answer.
#[derive(Debug)]
pub(super) struct Events {
    answer: Opened,
    parser: SseParser,
    base64: bool,
}

/// What an event is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Event {
    /// Content, decoded.
    Data(Bytes),
    /// Where the reader is.
    Control(Value),
    /// The end of the answer.
    End,
}

impl Events {
    /// The events of an answer that must have some.
    pub(super) async fn of(answer: Opened) -> Verdict<Self> {
        let head = answer.head();
        // A server may lack events.
        head.refused(200)?.content_type("text/event-stream")?;
        let encoding = head.header("stream-sse-data-encoding");
        let base64 = encoding.is_some_and(|value| value.eq_ignore_ascii_case("base64"));
        Ok(Self {
            base64,
            answer,
            parser: SseParser::new(MAX_EVENT_BYTES),
        })
    }

    pub(super) fn head(&self) -> Answer {
        self.answer.head()
    }

    /// The next event that the protocol knows, or the end. Others are skipped, as readers do.
    pub(super) async fn next(&mut self) -> Verdict<Event> {
        loop {
            let event = match self.parser.next_event() {
                Ok(event) => event,
                Err(error) => return self.head().fail("server-sent events", error.to_string()),
            };
            match event {
                Some(event) => {
                    if let Some(event) = self.read(&event)? {
                        return Ok(event);
                    }
                }
                None => match self.answer.chunk().await? {
                    Some(chunk) => self.parser.push(chunk),
                    None => return Ok(Event::End),
                },
            }
        }
    }

    fn read(&self, event: &SseEvent) -> Verdict<Option<Event>> {
        match event.event() {
            b"data" if self.base64 => match decode_base64(&event.data) {
                Ok(data) => Ok(Some(Event::Data(data))),
                Err(error) => {
                    let actual = format!("{}: {error}", quoted(&event.data));
                    self.head().fail("base64 in a data event", actual)
                }
            },
            b"data" => Ok(Some(Event::Data(event.data.clone()))),
            b"control" => match serde_json::from_slice(&event.data) {
                Ok(value @ Value::Object(_)) => Ok(Some(Event::Control(value))),
                _ => self
                    .head()
                    .fail("a JSON object in a control event", quoted(&event.data)),
            },
            _ => Ok(None),
        }
    }

    /// The next event, which must be a control event.
    pub(super) async fn control(&mut self) -> Verdict<Value> {
        match self.next().await? {
            Event::Control(control) => Ok(control),
            other => self.head().fail("a control event", shown(&other)),
        }
    }

    /// The answer ends soon, in good order or not, whatever comes before.
    pub(super) async fn ends(self) -> Verdict {
        self.answer.ends().await
    }

    /// The next control event, and the content before it.
    pub(super) async fn group(&mut self) -> Verdict<(Vec<u8>, Value)> {
        let mut content = Vec::new();
        loop {
            match self.next().await? {
                Event::Data(data) => content.extend_from_slice(&data),
                Event::Control(control) => return Ok((content, control)),
                Event::End => return self.head().fail("a control event", shown(&Event::End)),
            }
        }
    }

    /// The next control event of which this holds, and all content before it.
    pub(super) async fn until(
        &mut self,
        mut holds: impl FnMut(&Value) -> bool,
    ) -> Verdict<(Vec<u8>, Value)> {
        let mut content = Vec::new();
        loop {
            let (more, control) = self.group().await?;
            content.extend_from_slice(&more);
            if holds(&control) {
                return Ok((content, control));
            }
        }
    }

    /// The content up to the control event that has this offset.
    pub(super) async fn content_up_to(&mut self, offset: &str) -> Verdict<Vec<u8>> {
        let there = |control: &Value| control["streamNextOffset"] == offset;
        Ok(self.until(there).await?.0)
    }

    /// What came as content is this.
    pub(super) fn content_is(&self, content: &[u8], expected: impl AsRef<[u8]>) -> Verdict {
        let expected = expected.as_ref();
        if content == expected {
            return Ok(());
        }
        self.head().fail(
            format!("{} in data events", quoted(expected)),
            quoted(content),
        )
    }

    /// A control event that is not as it must be.
    pub(super) fn not<T>(&self, expected: impl Into<String>, control: &Value) -> Verdict<T> {
        self.head().fail(expected, shown_control(control))
    }

    /// Nothing comes any more.
    pub(super) async fn end(&mut self) -> Verdict {
        match self.next().await? {
            Event::End => Ok(()),
            other => self.head().fail("the end of the answer", shown(&other)),
        }
    }
}

/// Whether a field of a control event is true.
pub(super) fn is(control: &Value, field: &str) -> bool {
    control.get(field) == Some(&Value::Bool(true))
}

fn shown_control(control: &Value) -> String {
    format!("a control event with {control}")
}

fn shown(event: &Event) -> String {
    match event {
        Event::Data(data) => format!("a data event with {}", quoted(data)),
        Event::Control(control) => shown_control(control),
        Event::End => "the end of the answer".to_owned(),
    }
}
