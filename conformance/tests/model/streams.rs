//! §4 What a stream is.

use crate::world::{JSON, TEXT, World};

#[test]
fn r4_02_03_content_at_a_position_never_changes() {
    let mut world = World::default();
    let mut offsets = vec![world.create("/s", TEXT, "")];
    for word in ["one ", "two ", "three"] {
        offsets.push(world.append("/s", word));
    }
    world.fork("/fork", "/s", &[]);
    world.append("/fork", "!");
    world.append("/s", " four");
    world.close("/s");
    for (offset, text) in offsets.iter().zip(["one ", "two ", "three"]) {
        for path in ["/s", "/fork"] {
            let read = world.get(&format!("{path}?offset={offset}"));
            assert!(read.text().starts_with(text), "{path} at {offset}");
        }
    }
}

#[test]
fn r4_04_the_content_type_stays_what_the_creator_said() {
    let said = "Text/Plain; charset=ISO-8859-1";
    let mut world = World::default();
    world.create("/s", said, "abc");
    world.post("/s", &[("content-type", TEXT)], b"def");
    world.fork("/fork", "/s", &[("content-type", TEXT)]);
    for answer in [
        world.get("/s"),
        world.get("/s?offset=now"),
        world.get("/s?offset=-1&live=long-poll"),
        world.head("/s"),
        world.put("/s", &[("content-type", TEXT)]),
        world.get("/fork"),
    ] {
        assert_eq!(answer.header("content-type"), Some(said));
    }
}

#[test]
fn r4_06_a_closed_stream_never_opens_again() {
    let mut world = World::default();
    world.create("/s", JSON, "1");
    world.close("/s");
    let attempts = [
        world.put("/s", &[("content-type", JSON)]),
        world.put("/s", &[("content-type", JSON), ("stream-closed", "false")]),
        world.post("/s", &[("stream-closed", "false")], b""),
        world.post(
            "/s",
            &[("content-type", JSON), ("stream-closed", "false")],
            b"2",
        ),
    ];
    for attempt in attempts {
        assert!(attempt.status() >= 400, "{attempt:?}");
        assert!(world.head("/s").closed());
    }
    assert_eq!(world.get("/s").text(), "[1]");
}

#[test]
fn r4_1_07_there_is_no_moment_between_the_last_bytes_and_the_closure() {
    let mut world = World::default();
    let before = world.create("/s", TEXT, "");
    let last = [("content-type", TEXT), ("stream-closed", "true")];
    let closed = world.post("/s", &last, b"end");
    assert!(closed.closed());
    let read = world.get(&format!("/s?offset={before}"));
    assert_eq!((read.text(), read.closed()), ("end", true));
    assert_eq!(read.next_offset(), closed.next_offset());
    let late = world.post("/s", &[("content-type", TEXT)], b"x");
    assert_eq!(late.next_offset(), closed.next_offset());
}
