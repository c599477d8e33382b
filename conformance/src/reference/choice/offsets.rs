//! Formats of offsets (§8).

use super::choices;

choices! {
    /// How offsets look (§8). All formats sort byte by byte as their places do, and none makes `-1` or `now`.
    pub enum OffsetFormat {
        /// `o000000000000002a`: a letter and 16 hexadecimal digits.
        Hex = "hex",
        /// `a7`, `b42`: a letter that says how many digits follow. Lengths differ.
        Short = "short",
        /// 255 characters, of which those in the middle differ.
        Long = "long",
        /// `-342`: what looks like a negative number, and is none.
        Negative = "negative",
        /// 64 letters that differ in their case only.
        Case = "case",
        /// What looks like chance: digits among which chance was mixed in such a way that they keep their order.
        Random = "random",
        /// With what a URL may have as it is and few tokens do: `! $ ' ( ) * ; : @ ~`.
        Punctuated = "punctuated",
        /// With what has to be encoded in a URL, escaped in JSON, or both: `% + " \ | < > [ ] { } ^` and more. A warning is in
        /// order: offsets should be safe in URLs.
        Escaped = "escaped",
    }
}

/// How wide [`OffsetFormat::Random`] makes a digit: each has its own range of codes, from which chance picks one.
const RANGE: u16 = 240;
const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl OffsetFormat {
    /// The token for a place.
    pub(in crate::reference) fn token(self, place: u64) -> String {
        match self {
            Self::Hex => format!("o{place:016x}"),
            Self::Short => format!("{}{place}", width(place, b'a')),
            Self::Long => format!("{}.{place:020}.{}", "long".repeat(30), "z".repeat(113)),
            Self::Negative => format!("-{}{place}", width(place, b'2')),
            Self::Case => {
                let letter = |bit: u32| if place >> bit & 1 == 0 { 'O' } else { 'o' };
                (0..64).rev().map(letter).collect()
            }
            Self::Random => random(place),
            Self::Punctuated => {
                format!("!{:08x}:~'({:08x})*;@$", place >> 32, place & 0xffff_ffff)
            }
            Self::Escaped => {
                format!(
                    r#"%2C+"\{:08x}|<[{{#{:08x}}}]>^`%"#,
                    place >> 32,
                    place & 0xffff_ffff
                )
            }
        }
    }

    /// The place of a token that this server may have issued. Tokens are case-sensitive, so there is one spelling only.
    pub(crate) fn place(self, token: &str) -> Option<u64> {
        let digits = |from: &[usize], radix| {
            let digits: Option<String> = from
                .chunks(2)
                .map(|part| token.get(part[0]..part[1]))
                .collect();
            u64::from_str_radix(&digits?, radix).ok()
        };
        let place = match self {
            Self::Hex => digits(&[1, 17], 16),
            Self::Short => digits(&[1, token.len()], 10),
            Self::Long => digits(&[121, 141], 10),
            Self::Negative => digits(&[2, token.len()], 10),
            Self::Case => {
                let bits = token.bytes().map(|letter| u64::from(letter == b'o'));
                (token.len() == 64).then(|| bits.fold(0, |place, bit| place << 1 | bit))
            }
            Self::Random => unrandom(token),
            Self::Punctuated => digits(&[1, 9, 13, 21], 16),
            Self::Escaped => digits(&[6, 14, 19, 27], 16),
        }?;
        // Whatever else the token has must be as it is written.
        (self.token(place) == token).then_some(place)
    }
}

/// A character that says how many digits a number has, which rises with them.
fn width(number: u64, one: u8) -> char {
    let digits = number.checked_ilog10().unwrap_or_default();
    // Of what comes after the digits, letters do.
    let character = u32::from(one) + digits;
    let past_digits = one.is_ascii_digit() && character > u32::from(b'9');
    let gap = if past_digits {
        u32::from(b'a' - b'9' - 1)
    } else {
        0
    };
    char::from_u32(character + gap).unwrap_or('z')
}

/// Two characters for each digit. What they are depends on the digits before them, so that neighbours are unlike each other.
fn random(place: u64) -> String {
    let mut token = String::with_capacity(32);
    for shift in (0..64).step_by(4).rev() {
        let (before, digit) = (
            place.checked_shr(shift + 4).unwrap_or_default(),
            place >> shift & 0xf,
        );
        let seed = before << 8 | u64::from(shift) << 2 | 1;
        let chance = fastrand::Rng::with_seed(seed ^ digit << 60).u16(..RANGE);
        let code = usize::from(digit as u16 * RANGE + chance);
        token.push(ALPHABET[code / ALPHABET.len()].into());
        token.push(ALPHABET[code % ALPHABET.len()].into());
    }
    token
}

fn unrandom(token: &str) -> Option<u64> {
    if token.len() != 32 {
        return None;
    }
    let value = |character: &u8| ALPHABET.iter().position(|one| one == character);
    token.as_bytes().chunks(2).try_fold(0, |place, pair| {
        let code = value(&pair[0])? * ALPHABET.len() + value(&pair[1])?;
        let digit = code / usize::from(RANGE);
        (digit < 16).then_some(place << 4 | digit as u64)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Places about every power of two and of ten, and in between.
    fn places() -> BTreeSet<u64> {
        let powers = (0..64).map(|bit| 1_u64 << bit);
        let tens = (0..20).map(|digits| 10_u64.pow(digits));
        let mut places: BTreeSet<_> = powers.chain(tens).flat_map(|p| [p - 1, p, p + 1]).collect();
        let mut rng = fastrand::Rng::with_seed(1);
        places.extend((0..2000).map(|_| rng.u64(..) >> rng.u32(..64)));
        places.extend([0, u64::MAX]);
        places
    }

    #[test]
    fn tokens_are_legal_and_sort_as_places_do() {
        for format in OffsetFormat::ALL {
            let mut last = String::new();
            for place in places() {
                let token = format.token(place);
                assert!(last < token, "{format:?}: {last} before {token}");
                assert_eq!(format.place(&token), Some(place), "{format:?}: {token}");
                assert!(token.len() < 256 && token != "-1" && token != "now");
                assert!(
                    token
                        .bytes()
                        .all(|b| b.is_ascii_graphic() && !b",&=?/".contains(&b))
                );
                last = token;
            }
        }
    }

    #[test]
    fn what_was_not_issued_has_no_place() {
        for format in OffsetFormat::ALL {
            let token = format.token(42);
            let swapped: String = token
                .chars()
                .map(|c| {
                    if c.is_ascii_lowercase() {
                        c.to_ascii_uppercase()
                    } else {
                        c.to_ascii_lowercase()
                    }
                })
                .collect();
            let mut bad = vec![
                String::new(),
                "-1".to_owned(),
                "now".to_owned(),
                "é".repeat(32),
                format!("{token} "),
                format!("{token}0"),
                format!("0{token}"),
                token[1..].to_owned(),
                token[..token.len() - 1].to_owned(),
            ];
            if swapped != token {
                bad.push(swapped);
            }
            for bad in bad {
                let place = format.place(&bad);
                // Where every text of the right form is a token, it is another one.
                assert!(
                    place.is_none_or(|place| place != 42 && format.token(place) == bad),
                    "{format:?}: {bad}"
                );
            }
        }
    }
}
