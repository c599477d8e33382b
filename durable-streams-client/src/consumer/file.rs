//! Checkpoints in files, one for each consumer.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use async_trait::async_trait;
use durable_streams_core::Checkpoint;
use futures_channel::oneshot;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::store::CheckpointStore;
use crate::BoxError;

/// What stays as it is in the name of a file; the rest is percent-encoded.
const OUTSIDE_OF_NAMES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Keeps checkpoints in a directory: a small file of text for each consumer, named after it.
///
/// A checkpoint is written to a file beside the old one, synced, and put in its place; then the directory is synced. After a crash
/// either the old one is there or the new one, and what [`save`](CheckpointStore::save) returned ok for is there.
///
/// Files block, so this is done on a thread of the store's own, which begins with the first call and ends with the store; a runtime
/// is not held up by a slow disk. A commit takes as long as the disk takes to sync, some milliseconds: a consumer commits
/// once for each batch, so it is the size of its batches that makes it fast.
///
/// One process at a time is to use a consumer's file.
#[derive(Debug)]
pub struct FileCheckpoints {
    directory: PathBuf,
    worker: Mutex<Option<mpsc::Sender<Job>>>,
}

/// Work for the thread of a store.
type Job = Box<dyn FnOnce() + Send>;

impl FileCheckpoints {
    /// A store in this directory, which is made when something is saved. No I/O yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            worker: Mutex::new(None),
        }
    }

    /// The file of this consumer's checkpoint.
    pub fn path(&self, consumer: &str) -> PathBuf {
        let name = utf8_percent_encode(consumer, OUTSIDE_OF_NAMES);
        self.directory.join(format!("{name}.checkpoint"))
    }

    /// Does something on the thread, behind everything that was given to it before: what is saved last stays.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, BoxError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Nobody may be waiting any more.
            let _ = answer.send(work());
        });
        let sent = self.worker()?.send(job);
        sent.map_err(|_| "the thread of the checkpoints has ended")?;
        Ok(answered.await??)
    }

    fn worker(&self) -> io::Result<mpsc::Sender<Job>> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(jobs) = &*worker {
            return Ok(jobs.clone());
        }
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = thread::Builder::new().name("checkpoints".to_owned());
        thread.spawn(move || queue.into_iter().for_each(|job| job()))?;
        Ok(worker.insert(jobs).clone())
    }
}

#[async_trait]
impl CheckpointStore for FileCheckpoints {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, BoxError> {
        let path = self.path(consumer);
        self.run(move || read(&path)).await
    }

    async fn save(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), BoxError> {
        let path = self.path(consumer);
        let text = format!("{checkpoint}\n");
        self.run(move || replace(&path, text.as_bytes())).await
    }
}

fn read(path: &Path) -> io::Result<Option<Checkpoint>> {
    let in_path = |kind, why: &dyn std::fmt::Display| {
        io::Error::new(kind, format!("{}: {why}", path.display()))
    };
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| in_path(error.kind(), &error))?,
    };
    let checkpoint = text.trim_end_matches(['\r', '\n']).parse();
    checkpoint
        .map(Some)
        .map_err(|error| in_path(io::ErrorKind::InvalidData, &error))
}

fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = File::create(&beside)?;
    file.write_all(contents)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    // The new name is in the directory; other systems than these do not open one.
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    Ok(())
}
