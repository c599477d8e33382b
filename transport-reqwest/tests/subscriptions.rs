//! Subscriptions over real sockets, against a server that really keeps them: the embedded one, or, with `DURABLE_STREAMS_NPM_ROOT` set to
//! the URL of a running `@durable-streams/server`, that one.

use std::time::Duration;

use durable_streams_conformance::embedded::Server;
use durable_streams_reqwest::{
    ClaimOutcome, Claimed, Client, DurableStream, ErrorKind, LinkType, Live, Offset, Subscription,
    SubscriptionKind, SubscriptionStatus, WakeEvent, client,
};

/// Only what hangs takes this long.
const LIMIT: Duration = Duration::from_secs(60);

/// A subscription of its own, in a server of its own or in one that others share.
struct World {
    client: Client,
    name: String,
    wakes: DurableStream,
    subscription: Subscription,
    _server: Option<Server>,
}

impl World {
    async fn new(test: &str) -> Self {
        let (root, server) = match std::env::var("DURABLE_STREAMS_NPM_ROOT") {
            Ok(root) => (root, None),
            Err(_) => {
                let server = Server::start(Default::default()).await.unwrap();
                (format!("{}/v1/stream", server.url()), Some(server))
            }
        };
        let client = client(&root).unwrap().build().unwrap();
        let name = format!("{test}-{:016x}", fastrand::u64(..));
        let wakes = client.stream(&format!("wakes-{name}"));
        wakes
            .create()
            .content_type("application/json")
            .await
            .unwrap();
        let subscription = client.subscription(&name);
        Self {
            client,
            name,
            wakes,
            subscription,
            _server: server,
        }
    }

    fn path(&self, stream: &str) -> String {
        format!("{}/{stream}", self.name)
    }

    fn stream(&self, stream: &str) -> DurableStream {
        self.client.stream(&self.path(stream))
    }

    /// A stream with something in it.
    async fn filled(&self, stream: &str) -> DurableStream {
        let made = self.stream(stream);
        made.create().content_type("text/plain").await.unwrap();
        made.append("old").await.unwrap();
        made
    }

    /// Subscribed to all its streams.
    async fn subscribed(&self) {
        let pattern = self.path("**");
        let create = self
            .subscription
            .create_pull_wake(format!("wakes-{}", self.name))
            .pattern(pattern);
        assert!(create.await.unwrap().is_created());
    }

    async fn claimed(&self, worker: &str) -> Claimed {
        match self.subscription.claim(worker).await.unwrap() {
            ClaimOutcome::Claimed(claimed) => claimed,
            other => panic!("{other:?}"),
        }
    }

    /// How far a stream is acknowledged.
    async fn acked(&self, stream: &str) -> Option<Offset> {
        let info = self.subscription.read().await.unwrap();
        let path = self.path(stream);
        let link = info.streams.into_iter().find(|link| link.path == path);
        link.expect("it is linked").acked
    }
}

/// Reads what is behind an offset, to the tail: what it is, and the offset to acknowledge.
async fn work(stream: &DurableStream, from: Option<Offset>) -> (String, Offset) {
    let mut reader = stream.read().from(from).start();
    let (mut text, mut done) = (String::new(), None);
    while let Some(batch) = within(reader.next()).await.unwrap() {
        text += batch.text().unwrap();
        // A batch within an answer has the offset before it: the one behind it comes with the last.
        done = batch.checkpoint().offset().cloned();
    }
    (text, done.expect("an offset"))
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, what).await.expect("this hangs")
}

#[tokio::test]
async fn b69_a_subscription_is_made_confirmed_changed_and_ended() {
    let world = World::new("made").await;
    let tail = world.filled("a").await.head().await.unwrap().next_offset;
    let it = &world.subscription;
    let wakes = format!("wakes-{}", world.name);
    let create = |lease| {
        it.create_pull_wake(&wakes)
            .pattern(world.path("*"))
            .streams([world.path("named"), world.path("other")])
            .lease(Duration::from_secs(lease))
            .description("for a test")
    };
    let created = create(5).await.unwrap();
    assert!(created.is_created());
    assert!(!create(5).await.unwrap().is_created());
    let error = create(6).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SubscriptionExists, "{error}");

    let info = it.read().await.unwrap();
    assert_eq!(info.id, world.name);
    assert_eq!(info.kind, SubscriptionKind::PullWake { wake_stream: wakes });
    assert_eq!(info.pattern, Some(world.path("*")));
    assert_eq!(info.lease, Some(Duration::from_secs(5)));
    assert_eq!(info.status, SubscriptionStatus::Active);
    assert_eq!(info.description.as_deref(), Some("for a test"));
    let kinds = |info: &durable_streams_reqwest::SubscriptionInfo| {
        let mut kinds: Vec<_> = info
            .streams
            .iter()
            .map(|link| (link.path.clone(), link.link_type))
            .collect();
        kinds.sort_by(|a, b| a.0.cmp(&b.0));
        kinds
    };
    let (glob, explicit) = (LinkType::Glob, LinkType::Explicit);
    let named = [
        (world.path("named"), explicit),
        (world.path("other"), explicit),
    ];
    let all = [&[(world.path("a"), glob)], &named[..]].concat();
    assert_eq!(kinds(&info), all);
    // What was there is no work.
    assert_eq!(world.acked("a").await, Some(tail));

    it.link([world.path("a"), world.path("late")])
        .await
        .unwrap();
    it.link([world.path("a")]).await.unwrap();
    it.unlink(world.path("other")).await.unwrap();
    it.unlink(world.path("never")).await.unwrap();
    let changed = [world.path("a"), world.path("late"), world.path("named")];
    let linked = it.read().await.unwrap();
    assert_eq!(kinds(&linked), changed.map(|path| (path, explicit)));

    it.delete().await.unwrap();
    let error = it.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SubscriptionNotFound);
    let error = it.claim("w").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SubscriptionNotFound);
}

#[tokio::test]
async fn b69_a_wake_is_announced_claimed_worked_on_and_acknowledged() {
    let world = World::new("worked").await;
    let stream = world.filled("a").await;
    world.subscribed().await;
    assert_eq!(
        world.subscription.claim("w1").await.unwrap(),
        ClaimOutcome::NothingPending
    );
    let tail = stream.append("new").await.unwrap().next_offset;

    let mut wakes = world.wakes.read().live(Live::LongPoll).start();
    let event = loop {
        let batch = within(wakes.next()).await.unwrap().expect("it stays open");
        let mut events = batch.messages().iter().filter_map(WakeEvent::parse);
        if let Some(event) = events.next() {
            break event;
        }
    };
    assert_eq!(event.subscription_id, world.name);
    assert_eq!(event.stream, Some(world.path("a")));
    assert!(event.at.is_some());

    let claimed = world.claimed("w1").await;
    assert_eq!(claimed.wake.generation, event.generation);
    assert_eq!(claimed.lease, Some(Duration::from_secs(30)));
    let row = &claimed.streams[0];
    assert_eq!(
        (&row.path, row.link_type),
        (&world.path("a"), LinkType::Glob)
    );
    assert_eq!(row.tail.as_ref(), Some(&tail));
    assert!(row.has_pending);

    let ClaimOutcome::AlreadyClaimed(held) = world.subscription.claim("w2").await.unwrap() else {
        panic!("it is held");
    };
    assert_eq!(held.current_holder.as_deref(), Some("w1"));
    assert_eq!(held.generation, Some(claimed.wake.generation));
    assert!(!held.lost_answer);

    let (text, offset) = work(&stream, row.acked.clone()).await;
    assert_eq!(text, "new");
    let it = &world.subscription;
    it.heartbeat(&claimed.wake).await.unwrap();
    let acked = it
        .ack(&claimed.wake)
        .stream(world.path("a"), offset.clone());
    assert!(!acked.await.unwrap().next_wake);
    assert_eq!(world.acked("a").await, Some(offset.clone()));
    let error = it
        .ack(&claimed.wake)
        .stream(world.path("nowhere"), offset)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AckRejected, "{error}");
    assert!(!it.ack(&claimed.wake).done(true).await.unwrap().next_wake);
    assert_eq!(it.claim("w2").await.unwrap(), ClaimOutcome::NothingPending);
}

#[tokio::test]
async fn b70_what_is_over_is_fenced() {
    let world = World::new("fenced").await;
    let stream = world.filled("a").await;
    world.subscribed().await;
    stream.append("new").await.unwrap();
    let first = world.claimed("w1").await;
    world.subscription.release(&first.wake).await.unwrap();
    let second = world.claimed("w2").await;
    assert!(second.wake.generation > first.wake.generation);
    assert_ne!(second.wake.id, first.wake.id);
    for error in [
        world
            .subscription
            .ack(&first.wake)
            .done(true)
            .await
            .unwrap_err(),
        world.subscription.release(&first.wake).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
        assert!(!error.may_have_been_applied());
    }
    // Not done, so that the same work is there again.
    let acked = world
        .subscription
        .ack(&second.wake)
        .done(true)
        .await
        .unwrap();
    assert!(acked.next_wake);
    let third = world.claimed("w3").await;
    assert!(third.streams.iter().any(|stream| stream.has_pending));
    world.subscription.delete().await.unwrap();
    let error = world.subscription.ack(&third.wake).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SubscriptionNotFound, "{error}");
}

#[tokio::test]
async fn b69_a_stream_that_comes_later_is_worked_on_from_its_beginning() {
    let world = World::new("later").await;
    world.subscribed().await;
    world.filled("deep/er one").await;
    let claimed = world.claimed("w1").await;
    let row = &claimed.streams[0];
    assert!(row.has_pending);
    let (text, offset) = work(&world.client.stream(&row.path), row.acked.clone()).await;
    assert_eq!(text, "old");
    let done = world
        .subscription
        .ack(&claimed.wake)
        .stream(&row.path, offset);
    done.done(true).await.unwrap();
    assert_eq!(
        world.subscription.claim("w1").await.unwrap(),
        ClaimOutcome::NothingPending
    );
}

#[tokio::test]
async fn b70_a_lease_that_ran_out_is_somebody_elses() {
    let world = World::new("leased").await;
    let stream = world.filled("a").await;
    let create = world
        .subscription
        .create_pull_wake(format!("wakes-{}", world.name));
    let create = create
        .streams([world.path("a")])
        .lease(Duration::from_secs(1));
    create.await.unwrap();
    stream.append("new").await.unwrap();
    let first = world.claimed("w1").await;
    let second = within(async {
        loop {
            match world.subscription.claim("w2").await.unwrap() {
                ClaimOutcome::Claimed(claimed) => return claimed,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    assert!(second.wake.generation > first.wake.generation);
    let error = world.subscription.heartbeat(&first.wake).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
}

#[tokio::test]
async fn b69_a_webhook_subscription_says_what_it_is_signed_with() {
    let world = World::new("hooked").await;
    let create = world
        .subscription
        .create_webhook("https://hooks.example.com/x?offset=1");
    let created = create.streams([world.path("a")]).await.unwrap();
    let SubscriptionKind::Webhook { url, signing } = &created.info().kind else {
        panic!("{created:?}");
    };
    assert_eq!(url, "https://hooks.example.com/x?offset=1");
    if let Some(kid) = signing.as_ref().and_then(|signing| signing.kid.clone()) {
        assert!(kid.is_ascii());
    }
    // It is the server that says what it does not send to.
    let local = world
        .client
        .subscription("local")
        .create_webhook("https://10.0.0.1/x");
    let error = local.streams([world.path("a")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest, "{error}");
}
