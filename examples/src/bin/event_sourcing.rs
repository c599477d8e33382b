//! State that is made of events: a shopping cart that is replayed, decided upon and appended to, by two clerks at once.
//!
//! An event is appended under its number as `Stream-Seq`. A decision that was made on an old state is refused, and made again on the new
//! one. A snapshot with its checkpoint spares the replay.

use std::collections::BTreeMap;

use durable_streams_examples::{connect, fresh};
use durable_streams_reqwest::{BoxError, Checkpoint, DurableStream, ErrorKind};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Added { item: String, pieces: u32 },
    Removed { item: String },
}

/// An event as it is stored. By its id whoever appended it knows it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Recorded {
    id: u64,
    event: Event,
}

/// What the events say. It is also its own snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: BTreeMap<String, u32>,
    /// How many events it is made of.
    version: u64,
    /// Where they end.
    checkpoint: Option<Checkpoint>,
}

impl Cart {
    /// Applies an event: no decision, no failure, the same again every time.
    fn apply(&mut self, event: Event) {
        self.version += 1;
        match event {
            Event::Added { item, pieces } => *self.items.entry(item).or_default() += pieces,
            Event::Removed { item } => {
                self.items.remove(&item);
            }
        }
    }

    /// Replays what is new, and gives its ids.
    async fn catch_up(&mut self, events: &DurableStream) -> Result<Vec<u64>, BoxError> {
        let mut ids = Vec::new();
        let mut reader = events.read().from(self.checkpoint.clone()).start();
        while let Some(batch) = reader.next().await? {
            for recorded in batch.json() {
                let Recorded { id, event } = recorded?;
                self.apply(event);
                ids.push(id);
            }
            self.checkpoint = Some(batch.checkpoint().clone());
        }
        Ok(ids)
    }

    /// Appends the event that is decided on this state, or on a newer one where somebody was faster. Says how often that was so.
    async fn decide(
        &mut self,
        events: &DurableStream,
        decision: impl Fn(&Self) -> Result<Event, BoxError>,
    ) -> Result<u32, BoxError> {
        let mut refused = 0;
        loop {
            // A number that JSON has everywhere: servers may read it as a double.
            let id = fastrand::u64(..1 << 53);
            let event = decision(self)?;
            let seq = format!("{:020}", self.version + 1);
            match events.append_json(&Recorded { id, event }).seq(seq).await {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::SequenceConflict => {}
                Err(error) => return Err(error.into()),
            }
            // A conflict can be with one's own event, when the answer to it was lost and it was sent again.
            if self.catch_up(events).await?.contains(&id) {
                return Ok(refused);
            }
            refused += 1;
        }
    }
}

/// Adds pieces of an item, never more than ten of one.
async fn clerk(events: DurableStream, item: &'static str) -> Result<u32, BoxError> {
    let mut cart = Cart::default();
    let mut refused = 0;
    for _ in 0..10 {
        let decision = |cart: &Cart| match cart.items.get(item) {
            Some(10..) => Err(BoxError::from("ten are enough")),
            _ => Ok(Event::Added {
                item: item.into(),
                pieces: 1,
            }),
        };
        refused += cart.decide(&events, decision).await?;
    }
    Ok(refused)
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (client, _server) = connect().await?;
    let events = client.stream(&fresh("cart"));
    events.create().content_type("application/json").await?;

    let clerks = ["apples", "pears"].map(|item| tokio::spawn(clerk(events.clone(), item)));
    let mut refused = 0;
    for clerk in clerks {
        refused += clerk.await??;
    }
    println!("clerks     were refused {refused} times, and decided anew");

    let mut cart = Cart::default();
    cart.catch_up(&events).await?;
    println!("replayed   {} events: {:?}", cart.version, cart.items);
    let snapshot = serde_json::to_string(&cart)?;

    cart.decide(&events, |_| {
        Ok(Event::Removed {
            item: "pears".into(),
        })
    })
    .await?;

    // Tomorrow: the snapshot, and what came after it.
    let mut later: Cart = serde_json::from_str(&snapshot)?;
    later.catch_up(&events).await?;
    println!("restored   {} events: {:?}", later.version, later.items);
    if later != cart || cart.items != BTreeMap::from([("apples".to_owned(), 10)]) {
        return Err("the events do not say the same to everybody".into());
    }
    events.delete().await?;
    println!("the same   from the snapshot and from the beginning");
    Ok(())
}
