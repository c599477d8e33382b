//! Forks (§4.2).

use http::StatusCode;

use super::super::edit::{Distort, Misread, leading_digits};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "fork.delete-reaches-the-source",
        "4.2-01",
        "forks.deleted.leaves-the-source",
        "deleting a fork deletes its source",
    )
    .breaks(Flaw::DeletedForkTakesItsSource),
    defect(
        "fork.gets-later-appends",
        "4.2-01",
        "forks.content.does-not-change-with-the-source",
        "what the source is given later goes to its forks as well",
    )
    .breaks(Flaw::AppendsReachForks),
    defect(
        "fork.without-inheritance",
        "4.2-02",
        "forks.content.begins-with-that-of-the-source",
        "a fork gives nothing of what it inherits",
    )
    .breaks(Flaw::InheritedIsNotRead),
    defect(
        "fork.without-grandparents",
        "4.2-02",
        "forks.content.of-a-fork",
        "a fork of a fork gives nothing of what that inherits",
    )
    .breaks(Flaw::OnlyTheSourceIsRead),
    defect(
        "fork.begins-empty",
        "4.2-03",
        "forks.content.begins-with-that-of-the-source",
        "a fork without an offset begins at the beginning",
    )
    .breaks(Flaw::ForksBeginEmpty),
    defect(
        "fork.ignores-offset",
        "4.2-04",
        "forks.content.ends-before-the-offset",
        "a fork takes all that its source holds, whatever the offset",
    )
    .misreads(|asked, request| {
        if asked.fork() {
            request.lose("stream-fork-offset");
        }
    }),
    defect(
        "fork.includes-offset",
        "4.2-04",
        "forks.content.ends-before-the-offset",
        "a fork takes what is at the offset, too",
    )
    .breaks(Flaw::ForkOffsetIsIncluded),
    defect(
        "fork.ignores-sub-offset",
        "4.2-05",
        "forks.sub-offset.counts-messages",
        "Stream-Fork-Sub-Offset is ignored",
    )
    .misreads(|asked, request| {
        if asked.fork() {
            request.lose("stream-fork-sub-offset");
        }
    }),
    defect(
        "fork.sub-offset-one-more",
        "4.2-06",
        "forks.sub-offset.counts-bytes",
        "Stream-Fork-Sub-Offset counts one too many",
    )
    .misreads(|asked, request| {
        if asked.fork() && !asked.json() {
            request.change("stream-fork-sub-offset", |count| {
                count
                    .parse::<u64>()
                    .map_or_else(|_| count.to_owned(), |count| (count + 1).to_string())
            });
        }
    }),
    defect(
        "fork.sub-offset-zero-is-400",
        "4.2-07",
        "forks.sub-offset.zero-is-none",
        "a sub-offset of 0 is refused",
    )
    .misreads(|asked, request| {
        if asked.header("stream-fork-sub-offset") == Some("0") {
            request.set("stream-fork-sub-offset", "none");
        }
    }),
    defect(
        "fork.offset-alone-is-404",
        "4.2-08",
        "forks.offset.needs-a-source",
        "a fork offset without a source is answered with 404",
    )
    .says(|asked, head| {
        if asked.put() && asked.has("stream-fork-offset") && !asked.fork() {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "fork.other-type-is-400",
        "4.2-09",
        "forks.type.must-match",
        "a fork of another type answers 400",
    )
    .says(|asked, head| {
        if asked.fork() && head.is(409) && asked.has("content-type") {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "fork.ignores-type",
        "4.2-09",
        "forks.type.must-match",
        "a fork is made whatever content type it names",
    )
    .misreads(|asked, request| {
        if asked.fork() {
            request.lose("content-type");
        }
    }),
    defect(
        "fork.has-default-type",
        "4.2-10",
        "forks.type.is-inherited",
        "a fork that names no type is one of application/octet-stream",
    )
    .misreads(|asked, request| {
        if asked.fork() && !asked.has("content-type") {
            request.set("content-type", "application/octet-stream");
        }
    }),
    defect(
        "fork.has-default-ttl",
        "4.2-11",
        "forks.expiry.of-a-stream-without-end",
        "a fork that asks for no end has a TTL",
    )
    .misreads(|asked, request| {
        if asked.fork() && !asked.has("stream-ttl") && !asked.has("stream-expires-at") {
            request.set("stream-ttl", "900");
        }
    }),
    defect(
        "fork.ignores-ttl",
        "4.2-12",
        "forks.expiry.of-a-stream-without-end",
        "Stream-TTL of a fork is ignored",
    )
    .misreads(|asked, request| {
        if asked.fork() {
            request.lose("stream-ttl");
        }
    }),
    defect(
        "fork.ignores-expires-at",
        "4.2-13",
        "forks.expiry.of-a-stream-without-end",
        "Stream-Expires-At of a fork is ignored",
    )
    .misreads(|asked, request| {
        if asked.fork() {
            request.lose("stream-expires-at");
        }
    }),
    defect(
        "fork.does-not-inherit-ttl",
        "4.2-14",
        "forks.expiry.of-a-stream-with-a-ttl",
        "the TTL of a source is none of its forks",
    )
    .breaks(Flaw::TtlIsNotInherited),
    defect(
        "fork.ttl-is-capped",
        "4.2-15",
        "forks.expiry.of-a-stream-with-a-ttl",
        "a fork has no longer TTL than its source",
    )
    .breaks(Flaw::TtlOfAForkIsCapped),
    defect(
        "fork.ttl-of-source-wins",
        "4.2-16",
        "forks.expiry.of-a-stream-with-a-ttl",
        "a fork of a stream with a TTL has that, and no moment",
    )
    .breaks(Flaw::TtlOfTheSourceWins),
    defect(
        "fork.does-not-inherit-expires-at",
        "4.2-17",
        "forks.expiry.of-a-stream-with-a-moment",
        "a fork does not end with its source",
    )
    .breaks(Flaw::MomentIsNotInherited),
    defect(
        "fork.expires-at-of-source-wins",
        "4.2-18",
        "forks.expiry.of-a-stream-with-a-moment",
        "a fork ends with its source, whatever its TTL",
    )
    .breaks(Flaw::MomentOfTheSourceWins),
    defect(
        "fork.expires-at-is-capped",
        "4.2-19",
        "forks.expiry.of-a-stream-with-a-moment",
        "a fork ends with its source at the latest",
    )
    .breaks(Flaw::MomentOfAForkIsCapped),
    defect(
        "fork.missing-source-is-400",
        "4.2-20",
        "forks.source.must-be-there",
        "a fork of nothing answers 400",
    )
    .says(|asked, head| {
        if asked.fork() && head.is(404) {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "fork.past-tail-is-409",
        "4.2-21",
        "forks.offset.not-past-the-tail",
        "a fork from behind the tail answers 409",
    )
    .says(|asked, head| {
        if asked.fork() && head.is(400) {
            head.answer_with(StatusCode::CONFLICT);
        }
    }),
    defect(
        "fork.offset-is-capped",
        "4.2-21",
        "forks.offset.not-past-the-tail",
        "a fork from behind the tail is one from the tail",
    )
    .breaks(Flaw::ForkOffsetIsCapped),
    defect(
        "fork.offset-is-read-in-part",
        "4.2-22",
        "forks.offset.malformed",
        "a fork offset is read as far as it is one",
    )
    .misreads(|asked, request| {
        if asked.fork() {
            request.change("stream-fork-offset", |offset| {
                let end = offset.find(|c: char| !c.is_ascii_alphanumeric());
                offset[..end.unwrap_or(offset.len())].to_owned()
            });
        }
    }),
    defect(
        "fork.sub-offset-is-read-in-part",
        "4.2-23",
        "forks.sub-offset.malformed",
        "a sub-offset is read as far as it is a number",
    )
    .misreads(|asked, request| {
        if asked.fork() {
            request.change("stream-fork-sub-offset", leading_digits);
        }
    }),
    defect(
        "fork.sub-offset-is-capped",
        "4.2-24",
        "forks.sub-offset.not-past-the-end",
        "a sub-offset past the end is one to the end",
    )
    .breaks(Flaw::SubOffsetIsCapped),
    defect(
        "fork.replaces",
        "4.2-25",
        "forks.target.must-be-free",
        "a fork takes the place of what is there",
    )
    .breaks(Flaw::ForkReplaces),
    defect(
        "fork.deleted-source-is-404",
        "4.2-26",
        "forks.source.must-not-be-deleted",
        "a fork of a stream that is soft-deleted answers 404",
    )
    .says(|asked, head| {
        if asked.fork() && head.is(409) {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "fork.again-is-201",
        "4.2-27",
        "forks.again.answers-200",
        "the same fork again answers 201",
    )
    .says(|asked, head| {
        if asked.fork() && head.is(200) {
            head.answer_with(StatusCode::CREATED);
        }
    }),
    defect(
        "fork.again-is-409",
        "4.2-27",
        "forks.again.answers-200",
        "the same fork again is refused",
    )
    .says(|asked, head| {
        if asked.fork() && head.is(200) {
            head.answer_with(StatusCode::CONFLICT);
        }
    }),
    defect(
        "fork.other-offset-is-200",
        "4.2-28",
        "forks.again.at-another-offset-is-refused",
        "a fork from another offset answers 200",
    )
    .says(|asked, head| {
        if asked.fork() && head.is(409) && asked.has("stream-fork-offset") {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "fork.other-source-is-200",
        "4.2-29",
        "forks.again.of-another-source-is-refused",
        "a fork of another source at the same offset is the same fork",
    )
    .breaks(Flaw::ForkSourceIsNotCompared),
    defect(
        "fork.of-closed-is-409",
        "4.2-30",
        "forks.closed.source-has-open-forks",
        "a closed stream cannot be forked",
    )
    .breaks(Flaw::ClosedIsNotForked),
    defect(
        "fork.of-closed-is-closed",
        "4.2-30",
        "forks.closed.source-has-open-forks",
        "a fork of a closed stream is closed",
    )
    .breaks(Flaw::ForkIsClosedToo),
    defect(
        "fork.has-producers",
        "4.2-31",
        "forks.producers.are-not-inherited",
        "a fork knows the producers of its source",
    )
    .breaks(Flaw::ForkHasTheProducers),
    defect(
        "fork.has-seq",
        "4.2-32",
        "forks.seq.is-not-inherited",
        "a fork goes on from the Stream-Seq of its source",
    )
    .breaks(Flaw::ForkHasTheSeq),
    defect(
        "fork.takes-producers",
        "4.2-33",
        "forks.producers.of-the-source-stay",
        "forking makes the source forget its producers",
    )
    .breaks(Flaw::ForkTakesTheProducers),
    defect(
        "read.soft-deleted-is-404",
        "4.2-34",
        "forks.source.is-gone-when-deleted",
        "a read of a soft-deleted stream answers 404",
    )
    .says(|asked, head| {
        if asked.catches_up() && head.is(410) {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "fork.deleted-source-polls-are-404",
        "4.2-35",
        "forks.source.is-gone-for-long-polls",
        "a long-poll of a soft-deleted stream answers 404",
    )
    .says(|asked, head| {
        if asked.polls() && head.is(410) {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "fork.deleted-source-events-are-404",
        "4.2-35",
        "forks.source.is-gone-for-sse",
        "an event stream of a soft-deleted stream answers 404",
    )
    .says(|asked, head| {
        if asked.streams() && head.is(410) {
            head.answer_with(StatusCode::NOT_FOUND);
        }
    }),
    defect(
        "fork.deleted-source-is-replaced",
        "4.2-36",
        "forks.source.keeps-its-url-when-deleted",
        "a PUT creates a stream in the place of a soft-deleted one",
    )
    .breaks(Flaw::SoftDeletedPathIsFree),
    defect(
        "fork.loses-deleted-source",
        "4.2-37",
        "forks.source.is-still-read-by-forks-when-deleted",
        "forks lose what they inherit when their source is deleted",
    )
    .breaks(Flaw::DeletedIsGoneForForks),
    defect(
        "fork.deleted-source-stays",
        "4.2-38",
        "forks.source.goes-with-its-last-fork",
        "a soft-deleted stream stays when its last fork is deleted",
    )
    .breaks(Flaw::SoftDeletedStays),
    defect(
        "fork.deleted-chain-stays",
        "4.2-39",
        "forks.source.goes-with-the-last-of-a-chain",
        "of a chain of soft-deleted streams the first one stays",
    )
    .breaks(Flaw::OnlyTheLastGoes),
    defect(
        "fork.ignores-body",
        "4.2-40",
        "forks.body.goes-behind-what-is-inherited",
        "the body of a PUT that forks is dropped",
    )
    .misreads(|asked, request| {
        if asked.fork() {
            request.set_body("");
        }
    }),
    defect(
        "fork.ignores-closed",
        "4.2-41",
        "forks.closed.from-the-beginning",
        "Stream-Closed of a PUT that forks is ignored",
    )
    .misreads(|asked, request| {
        if asked.fork() {
            request.lose("stream-closed");
        }
    }),
    defect(
        "fork.refused-counts",
        "4.2-42",
        "forks.refused.holds-no-source",
        "a fork that is refused keeps its source",
    )
    .breaks(Flaw::RefusedForkCounts),
];
