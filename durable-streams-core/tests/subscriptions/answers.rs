//! What successes say.

use std::time::{Duration, SystemTime};

use durable_streams_core::operation::Operation;
use durable_streams_core::operation::subscription::{
    Ack, Claim, ClaimOutcome, CreateSubscription, DeleteSubscription, LinkStreams, LinkType,
    ReadSubscription, Release, SubscriptionKind, SubscriptionStatus, UnlinkStream, WakeEvent,
};
use durable_streams_core::{ErrorKind, Offset};

use crate::{TOKEN, answer, refused, url, wake};

const PULL: &str = r#"{"id":"billing","subscription_id":"billing","type":"pull-wake","pattern":"orders/*",
    "wake_stream":"wakes","lease_ttl_ms":30000,"created_at":"2026-01-02T03:04:05.678Z","status":"active","description":"bills",
    "streams":[{"path":"/a","link_type":"explicit","acked_offset":"-1","new":{}},
        {"path":"orders/1","link_type":"glob","acked_offset":"0004"},
        {"path":"b","link_type":"by moonlight","acked_offset":null}],
    "more":{"of":["it"]}}"#;

const HOOK: &str = r#"{"id":"billing","type":"webhook","streams":[],"webhook":{"url":"https://h/hook",
    "signing":{"alg":"ed25519","kid":"k1","jwks_url":"https://s/__ds/jwks.json"}},"status":"failed"}"#;

#[test]
fn b69_a_description_is_read_with_whatever_else_is_in_it() {
    let read = ReadSubscription::new(&url());
    let info = read.decode(&answer(200, PULL)).unwrap();
    assert_eq!(info.id, "billing");
    assert_eq!(
        info.kind,
        SubscriptionKind::PullWake {
            wake_stream: "wakes".to_owned()
        }
    );
    assert_eq!(info.pattern.as_deref(), Some("orders/*"));
    assert_eq!(info.lease, Some(Duration::from_secs(30)));
    let created = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_323_045_678);
    assert_eq!(info.created_at, Some(created));
    assert_eq!(info.status, SubscriptionStatus::Active);
    assert_eq!(info.description.as_deref(), Some("bills"));
    let links: Vec<_> = info
        .streams
        .iter()
        .map(|link| {
            (
                link.path.as_str(),
                link.link_type,
                link.acked.as_ref().map(Offset::as_str),
            )
        })
        .collect();
    assert_eq!(
        links,
        [
            ("a", LinkType::Explicit, None),
            ("orders/1", LinkType::Glob, Some("0004")),
            ("b", LinkType::Other, None)
        ]
    );

    let info = read.decode(&answer(200, HOOK)).unwrap();
    assert_eq!(info.status, SubscriptionStatus::Failed);
    let SubscriptionKind::Webhook { url, signing } = info.kind else {
        panic!("{:?}", info.kind);
    };
    assert_eq!(url, "https://h/hook");
    assert_eq!(signing.unwrap().kid.as_deref(), Some("k1"));
}

#[test]
fn b69_created_and_confirmed_are_told_apart() {
    let create = CreateSubscription::pull_wake(&url(), "wakes").stream("a");
    let created = create.decode(&answer(201, PULL)).unwrap();
    let confirmed = create.decode_after_unknown(&answer(200, PULL)).unwrap();
    assert!(created.is_created() && !confirmed.is_created());
    assert_eq!(created.info(), confirmed.info());
}

#[test]
fn b69_a_claim_is_had_or_told_who_has_it_or_that_there_is_nothing() {
    let claim = Claim::new(&url(), "w1");
    let body = format!(
        r#"{{"wake_id":"w_9","generation":9,"token":"{TOKEN}","lease_ttl_ms":1500,"extra":1,"streams":[
        {{"path":"a","link_type":"glob","acked_offset":"-1","tail_offset":"0007","has_pending":true}},
        {{"path":"b","link_type":"explicit","acked_offset":"0007","tail_offset":"0007"}},
        {{"path":"c","link_type":"explicit","acked_offset":"0001","tail_offset":"0007"}}]}}"#
    );
    let ClaimOutcome::Claimed(claimed) = claim.decode(&answer(200, &body)).unwrap() else {
        panic!("it is claimed");
    };
    assert_eq!(
        (claimed.wake.id.as_str(), claimed.wake.generation),
        ("w_9", 9)
    );
    assert_eq!(claimed.wake.token.expose(), TOKEN);
    assert_eq!(claimed.lease, Some(Duration::from_millis(1500)));
    let pending: Vec<_> = claimed.streams.iter().map(|one| one.has_pending).collect();
    assert_eq!(pending, [true, false, true]);
    assert_eq!(claimed.streams[0].acked, None);
    assert_eq!(claimed.streams[1].tail.as_ref().unwrap().as_str(), "0007");

    let busy = r#"{"error":{"code":"ALREADY_CLAIMED","current_holder":"w2","generation":4,"message":"no"}}"#;
    let ClaimOutcome::AlreadyClaimed(held) = claim.decode(&answer(409, busy)).unwrap() else {
        panic!("somebody has it");
    };
    assert_eq!(
        (held.current_holder.as_deref(), held.generation),
        (Some("w2"), Some(4))
    );
    let nothing = r#"{"error":{"code":"NO_PENDING_WORK"}}"#;
    for idle in [answer(409, nothing), answer(204, "")] {
        assert_eq!(claim.decode(&idle).unwrap(), ClaimOutcome::NothingPending);
    }
}

#[test]
fn b70_a_claim_whose_answer_was_lost_knows_itself() {
    let claim = Claim::new(&url(), "w1");
    for (holder, first, after) in [("w1", false, true), ("w2", false, false)] {
        let busy = answer(
            409,
            &format!(r#"{{"error":{{"code":"ALREADY_CLAIMED","current_holder":"{holder}"}}}}"#),
        );
        for (outcome, lost) in [
            (claim.decode(&busy), first),
            (claim.decode_after_unknown(&busy), after),
        ] {
            let ClaimOutcome::AlreadyClaimed(held) = outcome.unwrap() else {
                panic!("somebody has it");
            };
            assert_eq!(held.lost_answer, lost, "{holder}");
        }
    }
}

#[test]
fn b69_reports_and_changes_are_acknowledged_by_what_is_promised() {
    let ack = Ack::new(&url(), &wake()).done(true);
    for (body, next) in [
        (r#"{"ok":true,"next_wake":true}"#, true),
        (r#"{"ok":true,"next_wake":false,"x":1}"#, false),
        (r#"{"ok":true}"#, false),
    ] {
        assert_eq!(ack.decode(&answer(200, body)).unwrap().next_wake, next);
    }
    assert!(!ack.decode(&answer(204, "")).unwrap().next_wake);
    for body in ["", "<html>", "[]", "{}", r#"{"ok":false}"#, r#"{"ok":1}"#] {
        let error = refused(ack.decode(&answer(200, body)), ErrorKind::Protocol);
        assert!(error.may_have_been_applied());
    }
    for status in [200, 204] {
        let done = answer(status, "");
        Release::new(&url(), &wake()).decode(&done).unwrap();
        DeleteSubscription::new(&url()).decode(&done).unwrap();
        LinkStreams::new(&url(), ["a"]).decode(&done).unwrap();
        UnlinkStream::new(&url(), "a").decode(&done).unwrap();
    }
    let mut page = answer(200, "<html>");
    let html = "text/html; charset=utf-8".parse().unwrap();
    page.headers_mut().insert("content-type", html);
    refused(
        Release::new(&url(), &wake()).decode(&page),
        ErrorKind::Protocol,
    );
    refused(
        DeleteSubscription::new(&url()).decode(&page),
        ErrorKind::Protocol,
    );
    refused(
        UnlinkStream::new(&url(), "a").decode(&page),
        ErrorKind::Protocol,
    );
    refused(
        LinkStreams::new(&url(), ["a"]).decode(&page),
        ErrorKind::Protocol,
    );
}

#[test]
fn b69_a_success_that_is_none_is_a_protocol_error() {
    let read = ReadSubscription::new(&url());
    let claim = Claim::new(&url(), "w1");
    for bad in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"type":"carrier-pigeon"}"#,
        r#"{"type":"webhook"}"#,
        r#"{"type":"pull-wake"}"#,
        r#"{"type":"pull-wake","wake_stream":"w","streams":[{"path":"http://o/x","acked_offset":"1"}]}"#,
        r#"{"type":"pull-wake","wake_stream":"w","streams":[{"path":"../x","acked_offset":"1"}]}"#,
        r#"{"type":"pull-wake","wake_stream":"w","streams":[{"path":"x","acked_offset":"now"}]}"#,
        r#"{"type":"pull-wake","wake_stream":"w","streams":[{"path":"x","acked_offset":7}]}"#,
    ] {
        refused(read.decode(&answer(200, bad)), ErrorKind::Protocol);
    }
    for bad in [
        "{}".to_owned(),
        format!(r#"{{"wake_id":"w","generation":1,"token":"{TOKEN}"}}"#),
        format!(r#"{{"wake_id":"w","generation":-1,"token":"{TOKEN}","streams":[]}}"#),
        format!(
            r#"{{"wake_id":"w","generation":9007199254740992,"token":"{TOKEN}","streams":[]}}"#
        ),
        format!(r#"{{"wake_id":"w","generation":"{TOKEN}","token":"{TOKEN}","streams":[]}}"#),
        format!(r#"{{"wake_id":"w","generation":1,"token":"{TOKEN}\n","streams":[]}}"#),
        format!(r#"{{"wake_id":"w","generation":1,"token":"{TOKEN}","streams":[]"#),
        format!(r#"{{"wake_id":"w","generation":1,"token":"{TOKEN}","streams":{{}}}}"#),
    ] {
        let error = refused(claim.decode(&answer(200, &bad)), ErrorKind::Protocol);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(TOKEN), "{shown}");
        assert!(error.may_have_been_applied());
    }
}

#[test]
fn b69_other_messages_are_no_wakes() {
    let event = WakeEvent::parse(
        br#"{"type":"wake","subscription_id":"s","stream":"/a","generation":2,"ts":1700000000123,"x":[]}"#,
    )
    .unwrap();
    assert_eq!((event.subscription_id.as_str(), event.generation), ("s", 2));
    assert_eq!(event.stream.as_deref(), Some("a"));
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    assert_eq!(event.at, Some(at));
    let bare =
        WakeEvent::parse(br#"{"type":"wake","subscription_id":"s","generation":2,"ts":"today"}"#);
    assert_eq!(bare.unwrap().at, None);
    let far = br#"{"type":"wake","subscription_id":"s","generation":2,"ts":18446744073709551615}"#;
    assert!(WakeEvent::parse(far).is_some());
    for other in [
        &b""[..],
        b"wake",
        b"[]",
        br#"{"type":"sleep","subscription_id":"s","generation":2}"#,
        br#"{"type":"wake","subscription_id":"s"}"#,
        br#"{"type":"wake","generation":2}"#,
        br#"{"type":"wake","subscription_id":"s","generation":-2}"#,
    ] {
        assert_eq!(WakeEvent::parse(other), None);
    }
}
