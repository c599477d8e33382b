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
        head.status(&[200])?.content_type("text/event-stream")?;
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

    /// The next event, which must be data.
    pub(super) async fn data(&mut self) -> Verdict<Bytes> {
        match self.next().await? {
            Event::Data(data) => Ok(data),
            other => self.head().fail("a data event", shown(&other)),
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

    /// Nothing comes any more.
    pub(super) async fn end(&mut self) -> Verdict {
        match self.next().await? {
            Event::End => Ok(()),
            other => self.head().fail("the end of the answer", shown(&other)),
        }
    }
}

fn shown(event: &Event) -> String {
    match event {
        Event::Data(data) => format!("a data event with {}", quoted(data)),
        Event::Control(control) => format!("a control event with {control}"),
        Event::End => "the end of the answer".to_owned(),
    }
}
