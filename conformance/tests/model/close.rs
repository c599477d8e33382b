//! §4.1, §5.2, §5.3: closing.

use crate::world::{JSON, TEXT, World};

#[test]
fn r4_1_04_05_06_only_true_closes_in_any_case() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    for other in ["false", "yes", "1", "", "true, true"] {
        let appended = world.post(
            "/s",
            &[("content-type", TEXT), ("stream-closed", other)],
            b"x",
        );
        assert_eq!(appended.status(), 204);
        assert!(!world.head("/s").closed(), "{other:?}");
    }
    let closed = world.post("/s", &[("stream-closed", "TrUe")], b"");
    assert_eq!(closed.status(), 204);
    assert!(world.head("/s").closed());
}

#[test]
fn r4_1_02_03_r5_2_13_r5_3_closing_is_idempotent_and_keeps_the_data() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let tail = world.head("/s").next_offset();
    for _ in 0..2 {
        let closed = world.close("/s");
        assert_eq!(closed.status(), 204);
        assert!(closed.closed());
        assert_eq!(closed.next_offset(), tail);
    }
    assert_eq!(world.get("/s").text(), "abc");
    assert_eq!(world.close("/none").status(), 404);
}

#[test]
fn r5_2_14_append_and_close_on_closed_stream_is_409() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let last = [("content-type", TEXT), ("stream-closed", "true")];
    let closed = world.post("/s", &last, b"end");
    assert_eq!(closed.status(), 204);
    assert!(closed.closed());
    let again = world.post("/s", &last, b"end");
    assert_eq!(again.status(), 409);
    assert!(again.closed());
    assert_eq!(world.get("/s").text(), "end");
}

#[test]
fn r5_2_15_16_an_append_on_a_closed_stream_names_the_final_offset() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let last = world.close("/s").next_offset();
    for refused in [
        world.post("/s", &[("content-type", TEXT)], b"x"),
        world.produce("/s", "p", 0, 0, "x"),
    ] {
        assert_eq!(refused.status(), 409);
        assert!(refused.closed());
        assert_eq!(refused.next_offset(), last);
    }
}

#[test]
fn r5_2_18_19_20_closed_comes_before_every_other_conflict() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    world.post(
        "/s",
        &[
            ("content-type", JSON),
            ("stream-seq", "5"),
            ("stream-closed", "true"),
        ],
        b"1",
    );
    for (content_type, seq, body) in [(TEXT, "6", "1"), (JSON, "1", "1"), (JSON, "6", "{")] {
        let headers = [("content-type", content_type), ("stream-seq", seq)];
        let refused = world.post("/s", &headers, body.as_bytes());
        assert_eq!(refused.status(), 409);
        assert!(refused.closed());
    }
}

#[test]
fn r5_2_22_26_a_refused_append_and_close_leaves_the_stream_open() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    for (content_type, body, status) in [(JSON, "[]", 400), (JSON, "{", 400), (TEXT, "1", 409)] {
        let headers = [("content-type", content_type), ("stream-closed", "true")];
        let refused = world.post("/s", &headers, body.as_bytes());
        assert_eq!(refused.status(), status);
        assert!(!refused.closed());
        assert!(!world.head("/s").closed());
    }
}

#[test]
fn r5_2_13_closing_again_needs_nothing_to_be_right() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    world.post("/s", &[("stream-closed", "true"), ("stream-seq", "5")], b"");
    let headers = [
        ("stream-closed", "true"),
        ("stream-seq", "1"),
        ("content-type", TEXT),
    ];
    let again = world.post("/s", &headers, b"");
    assert_eq!((again.status(), again.closed()), (204, true));
}

#[test]
fn r5_2_20_a_malformed_request_is_400_on_a_closed_stream_too() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    world.close("/s");
    assert_eq!(
        world.post("/s", &[("content-type", JSON)], b"").status(),
        400
    );
    let half = [("content-type", JSON), ("producer-id", "p")];
    assert_eq!(world.post("/s", &half, b"1").status(), 400);
}
