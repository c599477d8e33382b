//! Where webhooks may go (§6.2, §12.8).

use serde_json::{Value, json};

use crate::server_suite::case::{Capability, Case, check, must, should};
use crate::server_suite::outcome::{Stop, Verdict};
use crate::server_suite::target::Target;

const URLS: &[Capability] = &[Capability::Subscriptions, Capability::WebhookUrls];

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.urls.plain-http-is-refused",
        &["6.2-07"],
        "A webhook to a URL that is not https is refused with a 4xx, unless the server is for development",
        check!(plain),
    )
    .needs(URLS),
    must(
        "subscriptions.urls.local-targets-are-refused",
        &["6.2-08"],
        "A webhook to an address of the machine itself or of its network is refused with a 4xx, unless the server is for \
         development",
        check!(local),
    )
    .needs(URLS),
    should(
        "subscriptions.urls.metadata-is-refused",
        &["6.2-09"],
        "A webhook to where clouds keep their metadata is refused with a 4xx",
        check!(metadata),
    )
    .needs(URLS),
];

fn to(url: &str) -> Value {
    json!({ "type": "webhook", "webhook": { "url": url }, "streams": ["nothing-is-here"] })
}

/// A server that takes webhooks takes none to these. Nothing is ever sent anywhere: no stream grows.
async fn refuses(t: &Target, urls: &[&str]) -> Verdict {
    let usual = t.unmade_subscription();
    let answer = usual.put(&to("https://example.com/webhook")).send().await?;
    usual.is_supported(&answer)?;
    if answer.status != 201 {
        let why = format!("a webhook to a usual URL answers {}", answer.status);
        return Err(Stop::Skip(why));
    }
    for url in urls {
        let subscription = t.unmade_subscription();
        let answer = subscription.put(&to(url)).send().await?;
        if !(400..500).contains(&answer.status) {
            let expected = format!(
                "status 4xx for a webhook to {url} (a server for development is tested --without {})",
                Capability::WebhookUrls
            );
            return answer.fail(expected, format!("status {}", answer.status));
        }
    }
    Ok(())
}

async fn plain(t: Target) -> Verdict {
    refuses(
        &t,
        &["http://example.com/webhook", "ftp://example.com/webhook"],
    )
    .await
}

async fn local(t: Target) -> Verdict {
    let urls = [
        "https://localhost/webhook",
        "https://127.0.0.1/webhook",
        "https://127.8.9.10/webhook",
        "https://10.0.0.1/webhook",
        "https://172.16.0.1/webhook",
        "https://172.31.255.1/webhook",
        "https://192.168.0.1/webhook",
        "https://169.254.1.1/webhook",
        "https://0.0.0.0/webhook",
        "https://[::1]/webhook",
        "https://[fe80::1]/webhook",
        "https://[fd00::1]/webhook",
        "https://[::ffff:127.0.0.1]/webhook",
    ];
    refuses(&t, &urls).await
}

async fn metadata(t: Target) -> Verdict {
    refuses(&t, &["https://169.254.169.254/latest/meta-data"]).await
}
