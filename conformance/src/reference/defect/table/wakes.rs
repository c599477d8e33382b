//! Wakes, and those who work on them (§7, §12.9).

use http::StatusCode;

use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "wakes.generations-stand-still",
        "7-01",
        "subscriptions.wakes.rise-and-are-unique",
        "every wake has the same generation",
    )
    .breaks(Flaw::GenerationsStandStill),
    defect(
        "wakes.ids-repeat",
        "7-01",
        "subscriptions.wakes.rise-and-are-unique",
        "every wake has the same id",
    )
    .breaks(Flaw::WakeIdsRepeat),
    defect(
        "webhook.signature-knows-no-time",
        "7.1-01",
        "subscriptions.keys.sign-webhooks",
        "the body alone is signed",
    )
    .breaks(Flaw::SignatureKnowsNoTime),
    defect(
        "webhook.signature-in-milliseconds",
        "7.1-01",
        "subscriptions.keys.sign-webhooks",
        "the time of a signature is in milliseconds",
    )
    .breaks(Flaw::SignatureTimeIsInMilliseconds),
    defect(
        "webhook.done-acknowledges-nothing",
        "7.1-02",
        "subscriptions.webhook.done-acknowledges-it",
        "a webhook that is done acknowledges nothing",
    )
    .breaks(Flaw::DoneAcknowledgesNothing),
    defect(
        "webhook.done-keeps-the-lease",
        "7.1-02",
        "subscriptions.webhook.done-acknowledges-it",
        "a webhook that is done is not over",
    )
    .breaks(Flaw::DoneKeepsTheLease),
    defect(
        "webhook.done-reaches-the-tail",
        "7.1-03",
        "subscriptions.webhook.what-comes-later-wakes-again",
        "a webhook that is done acknowledges what came later, too",
    )
    .breaks(Flaw::DoneReachesTheTail),
    defect(
        "callback.no-next-wake",
        "7.1-04",
        "subscriptions.callback.acknowledges",
        "a callback is not told whether another wake follows",
    )
    .writes(|asked, text| {
        if asked.path.ends_with("/callback") {
            text.replace(r#""next_wake""#, r#""next""#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "callback.is-204",
        "7.1-04",
        "subscriptions.callback.acknowledges",
        "a callback is answered with 204",
    )
    .says(|asked, head| {
        if asked.path.ends_with("/callback") && head.is(200) {
            head.answer_without_body(StatusCode::NO_CONTENT);
        }
    }),
    defect(
        "callback.stale-is-taken",
        "7.1-05",
        "subscriptions.callback.that-is-stale-is-fenced",
        "a callback for an earlier wake is taken",
    )
    .breaks(Flaw::StaleCallbacksAreTaken),
    defect(
        "callback.stale-is-410",
        "7.1-05",
        "subscriptions.callback.that-is-stale-is-fenced",
        "a callback for an earlier wake is refused with 410",
    )
    .says(|asked, head| {
        if asked.path.ends_with("/callback") && head.is(409) {
            head.answer_with(StatusCode::GONE);
        }
    }),
    defect(
        "webhook.retries-do-not-wait",
        "7.1-06",
        "subscriptions.webhook.is-sent-again",
        "a webhook that failed is sent again at once",
    )
    .breaks(Flaw::RetriesDoNotWait),
    defect(
        "webhook.retries-do-not-grow",
        "7.1-06",
        "subscriptions.webhook.is-sent-again",
        "a webhook that failed is sent again every second",
    )
    .breaks(Flaw::RetriesDoNotGrow),
    defect(
        "webhook.nothing-is-sent-again",
        "7.1-06",
        "subscriptions.webhook.is-sent-again",
        "a webhook that failed is not sent again",
    )
    .breaks(Flaw::NothingIsSentAgain),
    defect(
        "wakes.stream-is-created",
        "7.2-01",
        "subscriptions.wakes.stream-is-not-created",
        "a wake creates the stream that it is appended to",
    )
    .breaks(Flaw::WakeStreamsAreCreated),
    defect(
        "wakes.other-type",
        "7.2-02",
        "subscriptions.wakes.are-events-on-a-stream",
        "a wake is of another type",
    )
    .writes(|asked, text| {
        if asked.get() && !asked.controls() {
            text.replace(r#""type":"wake""#, r#""type":"wakeup""#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "wakes.no-generation",
        "7.2-02",
        "subscriptions.wakes.are-events-on-a-stream",
        "a wake does not say its generation",
    )
    .writes(|asked, text| {
        if asked.get() && !asked.controls() {
            text.replace(r#""generation""#, r#""epoch""#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "claim.no-tail",
        "7.2-03",
        "subscriptions.claim.says-what-there-is-to-do",
        "a claim does not say the tails",
    )
    .writes(|asked, text| {
        if asked.path.ends_with("/claim") {
            text.replace(r#""tail_offset""#, r#""tail""#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "claim.nothing-pending",
        "7.2-03",
        "subscriptions.claim.says-what-there-is-to-do",
        "a claim says that nothing is pending",
    )
    .writes(|asked, text| {
        if asked.path.ends_with("/claim") {
            text.replace(r#""has_pending":true"#, r#""has_pending":false"#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "claim.is-shared",
        "7.2-04",
        "subscriptions.claim.is-exclusive",
        "a wake is claimed by everybody who wants it",
    )
    .breaks(Flaw::ClaimsAreShared),
    defect(
        "claim.no-holder",
        "7.2-04",
        "subscriptions.claim.is-exclusive",
        "a refused claim does not say who holds the lease",
    )
    .writes(|asked, text| {
        if asked.path.ends_with("/claim") {
            text.replace(r#""current_holder""#, r#""holder""#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "ack.is-forgotten",
        "7.2-05",
        "subscriptions.ack.done-ends-the-wake",
        "an ack moves no cursor",
    )
    .breaks(Flaw::AcksAreForgotten),
    defect(
        "ack.done-is-a-heartbeat",
        "7.2-05",
        "subscriptions.ack.done-ends-the-wake",
        "an ack that is done keeps the lease",
    )
    .breaks(Flaw::DoneIsAHeartbeat),
    defect(
        "ack.reaches-the-tail",
        "7.2-05",
        "subscriptions.ack.of-a-part-wakes-for-the-rest",
        "an ack moves the cursor to the tail",
    )
    .breaks(Flaw::AcksReachTheTail),
    defect(
        "lease.is-not-extended",
        "7.2-06",
        "subscriptions.lease.is-extended-by-heartbeats",
        "a heartbeat does not extend the lease",
    )
    .breaks(Flaw::HeartbeatsDoNotExtend),
    defect(
        "release.wakes-nobody",
        "7.2-07",
        "subscriptions.release.wakes-for-what-is-left",
        "a release wakes nobody for what is left",
    )
    .breaks(Flaw::ReleasesWakeNobody),
    defect(
        "ack.stale-is-taken",
        "7.2-08",
        "subscriptions.fencing.stale-reports-are-refused",
        "an ack for an earlier wake is taken",
    )
    .breaks(Flaw::StaleReportsAreTaken),
    defect(
        "ack.stale-is-not-fenced",
        "7.2-08",
        "subscriptions.fencing.stale-reports-are-refused",
        "an ack for an earlier wake is refused with another code",
    )
    .writes(|asked, text| {
        if asked.controls() {
            text.replace(r#""FENCED""#, r#""STALE""#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "fencing.generation-is-not-checked",
        "7.3-01",
        "subscriptions.fencing.everything-must-match",
        "the generation in a report is not looked at",
    )
    .breaks(Flaw::GenerationIsNotChecked),
    defect(
        "fencing.wake-is-not-checked",
        "7.3-01",
        "subscriptions.fencing.everything-must-match",
        "the wake in a report is not looked at",
    )
    .breaks(Flaw::WakeIdIsNotChecked),
    defect(
        "fencing.token-of-another-wake",
        "7.3-01",
        "subscriptions.fencing.everything-must-match",
        "the token of an earlier wake is as good as any",
    )
    .breaks(Flaw::GenerationOfTokensIsNotChecked),
    defect(
        "lease.never-ends",
        "7.3-02",
        "subscriptions.lease.that-runs-out-wakes-again",
        "a lease never runs out",
    )
    .breaks(Flaw::LeasesNeverEnd),
    defect(
        "lease.ends-early",
        "7.3-02",
        "subscriptions.lease.that-runs-out-wakes-again",
        "a lease runs out after half its time",
    )
    .breaks(Flaw::LeasesAreHalved),
    defect(
        "lease.wakes-nobody",
        "7.3-02",
        "subscriptions.lease.of-a-webhook-runs-out",
        "a lease that runs out wakes nobody",
    )
    .breaks(Flaw::LeasesWakeNobody),
    defect(
        "fencing.tokens-are-optional",
        "12-06",
        "subscriptions.fencing.tokens-are-checked",
        "a report needs no token",
    )
    .breaks(Flaw::TokensAreOptional),
    defect(
        "fencing.foreign-tokens",
        "12-06",
        "subscriptions.fencing.tokens-are-checked",
        "a token of another subscription is as good",
    )
    .breaks(Flaw::ForeignTokensAreTaken),
    defect(
        "fencing.tokens-in-urls",
        "12-06",
        "subscriptions.callback.tokens-are-checked",
        "a token is taken from the URL, too",
    )
    .misreads(|asked, request| {
        if let Some(token) = asked.parameter("token") {
            request.set("authorization", &format!("Bearer {token}"));
        }
    }),
];
