//! What no HTTP client sends: the server answers in HTTP, stores nothing of it, and lives (§12.2).

use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::raw::{Back, Raw};
use crate::server_suite::target::{Stream, Target};

const WRITE: &[Capability] = &[Capability::Write];

pub(super) const CASES: &[Case] = &[
    must(
        "raw.chunked.a-cut-body-is-not-stored",
        &["5.2-05"],
        "A POST whose connection ends within its body stores nothing of it",
        check!(chunked_and_cut),
    )
    .needs(WRITE),
    must(
        "raw.chunked.a-broken-body-is-not-stored",
        &["5.2-05"],
        "A POST with a size of a chunk that is none is refused, and nothing of it is stored",
        check!(chunked_and_broken),
    )
    .needs(WRITE),
    should(
        "raw.paths.odd-ones-are-answered",
        &["12-02"],
        "Requests for paths with NUL, dots and thousands of characters are answered with 4xx, and nothing outside is given",
        check!(paths),
    ),
    must(
        "raw.offsets.long-ones-are-answered",
        &["5.6-02"],
        "A GET from an offset of thousands of characters answers 400, or that the request is too long",
        check!(long_offset),
    )
    .needs(WRITE),
    must(
        "raw.heads.two-lengths-are-refused",
        &["5.2-05"],
        "A POST that announces two lengths is refused, and nothing of it is stored",
        check!(two_lengths),
    )
    .needs(WRITE),
];

/// The part of its URL behind the root.
fn behind_the_root(t: &Target, stream: &Stream) -> String {
    stream
        .url
        .strip_prefix(t.root())
        .unwrap_or_default()
        .to_owned()
}

fn append(t: &Target, stream: &Stream) -> Verdict<Raw> {
    let raw = t.raw("POST", &behind_the_root(t, stream))?;
    Ok(raw.line("Content-Type: text/plain"))
}

/// It is refused in HTTP, or by the end of the connection, which HTTP allows where a request cannot be read.
async fn refused(t: &Target, raw: Raw, accepted: &[u16]) -> Verdict {
    match t.send_raw(raw).await? {
        Back::Answer(answer) => answer.status(accepted).map(drop),
        Back::Nothing => Ok(()),
    }
}

async fn stores_nothing(stream: &Stream) -> Verdict {
    stream.read("-1").send().await?.status(&[200])?.body("")?;
    // It still takes what is right.
    let answer = stream.append("text/plain", "w").send().await?;
    answer.status(&[200, 204])?;
    stream.read("-1").send().await?.status(&[200])?.body("w")?;
    Ok(())
}

async fn chunked_and_cut(t: Target) -> Verdict {
    for body in ["3\r\nab", "3\r\nabc\r\n", "3\r\nabc\r\n0\r\n"] {
        let stream = t.stream("text/plain").await?;
        let raw = append(&t, &stream)?.line("Transfer-Encoding: chunked");
        t.send_raw(raw.body(body).cut()).await?;
        let raw = append(&t, &stream)?.line("Content-Length: 10");
        t.send_raw(raw.body("abc").cut()).await?;
        stores_nothing(&stream).await?;
    }
    Ok(())
}

async fn chunked_and_broken(t: Target) -> Verdict {
    for body in [
        "x\r\nabc\r\n0\r\n\r\n",
        "-3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcdef\r\n0\r\n\r\n",
    ] {
        let stream = t.stream("text/plain").await?;
        let raw = append(&t, &stream)?.line("Transfer-Encoding: chunked");
        refused(&t, raw.body(body), &[400, 411, 413, 501]).await?;
        stores_nothing(&stream).await?;
    }
    Ok(())
}

async fn paths(t: Target) -> Verdict {
    let long = format!("/{}", "a".repeat(20_000));
    for path in [
        "/a%00b",
        "/../../../../../../etc/passwd",
        "/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..\\..\\etc\\passwd",
        "/%ff%fe",
        long.as_str(),
    ] {
        let raw = t.raw("GET", path)?.body("");
        match t.send_raw(raw).await? {
            Back::Answer(answer) if (400..500).contains(&answer.status) => {}
            Back::Answer(answer) => {
                return answer.fail("a status of 4xx", format!("status {}", answer.status));
            }
            Back::Nothing => {
                let asked: String = path.chars().take(60).collect();
                let actual = format!("the end of the connection, for {asked}");
                return crate::server_suite::outcome::fail("a status of 4xx", actual);
            }
        }
    }
    Ok(())
}

async fn long_offset(t: Target) -> Verdict {
    let stream = t.filled("text/plain", &["a"]).await?;
    let path = format!(
        "{}?offset={}",
        behind_the_root(&t, &stream),
        "9".repeat(10_000)
    );
    refused(&t, t.raw("GET", &path)?.body(""), &[400, 414, 431]).await?;
    stream.read("-1").send().await?.status(&[200])?.body("a")?;
    Ok(())
}

async fn two_lengths(t: Target) -> Verdict {
    let stream = t.stream("text/plain").await?;
    let raw = append(&t, &stream)?
        .line("Content-Length: 3")
        .line("Content-Length: 5");
    refused(&t, raw.body("abcde"), &[400]).await?;
    stores_nothing(&stream).await
}
