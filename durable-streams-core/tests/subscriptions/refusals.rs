//! What refusals are taken for.

use durable_streams_core::operation::subscription::{
    Ack, Claim, CreateSubscription, DeleteSubscription, LinkStreams, ReadSubscription, Release,
};
use durable_streams_core::operation::{Operation, Resend};
use durable_streams_core::{ErrorKind, OperationKind};

use crate::{TOKEN, answer, refusal, refused, url, wake};

#[test]
fn b70_conflicts_are_told_apart_by_their_codes() {
    let ack = Ack::new(&url(), &wake());
    let error = refused(ack.decode(&refusal(409, "FENCED")), ErrorKind::Fenced);
    assert!(!error.may_have_been_applied() && !error.is_retryable());
    assert_eq!(error.operation(), Some(OperationKind::Ack));
    refused(
        ack.decode(&refusal(409, "INVALID_OFFSET")),
        ErrorKind::AckRejected,
    );
    for other in [
        refusal(409, "SOMETHING"),
        answer(409, "<html>"),
        answer(409, r#"{"error":"FENCED"}"#),
    ] {
        refused(ack.decode(&other), ErrorKind::Conflict);
    }
    refused(
        ack.decode(&refusal(401, "TOKEN_INVALID")),
        ErrorKind::Unauthorized,
    );
    let release = Release::new(&url(), &wake());
    refused(release.decode(&refusal(409, "FENCED")), ErrorKind::Fenced);
    let create = CreateSubscription::pull_wake(&url(), "w").stream("a");
    let exists = refusal(409, "SUBSCRIPTION_ALREADY_EXISTS");
    refused(create.decode(&exists), ErrorKind::SubscriptionExists);
    refused(
        create.decode(&answer(409, "")),
        ErrorKind::SubscriptionExists,
    );
    let claim = Claim::new(&url(), "w");
    refused(claim.decode(&answer(409, "{}")), ErrorKind::Conflict);
    refused(claim.decode(&answer(503, "")), ErrorKind::Unavailable);
    refused(claim.decode(&answer(307, "")), ErrorKind::Redirect);
    refused(claim.decode(&answer(202, "{}")), ErrorKind::Protocol);
}

#[test]
fn b70_a_subscription_that_is_not_there_is_its_own_error() {
    let missing = || refusal(404, "SUBSCRIPTION_NOT_FOUND");
    let kind = ErrorKind::SubscriptionNotFound;
    refused(ReadSubscription::new(&url()).decode(&missing()), kind);
    refused(Claim::new(&url(), "w").decode(&missing()), kind);
    refused(LinkStreams::new(&url(), ["a"]).decode(&missing()), kind);
    refused(Ack::new(&url(), &wake()).decode(&answer(404, "")), kind);
    let delete = DeleteSubscription::new(&url());
    refused(delete.decode(&missing()), kind);
    // The earlier attempt may be what deleted it.
    delete.decode_after_unknown(&missing()).unwrap();
}

#[test]
fn b70_a_fence_behind_a_lost_answer_says_what_it_may_mean() {
    let fenced = refusal(409, "FENCED");
    let done = Ack::new(&url(), &wake()).done(true);
    let error = refused(done.decode_after_unknown(&fenced), ErrorKind::Fenced);
    assert!(error.may_have_been_applied());
    assert!(error.to_string().contains("an earlier attempt"), "{error}");
    let heartbeat = Ack::new(&url(), &wake());
    let error = refused(heartbeat.decode_after_unknown(&fenced), ErrorKind::Fenced);
    assert!(!error.to_string().contains("an earlier attempt"), "{error}");
    // Given back, or given to somebody else: it is not this worker's any more.
    Release::new(&url(), &wake())
        .decode_after_unknown(&fenced)
        .unwrap();
}

#[test]
fn b70_all_of_it_can_be_sent_again() {
    assert_eq!(Claim::new(&url(), "w").resend(), Resend::Safe);
    assert_eq!(Ack::new(&url(), &wake()).done(true).resend(), Resend::Safe);
    assert_eq!(Release::new(&url(), &wake()).resend(), Resend::Safe);
    assert_eq!(LinkStreams::new(&url(), ["a"]).resend(), Resend::Safe);
}

#[test]
fn b71_what_a_server_echoes_of_a_token_is_not_in_the_error() {
    let body =
        format!(r#"{{"error":{{"code":"TOKEN_INVALID","message":"not {TOKEN}, {TOKEN}"}}}}"#);
    for error in [
        Ack::new(&url(), &wake())
            .decode(&answer(401, &body))
            .unwrap_err(),
        Release::new(&url(), &wake())
            .decode(&answer(500, &body))
            .unwrap_err(),
    ] {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(TOKEN), "{shown}");
        assert!(error.body().unwrap().contains("TOKEN_INVALID"), "{shown}");
        assert!(!shown.contains("tenant"), "{shown}");
    }
}
