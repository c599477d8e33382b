//! A case: data, and a function.

use std::fmt;

use futures_util::future::BoxFuture;

use super::outcome::Verdict;
use super::target::Target;

/// What a server that does not do it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Not conformant.
    Must,
    /// Conformant, with a warning.
    Should,
    /// Conformant: the protocol allows both, and one is better.
    May,
}

/// What a server can lack and be conformant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// Streams can be created and appended to.
    Write,
    /// Streams can be deleted.
    Delete,
    /// Streams can be forked.
    Fork,
    /// Streams expire: by age, or at a time.
    Expiry,
    /// Live reads by long-poll.
    LongPoll,
    /// Live reads by server-sent events.
    Sse,
    /// What is stored outlives a restart of the server. Needs [`Suite::restart`](super::Suite::restart).
    Restart,
    /// Old content is dropped. Needs [`Suite::retention`](super::Suite::retention).
    Retention,
    /// Subscriptions, by wakes on a stream at least.
    Subscriptions,
    /// Subscriptions by webhook, and by plain HTTP to the machine that runs the suite: only there it can see them arrive.
    Webhook,
    /// URLs of webhooks are checked as it is right in production.
    WebhookUrls,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Write,
        Self::Delete,
        Self::Fork,
        Self::Expiry,
        Self::LongPoll,
        Self::Sse,
        Self::Restart,
        Self::Retention,
        Self::Subscriptions,
        Self::Webhook,
        Self::WebhookUrls,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Fork => "fork",
            Self::Expiry => "expiry",
            Self::LongPoll => "long-poll",
            Self::Sse => "sse",
            Self::Restart => "restart",
            Self::Retention => "retention",
            Self::Subscriptions => "subscriptions",
            Self::Webhook => "webhook",
            Self::WebhookUrls => "webhook-urls",
        }
    }

    /// What a server has that has it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Write => "Streams can be created and appended to.",
            Self::Delete => "Streams can be deleted.",
            Self::Fork => "Streams can be forked.",
            Self::Expiry => "Streams expire: by age, or at a time.",
            Self::LongPoll => "Live reads by long-poll.",
            Self::Sse => "Live reads by server-sent events.",
            Self::Restart => "What is stored outlives a restart of the server.",
            Self::Retention => "Old content is dropped.",
            Self::Subscriptions => "There are subscriptions, by wakes on a stream at least.",
            Self::Webhook => {
                "There are subscriptions by webhook, and by plain HTTP to the machine that runs the suite."
            }
            Self::WebhookUrls => "URLs of webhooks are checked as it is right in production.",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

pub(super) type Check = fn(Target) -> BoxFuture<'static, Verdict>;

/// One thing that a server does, and how to find out whether it does.
#[derive(Clone)]
pub struct Case {
    id: &'static str,
    title: &'static str,
    level: Level,
    covers: &'static [&'static str],
    needs: &'static [Capability],
    after: Option<&'static str>,
    slow: bool,
    pub(super) check: Check,
}

impl Case {
    const fn new(
        level: Level,
        id: &'static str,
        covers: &'static [&'static str],
        title: &'static str,
        check: Check,
    ) -> Self {
        Self {
            id,
            title,
            level,
            covers,
            needs: &[],
            after: None,
            slow: false,
            check,
        }
    }

    /// It makes no sense without these.
    pub(super) const fn needs(mut self, capabilities: &'static [Capability]) -> Self {
        self.needs = capabilities;
        self
    }

    /// Its failure would only repeat the failure of this one.
    pub(super) const fn after(mut self, case: &'static str) -> Self {
        self.after = Some(case);
        self
    }

    /// It waits for time to pass.
    pub(super) const fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    /// Its stable id: `area.subject.behaviour`.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What it checks, as a sentence.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// What a server is that does not do it.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The requirements that it covers, or parts of them.
    pub fn covers(&self) -> &'static [&'static str] {
        self.covers
    }

    /// What it cannot do without.
    pub fn capabilities(&self) -> &'static [Capability] {
        self.needs
    }

    /// The case that it builds on.
    pub fn depends_on(&self) -> Option<&'static str> {
        self.after
    }

    /// Whether it waits for time to pass.
    pub fn is_slow(&self) -> bool {
        self.slow
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("id", &self.id)
            .field("level", &self.level)
            .field("covers", &self.covers)
            .finish_non_exhaustive()
    }
}

pub(super) const fn must(
    id: &'static str,
    covers: &'static [&'static str],
    title: &'static str,
    check: Check,
) -> Case {
    Case::new(Level::Must, id, covers, title, check)
}

pub(super) const fn should(
    id: &'static str,
    covers: &'static [&'static str],
    title: &'static str,
    check: Check,
) -> Case {
    Case::new(Level::Should, id, covers, title, check)
}

/// An async function as the check of a case.
macro_rules! check {
    ($function:path) => {
        |target| Box::pin($function(target))
    };
}
pub(super) use check;
