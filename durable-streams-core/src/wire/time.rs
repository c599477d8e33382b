//! Dates on the wire: RFC 3339 for expiry, RFC 9110 for `Date` and `Retry-After`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// A moment as RFC 3339 in UTC, as `Stream-Expires-At` wants it (§5.1). `None` for a year outside of 0–9999.
pub fn format_rfc3339(moment: SystemTime) -> Option<String> {
    let timestamp = jiff::Timestamp::try_from(moment).ok()?;
    let text = timestamp.to_string();
    (!text.starts_with('-')).then_some(text)
}

/// A moment written as RFC 3339, with any offset from UTC. `None` when it is anything else.
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    // RFC 3339 is narrower than what the date library reads: a full date and time with an offset, nothing behind it.
    if text.len() < 20 || !text.is_ascii() || text.contains('[') {
        return None;
    }
    text.parse::<jiff::Timestamp>().ok().map(SystemTime::from)
}

/// The longest `Retry-After` that is believed.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// How long `Retry-After` asks to wait, at most [`MAX_RETRY_AFTER`] (RFC 9110 §10.2.3).
///
/// A date is read against the answer's own `Date`, so neither side's clock matters; without a `Date` it says nothing.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(text).ok()?;
        let sent = httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()?;
        until.duration_since(sent).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap()))
            .collect()
    }

    #[test]
    fn b54_retry_after_in_seconds_is_capped_at_an_hour() {
        assert_eq!(
            retry_after(&headers(&[("retry-after", "7")])),
            Some(Duration::from_secs(7))
        );
        assert_eq!(
            retry_after(&headers(&[("retry-after", "86400")])),
            Some(MAX_RETRY_AFTER)
        );
        let huge = "99999999999999999999999";
        assert_eq!(
            retry_after(&headers(&[("retry-after", huge)])),
            Some(MAX_RETRY_AFTER)
        );
        assert_eq!(retry_after(&headers(&[("retry-after", "-1")])), None);
        assert_eq!(retry_after(&headers(&[])), None);
    }

    #[test]
    fn b66_retry_after_as_a_date_is_read_against_the_answers_date() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let wait = |after| retry_after(&headers(&[date, ("retry-after", after)]));
        assert_eq!(
            wait("Sun, 06 Nov 1994 08:49:57 GMT"),
            Some(Duration::from_secs(20))
        );
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("Mon, 07 Nov 1994 08:49:57 GMT"), Some(MAX_RETRY_AFTER));
        assert_eq!(wait("soon"), None);
        let undated = headers(&[("retry-after", "Sun, 06 Nov 1994 08:49:57 GMT")]);
        assert_eq!(retry_after(&undated), None);
    }

    #[test]
    fn expiry_round_trips_and_takes_any_offset() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
        assert_eq!(
            parse_rfc3339(&format_rfc3339(moment).unwrap()),
            Some(moment)
        );
        assert_eq!(
            parse_rfc3339("2030-01-01T02:00:00+02:00"),
            parse_rfc3339("2030-01-01T00:00:00Z")
        );
        for bad in [
            "",
            "2030-01-01",
            "tomorrow",
            "2030-01-01T00:00:00",
            "2030-01-01T00:00:00Z[UTC]",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad:?}");
        }
    }
}
