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

#[test]
fn r5_2_03_04_a_content_type_is_given_once_unless_there_is_no_body() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let twice = [("content-type", TEXT), ("content-type", JSON)];
    assert_eq!(world.post("/s", &twice, b"x").status(), 400);
    assert_eq!(world.put("/t", &twice).status(), 400);
    let mut close = twice.to_vec();
    close.push(("stream-closed", "true"));
    assert_eq!(world.post("/s", &close, b"").status(), 204);
}

#[test]
fn r5_2_07_stream_seq_is_bytes_not_text_and_may_be_empty() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let mut append = |seq: &str| {
        let headers = [("content-type", TEXT), ("stream-seq", seq)];
        world.post("/s", &headers, b"x").status()
    };
    assert_eq!(append(""), 204);
    assert_eq!(append(""), 409);
    assert_eq!(append("z"), 204);
    assert_eq!(append("\u{e4}"), 204);
    assert_eq!(append("z"), 409);
    assert_eq!(append("zz"), 409);
}

#[test]
fn r5_2_08_all_writers_share_one_stream_seq() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let mut append = |producer: &str, seq: &str| {
        let headers = [
            ("content-type", TEXT),
            ("stream-seq", seq),
            ("producer-id", producer),
            ("producer-epoch", "0"),
            ("producer-seq", "0"),
        ];
        world.post("/s", &headers, b"x").status()
    };
    assert_eq!(append("p", "b"), 200);
    assert_eq!(append("q", "a"), 409);
    assert_eq!(append("q", "c"), 200);
}

#[test]
fn r5_2_17_a_conflict_is_described_in_the_standard_format() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let conflict = world.post("/s", &[("content-type", JSON)], b"1");
    assert_eq!(conflict.status(), 409);
    assert_eq!(
        conflict.header("content-type"),
        Some("application/problem+json")
    );
    let problem: serde_json::Value = serde_json::from_slice(&conflict.body).expect("JSON");
    assert_eq!(problem["status"], 409);
    assert!(problem["title"].is_string());
}

#[test]
fn r5_2_18_19_the_content_type_comes_before_the_sequences() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    world.post("/s", &[("content-type", TEXT), ("stream-seq", "5")], b"x");
    let headers = [
        ("content-type", JSON),
        ("stream-seq", "1"),
        ("producer-id", "p"),
        ("producer-epoch", "0"),
        ("producer-seq", "7"),
    ];
    let refused = world.post("/s", &headers, b"1");
    assert_eq!(refused.status(), 409);
    assert!(
        refused.text().contains("content type"),
        "{}",
        refused.text()
    );
    assert_eq!(refused.header("producer-expected-seq"), None);
}
