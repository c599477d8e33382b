//! Clients with a fault built in, to show that the checks find it.
//!
//! The machines are whole. What breaks them sits between a machine and its driver: it changes requests before they are sent,
//! answers before they are read, and what the user is told.

mod reader;
mod worker;
mod writer;

pub(super) use reader::ReaderSabotage;
pub(super) use worker::WorkerSabotage;
pub(super) use writer::WriterSabotage;

/// What is wrong with a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A request that is sent again gets a new sequence number.
    NewSeqOnRetry,
    /// A request that is sent again carries another body.
    OtherBodyOnRetry,
    /// A gap is taken for an acknowledgement, and the batch dropped.
    DroppedOnGap,
    /// 503 and the like are taken for acknowledgements.
    StoredOnUnavailable,
    /// Any 200 is taken for an acknowledgement.
    StoredOnAnySuccess,
    /// What is given up is reported as stored.
    StoredWhenGivenUp,
    /// A batch is reported as stored when it is sent.
    StoredWhenSent,
    /// Behind a claim all others go at once, before it is answered.
    ParallelClaim,
    /// After a claim everything is sent again, although that was not asked for.
    ResentAfterClaim,
    /// A flush is answered at once.
    EarlyFlush,
    /// Two batches that are sent at the same time change places.
    Reordered,
    /// A ticket is resolved twice.
    ResolvedTwice,
    /// A ticket is never resolved.
    NeverResolved,
    /// A fence is taken for something that passes.
    DeafToFences,
    /// One request more is in flight than may be.
    MoreInFlight,
    /// Batches hold more messages than they may.
    LargerBatches,
    /// A writer that retries does not wait.
    WriterWithoutBackoff,
    /// Checkpoints lie before the data they came with.
    CheckpointBefore,
    /// Checkpoints lie one behind the data they came with.
    CheckpointAfter,
    /// What was delivered before a connection was lost is delivered again.
    KeptOverReconnect,
    /// A page that was cut is read again from its start, and delivered again.
    CutPageTwice,
    /// What a checkpoint says of the middle of a page is ignored.
    SkipIgnored,
    /// An error is taken for the end of the stream.
    EndOnError,
    /// An error is taken for the tail.
    UpToDateOnError,
    /// A body that was cut is taken for whole.
    CutIsWhole,
    /// The batch after an error is lost.
    LostAfterError,
    /// A reader that retries does not wait.
    ReaderWithoutBackoff,
    /// A worker acknowledges what it hands out, handled or not.
    AckedWhenHandedOut,
    /// A worker takes its lease for endless, and renews it accordingly.
    NeverRenews,
    /// A worker takes its lease for twice as long as it is.
    OverstaysItsLease,
    /// As [`OverstaysItsLease`](Self::OverstaysItsLease), and what fences it is taken for an acknowledgement.
    DeafToOtherHolders,
    /// The owner of a worker goes on with what is at hand when the lease is lost.
    WorkedOnAfterLoss,
    /// A worker speaks for the wake that it had first, whichever it has.
    SpeaksForOldWakes,
    /// A worker begins at the beginning of streams, whatever is acknowledged.
    ReadsWhatIsAcknowledged,
    /// A worker does not hear of wakes.
    DeafToWakes,
}

impl Broken {
    /// All of them.
    pub const ALL: [Self; 35] = [
        Self::NewSeqOnRetry,
        Self::OtherBodyOnRetry,
        Self::DroppedOnGap,
        Self::StoredOnUnavailable,
        Self::StoredOnAnySuccess,
        Self::StoredWhenGivenUp,
        Self::StoredWhenSent,
        Self::ParallelClaim,
        Self::ResentAfterClaim,
        Self::EarlyFlush,
        Self::Reordered,
        Self::ResolvedTwice,
        Self::NeverResolved,
        Self::DeafToFences,
        Self::MoreInFlight,
        Self::LargerBatches,
        Self::WriterWithoutBackoff,
        Self::CheckpointBefore,
        Self::CheckpointAfter,
        Self::KeptOverReconnect,
        Self::CutPageTwice,
        Self::SkipIgnored,
        Self::EndOnError,
        Self::UpToDateOnError,
        Self::CutIsWhole,
        Self::LostAfterError,
        Self::ReaderWithoutBackoff,
        Self::AckedWhenHandedOut,
        Self::NeverRenews,
        Self::OverstaysItsLease,
        Self::DeafToOtherHolders,
        Self::WorkedOnAfterLoss,
        Self::SpeaksForOldWakes,
        Self::ReadsWhatIsAcknowledged,
        Self::DeafToWakes,
    ];
}
