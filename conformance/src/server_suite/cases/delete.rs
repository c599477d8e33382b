//! DELETE: the end of a stream (§5.4). What becomes of one that has forks is with the forks.

use std::time::Duration;

use futures_util::future::join;
use serde_json::json;

use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::events::Event;
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const DELETE: &[Capability] = &[Capability::Write, Capability::Delete];
const SSE: &[Capability] = &[Capability::Write, Capability::Delete, Capability::Sse];
const LONG_POLL: &[Capability] = &[Capability::Write, Capability::Delete, Capability::LongPoll];

pub(super) const CASES: &[Case] = &[
    must(
        "delete.stream.answers-204",
        &["5.4-01"],
        "A DELETE of a stream, open or closed, answers 204",
        check!(answers),
    )
    .needs(DELETE),
    must(
        "delete.missing.answers-404",
        &["5.4-01"],
        "A DELETE of what never was answers 404",
        check!(missing),
    )
    .needs(DELETE),
    must(
        "delete.deleted.is-not-there",
        &["5.4-02"],
        "After a DELETE the stream answers 404 to GET, HEAD, POST and DELETE",
        check!(deleted),
    )
    .needs(DELETE)
    .after("delete.stream.answers-204"),
    must(
        "delete.deleted.is-not-there-for-live-readers",
        &["5.4-02"],
        "After a DELETE a long-poll of the stream answers 404",
        check!(deleted_long_poll),
    )
    .needs(LONG_POLL)
    .after("delete.stream.answers-204"),
    must(
        "delete.deleted.is-not-there-for-sse",
        &["5.4-02"],
        "After a DELETE a GET with live=sse answers 404",
        check!(deleted_sse),
    )
    .needs(SSE)
    .after("delete.stream.answers-204"),
    must(
        "delete.again-created.is-a-new-stream",
        &["4-05", "5.4-02"],
        "What is created where a stream was deleted has nothing of the old one",
        check!(again_created),
    )
    .needs(DELETE)
    .after("delete.stream.answers-204"),
    must(
        "delete.others.stay",
        &["5.4-01"],
        "A DELETE of one stream leaves the others",
        check!(others),
    )
    .needs(DELETE)
    .after("delete.stream.answers-204"),
    must(
        "delete.live.ends-sse",
        &["5.4-03"],
        "When a stream is deleted, the connections of its readers over server-sent events end",
        check!(ends_sse),
    )
    .needs(SSE)
    .after("delete.stream.answers-204"),
    must(
        "delete.live.ends-long-polls",
        &["5.4-03"],
        "When a stream is deleted, a long-poll that waits is answered",
        check!(ends_long_polls),
    )
    .needs(LONG_POLL)
    .after("delete.stream.answers-204"),
];

async fn answers(t: Target) -> Verdict {
    let open = t.stream("text/plain").await?;
    let closed = t.filled("text/plain", &["all"]).await?;
    closed.close().prepare().await?;
    for stream in [open, closed] {
        stream.delete().send().await?.refused(204)?;
    }
    Ok(())
}

async fn missing(t: Target) -> Verdict {
    t.unmade().delete().send().await?.refused(404)?;
    Ok(())
}

async fn deleted(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["gone"]).await?;
    let tail = stream.tail().await?;
    stream.delete().prepare().await?;
    // Twice: the first request after the deletion must not bring anything back.
    for _ in 0..2 {
        stream.head().send().await?.status(&[404])?;
        for offset in ["-1", &tail, "now"] {
            stream.read(offset).send().await?.status(&[404])?;
        }
        let append = stream.append("text/plain", "more").send().await?;
        append.status(&[404])?;
        stream.close().send().await?.status(&[404])?;
        stream.delete().send().await?.status(&[404])?;
    }
    Ok(())
}

async fn deleted_live(t: Target, mode: &str) -> Verdict {
    let stream = t.filled("text/plain", &["gone"]).await?;
    let tail = stream.tail().await?;
    stream.delete().prepare().await?;
    for offset in ["-1", &tail] {
        let read = stream.read(offset).live(mode).send().await?;
        read.refused(404)?;
    }
    Ok(())
}

async fn deleted_long_poll(t: Target) -> Verdict {
    deleted_live(t, "long-poll").await
}

async fn deleted_sse(t: Target) -> Verdict {
    deleted_live(t, "sse").await
}

async fn again_created(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["old"]).await?;
    stream
        .append("text/plain", "2")
        .producer("p", 7, 0)
        .prepare()
        .await?;
    stream
        .append("text/plain", "3")
        .header("Stream-Seq", "z")
        .prepare()
        .await?;
    stream.close().prepare().await?;
    stream.delete().prepare().await?;
    let create = stream.put().content_type("application/json").send().await?;
    // That URLs are not used again (§4) is a rule for those who create, and one that a server may enforce.
    if matches!(create.status, 404 | 409 | 410) {
        return Ok(());
    }
    create.status(&[201])?.content_type("application/json")?;
    create.does_not_say("Stream-Closed")?;
    stream.holds_messages(&json!([])).await?;
    // Neither its producers nor its sequence are there any more.
    let append = stream.append("application/json", "1");
    let append = append.producer("p", 0, 0).send().await?;
    append.status(&[200])?;
    let append = stream.append("application/json", "2");
    let append = append.header("Stream-Seq", "a").send().await?;
    append.status(&[200, 204])?;
    stream.holds_messages(&json!([1, 2])).await?;
    Ok(())
}

async fn others(t: Target) -> Verdict {
    let stays = t.filled("text/plain", &["stays"]).await?;
    let goes = t.filled("text/plain", &["goes"]).await?;
    // A name that begins with the name of another is another name.
    let name = goes.url.rsplit('/').next().unwrap_or_default();
    let longer = t.named(&format!("{name}-longer"));
    longer
        .put()
        .content_type("text/plain")
        .body("longer")
        .prepare()
        .await?;
    goes.delete().send().await?.refused(204)?;
    stays.holds("stays").await?;
    longer.holds("longer").await?;
    longer.delete().prepare().await?;
    Ok(())
}

async fn ends_sse(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["all"]).await?;
    let mut events = stream.read("-1").live("sse").events().await?;
    while !matches!(events.next().await?, Event::Control(control) if control["upToDate"] == true) {}
    stream.delete().prepare().await?;
    events.ends().await
}

async fn ends_long_polls(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["all"]).await?;
    let tail = stream.tail().await?;
    let poll = stream.read(&tail).live("long-poll").send();
    let delete = async {
        // In either order there must be an answer; that the read waits by now is the order that is worth a look.
        t.sleep(Duration::from_millis(200)).await;
        stream.delete().prepare().await
    };
    let (poll, deleted) = join(poll, delete).await;
    deleted?;
    // What it says is not laid down: gone, or nothing new.
    poll?.status(&[200, 204, 404, 410])?;
    stream
        .read(&tail)
        .live("long-poll")
        .send()
        .await?
        .status(&[404])?;
    Ok(())
}
