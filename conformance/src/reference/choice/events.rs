//! Ways to write server-sent events (§5.8, and the format in the WHATWG HTML standard).

use super::choices;

choices! {
    /// One way in which server-sent events differ from the plainest that there are. Several go together.
    pub enum SseStyle {
        /// Lines end in CR. With other ends of lines, events take turns.
        Cr = "cr",
        /// Lines end in CRLF.
        CrLf = "crlf",
        /// Lines end in LF, as they do when nothing else is asked for.
        Lf = "lf",
        /// `data:x`, without the space that a reader drops.
        Tight = "tight",
        /// A byte order mark comes first.
        Bom = "bom",
        /// Comments before, in and behind events, and more blank lines than are needed.
        Comments = "comments",
        /// The fields `id` and `retry`, unknown ones, and ones without a colon; the type of an event behind its data.
        Fields = "fields",
        /// Events of other types, of none, and without data come in between.
        Events = "events",
        /// What JSON and base64 may have on several lines is on several lines, control events as well.
        Lines = "lines",
        /// Control events have members that nobody knows, and escaped characters.
        Members = "members",
        /// The type of the answer has a charset.
        Charset = "charset",
        /// Each byte is a chunk of its own; of long events, those at the beginning and the end.
        Bytes = "bytes",
    }
}
