//! JSON streams (§9).

use http::StatusCode;
use serde_json::Value;

use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "json.one-line",
        "9-01",
        "json.array.is-flattened-by-one-level",
        "a message ends with its line",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.json() {
            let end = asked.body.iter().position(|&byte| byte == b'\n');
            request.set_body(asked.body.slice(..end.unwrap_or(asked.body.len())));
        }
    }),
    defect(
        "json.is-lines",
        "9-02",
        "json.messages.come-back-as-an-array",
        "messages are read as lines",
    )
    .writes(|asked, text| {
        if asked.catches_up() && text.starts_with('[') {
            text.trim_matches(['[', ']']).replace(',', "\n")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "json.not-flattened",
        "9-03",
        "json.array.is-flattened-by-one-level",
        "an array is one message",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.json() && asked.body.starts_with(b"[") && asked.body != "[]" {
            request.set_body([b"[", asked.body.as_ref(), b"]"].concat());
        }
    }),
    defect(
        "json.flattened-twice",
        "9-03",
        "json.array.is-flattened-by-one-level",
        "arrays in an array are taken apart as well",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.json() {
            if let Ok(Value::Array(elements)) = serde_json::from_slice(&asked.body) {
                let flat = elements.into_iter().flat_map(|element| match element {
                    Value::Array(inner) if !inner.is_empty() => inner,
                    other => vec![other],
                });
                request.set_body(Value::Array(flat.collect()).to_string());
            }
        }
    }),
    defect(
        "json.put-not-flattened",
        "9-03",
        "json.array.of-a-put-is-flattened-by-one-level",
        "the array of a PUT is one message",
    )
    .misreads(|asked, request| {
        if asked.put() && asked.json() && asked.body.starts_with(b"[") {
            request.set_body([b"[", asked.body.as_ref(), b"]"].concat());
        }
    }),
    defect(
        "json.empty-array-is-204",
        "9-04",
        "json.empty-array.is-refused-by-post",
        "an empty array is taken",
    )
    .breaks(Flaw::EmptyArrayIsTaken),
    defect(
        "json.empty-array-is-a-message",
        "9-05",
        "json.empty-array.creates-an-empty-stream",
        "the empty array of a PUT is a message",
    )
    .misreads(|asked, request| {
        if asked.put() && asked.body == "[]" {
            request.set_body("[[]]");
        }
    }),
    defect(
        "json.empty-put-is-400",
        "9-05",
        "json.empty-array.creates-an-empty-stream",
        "the empty array of a PUT is refused",
    )
    .misreads(|asked, request| {
        if asked.put() && asked.body == "[]" {
            request.set_body("[");
        }
    }),
    defect(
        "json.invalid-is-a-string",
        "9-06",
        "json.invalid.is-refused",
        "what is no JSON is stored as a string",
    )
    .misreads(|asked, request| {
        if asked.post()
            && asked.json()
            && asked.has_body()
            && serde_json::from_slice::<Value>(&asked.body).is_err()
        {
            let text = String::from_utf8_lossy(&asked.body).into_owned();
            request.set_body(Value::String(text).to_string());
        }
    }),
    defect(
        "json.last-comma",
        "9-06",
        "json.invalid.is-refused",
        "a comma behind the last member is taken",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.json() {
            let text = String::from_utf8_lossy(&asked.body);
            request.set_body(text.replace(",}", "}").replace(",]", "]"));
        }
    }),
    defect(
        "json.any-bytes",
        "9-06",
        "json.invalid.is-what-is-no-utf-8",
        "what is no UTF-8 is taken with replacement characters",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.json() {
            request.set_body(String::from_utf8_lossy(&asked.body).into_owned());
        }
    }),
    defect(
        "json.keeps-the-good-part",
        "9-07",
        "json.invalid.stores-nothing-of-a-batch",
        "the good elements of a broken array are stored, and it is refused",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.json() && is_cut_array(&asked.body) {
            request.set_body([asked.body.as_ref(), b"]"].concat());
        }
    })
    .says(|asked, head| {
        if asked.post() && asked.json() && is_cut_array(&asked.body) {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "json.text-type",
        "9-08",
        "json.read.has-the-type",
        "a read of JSON is text/plain",
    )
    .says(|asked, head| {
        if asked.get()
            && head
                .headers
                .get("content-type")
                .is_some_and(|value| value == "application/json")
        {
            head.set("content-type", "text/plain");
        }
    }),
    defect(
        "json.nothing-is-no-array",
        "9-09",
        "json.read.of-nothing-is-an-empty-array",
        "a read of JSON that brings nothing has no body",
    )
    .writes(|asked, text| {
        if asked.catches_up() && text == "[]" {
            String::new()
        } else {
            text.to_owned()
        }
    }),
    defect(
        "json.fork-is-two-arrays",
        "9-10",
        "json.fork.is-one-array",
        "a read of a fork has an array of what is inherited, and one of its own",
    )
    .breaks(Flaw::ForksAreTwoArrays),
    defect(
        "json.written-again",
        "9-11",
        "json.values.keep-large-numbers-and-order",
        "messages are parsed and written again",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.json() {
            if let Ok(value) = serde_json::from_slice::<Value>(&asked.body) {
                request.set_body(value.to_string());
            }
        }
    }),
    defect(
        "json.html-escapes",
        "9-11",
        "json.values.come-back-equal",
        "some characters of strings are escaped for HTML",
    )
    .misreads(|asked, request| {
        if asked.post() && asked.json() {
            let text = String::from_utf8_lossy(&asked.body);
            request.set_body(text.replace('<', "&lt;").replace('>', "&gt;"));
        }
    }),
    defect(
        "json.deep-is-400",
        "9-12",
        "json.nesting.comes-back",
        "a message nested 32 deep is refused",
    )
    .says(|asked, head| {
        if asked.post() && asked.json() && nesting(&asked.body) > 32 {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "json.deep-is-500",
        "9-12",
        "json.nesting.without-end-does-no-harm",
        "a message nested 1000 deep breaks the server",
    )
    .says(|asked, head| {
        if asked.post() && asked.json() && nesting(&asked.body) > 1000 {
            head.answer_with(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }),
];

/// An array that lacks its end, and nothing else.
fn is_cut_array(body: &[u8]) -> bool {
    let whole = [body, b"]"].concat();
    serde_json::from_slice::<Vec<Value>>(&whole).is_ok_and(|elements| !elements.is_empty())
}

/// About how deep it is nested.
fn nesting(body: &[u8]) -> usize {
    let opens = |byte: &&u8| matches!(byte, b'[' | b'{');
    body.iter().filter(opens).count()
}
