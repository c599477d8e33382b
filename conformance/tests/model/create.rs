//! §5.1 Create, §5.4 Delete, §5.5 HEAD.

use http::Method;

use crate::world::{BYTES, JSON, TEXT, World};

#[test]
fn r5_1_01_existing_with_the_same_configuration_is_200() {
    let mut world = World::default();
    let headers = [("content-type", TEXT), ("stream-ttl", "60")];
    assert_eq!(world.put("/s", &headers).status(), 201);
    world.append("/s", "abc");
    let again = world.put("/s", &headers);
    assert_eq!(again.status(), 200);
    assert_eq!(again.header("content-type"), Some(TEXT));
    assert_eq!(again.next_offset(), world.head("/s").next_offset());
}

#[test]
fn r5_1_02_03_04_another_configuration_is_409() {
    let mut world = World::default();
    world.put("/s", &[("content-type", TEXT), ("stream-ttl", "60")]);
    world.put("/e", &[("stream-expires-at", "2025-06-01T00:00:00Z")]);
    for headers in [
        vec![("content-type", JSON), ("stream-ttl", "60")],
        vec![("stream-ttl", "60")],
        vec![("content-type", TEXT), ("stream-ttl", "61")],
        vec![("content-type", TEXT)],
        vec![
            ("content-type", TEXT),
            ("stream-expires-at", "2025-06-01T00:00:00Z"),
        ],
    ] {
        assert_eq!(world.put("/s", &headers).status(), 409, "{headers:?}");
    }
    assert_eq!(
        world
            .put("/e", &[("stream-expires-at", "2025-06-01T00:00:01Z")])
            .status(),
        409
    );
    assert_eq!(
        world
            .put("/e", &[("stream-expires-at", "2025-06-01T02:00:00+02:00")])
            .status(),
        200
    );
}

#[test]
fn r5_1_05_06_07_the_closed_state_is_part_of_the_configuration() {
    let mut world = World::default();
    world.create("/open", TEXT, "");
    world.create("/shut", TEXT, "");
    world.close("/shut");
    let closed = [("content-type", TEXT), ("stream-closed", "true")];
    let open = [("content-type", TEXT)];
    assert_eq!(world.put("/shut", &open).status(), 409);
    let same = world.put("/shut", &closed);
    assert_eq!(same.status(), 200);
    assert!(same.closed());
    assert_eq!(world.put("/open", &closed).status(), 409);
    assert!(!world.head("/open").closed());
}

#[test]
fn r5_1_08_30_31_33_a_new_stream_is_described() {
    let mut world = World::default();
    let created = world.send(
        Method::PUT,
        "/a/b?x=y",
        &[("host", "example.com:4437")],
        b"abc",
    );
    assert_eq!(created.status(), 201);
    assert_eq!(created.header("content-type"), Some(BYTES));
    assert_eq!(
        created.header("location"),
        Some("http://example.com:4437/a/b")
    );
    assert_eq!(created.next_offset(), world.head("/a/b").next_offset());
    assert!(!created.closed());
}

#[test]
fn r5_1_09_10_11_ttl_syntax() {
    let mut world = World::default();
    for bad in ["", "01", "+1", "-1", "1.0", "1e3", "abc", "1 2", "0x10"] {
        assert_eq!(
            world.put("/s", &[("stream-ttl", bad)]).status(),
            400,
            "{bad:?}"
        );
    }
    assert_eq!(world.put("/zero", &[("stream-ttl", "0")]).status(), 201);
    let huge = u64::MAX.to_string();
    assert_eq!(world.put("/huge", &[("stream-ttl", &huge)]).status(), 201);
    assert_eq!(world.head("/huge").header("stream-ttl"), Some(&*huge));
    let beyond = world.put("/beyond", &[("stream-ttl", "99999999999999999999999")]);
    assert_eq!(beyond.status(), 400);
}

#[test]
fn r5_1_21_22_expires_at_is_rfc_3339() {
    let mut world = World::default();
    for (index, good) in [
        "2026-01-01T00:00:00Z",
        "2026-01-01t00:00:00z",
        "2026-01-01T00:00:00.123456Z",
        "2026-01-01T05:30:00+05:30",
        "2026-12-31T23:59:60Z",
        "2026-01-01T00:00:00.12345678901234Z",
        "2026-01-01T00:00:00-00:00",
        "2026-01-01T00:00:00+23:59",
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("/good{index}");
        let created = world.put(&path, &[("stream-expires-at", good)]);
        assert_eq!(created.status(), 201, "{good}");
        assert_eq!(world.head(&path).header("stream-expires-at"), Some(good));
    }
    for bad in [
        "",
        "tomorrow",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00-25:30",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00\u{e4}",
        "2026-01-01T00:00:00Z[UTC]",
        "2026-01-01T00:00:00.Z",
        "1767225600",
        "Thu, 01 Jan 2026 00:00:00 GMT",
    ] {
        assert_eq!(
            world.put("/bad", &[("stream-expires-at", bad)]).status(),
            400,
            "{bad:?}"
        );
    }
}

#[test]
fn r5_1_24_ttl_and_expires_at_exclude_each_other() {
    let mut world = World::default();
    let both = [
        ("stream-ttl", "1"),
        ("stream-expires-at", "2026-01-01T00:00:00Z"),
    ];
    assert_eq!(world.put("/s", &both).status(), 400);
}

#[test]
fn r5_1_26_34_a_stream_can_be_created_closed() {
    let mut world = World::default();
    let headers = [("content-type", TEXT), ("stream-closed", "TRUE")];
    let created = world.send(Method::PUT, "/s", &headers, b"all there is");
    assert_eq!(created.status(), 201);
    assert!(created.closed());
    let read = world.get("/s");
    assert_eq!(read.text(), "all there is");
    assert!(read.closed());
}

#[test]
fn r5_1_27_28_the_initial_body_is_stored_once() {
    let mut world = World::default();
    let headers = [("content-type", TEXT)];
    world.send(Method::PUT, "/s", &headers, b"abc");
    assert_eq!(
        world.send(Method::PUT, "/s", &headers, b"abc").status(),
        200
    );
    assert_eq!(world.get("/s").text(), "abc");
}

#[test]
fn r5_1_29_a_refused_create_leaves_nothing() {
    let mut world = World::default();
    let refused = world.send(Method::PUT, "/s", &[("content-type", JSON)], b"{");
    assert_eq!(refused.status(), 400);
    assert_eq!(world.head("/s").status(), 404);
}

#[test]
fn r5_4_01_02_a_deleted_stream_is_gone_for_every_method() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    assert_eq!(world.delete("/s").status(), 204);
    assert_eq!(world.get("/s").status(), 404);
    assert_eq!(world.head("/s").status(), 404);
    assert_eq!(
        world.post("/s", &[("content-type", TEXT)], b"x").status(),
        404
    );
    assert_eq!(world.delete("/s").status(), 404);
}

#[test]
fn r5_5_head_describes_without_a_body() {
    let mut world = World::default();
    world.put(
        "/s",
        &[
            ("content-type", "text/plain; charset=utf-8"),
            ("stream-ttl", "90"),
        ],
    );
    let tail = world.append("/s", "abc");
    let head = world.head("/s");
    assert_eq!(head.status(), 200);
    assert!(head.body.is_empty());
    assert_eq!(
        head.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(head.next_offset(), tail);
    assert_eq!(head.header("stream-ttl"), Some("90"));
    assert_eq!(head.header("stream-closed"), None);
    assert_eq!(head.header("cache-control"), Some("no-store"));
    assert!(world.head("/none").body.is_empty());
}

#[test]
fn r4_05_a_path_can_be_used_again_and_begins_anew() {
    let mut world = World::default();
    world.create("/s", TEXT, "old");
    world.produce("/s", "p", 3, 0, "older");
    world.delete("/s");
    world.create("/s", TEXT, "new");
    assert_eq!(world.get("/s").text(), "new");
    assert_eq!(world.produce("/s", "p", 0, 0, "er").status(), 200);
}

#[test]
fn r5_1_22_the_digits_of_a_fraction_have_no_limit_but_count() {
    let mut world = World::default();
    let at = |fraction: &str| format!("2025-01-01T00:00:01.{fraction}Z");
    let long = at("5000000000001");
    world.put("/s", &[("stream-expires-at", &long)]);
    assert_eq!(
        world.put("/s", &[("stream-expires-at", &at("5"))]).status(),
        200
    );
    assert_eq!(
        world.put("/s", &[("stream-expires-at", &at("6"))]).status(),
        409
    );
    world.pass(std::time::Duration::from_millis(1499));
    assert_eq!(world.head("/s").status(), 200);
    world.pass(std::time::Duration::from_millis(1));
    assert_eq!(world.head("/s").status(), 404);
}

#[test]
fn r5_1_28_32_34_creating_again_describes_and_changes_nothing() {
    let mut world = World::default();
    let headers = [
        ("content-type", TEXT),
        ("stream-closed", "true"),
        ("stream-ttl", "60"),
    ];
    let first = world.send(Method::PUT, "/s", &headers, b"abc");
    let again = world.send(Method::PUT, "/s", &headers, b"something else");
    assert_eq!((first.status(), again.status()), (201, 200));
    for name in [
        "content-type",
        "stream-next-offset",
        "stream-closed",
        "stream-ttl",
    ] {
        assert!(again.header(name).is_some());
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_eq!(world.get("/s").text(), "abc");
}

#[test]
fn r5_1_26_a_stream_can_be_created_closed_and_empty() {
    let mut world = World::default();
    assert!(world.put("/s", &[("stream-closed", "true")]).closed());
    let read = world.get("/s");
    assert_eq!(
        (read.text(), read.closed(), read.up_to_date()),
        ("", true, true)
    );
    let refused = world.post("/s", &[("content-type", BYTES)], b"x");
    assert_eq!((refused.status(), refused.closed()), (409, true));
}

#[test]
fn r5_5_04_05_head_tells_the_moment_and_the_closure() {
    let mut world = World::default();
    let moment = "2026-01-01T00:00:00Z";
    world.put("/s", &[("stream-expires-at", moment)]);
    world.close("/s");
    let head = world.head("/s");
    assert_eq!(head.header("stream-expires-at"), Some(moment));
    assert_eq!(head.header("stream-ttl"), None);
    assert!(head.closed());
}
