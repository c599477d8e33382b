//! What HTTP stacks are by nature, for those who test a transport over one of them: cases that it cannot pass, each with the reason,
//! for [`Subject::lacking`](crate::suite::Subject::lacking).

const LATE_HEAD: &str = "isahc gives the head with the first byte of the body";
const RESENT: &str = "libcurl does so, and nothing tells it not to";
const OWN_CONNECTION: &str =
    "an exchange has a connection to itself: isahc cancels nothing but clients";

/// isahc, and libcurl below it. The documentation of the transport has more on each.
pub const ISAHC: [(&str, &str); 11] = [
    (
        "b14.event-streams-that-end-behind-their-heads-are-short",
        LATE_HEAD,
    ),
    ("transport.streams-the-head-before-the-body", LATE_HEAD),
    (
        "transport.cancels-when-the-body-is-dropped-before-it-begins",
        LATE_HEAD,
    ),
    (
        "transport.sends-header-values-that-are-not-ascii",
        "isahc sends visible ASCII in headers only",
    ),
    (
        "transport.adds-no-content-type",
        "libcurl takes a POST of no type for an HTML form, unless it is given one",
    ),
    (
        "transport.resends-no-read-when-a-used-connection-ends",
        RESENT,
    ),
    (
        "transport.resends-no-request-without-content-when-its-stream-is-refused",
        RESENT,
    ),
    (
        "transport.resends-no-request-without-content-when-the-server-goes-away",
        RESENT,
    ),
    (
        "transport.cancels-one-stream-and-keeps-the-connection",
        OWN_CONNECTION,
    ),
    (
        "transport.connections-are-shared-by-requests-at-once",
        OWN_CONNECTION,
    ),
    (
        "transport.bodies-that-are-none-end-with-their-connection",
        "libcurl does not tell it from a head that was cut off, which is taken for that",
    ),
];
