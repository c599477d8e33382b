//! What comes of a case.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::case::Capability;
use super::exchange::Exchange;

/// What came of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Outcome {
    /// The server does it.
    Pass,
    /// It does not, and must.
    Fail(Failure),
    /// It does not, and should.
    Warn(Failure),
    /// It cannot be asked: the server does not have what this is about.
    Skip(Why),
    /// It was not wanted.
    Disabled(Why),
    /// What it needs first did not work: another case, or its own preparations.
    Blocked(Why),
    /// The suite or the network is at fault.
    Error(Why),
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Why {
    /// In words.
    pub why: String,
}

impl Why {
    pub(super) fn of(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

/// What was expected, and what came instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    /// What should have been: all that is accepted.
    pub expected: String,
    /// What was.
    pub actual: String,
    /// The number of the exchange in which it was, counted from 0 within the case.
    pub exchange: Option<usize>,
}

impl Outcome {
    /// Its name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::Warn(_) => "warn",
            Self::Skip(_) => "skip",
            Self::Disabled(_) => "disabled",
            Self::Blocked(_) => "blocked",
            Self::Error(_) => "error",
        }
    }
}

/// A case that was run, or why it was not.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// The id of the case.
    pub case: String,
    /// What it checks.
    pub title: String,
    /// The requirements that it covers.
    pub covers: Vec<String>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took.
    #[serde(rename = "seconds", with = "seconds")]
    pub time: Duration,
    /// What was sent and what came, in order, for those that did not pass. Credentials are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<Exchange>,
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(time.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
    }
}

/// Why a case ends before its end.
#[derive(Debug)]
pub(super) enum Stop {
    Fail(Failure),
    Skip(String),
    /// The same, because the server does not have something.
    Lacks(Capability, String),
    Blocked(String),
    Error(String),
}

/// What a case gives.
pub(super) type Verdict<T = ()> = Result<T, Stop>;

/// A failure that no single exchange shows.
pub(super) fn fail<T>(expected: impl Into<String>, actual: impl Into<String>) -> Verdict<T> {
    Err(Stop::Fail(Failure {
        expected: expected.into(),
        actual: actual.into(),
        exchange: None,
    }))
}
