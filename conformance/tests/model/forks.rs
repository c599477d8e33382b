//! §4.2 Forks.

use http::Method;

use crate::world::{JSON, TEXT, World};

const FUTURE: &str = "2025-06-01T00:00:00Z";
const LATER: &str = "2025-07-01T00:00:00Z";

fn world() -> World {
    let mut world = World::default();
    world.create("/source", TEXT, "abc");
    world
}

#[test]
fn r4_2_01_02_03_a_fork_goes_its_own_way() {
    let mut world = world();
    let forked = world.fork("/fork", "/source", &[]);
    assert_eq!(forked.status(), 201);
    assert_eq!(forked.header("content-type"), Some(TEXT));
    assert_eq!(forked.next_offset(), world.head("/source").next_offset());
    world.append("/source", "S");
    world.append("/fork", "F");
    assert_eq!(world.get("/source").text(), "abcS");
    assert_eq!(world.get("/fork").text(), "abcF");
    world.close("/fork");
    assert!(!world.head("/source").closed());
    assert_eq!(world.delete("/fork").status(), 204);
    assert_eq!(world.get("/source").text(), "abcS");
}

#[test]
fn r4_2_04_05_06_07_offsets_and_sub_offsets_choose_the_point() {
    let mut world = world();
    let middle = world.head("/source").next_offset();
    world.append("/source", "def");
    let mut forks = 0;
    let mut forked = |headers: &[(&str, &str)]| {
        forks += 1;
        let path = format!("/fork{forks}");
        assert_eq!(world.fork(&path, "/source", headers).status(), 201);
        world.get(&path).text().to_owned()
    };
    assert_eq!(forked(&[("stream-fork-offset", &middle)]), "abc");
    assert_eq!(
        forked(&[
            ("stream-fork-offset", &middle),
            ("stream-fork-sub-offset", "0")
        ]),
        "abc"
    );
    assert_eq!(
        forked(&[
            ("stream-fork-offset", &middle),
            ("stream-fork-sub-offset", "2")
        ]),
        "abcde"
    );
    assert_eq!(forked(&[("stream-fork-sub-offset", "0")]), "abcdef");

    let start = world.create("/json", JSON, "");
    world.append("/json", "[1,[2],3]");
    world.fork(
        "/json2",
        "/json",
        &[
            ("stream-fork-offset", &start),
            ("stream-fork-sub-offset", "2"),
        ],
    );
    world.append("/json2", "4");
    assert_eq!(world.get("/json2").text(), "[1,[2],4]");
}

#[test]
fn r4_2_08_fork_offsets_need_a_source() {
    let mut world = world();
    let offset = world.head("/source").next_offset();
    assert_eq!(
        world
            .put("/fork", &[("stream-fork-offset", &offset)])
            .status(),
        400
    );
    assert_eq!(
        world
            .put("/fork", &[("stream-fork-sub-offset", "0")])
            .status(),
        400
    );
}

#[test]
fn r4_2_09_10_the_content_type_is_the_sources() {
    let mut world = world();
    assert_eq!(
        world
            .fork("/fork", "/source", &[("content-type", JSON)])
            .status(),
        409
    );
    assert_eq!(
        world
            .fork("/fork", "/source", &[("content-type", TEXT)])
            .status(),
        201
    );
}

#[test]
fn r4_2_11_to_19_expiry_is_asked_for_or_inherited() {
    let none: &[(&str, &str)] = &[];
    let cases = [
        (none, none, None, None),
        (none, &[("stream-ttl", "5")], Some("5"), None),
        (none, &[("stream-expires-at", FUTURE)], None, Some(FUTURE)),
        (&[("stream-ttl", "9")], none, Some("9"), None),
        (
            &[("stream-ttl", "9")],
            &[("stream-ttl", "5")],
            Some("5"),
            None,
        ),
        (
            &[("stream-ttl", "9")],
            &[("stream-expires-at", FUTURE)],
            None,
            Some(FUTURE),
        ),
        (&[("stream-expires-at", FUTURE)], none, None, Some(FUTURE)),
        (
            &[("stream-expires-at", FUTURE)],
            &[("stream-ttl", "5")],
            Some("5"),
            None,
        ),
        (
            &[("stream-expires-at", FUTURE)],
            &[("stream-expires-at", LATER)],
            None,
            Some(LATER),
        ),
    ];
    for (source, fork, ttl, expires_at) in cases {
        let mut world = World::default();
        world.put("/source", source);
        assert_eq!(world.fork("/fork", "/source", fork).status(), 201);
        let head = world.head("/fork");
        assert_eq!(head.header("stream-ttl"), ttl);
        assert_eq!(head.header("stream-expires-at"), expires_at);
        assert_eq!(world.fork("/fork", "/source", fork).status(), 200);
    }
}

#[test]
fn r4_2_20_to_24_what_cannot_be_forked() {
    let mut world = world();
    let start = "o0000000000000000";
    assert_eq!(world.fork("/fork", "/none", &[]).status(), 404);
    for headers in [
        vec![("stream-fork-offset", "o00000000000000ff")],
        vec![("stream-fork-offset", "nonsense")],
        vec![("stream-fork-offset", "")],
        vec![("stream-fork-offset", "now")],
        vec![
            ("stream-fork-offset", start),
            ("stream-fork-sub-offset", "-1"),
        ],
        vec![
            ("stream-fork-offset", start),
            ("stream-fork-sub-offset", "x"),
        ],
        vec![
            ("stream-fork-offset", start),
            ("stream-fork-sub-offset", "4"),
        ],
        vec![
            ("stream-fork-offset", start),
            ("stream-fork-sub-offset", "18446744073709551615"),
        ],
        vec![("stream-fork-sub-offset", "1")],
    ] {
        assert_eq!(
            world.fork("/fork", "/source", &headers).status(),
            400,
            "{headers:?}"
        );
    }
    assert_eq!(world.fork("/fork", "source", &[]).status(), 400);
    assert_eq!(world.head("/fork").status(), 404);
}

#[test]
fn r4_2_25_27_28_29_the_same_fork_is_200_and_any_other_409() {
    let mut world = world();
    let point = world.head("/source").next_offset();
    world.create("/source2", TEXT, "abc");
    let at_point = [("stream-fork-offset", &*point)];
    assert_eq!(world.fork("/fork", "/source", &at_point).status(), 201);
    world.append("/source", "more");
    world.append("/fork", "own");
    assert_eq!(world.fork("/fork", "/source", &at_point).status(), 200);
    assert_eq!(world.fork("/fork", "/source", &[]).status(), 200);
    let other = [("stream-fork-offset", "o0000000000000001")];
    assert_eq!(world.fork("/fork", "/source", &other).status(), 409);
    let sub = [
        ("stream-fork-offset", &*point),
        ("stream-fork-sub-offset", "1"),
    ];
    assert_eq!(world.fork("/fork", "/source", &sub).status(), 409);
    assert_eq!(world.fork("/fork", "/source2", &at_point).status(), 409);
    assert_eq!(world.put("/fork", &[("content-type", TEXT)]).status(), 409);
    assert_eq!(world.fork("/source2", "/source", &at_point).status(), 409);
}

#[test]
fn r4_2_02_04_a_fork_of_a_fork_may_leave_it_within_what_that_inherited() {
    let mut world = World::default();
    let start = world.create("/source", TEXT, "");
    let middle = world.append("/source", "abc");
    world.append("/source", "def");
    world.fork("/child", "/source", &[]);
    world.append("/child", "ghi");
    for (offset, inherited) in [(&start, ""), (&middle, "abc")] {
        let path = format!("/fork{}", inherited.len());
        let at = [("stream-fork-offset", offset.as_str())];
        assert_eq!(world.fork(&path, "/child", &at).status(), 201);
        assert_eq!(world.get(&path).text(), inherited);
        assert_eq!(world.get(&path).next_offset(), *offset);
        world.append(&path, "x");
        assert_eq!(world.get(&path).text(), format!("{inherited}x"));
    }
}

#[test]
fn r4_2_30_a_fork_of_a_closed_stream_starts_open() {
    let mut world = world();
    world.close("/source");
    world.fork("/fork", "/source", &[]);
    assert!(!world.head("/fork").closed());
    world.append("/fork", "d");
    assert_eq!(world.get("/fork").text(), "abcd");
}

#[test]
fn r4_2_31_32_33_writers_start_afresh_on_a_fork() {
    let mut world = world();
    world.produce("/source", "p", 5, 0, "d");
    let seq = [("content-type", TEXT), ("stream-seq", "m")];
    world.post("/source", &seq, b"e");
    world.fork("/fork", "/source", &[]);
    assert_eq!(world.produce("/fork", "p", 0, 0, "x").status(), 200);
    assert_eq!(
        world
            .post(
                "/fork",
                &[("content-type", TEXT), ("stream-seq", "a")],
                b"y"
            )
            .status(),
        204
    );
    assert_eq!(world.produce("/source", "p", 5, 0, "d").status(), 204);
    assert_eq!(world.post("/source", &seq, b"e").status(), 409);
}

#[test]
fn r4_2_40_41_a_fork_can_begin_with_content_and_closed() {
    let mut world = world();
    let headers = [("stream-forked-from", "/source"), ("stream-closed", "true")];
    let forked = world.send(Method::PUT, "/fork", &headers, b"def");
    assert_eq!(forked.status(), 201);
    assert!(forked.closed());
    assert_eq!(world.get("/fork").text(), "abcdef");
    assert_eq!(world.get("/source").text(), "abc");
}

#[test]
fn r5_7_16_17_r5_8_19_live_readers_of_a_fork_see_its_own_appends_only() {
    let mut world = world();
    world.fork("/fork", "/source", &[]);
    assert_eq!(world.get("/fork?offset=-1&live=long-poll").text(), "abc");
    let poll = world.watch("/fork?offset=now&live=long-poll");
    let sse = world.watch("/fork?offset=-1&live=sse");
    world.append("/source", "S");
    assert!(world.waits(poll));
    world.append("/fork", "F");
    assert_eq!(world.complete(poll).text(), "F");
    let events = world.so_far(sse).events();
    let data: String = events
        .iter()
        .filter(|(name, _)| name == "data")
        .map(|(_, data)| &**data)
        .collect();
    assert_eq!(data, "abcF");
}

#[test]
fn r8_25_r9_10_offsets_are_shared_up_to_the_fork_and_the_boundary_does_not_show() {
    let mut world = World::default();
    world.create("/source", JSON, "[1]");
    let shared = world.append("/source", "2");
    world.fork("/fork", "/source", &[]);
    let own = world.append("/fork", "[3,4]");
    assert!(own.as_bytes() > shared.as_bytes());
    assert_eq!(world.get("/fork").text(), "[1,2,3,4]");
    assert_eq!(world.get(&format!("/fork?offset={shared}")).text(), "[3,4]");
}

#[test]
fn a_stream_is_no_fork_of_itself() {
    let mut world = world();
    assert_eq!(world.fork("/source", "/source", &[]).status(), 409);
    assert_eq!(world.fork("/new", "/new", &[]).status(), 404);
    assert_eq!(world.head("/new").status(), 404);
}

#[test]
fn r4_2_06_r8_26_a_fork_in_the_middle_of_an_append_mints_offsets_like_any_other() {
    let mut world = world();
    let point = [
        ("stream-fork-offset", "o0000000000000000"),
        ("stream-fork-sub-offset", "2"),
    ];
    let forked = world.fork("/fork", "/source", &point);
    assert_eq!(forked.status(), 201);
    assert_eq!(world.fork("/fork", "/source", &point).status(), 200);
    let boundary = forked.next_offset();
    let tail = world.append("/fork", "XY");
    assert_eq!(world.get("/fork").text(), "abXY");
    assert_eq!(world.get(&format!("/fork?offset={boundary}")).text(), "XY");
    assert!(boundary < tail && boundary.len() == tail.len());
    let nested = [
        ("stream-fork-offset", &*boundary),
        ("stream-fork-sub-offset", "1"),
    ];
    assert_eq!(world.fork("/nested", "/fork", &nested).status(), 201);
    assert_eq!(world.get("/nested").text(), "abX");
}

#[test]
fn r4_2_05_24_json_sub_offsets_count_messages_up_to_the_tail() {
    let mut world = World::default();
    let start = world.create("/source", JSON, "");
    world.append("/source", "[1,[2,3]]");
    for (count, read) in [
        ("0", Some("[]")),
        ("1", Some("[1]")),
        ("2", Some("[1,[2,3]]")),
        ("3", None),
    ] {
        let path = format!("/fork{count}");
        let point = [
            ("stream-fork-offset", &*start),
            ("stream-fork-sub-offset", count),
        ];
        let forked = world.fork(&path, "/source", &point);
        assert_eq!(forked.status(), if read.is_some() { 201 } else { 400 });
        if let Some(read) = read {
            assert_eq!(world.get(&path).text(), read);
        }
    }
    for count in ["01", "+1", "1.0", "1e1", "", "99999999999999999999999"] {
        let point = [
            ("stream-fork-offset", &*start),
            ("stream-fork-sub-offset", count),
        ];
        assert_eq!(
            world.fork("/bad", "/source", &point).status(),
            400,
            "{count:?}"
        );
    }
}
