//! Streams that expire: after a time without access, or at a time (§5.1). Those that wait for it are with the TTL's windows.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::{Stop, Verdict};
use crate::server_suite::target::{Ask, Stream, Target};

const EXPIRY: &[Capability] = &[Capability::Write, Capability::Expiry];

/// How long a case takes at most that is about no time, in seconds.
const MOMENT: u64 = 30;

/// How far clocks may be apart, in seconds.
const CLOCKS: u64 = 600;

pub(super) const CASES: &[Case] = &[
    must(
        "expiry.ttl.syntax",
        &["5.1-09"],
        "A Stream-TTL that is no decimal integer without sign and leading zeros answers 400",
        check!(ttl_syntax),
    )
    .needs(EXPIRY),
    must(
        "expiry.ttl.zero-is-valid",
        &["5.1-10"],
        "A PUT with a Stream-TTL of 0 answers 201",
        check!(ttl_zero),
    )
    .needs(EXPIRY),
    must(
        "expiry.ttl.may-be-huge",
        &["5.1-11"],
        "A Stream-TTL beyond all clocks is taken or refused with 400, and a stream that is created with it stays",
        check!(ttl_huge),
    )
    .needs(EXPIRY),
    must(
        "expiry.ttl.same-again-answers-200",
        &["5.1-01"],
        "A PUT with the Stream-TTL of the stream answers 200",
        check!(ttl_again),
    )
    .needs(EXPIRY),
    must(
        "expiry.ttl.another-is-refused",
        &["5.1-03"],
        "A PUT with another Stream-TTL than that of the stream, or one where it has none, answers 409 and changes nothing",
        check!(other_ttl),
    )
    .needs(EXPIRY)
    .after("expiry.ttl.same-again-answers-200"),
    must(
        "expiry.expires-at.syntax",
        &["5.1-21"],
        "A Stream-Expires-At that is no date of RFC 3339 answers 400, and creates nothing",
        check!(expires_at_syntax),
    )
    .needs(EXPIRY),
    must(
        "expiry.expires-at.takes-dates-of-rfc-3339",
        &["5.1-21", "5.1-22"],
        "A Stream-Expires-At may have a fraction of a second, and any offset from UTC",
        check!(expires_at_forms),
    )
    .needs(EXPIRY),
    must(
        "expiry.expires-at.same-again-answers-200",
        &["5.1-01"],
        "A PUT with the Stream-Expires-At of the stream answers 200",
        check!(expires_at_again),
    )
    .needs(EXPIRY),
    must(
        "expiry.expires-at.another-is-refused",
        &["5.1-04"],
        "A PUT with another Stream-Expires-At than that of the stream, or one where it has none, answers 409 and changes nothing",
        check!(other_expires_at),
    )
    .needs(EXPIRY)
    .after("expiry.expires-at.same-again-answers-200"),
    should(
        "expiry.both.are-refused",
        &["5.1-24"],
        "A PUT with both Stream-TTL and Stream-Expires-At answers 400, and creates nothing",
        check!(both),
    )
    .needs(EXPIRY),
];

/// The moment so many seconds from now, as a header has it.
pub(super) fn at(seconds: i64) -> String {
    let now = Timestamp::now().as_second();
    Timestamp::from_second(now + seconds).map_or_else(|_| String::new(), |at| at.to_string())
}

/// The moment so many seconds from now on the server's clock, or up to one less: it tells whole seconds, if any.
pub(super) async fn soon(t: &Target, seconds: i64) -> Verdict<String> {
    let stream = t.stream("text/plain").await?;
    let answer = stream.head().prepare().await?;
    let date = answer.header("Date");
    let date = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let now = date.unwrap_or_else(Timestamp::now).as_second();
    match Timestamp::from_second(now + seconds) {
        Ok(moment) => Ok(moment.to_string()),
        Err(error) => Err(Stop::Error(format!("the clock of the server: {error}"))),
    }
}

/// So much time has passed that a right server and a wrong one are the same.
pub(super) fn too_slow() -> Stop {
    Stop::Skip("the machine was too slow to tell".to_owned())
}

/// An answer has this Stream-Expires-At, however it is written.
pub(super) fn same_moment(answer: &Answer, expected: &str) -> Verdict {
    let value = answer.needs("Stream-Expires-At")?;
    let (is, wanted): (Result<Timestamp, _>, Result<Timestamp, _>) =
        (value.parse(), expected.parse());
    if matches!((is, wanted), (Ok(is), Ok(wanted)) if is == wanted) {
        return Ok(());
    }
    answer.fail(
        format!("Stream-Expires-At: {expected}, or the same moment in other words"),
        format!("Stream-Expires-At: {value}"),
    )
}

/// It has this TTL, or a time left that was this one a moment ago: that it is not that time is another case's, where time passes.
fn says_ttl(answer: &Answer, ttl: u64) -> Verdict {
    let left = answer.needs("Stream-TTL")?;
    let seconds: Result<u64, _> = left.parse();
    if seconds.is_ok_and(|seconds| seconds <= ttl && seconds + MOMENT > ttl) {
        return Ok(());
    }
    answer.fail(format!("Stream-TTL: {ttl}"), format!("Stream-TTL: {left}"))
}

/// A stream with this TTL and no time of expiry. A server may say when the TTL is over, as well (§5.5): by its clock, which need not be
/// that of this machine.
pub(super) fn has_ttl(answer: &Answer, ttl: u64) -> Verdict {
    says_ttl(answer, ttl)?;
    let Some(value) = answer.header("Stream-Expires-At") else {
        return Ok(());
    };
    let over = Timestamp::now().as_second().saturating_add_unsigned(ttl);
    let says: Result<Timestamp, _> = value.parse();
    if says.is_ok_and(|moment| moment.as_second().abs_diff(over) < CLOCKS) {
        return Ok(());
    }
    answer.fail(
        format!("no Stream-Expires-At, or the moment when a TTL of {ttl} is over"),
        format!("Stream-Expires-At: {value}"),
    )
}

async fn ttl_syntax(t: Target) -> Verdict {
    for ttl in ["01", "+1", "-1", "1.0", "1e3", "1s", "0x10", "one"] {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain");
        create
            .header("Stream-TTL", ttl)
            .send()
            .await?
            .refused(400)?;
        stream.head().send().await?.status(&[404])?;
    }
    Ok(())
}

async fn ttl_zero(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain");
    create
        .header("Stream-TTL", "0")
        .send()
        .await?
        .status(&[201])?;
    Ok(())
}

async fn ttl_huge(t: Target) -> Verdict {
    // Beyond 32 bits of seconds and of milliseconds, of what a number of JSON holds, and of 63 and 64 bits.
    for ttl in [
        "2147484",
        "4294968",
        "2147483648",
        "4294967296",
        "9007199254740993",
        "9223372036854775807",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999999999999999999",
    ] {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain");
        let created = create
            .header("Stream-TTL", ttl)
            .body("stays")
            .send()
            .await?;
        created.status(&[201, 400])?;
        if created.status == 201 {
            stream.holds("stays").await?;
        } else {
            stream.head().send().await?.status(&[404])?;
        }
    }
    Ok(())
}

async fn ttl_again(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain");
    let create = create.header("Stream-TTL", "3600");
    create.clone().prepare().await?;
    create.send().await?.status(&[200])?;
    stream.head().send().await?.has("Stream-TTL", "3600")?;
    Ok(())
}

/// A request that would change when a stream expires is refused, and does not.
/// What would change a stream is refused, and then it still has this expiry.
async fn does_not_change(
    change: Ask,
    stream: &Stream,
    expiry: impl Fn(&Answer) -> Verdict,
) -> Verdict {
    change.send().await?.refused(409)?;
    let head = stream.head().send().await?;
    expiry(head.status(&[200])?)
}

fn has_no_expiry(head: &Answer) -> Verdict {
    head.lacks("Stream-TTL")?.lacks("Stream-Expires-At")?;
    Ok(())
}

async fn other_ttl(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = || stream.put().content_type("text/plain");
    create().header("Stream-TTL", "3600").prepare().await?;
    let own = |head: &Answer| says_ttl(head, 3600);
    does_not_change(create().header("Stream-TTL", "7200"), &stream, &own).await?;
    let change = create().header("Stream-Expires-At", &at(3600));
    does_not_change(change, &stream, &own).await?;
    does_not_change(create(), &stream, &own).await?;
    let plain = t.stream("text/plain").await?;
    let create = plain.put().content_type("text/plain");
    does_not_change(create.header("Stream-TTL", "3600"), &plain, has_no_expiry).await
}

async fn expires_at_syntax(t: Target) -> Verdict {
    for at in [
        "soon",
        "4070908800",
        "2099-01-01",
        "2099-01-01T00:00Z",
        "2099-01-01T00:00:00",
        "20990101T000000Z",
        "2099-13-01T00:00:00Z",
        "2099-02-30T00:00:00Z",
        "2099-01-01T25:00:00Z",
        "2099-01-01T00:00:00+0200",
        "Thu, 01 Jan 2099 00:00:00 GMT",
    ] {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain");
        let create = create.header("Stream-Expires-At", at);
        create.send().await?.refused(400)?;
        stream.head().send().await?.status(&[404])?;
    }
    Ok(())
}

async fn expires_at_forms(t: Target) -> Verdict {
    let hour = at(3600);
    // In an hour, on clocks to the west; who overlooks the offset takes it to be past.
    let west = at(3600 - 8 * 3600).replace('Z', "-08:00");
    for at in [
        hour.clone(),
        hour.replace('Z', ".25Z"),
        west,
        "2099-01-01T00:00:00+05:30".to_owned(),
        "2099-06-30T23:59:59.123456Z".to_owned(),
    ] {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain").body("stays");
        let created = create.header("Stream-Expires-At", &at).send().await?;
        created.status(&[201])?;
        stream.holds("stays").await?;
    }
    Ok(())
}

async fn expires_at_again(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain");
    let create = create.header("Stream-Expires-At", &at(3600));
    create.clone().prepare().await?;
    create.send().await?.status(&[200])?;
    Ok(())
}

async fn other_expires_at(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = || stream.put().content_type("text/plain");
    let expires = at(3600);
    create()
        .header("Stream-Expires-At", &expires)
        .prepare()
        .await?;
    let own = |head: &Answer| same_moment(head, &expires);
    let change = create().header("Stream-Expires-At", &at(7200));
    does_not_change(change, &stream, &own).await?;
    does_not_change(create().header("Stream-TTL", "3600"), &stream, &own).await?;
    does_not_change(create(), &stream, &own).await?;
    let plain = t.stream("text/plain").await?;
    let create = plain.put().content_type("text/plain");
    let change = create.header("Stream-Expires-At", &expires);
    does_not_change(change, &plain, has_no_expiry).await
}

async fn both(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain");
    let create = create
        .header("Stream-TTL", "3600")
        .header("Stream-Expires-At", &at(3600));
    create.send().await?.refused(400)?;
    stream.head().send().await?.status(&[404])?;
    Ok(())
}
