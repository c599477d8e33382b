//! A stream of numbers over scripted answers, and handlers that note what they were given.

use std::sync::{Arc, Mutex};

use durable_streams_client::{
    Batch, BoxError, Checkpoint, CheckpointStore, Client, ClientBuilder, ConsumerBuilder, Live,
    MemoryCheckpoints,
};

use crate::common::{Reply, Script, Still, answer, scripted, scripted_by};

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
pub(crate) const TAIL: (&str, &str) = ("stream-up-to-date", "true");
pub(crate) const CLOSED: (&str, &str) = ("stream-closed", "true");
pub(crate) const NAME: &str = "billing";

/// An answer up to this offset; `more` says whether it is the tail or the end.
pub(crate) fn page(
    offset: &'static str,
    body: &'static str,
    more: &[(&'static str, &'static str)],
) -> Reply {
    let mut headers = vec![JSON, ("stream-next-offset", offset)];
    headers.extend(more);
    answer(200, &headers, body)
}

/// Three pages of `[1,2]`, `[3]` and `[4]`, and the end.
pub(crate) fn four() -> Vec<Reply> {
    vec![
        page("2", "[1,2]", &[]),
        page("3", "[3]", &[]),
        page("4", "[4]", &[CLOSED]),
    ]
}

/// An answer that never comes.
pub(crate) fn silence() -> Reply {
    page("9", "", &[]).hang()
}

/// A client in whose background is tokio.
pub(crate) fn client(answers: impl IntoIterator<Item = Reply>) -> (Client, Script) {
    let (builder, script) = scripted(answers);
    (in_tokio(builder), script)
}

fn in_tokio(builder: ClientBuilder) -> Client {
    let builder = builder.spawner(|work| {
        tokio::spawn(work);
    });
    builder.build().unwrap()
}

/// A consumer over these answers, with this store.
pub(crate) fn consumer(
    answers: impl IntoIterator<Item = Reply>,
    store: &MemoryCheckpoints,
) -> (ConsumerBuilder, Script) {
    let (client, script) = client(answers);
    let consumer = client.stream("s").read().consumer(NAME);
    (consumer.store(store.clone()), script)
}

/// A live one, in a world where no time passes: what is silent stays so.
pub(crate) fn live(
    answers: impl IntoIterator<Item = Reply>,
    store: &MemoryCheckpoints,
) -> (ConsumerBuilder, Script) {
    let (builder, script) = scripted_by(Still, answers);
    let read = in_tokio(builder).stream("s").read().live(Live::LongPoll);
    (read.consumer(NAME).store(store.clone()), script)
}

pub(crate) fn numbers(batch: &Batch) -> Vec<u64> {
    batch.json().map(Result::unwrap).collect()
}

pub(crate) fn committed(store: &MemoryCheckpoints) -> Option<String> {
    store.get(NAME).map(|checkpoint| checkpoint.to_string())
}

/// What handlers note, shared with the test.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(crate) fn add(&self, note: impl Into<String>) {
        self.0.lock().unwrap().push(note.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A store whose first calls fail, and that notes what it does.
#[derive(Clone)]
pub(crate) struct Failing {
    pub(crate) kept: MemoryCheckpoints,
    pub(crate) notes: Notes,
    pub(crate) loads: Arc<Mutex<u32>>,
    pub(crate) saves: Arc<Mutex<u32>>,
}

impl Failing {
    /// It fails so many times to load, and to save.
    pub(crate) fn new(loads: u32, saves: u32) -> Self {
        Self {
            kept: MemoryCheckpoints::new(),
            notes: Notes::default(),
            loads: Arc::new(Mutex::new(loads)),
            saves: Arc::new(Mutex::new(saves)),
        }
    }
}

impl std::fmt::Debug for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failing")
    }
}

fn fails(left: &Mutex<u32>) -> bool {
    let mut left = left.lock().unwrap();
    let fails = *left > 0;
    *left = left.saturating_sub(1);
    fails
}

#[async_trait::async_trait]
impl CheckpointStore for Failing {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, BoxError> {
        if fails(&self.loads) {
            return Err("the disk is on fire".into());
        }
        self.kept.load(consumer).await
    }

    async fn save(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), BoxError> {
        if fails(&self.saves) {
            self.notes.add(format!("not saved {checkpoint}"));
            return Err("the disk is full".into());
        }
        self.notes.add(format!("saved {checkpoint}"));
        self.kept.save(consumer, checkpoint).await
    }
}
