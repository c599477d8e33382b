//! §10.1 Caching and cursors.

use http::Method;

use crate::world::{Received, TEXT, World};

fn conditional(world: &mut World, target: &str, tag: &str) -> Received {
    world.send(Method::GET, target, &[("if-none-match", tag)], b"")
}

fn etag(answer: &Received) -> String {
    answer.header("etag").expect("an entity tag").to_owned()
}

#[test]
fn r10_01_shared_answers_may_be_cached() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let policy = "public, max-age=60, stale-while-revalidate=300";
    assert_eq!(world.get("/s").header("cache-control"), Some(policy));
    assert_eq!(world.get("/none").header("cache-control"), Some("no-store"));
}

#[test]
fn r10_02_04_05_08_a_known_entity_tag_is_304() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let tag = etag(&world.get("/s"));
    for candidates in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag},\"y\""),
        "*".into(),
    ] {
        let answer = conditional(&mut world, "/s", &candidates);
        assert_eq!(answer.status(), 304, "{candidates}");
        assert!(answer.body.is_empty());
        assert_eq!(etag(&answer), tag);
        assert!(answer.header("cache-control").is_some());
    }
    let other = conditional(&mut world, "/s", "\"x\"");
    assert_eq!((other.status(), other.text()), (200, "abc"));
}

#[test]
fn r10_06_07_the_tag_changes_when_anything_does() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let mut tags = vec![etag(&world.get("/s"))];
    world.append("/s", "d");
    tags.push(etag(&world.get("/s")));
    world.close("/s");
    tags.push(etag(&world.get("/s")));
    world.delete("/s");
    world.create("/s", TEXT, "abc");
    tags.push(etag(&world.get("/s")));
    for (index, tag) in tags.iter().enumerate() {
        assert!(!tags[..index].contains(tag), "{tags:?}");
    }
}

#[test]
fn r10_10_11_cursors_count_intervals_and_never_repeat() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let mut cursor = |client: &str| -> u64 {
        let answer = world.get(&format!("/s?cursor={client}&live=long-poll&offset=-1"));
        answer.header("stream-cursor").unwrap().parse().unwrap()
    };
    // From 2024-10-09 to 2025-01-01 it is 84 days.
    let current = 84 * 24 * 3600 / 20;
    assert_eq!(cursor(""), current);
    assert_eq!(cursor("nonsense"), current);
    assert_eq!(cursor(&(current - 1).to_string()), current);
    for client in [current, current + 1, current + 1000] {
        let next = cursor(&client.to_string());
        assert!((client + 1..=client + 180).contains(&next));
    }
    assert_eq!(cursor(&u64::MAX.to_string()), current);
}

#[test]
fn r12_04_05_every_answer_is_guarded() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    for answer in [
        world.get("/s"),
        world.head("/s"),
        world.get("/none"),
        world.get("/s?offset=bad"),
        world.put("/s", &[]),
        world.send(Method::PATCH, "/s", &[], b""),
        world.send(Method::OPTIONS, "/s", &[], b""),
        world.close("/s"),
        world.get("/s?offset=now&live=sse"),
        world.delete("/s"),
    ] {
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            Some("cross-origin")
        );
    }
}

#[test]
fn r10_03_now_has_no_tag_and_heeds_none() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let answer = conditional(&mut world, "/s?offset=now", "*");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("etag"), None);
}

#[test]
fn r10_05_only_a_whole_tag_matches_and_any_line_may_hold_it() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let tag = etag(&world.get("/s"));
    let bare = tag.trim_matches('"').to_owned();
    for other in [
        bare.clone(),
        format!("\"x{bare}\""),
        format!("\"{bare}"),
        format!("w/{tag}"),
        tag.to_uppercase(),
        "\"\"".to_owned(),
        String::new(),
    ] {
        assert_eq!(
            conditional(&mut world, "/s", &other).status(),
            200,
            "{other:?}"
        );
    }
    let lines = [("if-none-match", "\"x\""), ("if-none-match", &*tag)];
    assert_eq!(world.send(Method::GET, "/s", &lines, b"").status(), 304);
}

#[test]
fn r10_06_no_304_hides_the_end() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "abc");
    for target in ["/s".to_owned(), format!("/s?offset={tail}")] {
        world.delete("/s");
        world.create("/s", TEXT, "abc");
        let open = etag(&world.get(&target));
        assert_eq!(conditional(&mut world, &target, &open).status(), 304);
        world.close("/s");
        let closed = conditional(&mut world, &target, &open);
        assert_eq!((closed.status(), closed.closed()), (200, true));
        let known = conditional(&mut world, &target, &etag(&closed));
        assert_eq!((known.status(), known.closed()), (304, true));
    }
}

#[test]
fn r10_08_a_304_keeps_what_describes_the_stream() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let full = world.get("/s");
    let known = conditional(&mut world, "/s", &etag(&full));
    for name in [
        "etag",
        "cache-control",
        "stream-next-offset",
        "stream-up-to-date",
    ] {
        assert!(known.header(name).is_some());
        assert_eq!(known.header(name), full.header(name), "{name}");
    }
    assert_eq!(known.header("content-length"), None);
}

#[test]
fn r10_09_10_cursors_over_sse_and_long_poll_go_past_the_clients() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let ahead = 500_000_000_u64;
    let sse = world.watch(&format!("/s?cursor={ahead}&live=sse&offset=-1"));
    let control = world.so_far(sse).events()[0].1.clone();
    let cursor = crate::events::member(&control, "streamCursor").expect("a cursor");
    assert!(cursor.parse::<u64>().expect("a number") > ahead);
    let poll = world.watch(&format!("/s?cursor={ahead}&live=long-poll&offset=now"));
    world.seconds(30);
    let nothing = world.complete(poll);
    let cursor = nothing.header("stream-cursor").expect("a cursor");
    assert!(cursor.parse::<u64>().expect("a number") > ahead);
}

#[test]
fn r10_11_an_interval_is_twenty_seconds() {
    // 2024-10-09T00:00:00Z.
    let epoch = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_728_432_000);
    for (seconds, cursor) in [(0, "0"), (19, "0"), (20, "1"), (39, "1"), (40, "2")] {
        let mut world = World::default();
        world.now = epoch;
        world.create("/s", TEXT, "abc");
        world.seconds(seconds);
        let answer = world.get("/s?live=long-poll&offset=-1");
        assert_eq!(
            answer.header("stream-cursor"),
            Some(cursor),
            "after {seconds} s"
        );
    }
}
