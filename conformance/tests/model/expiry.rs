//! §5.1: streams that end by themselves.

use crate::world::{TEXT, World};

fn with_ttl(seconds: &str) -> World {
    let mut world = World::default();
    world.put("/s", &[("content-type", TEXT), ("stream-ttl", seconds)]);
    world
}

#[test]
fn r5_1_12_to_16_every_read_and_write_begins_the_window_anew() {
    let mut world = with_ttl("10");
    let uses: [fn(&mut World); 6] = [
        |world| drop(world.get("/s")),
        |world| drop(world.get("/s?offset=now")),
        |world| drop(world.append("/s", "x")),
        |world| drop(world.produce("/s", "p", 0, 0, "x")),
        |world| drop(world.produce("/s", "p", 0, 0, "x")),
        |world| drop(world.close("/s")),
    ];
    for used in uses {
        world.seconds(9);
        used(&mut world);
    }
    world.seconds(9);
    assert_eq!(world.head("/s").status(), 200);
    world.seconds(1);
    assert_eq!(world.head("/s").status(), 404);
}

#[test]
fn r5_1_17_18_a_stream_does_not_expire_under_a_live_reader() {
    for live in ["long-poll", "sse"] {
        let mut world = with_ttl("10");
        world.seconds(9);
        let reader = world.watch(&format!("/s?offset=now&live={live}"));
        world.seconds(25);
        assert_eq!(world.head("/s").status(), 200);
        world.cancel(reader);
        world.seconds(9);
        assert_eq!(
            world.head("/s").status(),
            200,
            "the window begins when the reader leaves"
        );
        world.seconds(1);
        assert_eq!(world.head("/s").status(), 404);
    }
}

#[test]
fn r5_1_18_the_window_begins_when_a_long_poll_runs_out_even_in_one_leap() {
    let mut world = with_ttl("10");
    world.watch("/s?offset=now&live=long-poll");
    world.seconds(39);
    assert_eq!(world.head("/s").status(), 200);
    world.seconds(1);
    assert_eq!(world.head("/s").status(), 404);
}

#[test]
fn r5_1_19_head_does_not_reset_the_window() {
    let mut world = with_ttl("10");
    world.seconds(9);
    assert_eq!(world.head("/s").status(), 200);
    world.seconds(1);
    assert_eq!(world.head("/s").status(), 404);
}

#[test]
fn r5_1_20_an_expired_path_can_be_used_again() {
    let mut world = with_ttl("0");
    assert_eq!(world.get("/s").status(), 404);
    world.create("/s", TEXT, "new");
    assert_eq!(world.get("/s").text(), "new");
}

#[test]
fn r5_1_23_a_moment_is_not_put_off_by_use_and_ends_live_readers() {
    let mut world = World::default();
    world.put(
        "/s",
        &[
            ("content-type", TEXT),
            ("stream-expires-at", "2025-01-01T00:00:20Z"),
        ],
    );
    let poll = world.watch("/s?offset=now&live=long-poll");
    let sse = world.watch("/s?offset=now&live=sse");
    world.seconds(19);
    assert!(world.waits(poll) && !world.so_far(sse).ended);
    world.seconds(1);
    assert_eq!(world.complete(poll).status(), 404);
    assert!(world.complete(sse).ended);
    assert_eq!(world.get("/s").status(), 404);
    assert_eq!(world.model.open_exchanges(), 0);
}

#[test]
fn r5_1_17_a_live_read_that_is_answered_at_once_begins_the_window_anew() {
    for live in ["long-poll", "sse"] {
        let mut world = with_ttl("10");
        world.append("/s", "abc");
        world.close("/s");
        for _ in 0..3 {
            world.seconds(9);
            let read = world.get(&format!("/s?offset=-1&live={live}"));
            assert!(read.text().contains("abc"));
        }
        world.seconds(10);
        assert_eq!(world.head("/s").status(), 404);
    }
}

#[test]
fn r5_1_12_a_304_is_a_read_too() {
    let mut world = with_ttl("10");
    for _ in 0..3 {
        world.seconds(9);
        let known = world.send(http::Method::GET, "/s", &[("if-none-match", "*")], b"");
        assert_eq!(known.status(), 304);
    }
}

#[test]
fn r5_5_03_the_window_is_told_not_what_is_left_of_it() {
    let mut world = with_ttl("10");
    world.seconds(7);
    assert_eq!(world.head("/s").header("stream-ttl"), Some("10"));
}

#[test]
fn r5_1_11_a_window_beyond_all_time_never_ends() {
    let mut world = with_ttl(&u64::MAX.to_string());
    assert_eq!(world.model.next_deadline(), None);
    world.seconds(1_000_000_000);
    assert_eq!(world.get("/s").status(), 200);
}

#[test]
fn r4_2_14_an_inherited_window_is_the_forks_own() {
    let mut world = with_ttl("10");
    world.append("/s", "abc");
    world.seconds(5);
    world.fork("/fork", "/s", &[]);
    // Reading the source does not keep the fork, nor the other way round.
    world.seconds(4);
    world.get("/s");
    world.seconds(5);
    assert_eq!(world.get("/fork").text(), "abc");
    world.seconds(9);
    assert_eq!(world.head("/s").status(), 410);
    assert_eq!(world.get("/fork").text(), "abc");
    world.seconds(10);
    assert_eq!(world.head("/fork").status(), 404);
    assert_eq!(world.head("/s").status(), 404);
}

#[test]
fn r4_2_17_18_19_a_fork_lives_by_its_own_moment() {
    let soon = [("stream-expires-at", "2025-01-01T00:00:10Z")];
    let later = [("stream-expires-at", "2025-01-01T00:00:30Z")];
    let mut world = World::default();
    world.send(http::Method::PUT, "/s", &soon, b"abc");
    world.fork("/heir", "/s", &[]);
    world.fork("/later", "/s", &later);
    world.fork("/used", "/s", &[("stream-ttl", "15")]);
    world.seconds(10);
    assert_eq!(world.head("/heir").status(), 404);
    assert_eq!(world.get("/s").status(), 410);
    assert_eq!(world.get("/later").text().len(), 3);
    assert_eq!(world.get("/used").text().len(), 3);
    world.seconds(20);
    for path in ["/later", "/used", "/s"] {
        assert_eq!(world.head(path).status(), 404, "{path}");
    }
}
