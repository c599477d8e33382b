//! §9.1 JSON mode.

use http::Method;

use crate::world::{JSON, World};

#[test]
fn r9_01_02_03_arrays_are_flattened_exactly_one_level() {
    let mut world = World::default();
    world.create("/s", "application/json; charset=utf-8", "");
    for body in [
        "1",
        "[2,3]",
        "[[4,5]]",
        "[[]]",
        "{\"a\":[6]}",
        " [ 7 , \"x\" ] ",
    ] {
        world.append("/s", body);
    }
    let read = world.get("/s");
    assert_eq!(read.text(), r#"[1,2,3,[4,5],[],{"a":[6]},7,"x"]"#);
    assert_eq!(
        read.header("content-type"),
        Some("application/json; charset=utf-8")
    );
}

#[test]
fn r9_04_05_an_empty_array_is_400_on_post_and_an_empty_stream_on_put() {
    let mut world = World::default();
    world.create("/s", JSON, "[]");
    assert_eq!(world.get("/s").text(), "[]");
    assert_eq!(
        world
            .post("/s", &[("content-type", JSON)], b" [ ] ")
            .status(),
        400
    );
}

#[test]
fn r9_06_07_invalid_json_stores_nothing() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    for bad in [
        "{",
        "[1,]",
        "1 2",
        "[1][2]",
        "'a'",
        "nul",
        " ",
        "\u{feff}1",
        "[1,{\"a\":}]",
        "01",
        "\"\n\"",
    ] {
        assert_eq!(
            world
                .post("/s", &[("content-type", JSON)], bad.as_bytes())
                .status(),
            400,
            "{bad:?}"
        );
    }
    assert_eq!(
        world
            .post("/s", &[("content-type", JSON)], b"\"\xff\"")
            .status(),
        400
    );
    assert_eq!(world.get("/s").text(), "[]");
}

#[test]
fn r9_09_an_empty_range_is_an_empty_array() {
    let mut world = World::default();
    let tail = world.create("/s", JSON, "[1]");
    let read = world.get(&format!("/s?offset={tail}"));
    assert_eq!(read.text(), "[]");
    assert_eq!(read.next_offset(), tail);
}

#[test]
fn r9_11_values_come_back_unchanged() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    let values = [
        "123456789012345678901234567890",
        "1.50",
        "-0",
        "1E400",
        r#"{"b":1,"a":2,"b":3}"#,
        r#""\u00e4\/""#,
        "{ \"spaced\" :\n1 }",
    ];
    for value in values {
        world.append("/s", value);
    }
    assert_eq!(world.get("/s").text(), format!("[{}]", values.join(",")));
}

#[test]
fn r9_12_deep_nesting_is_handled() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let appended = world.send(
        Method::POST,
        "/s",
        &[("content-type", JSON)],
        deep.as_bytes(),
    );
    assert_eq!(appended.status(), 204);
    assert_eq!(world.get("/s").body, deep.as_bytes());
}
