//! §4, §5.6: servers may drop old content.

use durable_streams_conformance::reference::{Config, ExchangeId, Output};
use http::Request;

use crate::world::{JSON, TEXT, World};

fn keeping(bytes: usize) -> World {
    World::new(Config::default().with_retention_bytes(bytes))
}

#[test]
fn r4_07_r5_6_06_offsets_before_what_is_kept_are_410() {
    let mut world = keeping(4);
    let start = world.create("/s", TEXT, "abc");
    let mut offsets = vec!["o0000000000000000".to_owned(), start];
    for body in ["de", "fgh"] {
        offsets.push(world.append("/s", body));
    }
    for (offset, kept) in offsets
        .iter()
        .zip([None, Some("defgh"), Some("fgh"), Some("")])
    {
        for live in ["", "&live=long-poll"] {
            // A long-poll at the tail would wait.
            if live.is_empty() || kept != Some("") {
                let read = world.get(&format!("/s?offset={offset}{live}"));
                assert_eq!(read.status(), if kept.is_some() { 200 } else { 410 });
                assert!(kept.is_none_or(|kept| read.text() == kept));
            }
        }
    }
    let middle = world.get("/s?offset=o0000000000000002");
    assert_eq!(middle.status(), 410);
    assert!(!middle.closed());
    assert_eq!(
        world.get("/s?offset=o0000000000000002&live=sse").status(),
        410
    );
}

#[test]
fn r8_07_the_beginning_is_that_of_what_is_kept() {
    let mut world = keeping(0);
    world.create("/s", JSON, "[1,2]");
    world.append("/s", "[3,4]");
    for target in ["/s", "/s?offset=-1", "/s?offset=-1&live=long-poll"] {
        assert_eq!(world.get(target).text(), "[3,4]");
    }
    assert_eq!(world.head("/s").next_offset(), "o0000000000000004");
    let tail = world.append("/s", "5");
    assert_eq!(tail, "o0000000000000005", "offsets go on rising");
}

#[test]
fn an_append_is_kept_whole_for_those_who_wait_for_it() {
    let mut world = keeping(1);
    world.create("/s", TEXT, "old");
    let poll = world.watch("/s?offset=now&live=long-poll");
    world.append("/s", "much longer than what is kept");
    assert_eq!(world.complete(poll).text(), "much longer than what is kept");
}

#[test]
fn r4_2_37_what_forks_inherit_is_kept_for_them() {
    let mut world = keeping(0);
    world.create("/s", TEXT, "abc");
    world.append("/s", "def");
    world.fork("/fork", "/s", &[]);
    world.append("/s", "ghi");
    assert_eq!(world.get("/fork").text(), "def");
    assert_eq!(world.get("/s").text(), "defghi");
    world.append("/fork", "F");
    world.append("/fork", "G");
    assert_eq!(world.get("/fork").text(), "G");
    assert_eq!(world.get("/fork?offset=o0000000000000003").status(), 410);
    world.delete("/fork");
    world.append("/s", "jkl");
    assert_eq!(world.get("/s").text(), "jkl");
}

#[test]
fn a_fork_from_before_what_is_kept_has_only_its_own_content() {
    let mut world = keeping(0);
    world.create("/s", TEXT, "abc");
    world.append("/s", "def");
    let early = [("stream-fork-offset", "o0000000000000001")];
    assert_eq!(world.fork("/fork", "/s", &early).status(), 201);
    world.append("/fork", "own");
    assert_eq!(world.get("/fork").text(), "own");
    assert_eq!(world.get("/fork?offset=o0000000000000000").status(), 410);
}

#[test]
fn an_sse_reader_that_falls_behind_what_is_kept_is_ended() {
    let mut world = keeping(0);
    world.create("/s", TEXT, "abc");
    // A peer that takes the head and nothing else for now.
    let slow = ExchangeId(1_000_000);
    let request = Request::get("/s?offset=-1&live=sse").body(bytes::Bytes::new());
    world
        .model
        .step(slow, request.expect("a good request"), world.now);
    assert!(matches!(
        world.model.poll_exchange(slow),
        Some(Output::Head(_))
    ));
    let mut post = |body: &'static str| {
        let request = Request::post("/s")
            .header("content-type", TEXT)
            .body(bytes::Bytes::from(body));
        let id = ExchangeId(1_000_001);
        world
            .model
            .step(id, request.expect("a good request"), world.now);
        while world.model.poll_exchange(id).is_some() {}
    };
    post("def");
    post("ghi");
    assert!(matches!(world.model.poll_exchange(slow), Some(Output::End)));
    assert_eq!(world.model.open_exchanges(), 0);
    assert_eq!(world.model.next_deadline(), None);
}

#[test]
fn as_much_as_is_allowed_is_kept_when_more_comes() {
    let mut world = keeping(3);
    world.create("/s", TEXT, "abc");
    world.append("/s", "d");
    assert_eq!(world.get("/s").text(), "abcd");
    world.append("/s", "e");
    assert_eq!(world.get("/s").text(), "de");
}
