//! Where strings, arrays, objects and scalars end.
//!
//! Arrays and objects are scanned in blocks of 64 bytes, as one bit for each byte: that finds the brackets outside of strings with
//! the same few operations whatever the text looks like, where a search from mark to mark would wait for every short string.

use std::mem;
use std::ops::Range;

use memchr::memchr2;
use wide::{CmpEq as _, i8x32};

/// How many bytes are scanned together: the bits of a mask.
const BLOCK: usize = 64;

/// How far an array or object was read: the brackets open in it, and whether it stopped inside of a string.
#[derive(Default)]
pub(super) struct Nested {
    depth: usize,
    /// The innermost 64 brackets, the last one lowest: set for an object.
    kinds: u64,
    /// The brackets further out, in full words.
    outer: Vec<u64>,
    /// The block that was scanned last, and its marks. What follows in it is not scanned again for the next message: between two
    /// of them are no quotes, or pairs of them.
    block: Range<usize>,
    marks: u64,
    end: BlockEnd,
}

/// What the bytes behind a block are part of.
#[derive(Clone, Copy, Default)]
struct BlockEnd {
    in_string: bool,
    /// The first of them is escaped by a backslash.
    escaped: bool,
}

/// What [`Nested::scan`] came to.
pub(super) enum Scan {
    /// The array or object ends just before this index.
    End(usize),
    /// It goes on after the last byte.
    More,
    /// The byte at this index cannot stand there.
    Unexpected(usize),
}

impl Nested {
    /// Reads on at `bytes[pos..]` what began at `start`, then with its opening bracket, and arrays and objects that follow with
    /// no more than a comma and a little white space between.
    ///
    /// Each of them that another one follows is given to `found`, which takes it or ends it there. Says where the last one that
    /// was not taken begins, and what became of it.
    #[inline]
    pub(super) fn scan(
        &mut self,
        bytes: &[u8],
        mut start: usize,
        pos: usize,
        mut found: impl FnMut(usize, usize) -> bool,
    ) -> (usize, Scan) {
        // All that changes with every bracket is kept out of memory.
        let (mut depth, mut kinds, mut end) = (self.depth, self.kinds, self.end);
        let (mut from, mut to, mut marks) = (self.block.start, self.block.end, 0);
        if pos < to {
            marks = self.marks & (u64::MAX << (pos - from));
        } else {
            to = pos;
            if depth == 0 {
                end = BlockEnd::default();
            }
        }
        let scan = 'scan: loop {
            while marks != 0 {
                let at = from + marks.trailing_zeros() as usize;
                marks &= marks - 1;
                match bytes[at] {
                    byte @ (b'[' | b'{') => {
                        if depth % 64 == 0 && depth != 0 {
                            self.outer.push(kinds);
                        }
                        depth += 1;
                        kinds = kinds << 1 | u64::from(byte == b'{');
                    }
                    byte @ (b']' | b'}') if depth > 0 && (kinds & 1 != 0) == (byte == b'}') => {
                        depth -= 1;
                        kinds >>= 1;
                        if depth == 0 {
                            match next_nested(bytes, at + 1) {
                                Some(next) if found(start, at + 1) => {
                                    start = next;
                                    // Its bracket is the next mark, if it is in the block.
                                    if marks != 0 {
                                        marks &= marks - 1;
                                        depth = 1;
                                        kinds = kinds << 1 | u64::from(bytes[next] == b'{');
                                    }
                                }
                                _ => break 'scan Scan::End(at + 1),
                            }
                        } else if depth % 64 == 0 {
                            kinds = self.outer.pop().unwrap_or_default();
                        }
                    }
                    _ => break 'scan Scan::Unexpected(at),
                }
            }
            from = to;
            let rest = &bytes[from..];
            let Some(block) = rest.first_chunk() else {
                if rest.is_empty() {
                    break Scan::More;
                }
                let mut block = [b' '; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                marks = end.marks_behind(&block, rest.len());
                to = bytes.len();
                continue;
            };
            marks = end.marks_behind(block, BLOCK);
            to = from + BLOCK;
        };
        (self.depth, self.kinds, self.end) = (depth, kinds, end);
        (self.block, self.marks) = (from..to, marks);
        (start, scan)
    }

    /// The bytes that were scanned are over, and others follow.
    pub(super) fn leave_block(&mut self) {
        self.block = 0..0;
    }
}

/// How far behind an array or object the next one is looked for: white space may be of any length, and is not to be read twice.
const NEAR: usize = 16;

/// Where an array or object begins that follows what ends at `end`, if it is near.
#[inline(always)]
fn next_nested(bytes: &[u8], end: usize) -> Option<usize> {
    let mut comma = false;
    for at in end..end + NEAR {
        match bytes.get(at)? {
            b' ' | b'\t' | b'\n' | b'\r' => {}
            b',' if !comma => comma = true,
            b'{' | b'[' if comma => return Some(at),
            _ => return None,
        }
    }
    None
}

impl BlockEnd {
    /// Marks the bytes of `block`, the next one, that are brackets outside of strings, and some that no valid JSON has there. The
    /// first `length` bytes are real, others are spaces.
    #[inline(always)]
    fn marks_behind(&mut self, block: &[u8; BLOCK], length: usize) -> u64 {
        let lanes: [i8x32; 2] = bytemuck::cast(*block);
        let [a, b] = lanes.map(|bytes| bytes.cmp_eq(splat(b'\\')));
        let mut backslashes = 0;
        let mut escaped = u64::from(mem::take(&mut self.escaped));
        // Most blocks have none.
        if (a | b).move_mask() != 0 {
            backslashes = bits([a, b]);
            escaped = self.escapes(backslashes, escaped, length);
        }
        let quotes = bits(lanes.map(|bytes| bytes.cmp_eq(splat(b'"')))) & !escaped;
        // A bit is set in `strings` if the number of quotes up to it is odd.
        let mut strings = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            strings ^= strings << shift;
        }
        if self.in_string {
            strings = !strings;
        }
        self.in_string = strings >> (BLOCK - 1) != 0;
        // The four brackets, and besides them only `Y`, `_`, `y` and DEL, become 0x7F.
        let brackets = bits(lanes.map(|bytes| (bytes | splat(0x26)).cmp_eq(splat(0x7F))));
        (brackets | backslashes) & !strings
    }

    /// Which bytes are escaped, where the first may be so from before.
    #[inline]
    fn escapes(&mut self, backslashes: u64, escaped: u64, length: usize) -> u64 {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        let runs = backslashes & !escaped;
        // The subtraction borrows through each run of backslashes: every second one of it and, if their number is odd, the byte
        // behind it come out different from the alternating bits.
        let marks = ((runs << 1) | ODD).wrapping_sub(runs) ^ ODD;
        self.escaped = (marks & backslashes) >> (length - 1) & 1 != 0;
        marks ^ (backslashes | escaped)
    }
}

/// One bit for each byte that was compared, the first byte lowest.
#[inline(always)]
fn bits([low, high]: [i8x32; 2]) -> u64 {
    let bits = |hits: i8x32| u64::from(hits.move_mask() as u32);
    bits(low) | bits(high) << 32
}

#[inline(always)]
fn splat(byte: u8) -> i8x32 {
    i8x32::splat(i8::from_ne_bytes([byte]))
}

/// Where the string that `bytes[pos..]` is the rest of ends, just after its quote.
///
/// If it does not end here, the error says whether the last byte escapes the one to come.
pub(super) fn string_end(bytes: &[u8], mut pos: usize) -> Result<usize, bool> {
    while let Some(rest) = bytes.get(pos..) {
        let Some(found) = memchr2(b'"', b'\\', rest) else {
            return Err(false);
        };
        pos += found + 1;
        if rest[found] == b'"' {
            return Ok(pos);
        }
        pos += 1;
    }
    Err(true)
}

/// Whether `text` is a literal name or a number (RFC 8259 §3, §6).
pub(super) fn is_scalar(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> usize {
        text.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }
    if matches!(text, b"true" | b"false" | b"null") {
        return true;
    }
    let number = text.strip_prefix(b"-").unwrap_or(text);
    let integer = digits(number);
    if integer == 0 || (integer > 1 && number[0] == b'0') {
        return false;
    }
    let mut rest = &number[integer..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_backslash_of_a_run_escapes_nothing() {
        const LENGTH: usize = 12;
        for (pattern, before) in (0..1u64 << LENGTH).flat_map(|p| [(p, false), (p, true)]) {
            for shift in [0, 1, BLOCK - LENGTH - 1, BLOCK - LENGTH] {
                let backslashes = pattern << shift;
                let (mut escaped, mut expected) = (before, 0);
                for at in 0..BLOCK {
                    expected |= u64::from(escaped) << at;
                    escaped = backslashes >> at & 1 != 0 && !escaped;
                }
                for length in [BLOCK, shift + LENGTH] {
                    let mut end = BlockEnd::default();
                    let found = end.escapes(backslashes, u64::from(before), length);
                    assert_eq!(found, expected, "{backslashes:b} {before}");
                    let last = length - 1;
                    let escapes = backslashes & !expected;
                    assert_eq!(
                        end.escaped,
                        escapes >> last & 1 != 0,
                        "{backslashes:b} {before}"
                    );
                }
            }
        }
    }
}
