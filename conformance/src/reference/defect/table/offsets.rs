//! Offsets, and reading from now (§8).

use http::StatusCode;

use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "offset.is-not-padded",
        "8-01",
        "offsets.order.is-that-of-the-stream",
        "offsets are numbers without leading zeros",
    )
    .says(|_, head| {
        head.change("stream-next-offset", |offset| {
            format!("o{}", offset.trim_start_matches(['o', '0']))
        });
    }),
    defect(
        "offset.wraps-around",
        "8-02",
        "offsets.order.is-that-of-the-stream",
        "offsets begin anew after 65536 bytes",
    )
    .says(|_, head| {
        head.change("stream-next-offset", |offset| {
            format!("o000000000000{}", offset.get(13..).unwrap_or_default())
        });
    }),
    defect(
        "offset.is-rounded",
        "8-03",
        "offsets.order.is-that-of-the-stream",
        "offsets are multiples of 16",
    )
    .says(|_, head| {
        head.change("stream-next-offset", |offset| {
            format!("{}0", offset.get(..16).unwrap_or_default())
        });
    }),
    defect(
        "offset.json-is-rounded",
        "8-03",
        "offsets.order.holds-for-json",
        "offsets of messages are multiples of 16",
    )
    .says(|asked, head| {
        if asked.json() {
            head.change("stream-next-offset", |offset| {
                format!("{}0", offset.get(..16).unwrap_or_default())
            });
        }
    }),
    defect(
        "offset.old-is-unknown",
        "8-04",
        "offsets.life.is-that-of-the-stream",
        "offsets of long ago are refused",
    )
    .breaks(Flaw::OldOffsetsAreForgotten),
    defect(
        "offset.has-a-slash",
        "8-05",
        "offsets.tokens.are-none-of-the-sentinels",
        "offsets have a slash in them",
    )
    .says(|_, head| {
        head.change("stream-next-offset", |offset| offset.replace('o', "0/"));
    }),
    defect(
        "offset.is-long",
        "8-06",
        "offsets.tokens.are-safe-in-urls",
        "offsets have hundreds of characters",
    )
    .says(|_, head| {
        head.change("stream-next-offset", |offset| {
            format!("{}{offset}", "o".repeat(300))
        });
    }),
    defect(
        "offset.has-a-plus",
        "8-06",
        "offsets.tokens.are-safe-in-urls",
        "offsets have to be encoded in URLs",
    )
    .says(|_, head| {
        head.change("stream-next-offset", |offset| offset.replace('o', "+"));
    }),
    defect(
        "offset.beginning-is-refused",
        "8-07",
        "offsets.beginning.is-minus-one",
        "-1 is no offset",
    )
    .misreads(|asked, request| {
        if asked.asks("offset=-1") {
            request.set_parameter("offset", "minus-one");
        }
    }),
    defect(
        "now.is-204",
        "8-08",
        "now.catch-up.is-empty-and-up-to-date",
        "a read from now answers 204",
    )
    .says(|asked, head| {
        if asked.catches_up() && asked.now() && head.is(200) {
            head.answer_with(StatusCode::NO_CONTENT);
            head.lose("content-length");
        }
    }),
    defect(
        "now.json-is-nothing",
        "8-09",
        "now.catch-up.of-json-is-an-empty-array",
        "a read from now of JSON has no body",
    )
    .writes(|asked, text| {
        if asked.now() && text == "[]" {
            String::new()
        } else {
            text.to_owned()
        }
    }),
    defect(
        "now.text-is-an-array",
        "8-10",
        "now.catch-up.is-empty-and-up-to-date",
        "a read that brings nothing has the body [], whatever the type",
    )
    .breaks(Flaw::NowBringsAnArray),
    defect(
        "now.offset-is-now",
        "8-11",
        "now.catch-up.is-empty-and-up-to-date",
        "a read from now is answered with now",
    )
    .says(|asked, head| {
        if asked.get() && asked.now() {
            head.set("stream-next-offset", "now");
        }
    }),
    defect(
        "now.no-offset",
        "8-11",
        "now.catch-up.is-empty-and-up-to-date",
        "a read from now does not say the tail",
    )
    .says(|asked, head| {
        if asked.catches_up() && asked.now() {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "now.no-up-to-date",
        "8-12",
        "now.catch-up.is-empty-and-up-to-date",
        "a read from now does not say that it is up to date",
    )
    .says(|asked, head| {
        if asked.catches_up() && asked.now() {
            head.lose("stream-up-to-date");
        }
    }),
    defect(
        "now.cacheable",
        "8-13",
        "now.catch-up.is-not-stored-by-caches",
        "a read from now may be cached",
    )
    .says(|asked, head| {
        if asked.catches_up() && asked.now() {
            head.set("cache-control", "public, max-age=60");
        }
    }),
    defect(
        "now.is-the-beginning",
        "8-14",
        "now.catch-up.is-empty-and-up-to-date",
        "a read from now brings everything",
    )
    .breaks(Flaw::NowIsTheBeginning),
    defect(
        "now.poll-does-not-wait",
        "8-15",
        "long-poll.tail.waits",
        "a long-poll from now is answered at once",
    )
    .breaks(Flaw::PollsFromNowDoNotWait),
    defect(
        "now.poll-no-offset",
        "8-16",
        "now.long-poll.waits-for-what-comes",
        "a long-poll from now does not say where to go on",
    )
    .says(|asked, head| {
        if asked.polls() && asked.now() {
            head.lose("stream-next-offset");
        }
    }),
    defect(
        "now.events-from-the-beginning",
        "8-17",
        "now.sse.begins-at-the-tail",
        "an event stream from now begins at the beginning",
    )
    .misreads(|asked, request| {
        if asked.streams() && asked.now() {
            request.set_parameter("offset", "-1");
        }
    }),
    defect(
        "now.events-say-now",
        "8-18",
        "now.sse.begins-at-the-tail",
        "control events of an event stream from now have now for an offset",
    )
    .writes(|asked, text| {
        if asked.streams() && asked.now() {
            text.replace(
                "\"streamNextOffset\":",
                "\"streamNextOffset\":\"now\",\"tail\":",
            )
        } else {
            text.to_owned()
        }
    }),
    defect(
        "now.events-not-up-to-date",
        "8-19",
        "now.sse.begins-at-the-tail",
        "control events of an event stream from now do not say that they are up to date",
    )
    .writes(|asked, text| {
        if asked.streams() && asked.now() {
            text.replace(",\"upToDate\":true", "")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "now.closed-no-flag",
        "8-20",
        "now.closed.catch-up-answers-as-at-the-end",
        "a read from now of a closed stream does not say that it is closed",
    )
    .says(|asked, head| {
        if asked.catches_up() && asked.now() {
            head.lose("stream-closed");
        }
    }),
    defect(
        "now.closed-offset-is-minus-one",
        "8-21",
        "now.closed.catch-up-answers-as-at-the-end",
        "a read from now of a closed stream says -1 for the final offset",
    )
    .says(|asked, head| {
        if asked.catches_up() && asked.now() && head.has("stream-closed") {
            head.set("stream-next-offset", "-1");
        }
    }),
    defect(
        "now.closed-poll-no-flag",
        "8-22",
        "now.closed.long-poll-does-not-wait",
        "a long-poll from now of a closed stream does not say that it is closed",
    )
    .says(|asked, head| {
        if asked.polls() && asked.now() {
            head.lose("stream-closed");
        }
    }),
    defect(
        "now.closed-events-no-flag",
        "8-23",
        "now.closed.sse-is-one-control-event",
        "an event stream from now of a closed stream does not say that it is closed",
    )
    .writes(|asked, text| {
        if asked.streams() && asked.now() {
            text.replace(",\"streamClosed\":true", "")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "offset.zero-is-minus-one",
        "8-24",
        "offsets.tokens.are-none-of-the-sentinels",
        "the offset of an empty stream is -1",
    )
    .says(|_, head| {
        head.change("stream-next-offset", |offset| {
            if offset.ends_with("0000000000000000") {
                "-1".to_owned()
            } else {
                offset.to_owned()
            }
        });
    }),
    defect(
        "offset.inherited-is-unknown",
        "8-25",
        "offsets.forks.share-those-before-them",
        "a fork does not know the offsets of its source",
    )
    .breaks(Flaw::InheritedOffsetsAreUnknown),
    defect(
        "offset.sub-offset-is-echoed",
        "8-26",
        "offsets.forks.have-no-sub-offsets-in-answers",
        "the answer that makes a fork has its sub-offset",
    )
    .says(|asked, head| {
        if let Some(count) = asked.header("stream-fork-sub-offset") {
            head.set("stream-fork-sub-offset", count);
        }
    }),
];
