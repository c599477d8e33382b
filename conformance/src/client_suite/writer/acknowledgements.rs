//! What acknowledges a request, and what does not.

use durable_streams_client::{Error, ErrorKind};
use std::sync::{Arc, Mutex};

use super::support::*;
use crate::client_suite::support::{ReplyExt, attempts, within};
use crate::script::Reply;
use crate::suite::{Case, Context, cases};

pub(super) fn all() -> Vec<Case> {
    cases![
        b43_a_204_is_success_and_a_duplicate,
        b43_an_echo_may_be_of_a_later_request,
        b43_a_duplicate_may_be_told_by_its_number_alone,
        b43_an_echo_of_another_request_is_none,
        b64_a_writer_takes_no_page_for_an_acknowledgement,
        b64_a_writer_follows_no_redirect,
        b64_pages_without_end_fail_the_writer,
        b64_no_echo_is_needed,
        b64_the_head_decides_when_the_body_is_lost,
        b64_an_endless_body_is_not_read_to_its_end,
    ]
}

async fn b43_a_204_is_success_and_a_duplicate(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|sent| match sent.what() {
        (0, 1, 1) => Reply::close(),
        (0, 1, 2) => sent.duplicate(),
        _ => sent.stored(),
    });
    let receipts = receipts(&writer, &["a", "b"]);
    world.until_requests(4).await;
    assert_eq!(fates(receipts).await, ["@0001 duplicate", "@0002"]);
    assert_eq!(world.sent_from(1), ["0/1 a", "0/1 a", "0/2 b"]);
}

async fn b43_an_echo_may_be_of_a_later_request(cx: Context) {
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|sent| match sent.what() {
        (0, 1, 1) => Reply::close(),
        // The highest that was accepted, which is `b`'s.
        (0, 1, 2) => Reply::new(204).next_offset("0002").echo(0, 2),
        _ => sent.stored(),
    });
    let receipts = receipts(&writer, &["a", "b"]);
    world.until_requests(4).await;
    assert_eq!(fates(receipts).await, ["@0002 duplicate", "@0002"]);
    assert_eq!(world.sent().len(), 4);
}

async fn b43_a_duplicate_may_be_told_by_its_number_alone(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.attempt {
        1 => Reply::close(),
        _ => Reply::new(204).echo(0, 0),
    });
    let writer = world.writer().start();
    let receipts = receipts(&writer, &["a"]);
    world.until_requests(2).await;
    assert_eq!(fates(receipts).await, ["@? duplicate"]);
    assert_eq!(flush(&writer).await, "nothing", "no offset is known");
}

/// Requests that are answered like this are not acknowledged, and sent again as they were.
async fn acknowledges_nothing(cx: &Context, reply: fn(&Sent) -> Reply, kind: ErrorKind) {
    let world = World::new(cx).await;
    let errors = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&errors);
    let hook = move |error: &Error| heard.lock().unwrap().push(error.kind());
    world.answer(move |sent| match sent.what() {
        (0, 0, 1) => reply(sent),
        _ => sent.duplicate(),
    });
    let writer = world.writer().on_error(hook).start();
    let receipts = receipts(&writer, &["a"]);
    world.settle().await;
    let said = errors.lock().unwrap().clone();
    assert_eq!((said, writer.pending()), (vec![kind], 1));
    world.until_requests(2).await;
    assert_eq!(fates(receipts).await, ["@0000 duplicate"]);
    assert_eq!(world.sent(), ["0/0 a", "0/0 a"]);
}

async fn b43_an_echo_of_another_request_is_none(cx: Context) {
    fn echo(status: u16, epoch: &str, seq: &str) -> Reply {
        Reply::new(status)
            .next_offset("0007")
            .header("Producer-Epoch", epoch)
            .header("Producer-Seq", seq)
    }
    let others: [fn(&Sent) -> Reply; 7] = [
        |_| echo(200, "1", "0"),
        |_| echo(204, "1", "0"),
        |_| echo(200, "zero", "0"),
        |_| echo(200, "0", "-1"),
        |_| echo(204, "9007199254740992", "0"),
        |_| echo(200, "0", "9007199254740992"),
        |_| echo(204, "0", "1").header("Producer-Seq", "0"),
    ];
    for other in others {
        acknowledges_nothing(&cx, other, ErrorKind::Protocol).await;
    }

    // Below the number that was sent.
    let world = World::new(&cx).await;
    let writer = world.open(world.writer()).await;
    world.answer(|sent| match sent.attempt {
        1 => Reply::new(200).next_offset("0007").echo(0, 0),
        _ => sent.stored(),
    });
    append(&writer, &["a"]);
    world.until_requests(3).await;
    assert_eq!(world.sent_from(1), ["0/1 a", "0/1 a"]);
    assert_eq!(flush(&writer).await, "@0001");
}

async fn b64_a_writer_takes_no_page_for_an_acknowledgement(cx: Context) {
    let pages: [fn(&Sent) -> Reply; 10] = [
        |_| {
            Reply::new(200)
                .header("Content-Type", "text/html")
                .body("<html>log in</html>")
        },
        |_| Reply::new(200).echo(0, 0),
        |_| Reply::new(204),
        |_| Reply::new(200).next_offset("-1"),
        |_| Reply::new(200).next_offset("now"),
        |_| Reply::new(200).next_offset(""),
        |_| Reply::new(201).next_offset("1").echo(0, 0),
        |_| Reply::new(202).next_offset("1").echo(0, 0),
        |_| Reply::new(203).next_offset("1").echo(0, 0),
        |_| Reply::new(206).next_offset("1").echo(0, 0),
    ];
    for page in pages {
        acknowledges_nothing(&cx, page, ErrorKind::Protocol).await;
    }
}

async fn b64_a_writer_follows_no_redirect(cx: Context) {
    fn to(status: u16) -> Reply {
        let reply = Reply::new(status).next_offset("1").echo(0, 0);
        reply.header("Location", "/v1/stream/other")
    }
    let redirects: [fn(&Sent) -> Reply; 5] = [
        |_| to(301),
        |_| to(302),
        |_| to(303),
        |_| to(307),
        |_| to(308),
    ];
    for redirect in redirects {
        acknowledges_nothing(&cx, redirect, ErrorKind::Redirect).await;
    }
}

async fn b64_pages_without_end_fail_the_writer(cx: Context) {
    for (status, fate) in [(200, "Protocol maybe"), (302, "Redirect")] {
        let world = World::new(&cx).await;
        world.answer(move |_| Reply::new(status).header("Location", "/login"));
        let writer = world.writer().retry(attempts(4)).start();
        let receipts = receipts(&writer, &["a"]);
        world.turn(SECOND).await;
        assert_eq!(fates(receipts).await, [fate]);
        assert_eq!(world.sent(), ["0/0 a"; 4]);
        assert_eq!(unsent(&writer).len(), 1);
    }
}

async fn b64_no_echo_is_needed(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|_| Reply::new(200).next_offset("7"));
    let writer = world.writer().start();
    assert_eq!(fates(receipts(&writer, &["a"])).await, ["@7"]);
    assert_eq!(world.sent().len(), 1);
}

async fn b64_the_head_decides_when_the_body_is_lost(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.seq {
        0 => sent.stored().content_length(100).body("cut").cut_after(3),
        _ => sent.stored(),
    });
    let writer = world.writer().start();
    append(&writer, &["a"]);
    assert_eq!(flush(&writer).await, "@0000");
    append(&writer, &["b"]);
    assert_eq!(flush(&writer).await, "@0001");
    assert_eq!(world.sent(), ["0/0 a", "0/1 b"]);

    let [never] = gates();
    let world = World::new(&cx).await;
    world.answer(move |sent| match sent.seq {
        0 => sent.stored().content_length(100).body("hangs").gate(&never),
        _ => sent.stored(),
    });
    let writer = world.writer().start();
    let receipts = receipts(&writer, &["a"]);
    // The head was there before the time is up.
    within(world.clock.received(5)).await;
    world.turn(30 * SECOND).await;
    assert_eq!(fates(receipts).await, ["@0000"]);
    within(world.server.wait_for_abandoned(0)).await;
    append(&writer, &["b"]);
    assert_eq!(flush(&writer).await, "@0001");
    assert_eq!(world.sent(), ["0/0 a", "0/1 b"]);
}

async fn b64_an_endless_body_is_not_read_to_its_end(cx: Context) {
    let world = World::new(&cx).await;
    world.answer(|sent| match sent.seq {
        0 => sent
            .stored()
            .generate(u64::MAX / 2, |_, piece| piece.fill(b' ')),
        _ => sent.stored(),
    });
    let writer = world.writer().start();
    let receipts = receipts(&writer, &["a"]);
    assert_eq!(fates(receipts).await, ["@0000"]);
    within(world.server.wait_for_abandoned(0)).await;
    append(&writer, &["b"]);
    assert_eq!(flush(&writer).await, "@0001");
    assert_eq!(world.sent(), ["0/0 a", "0/1 b"]);
}
