//! Streams that expire: after a time without access, or at a time (§5.1).

use std::time::Duration;

use crate::server_suite::case::{Capability, Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

const EXPIRY: &[Capability] = &[Capability::Write, Capability::Expiry];

pub(super) const CASES: &[Case] = &[
    must(
        "expiry.ttl.syntax",
        &["5.1-09"],
        "A Stream-TTL that is no decimal integer without sign and leading zeros answers 400",
        check!(ttl_syntax),
    )
    .needs(EXPIRY),
    must(
        "expiry.ttl.ends-the-stream",
        &["5.1-20"],
        "A stream that nobody touches for its TTL answers 404, and its URL is free",
        check!(ttl_ends),
    )
    .needs(EXPIRY)
    .slow(),
];

async fn ttl_syntax(t: Target) -> Verdict {
    for ttl in ["01", "+1", "-1", "1.0", "1e3", "1s", "", " ", "0x10", "one"] {
        let stream = t.unmade();
        let create = stream.put().content_type("text/plain");
        create
            .header("Stream-TTL", ttl)
            .send()
            .await?
            .refused(400)?;
        stream.head().send().await?.status(&[404])?;
    }
    Ok(())
}

async fn ttl_ends(t: Target) -> Verdict {
    let stream = t.unmade();
    let create = || stream.put().content_type("text/plain");
    create()
        .header("Stream-TTL", "1")
        .body("gone")
        .prepare()
        .await?;
    // No access meanwhile: every one would begin the window anew.
    t.sleep(Duration::from_secs(3)).await;
    stream.read("-1").send().await?.status(&[404])?;
    create().send().await?.status(&[201])?;
    Ok(())
}
