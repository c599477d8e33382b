//! Subscriptions, and what they are linked to (§6).

use http::StatusCode;

use super::super::edit::{Distort, Misread};
use super::super::flaw::Flaw;
use super::super::{Defect, defect};

/// In the order of the protocol.
pub(super) const ROWS: &[Defect] = &[
    defect(
        "subscriptions.reserved-is-a-stream",
        "6-01",
        "subscriptions.reserved.is-no-stream",
        "what is no JSON makes a stream below the reserved segment",
    )
    .misreads(|asked, request| {
        if asked.controls() && !asked.json() {
            request.set_path(&asked.path.replace("/__ds/", "/_ds/"));
        }
    }),
    defect(
        "subscriptions.new-is-200",
        "6.2-01",
        "subscriptions.create.answers-201-then-200",
        "a new subscription is answered with 200",
    )
    .says(|asked, head| {
        if asked.put() && asked.controls() && head.is(201) {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "subscriptions.again-is-201",
        "6.2-01",
        "subscriptions.create.answers-201-then-200",
        "the same subscription again is answered with 201",
    )
    .says(|asked, head| {
        if asked.put() && asked.controls() && head.is(200) {
            head.answer_with(StatusCode::CREATED);
        }
    }),
    defect(
        "subscriptions.again-is-409",
        "6.2-01",
        "subscriptions.create.answers-201-then-200",
        "the same subscription again is refused with 409",
    )
    .says(|asked, head| {
        if asked.put() && asked.controls() && head.is(200) {
            head.answer_with(StatusCode::CONFLICT);
        }
    }),
    defect(
        "subscriptions.conflict-is-400",
        "6.2-02",
        "subscriptions.create.other-settings-conflict",
        "other settings are refused with 400",
    )
    .says(|asked, head| {
        if asked.put() && asked.controls() && head.is(409) {
            head.answer_with(StatusCode::BAD_REQUEST);
        }
    }),
    defect(
        "subscriptions.are-replaced",
        "6.2-02",
        "subscriptions.create.other-settings-conflict",
        "other settings replace those that are there",
    )
    .breaks(Flaw::SubscriptionsAreReplaced),
    defect(
        "subscriptions.to-nothing",
        "6.2-03",
        "subscriptions.create.needs-pattern-or-streams",
        "a subscription may have neither a pattern nor streams",
    )
    .breaks(Flaw::ToNothingIsTaken),
    defect(
        "subscriptions.asterisk-is-any-number",
        "6.2-04",
        "subscriptions.pattern.one-asterisk-is-one-segment",
        "`*` stands for any number of segments",
    )
    .breaks(Flaw::AsteriskIsAnyNumber),
    defect(
        "subscriptions.two-asterisks-are-some",
        "6.2-04",
        "subscriptions.pattern.two-asterisks-are-any-number",
        "`**` does not stand for no segment at all",
    )
    .breaks(Flaw::TwoAsterisksAreSome),
    defect(
        "subscriptions.two-asterisks-are-one",
        "6.2-04",
        "subscriptions.pattern.two-asterisks-are-any-number",
        "`**` stands for one segment",
    )
    .breaks(Flaw::TwoAsterisksAreOne),
    defect(
        "subscriptions.order-matters",
        "6.2-05",
        "subscriptions.create.order-of-streams-is-no-difference",
        "the same streams in another order are refused",
    )
    .breaks(Flaw::OrderOfStreamsMatters),
    defect(
        "subscriptions.tell-a-secret",
        "6.2-06",
        "subscriptions.keys.are-no-shared-secrets",
        "a webhook is described with a secret",
    )
    .writes(|asked, text| {
        if asked.controls() {
            text.replace(r#""signing":{"#, r#""signing":{"secret":"whsec_1","#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "subscriptions.plain-webhooks",
        "6.2-07",
        "subscriptions.urls.plain-http-is-refused",
        "webhooks go anywhere by plain HTTP",
    )
    .breaks(Flaw::PlainWebhooksAreTaken),
    defect(
        "subscriptions.local-webhooks",
        "6.2-08",
        "subscriptions.urls.local-targets-are-refused",
        "webhooks go to local targets",
    )
    .breaks(Flaw::LocalWebhooksAreTaken),
    defect(
        "subscriptions.local-ipv6-webhooks",
        "6.2-08",
        "subscriptions.urls.local-targets-are-refused",
        "webhooks go to local targets if their addresses are IPv6",
    )
    .breaks(Flaw::LocalIpv6IsTaken),
    defect(
        "subscriptions.metadata-webhooks",
        "6.2-09",
        "subscriptions.urls.metadata-is-refused",
        "webhooks go to where clouds keep their metadata",
    )
    .breaks(Flaw::MetadataWebhooksAreTaken),
    defect(
        "subscriptions.history-is-work",
        "6.2-10",
        "subscriptions.pattern.what-is-there-is-no-work",
        "a pattern links what is there from its beginning",
    )
    .breaks(Flaw::HistoryIsWork),
    defect(
        "subscriptions.later-is-not-linked",
        "6.2-11",
        "subscriptions.pattern.what-appears-is-work",
        "a pattern is for streams that are there when it comes",
    )
    .breaks(Flaw::LaterStreamsAreNotLinked),
    defect(
        "subscriptions.any-lease",
        "6.2-12",
        "subscriptions.create.lease-is-limited",
        "a lease may last as long as it likes",
    )
    .breaks(Flaw::AnyLeaseIsTaken),
    defect(
        "subscriptions.no-type",
        "6.2-13",
        "subscriptions.create.needs-what-its-type-needs",
        "a subscription without a type is pull-wake",
    )
    .misreads(|asked, request| {
        let body = String::from_utf8_lossy(&asked.body);
        if asked.put() && asked.controls() && asked.json() && !body.contains(r#""type""#) {
            request.set_body(body.replacen('{', r#"{"type":"pull-wake","#, 1));
        }
    }),
    defect(
        "subscriptions.no-id",
        "6.3-01",
        "subscriptions.get.describes-it",
        "a subscription does not say its subscription_id",
    )
    .writes(|asked, text| {
        if asked.get() && asked.controls() {
            text.replace(r#""subscription_id""#, r#""subscription""#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "subscriptions.no-acked-offset",
        "6.3-01",
        "subscriptions.get.describes-it",
        "links do not say how far they are acknowledged",
    )
    .writes(|asked, text| {
        if asked.get() && asked.controls() {
            text.replace(r#""acked_offset""#, r#""offset""#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "subscriptions.failure-does-not-show",
        "6.3-02",
        "subscriptions.webhook.that-failed-shows",
        "the status is active while a webhook is to be sent again",
    )
    .breaks(Flaw::FailureDoesNotShow),
    defect(
        "subscriptions.deleted-is-200",
        "6.3-03",
        "subscriptions.delete.answers-204-then-404",
        "a DELETE of a subscription is answered with 200",
    )
    .says(|asked, head| {
        if asked.delete() && asked.controls() && head.is(204) {
            head.answer_with(StatusCode::OK);
        }
    }),
    defect(
        "subscriptions.deletion-does-nothing",
        "6.3-03",
        "subscriptions.delete.answers-204-then-404",
        "a DELETE of a subscription leaves it there",
    )
    .breaks(Flaw::SubscriptionsAreNotDeleted),
    defect(
        "subscriptions.deleted-takes-reports",
        "6.3-04",
        "subscriptions.delete.ends-its-reports",
        "a subscription that is not there takes acks",
    )
    .breaks(Flaw::DeletedTakesReports),
    defect(
        "subscriptions.links-begin-at-the-beginning",
        "6.4-01",
        "subscriptions.links.are-added-at-the-tail",
        "an explicit link begins where the stream does",
    )
    .breaks(Flaw::LinksBeginAtTheBeginning),
    defect(
        "subscriptions.linking-again-moves",
        "6.4-01",
        "subscriptions.links.are-added-at-the-tail",
        "linking a stream again moves its cursor to the tail",
    )
    .breaks(Flaw::LinkingAgainMoves),
    defect(
        "subscriptions.unlinking-does-nothing",
        "6.4-02",
        "subscriptions.links.are-removed",
        "an explicit link stays when it is taken away",
    )
    .breaks(Flaw::UnlinkingDoesNothing),
    defect(
        "subscriptions.unlinking-needs-a-link",
        "6.4-02",
        "subscriptions.links.are-removed",
        "taking away a link that is not there answers 404",
    )
    .breaks(Flaw::UnlinkingNeedsALink),
    defect(
        "subscriptions.unlinking-takes-patterns",
        "6.4-02",
        "subscriptions.links.by-pattern-stay",
        "taking an explicit link away takes the one by pattern, too",
    )
    .breaks(Flaw::UnlinkingTakesPatterns),
    defect(
        "subscriptions.patterns-come-first",
        "6.4-03",
        "subscriptions.links.explicit-ones-come-first",
        "a stream that is linked both ways is listed as glob",
    )
    .breaks(Flaw::PatternsComeFirst),
    defect(
        "keys.are-json",
        "6.5-01",
        "subscriptions.keys.are-a-jwk-set",
        "keys have the content type of any JSON",
    )
    .says(|asked, head| {
        if asked.keys() {
            head.set("content-type", "application/json");
        }
    }),
    defect(
        "keys.have-no-names",
        "6.5-02",
        "subscriptions.keys.have-names-that-stay",
        "keys have no kid",
    )
    .writes(|asked, text| {
        if asked.keys() {
            text.replace(r#""kid""#, r#""id""#)
        } else {
            text.to_owned()
        }
    }),
    defect(
        "keys.share-a-name",
        "6.5-02",
        "subscriptions.keys.have-names-that-stay",
        "two keys have the same kid",
    )
    .writes(|asked, text| {
        let key = text.strip_prefix(r#"{"keys":["#);
        match key.and_then(|key| key.strip_suffix("]}")) {
            Some(key) if asked.keys() => format!(r#"{{"keys":[{key},{key}]}}"#),
            _ => text.to_owned(),
        }
    }),
    defect(
        "keys.are-new-after-a-restart",
        "6.5-05",
        "restart.keys.are-kept",
        "a restart makes new keys",
    )
    .breaks(Flaw::RestartMakesNewKeys),
    defect(
        "keys.tell-their-private-part",
        "6.5-04",
        "subscriptions.keys.private-ones-stay-secret",
        "keys are shown with their private part",
    )
    .writes(|asked, text| {
        if asked.keys() {
            text.replace(r#""kty""#, r#""d":"AAAA","kty""#)
        } else {
            text.to_owned()
        }
    }),
];
