//! Streams of JSON: messages (§9.1). What is in them is `json_values`.

use serde_json::json;

use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::{Ask, Stream, Target};

const JSON: &str = "application/json";
const WRITE: &[Capability] = &[Capability::Write];
const FORK: &[Capability] = &[Capability::Write, Capability::Fork];

pub(super) const CASES: &[Case] = &[
    must(
        "json.messages.come-back-as-an-array",
        &["9-01", "9-02"],
        "A GET answers an array of the messages, each as it was appended, in order, from every offset",
        check!(messages),
    )
    .needs(WRITE),
    must(
        "json.array.is-flattened-by-one-level",
        &["9-01", "9-03"],
        "The elements of an appended array are the messages, and stay what they are, arrays included",
        check!(flattened),
    )
    .needs(WRITE)
    .after("json.messages.come-back-as-an-array"),
    must(
        "json.array.of-a-put-is-flattened-by-one-level",
        &["9-01", "9-03"],
        "The elements of the array that a PUT brings are the messages",
        check!(flattened_put),
    )
    .needs(WRITE)
    .after("json.messages.come-back-as-an-array"),
    must(
        "json.empty-array.is-refused-by-post",
        &["9-04"],
        "A POST of an empty array answers 400, and changes nothing",
        check!(empty_array),
    )
    .needs(WRITE),
    must(
        "json.empty-array.does-not-close",
        &["5.2-26"],
        "A POST of an empty array with Stream-Closed answers 400, and leaves the stream open",
        check!(empty_array_closing),
    )
    .needs(WRITE),
    must(
        "json.empty-array.creates-an-empty-stream",
        &["9-05"],
        "A PUT of an empty array creates a stream without messages",
        check!(empty_array_put),
    )
    .needs(WRITE),
    must(
        "json.invalid.is-refused",
        &["9-06"],
        "A POST of what is no JSON answers 400, and changes nothing",
        check!(invalid),
    )
    .needs(WRITE),
    must(
        "json.invalid.stores-nothing-of-a-batch",
        &["9-06", "9-07"],
        "A POST of an array that is broken somewhere answers 400, and stores none of its elements",
        check!(broken_batch),
    )
    .needs(WRITE)
    .after("json.invalid.is-refused"),
    must(
        "json.invalid.is-what-is-no-utf-8",
        &["9-06"],
        "A POST of what would be JSON if it were UTF-8 answers 400",
        check!(no_utf_8),
    )
    .needs(WRITE)
    .after("json.invalid.is-refused"),
    must(
        "json.read.has-the-type",
        &["9-08"],
        "A GET of a stream of JSON has Content-Type: application/json, also where there is nothing to read",
        check!(content_type),
    )
    .needs(WRITE),
    must(
        "json.read.of-nothing-is-an-empty-array",
        &["9-09"],
        "A GET where no messages are answers []: in an empty stream, at the tail, at the end of a closed one",
        check!(nothing),
    )
    .needs(WRITE),
    must(
        "json.type.with-parameters-is-the-same",
        &["9-01", "9-02", "9-03"],
        "A stream whose type is application/json with parameters is one of JSON",
        check!(parameters),
    )
    .needs(WRITE)
    .after("json.array.is-flattened-by-one-level"),
    must(
        "json.fork.is-one-array",
        &["9-10"],
        "A GET across the point where a stream was forked off answers one array",
        check!(fork),
    )
    .needs(FORK)
    .after("json.messages.come-back-as-an-array"),
];

fn append(stream: &Stream, body: impl Into<bytes::Bytes>) -> Ask {
    stream.append(JSON, body)
}

async fn messages(t: Target) -> Verdict {
    let stream = t.stream(JSON).await?;
    let sent = [
        ("1", json!(1)),
        ("\"two\"", json!("two")),
        ("{\"three\": [3]}", json!({"three": [3]})),
        ("[4, \"five\"]", json!([4, "five"])),
        (" null\n", json!(null)),
        ("true", json!(true)),
        ("\"\"", json!("")),
        ("{}", json!({})),
        ("\"],[\"", json!("],[")),
    ];
    let mut offsets = vec![stream.tail().await?];
    for (body, _) in &sent {
        let answer = append(&stream, *body).send().await?;
        offsets.push(answer.carried_out()?.next_offset()?.to_owned());
    }
    for (number, offset) in offsets.iter().enumerate() {
        let mut expected = Vec::new();
        for (_, value) in &sent[number..] {
            match value {
                serde_json::Value::Array(elements) => expected.extend(elements.clone()),
                one => expected.push(one.clone()),
            }
        }
        stream.read_all(offset).await?.messages(&json!(expected))?;
    }
    Ok(())
}

async fn flattened(t: Target) -> Verdict {
    for (body, messages) in [
        ("[1,2,3]", json!([1, 2, 3])),
        ("[[1,2],[3]]", json!([[1, 2], [3]])),
        ("[[1,2]]", json!([[1, 2]])),
        ("[[]]", json!([[]])),
        ("[[],[]]", json!([[], []])),
        ("[[[1]]]", json!([[[1]]])),
        ("[null]", json!([null])),
        (" \r\n\t[ 1 , [ 2 ] ] ", json!([1, [2]])),
        ("{\"a\":[1,2]}", json!([{"a": [1, 2]}])),
    ] {
        let stream = t.stream(JSON).await?;
        append(&stream, body).send().await?.carried_out()?;
        stream.holds_messages(&messages).await?;
    }
    Ok(())
}

async fn flattened_put(t: Target) -> Verdict {
    for (body, messages) in [
        ("[1,2,3]", json!([1, 2, 3])),
        ("[[1,2],[3]]", json!([[1, 2], [3]])),
        ("[[]]", json!([[]])),
        ("{\"a\":[1,2]}", json!([{"a": [1, 2]}])),
    ] {
        let stream = t.unmade();
        let create = stream.put().content_type(JSON).body(body);
        create.send().await?.status(&[201])?;
        stream.holds_messages(&messages).await?;
    }
    Ok(())
}

async fn empty_array(t: Target) -> Verdict {
    let stream = t.filled(JSON, &["1"]).await?;
    let tail = stream.tail().await?;
    for body in ["[]", "[ ]", " \n[\t]\r\n"] {
        append(&stream, body).send().await?.refused(400)?;
    }
    let read = stream.holds_messages(&json!([1])).await?;
    read.has("Stream-Next-Offset", &tail)?;
    Ok(())
}

async fn empty_array_closing(t: Target) -> Verdict {
    let stream = t.filled(JSON, &["1"]).await?;
    let close = append(&stream, "[]").closing();
    close.clone().send().await?.refused(400)?;
    let by_producer = close.producer("p", 0, 0);
    by_producer.send().await?.refused(400)?;
    let head = stream.head().send().await?;
    head.status(&[200])?.does_not_say("Stream-Closed")?;
    append(&stream, "2").send().await?.carried_out()?;
    let read = stream.holds_messages(&json!([1, 2])).await?;
    read.does_not_say("Stream-Closed")?;
    Ok(())
}

async fn empty_array_put(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = stream.put().content_type(JSON).body("[]");
    let created = create.send().await?;
    created.status(&[201])?;
    let read = stream.holds_messages(&json!([])).await?;
    read.has("Stream-Next-Offset", created.next_offset()?)?;
    append(&stream, "1").send().await?.carried_out()?;
    stream.holds_messages(&json!([1])).await?;
    Ok(())
}

async fn invalid(t: Target) -> Verdict {
    let stream = t.filled(JSON, &["1"]).await?;
    let tail = stream.tail().await?;
    for body in [
        " ",
        "{",
        "[",
        "nul",
        "True",
        "NaN",
        "Infinity",
        "undefined",
        "'a'",
        "\"a",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12\"",
        "01",
        "+1",
        "-",
        "1.",
        ".5",
        "0x1",
        "{a:1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "1 2",
        "1,2",
        "1]",
        "// one\n1",
        "{\"a\":1}\n{\"b\":2}",
    ] {
        append(&stream, body).send().await?.refused(400)?;
    }
    let read = stream.holds_messages(&json!([1])).await?;
    read.has("Stream-Next-Offset", &tail)?;
    Ok(())
}

async fn broken_batch(t: Target) -> Verdict {
    let stream = t.filled(JSON, &["1"]).await?;
    let tail = stream.tail().await?;
    for body in [
        "[2,3",
        "[2,3,",
        "[2,3,]",
        "[2,,3]",
        "[2,nul]",
        "[{\"a\":2},{\"a\"}]",
        "[2,3]x",
        "[2][3]",
        "[2,3]]",
    ] {
        append(&stream, body).send().await?.refused(400)?;
    }
    let read = stream.holds_messages(&json!([1])).await?;
    read.has("Stream-Next-Offset", &tail)?;
    append(&stream, "[2,3]").send().await?.carried_out()?;
    stream.holds_messages(&json!([1, 2, 3])).await?;
    Ok(())
}

async fn no_utf_8(t: Target) -> Verdict {
    // RFC 8259 §8.1: JSON between systems is UTF-8.
    let stream = t.filled(JSON, &["1"]).await?;
    for body in [&b"\"\xff\""[..], b"\"\xc3\"", b"\"\xed\xa0\x80\"", b"\xff"] {
        append(&stream, body).send().await?.refused(400)?;
    }
    stream.holds_messages(&json!([1])).await?;
    Ok(())
}

async fn content_type(t: Target) -> Verdict {
    let stream = t.filled(JSON, &["1", "2"]).await?;
    let tail = stream.tail().await?;
    for offset in ["-1", tail.as_str()] {
        let read = stream.read(offset).send().await?;
        read.status(&[200])?.content_type(JSON)?;
    }
    stream.close().prepare().await?;
    let read = stream.read(&tail).send().await?;
    read.status(&[200])?.content_type(JSON)?;
    Ok(())
}

async fn nothing(t: Target) -> Verdict {
    let stream = t.stream(JSON).await?;
    let read = stream.read("-1").send().await?;
    read.status(&[200])?.messages(&json!([]))?;
    append(&stream, "[1,2]").prepare().await?;
    let tail = stream.tail().await?;
    let read = stream.read(&tail).send().await?;
    read.status(&[200])?.messages(&json!([]))?;
    stream.close().prepare().await?;
    let read = stream.read(&tail).send().await?;
    read.status(&[200])?.messages(&json!([]))?;
    Ok(())
}

async fn parameters(t: Target) -> Verdict {
    let content_type = "application/json; charset=utf-8";
    let stream = t.stream(content_type).await?;
    let append = |body: &'static str| stream.append(content_type, body);
    append("[1,[2]]").send().await?.carried_out()?;
    append("3").send().await?.carried_out()?;
    append("{").send().await?.refused(400)?;
    append("[]").send().await?.refused(400)?;
    let read = stream.read_all("-1").await?;
    read.content_type(JSON)?;
    read.messages(&json!([1, [2], 3]))?;
    Ok(())
}

async fn fork(t: Target) -> Verdict {
    let source = t.filled(JSON, &["1"]).await?;
    let middle = source.tail().await?;
    append(&source, "[2,3]").prepare().await?;
    for (offset, inherited) in [(&middle, vec![1]), (&source.tail().await?, vec![1, 2, 3])] {
        let fork = t.unmade();
        let create = fork.fork_of(&source, JSON).from(offset);
        create.prepare().await?;
        fork.holds_messages(&json!(inherited)).await?;
        append(&fork, "[4,5]").prepare().await?;
        append(&fork, "6").prepare().await?;
        let all = [inherited, vec![4, 5, 6]].concat();
        fork.holds_messages(&json!(all)).await?;
    }
    Ok(())
}
