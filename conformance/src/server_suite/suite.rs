//! What is tested, how much of it, and the run.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use durable_streams_client::{Timer, Transport};
use futures_util::StreamExt;
use futures_util::future::FutureExt;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::case::{Capability, Case, Level};
use super::cases;
use super::outcome::{Outcome, Run, Stop, Verdict, Why, fail};
use super::report::Report;
use super::target::{Restart, Server, Target};
use crate::suite::Selection;

/// How many cases run at the same time.
pub(super) const JOBS: usize = 8;

/// How long what should happen at once may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The suite for one server. It runs on any executor on which its transport and timer work.
pub struct Suite {
    root: String,
    headers: HeaderMap,
    transport: Arc<dyn Transport>,
    timer: Arc<dyn Timer>,
    patience: Duration,
    jobs: usize,
    slow: bool,
    level: Level,
    selection: Selection,
    exactly: Option<&'static str>,
    lacking: Vec<Capability>,
    restart: Option<Restart>,
    retention: Option<usize>,
    promised: Vec<Capability>,
}

/// Why there is no suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSuite(String);

impl fmt::Display for NoSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoSuite {}

/// The suite for the server that keeps streams below this URL.
///
/// # Errors
/// When it is no absolute `http` or `https` URL without a query.
pub fn suite(root: &str, transport: impl Transport, timer: impl Timer) -> Result<Suite, NoSuite> {
    let bad = |why: String| NoSuite(format!("{root:?} cannot be the root of streams: {why}"));
    let uri: Uri = root.parse().map_err(|error| bad(format!("{error}")))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() {
        return Err(bad("it is no absolute http or https URL".to_owned()));
    }
    if uri.query().is_some() {
        return Err(bad("it has a query".to_owned()));
    }
    Ok(Suite {
        root: root.trim_end_matches('/').to_owned(),
        headers: HeaderMap::new(),
        transport: Arc::new(transport),
        timer: Arc::new(timer),
        patience: PATIENCE,
        jobs: JOBS,
        slow: false,
        level: Level::May,
        selection: Selection::all(),
        exactly: None,
        lacking: Vec::new(),
        restart: None,
        retention: None,
        promised: Vec::new(),
    })
}

impl Suite {
    /// Sends a header with every request: credentials, say. Reports do not show its value.
    #[must_use]
    pub fn header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.headers.append(name, value);
        self
    }

    /// Runs only cases whose id begins with one of these, at a dot or a dash. May be called several times.
    #[must_use]
    pub fn only(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.selection = self.selection.only(ids);
        self
    }

    /// Leaves cases out whose id begins with one of these.
    #[must_use]
    pub fn not(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.selection = self.selection.not(ids);
        self
    }

    /// Leaves out what is weaker than this. Default: nothing is.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Runs the cases that wait for time to pass, too. Default: no.
    #[must_use]
    pub fn slow(mut self, wanted: bool) -> Self {
        self.slow = wanted;
        self
    }

    /// The server does not have this, and need not. Cases that need it are skipped.
    #[must_use]
    pub fn without(mut self, capability: Capability) -> Self {
        self.lacking.push(capability);
        self
    }

    /// How to restart the server: the future ends when the old one has ended and the new one is being started, or says why that
    /// did not work. The suite waits until the server answers. Cases about what outlives a restart come last and alone; without
    /// this they are skipped.
    #[must_use]
    pub fn restart<F>(mut self, restart: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.restart = Some(Arc::new(move || restart().boxed()));
        self
    }

    /// The server drops the oldest content of a stream that has more than so many bytes. Without this, cases about what is
    /// dropped are skipped.
    #[must_use]
    pub fn retention(mut self, bytes: usize) -> Self {
        self.retention = Some(bytes);
        self
    }

    /// The server has this. Cases that would find that it does not, and be skipped, fail.
    #[must_use]
    pub fn with(mut self, capability: Capability) -> Self {
        self.promised.push(capability);
        self
    }

    /// How many cases run at the same time. Default 8.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.jobs = jobs.max(1);
        self
    }

    /// How long what should happen at once may take. Default 20 seconds; nothing that passes waits for it.
    #[must_use]
    pub fn patience(mut self, limit: Duration) -> Self {
        self.patience = limit;
        self
    }

    /// Only the case of this id, of those that are selected, and not what it builds on.
    #[must_use]
    pub fn exactly(mut self, id: &'static str) -> Self {
        self.exactly = Some(id);
        self
    }

    /// The cases that are selected, in order.
    pub fn selected(&self) -> Vec<Case> {
        let mut cases = cases::all();
        cases.retain(|case| self.selection.has_id(case.id()));
        if let Some(id) = self.exactly {
            cases.retain(|case| case.id() == id);
        }
        cases
    }

    /// Runs the selected cases.
    ///
    /// # Cancel safety
    /// Dropping the future ends the run; streams of cases under way may stay on the server.
    pub async fn run(&self) -> Report {
        self.run_with(|_| {}).await
    }

    /// Runs the selected cases, and tells of each when it is done.
    ///
    /// # Cancel safety
    /// As [`run`](Self::run).
    pub async fn run_with(&self, mut done: impl FnMut(&Run)) -> Report {
        let server = Arc::new(Server {
            root: self.root.clone(),
            headers: self.headers.clone(),
            transport: Arc::clone(&self.transport),
            timer: Arc::clone(&self.timer),
            patience: self.patience,
            prefix: format!("suite-{:08x}", fastrand::u32(..)),
            next_stream: AtomicUsize::new(0),
            restart: self.restart.clone(),
            retention: self.retention,
        });
        let mut runs: BTreeMap<&str, Run> = BTreeMap::new();
        let selected = self.selected();
        let order: Vec<_> = selected.iter().map(Case::id).collect();
        // A restart ends what others are doing.
        let (alone, mut waiting): (Vec<_>, Vec<_>) = selected.into_iter().partition(restarts);
        // Round by round, those go whose dependencies are done, or are not asked for at all.
        while !waiting.is_empty() {
            let (now, later): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|case| {
                let after = case.depends_on().filter(|id| order.contains(id));
                after.is_none_or(|id| runs.contains_key(id))
            });
            // A circle of dependencies is none that anybody can go round in.
            let (now, later) = if now.is_empty() {
                (later, now)
            } else {
                (now, later)
            };
            let server = &server;
            let mut round = stream::iter(now.into_iter().map(|case| {
                let instead = case.depends_on().and_then(|id| instead(id, &runs));
                async move { (case.id(), self.run_case(&case, server, instead).await) }
            }))
            .buffer_unordered(self.jobs);
            let mut ended = Vec::new();
            while let Some((id, run)) = round.next().await {
                done(&run);
                ended.push((id, run));
            }
            drop(round);
            runs.extend(ended);
            waiting = later;
        }
        for case in alone {
            let instead = case.depends_on().and_then(|id| instead(id, &runs));
            let run = self.run_case(&case, &server, instead).await;
            done(&run);
            runs.insert(case.id(), run);
        }
        let in_order = order.iter().filter_map(|id| runs.remove(id));
        Report::new(self.root.clone(), in_order.collect())
    }

    async fn run_case(&self, case: &Case, server: &Arc<Server>, instead: Option<Outcome>) -> Run {
        let begun = Instant::now();
        let mut exchanges = Vec::new();
        let outcome = if let Some(why) = self.unwanted(case) {
            Outcome::Disabled(Why::of(why))
        } else if let Some(why) = self.lacking(case) {
            Outcome::Skip(Why::of(why))
        } else if let Some(outcome) = instead {
            outcome
        } else {
            let target = Target::new(Arc::clone(server));
            let verdict = (case.check)(target.clone()).await;
            let verdict = self.keeping_promises(verdict);
            exchanges = target.exchanges();
            target.clean_up().await;
            match verdict {
                Ok(()) => Outcome::Pass,
                Err(Stop::Fail(failure)) if case.level() == Level::Must => Outcome::Fail(failure),
                Err(Stop::Fail(failure)) => Outcome::Warn(failure),
                Err(Stop::Skip(why) | Stop::Lacks(_, why)) => Outcome::Skip(Why::of(why)),
                Err(Stop::Blocked(why)) => Outcome::Blocked(Why::of(why)),
                Err(Stop::Error(why)) => Outcome::Error(Why::of(why)),
            }
        };
        if outcome == Outcome::Pass {
            exchanges.clear();
        }
        Run {
            case: case.id().to_owned(),
            title: case.title().to_owned(),
            covers: case.covers().iter().map(|id| (*id).to_owned()).collect(),
            outcome,
            time: begun.elapsed(),
            exchanges,
        }
    }

    /// What a server is said to have is not skipped for want of it.
    fn keeping_promises(&self, verdict: Verdict) -> Verdict {
        match verdict {
            Err(Stop::Lacks(capability, why)) if self.promised.contains(&capability) => {
                fail(capability.words(), why)
            }
            Err(Stop::Lacks(_, why)) => Err(Stop::Skip(why)),
            other => other,
        }
    }

    fn unwanted(&self, case: &Case) -> Option<&'static str> {
        if case.level() > self.level {
            return Some("of a lower level");
        }
        (case.is_slow() && !self.slow).then_some("slow")
    }

    fn lacking(&self, case: &Case) -> Option<String> {
        case.capabilities()
            .iter()
            .find_map(|capability| match capability {
                lacking if self.lacking.contains(lacking) => {
                    Some(format!("the server has no {lacking}"))
                }
                Capability::Restart if self.restart.is_none() => {
                    Some("the suite was not told how to restart the server".to_owned())
                }
                Capability::Retention if self.retention.is_none() => {
                    Some("the suite was not told how much the server keeps".to_owned())
                }
                _ => None,
            })
    }
}

fn restarts(case: &Case) -> bool {
    case.capabilities().contains(&Capability::Restart)
}

/// What comes of a case that builds on this one, if it need not be run.
fn instead(id: &str, runs: &BTreeMap<&str, Run>) -> Option<Outcome> {
    match &runs.get(id)?.outcome {
        Outcome::Pass | Outcome::Warn(_) | Outcome::Disabled(_) => None,
        Outcome::Skip(why) => Some(Outcome::Skip(Why::of(format!("{id}: {}", why.why)))),
        other => {
            let why = format!("{id} did not pass: {}", other.name());
            Some(Outcome::Blocked(Why::of(why)))
        }
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("root", &self.root)
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}
