//! What goes together into a request, and when it goes.

use std::time::Duration;

use durable_streams_core::WriterConfig;

use crate::support::{MS, Rig, SECOND, config, config_of};

/// A writer behind its first request, so that only lingering and limits decide.
fn open(config: WriterConfig) -> Rig {
    let mut rig = Rig::new(config);
    rig.append("0");
    rig.until_sent_if_waiting();
    rig.ok(0);
    rig
}

fn bodies(rig: &Rig) -> Vec<&str> {
    rig.sent[1..]
        .iter()
        .map(|sent| sent.body.as_str())
        .collect()
}

#[test]
fn b50_linger_0_sends_as_soon_as_a_slot_is_free() {
    let mut rig = open(
        config_of("text/plain")
            .linger(Duration::ZERO)
            .max_in_flight(2),
    );
    for message in ["a", "b", "c", "d"] {
        rig.append(message);
    }
    assert_eq!(bodies(&rig), ["a", "b"]);
    assert!(rig.sent.iter().all(|sent| sent.at == Duration::ZERO));
    // What came meanwhile goes together.
    rig.ok(1);
    assert_eq!(bodies(&rig), ["a", "b", "cd"]);
}

#[test]
fn b50_a_message_lingers_and_arrivals_do_not_extend_that() {
    let mut rig = open(config_of("text/plain").linger(10 * MS));
    let start = rig.elapsed();
    for message in ["a", "b", "c"] {
        rig.append(message);
        assert_eq!(rig.sent.len(), 1);
        rig.advance(4 * MS);
    }
    assert_eq!(bodies(&rig), ["abc"]);
    assert_eq!(rig.sent[1].at - start, 10 * MS);
    // The next batch lingers from its own first message on.
    rig.append("d");
    assert_eq!(rig.wait(), Some(10 * MS));
    rig.advance(10 * MS);
    assert_eq!(rig.sent[2].at - start, 22 * MS);
}

#[test]
fn b50_the_default_linger_is_five_milliseconds() {
    let mut rig = Rig::new(config_of("text/plain"));
    rig.append("a");
    assert_eq!(rig.wait(), Some(5 * MS));
    rig.advance(5 * MS);
    assert_eq!(rig.sent[0].at, 5 * MS);
}

#[test]
fn b50_a_full_batch_does_not_linger() {
    let mut rig = open(config_of("text/plain").linger(SECOND).max_batch_messages(2));
    let start = rig.elapsed();
    for message in ["a", "b", "c"] {
        rig.append(message);
    }
    assert_eq!((bodies(&rig), rig.sent[1].at), (vec!["ab"], start));
    let mut rig = open(config_of("text/plain").linger(SECOND).max_batch_bytes(4));
    for message in ["ab", "cd", "e"] {
        rig.append(message);
    }
    assert_eq!(bodies(&rig), ["abcd"]);
}

#[test]
fn b50_a_finished_request_starts_the_next_batch() {
    let mut rig = open(config_of("text/plain").linger(SECOND));
    rig.append("a");
    rig.advance(SECOND);
    rig.append("b");
    rig.append("c");
    rig.advance(100 * MS);
    assert_eq!(rig.live, [1]);
    rig.ok(1);
    assert_eq!(bodies(&rig), ["a", "bc"]);
    assert_eq!(rig.sent[2].at, rig.elapsed());
}

#[test]
fn b50_nobody_is_woken_for_a_batch_that_time_alone_does_not_send() {
    let mut rig = open(config_of("text/plain").max_in_flight(1));
    rig.append("a");
    rig.advance(5 * MS);
    rig.append("b");
    // The slot is taken: only the request's limit wakes it.
    assert_eq!(rig.wait(), Some(30 * SECOND));
    rig.advance(SECOND);
    rig.ok(1);
    assert_eq!(bodies(&rig), ["a", "b"]);
}

#[test]
fn b50_an_idle_writer_waits_without_end() {
    let mut rig = Rig::new(config_of("text/plain"));
    assert_eq!(rig.wait(), None);
    rig.append("a");
    rig.advance(SECOND);
    rig.status(0, 503);
    rig.until_sent();
    rig.ok(1);
    assert_eq!(rig.wait(), None);
    let outputs = rig.trace.len();
    rig.advance(1_000_000 * SECOND);
    assert!(
        rig.trace.len() <= outputs + 1,
        "woken: {:?}",
        &rig.trace[outputs..]
    );
}

#[test]
fn b50_bytes_without_framing_fill_a_batch_to_its_limit() {
    let mut rig = open(config_of("application/octet-stream").max_batch_bytes(10));
    for message in ["aaaa", "bbbb", "cc", "dddd", "eeeeeee"] {
        rig.append(message);
    }
    rig.advance(SECOND);
    assert_eq!(bodies(&rig), ["aaaabbbbcc", "dddd", "eeeeeee"]);
}

#[test]
fn b50_brackets_and_commas_count() {
    // `[10,20,30]` is 10 bytes.
    for (limit, expected) in [
        (11, vec!["[10,20,30]", "[40,50]"]),
        (10, vec!["[10,20,30]", "[40,50]"]),
        (9, vec!["[10,20]", "[30,40]", "[50]"]),
        (7, vec!["[10,20]", "[30,40]", "[50]"]),
        (6, vec!["[10]", "[20]", "[30]", "[40]", "[50]"]),
    ] {
        let mut rig = open(config_of("application/json").max_batch_bytes(limit));
        for message in ["10", "20", "30", "40", "50"] {
            rig.append(message);
        }
        rig.advance(SECOND);
        assert_eq!(bodies(&rig), expected, "{limit}");
    }
}

#[test]
fn b50_no_batch_is_over_its_limits_except_one_large_message_alone() {
    for content_type in ["application/json", "text/plain"] {
        for limit in 1..24 {
            let config = config_of(content_type)
                .max_batch_bytes(limit)
                .max_batch_messages(3)
                .max_in_flight(100);
            let mut rig = open(config);
            let messages: Vec<String> = (0..40).map(|n| "7".repeat(1 + n * 5 % 17)).collect();
            for message in &messages {
                rig.append(message);
            }
            rig.advance(SECOND);
            let mut all = Vec::new();
            for sent in &rig.sent[1..] {
                let inner = sent.body.trim_matches(['[', ']']);
                let count = if content_type == "text/plain" {
                    1
                } else {
                    inner.split(',').count()
                };
                assert!(count <= 3);
                assert!(
                    sent.body.len() <= limit || count == 1,
                    "{limit}: {}",
                    sent.body
                );
                all.push(inner.replace(',', ""));
            }
            assert_eq!(all.concat(), messages.concat());
        }
    }
}

#[test]
fn b50_a_large_message_goes_alone_and_takes_nobody_along() {
    for (content_type, expected) in [
        ("text/plain", vec!["a", "0123456789abc", "b"]),
        ("application/json", vec!["[1]", "[\"0123456789\"]", "[2]"]),
    ] {
        let mut rig = open(config_of(content_type).max_batch_bytes(10));
        let json = content_type == "application/json";
        rig.append(if json { "1" } else { "a" });
        rig.append(if json {
            "\"0123456789\""
        } else {
            "0123456789abc"
        });
        rig.append(if json { "2" } else { "b" });
        rig.advance(SECOND);
        assert_eq!(bodies(&rig), expected);
    }
}

#[test]
fn b50_the_default_limits_are_a_mebibyte_and_a_thousand_messages() {
    let mut rig = Rig::new(config_of("text/plain"));
    for _ in 0..1001 {
        rig.append("x");
    }
    assert_eq!(rig.sent[0].body.len(), 1000);
    let mut rig = Rig::new(config_of("text/plain"));
    let message = "x".repeat(300_000);
    for _ in 0..4 {
        rig.append(&message);
    }
    assert_eq!(rig.sent[0].body.len(), 900_000);
}

#[test]
fn b53_events_speak_of_ranges_of_tickets_and_none_is_per_message() {
    let mut rig = Rig::new(config_of("text/plain").max_batch_messages(500));
    for ticket in 0..2_000 {
        assert_eq!(rig.append("x"), ticket);
    }
    for index in 0..4 {
        rig.ok(index);
    }
    assert_eq!(rig.events.len(), 4);
    let stored: Vec<_> = rig
        .stored()
        .into_iter()
        .map(|(tickets, _)| tickets)
        .collect();
    assert_eq!(stored, [0..500, 500..1_000, 1_000..1_500, 1_500..2_000]);
}

#[test]
fn b53_a_failure_speaks_of_ranges_too() {
    let mut rig = Rig::new(config_of("text/plain").max_batch_messages(500));
    for _ in 0..2_000 {
        rig.append("x");
    }
    rig.status(0, 404);
    assert!(
        rig.rejected()
            .into_iter()
            .map(|(tickets, ..)| tickets)
            .eq((0..4).map(|n| n * 500..(n + 1) * 500))
    );
    assert_eq!(rig.events.len(), 5);
    assert_eq!(rig.writer.take_unsent().len(), 2_000);
}

#[test]
fn b51_a_request_carries_the_streams_query_and_the_protocols_headers_alone() {
    let mut rig = Rig::new(config());
    rig.append("a");
    rig.ok(0);
    rig.close_stream(None);
    for sent in &rig.sent {
        assert_eq!(sent.request.uri(), "http://h:4437/v1/s?tenant=a%20b");
    }
    let names = |index: usize| {
        let headers = rig.sent[index].request.headers();
        let mut names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        names(0),
        [
            "content-type",
            "producer-epoch",
            "producer-id",
            "producer-seq"
        ]
    );
    assert_eq!(
        names(1),
        [
            "producer-epoch",
            "producer-id",
            "producer-seq",
            "stream-closed"
        ]
    );
}
