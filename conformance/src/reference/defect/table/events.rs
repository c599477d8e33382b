//! Event streams (§5.8).

use http::StatusCode;

use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "sse.wrong-type",
        "5.8-01",
        "sse.content.comes-as-events",
        "an event stream has another type",
    )
    .says(|asked, head| {
        if asked.streams() && head.is(200) {
            head.set("content-type", "text/plain");
        }
    }),
    defect(
        "sse.no-encoding-header",
        "5.8-02",
        "sse.binary.is-base64",
        "an event stream in base64 does not say so",
    )
    .says(|asked, head| {
        if asked.streams() {
            head.lose("stream-sse-data-encoding");
        }
    }),
    defect(
        "sse.binary-is-text",
        "5.8-02",
        "sse.binary.is-base64",
        "binary content is sent as text",
    )
    .breaks(Flaw::BinaryIsText),
    defect(
        "sse.text-is-base64",
        "5.8-03",
        "sse.text.is-not-encoded",
        "text is sent in base64",
    )
    .breaks(Flaw::TextIsBinary),
    defect(
        "sse.capitals-are-base64",
        "5.8-03",
        "sse.text.is-not-encoded-whatever-the-case",
        "content is sent in base64 when its type has capitals",
    )
    .breaks(Flaw::CapitalsAreBinary),
    defect(
        "sse.missing-is-410",
        "5.8-04",
        "sse.missing.answers-404",
        "an event stream of nothing answers 410",
    )
    .says(|asked, head| {
        if asked.streams() && head.is(404) {
            head.answer_with(StatusCode::GONE);
        }
    }),
    defect(
        "sse.offset-has-a-default",
        "5.8-04",
        "sse.offset.is-required",
        "an event stream without an offset begins at the beginning",
    )
    .misreads(|asked, request| {
        if asked.streams() && asked.parameter("offset").is_none() {
            request.set_parameter("offset", "-1");
        }
    }),
    defect(
        "sse.cr-is-text",
        "5.8-05",
        "sse.text.is-never-an-event-of-its-own",
        "a carriage return in text is sent as it is",
    )
    .breaks(Flaw::CarriageReturnsAreText),
    defect(
        "sse.lines-without-prefix",
        "5.8-05",
        "sse.text.keeps-its-lines",
        "only the first line of text has its data:",
    )
    .writes(|asked, text| {
        if asked.streams() {
            data_lines(text, |number, line| {
                if number == 0 {
                    format!("data: {line}")
                } else {
                    line.to_owned()
                }
            })
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.base64-for-urls",
        "5.8-06",
        "sse.binary.is-base64",
        "base64 has the alphabet of URLs",
    )
    .writes(|asked, text| {
        if asked.streams() {
            data_lines(text, |_, line| {
                format!("data: {}", line.replace('+', "-").replace('/', "_"))
            })
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.base64-without-padding",
        "5.8-06",
        "sse.binary.appends-are-base64",
        "base64 has no padding",
    )
    .writes(|asked, text| {
        if asked.streams() {
            data_lines(text, |_, line| {
                format!("data: {}", line.trim_end_matches('='))
            })
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.control-comes-first",
        "5.8-07",
        "sse.control.follows-every-data-event",
        "a control event comes before its data",
    )
    .writes(|asked, text| {
        if let Some(at) = text.find("event: control").filter(|_| asked.streams()) {
            format!("{}{}", &text[at..], &text[..at])
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.control-without-offset",
        "5.8-08",
        "sse.content.comes-as-events",
        "control events have no streamNextOffset",
    )
    .writes(|asked, text| {
        if asked.streams() {
            text.replace("\"streamNextOffset\"", "\"offset\"")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.control-is-behind",
        "5.8-09",
        "sse.control.has-where-to-go-on",
        "the offset of a control event is before its data",
    )
    .breaks(Flaw::ControlIsBehind),
    defect(
        "sse.no-cursor",
        "5.8-10",
        "sse.control.has-a-cursor",
        "control events have no streamCursor",
    )
    .writes(|asked, text| {
        if asked.streams() {
            text.replace("\"streamCursor\"", "\"cursor\"")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.no-up-to-date",
        "5.8-11",
        "sse.content.comes-as-events",
        "control events do not say that they are up to date",
    )
    .writes(|asked, text| {
        if asked.streams() {
            text.replace(",\"upToDate\":true", "")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.no-closed",
        "5.8-12",
        "sse.closed.ends-the-connection",
        "the last control event does not say that the stream is closed",
    )
    .writes(|asked, text| {
        if asked.streams() {
            text.replace(",\"streamClosed\":true", "")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.snake-case",
        "5.8-13",
        "sse.content.comes-as-events",
        "fields of control events are spelled in snake case",
    )
    .writes(|asked, text| {
        if asked.streams() {
            text.replace("streamNextOffset", "stream_next_offset")
                .replace("upToDate", "up_to_date")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.closed-stays-open",
        "5.8-14",
        "sse.closed.ends-the-connection",
        "an event stream does not end with its stream",
    )
    .breaks(Flaw::ClosedEventsStayOpen),
    defect(
        "sse.closed-is-not-up-to-date",
        "5.8-15",
        "sse.closed.at-the-end-is-one-control-event",
        "the last control event does not say that it is up to date",
    )
    .writes(|asked, text| {
        if asked.streams() && text.contains("streamClosed") {
            text.replace(",\"upToDate\":true", "")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.misses-the-closure",
        "5.8-16",
        "sse.closed.while-connected",
        "an event stream does not learn that its stream is closed",
    )
    .breaks(Flaw::EventsMissTheClosure),
    defect(
        "sse.misses-appends",
        "5.8-17",
        "sse.appends.are-delivered",
        "an event stream does not learn of appends",
    )
    .breaks(Flaw::EventsMissAppends),
    defect(
        "sse.repeats-data",
        "5.8-17",
        "sse.appends.to-json-are-delivered",
        "data events come twice",
    )
    .writes(|asked, text| {
        if let Some(at) = text.find("event: control").filter(|_| asked.streams()) {
            format!("{}{text}", &text[..at])
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.never-ends",
        "5.8-18",
        "sse.connection.ends-after-a-minute",
        "an event stream goes on for ever",
    )
    .breaks(Flaw::EventsNeverEnd),
    defect(
        "sse.fork-reads-the-source",
        "5.8-19",
        "sse.fork.has-no-later-appends-to-its-source",
        "an event stream of a fork is that of its source",
    )
    .breaks(Flaw::EventsOfForksReadTheSource),
    defect(
        "sse.no-space-after-the-colon",
        "5.8-20",
        "sse.text.keeps-leading-spaces",
        "text is written right behind the colon",
    )
    .writes(|asked, text| {
        if asked.streams() {
            data_lines(text, |_, line| format!("data:{line}"))
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.loses-last-newlines",
        "5.8-21",
        "sse.text.keeps-its-lines",
        "text loses the newlines at its end",
    )
    .writes(|asked, text| {
        if asked.streams() {
            text.replace("\ndata: \n\n", "\n\n")
        } else {
            text.to_owned()
        }
    }),
    defect(
        "sse.cuts-characters",
        "5.8-22",
        "sse.text.keeps-characters-that-arrive-in-parts",
        "each append is made text by itself",
    )
    .breaks(Flaw::CharactersAreCut),
    defect(
        "sse.cacheable",
        "5.8-23",
        "sse.head.is-that-of-an-open-end",
        "an event stream may be cached",
    )
    .says(|asked, head| {
        if asked.streams() {
            head.set("cache-control", "public, max-age=60");
        }
    }),
];

/// Events with the lines of their data written in another way; each has its number within the event.
fn data_lines(text: &str, write: fn(usize, &str) -> String) -> String {
    let mut in_data = false;
    let mut number = 0;
    let lines = text
        .split_inclusive('\n')
        .map(|line| match line.strip_prefix("data: ") {
            Some(data) if in_data => {
                number += 1;
                format!("{}\n", write(number - 1, data.trim_end_matches('\n')))
            }
            _ => {
                in_data = line == "event: data\n";
                number = 0;
                line.to_owned()
            }
        });
    lines.collect()
}
