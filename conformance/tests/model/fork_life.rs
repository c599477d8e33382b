//! §4.2, §5.4: what keeps a source alive, and what becomes of it.

use http::Method;

use crate::world::{BYTES, JSON, TEXT, World};

fn world() -> World {
    let mut world = World::default();
    world.create("/source", TEXT, "abc");
    world
}

#[test]
fn r4_2_34_35_36_37_a_deleted_source_is_gone_but_its_forks_read_on() {
    let mut world = world();
    world.fork("/fork", "/source", &[]);
    let poll = world.watch("/source?offset=now&live=long-poll");
    assert_eq!(world.delete("/source").status(), 204);
    assert_eq!(world.complete(poll).status(), 410);
    for query in [
        "",
        "?offset=now",
        "?offset=-1&live=long-poll",
        "?offset=-1&live=sse",
    ] {
        assert_eq!(world.get(&format!("/source{query}")).status(), 410);
    }
    assert_eq!(world.head("/source").status(), 410);
    assert_eq!(
        world
            .post("/source", &[("content-type", TEXT)], b"x")
            .status(),
        410
    );
    assert_eq!(world.delete("/source").status(), 410);
    assert_eq!(
        world.put("/source", &[("content-type", TEXT)]).status(),
        409
    );
    assert_eq!(
        world.fork("/fork2", "/source", &[]).status(),
        409,
        "r4_2_26"
    );
    assert_eq!(
        world.fork("/fork", "/source", &[]).status(),
        200,
        "the fork is there"
    );
    world.append("/fork", "d");
    assert_eq!(world.get("/fork").text(), "abcd");
}

#[test]
fn r4_2_38_39_the_last_fork_takes_deleted_ancestors_with_it() {
    let mut world = world();
    world.fork("/one", "/source", &[]);
    world.fork("/two", "/one", &[]);
    world.fork("/three", "/two", &[]);
    world.append("/three", "d");
    world.delete("/source");
    world.delete("/two");
    world.delete("/one");
    assert_eq!(world.get("/three").text(), "abcd");
    assert_eq!(world.head("/source").status(), 410);
    world.delete("/three");
    for path in ["/source", "/one", "/two", "/three"] {
        assert_eq!(world.head(path).status(), 404);
        world.create(path, BYTES, "");
    }
}

#[test]
fn r4_2_38_a_live_source_outlives_its_forks() {
    let mut world = world();
    world.fork("/one", "/source", &[]);
    world.fork("/two", "/one", &[]);
    world.delete("/one");
    world.delete("/two");
    assert_eq!(world.head("/one").status(), 404);
    assert_eq!(world.get("/source").text(), "abc");
    world.delete("/source");
    assert_eq!(world.head("/source").status(), 404);
}

#[test]
fn a_source_that_expires_is_kept_for_its_forks() {
    let mut world = World::default();
    world.put("/source", &[("stream-ttl", "10")]);
    world.append("/source", "abc");
    world.fork("/fork", "/source", &[("stream-ttl", "100")]);
    world.seconds(10);
    assert_eq!(world.get("/source").status(), 410);
    assert_eq!(world.get("/fork").text(), "abc");
    world.seconds(100);
    assert_eq!(world.get("/fork").status(), 404);
    assert_eq!(world.get("/source").status(), 404);
}

#[test]
fn r4_2_42_a_refused_fork_takes_no_reference() {
    let mut world = World::default();
    world.create("/source", JSON, "1");
    let refused = world.send(
        Method::PUT,
        "/fork",
        &[("stream-forked-from", "/source")],
        b"{",
    );
    assert_eq!(refused.status(), 400);
    world.delete("/source");
    assert_eq!(world.head("/source").status(), 404);
}

#[test]
fn r4_2_34_to_37_live_readers_end_with_the_source_and_stay_with_the_fork() {
    let mut world = world();
    world.fork("/fork", "/source", &[]);
    let gone = world.watch("/source?offset=-1&live=sse");
    let poll = world.watch("/fork?offset=now&live=long-poll");
    let sse = world.watch("/fork?offset=-1&live=sse");
    world.delete("/source");
    assert!(world.complete(gone).ended);
    assert!(world.waits(poll) && !world.so_far(sse).ended);
    world.append("/fork", "d");
    assert_eq!(world.complete(poll).text(), "d");
    assert_eq!(world.get("/fork?offset=-1&live=long-poll").text(), "abcd");
    world.close("/fork");
    assert!(world.complete(sse).text().contains("streamClosed"));
}

#[test]
fn r4_2_34_a_deleted_source_answers_410_whatever_it_is_sent() {
    let mut world = world();
    world.close("/source");
    world.fork("/fork", "/source", &[]);
    world.delete("/source");
    for answer in [
        world.close("/source"),
        world.produce("/source", "p", 0, 1, "x"),
        world.get("/source?offset=o00000000000000ff"),
    ] {
        assert_eq!(answer.status(), 410);
        assert!(!answer.closed());
    }
    assert_eq!(
        world.put("/source", &[("stream-closed", "true")]).status(),
        409
    );
}

#[test]
fn r4_2_42_no_refused_fork_takes_a_reference() {
    let mut world = world();
    world.create("/taken", TEXT, "");
    let none: &[(&str, &str)] = &[];
    let refusals = [
        ("/taken", none, 409),
        ("/a", &[("content-type", JSON)], 409),
        ("/b", &[("stream-fork-offset", "o00000000000000ff")], 400),
        ("/c", &[("stream-fork-sub-offset", "1")], 400),
        ("/d", &[("stream-ttl", "x")], 400),
    ];
    for (path, headers, status) in refusals {
        assert_eq!(
            world.fork(path, "/source", headers).status(),
            status,
            "{path}"
        );
    }
    world.fork("/fork", "/source", &[]);
    assert_eq!(
        world.fork("/fork", "/source", &[]).status(),
        200,
        "counted once"
    );
    world.delete("/fork");
    assert_eq!(world.delete("/source").status(), 204);
    assert_eq!(world.head("/source").status(), 404);
}
