//! A case: an id, what it needs, and a function.

use std::fmt;

use futures_util::future::BoxFuture;

use super::context::Context;
use super::subject::{Protocol, Subject};

/// What a case cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing: it runs for every subject and protocol.
    Nothing,
    /// HTTP/1.1, and why.
    Http1(&'static str),
    /// HTTP/2, and why.
    Http2(&'static str),
    /// A transport that can be told to trust an authority. It chooses the protocol by itself, so the case runs once.
    Trust,
    /// A transport whose time to connect can be limited. The protocol makes no difference, so the case runs once.
    ConnectTimeout,
}

impl Needs {
    /// Why a case with this need is skipped, if it is.
    pub(super) fn lacking(self, subject: &Subject, protocol: Protocol) -> Option<String> {
        let once = "does not depend on the protocol, and runs over http1";
        match self {
            Self::Nothing => None,
            Self::Http1(why) => (protocol != Protocol::Http1).then(|| format!("http1 only: {why}")),
            Self::Http2(why) => (protocol != Protocol::Http2).then(|| format!("http2 only: {why}")),
            Self::Trust if !subject.can_trust() => Some("the subject has no `trusting`".to_owned()),
            Self::ConnectTimeout if !subject.can_limit_connecting() => {
                Some("the subject has no `connecting_within`".to_owned())
            }
            Self::Trust | Self::ConnectTimeout => {
                (protocol != Protocol::Http1).then(|| once.to_owned())
            }
        }
    }
}

/// One behaviour, and how to find out whether a subject has it.
#[derive(Clone)]
pub struct Case {
    id: String,
    pub(crate) needs: Needs,
    pub(crate) run: fn(Context) -> BoxFuture<'static, ()>,
}

impl Case {
    /// A case that is called after its function: the first word of the name and a dot, and the others with dashes.
    pub(crate) fn named(
        function: &str,
        needs: Needs,
        run: fn(Context) -> BoxFuture<'static, ()>,
    ) -> Self {
        Self {
            id: function.replacen('_', ".", 1).replace('_', "-"),
            needs,
            run,
        }
    }

    /// Its id, which is stable: `b14.sse-falls-back-for-real`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether this is its id, or the beginning of it up to a dot or a dash.
    pub(crate) fn is(&self, selector: &str) -> bool {
        begins(&self.id, selector)
    }

    /// What it cannot do without.
    pub fn needs(&self) -> Needs {
        self.needs
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("id", &self.id).finish()
    }
}

/// The cases of a module, in order: the names of their functions, some with a need.
macro_rules! cases {
    ($($name:ident $(: $needs:expr)?),* $(,)?) => {
        vec![$($crate::suite::Case::named(
            stringify!($name),
            $crate::suite::cases!(@needs $($needs)?),
            |context| Box::pin($name(context)),
        )),*]
    };
    (@needs) => { $crate::suite::Needs::Nothing };
    (@needs $needs:expr) => { $needs };
}
pub(crate) use cases;

/// Whether an id is this, or begins with it up to a dot or a dash.
pub(crate) fn begins(id: &str, selector: &str) -> bool {
    let rest = id.strip_prefix(selector);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

/// Which cases to run: those whose id begins with one of these, at a dot or a dash; all of them if there is none.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    only: Vec<String>,
    not: Vec<String>,
}

impl Selection {
    /// All cases.
    pub fn all() -> Self {
        Self::default()
    }

    /// These, too.
    #[must_use]
    pub fn only(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.only.extend(ids.into_iter().map(Into::into));
        self
    }

    /// But not these.
    #[must_use]
    pub fn not(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.not.extend(ids.into_iter().map(Into::into));
        self
    }

    /// Whether it has this case.
    pub fn has(&self, case: &Case) -> bool {
        self.has_id(case.id())
    }

    /// Whether it has the case of this id.
    pub fn has_id(&self, id: &str) -> bool {
        let is = |selector: &String| begins(id, selector);
        (self.only.is_empty() || self.only.iter().any(is)) && !self.not.iter().any(is)
    }
}
