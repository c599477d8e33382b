//! What is appended, and how it becomes the body of a request.

use bytes::Bytes;
use serde::Serialize;

use crate::wire::content_type::Format;
use crate::wire::error::Error;
use crate::wire::json;

/// The contents of one append: bytes, one JSON message, or a batch of JSON messages (§9.1).
///
/// On a JSON stream the server flattens an array by one level, so a message and a batch look alike on the wire. Here they
/// are different calls: a message is always wrapped, and arrives as one message even when it is an array itself.
#[derive(Debug, Clone)]
pub struct Payload(Content);

#[derive(Debug, Clone)]
enum Content {
    /// As they are; on a JSON stream they are one message.
    Bytes(Bytes),
    /// A JSON array whose elements are the messages.
    Messages(Bytes),
}

impl Payload {
    /// Bytes, appended as they are. On a JSON stream they must be one JSON value, which becomes one message.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Content::Bytes(bytes.into()))
    }

    /// One JSON message.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when it cannot be written as JSON.
    pub fn message<T: Serialize + ?Sized>(message: &T) -> Result<Self, Error> {
        Self::batch([message])
    }

    /// Several JSON messages, appended at once.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when there are none, or one cannot be written as JSON.
    pub fn batch<T: Serialize>(messages: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        let mut body = vec![b'['];
        for message in messages {
            if body.len() > 1 {
                body.push(b',');
            }
            serde_json::to_writer(&mut body, &message).map_err(|error| {
                Error::invalid(format!("the message cannot be written as JSON: {error}"))
            })?;
        }
        if body.len() == 1 {
            return Err(empty_batch());
        }
        body.push(b']');
        Ok(Self(Content::Messages(body.into())))
    }

    /// One JSON message that is encoded already; its bytes are sent as they are.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when it is not exactly one JSON value.
    pub fn raw_message(message: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::raw_batch([message])
    }

    /// Several JSON messages that are encoded already; their bytes are sent as they are.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when there are none, or one is not exactly one JSON value.
    pub fn raw_batch<T: AsRef<[u8]>>(messages: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        let messages: Vec<T> = messages.into_iter().collect();
        for message in &messages {
            valid(message.as_ref())?;
        }
        let body =
            json::join_messages(messages.iter().map(AsRef::as_ref)).ok_or_else(empty_batch)?;
        Ok(Self(Content::Messages(body)))
    }

    /// The body that carries it to a stream of this content type.
    pub(crate) fn body(&self, content_type: &str) -> Result<Bytes, Error> {
        match (&self.0, Format::of(content_type)) {
            (Content::Bytes(bytes), _) if bytes.is_empty() => {
                Err(Error::invalid("an empty append"))
            }
            (Content::Bytes(bytes), Format::Json) => {
                valid(bytes)?;
                Ok(json::wrap_message(bytes))
            }
            (Content::Bytes(bytes), _) => Ok(bytes.clone()),
            (Content::Messages(body), Format::Json) => Ok(body.clone()),
            (Content::Messages(_), _) => Err(Error::invalid(format!(
                "JSON messages need a stream of application/json, and this one is {content_type}"
            ))),
        }
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(&self.0, Content::Bytes(bytes) if bytes.is_empty())
    }

    /// The content type it has by itself, where none is known.
    pub(crate) fn default_content_type(&self) -> &'static str {
        match self.0 {
            Content::Bytes(_) => "application/octet-stream",
            Content::Messages(_) => "application/json",
        }
    }
}

fn valid(message: &[u8]) -> Result<(), Error> {
    json::validate(message).map_err(|error| Error::invalid(format!("not one JSON value: {error}")))
}

fn empty_batch() -> Error {
    Error::invalid("an empty batch: there is nothing to append")
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::bytes(bytes)
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::bytes(text)
    }
}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Self::bytes(text)
    }
}

impl From<&'static [u8]> for Payload {
    fn from(bytes: &'static [u8]) -> Self {
        Self::bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::error::ErrorKind;

    const JSON: &str = "application/json; charset=utf-8";

    fn body(payload: Result<Payload, Error>) -> String {
        String::from_utf8(payload.unwrap().body(JSON).unwrap().to_vec()).unwrap()
    }

    #[test]
    fn b27_one_message_and_a_batch_are_different() {
        assert_eq!(body(Payload::message(&[1, 2])), "[[1,2]]");
        assert_eq!(body(Payload::batch([1, 2])), "[1,2]");
        assert_eq!(body(Payload::raw_message("[1,2]")), "[[1,2]]");
        assert_eq!(body(Payload::raw_batch(["[1]", "2"])), "[[1],2]");
        assert_eq!(body(Ok(Payload::bytes("[1,2]"))), "[[1,2]]");
    }

    #[test]
    fn b29_encoded_json_is_sent_as_it_is() {
        let raw = "{ \"b\": 1.0e+2, \"a\":12345678901234567890123 }";
        assert_eq!(body(Payload::raw_message(raw)), format!("[{raw}]"));
    }

    #[test]
    fn b28_b33_what_is_empty_or_invalid_is_refused_before_any_io() {
        for refused in [
            Payload::batch::<u8>([]),
            Payload::raw_batch::<&str>([]),
            Payload::raw_message(""),
            Payload::raw_message("1 2"),
            Payload::raw_message("{\"a\":}"),
        ] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(
            Payload::bytes("").body("text/plain").unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        assert_eq!(
            Payload::bytes("nope").body(JSON).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
        let mismatch = Payload::message(&1)
            .unwrap()
            .body("text/plain")
            .unwrap_err();
        assert_eq!(mismatch.kind(), ErrorKind::InvalidInput);
    }
}
