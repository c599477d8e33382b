//! Where one is in a stream: offsets as the server issued them, start positions, and checkpoints.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::Error;

/// A position in a stream, as the server issued it (§8).
///
/// Opaque: it is never parsed, built or changed, only kept and sent back. Offsets of one stream compare in stream
/// order. The sentinels of the protocol (`-1`, `now`) are requests, not positions, and cannot be an `Offset`: see [`Start`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(Box<str>);

/// A text that no server may issue as an offset, or that is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PositionError {
    /// Empty, a sentinel, longer than 1024 bytes, not visible ASCII, or with one of `, & = ? /` in it.
    InvalidOffset,
    /// A checkpoint's count of delivered messages or bytes is not a number.
    InvalidCount,
    /// A checkpoint's cursor is not visible ASCII.
    InvalidCursor,
}

impl fmt::Display for PositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidOffset => "not an offset that a server may issue",
            Self::InvalidCount => {
                "a checkpoint's count of delivered messages or bytes is not a number"
            }
            Self::InvalidCursor => "a checkpoint's cursor is not visible ASCII",
        })
    }
}

impl std::error::Error for PositionError {}

/// [`InvalidInput`](super::error::ErrorKind::InvalidInput): so that `text.parse::<Checkpoint>()?` is enough.
impl From<PositionError> for Error {
    fn from(error: PositionError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl Offset {
    /// An offset that was received from a server, or saved earlier.
    ///
    /// # Errors
    /// [`PositionError::InvalidOffset`] when the text cannot have come from a server: it is empty, a sentinel
    /// (`-1`, `now`), over 1024 bytes, not visible ASCII, or has a character that §8 rules out.
    pub fn new(text: impl Into<String>) -> Result<Self, PositionError> {
        let text = text.into();
        // The protocol asks servers to stay under 256 characters; a client has no reason to be stricter than safe.
        let issued = !text.is_empty()
            && text.len() <= 1024
            && text != BEGINNING
            && text != NOW
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b",&=?/".contains(&b));
        if issued {
            Ok(Self(text.into_boxed_str()))
        } else {
            Err(PositionError::InvalidOffset)
        }
    }

    /// The token, as it travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Offset({})", &self.0)
    }
}

impl FromStr for Offset {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        Self::new(text)
    }
}

impl Serialize for Offset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Offset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The sentinel for the beginning of a stream, on a request (§8).
pub(crate) const BEGINNING: &str = "-1";
/// The sentinel for the current tail, on a request (§8).
pub(crate) const NOW: &str = "now";

/// Where a read begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Start {
    /// The first byte or message.
    #[default]
    Beginning,
    /// The tail at the time of the first request: only what is appended afterwards. It is replaced by a
    /// real offset with the first answer.
    Now,
    /// Right after this position.
    At(Checkpoint),
}

impl From<Offset> for Start {
    fn from(offset: Offset) -> Self {
        Self::At(offset.into())
    }
}

impl From<&Offset> for Start {
    fn from(offset: &Offset) -> Self {
        offset.clone().into()
    }
}

impl From<Checkpoint> for Start {
    fn from(checkpoint: Checkpoint) -> Self {
        Self::At(checkpoint)
    }
}

impl From<&Checkpoint> for Start {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self::At(checkpoint.clone())
    }
}

/// `None`, nothing saved yet, is the beginning.
impl<T: Into<Start>> From<Option<T>> for Start {
    fn from(saved: Option<T>) -> Self {
        saved.map_or(Self::Beginning, Into::into)
    }
}

/// How far a reader has come: everything up to here was delivered, nothing after it.
///
/// Made of an offset, how much was delivered past it, and the cursor of the last live answer. Save it in its short text
/// form (`Display` and `FromStr`, or serde, which uses the same text) and give it to a new reader to go on exactly there.
///
/// ```
/// use durable_streams_core::Checkpoint;
///
/// let saved: Checkpoint = "0000000000000042".parse()?;   // a bare offset is a checkpoint
/// assert_eq!(saved.to_string(), "0000000000000042");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Checkpoint {
    offset: Option<Offset>,
    delivered: u64,
    cursor: Option<Box<str>>,
}

impl Checkpoint {
    /// The beginning of the stream: nothing was delivered yet.
    pub fn beginning() -> Self {
        Self::default()
    }

    pub(crate) fn new(offset: Option<Offset>, delivered: u64, cursor: Option<&str>) -> Self {
        Self {
            offset,
            delivered,
            cursor: cursor.map(Into::into),
        }
    }

    /// The same position with a cursor kept elsewhere, which the first live request then echoes (§10.1).
    ///
    /// # Errors
    /// [`PositionError::InvalidCursor`] when it is not visible ASCII.
    pub fn with_cursor(mut self, cursor: impl Into<String>) -> Result<Self, PositionError> {
        self.cursor = check_cursor(&cursor.into())?;
        Ok(self)
    }

    /// The offset the next request asks for; `None` is the beginning of the stream.
    pub fn offset(&self) -> Option<&Offset> {
        self.offset.as_ref()
    }

    /// How many messages (JSON) or bytes past [`offset`](Self::offset) were delivered already; 0 at the end of an answer.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// The cursor of the last live answer, echoed on the next live request (§10.1).
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}

fn check_cursor(cursor: &str) -> Result<Option<Box<str>>, PositionError> {
    if !cursor.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Err(PositionError::InvalidCursor);
    }
    Ok(Some(cursor).filter(|c| !c.is_empty()).map(Into::into))
}

impl From<Offset> for Checkpoint {
    fn from(offset: Offset) -> Self {
        Self {
            offset: Some(offset),
            ..Self::default()
        }
    }
}

/// `offset`, `offset,delivered` or `offset,delivered,cursor`: an offset has no comma, and the cursor comes last.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.offset.as_ref().map_or(BEGINNING, Offset::as_str))?;
        if self.delivered > 0 || self.cursor.is_some() {
            write!(f, ",{}", self.delivered)?;
        }
        if let Some(cursor) = &self.cursor {
            write!(f, ",{cursor}")?;
        }
        Ok(())
    }
}

impl FromStr for Checkpoint {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let mut parts = text.splitn(3, ',');
        let offset = match parts.next().unwrap_or_default() {
            BEGINNING => None,
            token => Some(Offset::new(token)?),
        };
        let delivered = match parts.next() {
            None => 0,
            Some(count) => {
                super::header::parse_integer(count).ok_or(PositionError::InvalidCount)?
            }
        };
        let cursor = check_cursor(parts.next().unwrap_or_default())?;
        Ok(Self {
            offset,
            delivered,
            cursor,
        })
    }
}

impl Serialize for Checkpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Checkpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentinel_is_never_an_offset() {
        for bad in [
            "",
            "-1",
            "now",
            "a,b",
            "a&b",
            "a=b",
            "a?b",
            "a/b",
            "a b",
            "ä",
            &"x".repeat(1025),
        ] {
            assert_eq!(
                Offset::new(bad),
                Err(PositionError::InvalidOffset),
                "{bad:?}"
            );
        }
        assert!(Offset::new("0000_0016").unwrap() < Offset::new("0000_0017").unwrap());
        assert!(serde_json::from_str::<Offset>("\"now\"").is_err());
    }

    #[test]
    fn a_checkpoint_survives_its_text_form() {
        let offset = Offset::new("1_2").unwrap();
        for (checkpoint, text) in [
            (Checkpoint::beginning(), "-1"),
            (Checkpoint::new(None, 7, None), "-1,7"),
            (Checkpoint::from(offset.clone()), "1_2"),
            (Checkpoint::new(Some(offset.clone()), 500, None), "1_2,500"),
            (
                Checkpoint::new(Some(offset), 0, Some("a,b c")),
                "1_2,0,a,b c",
            ),
        ] {
            assert_eq!(checkpoint.to_string(), text);
            assert_eq!(text.parse(), Ok(checkpoint.clone()));
            let json = serde_json::to_string(&checkpoint).unwrap();
            assert_eq!(
                serde_json::from_str::<Checkpoint>(&json).unwrap(),
                checkpoint
            );
        }
        assert_eq!(
            "now".parse::<Checkpoint>(),
            Err(PositionError::InvalidOffset)
        );
        assert_eq!(
            "1,x".parse::<Checkpoint>(),
            Err(PositionError::InvalidCount)
        );
        assert_eq!(
            "1,2,\u{7}".parse::<Checkpoint>(),
            Err(PositionError::InvalidCursor)
        );
    }
}
