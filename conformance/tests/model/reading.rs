//! §5.6 Catch-up.

use durable_streams_conformance::reference::Config;

use crate::world::{JSON, TEXT, World};

fn paged(bytes: usize) -> World {
    World::new(Config::default().with_page_bytes(Some(bytes)))
}

#[test]
fn r5_6_01_no_offset_is_the_beginning() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    assert_eq!(world.get("/s").text(), "abc");
    assert_eq!(world.get("/s?offset=-1").text(), "abc");
}

#[test]
fn r5_6_02_03_malformed_parameters_are_400() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "abc");
    for query in [
        "offset=".to_owned(),
        "offset=x".to_owned(),
        "offset=-2".to_owned(),
        "offset=NOW".to_owned(),
        "offset=o0000000000000000%00".to_owned(),
        format!("offset={tail}&offset={tail}"),
        format!("offset={}", tail.to_uppercase()),
        format!("offset={tail}0"),
        "offset=offfffffffffffff".to_owned(),
        "offset=offffffffffffffff".to_owned(),
        "offset=-1&live=".to_owned(),
        "offset=-1&live=true".to_owned(),
        "offset=-1&live=sse&live=sse".to_owned(),
        "offset=%ff".to_owned(),
    ] {
        assert_eq!(world.get(&format!("/s?{query}")).status(), 400, "{query}");
    }
}

#[test]
fn r5_6_04_05_at_the_tail_there_is_nothing_and_the_offset_stays() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "abc");
    let target = format!("/s?offset={tail}");
    let open = world.get(&target);
    assert_eq!((open.status(), open.text()), (200, ""));
    assert_eq!(open.next_offset(), tail);
    assert!(open.up_to_date() && !open.closed());
    world.close("/s");
    let closed = world.get(&target);
    assert_eq!((closed.status(), closed.text()), (200, ""));
    assert!(closed.up_to_date() && closed.closed());
}

#[test]
fn r5_6_08_to_11_flags_stand_on_the_last_page_only() {
    let mut world = paged(2);
    world.create("/s", TEXT, "abcde");
    world.close("/s");
    let mut offset = "-1".to_owned();
    for (text, last) in [("ab", false), ("cd", false), ("e", true)] {
        let page = world.get(&format!("/s?offset={offset}"));
        assert_eq!(page.text(), text);
        assert_eq!((page.up_to_date(), page.closed()), (last, last));
        offset = page.next_offset();
    }
}

#[test]
fn r5_6_12_json_pages_are_whole_messages_and_at_least_one() {
    let mut world = paged(4);
    world.create("/s", JSON, r#"[1,22,"too long for a page",3]"#);
    let mut offset = "-1".to_owned();
    for text in ["[1,22]", r#"["too long for a page"]"#, "[3]"] {
        let page = world.get(&format!("/s?offset={offset}"));
        assert_eq!(page.text(), text);
        offset = page.next_offset();
    }
}

#[test]
fn r5_6_12_pages_of_text_end_on_whole_characters() {
    let mut world = paged(4);
    world.create("/s", TEXT, "aäöü€");
    let page = world.get("/s");
    assert_eq!(page.text(), "aä");
    assert_eq!(world.content("/s"), "aäöü€".as_bytes());
}

#[test]
fn r5_6_13_missing_streams_are_404() {
    let mut world = World::default();
    for query in [
        "",
        "?offset=now",
        "?offset=-1&live=long-poll",
        "?offset=-1&live=sse",
    ] {
        assert_eq!(world.get(&format!("/none{query}")).status(), 404);
    }
}
