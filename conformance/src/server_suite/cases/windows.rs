//! The time that passes: when streams with a TTL or at a moment really end (§5.1).
//!
//! A stream with a TTL of [`TTL`] is used at [`USED`], and is looked at when it would have ended without that, and not yet
//! with it. Where a stream is gone too early, the case's own clock tells whether the machine was too slow to tell.

use std::time::{Duration, Instant};

use futures_util::future::{Either, join, join_all, select};

use super::expiry::{soon, too_slow};
use crate::server_suite::answer::Answer;
use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::{Stop, Verdict};
use crate::server_suite::target::{Ask, Stream, Target};

const EXPIRY: &[Capability] = &[Capability::Write, Capability::Expiry];
const DELETE: &[Capability] = &[Capability::Write, Capability::Expiry, Capability::Delete];
const LONG_POLL: &[Capability] = &[Capability::Write, Capability::Expiry, Capability::LongPoll];
const SSE: &[Capability] = &[Capability::Write, Capability::Expiry, Capability::Sse];

const TTL: &str = "4";
const TTL_TIME: Duration = Duration::from_secs(4);
/// When it is used: before a server ends it that has only whole seconds and rounds them down.
const USED: Duration = Duration::from_millis(2500);
/// When it is looked at: a second after its end if the use did not count, and a second before a rounded end if it did.
const LOOKED_AT: Duration = Duration::from_millis(5000);
/// What a server may be early by.
const ROUNDING: Duration = Duration::from_secs(1);

pub(super) const CASES: &[Case] = &[
    must(
        "expiry.ttl.ends-the-stream",
        &["5.1-20"],
        "A stream that nobody touches for its TTL answers 404 to reads and appends, and its URL is free",
        check!(ttl_ends),
    )
    .needs(EXPIRY)
    .slow(),
    must(
        "expiry.ttl.leaves-nothing-to-delete",
        &["5.1-20"],
        "A DELETE of a stream whose TTL is over answers 404",
        check!(nothing_to_delete),
    )
    .needs(DELETE)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.window.begins-anew-with-a-get",
        &["5.1-12"],
        "A GET begins the window of the TTL anew",
        check!(get),
    )
    .needs(EXPIRY)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.window.begins-anew-with-a-get-from-now",
        &["5.1-13"],
        "A GET from now begins the window of the TTL anew, although it brings nothing",
        check!(get_now),
    )
    .needs(EXPIRY)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.window.begins-anew-with-an-append",
        &["5.1-14"],
        "An append begins the window of the TTL anew",
        check!(append),
    )
    .needs(EXPIRY)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.window.begins-anew-with-an-append-of-a-producer",
        &["5.1-16"],
        "An append of a producer begins the window of the TTL anew",
        check!(producer_append),
    )
    .needs(EXPIRY)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.window.begins-anew-with-a-close",
        &["5.1-15"],
        "A POST that only closes begins the window of the TTL anew, with and without a producer",
        check!(close),
    )
    .needs(EXPIRY)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.window.begins-anew-with-a-long-poll",
        &["5.1-17"],
        "A long-poll that starts, with content or to wait, begins the window of the TTL anew",
        check!(long_poll),
    )
    .needs(LONG_POLL)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.window.begins-anew-with-sse",
        &["5.1-17"],
        "A read by server-sent events that starts begins the window of the TTL anew",
        check!(sse),
    )
    .needs(SSE)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.window.stays-open-for-a-live-reader",
        &["5.1-18"],
        "A stream with a connected reader does not expire",
        check!(live_reader),
    )
    .needs(SSE)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.window.is-not-touched-by-head",
        &["5.1-19"],
        "A HEAD does not begin the window of the TTL anew",
        check!(head),
    )
    .needs(EXPIRY)
    .after("expiry.ttl.ends-the-stream")
    .slow(),
    must(
        "expiry.expires-at.ends-the-stream",
        &["5.1-20", "5.1-23"],
        "A stream answers 404 after its Stream-Expires-At, whoever used it before, and its URL is free",
        check!(expires_at),
    )
    .needs(EXPIRY)
    .after("expiry.expires-at.same-again-answers-200")
    .slow(),
];

/// A stream with a TTL, and since when it is there.
struct Window {
    t: Target,
    stream: Stream,
    /// Before it was asked for: it has not ended earlier than a TTL after this.
    begun: Instant,
    /// When it was there: it has ended a TTL after this.
    made: Instant,
}

impl Window {
    async fn open(t: &Target) -> Verdict<Self> {
        let stream = t.unmade();
        let begun = Instant::now();
        let create = stream.put().content_type("text/plain").body("one");
        create.header("Stream-TTL", TTL).prepare().await?;
        Ok(Self {
            t: t.clone(),
            stream,
            begun,
            made: Instant::now(),
        })
    }

    async fn until(&self, time: Duration) {
        self.until_after(self.begun, time).await;
    }

    async fn until_after(&self, since: Instant, time: Duration) {
        let left = time.saturating_sub(since.elapsed());
        self.t.sleep(left).await;
    }

    /// An answer that the stream is there. When it says that it is gone, `since` when the window was open decides whether
    /// that can be right.
    fn there<'a>(&self, answer: &'a Answer, since: Instant) -> Verdict<&'a Answer> {
        if answer.status == 404 && since.elapsed() + ROUNDING >= TTL_TIME {
            return Err(too_slow());
        }
        answer.status(&[200, 204])
    }

    /// Whatever was sent since then has kept the stream beyond its first window.
    async fn lives_on(&self, used: Instant) -> Verdict {
        self.until(LOOKED_AT).await;
        let head = self.stream.head().send().await?;
        self.there(&head, used)?;
        Ok(())
    }
}

/// Streams that are used by each of these requests, at the same time, live on.
async fn all_keep(t: &Target, uses: &[fn(&Stream) -> Ask]) -> Verdict {
    let each = uses.iter().map(|request| async move {
        let window = Window::open(t).await?;
        window.until(USED).await;
        let used = Instant::now();
        let answer = request(&window.stream).send().await?;
        window.there(&answer, window.begun)?;
        window.lives_on(used).await
    });
    join_all(each).await.into_iter().collect()
}

async fn get(t: Target) -> Verdict {
    all_keep(&t, &[|stream| stream.read("-1"), Stream::get]).await
}

async fn get_now(t: Target) -> Verdict {
    all_keep(&t, &[|stream| stream.read("now")]).await
}

async fn append(t: Target) -> Verdict {
    all_keep(&t, &[|stream| stream.append("text/plain", "two")]).await
}

async fn producer_append(t: Target) -> Verdict {
    let append = |stream: &Stream| stream.append("text/plain", "two").producer("p", 0, 0);
    all_keep(&t, &[append]).await
}

async fn close(t: Target) -> Verdict {
    let by_producer = |stream: &Stream| stream.close().producer("p", 0, 0);
    all_keep(&t, &[Stream::close, by_producer]).await
}

async fn long_poll(t: Target) -> Verdict {
    let uses: &[fn(&Stream) -> Ask] = &[|stream| stream.read("-1").live("long-poll")];
    let (content, waiting) = join(all_keep(&t, uses), waiting_poll(&t)).await;
    content.and(waiting)
}

/// One that waits for what does not come: from its start on the window is a new one, however long it waits.
async fn waiting_poll(t: &Target) -> Verdict {
    let window = Window::open(t).await?;
    let tail = window.stream.tail().await?;
    window.until(USED).await;
    let used = Instant::now();
    let poll = Box::pin(window.stream.read(&tail).live("long-poll").send());
    let look = Box::pin(window.lives_on(used));
    match select(poll, look).await {
        Either::Left((poll, look)) => {
            window.there(&poll?, window.begun)?;
            look.await
        }
        Either::Right((looked, _)) => looked,
    }
}

async fn sse(t: Target) -> Verdict {
    let window = Window::open(&t).await?;
    window.until(USED).await;
    let used = Instant::now();
    let opened = window.stream.read("-1").live("sse").open().await?;
    window.there(&opened.head(), window.begun)?;
    drop(opened);
    window.lives_on(used).await
}

async fn live_reader(t: Target) -> Verdict {
    // Two seconds after an end that nothing had put off.
    let limit = TTL_TIME + Duration::from_secs(2);
    let t = t.patient(2 * limit);
    let window = Window::open(&t).await?;
    let opened = window.stream.read("-1").live("sse").open().await?;
    window.there(&opened.head(), window.begun)?;
    let begun = Instant::now();
    let connected = Box::pin(opened.ends());
    let look = Box::pin(async {
        window.until_after(begun, limit).await;
        window.stream.head().send().await
    });
    match select(connected, look).await {
        Either::Left(_) => {
            // Either it was the stream that ended, or the server ends connections early, as it may.
            let head = window.stream.head().send().await?;
            head.status(&[200])?;
            Err(Stop::Skip(
                "the server ends connections before a TTL is over".to_owned(),
            ))
        }
        Either::Right((head, _)) => {
            head?.status(&[200])?;
            Ok(())
        }
    }
}

async fn head(t: Target) -> Verdict {
    let window = Window::open(&t).await?;
    window.until(USED).await;
    let used = Instant::now();
    let head = window.stream.head().send().await?;
    window.there(&head, window.begun)?;
    // Two seconds after its end, and before the end if the HEAD had counted.
    let end = TTL_TIME + Duration::from_secs(2);
    window.until_after(window.made, end).await;
    let in_time = used.elapsed() < TTL_TIME;
    let read = window.stream.read("-1").send().await?;
    read.status(&[404])?;
    if in_time { Ok(()) } else { Err(too_slow()) }
}

async fn ttl_ends(t: Target) -> Verdict {
    let mut streams = Vec::new();
    for _ in 0..5 {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain").body("gone");
        create.header("Stream-TTL", "1").prepare().await?;
        streams.push(stream);
    }
    // No access meanwhile: every one would begin the window anew.
    t.sleep(Duration::from_secs(3)).await;
    all_gone(&streams).await
}

async fn nothing_to_delete(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain").body("gone");
    create.header("Stream-TTL", "1").prepare().await?;
    t.sleep(Duration::from_secs(3)).await;
    stream.delete().send().await?.refused(404)?;
    Ok(())
}

/// Five streams have ended: whichever request comes first finds that.
async fn all_gone(streams: &[Stream]) -> Verdict {
    let first: [fn(&Stream) -> Ask; 4] = [
        |stream| stream.read("-1"),
        Stream::head,
        |stream| stream.append("text/plain", "more"),
        Stream::close,
    ];
    for (stream, first) in streams.iter().zip(first) {
        first(stream).send().await?.status(&[404])?;
    }
    for stream in streams {
        let create = stream.put().content_type("text/plain").body("new");
        create.send().await?.status(&[201])?;
        stream.holds("new").await?;
    }
    Ok(())
}

async fn expires_at(t: Target) -> Verdict {
    let mut streams = Vec::new();
    let asked = Instant::now();
    let moment = soon(&t, 5).await?;
    let told = Instant::now();
    for _ in 0..5 {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain").body("one");
        let create = create.header("Stream-Expires-At", &moment);
        create.prepare().await?;
        streams.push(stream);
    }
    // Four to five seconds are left. Before that they are there, and are used.
    let used = Duration::from_millis(2800).saturating_sub(asked.elapsed());
    t.sleep(used).await;
    for stream in &streams {
        for request in [stream.read("-1"), stream.append("text/plain", "two")] {
            let answer = request.send().await?;
            if answer.status == 404 && asked.elapsed() > Duration::from_millis(3500) {
                return Err(too_slow());
            }
            answer.status(&[200, 204])?;
        }
    }
    // More than a second after the moment. A window of four seconds that had begun with that use would still be open.
    let after = Duration::from_millis(6500).saturating_sub(told.elapsed());
    t.sleep(after).await;
    all_gone(&streams).await
}
