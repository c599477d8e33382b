//! Cursors: what makes every live request another one for caches (§10.1).

use std::time::{Duration, SystemTime};

use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::events::is;
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Stream, Target};

const LONG_POLL: &[Capability] = &[Capability::Write, Capability::LongPoll];
const SSE: &[Capability] = &[Capability::Write, Capability::Sse];

pub(super) const CASES: &[Case] = &[
    must(
        "cursors.long-poll.count-intervals",
        &["10-09", "10-11"],
        "The cursor of a long-poll is the number of 20-second intervals since 2024-10-09",
        check!(long_poll_counts),
    )
    .needs(LONG_POLL),
    must(
        "cursors.long-poll.move-on",
        &["10-10"],
        "A long-poll with a cursor that is not behind is answered with a greater one",
        check!(long_poll_moves),
    )
    .needs(LONG_POLL),
    must(
        "cursors.long-poll.do-not-stay-behind",
        &["10-10", "10-11"],
        "A long-poll with a cursor of long ago is answered with one of now",
        check!(long_poll_catches_up),
    )
    .needs(LONG_POLL)
    .after("cursors.long-poll.count-intervals"),
    must(
        "cursors.sse.count-intervals",
        &["10-09", "10-11"],
        "The cursor in control events is the number of 20-second intervals since 2024-10-09",
        check!(sse_counts),
    )
    .needs(SSE),
    must(
        "cursors.sse.move-on",
        &["10-10"],
        "A GET of events with a cursor that is not behind brings a greater one",
        check!(sse_moves),
    )
    .needs(SSE),
];

/// 2024-10-09T00:00:00Z.
const EPOCH: Duration = Duration::from_secs(1_728_432_000);
const INTERVAL_SECONDS: u64 = 20;
const HOUR: u64 = 3600 / INTERVAL_SECONDS;

/// The number of the interval that it is now, by the clock of this machine.
fn current() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + EPOCH);
    since.unwrap_or_default().as_secs() / INTERVAL_SECONDS
}

/// A cursor, as a number.
fn number(answer: &Answer, cursor: &str) -> Verdict<u64> {
    match cursor.parse() {
        Ok(number) => Ok(number),
        Err(_) => answer.fail(
            "a cursor that is a number",
            format!("the cursor {cursor:?}"),
        ),
    }
}

/// It is of now: with an hour for the jitter that a server may have added, and one for clocks that differ, at either end.
fn is_of_now(answer: &Answer, cursor: u64) -> Verdict {
    let now = current();
    if cursor.saturating_add(HOUR) >= now && cursor <= now + 2 * HOUR {
        return Ok(());
    }
    answer.fail(
        format!("a cursor about {now}, the number of the interval"),
        format!("the cursor {cursor}"),
    )
}

fn is_greater(answer: &Answer, cursor: u64, than: u64) -> Verdict {
    if cursor > than {
        return Ok(());
    }
    answer.fail(
        format!("a cursor greater than {than}"),
        format!("the cursor {cursor}"),
    )
}

/// The answer to a long-poll that finds something at once, and its cursor.
async fn polled(stream: &Stream, cursor: Option<u64>) -> Verdict<(Answer, u64)> {
    // In the order in which clients have it: by name.
    let ask = match cursor {
        Some(cursor) => stream.get().query("cursor", &cursor.to_string()),
        None => stream.get(),
    };
    let ask = ask.live("long-poll").query("offset", "-1");
    let answer = ask.send().await?;
    answer.refused(200)?.body("c")?;
    let cursor = number(&answer, answer.needs("Stream-Cursor")?)?;
    Ok((answer, cursor))
}

async fn long_poll_counts(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["c"]).await?;
    let (answer, cursor) = polled(&stream, None).await?;
    is_of_now(&answer, cursor)
}

async fn long_poll_moves(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["c"]).await?;
    let (_, mut last) = polled(&stream, None).await?;
    // Again and again, as one reader does whose answers come quickly; and far ahead.
    for ahead in [0, 0, 0, 1, 1_000_000] {
        last = last.saturating_add(ahead);
        let (answer, cursor) = polled(&stream, Some(last)).await?;
        is_greater(&answer, cursor, last)?;
        last = cursor;
    }
    Ok(())
}

async fn long_poll_catches_up(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["c"]).await?;
    for old in [0, 1, current() / 2] {
        let (answer, cursor) = polled(&stream, Some(old)).await?;
        is_of_now(&answer, cursor)?;
    }
    Ok(())
}

/// The head of an answer with events, and the cursor in the first control event.
async fn connected(stream: &Stream, cursor: Option<u64>) -> Verdict<(Answer, u64)> {
    let ask = match cursor {
        Some(cursor) => stream.get().query("cursor", &cursor.to_string()),
        None => stream.get(),
    };
    let ask = ask.live("sse").query("offset", "-1");
    let mut events = ask.events().await?;
    let (_, control) = events.until(|control| is(control, "upToDate")).await?;
    match control["streamCursor"].as_str() {
        Some(cursor) => {
            let head = events.head();
            let cursor = number(&head, cursor)?;
            Ok((head, cursor))
        }
        None => events.not("a streamCursor that is a string", &control),
    }
}

async fn sse_counts(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["c"]).await?;
    let (head, cursor) = connected(&stream, None).await?;
    is_of_now(&head, cursor)
}

async fn sse_moves(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["c"]).await?;
    let (_, mut last) = connected(&stream, None).await?;
    for ahead in [0, 0, 1_000_000] {
        last = last.saturating_add(ahead);
        let (head, cursor) = connected(&stream, Some(last)).await?;
        is_greater(&head, cursor, last)?;
        last = cursor;
    }
    Ok(())
}
