//! §5.8 SSE.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use durable_streams_conformance::reference::Config;

use crate::events::member;
use crate::world::{BYTES, JSON, TEXT, World};

/// The data events of an SSE answer.
fn data(events: &[(String, String)]) -> Vec<&str> {
    let data = events.iter().filter(|(name, _)| name == "data");
    data.map(|(_, data)| &**data).collect()
}

#[test]
fn r5_8_01_23_the_head_of_the_answer() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let sse = world.watch("/s?offset=-1&live=sse");
    let answer = world.so_far(sse);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("content-length"), None);
    assert!(!answer.ended);
}

#[test]
fn r5_8_02_03_06_only_other_types_are_in_base64() {
    for (content_type, coded) in [
        (TEXT, false),
        ("TEXT/html; charset=utf-8", false),
        (JSON, false),
        ("Application/JSON; x=y", false),
        (BYTES, true),
        ("application/x-ndjson", true),
    ] {
        let mut world = World::default();
        world.create("/s", content_type, "12345");
        let sse = world.watch("/s?offset=-1&live=sse");
        let answer = world.so_far(sse);
        assert_eq!(
            answer.header("stream-sse-data-encoding"),
            coded.then_some("base64")
        );
        let events = answer.events();
        if coded {
            assert_eq!(data(&events)[0].len() % 4, 0);
            assert_eq!(STANDARD.decode(data(&events)[0]).unwrap(), b"12345");
        }
    }
}

#[test]
fn r5_8_05_20_21_text_keeps_its_spaces_and_line_feeds_and_cannot_pass_for_events() {
    for text in [
        " leading",
        "\nleading",
        "trailing\n",
        "\n",
        "\n\n",
        "a\n\nevent: control\ndata: {}\n\n",
        "id: 1\n: comment",
    ] {
        let mut world = World::default();
        world.create("/s", TEXT, text);
        let sse = world.watch("/s?offset=-1&live=sse");
        let events = world.so_far(sse).events();
        assert_eq!(data(&events), [text]);
        assert_eq!(events.len(), 2);
    }
}

#[test]
fn r5_8_05_carriage_returns_end_lines() {
    let mut world = World::default();
    world.create("/s", TEXT, "a\rb\r\nc\n\rd");
    let sse = world.watch("/s?offset=-1&live=sse");
    let events = world.so_far(sse).events();
    assert_eq!(data(&events), ["a\nb\nc\n\nd"]);
}

#[test]
fn r5_8_07_to_11_17_a_control_event_after_every_data_event_is_a_place_to_resume() {
    let mut world = World::new(Config::default().with_page_bytes(4));
    world.create("/s", TEXT, "abcdefgh");
    let sse = world.watch("/s?offset=-1&live=sse");
    world.append("/s", "i");
    world.append("/s", "j");
    let events = world.so_far(sse).events();
    assert_eq!(data(&events), ["abcd", "efgh", "i", "j"]);
    let mut rest = "abcdefghij".to_owned();
    for pair in events.chunks(2) {
        rest.drain(..pair[0].1.len());
        let control = &pair[1].1;
        assert_eq!(pair[1].0, "control");
        let offset = member(control, "streamNextOffset").unwrap();
        assert_eq!(
            world.get(&format!("/s?offset={offset}")).text()[..rest.len().min(4)],
            rest[..rest.len().min(4)]
        );
        assert!(member(control, "streamCursor").is_some());
    }
    let up_to_date: Vec<bool> = events
        .iter()
        .filter(|(name, _)| name == "control")
        .map(|(_, control)| member(control, "upToDate").is_some())
        .collect();
    assert_eq!(up_to_date, [false, true, true, true]);
}

#[test]
fn r5_8_12_14_16_closing_is_the_last_event() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "abc");
    let sse = world.watch("/s?offset=-1&live=sse");
    assert_eq!(world.close("/s").status(), 204);
    let answer = world.complete(sse);
    let events = answer.events();
    let (name, control) = events.last().unwrap();
    assert_eq!((events.len(), &**name), (3, "control"));
    assert_eq!(member(control, "streamClosed"), Some("true".into()));
    assert_eq!(member(control, "upToDate"), Some("true".into()));
    assert_eq!(member(control, "streamNextOffset"), Some(tail));
}

#[test]
fn r5_8_12_append_and_close_is_one_pair_of_events() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let sse = world.watch("/s?offset=-1&live=sse");
    world.post(
        "/s",
        &[("content-type", TEXT), ("stream-closed", "true")],
        b"end",
    );
    let events = world.complete(sse).events();
    assert_eq!(events.len(), 3);
    assert_eq!(data(&events), ["end"]);
    assert_eq!(member(&events[2].1, "streamClosed"), Some("true".into()));
}

#[test]
fn r5_8_15_closed_and_at_the_tail_is_one_control_event() {
    let mut world = World::default();
    let tail = world.create("/s", TEXT, "abc");
    world.close("/s");
    let events = world.get(&format!("/s?offset={tail}&live=sse")).events();
    assert_eq!(events.len(), 1);
    assert_eq!(member(&events[0].1, "streamClosed"), Some("true".into()));
    assert_eq!(member(&events[0].1, "upToDate"), Some("true".into()));
}

#[test]
fn r5_8_18_the_connection_ends_after_its_lifetime() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let sse = world.watch("/s?offset=-1&live=sse");
    world.seconds(59);
    world.append("/s", "abc");
    assert!(!world.so_far(sse).ended);
    world.seconds(1);
    assert_eq!(data(&world.complete(sse).events()), ["abc"]);
    assert_eq!(world.model.next_deadline(), None);
}

#[test]
fn r5_8_22_a_character_split_over_two_appends_arrives_whole() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let euro = "€".as_bytes();
    let sse = world.watch("/s?offset=-1&live=sse");
    world.append("/s", [b"a", &euro[..1]].concat());
    world.append("/s", &euro[1..2]);
    let held = world.so_far(sse).events();
    assert_eq!(data(&held), ["a"]);
    assert_eq!(member(&held.last().unwrap().1, "upToDate"), None);
    world.append("/s", &euro[2..]);
    let events = world.so_far(sse).events();
    assert_eq!(data(&events).concat(), "a€");
    assert_eq!(
        member(&events.last().unwrap().1, "upToDate"),
        Some("true".into())
    );
}

#[test]
fn r5_8_22_a_character_that_is_never_completed_is_replaced_at_the_end() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    world.append("/s", b"a\xe2");
    let sse = world.watch("/s?offset=-1&live=sse");
    world.close("/s");
    assert_eq!(data(&world.complete(sse).events()).concat(), "a\u{fffd}");
}

#[test]
fn r10_09_cursors_do_not_fall_back_during_a_connection() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let sse = world.watch("/s?offset=-1&live=sse&cursor=999999999");
    for _ in 0..5 {
        world.append("/s", "x");
        world.seconds(10);
    }
    let events = world.so_far(sse).events();
    let cursors: Vec<u64> = events
        .iter()
        .filter(|(name, _)| name == "control")
        .map(|(_, control)| member(control, "streamCursor").unwrap().parse().unwrap())
        .collect();
    assert!(cursors.iter().all(|&cursor| cursor > 999_999_999));
    assert!(cursors.is_sorted());
}

#[test]
fn r5_8_05_a_page_does_not_part_a_carriage_return_from_its_line_feed() {
    let mut world = World::new(Config::default().with_page_bytes(4));
    world.create("/s", TEXT, "abc\r\ndef\r\r\r\r\r\n");
    let sse = world.watch("/s?offset=-1&live=sse");
    let events = world.so_far(sse).events();
    assert_eq!(data(&events).concat(), "abc\ndef\n\n\n\n\n");
    assert_eq!(world.content("/s"), b"abc\r\ndef\r\r\r\r\r\n");
}

#[test]
fn r5_8_13_controls_have_the_protocols_fields_and_no_others() {
    let mut world = World::default();
    world.create("/s", JSON, "[1,2]");
    let sse = world.watch("/s?offset=-1&live=sse");
    world.close("/s");
    let events = world.complete(sse).events();
    let fields = |control: &str| -> Vec<String> {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(control).expect("an object");
        object.keys().cloned().collect()
    };
    assert_eq!(events[0], ("data".into(), "[1,2]".into()));
    assert_eq!(
        fields(&events[1].1),
        ["streamCursor", "streamNextOffset", "upToDate"]
    );
    assert_eq!(
        fields(&events[2].1),
        ["streamClosed", "streamNextOffset", "upToDate"]
    );
}

#[test]
fn r5_8_12_only_the_last_page_of_a_closed_stream_says_so() {
    let mut world = World::new(Config::default().with_page_bytes(4));
    world.create("/s", BYTES, "abcdefgh");
    world.close("/s");
    let events = world.get("/s?offset=-1&live=sse").events();
    let names: Vec<&str> = events.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["data", "control", "data", "control"]);
    assert_eq!(member(&events[1].1, "streamClosed"), None);
    assert!(member(&events[1].1, "streamCursor").is_some());
    assert_eq!(member(&events[3].1, "streamClosed"), Some("true".into()));
}

#[test]
fn r5_8_05_json_that_was_sent_on_several_lines_stays_json() {
    let mut world = World::default();
    world.create("/s", JSON, "{\r\n \"a\":\r1,\n\"b\": 2}");
    let sse = world.watch("/s?offset=-1&live=sse");
    let events = world.so_far(sse).events();
    let value: serde_json::Value = serde_json::from_str(data(&events)[0]).expect("JSON");
    assert_eq!(value, serde_json::json!([{"a": 1, "b": 2}]));
}
