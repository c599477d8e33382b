//! What goes together into a request, when it goes, and the application's headers on it.

use std::time::Duration;

use super::support::*;
use crate::client_suite::support::within;
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b50_linger_0_sends_as_soon_as_a_slot_is_free,
        b50_arrivals_do_not_extend_the_timer,
        b50_the_default_linger_is_5_ms,
        b50_a_full_batch_does_not_linger,
        b50_a_finished_request_starts_the_next_batch,
        b50_no_batch_is_over_its_limit,
        b50_a_single_large_message_goes_alone,
        b50_brackets_and_commas_count,
        b50_the_default_batch_is_1000_messages_or_1_mib,
        b51_the_applications_headers_go_on_every_request,
        b51_the_protocols_headers_win,
    ]
}

async fn b50_linger_0_sends_as_soon_as_a_slot_is_free(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.batching().max_in_flight(2)).await;
    let gates = gates::<4>();
    let held = gates.clone();
    world.answer(move |sent| sent.stored().after(&held[sent.seq as usize]));
    for message in ["a", "b", "c", "d"] {
        append(&writer, &[message]);
        world.settle().await;
    }
    assert_eq!(world.sent_from(1), ["0/1 a", "0/2 b"]);
    // What came meanwhile goes together, and without time.
    gates[1].open();
    world.settle().await;
    assert_eq!(world.sent_from(3), ["0/3 cd"]);
}

async fn b50_arrivals_do_not_extend_the_timer(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.batching().linger(10 * MS).start();
    append(&writer, &["a"]);
    for message in ["b", "c"] {
        world.turn(4 * MS).await;
        append(&writer, &[message]);
    }
    world.turn(2 * MS - Duration::from_nanos(1)).await;
    assert!(world.sent().is_empty());
    world.turn(Duration::from_nanos(1)).await;
    assert_eq!(world.sent(), ["0/0 abc"]);
    // The next batch has a time of its own.
    world.turn(3 * MS).await;
    append(&writer, &["d"]);
    assert_eq!(world.until_requests(2).await, 10 * MS);
}

async fn b50_the_default_linger_is_5_ms(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.stream("text/plain").writer("w").start();
    append(&writer, &["a", "b"]);
    assert_eq!(world.until_requests(1).await, 5 * MS);
    assert_eq!(world.sent(), ["0/0 ab"]);
}

async fn b50_a_full_batch_does_not_linger(cx: Context) {
    let world = World::new(&cx).await;
    let builder = world.batching().linger(3600 * SECOND);
    let writer = builder.max_batch_messages(2).start();
    append(&writer, &["a", "b", "c"]);
    world.settle().await;
    assert_eq!(world.sent()[0], "0/0 ab");

    let world = World::new(&cx).await;
    let builder = world.batching().linger(3600 * SECOND);
    let writer = builder.max_batch_bytes(4).start();
    append(&writer, &["ab", "cd", "e"]);
    world.settle().await;
    assert_eq!(world.sent()[0], "0/0 abcd");
}

async fn b50_a_finished_request_starts_the_next_batch(cx: Context) {
    let world = World::new(&cx).await;
    let [gate] = gates();
    let held = gate.clone();
    world.answer(move |sent| match sent.seq {
        0 => sent.stored().after(&held),
        _ => sent.stored(),
    });
    let writer = world.batching().linger(SECOND).start();
    append(&writer, &["a"]);
    world.turn(SECOND).await;
    append(&writer, &["b", "c"]);
    world.turn(100 * MS).await;
    assert_eq!(world.sent(), ["0/0 a"]);
    gate.open();
    world.settle().await;
    assert_eq!(world.sent_from(1), ["0/1 bc"]);
}

async fn b50_no_batch_is_over_its_limit(cx: Context) {
    for (content_type, limit) in [("application/json", 9), ("text/plain", 7)] {
        let world = World::new(&cx).await;
        let builder = world.stream(content_type).writer("w").linger(SECOND);
        let builder = builder.max_batch_bytes(limit).max_batch_messages(3);
        let writer = builder.start();
        let messages: Vec<String> = (0..40).map(|n| "7".repeat(1 + n * 5 % 11)).collect();
        for message in &messages {
            writer.try_append(message.clone()).unwrap();
        }
        flush(&writer).await;
        let mut all = String::new();
        for sent in world.sent() {
            let body = sent.split_once(' ').unwrap().1;
            let inner = body.trim_matches(['[', ']']);
            let count = inner.split(',').count();
            assert!(count <= 3 && (body.len() <= limit || count == 1), "{body}");
            if body.len() > limit {
                assert!(messages.iter().any(|message| message == inner), "{body}");
            }
            all.push_str(&inner.replace(',', ""));
        }
        assert_eq!(all, messages.concat());
    }
}

async fn b50_a_single_large_message_goes_alone(cx: Context) {
    for (content_type, messages, expected) in [
        (
            "text/plain",
            ["a", "0123456789abc", "b"],
            ["0/0 a", "0/1 0123456789abc", "0/2 b"],
        ),
        (
            "application/json",
            ["1", "\"0123456789\"", "2"],
            ["0/0 [1]", "0/1 [\"0123456789\"]", "0/2 [2]"],
        ),
    ] {
        let world = World::new(&cx).await;
        let builder = world.stream(content_type).writer("w");
        let writer = builder.max_batch_bytes(10).start();
        append(&writer, &messages);
        flush(&writer).await;
        assert_eq!(world.sent(), expected);
    }
}

async fn b50_brackets_and_commas_count(cx: Context) {
    // `[10,20,30]` is 10 bytes.
    for (limit, expected) in [
        (10, vec!["0/0 [10,20,30]", "0/1 [40,50]"]),
        (9, vec!["0/0 [10,20]", "0/1 [30,40]", "0/2 [50]"]),
    ] {
        let world = World::new(&cx).await;
        let builder = world.stream("application/json").writer("w");
        let writer = builder.max_batch_bytes(limit).start();
        append(&writer, &["10", "20", "30", "40", "50"]);
        flush(&writer).await;
        assert_eq!(world.sent(), expected);
    }
}

async fn b50_the_default_batch_is_1000_messages_or_1_mib(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.stream("text/plain").writer("w").start();
    for _ in 0..1001 {
        append(&writer, &["x"]);
    }
    flush(&writer).await;
    let sizes = |world: &World| -> Vec<usize> {
        let requests = world.server.requests();
        requests.iter().map(|request| request.body.len()).collect()
    };
    assert_eq!(sizes(&world), [1000, 1]);

    let world = World::new(&cx).await;
    let writer = world.stream("text/plain").writer("w").start();
    for _ in 0..4 {
        writer.try_append("x".repeat(300_000)).unwrap();
    }
    flush(&writer).await;
    assert_eq!(sizes(&world), [900_000, 300_000]);
}

async fn b51_the_applications_headers_go_on_every_request(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.what() {
        (0, 0, 1) => Reply::close(),
        (0, 0, 2) => Reply::new(503),
        _ => sent.stored(),
    });
    let (builder, clock) = cx.stopped(&world.server);
    let client = builder
        .bearer_token("s3cret")
        .header("x-client", "c")
        .header("x-app", "client")
        .param("tenant", "a b");
    let world = World {
        client: client.build().unwrap(),
        clock,
        ..world
    };
    let stream = world.stream("text/plain").with_header("x-app", "stream");
    let stream = stream.with_param("shard", "1");
    let writer = stream.writer("w").header("x-app", "writer");
    let writer = writer.header("x-writer", "w").param("zone", "z").start();
    append(&writer, &["a"]);
    let restarted = beside(&writer, |writer| async move { writer.restart().await });
    world.finish(restarted).await.unwrap();
    let end = beside(&writer, |writer| async move { writer.close_stream().await });
    world.finish(end).await.unwrap();
    assert_eq!(world.sent(), ["0/0 a", "0/0 a", "0/0 a", "1/0  close"]);
    for request in world.server.requests() {
        let all = |name| request.header_all(name).collect::<Vec<_>>();
        assert_eq!(all("authorization"), ["Bearer s3cret"]);
        assert_eq!(all("x-client"), ["c"]);
        assert_eq!(all("x-app"), ["writer"], "the nearest wins");
        assert_eq!(all("x-writer"), ["w"]);
        assert_eq!(request.query(), Some("shard=1&tenant=a%20b&zone=z"));
    }
}

async fn b51_the_protocols_headers_win(cx: Context) {
    for (name, own) in [
        ("Producer-Id", "w"),
        ("Producer-Epoch", "0"),
        ("Producer-Seq", "0"),
        ("Content-Type", "text/plain"),
    ] {
        let world = World::new(&cx).await;
        let writer = world.writer().header(name, "7").start();
        match within(writer.append("a")).await {
            // It is refused, before anything is sent.
            Err(refused) => {
                assert_eq!(refused.message, "a");
                world.settle().await;
                assert!(world.sent().is_empty());
            }
            // Or the protocol's own is what is sent.
            Ok(()) => {
                flush(&writer).await;
                let requests = world.server.requests();
                let values: Vec<_> = requests[0].header_all(name).collect();
                assert_eq!(values, [own], "{name}");
            }
        }
    }
    // Nor can it close the stream behind the protocol's back.
    let world = World::new(&cx).await;
    let writer = world.writer().header("Stream-Closed", "true").start();
    if writer.try_append("a").is_ok() {
        flush(&writer).await;
        assert_eq!(world.sent(), ["0/0 a"]);
    }
}
