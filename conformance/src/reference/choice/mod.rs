//! What a server may do one way or another: how its offsets look, how it writes events and answers. A client and a suite that
//! are fair cannot tell the difference.
//!
//! What is not here, because the text does not leave it open:
//!
//! - 200 for an append, a close or a DELETE without producer headers: their one code is 204 (§5.2–5.4).
//! - Cursors of another form: they are numbers of intervals (§10.1).
//! - An empty answer of JSON with white space: it is `[]` (§9.1.5).
//! - Several data events before one control event: there is one behind each (§5.8).
//! - Offsets with white space or characters outside of ASCII: no header and no query carries them unharmed.

mod answers;
mod events;
mod offsets;

pub use answers::AnswerStyle;
pub use events::SseStyle;
pub use offsets::OffsetFormat;

/// An enum whose members have names, for a command line, and say what they are.
macro_rules! choices {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident { $($(#[doc = $what:literal])+ $member:ident = $text:literal,)+ }
    ) => {
        $(#[$attribute])*
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $what])+ $member,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$member),+];

            /// Its name on the command line.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$member => $text,)+ }
            }

            /// What it is.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self { $(Self::$member => concat!($($what),+).trim_ascii(),)+ }
            }

            /// The one of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}
use choices;
