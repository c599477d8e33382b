//! Streams of JSON: what is in a message comes back (§9.1).

use serde_json::json;
use serde_json::value::RawValue;

use crate::server_suite::answer::quoted;
use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::{Verdict, fail};
use crate::server_suite::target::{Ask, Stream, Target};

const JSON: &str = "application/json";
const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "json.values.come-back-equal",
        &["9-11"],
        "Messages come back as the values that they were: any text, and numbers that every JSON parser reads alike",
        check!(values),
    )
    .needs(WRITE)
    .after("json.messages.come-back-as-an-array"),
    should(
        "json.values.keep-large-numbers-and-order",
        &["9-11"],
        "Large integers, the spelling of numbers and the order of members come back as they were sent",
        check!(spelling),
    )
    .needs(WRITE)
    .after("json.values.come-back-equal"),
    must(
        "json.nesting.comes-back",
        &["9-12"],
        "A message with arrays and objects in each other, 48 deep, comes back as it was",
        check!(nested),
    )
    .needs(WRITE)
    .after("json.messages.come-back-as-an-array"),
    must(
        "json.nesting.without-end-does-no-harm",
        &["9-12"],
        "A message nested 20,000 deep is stored or refused with 4xx, and the stream goes on",
        check!(nested_deep),
    )
    .needs(WRITE)
    .after("json.nesting.comes-back"),
];

fn append(stream: &Stream, body: impl Into<String>) -> Ask {
    stream.append(JSON, body.into())
}

async fn values(t: Target) -> Verdict {
    let sent = json!([
        "\u{0}\u{1f}\u{7f}\u{2028}\u{feff}",
        "\"\\/\r\n\t",
        "Grüße, 世界, \u{1F600}, e\u{301}",
        "</script>&amp;",
        [0, -1, 9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64],
        [0.5, -0.25, 1e-7, 1.5e300, 0.1],
        {"": 1, "a b": 2, "ä": 3, "__proto__": 4, "constructor": 5},
        {"toString": null, "length": 0, "0": [], "nested": {"true": false}},
    ]);
    let stream = t.stream(JSON).await?;
    append(&stream, sent.to_string())
        .send()
        .await?
        .carried_out()?;
    stream.holds_messages(&sent).await?;
    // And one by one, with everything that can be escaped.
    let stream = t.stream(JSON).await?;
    let escaped = r#""\u0047\u00fc\ud83d\ude00\/\b\f""#;
    append(&stream, escaped).send().await?.carried_out()?;
    let expected = json!(["Gü\u{1F600}/\u{8}\u{c}"]);
    stream.holds_messages(&expected).await?;
    Ok(())
}

/// The messages as they are written, without white space.
async fn texts(stream: &Stream) -> Verdict<Vec<String>> {
    let mut texts = Vec::new();
    let mut offset = "-1".to_owned();
    loop {
        let answer = stream.read(&offset).send().await?;
        answer.status(&[200])?;
        let page: Vec<Box<RawValue>> = match serde_json::from_slice(&answer.body) {
            Ok(page) => page,
            Err(_) => return answer.fail("an array of messages", quoted(&answer.body)),
        };
        texts.extend(page.iter().map(|message| {
            let text = message.get();
            text.split_ascii_whitespace().collect::<String>()
        }));
        let next = answer.next_offset()?;
        if next == offset || answer.says("Stream-Up-To-Date").is_ok() {
            return Ok(texts);
        }
        offset = next.to_owned();
    }
}

/// It holds these messages, spelt like this.
async fn holds_texts(stream: &Stream, expected: &[&str]) -> Verdict {
    let found = texts(stream).await?;
    for (number, text) in expected.iter().enumerate() {
        let actual = found.get(number).map_or("", String::as_str);
        if actual != *text {
            return fail(
                format!("message {number} as {}", quoted(text.as_bytes())),
                quoted(actual.as_bytes()),
            );
        }
    }
    if found.len() != expected.len() {
        let expected = format!("{} messages", expected.len());
        return fail(expected, format!("{}", found.len()));
    }
    Ok(())
}

async fn spelling(t: Target) -> Verdict {
    // Parsers need not agree on these (RFC 8259 §4, §6): a server that parses and writes again may well change them.
    let sent = [
        "9007199254740993",
        "123456789012345678901234567890",
        "[0.1000,1.0,1E2,1e400,-0,0.1234567890123456789]",
        "{\"b\":1,\"a\":{\"z\":1,\"y\":2},\"10\":1,\"9\":2}",
    ];
    let stream = t.stream(JSON).await?;
    for text in sent {
        // Wrapped, as one message is an array itself.
        let body = format!("[{text}]");
        append(&stream, body).send().await?.carried_out()?;
    }
    holds_texts(&stream, &sent).await
}

fn nest(depth: usize) -> String {
    let (open, close) = ("{\"a\":[".repeat(depth / 2), "]}".repeat(depth / 2));
    format!("{open}1{close}")
}

async fn nested(t: Target) -> Verdict {
    let stream = t.stream(JSON).await?;
    let message = nest(48);
    append(&stream, message.clone())
        .send()
        .await?
        .carried_out()?;
    holds_texts(&stream, &[&message]).await
}

async fn nested_deep(t: Target) -> Verdict {
    let stream = t.stream(JSON).await?;
    let message = nest(20_000);
    let answer = append(&stream, message.clone()).send().await?;
    let stored = match answer.status {
        200 | 204 => true,
        // Parsers may limit the depth (RFC 8259 §9).
        400..=499 => false,
        status => {
            let expected = "status 200 or 204, or 400 to 499 for too deep a message";
            return answer.fail(expected, format!("status {status}"));
        }
    };
    append(&stream, "2").send().await?.carried_out()?;
    if stored {
        holds_texts(&stream, &[&message, "2"]).await
    } else {
        holds_texts(&stream, &["2"]).await
    }
}
