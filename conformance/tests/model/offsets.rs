//! §8 Offsets.

use crate::events::member;
use crate::world::{BYTES, JSON, TEXT, World};

#[test]
fn r8_01_02_03_05_06_24_tokens_rise_and_are_safe_in_urls() {
    for content_type in [TEXT, JSON, BYTES] {
        let mut world = World::default();
        let mut offsets = vec![world.create("/s", content_type, "")];
        for length in [1, 10, 300, 70_000] {
            offsets.push(world.append("/s", "1".repeat(length)));
        }
        assert!(
            offsets
                .windows(2)
                .all(|pair| pair[0].as_bytes() < pair[1].as_bytes())
        );
        for offset in offsets {
            assert!(offset.len() < 256 && offset.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            assert!(offset != "-1" && offset != "now");
        }
    }
}

#[test]
fn r8_08_to_14_now_is_an_empty_answer_at_the_tail() {
    for (content_type, body, empty) in [(TEXT, "abc", ""), (JSON, "[1,2]", "[]")] {
        let mut world = World::default();
        let tail = world.create("/s", content_type, body);
        for closed in [false, true] {
            if closed {
                world.close("/s");
            }
            let now = world.get("/s?offset=now");
            assert_eq!((now.status(), now.text()), (200, empty));
            assert_eq!(now.next_offset(), tail);
            assert_eq!(now.closed(), closed);
            assert!(now.up_to_date());
            assert_eq!(now.header("cache-control"), Some("no-store"));
            assert_eq!(now.header("etag"), None);
        }
    }
}

#[test]
fn r8_15_16_now_and_long_poll_wait_at_the_tail() {
    let mut world = World::default();
    world.create("/s", TEXT, "old");
    let poll = world.watch("/s?live=long-poll&offset=now");
    assert!(world.waits(poll));
    let tail = world.append("/s", "new");
    let answer = world.complete(poll);
    assert_eq!((answer.status(), answer.text()), (200, "new"));
    assert_eq!(answer.next_offset(), tail);
}

#[test]
fn r8_17_18_19_now_and_sse_start_at_the_tail() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "old");
    let sse = world.watch("/s?live=sse&offset=now");
    let events = world.so_far(sse).events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, "control");
    assert_eq!(member(&events[0].1, "streamNextOffset"), Some(tail));
    assert_eq!(member(&events[0].1, "upToDate"), Some("true".into()));
    world.append("/s", "new");
    assert_eq!(world.so_far(sse).events()[1], ("data".into(), "new".into()));
}

#[test]
fn r8_20_22_23_now_on_a_closed_stream_is_answered_at_once() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "abc");
    world.close("/s");
    let poll = world.get("/s?offset=now&live=long-poll");
    assert_eq!(poll.status(), 204);
    assert!(poll.closed() && poll.up_to_date());
    assert_eq!(poll.next_offset(), tail);
    let sse = world.get("/s?offset=now&live=sse");
    let events = sse.events();
    assert_eq!(events.len(), 1);
    assert_eq!(member(&events[0].1, "streamClosed"), Some("true".into()));
    assert_eq!(member(&events[0].1, "upToDate"), Some("true".into()));
}

#[test]
fn r8_04_offsets_stay_valid_while_the_stream_lives() {
    let mut world = World::default();
    let mut offsets = vec![world.create("/s", TEXT, "")];
    for word in ["a", "b", "c"] {
        offsets.push(world.append("/s", word));
    }
    world.seconds(1_000_000);
    world.close("/s");
    for (offset, rest) in offsets.iter().zip(["abc", "bc", "c", ""]) {
        assert_eq!(world.get(&format!("/s?offset={offset}")).text(), rest);
    }
}

#[test]
fn r8_20_21_now_on_a_closed_json_stream_over_sse_has_no_data() {
    let mut world = World::default();
    let tail = world.create("/s", JSON, "[1]");
    world.close("/s");
    let answer = world.get("/s?offset=now&live=sse");
    let events = answer.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].0, "control");
    assert_eq!(member(&events[0].1, "streamNextOffset"), Some(tail));
    assert_eq!(member(&events[0].1, "streamCursor"), None);
}

#[test]
fn r8_15_now_is_the_tail_at_the_time_of_the_request() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let first = world.get("/s?offset=now").next_offset();
    world.append("/s", "abc");
    let second = world.get("/s?offset=now").next_offset();
    assert!(first < second);
    assert_eq!(world.get(&format!("/s?offset={first}")).text(), "abc");
    assert_eq!(world.get(&format!("/s?offset={second}")).text(), "");
}
