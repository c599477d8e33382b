//! What must hold for any content and any page size.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use durable_streams_conformance::reference::Config;
use http::Method;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::events::member;
use crate::world::{BYTES, JSON, TEXT, World};

fn paged(page_bytes: usize) -> World {
    World::new(Config::default().with_page_bytes(Some(page_bytes)))
}

/// Reads a stream over SSE until it has everything; the data events, and the offset it ends at.
fn over_sse(world: &mut World, path: &str) -> (Vec<String>, String) {
    let id = world.watch(&format!("{path}?offset=-1&live=sse"));
    let events = world.so_far(id).events();
    world.cancel(id);
    let offset = member(
        &events.last().expect("a control event").1,
        "streamNextOffset",
    );
    let data = events.into_iter().filter(|(name, _)| name == "data");
    (
        data.map(|(_, data)| data).collect(),
        offset.expect("an offset"),
    )
}

/// JSON values without insignificant whitespace, which comes back as it was sent but only inside of values.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "[a-z\n\"\\\\é€]{0,8}".prop_map(|text| serde_json::to_string(&text).expect("a string")),
        Just("null".to_owned()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(", "))),
            vec(inner, 0..4).prop_map(|values| {
                let members: Vec<String> = values
                    .iter()
                    .enumerate()
                    .map(|(index, value)| format!("\"{index}\":{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_joined_are_what_was_appended(
        appends in vec(vec(any::<u8>(), 1..40), 0..12),
        fork_after in any::<prop::sample::Index>(),
        page_bytes in 1usize..50,
        content_type in prop::sample::select(vec![BYTES, TEXT]),
    ) {
        let mut world = paged(page_bytes);
        world.create("/s", content_type, "");
        let fork_after = fork_after.index(appends.len() + 1);
        let mut path = "/s";
        for (index, append) in appends.iter().enumerate() {
            if index == fork_after {
                world.fork("/fork", "/s", &[]);
                world.append("/s", "not seen on the fork");
                path = "/fork";
            }
            world.append(path, append);
        }
        prop_assert_eq!(world.content(path), appends.concat());
    }

    #[test]
    fn json_pages_joined_are_the_messages(
        batches in vec(vec(value(), 1..5), 0..8),
        page_bytes in 1usize..80,
    ) {
        let mut world = paged(page_bytes);
        world.create("/s", JSON, "");
        for batch in &batches {
            world.append("/s", format!("[{}]", batch.join(",")));
        }
        let messages = batches.concat();
        let mut read = Vec::new();
        let mut offset = "-1".to_owned();
        loop {
            let page = world.get(&format!("/s?offset={offset}"));
            let values: Vec<&serde_json::value::RawValue> = serde_json::from_str(page.text()).expect("an array");
            read.extend(values.iter().map(|value| value.get().to_owned()));
            offset = page.next_offset();
            if page.up_to_date() {
                break;
            }
        }
        prop_assert_eq!(&read, &messages);

        let (data, tail) = over_sse(&mut world, "/s");
        let mut read = Vec::new();
        for array in data {
            let values: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(&array).expect("an array");
            read.extend(values.iter().map(|value| value.get().to_owned()));
        }
        prop_assert_eq!(&read, &messages);
        prop_assert_eq!(tail, offset);
    }

    #[test]
    fn text_over_sse_is_what_was_appended(
        text in "[ a-c\n:é€😀]{0,60}",
        cuts in vec(any::<prop::sample::Index>(), 0..5),
        page_bytes in 1usize..20,
    ) {
        let mut world = paged(page_bytes);
        world.create("/s", TEXT, "");
        let bytes = text.as_bytes();
        // Appends may cut characters.
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        for range in cuts.windows(2).filter(|range| range[0] < range[1]) {
            world.append("/s", &bytes[range[0]..range[1]]);
        }
        let (data, tail) = over_sse(&mut world, "/s");
        prop_assert_eq!(data.concat(), text);
        prop_assert_eq!(tail, world.head("/s").next_offset());
    }

    #[test]
    fn bytes_over_sse_are_what_was_appended(
        appends in vec(vec(any::<u8>(), 1..40), 0..8),
        page_bytes in 1usize..50,
    ) {
        let mut world = paged(page_bytes);
        world.create("/s", BYTES, "");
        for append in &appends {
            world.append("/s", append);
        }
        let (data, _) = over_sse(&mut world, "/s");
        let decoded: Vec<u8> = data.iter().flat_map(|data| STANDARD.decode(data).expect("base64")).collect();
        prop_assert_eq!(decoded, appends.concat());
    }

    #[test]
    fn no_request_makes_the_model_panic(
        requests in vec((
            prop::sample::select(vec![Method::PUT, Method::POST, Method::GET, Method::DELETE, Method::HEAD]),
            prop::sample::select(vec!["/a", "/b", "/c"]),
            prop::sample::select(vec!["", "?offset=-1", "?offset=now&live=sse", "?offset=o0000000000000003&live=long-poll"]),
            vec(prop::sample::select(vec![
                ("content-type", JSON), ("content-type", TEXT), ("stream-closed", "true"), ("stream-ttl", "3"),
                ("stream-expires-at", "2025-01-01T00:00:09Z"), ("stream-forked-from", "/a"), ("stream-forked-from", "/b"),
                ("stream-fork-offset", "o0000000000000002"), ("stream-fork-sub-offset", "1"), ("stream-seq", "b"),
                ("producer-id", "p"), ("producer-epoch", "1"), ("producer-seq", "0"),
            ]), 0..4),
            prop::sample::select(vec![&b""[..], b"[1,2,3]", b"text", b"\xe2\x82"]),
            0u64..3,
        ), 0..40),
    ) {
        let mut world = paged(3);
        for (method, path, query, headers, body, seconds) in requests {
            world.begin(method, &format!("{path}{query}"), &headers, body);
            world.seconds(seconds);
        }
        world.seconds(200);
        prop_assert_eq!(world.model.open_exchanges(), 0);
        prop_assert_eq!(world.model.next_deadline(), None);
    }
}
