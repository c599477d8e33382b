//! §5.2 Append.

use crate::world::{BYTES, JSON, TEXT, World};

#[test]
fn r5_2_02_another_content_type_is_409() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    for other in [JSON, BYTES, "nonsense"] {
        assert_eq!(
            world.post("/s", &[("content-type", other)], b"x").status(),
            409
        );
    }
    for same in ["text/plain", "TEXT/Plain", "text/plain; charset=utf-8"] {
        assert_eq!(
            world.post("/s", &[("content-type", same)], b"x").status(),
            204
        );
    }
    assert_eq!(world.get("/s").text(), "xxx");
}

#[test]
fn r5_2_03_a_body_needs_a_content_type() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    assert_eq!(world.post("/s", &[], b"x").status(), 400);
}

#[test]
fn r5_2_04_without_a_body_the_content_type_does_not_matter() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let closed = world.post(
        "/s",
        &[("content-type", JSON), ("stream-closed", "true")],
        b"",
    );
    assert_eq!(closed.status(), 204);
}

#[test]
fn r5_2_07_09_10_stream_seq_rises_byte_by_byte() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let mut append = |seq: &str, body: &str| {
        world
            .post(
                "/s",
                &[("content-type", TEXT), ("stream-seq", seq)],
                body.as_bytes(),
            )
            .status()
    };
    assert_eq!(append("2", "a"), 204);
    assert_eq!(append("2", "-"), 409);
    assert_eq!(append("10", "-"), 409);
    assert_eq!(append("Z", "b"), 204);
    assert_eq!(append("a", "c"), 204);
    assert_eq!(append("Zz", "-"), 409);
    assert_eq!(append("aa", "d"), 204);
    assert_eq!(world.get("/s").text(), "abcd");
}

#[test]
fn r5_2_11_a_refused_append_does_not_consume_stream_seq() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    for (content_type, body, status) in [(JSON, "{", 400), (TEXT, "1", 409), (JSON, "1", 204)] {
        let headers = [("content-type", content_type), ("stream-seq", "1")];
        assert_eq!(world.post("/s", &headers, body.as_bytes()).status(), status);
    }
}

#[test]
fn r5_2_12_nothing_to_append_is_400() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    assert_eq!(
        world.post("/s", &[("content-type", TEXT)], b"").status(),
        400
    );
    assert_eq!(
        world
            .post("/s", &[("stream-closed", "false")], b"")
            .status(),
        400
    );
}

#[test]
fn r5_2_23_25_success_names_the_new_tail_and_missing_streams_are_404() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let appended = world.post("/s", &[("content-type", TEXT)], b"abc");
    assert_eq!(appended.status(), 204);
    assert!(!appended.closed());
    assert_eq!(appended.next_offset(), world.head("/s").next_offset());
    assert_eq!(
        world
            .post("/none", &[("content-type", TEXT)], b"abc")
            .status(),
        404
    );
}

#[test]
fn r5_2_25_a_body_that_is_too_long_is_413() {
    let config = durable_streams_conformance::reference::Config::default().with_max_body_bytes(3);
    let mut world = World::new(config);
    world.create("/s", TEXT, "abc");
    assert_eq!(
        world
            .post("/s", &[("content-type", TEXT)], b"abcd")
            .status(),
        413
    );
    assert_eq!(world.get("/s").text(), "abc");
}
