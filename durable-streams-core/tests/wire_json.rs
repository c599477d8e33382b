//! JSON mode: an array of messages, cut in every way, and the writing of messages.

use bytes::Bytes;
use durable_streams_core::wire::json::{
    JsonError, JsonFramer, Messages, join_messages, validate, wrap_message,
};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde::de::IgnoredAny;
use serde_json::Value;

const WIDE: usize = usize::MAX;

/// The messages of `chunks`, asked for after each chunk, and how the body ended.
fn frame_within(limit: usize, chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), JsonError>) {
    let mut framer = JsonFramer::new(limit);
    let mut messages = Vec::new();
    for chunk in chunks {
        framer.push(Bytes::copy_from_slice(chunk));
        let mut some = Messages::default();
        let result = framer.next_messages(WIDE, &mut some);
        messages.extend(some.iter().map(<[u8]>::to_vec));
        match result {
            Ok(more) => assert!(!more, "room is left"),
            Err(error) => {
                let again = framer.next_messages(WIDE, &mut some);
                assert_eq!(again, Err(error.clone()), "the error stays");
                assert_eq!(framer.finish(), Err(error.clone()));
                assert!(!framer.is_complete());
                return (messages, Err(error));
            }
        }
    }
    let complete = framer.is_complete();
    let end = framer.finish();
    assert_eq!(complete, end.is_ok());
    (messages, end)
}

fn frame(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), JsonError>) {
    frame_within(WIDE, chunks)
}

fn bytes_of(body: &[u8]) -> Vec<&[u8]> {
    body.chunks(1).collect()
}

fn cut<'a>(body: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    at.sort_unstable();
    at.push(body.len());
    let mut start = 0;
    at.into_iter()
        .map(|end| &body[std::mem::replace(&mut start, end)..end])
        .collect()
}

/// The elements of an array as serde_json delimits them.
fn reference(body: &str) -> Vec<Vec<u8>> {
    let mut rest = body
        .trim_start()
        .strip_prefix('[')
        .expect("an array")
        .trim_start();
    let mut elements = Vec::new();
    while !rest.starts_with(']') {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        values.next().expect("an element").expect("a valid one");
        let (element, tail) = rest.split_at(values.byte_offset());
        elements.push(element.as_bytes().to_vec());
        rest = tail.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    elements
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n"), 1 => Just("\r\n\t"), 1 => Just("                                        ")]
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -!#-\\[\\]-~]{0,12}",
        Just("é\u{1F980}\u{2028}".into()),
        Just("\\\"".into()),
        Just("\\\\".into()),
        Just("\\\\\\\\\\\"".into()),
        Just("\\u00e9\\n\\/".into()),
        Just("[]{},:".into()),
        Just("_yY\u{7F}".into()),
        Just("x".repeat(70)),
    ];
    vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("true".into()),
        Just("false".into()),
        Just("null".into()),
        Just("-0".into()),
        Just("1.0".into()),
        Just("0.10e+2".into()),
        Just("1E-3".into()),
        Just("123456789012345678901234567890".into()),
        any::<i64>().prop_map(|number| number.to_string()),
        string(),
        string(),
    ]
}

/// A value, written with any white space.
fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec((space(), inner.clone(), space()), 0..5).prop_map(|items| {
                let items: Vec<_> = items
                    .into_iter()
                    .map(|(a, item, b)| [a, &item, b].concat())
                    .collect();
                format!("[{}]", items.join(","))
            }),
            vec((space(), string(), space(), inner, space()), 0..4).prop_map(|items| {
                let items: Vec<_> = items
                    .into_iter()
                    .map(|(a, key, b, item, c)| [a, &key, b, ":", a, &item, c].concat())
                    .collect();
                format!("{{{}}}", items.join(","))
            }),
        ]
    })
}

fn body() -> impl Strategy<Value = (String, Vec<Vec<u8>>)> {
    (vec((space(), value(), space()), 0..8), space(), space()).prop_map(|(items, before, after)| {
        let meant = items
            .iter()
            .map(|(_, item, _)| item.clone().into_bytes())
            .collect();
        let items: Vec<_> = items
            .into_iter()
            .map(|(a, item, b)| [a, &item, b].concat())
            .collect();
        (format!("{before}[{}]{after}", items.join(",")), meant)
    })
}

/// Anything that might confuse, in UTF-8.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        "[",
        "]",
        "{",
        "}",
        "[",
        "]",
        ",",
        ",",
        ":",
        "\"",
        "\"",
        "\\",
        "\\\"",
        "\\\\",
        "\"a\":",
        "\"b\"",
        "1",
        "-",
        "0",
        "1.5",
        "e",
        "true",
        "null",
        "fals",
        " ",
        "\n",
        "y",
        "é",
        "[1,2]",
        "{\"a\":1}",
        "\u{FEFF}",
    ];
    let pieces = vec(proptest::sample::select(pieces.to_vec()), 0..12);
    (any::<bool>(), pieces).prop_map(|(array, pieces)| {
        if array {
            format!("[{}]", pieces.concat())
        } else {
            pieces.concat()
        }
    })
}

proptest! {
    #[test]
    fn b27_b29_any_array_in_any_chunks((body, meant) in body(), cuts in vec(any::<Index>(), 0..12)) {
        prop_assert_eq!(&reference(&body), &meant, "the generator means what it writes");
        let body = body.as_bytes();
        let meant = (meant, Ok(()));
        prop_assert_eq!(&frame(&[body]), &meant);
        prop_assert_eq!(&frame(&bytes_of(body)), &meant);
        prop_assert_eq!(&frame(&cut(body, &cuts)), &meant);
    }

    #[test]
    fn b27_values_survive((body, _) in body()) {
        let whole: Vec<Value> = serde_json::from_str(&body).unwrap();
        let each: Vec<Value> = frame(&[body.as_bytes()]).0.iter().map(|message| serde_json::from_slice(message).unwrap()).collect();
        prop_assert_eq!(each, whole);
    }

    #[test]
    fn b27_accepts_what_serde_accepts(body in soup()) {
        let (messages, end) = frame(&[body.as_bytes()]);
        let valid = end.is_ok() && messages.iter().all(|message| validate(message).is_ok());
        let array = serde_json::from_str::<Vec<IgnoredAny>>(&body);
        prop_assert_eq!(valid, array.is_ok(), "{:?} {:?}", messages, array);
        if let Ok(array) = array {
            prop_assert_eq!(messages.len(), array.len());
        }
    }

    #[test]
    fn b27_a_fault_is_the_same_in_any_chunks(body in soup(), limit in prop_oneof![Just(WIDE), 0usize..12], cuts in vec(any::<Index>(), 0..12)) {
        let body = body.as_bytes();
        let whole = frame_within(limit, &[body]);
        prop_assert_eq!(&frame_within(limit, &bytes_of(body)), &whole);
        prop_assert_eq!(&frame_within(limit, &cut(body, &cuts)), &whole);
    }

    #[test]
    fn b27_any_bytes_never_panic(body in vec(any::<u8>(), 0..200), cuts in vec(any::<Index>(), 0..4)) {
        let body = [b"[{", &body[..]].concat();
        prop_assert_eq!(frame(&cut(&body, &cuts)), frame(&[&body]));
        let _ = validate(&body);
    }

    #[test]
    fn b68_a_message_is_given_as_soon_as_it_ends((body, meant) in body()) {
        let mut framer = JsonFramer::new(WIDE);
        let mut meant = meant.into_iter();
        let mut read = 0;
        for byte in body.bytes() {
            framer.push(Bytes::copy_from_slice(&[byte]));
            read += 1;
            let mut ended = Messages::default();
            prop_assert!(!framer.next_messages(WIDE, &mut ended).unwrap());
            for message in &ended {
                prop_assert_eq!(Some(message.to_vec()), meant.next());
                // A scalar needs the byte after it.
                let ends = if message.ends_with(b"\"") || message.ends_with(b"]") || message.ends_with(b"}") { read } else { read - 1 };
                prop_assert!(body.as_bytes()[..ends].ends_with(message));
            }
        }
        prop_assert_eq!(meant.next(), None);
    }

    #[test]
    fn b68_no_more_is_given_than_asked_for((body, meant) in body(), max in 1..40_usize, size in 1..200_usize) {
        let mut framer = JsonFramer::new(WIDE);
        let mut given: Vec<Vec<u8>> = Vec::new();
        for chunk in body.as_bytes().chunks(size) {
            framer.push(Bytes::copy_from_slice(chunk));
            let mut more = true;
            while more {
                let mut messages = Messages::default();
                more = framer.next_messages(max, &mut messages).unwrap();
                prop_assert_eq!(more, messages.size() >= max);
                let last = messages.iter().last().map_or(0, <[u8]>::len);
                prop_assert!(messages.size() - last < max, "one more than were asked for");
                given.extend(messages.iter().map(<[u8]>::to_vec));
            }
        }
        prop_assert_eq!(given, meant);
        prop_assert_eq!(framer.finish(), Ok(()));
    }

    #[test]
    fn b27_b29_writing_round_trips(messages in vec(value(), 0..6)) {
        let messages: Vec<_> = messages.into_iter().map(String::into_bytes).collect();
        for message in &messages {
            prop_assert_eq!(validate(message), Ok(()));
            prop_assert_eq!(frame(&[&wrap_message(message)]), (vec![message.clone()], Ok(())));
        }
        match join_messages(messages.iter().map(Vec::as_slice)) {
            Some(body) => prop_assert_eq!(frame(&[&body]), (messages, Ok(()))),
            None => prop_assert!(messages.is_empty()),
        }
    }

    #[test]
    fn b29_validate_is_serde_on_utf8(text in soup()) {
        prop_assert_eq!(validate(text.as_bytes()).is_ok(), serde_json::from_str::<IgnoredAny>(&text).is_ok());
    }
}

fn unexpected(byte: u8, position: u64) -> JsonError {
    JsonError::UnexpectedByte { byte, position }
}

#[test]
fn b27_malformed() {
    let end = |position| JsonError::UnexpectedEnd { position };
    let invalid = |position| JsonError::InvalidValue { position };
    let table: &[(&str, &[&str], JsonError)] = &[
        ("", &[], end(0)),
        (" \n", &[], end(2)),
        ("[", &[], end(1)),
        ("{}", &[], unexpected(b'{', 0)),
        ("1", &[], unexpected(b'1', 0)),
        ("\"[]\"", &[], unexpected(b'"', 0)),
        ("null", &[], unexpected(b'n', 0)),
        ("<html>", &[], unexpected(b'<', 0)),
        ("\u{FEFF}[]", &[], unexpected(0xEF, 0)),
        ("]", &[], unexpected(b']', 0)),
        ("[1,,2]", &["1"], unexpected(b',', 3)),
        ("[,1]", &[], unexpected(b',', 1)),
        ("[,]", &[], unexpected(b',', 1)),
        ("[1,]", &["1"], unexpected(b']', 3)),
        ("[1 2]", &["1"], unexpected(b'2', 3)),
        ("[{}{}]", &["{}"], unexpected(b'{', 3)),
        ("[\"a\"\"b\"]", &["\"a\""], unexpected(b'"', 4)),
        ("[1,2", &["1"], end(4)),
        ("[1,2,", &["1", "2"], end(5)),
        ("[1] x", &["1"], unexpected(b'x', 4)),
        ("[1][2]", &["1"], unexpected(b'[', 3)),
        ("[1]]", &["1"], unexpected(b']', 3)),
        ("[1],", &["1"], unexpected(b',', 3)),
        ("[{]}]", &[], unexpected(b']', 2)),
        ("[[}]]", &[], unexpected(b'}', 2)),
        ("[1}", &[], end(3)),
        ("[1},2]", &[], invalid(1)),
        ("[}", &[], unexpected(b'}', 1)),
        ("[{\"a\":1}}", &["{\"a\":1}"], unexpected(b'}', 8)),
        ("[\"abc", &[], end(5)),
        ("[\"abc\\\"]", &[], end(8)),
        ("[{\"a\": \"]}", &[], end(10)),
        ("[{\"a\": 1", &[], end(8)),
        ("[{\\\"a\":1}]", &[], unexpected(b'\\', 2)),
        ("[tru]", &[], invalid(1)),
        ("[True]", &[], unexpected(b'T', 1)),
        ("[01]", &[], invalid(1)),
        ("[1.]", &[], invalid(1)),
        ("[.1]", &[], unexpected(b'.', 1)),
        ("[+1]", &[], unexpected(b'+', 1)),
        ("[-]", &[], invalid(1)),
        ("[0, 1e]", &["0"], invalid(4)),
        ("[1\"a\"]", &[], invalid(1)),
        ("[1:2]", &[], invalid(1)),
        ("[NaN]", &[], unexpected(b'N', 1)),
        ("['a']", &[], unexpected(b'\'', 1)),
        ("[1\u{A0}]", &[], invalid(1)),
        ("[\u{A0}1]", &[], unexpected(0xC2, 1)),
    ];
    for (body, messages, error) in table {
        let meant = (
            messages
                .iter()
                .map(|message| message.as_bytes().to_vec())
                .collect(),
            Err(error.clone()),
        );
        let body = body.as_bytes();
        assert_eq!(frame(&[body]), meant, "{}", body.escape_ascii());
        assert_eq!(
            frame(&bytes_of(body)),
            meant,
            "{} in bytes",
            body.escape_ascii()
        );
    }
}

#[test]
fn b28_an_empty_array_is_no_message() {
    for body in ["[]", " [ ] ", "\r\n[\t]\n"] {
        assert_eq!(frame(&[body.as_bytes()]), (vec![], Ok(())));
        assert_eq!(frame(&bytes_of(body.as_bytes())), (vec![], Ok(())));
    }
}

#[test]
fn b27_inner_arrays_stay_one_message() {
    let meant: Vec<Vec<u8>> = ["[]", "[1, 2]", "[[3]]", "{}", "\"\"", "{\"a\":[ ]}"]
        .map(|message| message.as_bytes().to_vec())
        .into();
    assert_eq!(
        frame(&[b"[[],[1, 2],[[3]] , {},\"\",{\"a\":[ ]}]"]),
        (meant, Ok(()))
    );
}

#[test]
fn b29_bytes_stay_as_they_are() {
    let message =
        b"{\"z\":1.0, \"a\" :1e2,\"z\":12345678901234567890123,\"u\":\"\\u00e9\xC3\xA9\\/\"}";
    let body = [b"[", &message[..], b"]"].concat();
    assert_eq!(frame(&[&body]), (vec![message.to_vec()], Ok(())));
}

#[test]
fn b68_a_message_too_large() {
    let too_large = |position| {
        Err(JsonError::MessageTooLarge {
            limit: 10,
            position,
        })
    };
    for message in [
        "\"1234567890\"",
        "12345678901",
        "{\"a\":[1,2]}",
        "[1,         2]",
        "\"\\\"\\\"\\\"\\\"\\\"\"",
        "[\"1234567890]}",
    ] {
        for body in [format!("[1, {message}]"), format!("[1, {message}")] {
            let body = body.as_bytes();
            let meant = (vec![b"1".to_vec()], too_large(4));
            assert_eq!(frame_within(10, &[body]), meant, "{}", body.escape_ascii());
            assert_eq!(
                frame_within(10, &bytes_of(body)),
                meant,
                "{}",
                body.escape_ascii()
            );
        }
    }
    let exact = b"[\"12345678\",1234567890,[1,2,3,45]]";
    assert_eq!(frame_within(10, &bytes_of(exact)).1, Ok(()));
    assert_eq!(frame_within(10, &[exact]).0.len(), 3);
    // White space between messages is not held.
    let spaced = format!("[{0}1{0},{0}2{0}]{0}", " ".repeat(1000));
    assert_eq!(frame_within(10, &[spaced.as_bytes()]).0.len(), 2);
}

#[test]
fn b68_a_message_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from(b"[{\"a\": 1}, 22 , \"cc\", [".to_vec());
    let mut framer = JsonFramer::new(100);
    let mut messages = Messages::default();
    framer.push(chunk.clone());
    assert_eq!(framer.next_messages(WIDE, &mut messages), Ok(false));
    assert_eq!(messages, ["{\"a\": 1}", "22", "\"cc\""]);
    for (message, at) in messages.bytes().zip([1, 11, 16]) {
        assert_eq!(message.as_ptr(), chunk[at..].as_ptr());
    }
    drop(messages);
    assert!(chunk.is_unique(), "a chunk that was read is let go");
}

#[test]
fn b27_deep_nesting() {
    let deep = 1_000_000;
    let message = format!("{}{}", "[".repeat(deep), "]".repeat(deep)).into_bytes();
    assert_eq!(validate(&message), Ok(()));
    assert_eq!(
        validate(&message[..deep]),
        Err(JsonError::UnexpectedEnd {
            position: deep as u64
        })
    );
    let body = wrap_message(&message);
    assert_eq!(frame(&[&body]), (vec![message.clone()], Ok(())));
    let chunks: Vec<_> = body.chunks(1001).collect();
    assert_eq!(frame(&chunks), (vec![message], Ok(())));
}

#[test]
fn b27_brackets_are_matched_at_every_depth() {
    let open = |at: usize| if at % 3 == 0 { "{\"]\":" } else { "[" };
    let close = |at: usize| if at % 3 == 0 { "}" } else { "]" };
    let depth = 200;
    let start: String = (0..depth).map(open).collect();
    let ends: Vec<_> = (0..depth).rev().map(close).collect();
    let good = format!("[{start}0{}]", ends.concat());
    assert_eq!(frame(&[good.as_bytes()]).0.len(), 1);
    for wrong in 0..depth {
        let mut ends = ends.clone();
        ends[wrong] = if ends[wrong] == "]" { "}" } else { "]" };
        let bad = format!("[{start}0{}]", ends.concat());
        let fault = unexpected(ends[wrong].as_bytes()[0], (start.len() + 2 + wrong) as u64);
        assert_eq!(frame(&[bad.as_bytes()]), (vec![], Err(fault)));
    }
}

#[test]
fn b27_finish_refuses_to_lose_messages() {
    let mut framer = JsonFramer::new(100);
    framer.push(Bytes::from_static(b"[1,2]"));
    let mut messages = Messages::default();
    assert_eq!(framer.next_messages(1, &mut messages), Ok(true));
    assert_eq!(messages, ["1"]);
    assert!(!framer.is_complete());
    assert!(framer.finish().is_err());
    assert!(framer.next_messages(1, &mut messages).is_err());
    assert_eq!(messages, ["1"]);

    let mut framer = JsonFramer::new(100);
    framer.push(Bytes::from_static(b"[1] "));
    let mut messages = Messages::default();
    assert_eq!(framer.next_messages(1, &mut messages), Ok(true));
    assert_eq!(framer.finish(), Ok(()), "nothing is left but the bracket");
    assert!(framer.is_complete());
}

#[test]
fn b29_validate() {
    for text in [
        "1",
        " {\"a\": [1, null]}\n",
        "\"\u{E9}\"",
        "1e999",
        "-0.0",
        "\"\\ud800\"",
        "[[1,2]]",
    ] {
        assert_eq!(validate(text.as_bytes()), Ok(()), "{text}");
    }
    let table: &[(&[u8], JsonError)] = &[
        (b"", JsonError::UnexpectedEnd { position: 0 }),
        (b" ", JsonError::UnexpectedEnd { position: 1 }),
        (b"[1,", JsonError::UnexpectedEnd { position: 3 }),
        (b"\"a", JsonError::UnexpectedEnd { position: 2 }),
        (b"1 2", JsonError::InvalidValue { position: 2 }),
        (b"1,2", JsonError::InvalidValue { position: 1 }),
        (b"[1,]", JsonError::InvalidValue { position: 3 }),
        (b"{\n\n \"a\": x}", JsonError::InvalidValue { position: 9 }),
        (b"nope", JsonError::InvalidValue { position: 1 }),
        (b"\"\n\"", JsonError::InvalidValue { position: 0 }),
        (b"\"a\xFF\"", JsonError::InvalidValue { position: 2 }),
        (b"\xEF\xBB\xBF1", JsonError::InvalidValue { position: 0 }),
    ];
    for (text, error) in table {
        assert_eq!(
            validate(text),
            Err(error.clone()),
            "{}",
            text.escape_ascii()
        );
        assert_eq!(validate(text).unwrap_err().position(), error.position());
    }
}

#[test]
fn b27_b28_writing() {
    assert_eq!(wrap_message(b"[1,2]"), "[[1,2]]");
    assert_eq!(
        join_messages([&b"[1]"[..], b"{\"a\": 1.0}"]).unwrap(),
        "[[1],{\"a\": 1.0}]"
    );
    assert_eq!(join_messages([]), None);
}
