//! Auto-claim where the network loses requests: what was acknowledged is stored.

use durable_streams_client::{FailureKind, Writer};

use crate::server::{Fault, Server};
use crate::world::{World, client};

/// A writer of the same id, on the same server as those before it.
fn successor(server: &Server) -> (World, Writer) {
    let (_, clock) = World::parts();
    let client = client(server, &clock).build().unwrap();
    let stream = client.stream("s").with_content_type("application/json");
    let (writer, driver) = stream.writer("w").auto_claim(true).into_parts();
    (World::of(server.clone(), clock, driver), writer)
}

fn run(server: &Server, messages: std::ops::Range<u64>, faults: &[Fault]) {
    let (mut world, writer) = successor(server);
    server.faults(faults.iter().copied());
    for n in messages {
        let clone = writer.clone();
        let message = n.to_string();
        let acked = world.run(async move { clone.append_acked(message).await });
        acked.unwrap();
        assert!(
            server.stored().contains(&n),
            "{n} was acknowledged, and is not in the log: {:?}",
            server.stored()
        );
    }
}

#[test]
fn b62_a_first_request_that_is_lost_is_not_acknowledged_by_a_predecessors_epoch() {
    let lost = [
        Fault::Fails(FailureKind::Interrupted),
        Fault::Fails(FailureKind::Timeout),
        Fault::Status(502),
    ];
    for before in 1..4 {
        for fault in lost {
            let server = Server::default();
            run(&server, 0..before, &[]);
            // The predecessor is gone. The first request of the next one does not arrive.
            run(&server, 10..13, &[fault]);
            run(&server, 20..23, &[fault, fault]);
        }
    }
}

#[test]
fn b45_a_claim_whose_answer_was_lost_is_not_made_again_under_another_epoch() {
    let server = Server::default();
    run(&server, 0..3, &[]);
    run(&server, 10..13, &[Fault::None, Fault::AnswerLost]);
    let epochs: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.headers()["producer-epoch"].clone())
        .collect();
    assert_eq!(epochs[3..6], ["0", "1", "1"]);
    let stored = server.stored();
    assert_eq!(stored, [0, 1, 2, 10, 11, 12]);
}

#[test]
fn b44_what_was_in_flight_when_it_was_fenced_is_queued_again_in_order() {
    let (mut world, writer) = World::new(|builder| builder.auto_claim(true).max_batch_messages(1));
    writer.try_append("0").unwrap();
    let clone = writer.clone();
    world.run(async move { clone.flush().await }).unwrap();
    world.server.always(Fault::Held);
    for n in 1..9_u64 {
        writer.try_append(n.to_string()).unwrap();
    }
    world.settle();
    assert_eq!(world.server.in_flight(), 5);
    world.server.fence("w", 7);
    world.server.release();
    let clone = writer.clone();
    world.run(async move { clone.flush().await }).unwrap();
    assert_eq!((writer.epoch(), writer.next_seq()), (8, 8));
    assert_eq!(world.server.stored(), (0..9).collect::<Vec<_>>());
    let claims = world.server.requests().into_iter().filter(|request| {
        request.headers()["producer-epoch"] == "8" && request.headers()["producer-seq"] == "0"
    });
    assert_eq!(claims.count(), 1, "one claim, alone");
}
