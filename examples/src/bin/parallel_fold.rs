//! A fold over a stream by several workers at once: each has the keys that are its own, and the checkpoint is right all the same.
//!
//! A batch is cut by key, every worker folds its part, and the batch counts as handled when all are done: the checkpoint never says more
//! than what every worker has seen. Totals and checkpoint are written as one file, so that they always fit together.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use durable_streams_examples::{connect, fresh};
use durable_streams_reqwest::{
    Batch, BoxError, Checkpoint, Decision, DurableStream, Error, ErrorKind, Handler,
};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

const WORKERS: usize = 4;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Visit {
    page: String,
    seconds: u64,
}

type Totals = HashMap<String, u64>;

/// What is kept: the totals, and up to where they count.
#[derive(Default, Serialize, Deserialize)]
struct Snapshot {
    totals: Totals,
    checkpoint: Option<Checkpoint>,
}

impl Snapshot {
    fn load(path: &Path) -> Result<Self, BoxError> {
        match fs::read(path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Written beside the old one and put in its place: it is there whole, or not at all.
    fn store(&self, path: &Path) -> Result<(), BoxError> {
        let beside = path.with_extension("new");
        fs::write(&beside, serde_json::to_vec(self)?)?;
        fs::File::open(&beside)?.sync_all()?;
        fs::rename(&beside, path)?;
        Ok(())
    }
}

/// What a worker is asked: its part of a batch, and where its totals for the pages in it go.
type Job = (Vec<Visit>, oneshot::Sender<Totals>);

/// Folds what it is given. Its keys are no other worker's, so that it needs no lock.
fn worker(mut totals: Totals) -> mpsc::Sender<Job> {
    let (jobs, mut queue) = mpsc::channel::<Job>(1);
    tokio::spawn(async move {
        while let Some((visits, done)) = queue.recv().await {
            let mut changed = Totals::new();
            for visit in visits {
                let total = totals.entry(visit.page.clone()).or_default();
                *total += visit.seconds;
                changed.insert(visit.page, *total);
            }
            // Nobody waits any more when the fold was stopped.
            let _ = done.send(changed);
        }
    });
    jobs
}

fn owner(page: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    page.hash(&mut hasher);
    (hasher.finish() % WORKERS as u64) as usize
}

struct Fold {
    workers: Vec<mpsc::Sender<Job>>,
    kept: Snapshot,
    path: PathBuf,
    /// How many batches it lives for.
    lives_for: usize,
}

impl Fold {
    fn start(path: &Path, lives_for: usize) -> Result<Self, BoxError> {
        let kept = Snapshot::load(path)?;
        let mut parts = vec![Totals::new(); WORKERS];
        for (page, total) in &kept.totals {
            parts[owner(page)].insert(page.clone(), *total);
        }
        let workers = parts.into_iter().map(worker).collect();
        let path = path.to_owned();
        Ok(Self {
            workers,
            kept,
            path,
            lives_for,
        })
    }
}

impl Handler for Fold {
    async fn handle(&mut self, batch: &Batch) -> Result<(), BoxError> {
        if self.lives_for == 0 {
            return Err("killed in the middle of a batch".into());
        }
        self.lives_for -= 1;
        let mut parts = vec![Vec::new(); WORKERS];
        for visit in batch.json::<Visit>() {
            let visit = visit?;
            parts[owner(&visit.page)].push(visit);
        }
        let folded = self
            .workers
            .iter()
            .zip(parts)
            .map(|(worker, visits)| async move {
                let (done, folded) = oneshot::channel();
                worker.send((visits, done)).await?;
                Ok::<_, BoxError>(folded.await?)
            });
        for changed in try_join_all(folded).await? {
            self.kept.totals.extend(changed);
        }
        self.kept.checkpoint = Some(batch.checkpoint().clone());
        self.kept.store(&self.path)
    }

    /// Workers that folded a part of a batch that failed cannot unfold it: the fold is started again from what is kept.
    async fn failed(&mut self, _: &Error, _: Option<&Batch>) -> Decision {
        Decision::Stop
    }
}

/// Folds the stream to its end, starting again whenever the process dies.
async fn fold(visits: &DurableStream, path: &Path) -> Result<Totals, BoxError> {
    loop {
        let fold = Fold::start(path, 3)?;
        let from = fold.kept.checkpoint.clone();
        println!("fold       begins at {}", from.clone().unwrap_or_default());
        let read = visits.read().from(from).max_batch_bytes(16 * 1024);
        match read.consumer("fold").run(fold).await {
            Ok(_) => return Ok(Snapshot::load(path)?.totals),
            Err(error) if error.kind() == ErrorKind::Handler => println!("fold       dies"),
            Err(error) => return Err(error.into()),
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (client, _server) = connect().await?;
    let visits = client.stream(&fresh("visits"));
    visits.create().content_type("application/json").await?;

    let mut expected = Totals::new();
    let writer = visits.writer_with_random_id().start();
    for n in 0..5_000_u64 {
        let visit = Visit {
            page: format!("/page/{}", n * n % 37),
            seconds: n % 60,
        };
        *expected.entry(visit.page.clone()).or_default() += visit.seconds;
        writer.append_json(&visit).await?;
    }
    writer.close_stream().await?;

    let path = std::env::temp_dir().join(fresh("fold") + ".json");
    let totals = fold(&visits, &path).await?;
    fs::remove_file(&path)?;
    let seconds: u64 = totals.values().sum();
    println!(
        "folded     {seconds} seconds on {} pages, by {WORKERS} workers",
        totals.len()
    );
    if totals != expected {
        return Err("a visit was lost or counted twice".into());
    }
    visits.delete().await?;
    println!("the same   each visit was counted once");
    Ok(())
}
