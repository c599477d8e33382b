//! What HTTP/2 is for here: bodies that stream (§5.2). Over a plain connection, by servers that speak it there without being asked.

use crate::server_suite::case::{Capability, Case, check, should};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[should(
    "append.http2.in-frames",
    &["5.2-06"],
    "A body that comes over HTTP/2 in several frames, without a length, is one append",
    check!(in_frames),
)
.needs(&[Capability::Write])];

async fn in_frames(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let append = stream.append("text/plain", "");
    let answer = append.send_in_frames(&["abc", "de", "f"]).await?;
    answer.carried_out()?;
    stream.holds("abcdef").await?;
    Ok(())
}
