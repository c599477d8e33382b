//! What the suites share: what is tested, what a case is, how cases are run, and what came of it.

mod case;
mod context;
mod panics;
mod report;
mod run;
mod subject;
mod table;

pub use case::{Case, Needs, Selection};
pub use report::{Outcome, Report, Run};
pub use run::{run_all, run_here};
pub use subject::{Protocol, Subject};
pub use table::table;

pub(crate) use case::cases;
pub(crate) use context::{Context, patience};
