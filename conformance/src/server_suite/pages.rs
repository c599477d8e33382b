//! Reading page by page, as far as there is something: how much comes at once is up to the server (§5.6).

use serde_json::Value;

use super::answer::{Answer, quoted};
use super::outcome::Verdict;
use super::target::Stream;

/// More pages than any stream of a case has, even when each holds one message.
const MAX_PAGES: usize = 1 << 16;

/// The answers to catch-up reads from an offset to the tail: at least one.
#[derive(Debug)]
pub(super) struct Pages {
    /// Those that do not reach the tail.
    pub(super) partial: Vec<Answer>,
    /// The one that does.
    pub(super) last: Answer,
}

impl Stream {
    /// Reads from an offset to the tail, which must not move meanwhile. It goes by offsets alone, not by what answers say about
    /// being up to date.
    pub(super) async fn pages(&self, offset: &str) -> Verdict<Pages> {
        let tail = self.tail().await?;
        let mut partial = Vec::new();
        let mut offset = offset.to_owned();
        loop {
            let page = self.read(&offset).send().await?;
            page.status(&[200])?;
            let next = page.next_offset()?.to_owned();
            if next == tail {
                return Ok(Pages {
                    partial,
                    last: page,
                });
            }
            if next == offset || partial.len() == MAX_PAGES {
                return page.fail(
                    format!("pages that lead to the tail, {tail}"),
                    format!("Stream-Next-Offset: {next} after {} pages", partial.len()),
                );
            }
            partial.push(page);
            offset = next;
        }
    }
}

impl Pages {
    /// All of them, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Answer> {
        self.partial.iter().chain([&self.last])
    }

    /// All together they are these bytes.
    pub(super) fn are(&self, expected: impl AsRef<[u8]>) -> Verdict {
        let expected = expected.as_ref();
        let mut bytes = Vec::with_capacity(expected.len());
        for page in self.all() {
            bytes.extend_from_slice(&page.body);
        }
        if bytes == expected {
            return Ok(());
        }
        let same = bytes.iter().zip(expected).take_while(|(a, b)| a == b);
        let same = same.count();
        let actual = match same {
            0 => quoted(&bytes),
            _ => format!("{}, the same for {same} bytes", quoted(&bytes)),
        };
        let expected = quoted(expected);
        self.last.fail(
            format!("{expected} up to the tail"),
            format!("{actual} in {} pages", self.partial.len() + 1),
        )
    }

    /// Each is an array, and all together they hold these messages.
    pub(super) fn hold(&self, expected: &[Value]) -> Verdict {
        let mut messages = Vec::new();
        for page in self.all() {
            match page.json()? {
                Value::Array(array) => messages.extend(array),
                other => return page.fail("an array of JSON", other.to_string()),
            }
        }
        if messages == expected {
            return Ok(());
        }
        self.last.fail(
            format!("the messages {}", Value::from(expected)),
            format!("the messages {}", Value::from(messages)),
        )
    }
}
