//! Callbacks: reports on a webhook (§7.1, §7.3, §12.9).

use serde_json::{Value, json};

use super::WEBHOOKS;
use crate::server_suite::case::{Case, check, must};
use crate::server_suite::outcome::Verdict;
use crate::server_suite::subscriptions::{Hooked, LONG};
use crate::server_suite::target::Target;

pub(super) const CASES: &[Case] = &[
    must(
        "subscriptions.callback.acknowledges",
        &["7.1-04"],
        "A callback answers 200, moves the cursor, and says whether another wake follows",
        check!(acknowledges),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.callback.that-is-stale-is-fenced",
        &["7.1-05"],
        "A callback for an earlier wake answers 409 with FENCED, and moves no cursor",
        check!(stale),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.callback.everything-must-match",
        &["7.3-01"],
        "A callback whose token, generation or wake is not that of the current wake is refused, and moves no cursor",
        check!(mixed),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.callback.tokens-are-checked",
        &["12-06"],
        "A callback without its token answers 401 or 403, and its URL does not have it",
        check!(tokens),
    )
    .needs(WEBHOOKS),
    must(
        "subscriptions.callback.ends-with-its-subscription",
        &["6.3-04"],
        "A callback for a subscription that was deleted is refused",
        check!(deleted),
    )
    .needs(WEBHOOKS),
];

fn acks(hooked: &Hooked, offset: &str) -> Value {
    json!([{ "stream": hooked.stream.name(), "offset": offset }])
}

async fn acknowledges(t: Target) -> Verdict {
    let mut hooked = t.hooked(LONG).await?;
    let tail = hooked.append("new ").await?;
    let (webhook, first) = hooked.next().await?;
    webhook.accept(&json!({}));
    let further = hooked.append("newer ").await?;
    let body = json!({ "acks": acks(&hooked, &tail), "done": true });
    let callback = hooked.callback(&t, &first, body)?.send().await?;
    callback
        .status(&[200])?
        .member_is("/ok", true)?
        .member_is("/next_wake", true)?;
    if hooked.acked().await? != tail {
        let actual = hooked.acked().await?;
        return callback.fail(format!("acked_offset {tail} then"), actual);
    }
    let (webhook, second) = hooked.next().await?;
    webhook.accept(&json!({}));
    let body = json!({ "acks": acks(&hooked, &further), "done": true });
    let callback = hooked.callback(&t, &second, body)?.send().await?;
    callback
        .status(&[200])?
        .member_is("/ok", true)?
        .member_is("/next_wake", false)?;
    Ok(())
}

/// Two wakes: one that is over, and what was appended since then.
async fn two_wakes(
    t: &Target,
) -> Verdict<(
    Hooked,
    [crate::server_suite::subscriptions::Claim; 2],
    [String; 2],
)> {
    let mut hooked = t.hooked(LONG).await?;
    let tail = hooked.append("new ").await?;
    let (webhook, first) = hooked.next().await?;
    let further = hooked.append("newer ").await?;
    webhook.accept(&json!({ "done": true }));
    let (webhook, second) = hooked.next().await?;
    webhook.accept(&json!({}));
    Ok((hooked, [first, second], [tail, further]))
}

async fn stale(t: Target) -> Verdict {
    let (hooked, [first, second], [tail, further]) = two_wakes(&t).await?;
    let body = json!({ "acks": acks(&hooked, &further), "done": true });
    let callback = hooked.callback(&t, &first, body.clone())?.send().await?;
    callback.refused_as(409, "FENCED")?;
    let described = hooked.subscription.described().await?;
    described.member_is("/streams/0/acked_offset", tail)?;
    let callback = hooked.callback(&t, &second, body)?.send().await?;
    callback.status(&[200])?;
    Ok(())
}

async fn mixed(t: Target) -> Verdict {
    let (hooked, [first, second], [tail, further]) = two_wakes(&t).await?;
    let url = second.answer.text("/callback_url")?;
    for (token, wake_id, generation) in [
        (&first.token, &*second.wake_id, second.generation),
        (&second.token, &*first.wake_id, second.generation),
        (&second.token, &*second.wake_id, first.generation),
        (&second.token, &*second.wake_id, second.generation + 1),
        (&second.token, "no-such-wake", second.generation),
    ] {
        let body = json!({
            "wake_id": wake_id,
            "generation": generation,
            "acks": acks(&hooked, &further),
            "done": true,
        });
        let callback = t.at(url.clone()).post().json(&body).bearer(token);
        let answer = callback.send().await?;
        if answer.status(&[401, 403, 409])?.status == 409 {
            answer.member_is("/error/code", "FENCED")?;
        }
    }
    let described = hooked.subscription.described().await?;
    described.member_is("/streams/0/acked_offset", tail)?;
    Ok(())
}

async fn tokens(t: Target) -> Verdict {
    let mut hooked = t.hooked(LONG).await?;
    let before = hooked.acked().await?;
    let tail = hooked.append("new ").await?;
    let (webhook, claim) = hooked.next().await?;
    webhook.accept(&json!({}));
    let url = claim.answer.text("/callback_url")?;
    if url.contains(&claim.token) {
        return claim.answer.fail("a callback_url without the token", url);
    }
    let body = claim.body(json!({ "acks": acks(&hooked, &tail), "done": true }));
    let ask = || t.at(url.clone()).post().json(&body);
    for ask in [
        ask(),
        ask().query("token", &claim.token),
        ask().bearer("not-a-token"),
        ask().bearer(&format!("{}x", claim.token)),
    ] {
        ask.send().await?.status(&[401, 403])?;
    }
    let described = hooked.subscription.described().await?;
    described.member_is("/streams/0/acked_offset", before)?;
    let callback = ask().bearer(&claim.token).send().await?;
    callback.status(&[200])?;
    Ok(())
}

async fn deleted(t: Target) -> Verdict {
    let mut hooked = t.hooked(LONG).await?;
    let tail = hooked.append("new ").await?;
    let (webhook, claim) = hooked.next().await?;
    webhook.accept(&json!({}));
    hooked.subscription.delete().prepare().await?;
    let body = json!({ "acks": acks(&hooked, &tail), "done": true });
    let callback = hooked.callback(&t, &claim, body)?.send().await?;
    callback.refused_somehow()?;
    Ok(())
}
