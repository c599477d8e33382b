//! Forks (§4.2).

use super::{Requirement, must, promised};

pub(super) const ROWS: &[Requirement] = &[
    promised(
        "4.2-01",
        "4.2",
        "A fork is a stream of its own: appending to it, closing it and deleting it leave its \
         source as it was, and the other way round.",
    ),
    promised(
        "4.2-02",
        "4.2",
        "A read of a fork gives the bytes that it inherited from its source, followed by those \
         that were appended to the fork itself.",
    ),
    promised(
        "4.2-03",
        "4.2",
        "A fork created without `Stream-Fork-Offset` leaves its source at the tail that the source \
         had at that moment.",
    ),
    promised(
        "4.2-04",
        "4.2",
        "A fork inherits what comes before the fork offset and nothing from there on: the offset \
         itself is excluded.",
    ),
    promised(
        "4.2-05",
        "4.2",
        "On a JSON stream `Stream-Fork-Sub-Offset` counts messages past the fork offset, as they \
         are after arrays were flattened.",
    ),
    promised(
        "4.2-06",
        "4.2",
        "On any other stream `Stream-Fork-Sub-Offset` counts bytes past the fork offset, of the \
         contents as they are stored, without the framing or coding of any transfer.",
    ),
    promised(
        "4.2-07",
        "4.2",
        "`Stream-Fork-Sub-Offset: 0` means the same as leaving the header out.",
    ),
    promised(
        "4.2-08",
        "4.2",
        "`Stream-Fork-Offset` and `Stream-Fork-Sub-Offset` need `Stream-Forked-From`. What follows \
         without it is not said: refusing the PUT with 400 is accepted, and so is ignoring both \
         headers and creating a plain stream.",
    ),
    must(
        "4.2-09",
        "4.2",
        "A PUT of a fork that names another `Content-Type` than that of its source answers 409.",
    ),
    promised(
        "4.2-10",
        "4.2",
        "A fork created without `Content-Type` has the content type of its source.",
    ),
    promised(
        "4.2-11",
        "4.2",
        "A fork created without expiry, of a source without expiry, never expires.",
    ),
    promised(
        "4.2-12",
        "4.2",
        "A fork created with `Stream-TTL`, of a source without expiry, has the TTL that was asked \
         for.",
    ),
    promised(
        "4.2-13",
        "4.2",
        "A fork created with `Stream-Expires-At`, of a source without expiry, expires at the \
         moment that was asked for.",
    ),
    promised(
        "4.2-14",
        "4.2",
        "A fork created without expiry, of a source with a TTL, takes over the value of that TTL, \
         with a window of its own that begins when it is created.",
    ),
    promised(
        "4.2-15",
        "4.2",
        "A fork created with `Stream-TTL`, of a source with a TTL, has the TTL that was asked for.",
    ),
    promised(
        "4.2-16",
        "4.2",
        "A fork created with `Stream-Expires-At`, of a source with a TTL, expires at the moment \
         that was asked for, and has no TTL.",
    ),
    promised(
        "4.2-17",
        "4.2",
        "A fork created without expiry, of a source with `Stream-Expires-At`, expires at the same \
         moment as its source.",
    ),
    promised(
        "4.2-18",
        "4.2",
        "A fork created with `Stream-TTL`, of a source with `Stream-Expires-At`, has the TTL that \
         was asked for, and does not end with its source.",
    ),
    promised(
        "4.2-19",
        "4.2",
        "A fork created with `Stream-Expires-At`, of a source with another one, expires at the \
         moment that was asked for, even if that is later than the end of its source.",
    ),
    promised(
        "4.2-20",
        "4.2",
        "A PUT of a fork whose source does not exist answers 404.",
    ),
    must(
        "4.2-21",
        "4.2",
        "A PUT of a fork whose `Stream-Fork-Offset` lies beyond the tail of its source answers \
         400.",
    ),
    promised(
        "4.2-22",
        "4.2",
        "A PUT of a fork with a malformed `Stream-Fork-Offset` answers 400. Nothing is said of \
         `-1` and `now`, which a server never issues: refusing them and understanding them are \
         both accepted.",
    ),
    promised(
        "4.2-23",
        "4.2",
        "A PUT of a fork whose `Stream-Fork-Sub-Offset` is negative or no decimal integer answers \
         400.",
    ),
    promised(
        "4.2-24",
        "4.2",
        "A PUT of a fork whose `Stream-Fork-Sub-Offset` leads past the next boundary of data \
         behind the fork offset answers 400. Past the tail of the source that is certain; where \
         the contents are several appends, a server may count through all of them or refuse to \
         leave the first.",
    ),
    promised(
        "4.2-25",
        "4.2",
        "A PUT of a fork under a path where a stream with another configuration exists answers \
         409, and leaves that stream as it is.",
    ),
    promised(
        "4.2-26",
        "4.2",
        "A PUT of a fork whose source is soft-deleted answers 409.",
    ),
    must(
        "4.2-27",
        "4.2",
        "A PUT of a fork that exists already with the same source, fork offset and configuration \
         answers 200. If the offset was left out and the source has grown since, it is not said \
         which tail is compared: 200 and 409 are both accepted.",
    ),
    must(
        "4.2-28",
        "4.2",
        "A PUT of an existing fork with another `Stream-Fork-Offset` answers 409.",
    ),
    must(
        "4.2-29",
        "4.2",
        "A PUT of an existing fork with another `Stream-Forked-From` answers 409.",
    ),
    promised(
        "4.2-30",
        "4.2",
        "A closed stream can be forked, and its fork is open until it is closed itself.",
    ),
    must(
        "4.2-31",
        "4.2",
        "A fork knows nothing of the producers of its source: a `Producer-Id` that was used there \
         starts anew on the fork, with any epoch at `Producer-Seq: 0`.",
    ),
    must(
        "4.2-32",
        "4.2",
        "A fork does not inherit the last `Stream-Seq` of its source: its first append may carry a \
         lower one.",
    ),
    promised(
        "4.2-33",
        "4.2",
        "Forking changes nothing for the producers of the source: each goes on with its next \
         `Producer-Seq`, and duplicates are still found.",
    ),
    must(
        "4.2-34",
        "4.2/5.4",
        "A DELETE of a stream that has live forks answers 204 and deletes it softly: from then on \
         GET, HEAD, POST and DELETE answer 410.",
    ),
    promised(
        "4.2-35",
        "4.2",
        "A GET of a soft-deleted stream answers 410 with `live=long-poll` and `live=sse` too.",
    ),
    promised(
        "4.2-36",
        "4.2",
        "A PUT to the path of a soft-deleted stream answers 409.",
    ),
    promised(
        "4.2-37",
        "4.2",
        "A fork can be read in full, inherited data included, after its source was deleted.",
    ),
    promised(
        "4.2-38",
        "4.2",
        "When the last fork of a soft-deleted stream is deleted, the stream is removed as well, \
         and so on up a chain of forks. This may happen some time after the answer to the DELETE.",
    ),
    promised(
        "4.2-39",
        "4.2",
        "Once a soft-deleted stream was removed, a PUT to its path creates a new stream with 201.",
    ),
    promised(
        "4.2-40",
        "5.1",
        "The body of the PUT that creates a fork is appended behind the inherited data, as the \
         fork's first contents of its own.",
    ),
    promised(
        "4.2-41",
        "5.1",
        "`Stream-Closed: true` on the PUT that creates a fork creates it closed.",
    ),
    promised(
        "4.2-42",
        "4.2",
        "A PUT of a fork that was refused does not keep its source alive: deleting the source \
         afterwards removes it, and it answers 404, not 410.",
    ),
];
