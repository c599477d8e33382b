//! Ways to answer.

use super::choices;

choices! {
    /// One way in which answers differ from the plainest that there are. Several go together.
    pub enum AnswerStyle {
        /// 200 where 204 is right as well: for the close of a producer that brings nothing (§5.2.1), and for a long-poll whose
        /// stream is closed while it waits (§5.7).
        Ok = "ok",
        /// Headers that nobody needs, some of them twice, on every answer; some begin with `Stream-` and `Producer-`.
        Headers = "headers",
        /// `Stream-Closed: TRUE`, as its value has no case (§4.1).
        Capitals = "capitals",
        /// Nothing is for shared caches: `private` instead of `public` (§10.1).
        Private = "private",
        /// Lists in headers are spread over several headers of the name (RFC 9110 §5.3).
        Spread = "spread",
        /// Entity tags are weak (RFC 9110 §8.8.3).
        WeakTags = "weak-tags",
        /// Entity tags have commas and more that is legal in them.
        OddTags = "odd-tags",
        /// Cursors on all answers to reads, catch-up reads and closed streams among them (§5.6, §5.7).
        Cursors = "cursors",
        /// White space between the messages of an array.
        Space = "space",
        /// `Location` is a path.
        Path = "path",
        /// Refusals have no body.
        Bare = "bare",
        /// Refusals have a line of text as their body.
        Text = "text",
        /// Bodies have no length, and come in small pieces.
        Pieces = "pieces",
    }
}
