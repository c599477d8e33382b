//! What a stream is, and closing it (§4).

use http::StatusCode;

use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "restart.loses-content",
        "4-01",
        "restart.content.is-kept",
        "the last append to a stream is lost in a restart",
    )
    .breaks(Flaw::RestartLosesContent),
    defect(
        "content.forgotten",
        "4-02",
        "model.content.stays",
        "old content is dropped, and what is left is given for every offset",
    )
    .breaks(Flaw::OldContentIsForgotten),
    defect(
        "content.full",
        "4-03",
        "model.writers.lose-nothing",
        "what comes after the twentieth entry is acknowledged and lost",
    )
    .breaks(Flaw::LogIsFull),
    defect(
        "content.ends-at-nul",
        "4-03",
        "append.open.keeps-any-bytes",
        "an append ends at its first NUL",
    )
    .misreads(|asked, request| {
        if asked.post() {
            let end = asked.body.iter().position(|&byte| byte == 0);
            request.set_body(asked.body.slice(..end.unwrap_or(asked.body.len())));
        }
    }),
    defect(
        "content.is-utf-8",
        "4-03",
        "append.open.keeps-any-bytes",
        "what is no UTF-8 is stored with replacement characters",
    )
    .misreads(|asked, request| {
        if asked.post() {
            request.set_body(String::from_utf8_lossy(&asked.body).into_owned());
        }
    }),
    defect(
        "content.has-unix-lines",
        "4-03",
        "append.open.keeps-any-bytes",
        "line ends are stored as line feeds",
    )
    .misreads(|asked, request| {
        if asked.post() {
            let line_feeds = |text: &str| text.replace("\r\n", "\n");
            if let Ok(text) = std::str::from_utf8(&asked.body) {
                request.set_body(line_feeds(text));
            } else {
                request.set_body(
                    asked
                        .body
                        .iter()
                        .copied()
                        .filter(|&byte| byte != b'\r')
                        .collect::<Vec<_>>(),
                );
            }
        }
    }),
    defect(
        "read.wrong-type",
        "4-04",
        "model.type.stays",
        "a read says another type",
    )
    .says(|asked, head| {
        if asked.catches_up() && head.is(200) {
            head.set("content-type", "application/x-other");
        }
    }),
    defect(
        "content.type-without-parameters",
        "4-04",
        "model.type.stays",
        "a stream loses the parameters of its content type",
    )
    .misreads(|asked, request| {
        if asked.put() {
            request.change("content-type", |value| {
                value.split(';').next().unwrap_or_default().to_owned()
            });
        }
    }),
    defect(
        "content.old-producers",
        "4-05",
        "delete.again-created.is-a-new-stream",
        "what is created where a stream was deleted has the producers of that",
    )
    .breaks(Flaw::ProducersOutliveTheStream),
    defect(
        "closed.put-reopens",
        "4-06",
        "model.closed.stays-closed",
        "a PUT opens a closed stream",
    )
    .breaks(Flaw::PutReopens),
    defect(
        "content.dropped-is-404",
        "4-07",
        "retention.dropped.answers-410",
        "a read from what was dropped answers 404",
    )
    .says(|asked, head| {
        if asked.get() && head.is(410) {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "restart.opens",
        "4.1-01",
        "restart.closed.stays-closed",
        "a closed stream is open after a restart",
    )
    .breaks(Flaw::RestartOpens),
    defect(
        "closed.again-is-409",
        "4.1-02",
        "model.closed.again-is-no-error",
        "closing a closed stream is refused",
    )
    .breaks(Flaw::CloseAgainIsRefused),
    defect(
        "closed.unreadable",
        "4.1-03",
        "model.closed.is-readable",
        "a closed stream gives nothing any more",
    )
    .breaks(Flaw::ClosedIsUnreadable),
    defect(
        "closed.in-one-case",
        "4.1-04",
        "model.closing.in-any-case",
        "Stream-Closed counts in lower case only",
    )
    .misreads(|asked, request| {
        if asked.header("stream-closed") != Some("true") {
            request.lose("stream-closed");
        }
    }),
    defect(
        "closed.by-presence",
        "4.1-05",
        "model.closing.only-by-true",
        "Stream-Closed closes with any value",
    )
    .misreads(|asked, request| {
        if asked.has("stream-closed") {
            request.set("stream-closed", "true");
        }
    }),
    defect(
        "closed.by-yes",
        "4.1-05",
        "model.closing.only-by-true",
        "Stream-Closed closes with 1 and yes as well",
    )
    .misreads(|asked, request| {
        if matches!(asked.header("stream-closed"), Some("1" | "yes")) {
            request.set("stream-closed", "true");
        }
    }),
    defect(
        "closed.other-value-is-400",
        "4.1-06",
        "model.closing.other-values-are-no-error",
        "Stream-Closed with another value than true is refused",
    )
    .says(|asked, head| {
        if asked.has("stream-closed") && !asked.closes() {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "closed.without-the-last-append",
        "4.1-07",
        "model.closing.is-not-seen-before-the-last-content",
        "an append that closes is lost",
    )
    .breaks(Flaw::ClosingAppendIsLost),
    defect(
        "closed.not-by-an-append",
        "4.1-07",
        "model.closing.is-the-last-write",
        "an append that closes leaves the stream open",
    )
    .breaks(Flaw::ClosingAppendLeavesOpen),
];
