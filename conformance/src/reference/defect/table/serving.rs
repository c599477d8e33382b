//! Caching, extensions and security (§10–12).

use http::StatusCode;

use super::super::asked::Asked;
use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "cache.no-policy",
        "10-01",
        "caching.control.lets-caches-keep-it",
        "reads lack Cache-Control",
    )
    .says(|asked, head| {
        if asked.catches_up() && !asked.now() {
            head.lose("cache-control");
        }
    }),
    defect(
        "cache.policy-for-ever",
        "10-01",
        "caching.control.lets-caches-keep-it",
        "reads may be cached for a year",
    )
    .says(|asked, head| {
        if asked.catches_up() && !asked.now() && head.is(200) {
            head.set("cache-control", "public, max-age=31536000");
        }
    }),
    defect(
        "etag.none",
        "10-02",
        "caching.etag.is-there",
        "reads lack ETag",
    )
    .says(|asked, head| {
        if asked.catches_up() && head.is(200) {
            head.lose("etag");
        }
    }),
    defect(
        "etag.on-now",
        "10-03",
        "now.catch-up.has-no-etag",
        "a read from now has an ETag",
    )
    .says(|asked, head| {
        if asked.catches_up() && asked.now() {
            head.set("etag", "\"now\"");
        }
    }),
    defect(
        "etag.is-412",
        "10-04",
        "caching.match.answers-304",
        "a condition that holds is answered with 412",
    )
    .says(|asked, head| {
        if asked.get() && head.is(304) {
            head.answer_with(StatusCode::PRECONDITION_FAILED);
        }
    }),
    defect(
        "etag.is-never-compared",
        "10-04",
        "caching.match.answers-304",
        "If-None-Match is ignored",
    )
    .misreads(|asked, request| {
        if asked.get() {
            request.lose("if-none-match");
        }
    }),
    defect(
        "etag.matches-always",
        "10-04",
        "caching.match.not-another-tag",
        "any If-None-Match matches",
    )
    .misreads(|asked, request| {
        if asked.has("if-none-match") {
            request.set("if-none-match", "*");
        }
    }),
    defect(
        "etag.knows-no-end",
        "10-04",
        "caching.change.an-append-is-seen",
        "the ETag does not change with an append",
    )
    .breaks(Flaw::TagKnowsNoEnd),
    defect(
        "etag.knows-no-start",
        "10-04",
        "caching.match.not-the-tag-of-another-range",
        "the ETag is the same from every offset",
    )
    .breaks(Flaw::TagKnowsNoStart),
    defect(
        "etag.weak-is-another",
        "10-05",
        "caching.match.as-a-weak-tag",
        "a weak tag matches nothing",
    )
    .misreads(|asked, request| {
        if asked
            .header("if-none-match")
            .is_some_and(|tag| tag.starts_with("W/"))
        {
            request.lose("if-none-match");
        }
    }),
    defect(
        "etag.first-of-a-list",
        "10-05",
        "caching.match.in-a-list",
        "of a list of tags only the first one counts",
    )
    .misreads(|asked, request| {
        if asked.get() {
            request.change("if-none-match", |tags| {
                tags.split(',').next().unwrap_or_default().to_owned()
            });
        }
    }),
    defect(
        "etag.constant",
        "10-06",
        "caching.change.the-closure-is-seen",
        "the ETag is always the same",
    )
    .says(|asked, head| {
        if asked.catches_up() && head.has("etag") {
            head.set("etag", "\"same\"");
        }
    }),
    defect(
        "etag.knows-no-closure",
        "10-06",
        "caching.change.the-closure-is-seen",
        "the ETag does not change with the closure",
    )
    .breaks(Flaw::TagKnowsNoClosure),
    defect(
        "etag.knows-no-stream",
        "10-07",
        "caching.change.a-new-stream-is-seen",
        "the ETag is the same for a stream and for what is created in its place",
    )
    .breaks(Flaw::TagKnowsNoStream),
    defect(
        "etag.304-no-tag",
        "10-08",
        "caching.match.repeats-the-etag",
        "a 304 lacks ETag",
    )
    .says(|_, head| {
        if head.is(304) {
            head.lose("etag");
        }
    }),
    defect(
        "etag.304-has-another",
        "10-08",
        "caching.match.repeats-the-etag",
        "a 304 has another ETag than the 200",
    )
    .says(|asked, head| {
        if asked.get() && head.is(304) {
            head.set("etag", "\"unchanged\"");
        }
    }),
    defect(
        "cursor.only-for-a-cursor",
        "10-09",
        "cursors.long-poll.count-intervals",
        "a long-poll without a cursor is answered without one",
    )
    .says(|asked, head| {
        if asked.polls() && asked.parameter("cursor").is_none() {
            head.lose("stream-cursor");
        }
    }),
    defect(
        "cursor.constant",
        "10-10",
        "cursors.long-poll.move-on",
        "the cursor is always the same",
    )
    .says(|_, head| {
        if head.has("stream-cursor") {
            head.set("stream-cursor", "1");
        }
    }),
    defect(
        "cursor.is-echoed",
        "10-10",
        "cursors.long-poll.move-on",
        "a long-poll is answered with its own cursor",
    )
    .says(|asked, head| {
        if let Some(cursor) = asked.parameter("cursor") {
            head.set("stream-cursor", cursor);
        }
    }),
    defect(
        "cursor.events-stand-still",
        "10-10",
        "cursors.sse.move-on",
        "the cursor of events is always that of the time",
    )
    .breaks(Flaw::EventCursorsStandStill),
    defect(
        "cursor.counts-seconds",
        "10-11",
        "cursors.long-poll.count-intervals",
        "cursors count seconds",
    )
    .says(|asked, head| {
        if asked.polls() {
            head.change("stream-cursor", |cursor| {
                cursor
                    .parse::<u64>()
                    .map_or_else(|_| cursor.to_owned(), |cursor| (cursor * 20).to_string())
            });
        }
    }),
    defect(
        "serving.unknown-parameter-is-400",
        "11-01",
        "serving.extensions.parameters-are-ignored",
        "a read with an unknown parameter is refused",
    )
    .says(|asked, head| {
        if asked.catches_up() && has_unknown_parameter(asked) {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "serving.unknown-live-parameter-is-400",
        "11-01",
        "serving.extensions.live-parameters-are-ignored",
        "a long-poll with an unknown parameter is refused",
    )
    .says(|asked, head| {
        if asked.polls() && has_unknown_parameter(asked) {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "serving.unknown-header-is-400",
        "11-01",
        "serving.extensions.headers-are-ignored",
        "a request with an unknown header of the protocol is refused",
    )
    .says(|asked, head| {
        if asked.has("stream-suite") {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "path.is-walked",
        "12-02",
        "serving.urls.do-not-lead-to-another-stream",
        "a path is decoded, and then walked",
    )
    .misreads(|asked, request| {
        if asked.path.contains("..") {
            request.set_path(&walked(&asked.path));
        }
    }),
    defect(
        "path.leads-out",
        "12-02",
        "serving.urls.do-not-lead-out-of-the-root",
        "a path leads to the files of the server",
    )
    .says(|asked, head| {
        if asked.path.contains("passwd") {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "path.ends-at-nul",
        "12-02",
        "serving.urls.with-a-nul-do-no-harm",
        "a path ends at its first NUL",
    )
    .misreads(|asked, request| {
        if let Some((name, _)) = asked.path.split_once("%00") {
            request.set_path(name);
        }
    }),
    defect(
        "path.is-cut",
        "12-02",
        "serving.urls.that-are-too-long-do-no-harm",
        "a path ends after 255 characters",
    )
    .misreads(|asked, request| {
        if asked.path.len() > 255 {
            request.set_path(&asked.path[..255]);
        }
    }),
    defect(
        "path.odd-is-500",
        "12-02",
        "raw.paths.odd-ones-are-answered",
        "a path with dots breaks the server",
    )
    .says(|asked, head| {
        if asked.path.contains("..") {
            head.answer_with(StatusCode::INTERNAL_SERVER_ERROR);
        }
    }),
    defect(
        "guard.no-nosniff",
        "12-04",
        "serving.browsers.do-not-guess-types",
        "answers lack X-Content-Type-Options",
    )
    .says(|_, head| {
        head.lose("x-content-type-options");
    }),
    defect(
        "guard.no-nosniff-on-errors",
        "12-04",
        "serving.browsers.do-not-guess-types",
        "refusals lack X-Content-Type-Options",
    )
    .says(|_, head| {
        if head.status.is_client_error() {
            head.lose("x-content-type-options");
        }
    }),
    defect(
        "guard.no-nosniff-on-sse",
        "12-04",
        "serving.browsers.do-not-guess-types-of-events",
        "event streams lack X-Content-Type-Options",
    )
    .says(|asked, head| {
        if asked.streams() {
            head.lose("x-content-type-options");
        }
    }),
    defect(
        "guard.no-resource-policy",
        "12-05",
        "serving.browsers.know-who-may-embed-it",
        "answers lack Cross-Origin-Resource-Policy",
    )
    .says(|_, head| {
        head.lose("cross-origin-resource-policy");
    }),
];

fn has_unknown_parameter(asked: &Asked) -> bool {
    let mut keys = asked.query.split('&').map(|pair| pair.split('=').next());
    keys.any(|key| !matches!(key, Some("" | "offset" | "live" | "cursor")))
}

/// Where a path leads that is decoded first.
fn walked(path: &str) -> String {
    let path = path
        .to_ascii_lowercase()
        .replace("%2f", "/")
        .replace("%5c", "/");
    let mut segments = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    format!("/{}", segments.join("/"))
}
