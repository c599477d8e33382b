//! Operations on subscriptions with their retries.

use durable_streams_core::operation::Operation;
use durable_streams_core::operation::subscription::{Ack, Acked, Claim, ClaimOutcome, Release};
use durable_streams_core::{Call, CallConfig, CallEnd, Error, ErrorKind, FailureKind};

use crate::common::Driver;
use crate::{TOKEN, refused, url, wake};

fn call<O: Operation>(operation: &O) -> Driver<Call> {
    Driver::new(Call::of(operation, CallConfig::default()).unwrap())
}

fn outcome<O: Operation>(mut call: Driver<Call>, operation: &O) -> Result<O::Outcome, Error> {
    assert!(call.is_done(), "it goes on");
    let (_, end): (_, CallEnd) = call.events.pop().unwrap();
    end.outcome(operation)
}

/// Lets the time pass until it is tried again.
fn again(call: &mut Driver<Call>, attempts: usize) {
    call.timeout();
    assert_eq!(call.sent.len(), attempts);
}

fn claimed(streams: usize) -> String {
    let stream = r#"{"path":"a","link_type":"glob","acked_offset":"-1","tail_offset":"1","has_pending":true}"#;
    let streams = vec![stream; streams].join(",");
    format!(r#"{{"wake_id":"w","generation":1,"token":"{TOKEN}","streams":[{streams}]}}"#)
}

const BUSY: &str = r#"{"error":{"code":"ALREADY_CLAIMED","current_holder":"w1","generation":1}}"#;

#[test]
fn b70_a_claim_needs_the_whole_of_its_answer() {
    let claim = Claim::new(&url(), "w1");
    let mut c = call(&claim);
    c.head(200, &[]);
    c.chunk(&claimed(1)[..40]);
    c.failed(FailureKind::Interrupted);
    again(&mut c, 2);
    // What of it was lost is what the server then speaks of.
    c.answer(409, &[], BUSY);
    let ClaimOutcome::AlreadyClaimed(held) = outcome(c, &claim).unwrap() else {
        panic!("the lost one has it");
    };
    assert!(held.lost_answer);
}

#[test]
fn b70_a_conflict_that_is_cut_is_asked_for_again() {
    let claim = Claim::new(&url(), "w1");
    let mut c = call(&claim);
    c.head(409, &[]);
    c.chunk(&BUSY[..20]);
    c.failed(FailureKind::Interrupted);
    again(&mut c, 2);
    c.answer(409, &[], r#"{"error":{"code":"NO_PENDING_WORK"}}"#);
    assert_eq!(outcome(c, &claim).unwrap(), ClaimOutcome::NothingPending);
}

#[test]
fn b69_a_claim_of_many_streams_is_read_whole() {
    let claim = Claim::new(&url(), "w1");
    let mut c = call(&claim);
    let body = claimed(5_000);
    assert!(body.len() > 256 * 1024);
    c.answer(200, &[], body);
    let ClaimOutcome::Claimed(claimed) = outcome(c, &claim).unwrap() else {
        panic!("it is claimed");
    };
    assert_eq!(claimed.streams.len(), 5_000);
}

#[test]
fn b70_a_lost_report_is_sent_again_as_it_was() {
    let ack = Ack::new(&url(), &wake()).done(true);
    for kind in [FailureKind::Interrupted, FailureKind::Timeout] {
        let mut c = call(&ack);
        c.failed(kind);
        again(&mut c, 2);
        assert_eq!(c.sent[0].request.body(), c.sent[1].request.body());
        assert_eq!(
            c.sent[1].header("authorization"),
            Some("Bearer s3cret.token-1")
        );
        c.answer(409, &[], r#"{"error":{"code":"FENCED"}}"#);
        let error = refused(outcome(c, &ack), ErrorKind::Fenced);
        assert!(error.may_have_been_applied());
    }
    // An answer that a gateway lost is no different, one that turns it down is.
    for (status, unknown) in [(502, true), (503, false), (429, false)] {
        let mut c = call(&ack);
        c.answer(status, &[], "");
        again(&mut c, 2);
        c.answer(409, &[], r#"{"error":{"code":"FENCED"}}"#);
        let error = refused(outcome(c, &ack), ErrorKind::Fenced);
        assert_eq!(error.may_have_been_applied(), unknown, "{status}");
    }
}

#[test]
fn b70_a_fence_is_final_at_once() {
    let ack = Ack::new(&url(), &wake());
    let mut c = call(&ack);
    c.answer(409, &[], r#"{"error":{"code":"FENCED"}}"#);
    assert_eq!(c.sent.len(), 1);
    refused(outcome(c, &ack), ErrorKind::Fenced);
    let mut c = call(&ack);
    c.answer(200, &[], r#"{"ok":true}"#);
    let Acked { next_wake, .. } = outcome(c, &ack).unwrap();
    assert!(!next_wake);
}

#[test]
fn b71_a_token_follows_no_redirect() {
    let (ack, release) = (Ack::new(&url(), &wake()), Release::new(&url(), &wake()));
    for mut c in [call(&ack), call(&release)] {
        c.answer(307, &[("location", "http://h/elsewhere")], "");
        assert_eq!(c.sent.len(), 1);
        assert!(c.is_done());
    }
}
