//! POST: appending to a stream (§5.2).

use serde_json::json;

use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const WRITE: &[Capability] = &[Capability::Write];
const SOFT_DELETE: &[Capability] = &[Capability::Write, Capability::Delete, Capability::Fork];

pub(super) const CASES: &[Case] = &[
    must(
        "append.open.answers-204",
        &["5.2-23"],
        "A POST without producer headers to an open stream answers 204, and does not say that the stream is closed",
        check!(answers),
    )
    .needs(WRITE),
    must(
        "append.open.names-the-new-tail",
        &["5.2-23"],
        "The answer to a POST names the tail behind what it brought, and reads from the old tail give just that",
        check!(new_tail),
    )
    .needs(WRITE)
    .after("append.open.answers-204"),
    must(
        "append.open.keeps-any-bytes",
        &["4-03"],
        "What is appended comes back byte for byte, whatever bytes they are",
        check!(any_bytes),
    )
    .needs(WRITE)
    .after("append.open.answers-204"),
    must(
        "append.missing.answers-404",
        &["5.2-25"],
        "A POST where nothing is answers 404, and creates nothing",
        check!(missing),
    )
    .needs(WRITE),
    must(
        "append.soft-deleted.answers-410",
        &["5.2-25"],
        "A POST to a stream that was deleted while it has a fork answers 410, and changes nothing in the fork",
        check!(soft_deleted),
    )
    .needs(SOFT_DELETE),
    must(
        "append.type.another-is-refused",
        &["5.2-02"],
        "A POST of another content type than that of the stream answers 409, and stores nothing",
        check!(another_type),
    )
    .needs(WRITE)
    .after("append.open.answers-204"),
    must(
        "append.type.none-is-refused",
        &["5.2-03"],
        "A POST of content without a content type answers 400, and stores nothing",
        check!(no_type),
    )
    .needs(WRITE)
    .after("append.open.answers-204"),
    must(
        "append.empty.is-refused",
        &["5.2-12"],
        "A POST without a body that does not close answers 400, and changes nothing",
        check!(empty),
    )
    .needs(WRITE)
    .after("append.open.answers-204"),
    should(
        "append.chunked.is-one-append",
        &["5.2-05"],
        "A POST whose body comes in chunks is taken as one append of all of them",
        check!(chunked),
    )
    .needs(WRITE)
    .after("append.open.answers-204"),
    must(
        "append.chunked.empty-is-refused",
        &["5.2-12"],
        "A POST in chunks, of which there is none, is refused as one without a body is",
        check!(chunked_empty),
    )
    .needs(WRITE)
    .after("append.empty.is-refused"),
];

async fn answers(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    for body in ["one", "two"] {
        let answer = stream.append("text/plain", body).send().await?;
        answer.status(&[204])?.does_not_say("Stream-Closed")?;
    }
    stream.holds("onetwo").await?;
    Ok(())
}

async fn new_tail(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let mut before = stream.tail().await?;
    for body in ["a", "bcd", "e\n"] {
        let answer = stream.append("text/plain", body).send().await?;
        let tail = answer.carried_out()?.next_offset()?;
        if tail <= before.as_str() {
            return answer.fail(
                format!("an offset behind {before}, compared byte by byte"),
                format!("Stream-Next-Offset: {tail}"),
            );
        }
        let head = stream.head().send().await?;
        head.status(&[200])?.has("Stream-Next-Offset", tail)?;
        stream.read_all(&before).await?.body(body)?;
        stream.read_all(tail).await?.body("")?;
        before = tail.to_owned();
    }
    Ok(())
}

async fn any_bytes(t: Target) -> Verdict {
    let bytes: Vec<u8> = (0..=255).chain([0, 0, b'\r', b'\n', 0xff]).collect();
    for content_type in ["application/octet-stream", "text/plain"] {
        let stream = t.stream(content_type).await?;
        let answer = stream.append(content_type, bytes.clone()).send().await?;
        answer.carried_out()?;
        stream.holds(&bytes).await?;
    }
    Ok(())
}

async fn missing(t: Target) -> Verdict {
    let stream = t.unmade();
    let append = stream.append("text/plain", "for nobody");
    append.clone().send().await?.refused(404)?;
    append.producer("p", 0, 0).send().await?.refused(404)?;
    stream.head().send().await?.status(&[404])?;
    Ok(())
}

async fn soft_deleted(t: Target) -> Verdict {
    let source = t.filled("text/plain", &["shared"]).await?;
    let fork = t.forked(&source).await?;
    source.delete().prepare().await?;
    let append = source.append("text/plain", "too late").send().await?;
    append.refused(410)?;
    source.close().send().await?.refused(410)?;
    let read = fork.holds("shared").await?;
    read.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn another_type(t: Target) -> Verdict {
    for (own, other, body) in [
        ("text/plain", "application/json", "[1]"),
        ("text/plain", "text/html", "<p>"),
        ("application/octet-stream", "text/plain", "text"),
        ("application/json", "text/plain", "[1]"),
    ] {
        let stream = t.stream(own).await?;
        let tail = stream.tail().await?;
        stream.append(other, body).send().await?.conflict()?;
        let head = stream.head().send().await?;
        head.content_type(own)?.has("Stream-Next-Offset", &tail)?;
        // Nor the second time.
        stream.append(other, body).send().await?.conflict()?;
        let read = stream.read_all("-1").await?;
        read.body(if own == "application/json" { "[]" } else { "" })?;
    }
    Ok(())
}

async fn no_type(t: Target) -> Verdict {
    // Not application/octet-stream: a body without a type may be taken for that (RFC 9110 §8.3).
    let stream = t.filled("text/plain", &["typed"]).await?;
    let append = stream.post().body("untyped");
    append.clone().send_untyped().await?.refused(400)?;
    append.closing().send_untyped().await?.refused(400)?;
    let read = stream.holds("typed").await?;
    read.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn empty(t: Target) -> Verdict {
    for content_type in ["text/plain", "application/json"] {
        let stream = t.stream(content_type).await?;
        let tail = stream.tail().await?;
        for ask in [
            stream.post().content_type(content_type),
            stream.post(),
            stream.post().header("Stream-Closed", "false"),
            stream
                .post()
                .content_type(content_type)
                .header("Stream-Seq", "a"),
        ] {
            ask.send().await?.refused(400)?;
        }
        let head = stream.head().send().await?;
        head.status(&[200])?.does_not_say("Stream-Closed")?;
        head.has("Stream-Next-Offset", &tail)?;
    }
    Ok(())
}

async fn chunked(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let append = stream.post().content_type("text/plain");
    let answer = append.send_chunked(&["one ", "two ", "three"]).await?;
    answer.carried_out()?;
    let read = stream.holds("one two three").await?;
    read.has("Stream-Next-Offset", answer.next_offset()?)?;
    // What JSON is cut into is no message.
    let stream = t.stream("application/json").await?;
    let append = stream.post().content_type("application/json");
    let answer = append.send_chunked(&["[1,2", "2,[", "3]]"]).await?;
    answer.carried_out()?;
    stream.holds_messages(&json!([1, 22, [3]])).await?;
    Ok(())
}

async fn chunked_empty(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let tail = stream.tail().await?;
    let append = stream.post().content_type("text/plain");
    let answer = append.send_chunked(&[]).await?;
    // Who takes no chunks says so with 411.
    answer.status(&[400, 411])?;
    let head = stream.head().send().await?;
    head.status(&[200])?.does_not_say("Stream-Closed")?;
    head.has("Stream-Next-Offset", &tail)?;
    Ok(())
}
