//! Lines: where they end, and what they mean.

use memchr::memchr2;
use wide::{CmpEq as _, i8x16};

/// How many bytes are compared at once.
const BLOCK: usize = 16;

/// How many blocks are compared before the rest is worth a call of the search that long lines need.
const BLOCKS: usize = 8;

/// What a line means. The numbers say where in the line the value begins.
pub(super) enum Line {
    Data(usize),
    Event(usize),
    Ignored,
}

impl Line {
    pub(super) fn parse(line: &[u8]) -> Self {
        if let Some(at) = value_of(line, b"data") {
            Self::Data(at)
        } else if let Some(at) = value_of(line, b"event") {
            Self::Event(at)
        } else {
            Self::Ignored
        }
    }
}

/// Where the line ends that goes on at `bytes[start]`.
#[inline]
pub(super) fn line_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for _ in 0..BLOCKS {
        let ends = match (bytes[at..].first_chunk(), bytes.last_chunk()) {
            (Some(block), _) => ends(block),
            // Less than a block is left: it is compared along with what stands before it.
            (None, Some(block)) => ends(block) >> (at + BLOCK - bytes.len()),
            (None, None) => {
                let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
                return bytes[at..].iter().position(is_end).map(|end| at + end);
            }
        };
        if ends != 0 {
            return Some(at + ends.trailing_zeros() as usize);
        }
        if bytes.len() - at <= BLOCK {
            return None;
        }
        at += BLOCK;
    }
    memchr2(b'\r', b'\n', &bytes[at..]).map(|end| at + end)
}

/// Where a line ends in a chunk that goes on with one.
///
/// Where a line goes on from chunk to chunk none does, and then the search for long lines is the faster one soon.
#[inline]
pub(super) fn short_line_end(bytes: &[u8]) -> Option<usize> {
    if bytes.len() <= 4 * BLOCK {
        line_end(bytes, 0)
    } else {
        memchr2(b'\r', b'\n', bytes)
    }
}

/// One bit for each byte of `block`, the first byte lowest: set where a line ends.
#[inline]
fn ends(block: &[u8; BLOCK]) -> u32 {
    let lanes: i8x16 = bytemuck::cast(*block);
    let is = |byte: u8| lanes.cmp_eq(i8x16::splat(i8::from_ne_bytes([byte])));
    (is(b'\r') | is(b'\n')).move_mask() as u32
}

/// Where the value begins if `line` is the field `name`. A field without a colon has an empty value.
pub(super) fn value_of(line: &[u8], name: &[u8]) -> Option<usize> {
    match line.strip_prefix(name)? {
        [] => Some(name.len()),
        [b':', b' ', ..] => Some(name.len() + 2),
        [b':', ..] => Some(name.len() + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_wherever_they_are() {
        for length in 0..300 {
            let mut bytes = vec![b'x'; length];
            for start in 0..=length {
                // What is before the start does not count.
                bytes.fill(b'\n');
                bytes[start..].fill(b'x');
                assert_eq!(line_end(&bytes, start), None);
            }
            assert_eq!(short_line_end(&vec![b'x'; length]), None);
            for end in 0..length {
                bytes.fill(b'x');
                bytes[end..].fill(b'\r');
                assert_eq!(short_line_end(&bytes), Some(end));
                for start in [0, end / 2, end] {
                    assert_eq!(line_end(&bytes, start), Some(end));
                }
            }
        }
    }
}
