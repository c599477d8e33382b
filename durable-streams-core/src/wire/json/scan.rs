//! Where strings, arrays, objects and scalars end.
//!
//! Arrays and objects are scanned in blocks of 64 bytes, as one bit for each byte: that finds the brackets outside of strings with
//! the same few operations whatever the text looks like, where a search from mark to mark would wait for every short string.

use std::mem;
use std::ops::Range;

use memchr::memchr2;
use wide::{CmpEq as _, i8x16};

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
    /// The block ends inside of a string.
    in_string: bool,
    /// The first byte behind the block is escaped by a backslash.
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
    /// Reads on at `bytes[pos..]`, which at first begins with the opening bracket.
    #[inline]
    pub(super) fn scan(&mut self, bytes: &[u8], mut pos: usize) -> Scan {
        loop {
            if pos >= self.block.end {
                let Some(rest) = bytes.get(pos..).filter(|rest| !rest.is_empty()) else {
                    return Scan::More;
                };
                self.scan_block(rest, pos);
            }
            let mut marks = self.marks & (u64::MAX << (pos - self.block.start));
            while marks != 0 {
                let at = self.block.start + marks.trailing_zeros() as usize;
                marks &= marks - 1;
                let fits = match bytes[at] {
                    byte @ (b'[' | b'{') => self.open(byte == b'{'),
                    byte @ (b']' | b'}') => self.close(byte == b'}'),
                    _ => false,
                };
                if !fits {
                    return Scan::Unexpected(at);
                }
                if self.depth == 0 {
                    return Scan::End(at + 1);
                }
            }
            pos = self.block.end;
        }
    }

    /// The bytes that were scanned are over, and others follow.
    pub(super) fn leave_block(&mut self) {
        self.block = 0..0;
    }

    /// Marks what `rest`, at `pos`, begins with.
    #[inline]
    fn scan_block(&mut self, rest: &[u8], pos: usize) {
        if self.depth == 0 {
            // A message begins here.
            (self.in_string, self.escaped) = (false, false);
        }
        let length = rest.len().min(BLOCK);
        self.marks = match rest.first_chunk() {
            Some(block) => self.marks(block, length),
            None => {
                let mut block = [b' '; BLOCK];
                block[..length].copy_from_slice(rest);
                self.marks(&block, length)
            }
        };
        self.block = pos..pos + length;
    }

    /// Marks the bytes of `block` that are brackets outside of strings, and some that no valid JSON has there. The first `length`
    /// bytes are real, others are spaces.
    #[inline]
    fn marks(&mut self, block: &[u8; BLOCK], length: usize) -> u64 {
        let backslashes = mask(block, |bytes| bytes.cmp_eq(splat(b'\\')));
        let mut escaped = u64::from(mem::take(&mut self.escaped));
        let mut escapes = backslashes & !escaped;
        while escapes != 0 {
            let next = escapes.trailing_zeros() as usize + 1;
            if next == length {
                self.escaped = true;
                break;
            }
            escaped |= 1 << next;
            escapes &= escapes - 1;
            escapes &= !escaped;
        }
        let quotes = mask(block, |bytes| bytes.cmp_eq(splat(b'"'))) & !escaped;
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
        let brackets = mask(block, |bytes| (bytes | splat(0x26)).cmp_eq(splat(0x7F)));
        (brackets | backslashes) & !strings
    }

    fn open(&mut self, object: bool) -> bool {
        if self.depth != 0 && self.depth % 64 == 0 {
            self.outer.push(self.kinds);
        }
        self.depth += 1;
        self.kinds = self.kinds << 1 | u64::from(object);
        true
    }

    /// Closes the innermost bracket, unless it is of the other kind.
    fn close(&mut self, object: bool) -> bool {
        if self.depth == 0 || (self.kinds & 1 != 0) != object {
            return false;
        }
        self.kinds >>= 1;
        self.depth -= 1;
        if self.depth != 0 && self.depth % 64 == 0 {
            self.kinds = self.outer.pop().unwrap_or_default();
        }
        true
    }
}

/// One bit for each byte of `block`, the first byte lowest: set where `hit` says so.
#[inline(always)]
fn mask(block: &[u8; BLOCK], hit: impl Fn(i8x16) -> i8x16) -> u64 {
    let lanes: [i8x16; 4] = bytemuck::cast(*block);
    // Of the 32 bits of each the lower 16 are used.
    let bits = |i: usize| u64::from(hit(lanes[i]).move_mask() as u32) << (16 * i);
    bits(0) | bits(1) | bits(2) | bits(3)
}

#[inline(always)]
fn splat(byte: u8) -> i8x16 {
    i8x16::splat(i8::from_ne_bytes([byte]))
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
