//! Long-polls: one that waits while something happens (§5.7).

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::future::{Either, join, select};

use super::answer::Answer;
use super::outcome::{Stop, Verdict, fail};
use super::target::{Ask, Stream, Target};

/// How long a poll is under way before something happens. Nobody can see from outside that a server has begun to wait; without this
/// time it would mostly find what happened there already, and a server that wakes nobody would pass.
const HEAD_START: Duration = Duration::from_millis(150);

/// A server that has answered before this has not waited at all.
const NO_WAIT: Duration = Duration::from_millis(20);

/// A wait that is longer than another by this is another one, on any machine.
const LONGER: Duration = Duration::from_secs(3);

/// How often it is tried to see a poll woken. The wait of a server may be so short that it ends before something happens.
const ATTEMPTS: usize = 3;

/// A poll, and what happened while it was under way.
pub(super) struct Polled {
    pub(super) stream: Stream,
    /// Where the poll began.
    pub(super) tail: String,
    /// The answer to the poll.
    pub(super) answer: Answer,
    /// The answer to what happened, which was a success.
    pub(super) event: Answer,
}

impl Stream {
    pub(super) fn poll(&self, offset: &str) -> Ask {
        self.read(offset).live("long-poll")
    }
}

/// Whether this says that the time of a long-poll is up, and nothing else.
pub(super) fn timed_out(answer: &Answer) -> bool {
    let closed = answer.header("stream-closed");
    answer.status == 204 && !closed.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

impl Target {
    /// Gives a poll the time to arrive.
    pub(super) async fn head_start(&self) {
        self.sleep(HEAD_START).await;
    }

    /// Polls and lets something happen meanwhile, which may be before the poll arrives as well: it must be answered either way.
    pub(super) async fn while_polling(
        &self,
        poll: Ask,
        event: impl Future<Output = Verdict<Answer>>,
    ) -> Verdict<(Answer, Answer)> {
        let event = async {
            self.head_start().await;
            event.await
        };
        let (answer, event) = join(poll.send(), event).await;
        // When nothing happened, that is why the poll failed.
        let event = event?;
        Ok((answer?, event))
    }

    /// A stream with something in it, a poll at its tail, and a request that the poll waits for.
    pub(super) async fn woken(
        &self,
        content_type: &str,
        body: &'static str,
        event: fn(&Stream) -> Ask,
    ) -> Verdict<Polled> {
        let mut longest = Duration::ZERO;
        for _ in 0..ATTEMPTS {
            let stream = self.filled(content_type, &[body]).await?;
            let tail = stream.tail().await?;
            let begun = Instant::now();
            let happens = event(&stream).prepare();
            let (answer, event) = self.while_polling(stream.poll(&tail), happens).await?;
            if timed_out(&answer) {
                // With another offset, what happened is lost to the reader.
                answer.has("Stream-Next-Offset", &tail)?;
                longest = longest.max(begun.elapsed());
                continue;
            }
            return Ok(Polled {
                stream,
                tail,
                answer,
                event,
            });
        }
        // Either the server never waits for long, or it answers that nothing happened because something did. In the latter case
        // it waits for longer when nothing does.
        let stream = self.filled(content_type, &[body]).await?;
        let tail = stream.tail().await?;
        let poll = pin!(stream.poll(&tail).send());
        match select(poll, pin!(self.sleep(4 * longest + LONGER))).await {
            Either::Left(_) => Err(not_seen()),
            Either::Right(_) => fail(
                "an answer to a long-poll that says what happened",
                "a 204 that does not, and would not have come otherwise",
            ),
        }
    }

    /// Polls until the server has waited, or has not. On a slow machine an answer at once takes its time, too: it is tried
    /// several times, and the shortest wait counts.
    pub(super) async fn waits(&self, poll: Ask) -> Verdict {
        for _ in 0..ATTEMPTS {
            let begun = Instant::now();
            let answer = pin!(poll.clone().send());
            match select(answer, pin!(self.head_start())).await {
                Either::Left((answer, _)) => {
                    let (answer, time) = (answer?, begun.elapsed());
                    answer.status(&[204])?;
                    if time < NO_WAIT {
                        return answer
                            .fail("no answer before the server has waited", "one at once");
                    }
                }
                Either::Right(_) => {}
            }
        }
        Ok(())
    }

    /// Polls from now while one body after the other is appended, until there is an answer with some of them.
    pub(super) async fn woken_from_now(
        &self,
        stream: &Stream,
        content_type: &str,
    ) -> Verdict<(Answer, Vec<String>)> {
        let mut appended = Vec::new();
        for _ in 0..ATTEMPTS {
            let mut poll = pin!(stream.poll("now").send());
            // What is appended before the poll arrives does not wake it, so more follows; its patience ends this.
            let answer = loop {
                let body = format!("after {};", appended.len());
                let append = pin!(async {
                    self.head_start().await;
                    let append = stream.append(content_type, body.clone());
                    append.prepare().await.map(|_| body)
                });
                match select(poll.as_mut(), append).await {
                    Either::Left((answer, append)) => {
                        appended.push(append.await?);
                        break answer?;
                    }
                    Either::Right((done, _)) => appended.push(done?),
                }
            };
            if !timed_out(&answer) {
                return Ok((answer, appended));
            }
        }
        Err(not_seen())
    }
}

/// What was to be seen while a poll waited could not be.
fn not_seen() -> Stop {
    Stop::Skip("the server's long-polls were over before anything could happen".to_owned())
}
