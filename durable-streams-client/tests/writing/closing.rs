//! Closing the stream with a last message, and who closed it; and limits that would let nothing through.

use durable_streams_client::{ErrorKind, WriterBuilder};

use crate::server::Fault;
use crate::world::{World, client, with};

#[test]
fn b47_the_last_message_and_the_end_are_one_request() {
    let (mut world, writer) = World::new(|builder| builder);
    writer.try_append("0").unwrap();
    world.server.faults([Fault::None, Fault::AnswerLost]);
    let mut close = with(&writer, |w| async move { w.close_stream_with("1").await });
    let end = world.run_for(&mut close, 100).expect("hangs").unwrap();
    assert_eq!(end.as_ref().unwrap().as_str(), "00000002");
    assert_eq!(world.server.stored(), [0, 1]);
    assert!(world.server.is_closed() && world.driver.is_none());
    assert!(writer.closed_by_others().is_none());
    let requests = world.server.requests();
    let bodies: Vec<_> = requests.iter().map(|request| &request.body()[..]).collect();
    assert_eq!(
        bodies,
        [&b"[0]"[..], b"[1]", b"[1]"],
        "its answer was lost once"
    );

    // Without a message it is the same end again; another message has no place any more.
    let mut again = with(&writer, |w| async move { w.close_stream().await });
    let same = world.run_for(&mut again, 10).expect("hangs").unwrap();
    assert_eq!(same, end);
    let mut other = with(&writer, |w| async move { w.close_stream_with("2").await });
    let error = world.run_for(&mut other, 10).expect("hangs").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(world.server.requests().len(), 3);
}

#[test]
fn b47_b49_the_last_message_waits_for_room() {
    let (mut world, writer) = World::new(|builder| builder.max_buffer_messages(1));
    writer.try_append("0").unwrap();
    let mut close = with(&writer, |w| async move { w.close_stream_with("1").await });
    assert!(close.poll().is_pending());
    drop(close);
    // Nothing happened yet, so nothing is closed.
    let mut close = with(&writer, |w| async move { w.close_stream_with("2").await });
    world.run_for(&mut close, 100).expect("hangs").unwrap();
    assert_eq!(world.server.stored(), [0, 2]);
}

#[test]
fn b47_a_last_message_that_cannot_be_stored_closes_nothing() {
    let (mut world, writer) = World::new(|builder| builder);
    for bad in ["", "{"] {
        let mut close = with(
            &writer,
            move |w| async move { w.close_stream_with(bad).await },
        );
        let error = world.run_for(&mut close, 10).expect("hangs").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad:?}");
    }
    world.run(async move { writer.append_acked("0").await.unwrap() });
    assert!(!world.server.is_closed());
}

#[test]
fn b42_b47_a_stream_that_others_closed_takes_no_last_message_and_says_who() {
    let (mut world, writer) = World::new(|builder| builder);
    let others = |world: &World| {
        let client = client(&world.server, &world.clock).build().unwrap();
        let stream = client.stream("s").with_content_type("application/json");
        stream.writer("others").into_parts()
    };
    let mut close = with(&writer, |w| async move { w.close_stream().await });
    world.run_for(&mut close, 100).expect("hangs").unwrap();

    let (late, driver) = others(&world);
    world = World::of(world.server, world.clock, driver);
    let mut close = with(&late, |w| async move { w.close_stream().await });
    let end = world.run_for(&mut close, 100).expect("hangs").unwrap();
    assert_eq!(end.unwrap().as_str(), "00000000");
    let error = late.closed_by_others().expect("somebody else did");
    assert_eq!(error.kind(), ErrorKind::StreamClosed);

    let (late, driver) = others(&world);
    world = World::of(world.server, world.clock, driver);
    let mut close = with(&late, |w| async move { w.close_stream_with("1").await });
    let error = world.run_for(&mut close, 100).expect("hangs").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamClosed);
    assert!(!error.may_have_been_applied() && world.server.stored().is_empty());
}

#[test]
fn a_limit_of_zero_is_refused_by_name_before_any_io() {
    type Set = fn(WriterBuilder, usize) -> WriterBuilder;
    let limits: [(&str, Set); 5] = [
        ("max_batch_bytes", WriterBuilder::max_batch_bytes),
        ("max_batch_messages", WriterBuilder::max_batch_messages),
        ("max_in_flight", WriterBuilder::max_in_flight),
        ("max_buffer_bytes", WriterBuilder::max_buffer_bytes),
        ("max_buffer_messages", WriterBuilder::max_buffer_messages),
    ];
    for (name, set) in limits {
        let (mut world, writer) = World::new(|builder| set(builder, 0));
        let error = writer.error().expect(name);
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(name), "{error}");
        world.run(async move { writer.append("1").await.unwrap_err() });
        assert!(world.server.requests().is_empty());
        let (_driven, writer) = World::new(|builder| set(builder, 1));
        assert!(writer.error().is_none(), "{name}");
    }
}
