//! Reading to the tail, page by page: how much a page holds is up to the server.

use bytes::Bytes;
use serde_json::Value;

use super::answer::Answer;
use super::outcome::Verdict;
use super::target::Stream;

/// More than any case needs, if a page holds at least one message.
const MAX_PAGES: usize = 10_000;

impl Stream {
    /// Everything from this offset on, as one answer: the last one, with the content of all pages as its body. Pages of JSON
    /// are joined to one array.
    pub(super) async fn read_all(&self, offset: &str) -> Verdict<Answer> {
        let mut offset = offset.to_owned();
        let mut bytes = Vec::new();
        let mut messages = Vec::new();
        for _ in 0..MAX_PAGES {
            let mut answer = self.read(&offset).send().await?;
            answer.status(&[200])?;
            let json = is_json(&answer);
            if json {
                match answer.json()? {
                    Value::Array(page) => messages.extend(page),
                    other => return answer.fail("an array of messages", other.to_string()),
                }
            } else {
                bytes.extend_from_slice(&answer.body);
            }
            let next = answer.next_offset()?.to_owned();
            if next == offset || answer.says("Stream-Up-To-Date").is_ok() {
                answer.body = if json {
                    Value::Array(messages).to_string().into()
                } else {
                    Bytes::from(bytes)
                };
                return Ok(answer);
            }
            offset = next;
        }
        let last = self.read(&offset).send().await?;
        last.fail(
            format!("the tail after at most {MAX_PAGES} pages"),
            "more pages",
        )
    }

    /// It holds these bytes, and no more.
    pub(super) async fn holds(&self, expected: impl AsRef<[u8]>) -> Verdict<Answer> {
        let answer = self.read_all("-1").await?;
        answer.body(expected)?;
        Ok(answer)
    }

    /// It holds these messages, and no more.
    pub(super) async fn holds_messages(&self, expected: &Value) -> Verdict<Answer> {
        let answer = self.read_all("-1").await?;
        answer.messages(expected)?;
        Ok(answer)
    }
}

fn is_json(answer: &Answer) -> bool {
    answer.content_type("application/json").is_ok()
}
