//! Messages that can be told apart wherever they turn up, and bodies made of them.

use bytes::Bytes;

/// What a stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Text,
    Binary,
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain",
            Self::Binary => "application/octet-stream",
        }
    }
}

/// The message with this number, about so long, in one of several forms.
pub(super) fn compose(format: Format, id: usize, padding: usize, variant: u64) -> Bytes {
    let mut text = String::with_capacity(padding + 24);
    match format {
        Format::Json => {
            text.push_str(if variant == 1 { "{ \"m\":" } else { "{\"m\":" });
            text.push_str(&id.to_string());
            text.push_str(match variant {
                2 => ",\"n\":[1.0,1e5,[]],\"x\":\"",
                3 => ",\"x\":\"\\\"]ä",
                _ => ",\"x\":\"",
            });
            pad(&mut text, padding, variant);
            text.push_str("\"}");
        }
        Format::Text | Format::Binary => {
            text.push('<');
            text.push_str(&id.to_string());
            text.push(':');
            pad(&mut text, padding, variant);
            text.push('>');
        }
    }
    Bytes::from(text)
}

fn pad(text: &mut String, padding: usize, variant: u64) {
    const PLAIN: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
    const WIDE: &str = "aä€😀\u{2028}z";
    let alphabet = if variant == 3 { WIDE } else { PLAIN };
    let end = text.len() + padding;
    while text.len() < end {
        for character in alphabet.chars() {
            if text.len() >= end {
                break;
            }
            text.push(character);
        }
    }
}

/// The numbers of the messages in a body, each of which must be there byte for byte.
pub(super) fn parse<'a>(
    format: Format,
    body: &[u8],
    find: impl Fn(usize) -> Option<&'a Bytes>,
) -> Result<Vec<usize>, String> {
    let mut ids = Vec::new();
    let mut rest = match format {
        Format::Json => body.strip_prefix(b"[").ok_or("no array")?,
        _ => body,
    };
    loop {
        let digits = rest
            .iter()
            .position(u8::is_ascii_digit)
            .ok_or("a message without a number")?;
        let id = rest[digits..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .fold(0, |id: usize, byte| {
                id.wrapping_mul(10).wrapping_add(usize::from(byte - b'0'))
            });
        let message = find(id).ok_or("a message that nobody wrote")?;
        rest = rest
            .strip_prefix(message.as_ref())
            .ok_or_else(|| format!("message {id} is not what was written"))?;
        ids.push(id);
        rest = match (format, rest) {
            (Format::Json, b"]") => return Ok(ids),
            (Format::Json, _) => rest.strip_prefix(b",").ok_or("no comma between messages")?,
            (_, []) => return Ok(ids),
            _ => rest,
        };
    }
}
