//! Where committed checkpoints are kept.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use durable_streams_core::Checkpoint;

use crate::BoxError;

/// Keeps the checkpoints of consumers, by their names.
///
/// A database is one by two statements. Where the checkpoint is to be stored with the effect, in one transaction, no store
/// is needed: see [`Handler::handle`](super::Handler::handle).
#[async_trait]
pub trait CheckpointStore: fmt::Debug + Send + Sync + 'static {
    /// What was saved last for this consumer; `None` when nothing was.
    ///
    /// # Errors
    /// When it cannot be said whether something was, or what is there is no checkpoint: nothing is read from the beginning because of
    /// a mistake.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, BoxError>;

    /// Saves it, in place of what was saved before. When it returns ok a crash does not undo it.
    ///
    /// # Errors
    /// When it is not saved, or not for certain.
    ///
    /// # Cancel safety
    /// Dropping it leaves the old checkpoint or the new one.
    async fn save(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), BoxError>;
}

#[async_trait]
impl<T: CheckpointStore + ?Sized> CheckpointStore for Arc<T> {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, BoxError> {
        (**self).load(consumer).await
    }

    async fn save(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), BoxError> {
        (**self).save(consumer, checkpoint).await
    }
}

/// Keeps checkpoints in memory: for tests, and for consumers that begin anew with the process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryCheckpoints(Arc<Mutex<HashMap<String, Checkpoint>>>);

impl MemoryCheckpoints {
    /// A store with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was saved last for this consumer.
    pub fn get(&self, consumer: &str) -> Option<Checkpoint> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(consumer).cloned()
    }
}

#[async_trait]
impl CheckpointStore for MemoryCheckpoints {
    async fn load(&self, consumer: &str) -> Result<Option<Checkpoint>, BoxError> {
        Ok(self.get(consumer))
    }

    async fn save(&self, consumer: &str, checkpoint: &Checkpoint) -> Result<(), BoxError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(consumer.to_owned(), checkpoint.clone());
        Ok(())
    }
}
