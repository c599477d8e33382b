//! Subscriptions: webhooks and pull-wake (§6–7).

use super::{Requirement, must, promised, should};

pub(super) const ROWS: &[Requirement] = &[
    must(
        "6-01",
        "6",
        "The first segment `__ds` below the stream root is kept for the control interface and \
         looked at before any stream: no request creates or reaches a stream there. A server \
         without subscriptions refuses such requests.",
    ),
    promised(
        "6.2-01",
        "6.2",
        "A PUT of a subscription answers 201 when it is new, and 200 when it exists with the same \
         configuration.",
    ),
    promised(
        "6.2-02",
        "6.2",
        "A PUT of a subscription whose id exists with another configuration answers 409.",
    ),
    must(
        "6.2-03",
        "6.2",
        "A subscription has a `pattern`, `streams`, or both: a PUT with neither answers 400.",
    ),
    promised(
        "6.2-04",
        "6.2",
        "In a `pattern`, `*` stands for exactly one segment of a path, and `**` for any number of \
         segments, none included.",
    ),
    must(
        "6.2-05",
        "6.2",
        "Whether two configurations are the same is decided on their normal form: the order of \
         `streams`, for one, makes no difference, and the PUT answers 200.",
    ),
    must(
        "6.2-06",
        "6.2",
        "No answer about a subscription holds a secret that is shared for signing: webhooks are \
         signed with a private key, and only its public half is shown.",
    ),
    must(
        "6.2-07",
        "6.2/12.8",
        "In production a `webhook.url` that is not `https` is refused with a 4xx. A server that is \
         meant for development may take `http`.",
    ),
    must(
        "6.2-08",
        "6.2/12.8",
        "A `webhook.url` whose host is a loopback, link-local or private (RFC 1918) address, or \
         another local target, is refused with a 4xx. A server that is meant for development may \
         make an exception when told to.",
    ),
    should(
        "6.2-09",
        "12.8",
        "A `webhook.url` with the address of a cloud's metadata service, such as \
         `169.254.169.254`, should be refused with a 4xx.",
    ),
    must(
        "6.2-10",
        "6.2",
        "A new subscription with a `pattern` is linked at once to all streams that match, each at \
         its current tail: what they held before causes no wake.",
    ),
    promised(
        "6.2-11",
        "6.2",
        "A stream that appears later and matches the `pattern` is linked from before the append \
         that made it known, so that this append causes a wake.",
    ),
    promised(
        "6.2-12",
        "6.2",
        "`lease_ttl_ms` lies between 1000 and 600000. What follows for another value is not said: \
         refusing the PUT with 400 is accepted, and so is the nearest value in the range, if a GET \
         shows it.",
    ),
    promised(
        "6.2-13",
        "6.2",
        "A PUT of a subscription needs a known `type`, with `webhook` a `webhook.url`, with \
         `pull-wake` a `wake_stream`: without them it answers 400.",
    ),
    promised(
        "6.3-01",
        "6.3",
        "A GET of a subscription answers 200 with a JSON object of `id`, `subscription_id`, \
         `type`, `pattern`, `streams` (each with `path`, `link_type` and `acked_offset`), \
         `lease_ttl_ms`, `created_at`, `status`, and what it was given of `webhook`, `wake_stream` \
         and `description`.",
    ),
    promised(
        "6.3-02",
        "6.3",
        "The `status` of a subscription is `failed` while a delivery failed and is to be tried \
         again, and `active` otherwise.",
    ),
    promised(
        "6.3-03",
        "6.3",
        "A DELETE of a subscription answers 204, and a GET of it then answers 404.",
    ),
    must(
        "6.3-04",
        "6.3",
        "After a subscription was deleted, callbacks, acks and releases that belong to it fail, \
         and move no cursor. With which 4xx is not said: any is accepted.",
    ),
    promised(
        "6.4-01",
        "6.4",
        "A POST of `{\"streams\": […]}` to `/streams` of a subscription answers 204 and links \
         these streams at their tail; doing it again changes nothing and answers 204 as well.",
    ),
    promised(
        "6.4-02",
        "6.4",
        "A DELETE of `/streams/` and a path, percent-encoded, takes away the explicit link and \
         answers 204, also where there is none; a link by `pattern` to the same stream stays.",
    ),
    promised(
        "6.4-03",
        "6.1",
        "A stream that is linked both explicitly and by `pattern` is listed once, with `link_type` \
         `explicit`.",
    ),
    must(
        "6.5-01",
        "6.5",
        "The public keys that webhooks are signed with are at `/__ds/jwks.json` below the stream \
         root, as a JWK set with `Content-Type: application/jwk-set+json`.",
    ),
    must(
        "6.5-02",
        "6.5",
        "Every key of the JWK set has a `kid` that no other has, and that stays the same as long \
         as the key is there.",
    ),
    should(
        "6.5-03",
        "6.5",
        "The `kid` of a key should be derived from the key itself, as a thumbprint is.",
    ),
    must(
        "6.5-04",
        "6.5",
        "Private keys stay secret: no key of the JWK set has the member `d`.",
    ),
    should(
        "6.5-05",
        "6.5",
        "The keys that webhooks are signed with should survive a restart of the server.",
    ),
    must(
        "6.5-06",
        "6.5",
        "When keys are changed, the old ones stay in the JWK set as long as signatures made with \
         them are to be checked.",
    ),
    promised(
        "7-01",
        "7",
        "Every wake has a `wake_id` that was never used before, and a `generation` higher than \
         that of the wake before it.",
    ),
    promised(
        "7.1-01",
        "7.1",
        "A webhook has `Webhook-Signature: t=<seconds>,kid=<id>,ed25519=<signature>`: a signature \
         with Ed25519 over the seconds, a point and the body as it was sent, in base64url without \
         padding.",
    ),
    must(
        "7.1-02",
        "7.1",
        "The answer `{\"done\": true}` to a webhook acknowledges everything up to the tails that \
         the webhook named, and gives the lease back.",
    ),
    must(
        "7.1-03",
        "7.1",
        "What is appended after the snapshot of a webhook causes another wake, with another \
         `wake_id` and a higher `generation`.",
    ),
    promised(
        "7.1-04",
        "7.1",
        "An accepted POST to the `callback_url` of a webhook answers 200 with a JSON object of \
         `ok` and `next_wake`.",
    ),
    must(
        "7.1-05",
        "7.1/7.3",
        "A callback with a `wake_id` or `generation` that is no longer the current one answers 409 \
         with the error code `FENCED`.",
    ),
    promised(
        "7.1-06",
        "7.1",
        "A webhook that failed is sent again after a time that grows exponentially from 1 second \
         to at most 60, with up to 20 percent of jitter.",
    ),
    must(
        "7.1-07",
        "7.1",
        "What a server needs to know to send a failed webhook again survives a restart.",
    ),
    must(
        "7.2-01",
        "7.2",
        "The `wake_stream` of a pull-wake subscription is an ordinary stream that the application \
         creates: the server does not create it by itself.",
    ),
    promised(
        "7.2-02",
        "7.2",
        "A wake appends to the `wake_stream` a JSON object of `type` (`wake`), `subscription_id`, \
         `stream`, `generation` and `ts`.",
    ),
    promised(
        "7.2-03",
        "7.2",
        "A POST to `/claim` with the name of a `worker` answers 200 with a JSON object of \
         `wake_id`, `generation`, `token`, `streams` (each with `path`, `link_type`, \
         `acked_offset`, `tail_offset` and `has_pending`) and `lease_ttl_ms`.",
    ),
    promised(
        "7.2-04",
        "7.2",
        "A POST to `/claim` while another worker holds the lease answers 409, with the error code \
         `ALREADY_CLAIMED`, the `current_holder` and the `generation`.",
    ),
    promised(
        "7.2-05",
        "7.2",
        "A POST to `/ack` with `done: true` moves the cursors to the offsets it names, gives the \
         lease back, and answers 200.",
    ),
    promised(
        "7.2-06",
        "7.2",
        "A POST to `/ack` without `done` extends the lease by its full time, and keeps it with the \
         worker.",
    ),
    must(
        "7.2-07",
        "7.2",
        "A release of a lease, while there is data that was not acknowledged, causes another wake \
         event.",
    ),
    must(
        "7.2-08",
        "7.2",
        "A POST to `/ack` or `/release` that belongs to an earlier wake answers 409 with the error \
         code `FENCED`.",
    ),
    must(
        "7.3-01",
        "7.3",
        "A callback, ack or release is accepted only if its token is valid, and the token's \
         generation, the body's `generation` and its `wake_id` are all those of the current wake. \
         Otherwise it moves no cursor, and is refused: as stale with a 409 and the error code \
         `FENCED`, for its token with 401 or 403.",
    ),
    must(
        "7.3-02",
        "7.3",
        "A lease that runs out has no holder any more, and causes another wake if there is data \
         that was not acknowledged.",
    ),
];
