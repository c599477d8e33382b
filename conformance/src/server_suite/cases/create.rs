//! PUT: creating a stream, and finding it there (§5.1).

use serde_json::json;

use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "create.new.answers-201",
        &["5.1-31", "5.1-33"],
        "A PUT where nothing is answers 201, with the content type and the tail",
        check!(new),
    )
    .needs(WRITE),
    should(
        "create.new.says-its-location",
        &["5.1-30"],
        "A 201 has the URL of the stream in Location",
        check!(location),
    )
    .needs(WRITE)
    .after("create.new.answers-201"),
    must(
        "create.new.takes-the-default-type",
        &["5.1-08"],
        "A stream created without a content type is application/octet-stream, and the answer says so",
        check!(default_type),
    )
    .needs(WRITE)
    .after("create.new.answers-201"),
    must(
        "create.new.keeps-its-body",
        &["5.1-27", "5.1-33"],
        "The body of a PUT is the first content of the stream",
        check!(first_content),
    )
    .needs(WRITE)
    .after("create.new.answers-201"),
    must(
        "create.json.keeps-its-messages",
        &["5.1-27", "5.1-33"],
        "The messages in the body of a PUT are the first of a JSON stream",
        check!(first_messages),
    )
    .needs(WRITE)
    .after("create.new.keeps-its-body"),
    must(
        "create.again.answers-200",
        &["5.1-01", "5.1-32"],
        "A PUT of a stream that is there, with the same configuration, answers 200 with its type and tail",
        check!(again),
    )
    .needs(WRITE)
    .after("create.new.answers-201"),
    must(
        "create.again.appends-nothing",
        &["5.1-28"],
        "The body of a repeated PUT is not appended",
        check!(again_with_a_body),
    )
    .needs(WRITE)
    .after("create.again.answers-200"),
    must(
        "create.again.with-another-type-is-refused",
        &["5.1-02"],
        "A PUT with another content type than that of the stream answers 409",
        check!(other_type),
    )
    .needs(WRITE)
    .after("create.again.answers-200"),
    must(
        "create.closed.is-closed",
        &["5.1-26", "5.1-34"],
        "A PUT with Stream-Closed creates a closed stream, whose content is the body",
        check!(created_closed),
    )
    .needs(WRITE)
    .after("create.new.answers-201"),
    must(
        "create.closed.again-answers-200",
        &["5.1-06", "5.1-34"],
        "A PUT with Stream-Closed of a closed stream answers 200, and says that it is closed",
        check!(closed_again),
    )
    .needs(WRITE)
    .after("create.closed.is-closed"),
    must(
        "create.closed.not-as-an-open-one",
        &["5.1-05"],
        "A PUT without Stream-Closed of a closed stream answers 409",
        check!(closed_as_open),
    )
    .needs(WRITE)
    .after("create.closed.is-closed"),
    must(
        "create.closed.not-over-an-open-one",
        &["5.1-07"],
        "A PUT with Stream-Closed of an open stream answers 409, and the stream stays open",
        check!(open_as_closed),
    )
    .needs(WRITE)
    .after("create.closed.is-closed"),
    must(
        "create.json.not-from-what-is-none",
        &["5.1-29"],
        "A PUT with a body that is not JSON for a JSON stream answers 400, and creates nothing",
        check!(not_json),
    )
    .needs(WRITE)
    .after("create.new.answers-201"),
];

async fn new(t: Target) -> Verdict {
    let stream = t.unmade();
    let answer = stream.put().content_type("text/plain").send().await?;
    answer.status(&[201])?.content_type("text/plain")?;
    answer.next_offset()?;
    answer.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn location(t: Target) -> Verdict {
    let stream = t.unmade();
    let answer = stream.put().content_type("text/plain").prepare().await?;
    let location = answer.needs("Location")?;
    // A reference that is relative to the URL of the request is one, too (RFC 9110 §10.2.2).
    if location == stream.url || location == stream.path() {
        return Ok(());
    }
    answer.fail(
        format!("Location: {} or {}", stream.url, stream.path()),
        format!("Location: {location}"),
    )
}

async fn default_type(t: Target) -> Verdict {
    let stream = t.unmade();
    let answer = stream.put().send().await?;
    answer.status(&[201])?;
    answer.content_type("application/octet-stream")?;
    let head = stream.head().send().await?;
    head.status(&[200])?
        .content_type("application/octet-stream")?;
    Ok(())
}

async fn first_content(t: Target) -> Verdict {
    let stream = t.unmade();
    let created = stream.put().content_type("text/plain").body("first");
    let created = created.send().await?;
    created.status(&[201])?;
    stream.holds("first").await?;
    // The tail, as the answer of the PUT had it.
    let rest = stream.read(created.next_offset()?).send().await?;
    rest.status(&[200])?.body("")?;
    Ok(())
}

async fn first_messages(t: Target) -> Verdict {
    let one = json!({"a": [1, 2]});
    for (body, messages) in [
        (one.to_string(), json!([one])),
        ("[1,[2,3],\"4\"]".to_owned(), json!([1, [2, 3], "4"])),
    ] {
        let stream = t.unmade();
        let created = stream.put().content_type("application/json").body(body);
        let created = created.send().await?;
        created.status(&[201])?;
        stream.holds_messages(&messages).await?;
        let rest = stream.read(created.next_offset()?).send().await?;
        rest.status(&[200])?.messages(&json!([]))?;
    }
    Ok(())
}

async fn again(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["one"]).await?;
    let tail = stream.tail().await?;
    let answer = stream.put().content_type("text/plain").send().await?;
    answer.status(&[200])?.content_type("text/plain")?;
    answer.has("Stream-Next-Offset", &tail)?;
    answer.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn again_with_a_body(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain").body("once");
    create.clone().prepare().await?;
    for _ in 0..2 {
        create.clone().send().await?.status(&[200])?;
    }
    stream.holds("once").await?;
    let stream = t.unmade();
    let create = stream.put().content_type("application/json").body("[1,2]");
    create.clone().prepare().await?;
    create.send().await?.status(&[200])?;
    stream.holds_messages(&json!([1, 2])).await?;
    Ok(())
}

async fn other_type(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["[1]"]).await?;
    let create = stream.put().content_type("application/json").body("[2]");
    create.send().await?.refused(409)?;
    let head = stream.head().send().await?;
    head.status(&[200])?.content_type("text/plain")?;
    stream.holds("[1]").await?;
    Ok(())
}

async fn created_closed(t: Target) -> Verdict {
    for body in ["", "all of it"] {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain").closing();
        let created = create.body(body).send().await?;
        created.status(&[201])?.says("Stream-Closed")?;
        stream.holds(body).await?.says("Stream-Closed")?;
        let append = stream.append("text/plain", "more").send().await?;
        append.refused(409)?.says("Stream-Closed")?;
    }
    Ok(())
}

async fn closed_again(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type("text/plain").closing();
    create.clone().prepare().await?;
    create.send().await?.status(&[200])?.says("Stream-Closed")?;
    Ok(())
}

async fn closed_as_open(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    stream.close().prepare().await?;
    let answer = stream.put().content_type("text/plain").send().await?;
    answer.refused(409)?;
    Ok(())
}

async fn open_as_closed(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let create = stream.put().content_type("text/plain").closing();
    create.send().await?.refused(409)?;
    let append = stream.append("text/plain", "still open").send().await?;
    append.status(&[200, 204])?;
    let read = stream.holds("still open").await?;
    read.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn not_json(t: Target) -> Verdict {
    for body in ["{", "[1,]", "1 2", "nul", "\"a"] {
        let stream = t.unmade();
        let create = stream.put().content_type("application/json").body(body);
        create.send().await?.refused(400)?;
        stream.head().send().await?.status(&[404])?;
        // The URL is still free.
        let create = stream.put().content_type("application/json").body("[1]");
        create.send().await?.status(&[201])?;
        stream.holds_messages(&json!([1])).await?;
    }
    Ok(())
}
