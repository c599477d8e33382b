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
