//! What is read, handed out and acknowledged.

use serde_json::json;

use crate::support::working;

#[test]
fn b74_streams_with_work_are_read_from_what_is_acknowledged() {
    let bench = working(
        |config| config,
        &[("a", "-1", "3"), ("b/c", "5", "7"), ("done", "2", "2")],
    );
    let reads: Vec<&str> = bench.targets().into_iter().skip(5).collect();
    assert_eq!(reads, ["/v1/a?offset=-1", "/v1/b/c?offset=5"]);
}

#[test]
fn b74_what_was_processed_is_acknowledged_and_then_it_is_done() {
    let mut bench = working(|config| config, &[("a", "-1", "3"), ("b", "5", "7")]);
    bench.page("a", "3", true, "[1,2]");
    bench.page("b", "7", true, "[3]");
    assert_eq!(bench.handed_out(), ["a [1,2]", "b [3]"]);
    assert_eq!(bench.control("/ack"), None);
    assert!(bench.processed(bench.ticket("b")));
    assert!(!bench.processed(bench.ticket("b")));
    assert_eq!(
        bench.said("/ack"),
        json!({ "wake_id": "w1", "generation": 1, "acks": [{ "stream": "b", "offset": "7" }] })
    );
    // One report at a time; what comes meanwhile goes with the next.
    assert!(bench.processed(bench.ticket("a")));
    bench.confirm(false);
    assert_eq!(
        bench.said("/ack"),
        json!({
            "wake_id": "w1", "generation": 1, "done": true,
            "acks": [{ "stream": "a", "offset": "3" }],
        })
    );
    bench.confirm(false);
    assert_eq!(bench.releases(), [(1, true)]);
    assert_eq!(bench.machine.generation(), None);
}

#[test]
fn b74_a_stream_is_read_to_the_tail_of_the_claim_and_what_comes_with_it() {
    let mut bench = working(|config| config, &[("a", "1", "4")]);
    bench.page("a", "3", false, "[1,2]");
    // The next answer is read while this is worked on, and waits for its turn.
    assert_eq!(bench.last().target(), "/v1/a?offset=3");
    bench.page("a", "6", false, "[3,4,5]");
    assert_eq!(bench.handed_out(), ["a [1,2]"]);
    assert_eq!(bench.find("a"), None);
    bench.processed(bench.last_ticket());
    assert_eq!(bench.handed_out(), ["a [1,2]", "a [3,4,5]"]);
    bench.confirm(false);
    bench.processed(bench.last_ticket());
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "a", "offset": "6" }])
    );
    assert_eq!(bench.said("/ack")["done"], true);
}

#[test]
fn b74_within_an_answer_there_is_nothing_to_acknowledge() {
    let mut bench = working(|config| config.max_batch_bytes(1), &[("a", "1", "3")]);
    bench.page("a", "3", true, "[1,2]");
    assert_eq!(bench.handed_out(), ["a [1]"]);
    bench.processed(bench.last_ticket());
    assert_eq!(bench.control("/ack"), None);
    assert_eq!(bench.handed_out(), ["a [1]", "a [2]"]);
    bench.processed(bench.last_ticket());
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "a", "offset": "3" }])
    );
}

#[test]
fn b74_no_more_streams_than_it_may_are_worked_on_at_a_time() {
    let streams = [("a", "0", "1"), ("b", "0", "1"), ("c", "0", "1")];
    let mut bench = working(|config| config.concurrency(2), &streams);
    assert!(bench.find("a").is_some() && bench.find("b").is_some());
    assert_eq!(bench.find("c"), None);
    bench.page("a", "1", true, "[1]");
    assert_eq!(bench.find("c"), None);
    bench.processed(bench.last_ticket());
    assert!(bench.find("c").is_some());
}

#[test]
fn b74_what_waits_for_its_turn_is_not_read_on() {
    let mut bench = working(|config| config.max_batch_bytes(1), &[("a", "1", "9")]);
    bench.focus("a");
    let id = bench.live().unwrap();
    bench.head(200, &[crate::common::JSON, crate::common::next("9")]);
    assert!(durable_streams_core::Machine::wants(&bench.machine, id));
    bench.chunk("[1,2");
    // One is out, one is ready.
    bench.chunk(",3");
    assert!(!durable_streams_core::Machine::wants(&bench.machine, id));
    bench.processed(bench.last_ticket());
    bench.chunk(",4,5]");
    bench.end();
    for _ in 0..4 {
        bench.processed(bench.last_ticket());
    }
    assert_eq!(
        bench.handed_out(),
        ["a [1]", "a [2]", "a [3]", "a [4]", "a [5]"]
    );
}

#[test]
fn b74_a_wake_without_work_is_given_up_at_once() {
    let mut bench = working(|config| config, &[("a", "3", "3")]);
    assert_eq!(bench.said("/ack")["done"], true);
    bench.confirm(false);
    assert_eq!(bench.releases(), [(1, true)]);
}

#[test]
fn b74_a_page_with_nothing_in_it_is_acknowledged_without_a_word() {
    let mut bench = working(|config| config, &[("a", "1", "3")]);
    bench.page("a", "3", true, "[]");
    assert_eq!(bench.handed_out(), [""; 0]);
    assert_eq!(
        bench.said("/ack")["acks"],
        json!([{ "stream": "a", "offset": "3" }])
    );
}

#[test]
fn b74_an_answer_that_is_behind_the_claim_is_asked_for_again() {
    let mut bench = working(|config| config, &[("a", "1", "5")]);
    // As a cache may say.
    bench.page("a", "3", true, "[1]");
    bench.processed(bench.last_ticket());
    bench.confirm(false);
    assert_eq!(bench.control("/ack"), None);
    bench.go(crate::common::SECOND / 5);
    bench.page("a", "5", true, "[2]");
    assert_eq!(bench.handed_out(), ["a [1]", "a [2]"]);
}
