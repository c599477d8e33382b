//! What a writer takes, and what it gives back: form, room, and the bytes as they were given.

use bytes::Bytes;
use durable_streams_core::{AfterClaim, ErrorKind, RefusedReason, StreamUrl, WriterConfig};

use crate::support::{Rig, SECOND, config, config_of, refusal};

#[test]
fn b49_full_in_messages_the_message_is_given_back() {
    let mut rig = Rig::new(config().max_buffer_messages(3));
    for message in ["a", "b", "c"] {
        assert!(rig.writer.has_room(1));
        rig.append(message);
    }
    assert!(!rig.writer.has_room(1));
    let refused = rig.try_append("d").unwrap_err();
    assert!(matches!(refused.reason, RefusedReason::Full));
    assert_eq!(refused.message, "d");
    rig.ok(0);
    // There is room for one, and no ticket was used up.
    assert_eq!(rig.append("d"), 3);
    assert!(rig.try_append("e").is_err());
}

#[test]
fn b49_full_in_bytes_the_message_is_given_back() {
    let mut rig = Rig::new(config().max_buffer_bytes(10));
    rig.append("12345");
    rig.append("6789");
    assert!(rig.writer.has_room(1) && !rig.writer.has_room(2));
    let refused = rig.try_append("ab").unwrap_err();
    assert!(matches!(refused.reason, RefusedReason::Full));
    assert_eq!(refused.message, "ab");
    rig.append("a");
    assert!(rig.try_append("b").is_err());
    assert_eq!(rig.writer.pending_bytes(), 10);
    rig.ok(0);
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (2, 5));
    rig.append("12345");
}

#[test]
fn b49_a_message_larger_than_the_buffer_can_never_be_taken() {
    let mut rig = Rig::new(config().max_buffer_bytes(4));
    let refused = rig.try_append("12345").unwrap_err();
    assert_eq!(refusal(&refused), Some(ErrorKind::InvalidInput));
    assert_eq!(refused.message, "12345");
    assert_eq!(rig.append("1234"), 0);
}

#[test]
fn b49_what_is_stored_out_of_order_leaves_room_behind_the_oldest_only() {
    let mut rig = Rig::in_flight(config().max_buffer_messages(3), &["a", "b", "c"]);
    rig.ok(2);
    rig.ok(3);
    assert!(rig.try_append("d").is_err());
    rig.ok(1);
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (0, 0));
    rig.append("d");
}

#[test]
fn b49_room_is_counted_right_through_everything_that_happens() {
    let config = config_of("application/json")
        .max_batch_messages(2)
        .auto_claim(true);
    let mut rig = Rig::open_json(config.after_claim(AfterClaim::Report));
    for n in 10..18 {
        rig.append(&n.to_string());
    }
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (8, 16));
    rig.status(1, 413);
    for index in [2, 3, 4] {
        rig.gap(index, 1);
    }
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (8, 16));
    // `10`, alone by now, is too large as well.
    rig.status(5, 413);
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (7, 14));
    rig.lose(6, durable_streams_core::FailureKind::Interrupted);
    let again = rig.until_sent();
    rig.fence(again, 7);
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (6, 12));
    while let Some(&index) = rig.live.first() {
        rig.ok(index);
    }
    assert_eq!((rig.writer.pending(), rig.writer.pending_bytes()), (0, 0));
    assert_eq!(rig.rejected().len(), 2);
}

#[test]
fn b49_the_default_buffer_is_64_mebibytes_or_100_000_messages() {
    let mut rig = Rig::new(config_of("text/plain"));
    for _ in 0..100_000 {
        rig.append("x");
    }
    assert!(rig.try_append("x").is_err());
    let rig = Rig::new(config_of("text/plain"));
    assert!(rig.writer.has_room(64 << 20) && !rig.writer.has_room((64 << 20) + 1));
}

#[test]
fn b49_a_large_message_is_sent_and_given_back_without_a_copy() {
    let mut rig = Rig::new(config().max_batch_bytes(1000));
    let message = Bytes::from(vec![b'x'; 1000]);
    rig.writer.append(message.clone(), rig.now()).unwrap();
    rig.poll();
    assert_eq!(rig.sent[0].request.body().as_ptr(), message.as_ptr());
    rig.status(0, 404);
    let unsent = rig.writer.take_unsent();
    assert_eq!(
        (unsent[0].message.as_ptr(), unsent[0].message.len()),
        (message.as_ptr(), 1000)
    );
}

#[test]
fn b29_json_messages_are_spliced_byte_for_byte() {
    let messages = [
        " {\"b\" : 1.0, \"a\":\t[ ] }\r\n",
        "123456789012345678901234567890.000e-400",
        "-0",
        "\"\\u00e9\u{2028}\\/,]\"",
        "[1,\n [2]]",
        "null",
    ];
    let mut rig = Rig::new(config_of("Application/JSON; charset=utf-8"));
    for message in messages {
        rig.append(message);
    }
    rig.advance(SECOND);
    assert_eq!(rig.sent[0].body, format!("[{}]", messages.join(",")));
    let content_type = rig.sent[0].request.headers().get("content-type").unwrap();
    assert_eq!(content_type, "Application/JSON; charset=utf-8");
}

#[test]
fn b28_what_is_no_json_value_is_refused_before_anything_happens() {
    let mut rig = Rig::new(config_of("application/json"));
    let faulty = [
        "",
        " ",
        "{",
        "[1",
        "1 2",
        "1,2",
        "tru",
        "{\"a\":}",
        "'a'",
        "NaN",
        "01",
        "\"\n\"",
        "[]]",
        "\u{feff}1",
    ];
    for message in faulty {
        let refused = rig.try_append(message).unwrap_err();
        assert_eq!(
            refusal(&refused),
            Some(ErrorKind::InvalidInput),
            "{message:?}"
        );
        assert_eq!(refused.message, message);
        assert_eq!(
            rig.writer.check_json(message.as_bytes()).is_err(),
            !message.is_empty()
        );
    }
    assert!(rig.writer.check_json(b"\"\xff\"").is_err());
    rig.advance(SECOND);
    assert!(rig.sent.is_empty() && rig.events.is_empty());
    assert_eq!((rig.append("[]"), rig.writer.pending()), (0, 1));
    rig.advance(SECOND);
    // An empty array is one message here.
    assert_eq!(rig.sent[0].body, "[[]]");
}

#[test]
fn b33_an_empty_message_is_refused_and_bytes_are_not_looked_at() {
    let mut rig = Rig::new(config());
    assert_eq!(
        refusal(&rig.try_append("").unwrap_err()),
        Some(ErrorKind::InvalidInput)
    );
    assert!(rig.sent.is_empty());
    rig.append("{");
    assert_eq!(rig.sent[0].body, "{");
}

#[test]
fn b58_what_cannot_be_sent_is_refused_when_it_is_configured() {
    let url = || StreamUrl::parse("http://h/s").unwrap();
    for id in ["", "a b", "a\n", "\u{e9}"] {
        let error = WriterConfig::new(url(), "text/plain", id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{id:?}");
    }
    for content_type in ["", "text/plain\r\nx: y"] {
        assert!(WriterConfig::new(url(), content_type, "id").is_err());
    }
}

impl Rig {
    /// A writer of JSON behind its first request.
    fn open_json(config: WriterConfig) -> Self {
        let mut rig = Self::new(config);
        rig.append("0");
        rig.until_sent();
        rig.ok(0);
        rig
    }
}
