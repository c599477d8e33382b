//! When streams end by themselves (§5.1): `Stream-TTL` and `Stream-Expires-At`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue};

use super::answer::{Answer, Refusal};
use super::defect::{Flaw, Flaws};
use super::names::{STREAM_EXPIRES_AT, STREAM_TTL};
use super::request::{decimal, single};

/// How long a stream lives.
#[derive(Debug, Clone)]
pub(super) enum Expiry {
    /// Until it is deleted.
    Never,
    /// So many seconds after the last read or write.
    Ttl(u64),
    /// Until a moment, whatever happens before it.
    At {
        moment: SystemTime,
        /// As the creator wrote it, to be given back.
        text: HeaderValue,
    },
}

impl Expiry {
    /// What a creator asks for; `None` when it does not say.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let ttl = single(headers, STREAM_TTL)?;
        let at = single(headers, STREAM_EXPIRES_AT)?;
        match (ttl, at) {
            (None, None) => Ok(None),
            // §5.1: both together should be refused.
            (Some(_), Some(_)) => Err(Refusal::bad_request(
                "Stream-TTL and Stream-Expires-At exclude each other",
            )),
            (Some(ttl), None) => decimal(ttl)
                .map(|seconds| Some(Self::Ttl(seconds)))
                .ok_or(Refusal::bad_request("malformed Stream-TTL")),
            (None, Some(at)) => {
                let refusal = || Refusal::bad_request("malformed Stream-Expires-At");
                let moment = rfc3339(at).ok_or_else(refusal)?;
                let text = HeaderValue::from_str(at).map_err(|_| refusal())?;
                Ok(Some(Self::At { moment, text }))
            }
        }
    }

    /// How long a fork lives (§4.2, the table): as its creator asks for, or else as its source.
    pub(super) fn of_fork(asked: Option<Self>, source: Self, flaws: Flaws) -> Self {
        use Expiry::{At, Ttl};
        match (asked, source) {
            (None, Ttl(_)) if flaws.has(Flaw::TtlIsNotInherited) => Self::Never,
            (None, At { .. }) if flaws.has(Flaw::MomentIsNotInherited) => Self::Never,
            (None, inherited) => inherited,
            (Some(Ttl(one)), Ttl(other)) if flaws.has(Flaw::TtlOfAForkIsCapped) => {
                Ttl(one.min(other))
            }
            (Some(At { .. }), ttl @ Ttl(_)) if flaws.has(Flaw::TtlOfTheSourceWins) => ttl,
            (Some(Ttl(_)), at @ At { .. }) if flaws.has(Flaw::MomentOfTheSourceWins) => at,
            (Some(one @ At { .. }), other @ At { .. })
                if flaws.has(Flaw::MomentOfAForkIsCapped) && one.moment() > other.moment() =>
            {
                other
            }
            (Some(asked), _) => asked,
        }
    }

    fn moment(&self) -> Option<SystemTime> {
        match self {
            Self::At { moment, .. } => Some(*moment),
            _ => None,
        }
    }

    /// Do two streams live equally long? Moments are compared, not their spelling.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Never, Self::Never) => true,
            (Self::Ttl(one), Self::Ttl(other)) => one == other,
            (Self::At { moment: one, .. }, Self::At { moment: other, .. }) => one == other,
            _ => false,
        }
    }

    /// When a stream ends that was last used at `used`. A moment beyond what the clock can say never comes.
    pub(super) fn deadline(&self, used: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Never => None,
            Self::Ttl(seconds) => used.checked_add(Duration::from_secs(*seconds)),
            Self::At { moment, .. } => Some(*moment),
        }
    }

    /// Does use put the end off? A TTL slides, a moment stands (§5.1).
    pub(super) fn slides(&self) -> bool {
        matches!(self, Self::Ttl(_))
    }

    /// Tells about it in an answer (§5.5): the window, not the time that is left.
    pub(super) fn describe(&self, answer: Answer) -> Answer {
        match self {
            Self::Never => answer,
            Self::Ttl(seconds) => answer.header(STREAM_TTL, *seconds),
            Self::At { text, .. } => answer.header(STREAM_EXPIRES_AT, text.clone()),
        }
    }
}

/// Reads an RFC 3339 date. The date library takes more than that (other separators, annotations, missing
/// parts), so the shape is checked first: `2025-01-31T12:00:00[.123](Z|+01:00)`.
fn rfc3339(text: &str) -> Option<SystemTime> {
    let bytes = text.as_bytes();
    let (date_time, rest) = bytes.split_at_checked(19)?;
    let shape = b"dddd-dd-ddTdd:dd:dd";
    if !date_time
        .iter()
        .zip(shape)
        .all(|(&byte, &want)| fits(byte, want))
    {
        return None;
    }
    let digits = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit());
            Some(digits.count()).filter(|&digits| digits > 0)? + 1
        }
        None => 0,
    };
    let (fraction, zone) = text.split_at(19).1.split_at(digits);
    if !is_zone(zone.as_bytes()) {
        return None;
    }
    // RFC 3339 sets no limit to the digits of a fraction; the clock knows nanoseconds.
    let fraction = &fraction[..digits.min(10)];
    let date_time = &text[..19];
    let timestamp: jiff::Timestamp = format!("{date_time}{fraction}{zone}").parse().ok()?;
    let since = timestamp.as_duration();
    if since.is_negative() {
        SystemTime::UNIX_EPOCH.checked_sub(since.unsigned_abs())
    } else {
        SystemTime::UNIX_EPOCH.checked_add(since.unsigned_abs())
    }
}

/// `Z`, or how far the clock is from it; the date library would take more than a day.
fn is_zone(zone: &[u8]) -> bool {
    let shape = b"sdd:dd";
    match zone {
        b"Z" | b"z" => true,
        [_, hours @ .., b':', _, _] if zone.len() == shape.len() => {
            hours <= b"23".as_slice()
                && zone
                    .iter()
                    .zip(shape)
                    .all(|(&byte, &want)| fits(byte, want))
        }
        _ => false,
    }
}

/// One character of a shape: `d` is a digit, `s` a sign, `T` the separator in either case, the rest themselves.
fn fits(byte: u8, want: u8) -> bool {
    match want {
        b'd' => byte.is_ascii_digit(),
        b's' => matches!(byte, b'+' | b'-'),
        b'T' => matches!(byte, b'T' | b't'),
        _ => byte == want,
    }
}
