//! A writer with nothing to do does nothing: no wake-up, no sleep, no poll.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use durable_streams_client::{Error, ErrorKind, Offset, Writer, WriterDriver};

use crate::by_hand::Wakes;
use crate::server::Fault;
use crate::world::{Task, World, client, with};

#[test]
fn b46_an_idle_writer_wakes_nobody() {
    let (mut world, writer) = World::new(|builder| builder);
    world.settle();
    let driver = world.driver.as_ref().unwrap();
    let before = (driver.wakes.count(), driver.polls, world.clock.sleeps());
    assert_eq!(before, (0, 1, 0), "before it has anything to do");

    let end = world.run(with_flush(&writer));
    assert_eq!(end.unwrap(), None, "nothing was ever stored");
    writer.try_append("1").unwrap();
    world.run(with_flush(&writer)).unwrap();
    world.settle();
    let driver = world.driver.as_ref().unwrap();
    let before = (driver.wakes.count(), driver.polls, world.clock.sleeps());
    world.settle();
    let driver = world.driver.as_ref().unwrap();
    let after = (driver.wakes.count(), driver.polls, world.clock.sleeps());
    assert_eq!(before, after);
    assert!(!driver.is_woken());
}

async fn flush(writer: Writer) -> Result<Option<Offset>, Error> {
    Ok(writer.flush().await?.next_offset)
}

fn with_flush(writer: &Writer) -> impl Future<Output = Result<Option<Offset>, Error>> + 'static {
    flush(writer.clone())
}

#[test]
fn b46_a_flush_parks_until_what_was_before_it_is_stored() {
    let (mut world, writer) = World::new(|builder| builder.max_batch_messages(1));
    world.server.always(Fault::Held);
    for n in ["0", "1", "2"] {
        writer.try_append(n).unwrap();
    }
    let mut parked = with(&writer, flush);
    assert!(parked.poll().is_pending());
    writer.try_append("3").unwrap();
    world.settle();
    let driver = world.driver.as_ref().unwrap();
    let (wakes, polls) = (driver.wakes.count(), driver.polls);
    assert!(polls < 20, "{polls} polls to send what waits");
    for _ in 0..100 {
        world.settle();
    }
    let driver = world.driver.as_ref().unwrap();
    assert_eq!((driver.wakes.count(), driver.polls), (wakes, polls));
    assert_eq!(parked.wakes.count(), 0);

    world.server.release();
    let end = world.run_for(&mut parked, 2).unwrap().unwrap();
    assert_eq!((parked.wakes.count(), parked.polls), (1, 2));
    let stored = world.server.stored();
    assert!(stored.starts_with(&[0, 1, 2]), "{stored:?}");
    assert!(end.unwrap().as_str() >= "00000003");
}

#[test]
fn b50_messages_that_join_a_batch_wake_nobody() {
    let (mut world, writer) = World::new(|builder| builder.linger(Duration::from_secs(3600)));
    world.settle();
    writer.try_append("0").unwrap();
    world.settle();
    let driver = world.driver.as_ref().unwrap();
    assert_eq!((driver.wakes.count(), driver.polls), (1, 2));
    for _ in 1..999 {
        writer.try_append("1").unwrap();
    }
    let driver = world.driver.as_ref().unwrap();
    assert_eq!(
        driver.wakes.count(),
        1,
        "they wait for the first one's time"
    );
    assert_eq!(world.clock.sleeps(), 1);
    writer.try_append("2").unwrap();
    assert!(
        world.driver.as_ref().unwrap().is_woken(),
        "the batch is full"
    );
    world.settle();
    assert_eq!(world.server.requests().len(), 1);
    assert_eq!(world.server.stored().len(), 1000);
}

#[test]
fn the_driver_can_move_between_executors() {
    let (server, clock) = World::parts();
    let client = client(&server, &clock).build().unwrap();
    let stream = client.stream("s").with_content_type("application/json");
    let (writer, mut driver) = stream.writer("w").linger(Duration::ZERO).into_parts();
    server.always(Fault::Held);
    let (first, second) = (Arc::<Wakes>::default(), Arc::<Wakes>::default());
    let waker = Waker::from(Arc::clone(&first));
    writer.try_append("1").unwrap();
    for _ in 0..5 {
        let polled = std::pin::Pin::new(&mut driver).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    let waker = Waker::from(Arc::clone(&second));
    let mut driver = std::thread::spawn(move || {
        let polled = std::pin::Pin::new(&mut driver).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        driver
    })
    .join()
    .unwrap();
    let before = first.count();
    // An answer, and a message.
    server.release();
    assert!(second.count() > 0);
    let waker = Waker::from(Arc::clone(&second));
    while server.in_flight() > 0 {
        assert!(
            std::pin::Pin::new(&mut driver)
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    let woken = second.count();
    writer.try_append("2").unwrap();
    assert!(second.count() > woken);
    let _ = before;
    let mut world = World::of(server, clock, driver);
    world.run(with_flush(&writer)).unwrap();
    assert_eq!(world.server.stored(), [1, 2]);
}

/// Looks at the writer whenever it is woken, as an executor may that runs a task where it wakes it.
struct Looks(Writer);

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let _ = self.0.pending();
    }
}

/// Runs a test that would stand still for ever on a thread of its own.
fn within(test: impl FnOnce() + Send + 'static) {
    let (done, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match wait.recv_timeout(Duration::from_secs(60)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it stands still"),
        _ => thread.join().unwrap(),
    }
}

#[test]
fn whoever_is_woken_may_use_the_writer_at_once() {
    within(|| {
        let (mut world, writer) = World::new(|builder| builder.max_buffer_messages(1));
        let waker = Waker::from(Arc::new(Looks(writer.clone())));
        let cx = &mut Context::from_waker(&waker);
        let clone = writer.clone();
        let receipt = world
            .run(async move { clone.append_with_receipt("1").await })
            .unwrap();
        let mut receipt = Box::pin(receipt);
        let mut flush = Box::pin(with_flush(&writer));
        let mut close = Box::pin(writer.close());
        let mut full = Box::pin(writer.append("2"));
        assert!(receipt.as_mut().poll(cx).is_pending());
        assert!(flush.as_mut().poll(cx).is_pending());
        assert!(full.as_mut().poll(cx).is_pending());
        assert!(close.as_mut().poll(cx).is_pending());
        world.settle();
        while world.driver.is_some() {
            assert!(world.step());
        }
        assert!(receipt.as_mut().poll(cx).is_ready());
        assert!(flush.as_mut().poll(cx).is_ready());
        assert!(close.as_mut().poll(cx).is_ready());
        assert!(full.as_mut().poll(cx).is_ready());
    });
}

/// An executor that is gone drops a task where it is woken.
struct DropsTask(std::sync::Mutex<Option<WriterDriver>>);

impl Wake for DropsTask {
    fn wake(self: Arc<Self>) {
        let task = self.0.lock().unwrap().take();
        drop(task);
    }
}

#[test]
fn a_driver_that_is_dropped_where_it_is_woken_ends_the_writer() {
    within(|| {
        let (server, clock) = World::parts();
        let client = client(&server, &clock).build().unwrap();
        let stream = client.stream("s").with_content_type("application/json");
        let (writer, mut driver) = stream.writer("w").into_parts();
        let task = Arc::new(DropsTask(std::sync::Mutex::new(None)));
        let waker = Waker::from(Arc::clone(&task));
        assert!(
            std::pin::Pin::new(&mut driver)
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        *task.0.lock().unwrap() = Some(driver);
        writer.try_append("1").ok();
        assert_eq!(writer.error().unwrap().kind(), ErrorKind::Stopped);
    });
}

#[test]
fn waiting_for_the_end_holds_one_waker_however_often_it_is_asked() {
    let (mut world, writer) = World::new(|builder| builder);
    world.server.always(Fault::Held);
    writer.try_append("1").unwrap();
    let mut closing = with(&writer, |writer| async move { writer.close().await });
    for _ in 0..1000 {
        assert!(closing.poll().is_pending());
    }
    assert!(
        Arc::strong_count(&closing.wakes) < 10,
        "{} wakers are held",
        Arc::strong_count(&closing.wakes)
    );
    let abandoned: Vec<_> = (0..1000)
        .map(|_| {
            let mut task: Task<_> = with(&writer, |writer| async move { writer.close().await });
            assert!(task.poll().is_pending());
            Arc::clone(&task.wakes)
        })
        .collect();
    let held = abandoned
        .iter()
        .filter(|wakes| Arc::strong_count(wakes) > 1);
    assert_eq!(held.count(), 0, "wakers of futures that were dropped");
    world.server.release();
    world.run_for(&mut closing, 2000).unwrap().unwrap();
}
