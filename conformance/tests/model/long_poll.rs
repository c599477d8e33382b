//! §5.7 Long-poll.

use std::time::Duration;

use durable_streams_conformance::reference::Config;

use crate::world::{JSON, TEXT, World};

#[test]
fn r5_7_01_an_offset_is_required() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    assert_eq!(world.get("/s?live=long-poll").status(), 400);
    assert_eq!(world.get("/s?live=sse").status(), 400);
}

#[test]
fn r5_7_02_06_15_data_is_answered_at_once() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "abc");
    let answer = world.get("/s?offset=-1&live=long-poll");
    assert_eq!((answer.status(), answer.text()), (200, "abc"));
    assert_eq!(answer.next_offset(), tail);
    assert!(answer.up_to_date());
    assert!(answer.header("stream-cursor").is_some());
    assert!(answer.header("etag").is_some());
}

#[test]
fn r5_7_04_07_08_09_time_out_after_the_configured_wait() {
    let config = Config::default().with_long_poll_timeout(Duration::from_millis(1500));
    let mut world = World::new(config);
    let tail = world.create("/s", TEXT, "abc");
    let poll = world.watch("/s?offset=now&live=long-poll");
    assert_eq!(
        world.model.next_deadline(),
        Some(world.now + Duration::from_millis(1500))
    );
    world.pass(Duration::from_millis(1499));
    assert!(world.waits(poll));
    world.pass(Duration::from_millis(1));
    let answer = world.complete(poll);
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.next_offset(), tail);
    assert!(answer.up_to_date() && !answer.closed());
    assert!(answer.header("stream-cursor").is_some());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(world.model.next_deadline(), None);
}

#[test]
fn r5_7_03_an_append_wakes_the_readers_of_that_stream_only() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    world.create("/t", TEXT, "");
    let mine = world.watch("/s?offset=now&live=long-poll");
    let other = world.watch("/t?offset=now&live=long-poll");
    let tail = world.append("/s", "abc");
    let answer = world.complete(mine);
    assert_eq!((answer.status(), answer.text()), (200, "abc"));
    assert_eq!(answer.next_offset(), tail);
    assert!(world.waits(other));
}

#[test]
fn r5_7_03_a_repeated_or_refused_append_wakes_nobody() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    world.produce("/s", "p", 0, 0, "abc");
    let poll = world.watch("/s?offset=now&live=long-poll");
    assert_eq!(world.produce("/s", "p", 0, 0, "abc").status(), 204);
    assert_eq!(world.post("/s", &[], b"x").status(), 400);
    assert!(world.waits(poll));
}

#[test]
fn r5_7_10_11_at_the_end_of_a_closed_stream_there_is_no_wait() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "abc");
    world.close("/s");
    let answer = world.get(&format!("/s?offset={tail}&live=long-poll"));
    assert_eq!(answer.status(), 204);
    assert!(answer.closed() && answer.up_to_date());
}

#[test]
fn r5_7_12_closing_ends_the_wait() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "abc");
    let poll = world.watch("/s?offset=now&live=long-poll");
    world.close("/s");
    let answer = world.complete(poll);
    assert_eq!(answer.status(), 204);
    assert!(answer.closed() && answer.up_to_date());
    assert_eq!(answer.next_offset(), tail);
}

#[test]
fn r5_7_13_14_append_and_close_delivers_the_final_bytes_with_the_closure() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let poll = world.watch("/s?offset=now&live=long-poll");
    world.post(
        "/s",
        &[("content-type", TEXT), ("stream-closed", "true")],
        b"end",
    );
    let answer = world.complete(poll);
    assert_eq!((answer.status(), answer.text()), (200, "end"));
    assert!(answer.closed());
}

#[test]
fn r5_7_18_json_comes_as_an_array() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    let poll = world.watch("/s?offset=now&live=long-poll");
    world.append("/s", r#"{"a":1}"#);
    assert_eq!(world.complete(poll).text(), r#"[{"a":1}]"#);
}

#[test]
fn r5_4_03_deleting_ends_live_readers() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let poll = world.watch("/s?offset=now&live=long-poll");
    let sse = world.watch("/s?offset=now&live=sse");
    world.delete("/s");
    assert_eq!(world.complete(poll).status(), 404);
    assert!(world.so_far(sse).ended);
    assert_eq!(world.model.open_exchanges(), 0);
}

#[test]
fn a_cancelled_reader_is_forgotten() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let poll = world.watch("/s?offset=now&live=long-poll");
    let sse = world.watch("/s?offset=now&live=sse");
    assert_eq!(world.model.open_exchanges(), 2);
    world.cancel(poll);
    world.cancel(sse);
    assert_eq!(world.model.open_exchanges(), 0);
    assert_eq!(world.model.next_deadline(), None);
    world.append("/s", "x");
    assert!(world.waits(poll));
}

#[test]
fn r5_7_14_data_that_reaches_the_end_carries_the_closure() {
    let mut world = World::new(Config::default().with_page_bytes(2));
    world.create("/s", TEXT, "abc");
    world.close("/s");
    let part = world.get("/s?offset=-1&live=long-poll");
    assert_eq!(
        (part.text(), part.closed(), part.up_to_date()),
        ("ab", false, false)
    );
    let rest = world.get(&format!("/s?offset={}&live=long-poll", part.next_offset()));
    assert_eq!(
        (rest.text(), rest.closed(), rest.up_to_date()),
        ("c", true, true)
    );
}

#[test]
fn r5_7_16_a_known_tag_is_304_with_a_cursor() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let target = "/s?offset=-1&live=long-poll";
    let tag = world.get(target).header("etag").expect("a tag").to_owned();
    let known = world.send(http::Method::GET, target, &[("if-none-match", &tag)], b"");
    assert_eq!(known.status(), 304);
    assert_eq!(known.header("etag"), Some(&*tag));
    assert!(known.header("stream-cursor").is_some());
}

#[test]
fn r10_03_what_a_long_poll_from_now_brings_is_nobody_elses() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let target = "/s?offset=now&live=long-poll";
    let poll = world.begin(http::Method::GET, target, &[("if-none-match", "*")], b"");
    world.append("/s", "d");
    let answer = world.complete(poll);
    assert_eq!((answer.status(), answer.text()), (200, "d"));
    assert_eq!(answer.header("etag"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("stream-cursor").is_some());
}
