//! §5.2.1 Idempotent producers.

use crate::world::{JSON, Received, TEXT, World};

fn world() -> World {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    world
}

fn echo(answer: &Received) -> (u16, Option<&str>, Option<&str>) {
    (
        answer.status(),
        answer.header("producer-epoch"),
        answer.header("producer-seq"),
    )
}

#[test]
fn r5_2_1_01_02_all_three_headers_or_none() {
    let mut world = world();
    for headers in [
        vec![("producer-id", "p")],
        vec![("producer-id", "p"), ("producer-epoch", "0")],
        vec![("producer-epoch", "0"), ("producer-seq", "0")],
        vec![
            ("producer-id", ""),
            ("producer-epoch", "0"),
            ("producer-seq", "0"),
        ],
    ] {
        let mut all = vec![("content-type", TEXT)];
        all.extend(headers);
        assert_eq!(world.post("/s", &all, b"x").status(), 400);
    }
    assert!(world.get("/s").body.is_empty());
}

#[test]
fn r5_2_1_03_04_05_integers_up_to_2_to_the_53_minus_1() {
    let mut world = world();
    let mut send = |epoch: &str, seq: &str| {
        let headers = [
            ("content-type", TEXT),
            ("producer-id", "p"),
            ("producer-epoch", epoch),
            ("producer-seq", seq),
        ];
        world.post("/s", &headers, b"x").status()
    };
    for bad in ["", "-1", "+1", "1.0", "1e3", "x", "9007199254740992"] {
        assert_eq!(send(bad, "0"), 400, "{bad:?}");
        assert_eq!(send("0", bad), 400, "{bad:?}");
    }
    assert_eq!(send("0", "9007199254740991"), 409);
    assert_eq!(send("9007199254740991", "0"), 200);
}

#[test]
fn r5_2_1_06_07_12_13_new_requests_are_stored_and_repeated_ones_are_not() {
    let mut world = world();
    assert_eq!(
        echo(&world.produce("/s", "p", 0, 0, "a")),
        (200, Some("0"), Some("0"))
    );
    assert_eq!(
        echo(&world.produce("/s", "p", 0, 1, "b")),
        (200, Some("0"), Some("1"))
    );
    assert_eq!(
        echo(&world.produce("/s", "p", 0, 0, "a")),
        (204, Some("0"), Some("1"))
    );
    assert_eq!(
        echo(&world.produce("/s", "p", 0, 1, "b")),
        (204, Some("0"), Some("1"))
    );
    assert_eq!(world.get("/s").text(), "ab");
}

#[test]
fn r5_2_1_08_14_15_a_gap_says_what_was_expected() {
    let mut world = world();
    let unknown = world.produce("/s", "p", 0, 2, "x");
    assert_eq!(unknown.status(), 409);
    assert_eq!(unknown.header("producer-expected-seq"), Some("0"));
    assert_eq!(unknown.header("producer-received-seq"), Some("2"));
    world.produce("/s", "p", 0, 0, "a");
    let gap = world.produce("/s", "p", 0, 5, "x");
    assert_eq!(gap.status(), 409);
    assert_eq!(gap.header("producer-expected-seq"), Some("1"));
    assert!(!gap.closed());
    assert_eq!(world.get("/s").text(), "a");
}

#[test]
fn r5_2_1_09_10_11_epochs_fence_and_begin_at_zero() {
    let mut world = world();
    world.produce("/s", "p", 1, 0, "a");
    let fenced = world.produce("/s", "p", 0, 1, "x");
    assert_eq!(echo(&fenced), (403, Some("1"), None));
    assert_eq!(world.produce("/s", "p", 2, 1, "x").status(), 400);
    assert_eq!(world.produce("/s", "p", 2, 0, "b").status(), 200);
    assert_eq!(world.produce("/s", "p", 1, 1, "x").status(), 403);
    assert_eq!(
        world.produce("/s", "q", 0, 0, "c").status(),
        200,
        "producers are apart"
    );
    assert_eq!(world.get("/s").text(), "abc");
}

#[test]
fn r5_2_1_17_a_request_refused_for_another_reason_does_not_consume_the_seq() {
    let mut world = World::default();
    world.create("/s", JSON, "");
    let mut send = |content_type: &str, seq: &str, body: &str| {
        let headers = [
            ("content-type", content_type),
            ("stream-seq", seq),
            ("producer-id", "p"),
            ("producer-epoch", "0"),
            ("producer-seq", "0"),
        ];
        world.post("/s", &headers, body.as_bytes()).status()
    };
    assert_eq!(send(JSON, "5", "{"), 400);
    assert_eq!(send(TEXT, "5", "1"), 409);
    assert_eq!(send(JSON, "5", "1"), 200);
    // The same request again is a duplicate, not a regression of Stream-Seq.
    assert_eq!(send(JSON, "5", "1"), 204);
}

#[test]
fn r5_2_1_20_22_23_the_closing_request_may_come_again_and_nothing_else() {
    let mut world = world();
    world.produce("/s", "p", 0, 0, "a");
    let closed = world.produce_last("/s", "p", 0, 1, "b");
    assert_eq!(echo(&closed), (200, Some("0"), Some("1")));
    assert!(closed.closed());
    let again = world.produce_last("/s", "p", 0, 1, "b");
    assert_eq!(echo(&again), (204, Some("0"), Some("1")));
    assert!(again.closed());
    for other in [
        world.produce("/s", "p", 0, 0, "a"),
        world.produce("/s", "p", 0, 1, "b"),
        world.produce("/s", "p", 0, 2, "c"),
        world.produce_last("/s", "q", 0, 0, "c"),
        world.produce_last("/s", "p", 0, 2, ""),
    ] {
        assert_eq!(other.status(), 409);
        assert!(other.closed());
    }
    assert_eq!(world.get("/s").text(), "ab");
}

#[test]
fn r5_2_1_21_a_close_without_data_takes_part_in_the_sequence() {
    let mut world = world();
    world.produce("/s", "p", 0, 0, "a");
    assert_eq!(world.produce_last("/s", "p", 0, 2, "").status(), 409);
    let repeated = world.produce_last("/s", "p", 0, 0, "");
    assert_eq!(repeated.status(), 204);
    assert!(!repeated.closed(), "a repeated request is not carried out");
    let closed = world.produce_last("/s", "p", 0, 1, "");
    assert_eq!(closed.status(), 204);
    assert!(closed.closed());
    assert_eq!(world.produce_last("/s", "p", 0, 1, "").status(), 204);
}

#[test]
fn r5_2_1_02_an_id_is_any_bytes() {
    let mut world = world();
    assert_eq!(world.produce("/s", "\u{e4}", 0, 0, "a").status(), 200);
    assert_eq!(world.produce("/s", "\u{e4}", 0, 0, "a").status(), 204);
    assert_eq!(world.produce("/s", "\u{f6}", 0, 0, "b").status(), 200);
    assert_eq!(world.get("/s").text(), "ab");
}

#[test]
fn r5_2_1_03_numbers_have_one_spelling_and_headers_come_once() {
    let mut world = world();
    for (epoch, seq) in [("00", "0"), ("0", "00"), ("0", "0, 0")] {
        let headers = [
            ("content-type", TEXT),
            ("producer-id", "p"),
            ("producer-epoch", epoch),
            ("producer-seq", seq),
        ];
        assert_eq!(world.post("/s", &headers, b"x").status(), 400);
    }
    let twice = [
        ("content-type", TEXT),
        ("producer-id", "p"),
        ("producer-id", "q"),
        ("producer-epoch", "0"),
        ("producer-seq", "0"),
    ];
    assert_eq!(world.post("/s", &twice, b"x").status(), 400);
}

#[test]
fn r5_2_1_11_12_a_new_epoch_forgets_the_numbers_of_the_old() {
    let mut world = world();
    for seq in 0..3 {
        world.produce("/s", "p", 4, seq, "a");
    }
    assert_eq!(
        echo(&world.produce("/s", "p", 9, 0, "b")),
        (200, Some("9"), Some("0"))
    );
    let gap = world.produce("/s", "p", 9, 3, "x");
    assert_eq!(gap.status(), 409);
    assert_eq!(gap.header("producer-expected-seq"), Some("1"));
    assert_eq!(
        echo(&world.produce("/s", "p", 9, 0, "b")),
        (204, Some("9"), Some("0"))
    );
}

#[test]
fn r5_2_1_14_an_unknown_producer_may_begin_in_any_epoch() {
    let mut world = world();
    let gap = world.produce("/s", "p", 7, 1, "x");
    assert_eq!(
        (gap.status(), gap.header("producer-expected-seq")),
        (409, Some("0"))
    );
    assert_eq!(world.produce("/s", "p", 7, 0, "a").status(), 200);
}

#[test]
fn r5_2_1_20_a_repeated_append_with_a_wish_to_close_does_not_close() {
    let mut world = world();
    world.produce("/s", "p", 0, 0, "a");
    let repeated = world.produce_last("/s", "p", 0, 0, "a");
    assert_eq!((repeated.status(), repeated.closed()), (204, false));
    assert!(!world.head("/s").closed());
    assert_eq!(world.get("/s").text(), "a");
}

#[test]
fn r5_2_1_23_24_closed_comes_before_fences_and_gaps() {
    let mut world = world();
    world.produce("/s", "p", 3, 0, "a");
    world.produce_last("/s", "p", 3, 1, "");
    for (epoch, seq) in [(2, 0), (3, 9), (4, 0), (4, 1)] {
        let refused = world.produce_last("/s", "p", epoch, seq, "");
        assert_eq!((refused.status(), refused.closed()), (409, true));
        assert_eq!(refused.header("producer-expected-seq"), None);
    }
    // A close without a producer is none of its business.
    assert_eq!(world.close("/s").status(), 204);
    let again = world.produce_last("/s", "p", 3, 1, "");
    assert_eq!(echo(&again), (204, Some("3"), Some("1")));
}

#[test]
fn r5_2_1_22_a_stream_closed_without_a_producer_knows_none() {
    let mut world = world();
    world.produce("/s", "p", 0, 0, "a");
    world.close("/s");
    let refused = world.produce_last("/s", "p", 0, 0, "a");
    assert_eq!((refused.status(), refused.closed()), (409, true));
}
