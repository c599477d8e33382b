//! What a writer's requests carry, and where its driver comes from.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use durable_streams_client::{BoxFuture, ErrorKind, Extras, RefusedReason};

use crate::server::Fault;
use crate::world::{Task, World, client};

#[test]
fn b51_headers_and_parameters_of_client_stream_and_writer_go_on_every_request() {
    let (server, clock) = World::parts();
    let client = client(&server, &clock)
        .bearer_token("s3cret")
        .header("x-client", "c")
        .header("x-app", "client")
        .param("tenant", "a b")
        .build()
        .unwrap();
    let stream = client
        .stream("s")
        .with_content_type("application/json")
        .with_header("x-app", "stream")
        .with_param("shard", "1");
    let builder = stream
        .writer("w")
        .header("x-app", "writer")
        .header("x-writer", "w")
        .param("zone", "z");
    assert!(!format!("{builder:?}").contains("s3cret"));
    let (writer, driver) = builder.into_parts();
    let mut world = World::of(server, clock, driver);
    world.server.faults([Fault::AnswerLost, Fault::Status(503)]);
    writer.try_append("1").unwrap();
    world
        .run({
            let writer = writer.clone();
            async move { writer.close_stream().await }
        })
        .unwrap();
    let requests = world.server.requests();
    assert_eq!(
        requests.len(),
        4,
        "the batch three times, and the stream's close"
    );
    for request in &requests {
        let headers = request.headers();
        assert_eq!(headers["authorization"], "Bearer s3cret");
        assert_eq!(headers["x-client"], "c");
        assert_eq!(headers["x-app"], "writer", "the nearest wins");
        assert_eq!(headers["x-writer"], "w");
        assert_eq!(headers["producer-id"], "w");
        assert_eq!(
            request.uri().query(),
            Some("shard=1&tenant=a%20b&zone=z"),
            "sorted"
        );
    }
    assert!(!format!("{writer:?}").contains("s3cret"));
}

#[test]
fn b51_the_protocols_headers_are_not_for_the_application() {
    for (name, value) in [
        ("producer-epoch", "7"),
        ("producer-seq", "7"),
        ("producer-id", "me"),
        ("content-type", "text/plain"),
        ("stream-closed", "true"),
        ("bad header", "x"),
        ("x-bad", "a\nb"),
    ] {
        let (server, clock) = World::parts();
        let client = client(&server, &clock).build().unwrap();
        let stream = client.stream("s").with_content_type("application/json");
        let (writer, driver) = stream.writer("w").header(name, value).into_parts();
        let mut world = World::of(server, clock, driver);
        match writer.try_append("1") {
            Err(refused) => {
                assert_eq!(refused.message, "1");
                let RefusedReason::Error(error) = refused.reason else {
                    panic!("{name}")
                };
                assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name}");
                assert!(world.server.requests().is_empty());
            }
            // Where it is not refused, the protocol's own value is what is sent.
            Ok(()) => {
                world.run(async move { writer.flush().await }).unwrap();
                let sent = world.server.requests()[0].headers().clone();
                assert_ne!(sent.get(name).map(|v| v.as_bytes()), Some(value.as_bytes()));
                assert_eq!(sent.get_all(name).iter().count(), 1, "{name}");
            }
        }
    }
}

#[test]
fn b55_a_refused_batch_is_sent_again_with_renewed_credentials() {
    let (server, clock) = World::parts();
    let renewals = Arc::new(AtomicU32::new(0));
    let hook = {
        let renewals = Arc::clone(&renewals);
        move || {
            let n = renewals.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                let mut extras = Extras::new();
                extras.set_header("authorization", &format!("Bearer {n}"))?;
                Ok(extras)
            }
        }
    };
    let client = client(&server, &clock)
        .bearer_token("0")
        .refresh(hook)
        .build()
        .unwrap();
    let stream = client.stream("s").with_content_type("application/json");
    let (writer, driver) = stream.writer("w").max_batch_messages(1).into_parts();
    let mut world = World::of(server, clock, driver);
    let faults = [
        Fault::Status(401),
        Fault::None,
        Fault::None,
        Fault::Status(403),
    ];
    world.server.faults(faults);
    for n in ["0", "1", "2"] {
        writer.try_append(n).unwrap();
        let writer = writer.clone();
        world.run(async move { writer.flush().await }).unwrap();
    }
    let sent: Vec<_> = world
        .server
        .requests()
        .iter()
        .map(|r| {
            let header = |name| r.headers()[name].to_str().unwrap().to_owned();
            (header("authorization"), header("producer-seq"))
        })
        .collect();
    let expected = [("0", 0), ("1", 0), ("1", 1), ("1", 2), ("2", 2)];
    assert_eq!(
        sent,
        expected.map(|(token, seq)| (format!("Bearer {token}"), seq.to_string()))
    );
    assert_eq!(world.server.stored(), [0, 1, 2]);
    assert_eq!(renewals.load(Ordering::SeqCst), 2);

    // What renewing does not help is final.
    world
        .server
        .faults([Fault::Status(401), Fault::Status(401)]);
    writer.try_append("3").unwrap();
    let clone = writer.clone();
    let error = world.run(async move { clone.flush().await }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(writer.take_unsent().len(), 1);
}

#[test]
fn a_client_without_a_spawner_runs_a_writer_by_its_parts_and_says_so() {
    let (server, clock) = World::parts();
    let client = client(&server, &clock).build().unwrap();
    let stream = client.stream("s").with_content_type("application/json");
    let writer = stream.writer("w").start();
    let refused = writer.try_append("1").unwrap_err();
    assert_eq!(refused.message, "1");
    assert!(refused.to_string().contains("spawner"), "{refused}");
    assert!(refused.to_string().contains("into_parts"), "{refused}");
    for mut call in [
        Task::new({
            let writer = writer.clone();
            async move { writer.flush().await.map(|_| ()) }
        }),
        Task::new({
            let writer = writer.clone();
            async move { writer.close().await.map(|_| ()) }
        }),
        Task::new({
            let writer = writer.clone();
            async move { writer.close_stream().await.map(|_| ()) }
        }),
    ] {
        let std::task::Poll::Ready(Err(error)) = call.poll() else {
            panic!("it waits for nothing")
        };
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("spawner"), "{error}");
    }
    let error = writer.error().unwrap();
    assert!(error.to_string().contains("spawner"), "{error}");

    let (writer, driver) = stream.writer("w").into_parts();
    let mut world = World::of(server, clock, driver);
    writer.try_append("1").unwrap();
    world.run(async move { writer.flush().await }).unwrap();
    assert_eq!(world.server.stored(), [1]);
}

#[test]
fn a_spawner_gets_the_driver_and_nothing_happens_before_it_runs() {
    let (server, clock) = World::parts();
    let spawned: Arc<Mutex<Vec<BoxFuture<'static, ()>>>> = Arc::default();
    let spawner = {
        let spawned = Arc::clone(&spawned);
        move |future| spawned.lock().unwrap().push(future)
    };
    let client = client(&server, &clock).spawner(spawner).build().unwrap();
    let stream = client.stream("s").with_content_type("application/json");
    let writer = stream.writer("w").start();
    writer.try_append("1").unwrap();
    assert!(server.requests().is_empty());
    let future = spawned.lock().unwrap().pop().unwrap();
    assert!(spawned.lock().unwrap().is_empty(), "one task for a writer");
    let mut driver = Task::new(future);
    let mut flush = Task::new({
        let writer = writer.clone();
        async move { writer.flush().await }
    });
    assert!(flush.poll().is_pending());
    while driver.is_woken() {
        assert!(driver.poll().is_pending());
    }
    assert!(flush.is_woken() && flush.poll().is_ready());
    assert_eq!(server.stored(), [1]);

    // A spawner that drops what it gets is a driver that is gone.
    let client = crate::world::client(&server, &clock)
        .spawner(drop)
        .build()
        .unwrap();
    let writer = client.stream("s").writer("w").start();
    assert_eq!(writer.error().unwrap().kind(), ErrorKind::Stopped);
}
