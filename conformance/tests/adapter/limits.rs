//! Reads that end by their limit in time.

use std::time::Duration;

use durable_streams_conformance::script::{Gate, Reply};
use serde_json::json;

use crate::over::Over;
use crate::replies::{control, quiet, read, tail, text, with};
use crate::support::{Clock, code, data, failed, within};

over_every_transport! {
    the_limit_of_a_live_read_is_a_success_at_the_tail,
    the_limit_of_a_read_that_got_no_answer_is_a_failure,
    a_read_that_did_not_reach_the_tail_does_not_say_so,
}

/// Longer than the client waits before it asks again after a poll that was answered at once, with nothing.
const BETWEEN_POLLS: Duration = Duration::from_millis(150);

async fn the_limit_of_a_live_read_is_a_success_at_the_tail(over: Over) {
    let clock = Clock::stopped().await;
    for (start, live, replies, status, chunks, offset) in [
        (
            "-1",
            "long-poll",
            vec![text("3", "old"), Reply::hang()],
            200,
            json!([{"data": "old", "offset": "3"}]),
            "3",
        ),
        (
            "now",
            "long-poll",
            vec![tail(), quiet("0"), Reply::hang()],
            204,
            json!([]),
            "0",
        ),
        (
            "now",
            "long-poll",
            vec![tail(), quiet("5"), Reply::hang()],
            204,
            json!([]),
            "5",
        ),
        (
            "now",
            "sse",
            vec![tail(), Reply::sse().gate(&Gate::new())],
            200,
            json!([]),
            "0",
        ),
        // What came was not the tail; that nothing more comes is.
        (
            "now",
            "sse",
            vec![
                tail(),
                Reply::sse()
                    .event("data", "x")
                    .event("control", &control("4", "")),
                Reply::sse().gate(&Gate::new()),
            ],
            200,
            json!([{"data": "x", "offset": "4"}]),
            "4",
        ),
        // Of an answer that is not whole nothing is told: one goes on before it.
        (
            "now",
            "sse",
            vec![
                tail(),
                Reply::sse().event("data", "half").gate(&Gate::new()),
            ],
            200,
            json!([]),
            "0",
        ),
        (
            "now",
            "long-poll",
            vec![
                tail(),
                text("9", "half of ")
                    .body("it")
                    .gate(&Gate::new())
                    .body("!"),
            ],
            200,
            json!([]),
            "0",
        ),
    ] {
        let count = replies.len();
        let (server, mut adapter) = over.scripted(replies).await;
        let command = with(
            read(json!(live)),
            json!({"offset": start, "timeoutMs": 7000}),
        );
        adapter.send(command).await;
        let mut left = Duration::from_millis(6999);
        for answered in 1..count {
            within(server.wait_for_requests(answered)).await;
            // A poll that is answered at once, with nothing, is not repeated at once.
            clock.turn(BETWEEN_POLLS).await;
            left -= BETWEEN_POLLS;
        }
        within(server.wait_for_requests(count)).await;
        clock.turn(left).await;
        assert_eq!(adapter.result_now().await, None, "{live}: too early");
        clock.turn(Duration::from_millis(2)).await;
        let mut result = adapter.result().await;
        result.as_object_mut().unwrap().remove("cursor");
        let expected = json!({
            "type": "read", "success": true, "status": status, "chunks": chunks, "offset": offset,
            "upToDate": true, "streamClosed": false,
        });
        assert_eq!(result, expected, "{live}");
        assert_eq!(server.requests().len(), count);
    }
}

async fn the_limit_of_a_read_that_got_no_answer_is_a_failure(over: Over) {
    let clock = Clock::stopped().await;
    for live in [json!(false), json!("long-poll"), json!("sse"), json!(true)] {
        for reply in [
            Reply::hang(),
            text("9", "half").gate(&Gate::new()).body("!"),
        ] {
            let (server, mut adapter) = over.scripted([reply]).await;
            // Five seconds, when nothing is said.
            adapter
                .send(json!({"type": "read", "path": "/s", "live": live}))
                .await;
            within(server.wait_for_requests(1)).await;
            clock.turn(Duration::from_millis(4999)).await;
            assert_eq!(adapter.result_now().await, None, "too early");
            clock.turn(Duration::from_millis(2)).await;
            let error = adapter.result().await;
            assert_eq!(code(&error), failed("TIMEOUT", 0), "{live}");
        }
    }
}

async fn a_read_that_did_not_reach_the_tail_does_not_say_so(over: Over) {
    let clock = Clock::stopped().await;
    let first = Reply::new(200)
        .header("Content-Type", "text/plain")
        .header("Stream-Next-Offset", "3")
        .body("old");
    let (server, mut adapter) = over.scripted([first, Reply::hang()]).await;
    adapter
        .send(json!({"type": "read", "path": "/s", "live": "sse"}))
        .await;
    within(server.wait_for_requests(2)).await;
    clock.turn(Duration::from_millis(5001)).await;
    let result = adapter.result().await;
    assert_eq!(
        (data(&result), &result["upToDate"]),
        ("old".into(), &json!(false))
    );
}
