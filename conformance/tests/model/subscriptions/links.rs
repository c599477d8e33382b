//! §6.1, §6.2, §6.4: which streams belong to a subscription, and from where on.

use serde_json::json;

use super::{claim, described, is, links, post, pull_wake, subscription, wakes, world};
use crate::world::{JSON, TEXT, World};

fn paths(world: &mut World) -> Vec<String> {
    let links = links(world, "s");
    links.into_iter().map(|(path, _, _)| path).collect()
}

fn link(path: &str, kind: &str, offset: &str) -> (String, String, String) {
    (path.to_owned(), kind.to_owned(), offset.to_owned())
}

#[test]
fn r6_2_04_patterns_choose_streams_below_the_root() {
    for (pattern, expected) in [
        ("a", vec!["a"]),
        ("*", vec!["a", "d"]),
        ("a/*", vec!["a/b"]),
        ("a/**", vec!["a", "a/b", "a/b/c"]),
        ("/a/*/c", vec!["a/b/c"]),
        ("**/c", vec!["a/b/c"]),
    ] {
        let mut world = world();
        world.create("/a", TEXT, "");
        for path in ["a", "a/b", "a/b/c", "d"] {
            world.create(&format!("/root/{path}"), TEXT, "");
        }
        world.create("/rooted/a", TEXT, "");
        pull_wake(&mut world, "s", json!({ "pattern": pattern }));
        assert_eq!(paths(&mut world), expected, "{pattern}");
    }
}

#[test]
fn r6_2_10_what_is_there_already_is_no_work() {
    let mut world = world();
    let tail = world.create("/root/a", TEXT, "abc");
    pull_wake(&mut world, "s", json!({ "pattern": "**" }));
    assert_eq!(links(&mut world, "s"), [link("a", "glob", &tail)]);
    assert!(wakes(&mut world).is_empty());
    let refused = post(&mut world, "s/claim", &json!({ "worker": "w" }));
    assert_eq!(super::code(&refused), is(409, "NO_PENDING_WORK"));
}

#[test]
fn r6_2_11_a_stream_that_appears_is_work_from_its_beginning() {
    let mut world = world();
    pull_wake(&mut world, "s", json!({ "pattern": "*" }));
    let start = world.create("/root/a", TEXT, "");
    assert_eq!(links(&mut world, "s"), [link("a", "glob", &start)]);
    assert_eq!(wakes(&mut world).len(), 0);
    world.append("/root/a", "x");
    assert_eq!(wakes(&mut world).len(), 1);
    assert_eq!(wakes(&mut world)[0]["stream"], "a");
    assert_eq!(links(&mut world, "s"), [link("a", "glob", &start)]);
}

#[test]
fn r6_2_11_what_a_stream_is_created_with_or_inherits_is_work() {
    for by_fork in [false, true] {
        let mut world = world();
        world.create("/source", TEXT, "abc");
        pull_wake(&mut world, "s", json!({ "pattern": "*" }));
        if by_fork {
            world.fork("/root/a", "/source", &[]);
        } else {
            world.create("/root/a", TEXT, "abc");
        }
        assert_eq!(wakes(&mut world).len(), 1);
        let claim = claim(&mut world, "s");
        assert_eq!(claim.value["streams"][0]["has_pending"], true);
        let start = &claim.value["streams"][0]["acked_offset"];
        let read = world.get(&format!("/root/a?offset={}", start.as_str().unwrap()));
        assert_eq!(read.text(), "abc");
    }
}

#[test]
fn r6_4_01_streams_are_linked_at_their_tail_once() {
    let mut world = world();
    let tail = world.create("/root/a", TEXT, "abc");
    pull_wake(&mut world, "s", json!({ "streams": ["x"] }));
    for _ in 0..2 {
        let linked = post(&mut world, "s/streams", &json!({ "streams": ["a", "/b"] }));
        assert_eq!(linked.status(), 204);
        world.append("/root/a", "more");
    }
    assert_eq!(paths(&mut world), ["a", "b", "x"]);
    assert_eq!(links(&mut world, "s")[0], link("a", "explicit", &tail));
    for bad in [
        json!({}),
        json!({ "streams": "a" }),
        json!({ "streams": [""] }),
    ] {
        let refused = post(&mut world, "s/streams", &bad);
        assert_eq!(super::code(&refused), is(400, "INVALID_REQUEST"));
    }
    let unknown = post(&mut world, "none/streams", &json!({ "streams": ["a"] }));
    assert_eq!(unknown.status(), 404);
}

#[test]
fn r6_4_02_03_explicit_links_come_first_and_leave_those_by_pattern() {
    let mut world = world();
    let tail = world.create("/root/a/b", TEXT, "abc");
    pull_wake(
        &mut world,
        "s",
        json!({ "pattern": "a/*", "streams": ["a/b", "c"] }),
    );
    assert_eq!(links(&mut world, "s")[0], link("a/b", "explicit", &tail));
    assert_eq!(links(&mut world, "s").len(), 2);
    for path in ["a%2Fb", "a/b", "c", "c", "never"] {
        let removed = world.delete(&subscription(&format!("s/streams/{path}")));
        assert_eq!(removed.status(), 204, "{path}");
    }
    assert_eq!(links(&mut world, "s"), [link("a/b", "glob", &tail)]);
    assert_eq!(world.delete(&subscription("none/streams/a")).status(), 404);
}

#[test]
fn r6_4_02_what_was_unlinked_wakes_nobody() {
    let mut world = world();
    world.create("/root/a", TEXT, "");
    pull_wake(&mut world, "s", json!({ "streams": ["a", "b"] }));
    world.delete(&subscription("s/streams/a"));
    world.append("/root/a", "x");
    assert_eq!(wakes(&mut world).len(), 0);
}

#[test]
fn links_go_with_their_streams() {
    let mut world = world();
    world.create("/root/a", TEXT, "abc");
    let headers = [("content-type", TEXT), ("stream-ttl", "10")];
    world.put("/root/b", &headers);
    pull_wake(&mut world, "s", json!({ "pattern": "*", "streams": ["a"] }));
    assert_eq!(paths(&mut world), ["a", "b"]);
    world.seconds(10);
    assert_eq!(paths(&mut world), ["a"]);
    world.delete("/root/a");
    assert_eq!(paths(&mut world), [""; 0]);
    // Another stream of that name is a new one.
    let start = world.create("/root/a", TEXT, "xyz");
    assert_eq!(wakes(&mut world).len(), 1);
    assert_ne!(links(&mut world, "s"), [link("a", "glob", &start)]);
}

#[test]
fn its_own_wakes_are_no_work() {
    let mut world = world();
    world.create("/root/a", JSON, "");
    pull_wake(&mut world, "s", json!({ "pattern": "**" }));
    pull_wake(
        &mut world,
        "other",
        json!({ "streams": ["wakes"], "wake_stream": "a" }),
    );
    world.append("/root/a", "1");
    // The wakes of one are work for the other, whose wakes are work for this one, which is awake.
    assert_eq!(wakes(&mut world).len(), 1);
    assert_eq!(paths(&mut world), ["a"]);
    assert_eq!(described(&mut world, "other")["wake_stream"], "a");
    assert_eq!(world.get("/root/a").text().matches("wake\"").count(), 1);
}
