//! §6–7: subscriptions.

mod control;
mod leases;
mod links;
mod pull_wake;
mod webhooks;

use durable_streams_conformance::reference::{Config, Delivery, DeliveryId};
use http::{Method, Response};
use serde_json::{Value, json};

use crate::world::{JSON, Received, World};

/// A root with a stream for wakes in it.
fn world() -> World {
    let mut world = World::new(Config::default().with_local_webhooks(true));
    world.create("/root/wakes", JSON, "");
    world
}

fn subscription(rest: &str) -> String {
    format!("/root/__ds/subscriptions/{rest}")
}

fn put(world: &mut World, id: &str, settings: &Value) -> Received {
    let body = settings.to_string();
    world.send(Method::PUT, &subscription(id), &[], body.as_bytes())
}

/// Creates a pull-wake subscription of this id, with more settings.
fn pull_wake(world: &mut World, id: &str, settings: Value) {
    let mut all = json!({ "type": "pull-wake", "wake_stream": "wakes" });
    merge(&mut all, settings);
    let created = put(world, id, &all);
    assert_eq!(created.status(), 201, "{}", created.text());
}

/// The same for webhooks.
fn webhook(world: &mut World, id: &str, settings: Value) {
    let mut all = json!({ "type": "webhook", "webhook": { "url": "http://127.0.0.1:9/hook" } });
    merge(&mut all, settings);
    let created = put(world, id, &all);
    assert_eq!(created.status(), 201, "{}", created.text());
}

fn merge(all: &mut Value, more: Value) {
    let (Value::Object(all), Value::Object(more)) = (all, more) else {
        panic!("settings are objects");
    };
    all.extend(more);
}

fn described(world: &mut World, id: &str) -> Value {
    let got = world.get(&subscription(id));
    assert_eq!(got.status(), 200, "{}", got.text());
    json_of(&got)
}

/// The links of a subscription: paths, types, offsets.
fn links(world: &mut World, id: &str) -> Vec<(String, String, String)> {
    let described = described(world, id);
    let text = |link: &Value, name: &str| link[name].as_str().expect("text").to_owned();
    let links = described["streams"].as_array().expect("a list").iter();
    links
        .map(|link| {
            (
                text(link, "path"),
                text(link, "link_type"),
                text(link, "acked_offset"),
            )
        })
        .collect()
}

fn json_of(received: &Received) -> Value {
    serde_json::from_slice(&received.body).expect("JSON")
}

fn code(received: &Received) -> (u16, String) {
    let code = &json_of(received)["error"]["code"];
    let code = code.as_str().expect("a code").to_owned();
    (received.status(), code)
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// What is on the stream for wakes.
fn wakes(world: &mut World) -> Vec<Value> {
    serde_json::from_slice(&world.content("/root/wakes")).expect("messages")
}

fn post(world: &mut World, rest: &str, body: &Value) -> Received {
    world.post(&subscription(rest), &[], body.to_string().as_bytes())
}

/// A POST with a token.
fn report(world: &mut World, rest: &str, token: &str, body: &Value) -> Received {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", &*bearer)];
    world.post(&subscription(rest), &headers, body.to_string().as_bytes())
}

/// A claim that succeeds.
fn claim(world: &mut World, id: &str) -> Claim {
    let claimed = post(world, &format!("{id}/claim"), &json!({ "worker": "w" }));
    assert_eq!(claimed.status(), 200, "{}", claimed.text());
    Claim::of(json_of(&claimed), "token")
}

/// What a worker or a receiver of a webhook works with.
#[derive(Debug, Clone)]
struct Claim {
    value: Value,
    wake_id: String,
    generation: u64,
    token: String,
}

impl Claim {
    fn of(value: Value, token: &str) -> Self {
        let text = |name: &str| value[name].as_str().expect("text").to_owned();
        Self {
            wake_id: text("wake_id"),
            generation: value["generation"].as_u64().expect("a number"),
            token: text(token),
            value,
        }
    }

    fn body(&self, more: Value) -> Value {
        let mut body = json!({ "wake_id": self.wake_id, "generation": self.generation });
        merge(&mut body, more);
        body
    }

    /// Reports with what belongs to this claim.
    fn report(&self, world: &mut World, rest: &str, more: Value) -> Received {
        report(world, rest, &self.token, &self.body(more))
    }
}

/// The one webhook that is to be sent.
fn delivery(world: &mut World) -> (Delivery, Claim) {
    let delivery = world.model.poll_delivery().expect("a webhook");
    assert!(world.model.poll_delivery().is_none(), "one webhook");
    let body = serde_json::from_slice(delivery.request.body()).expect("JSON");
    (delivery, Claim::of(body, "callback_token"))
}

fn answer(world: &mut World, id: DeliveryId, status: u16, body: &str) {
    let answer = Response::builder().status(status);
    let answer = answer.body(body.to_owned().into()).expect("an answer");
    world.model.delivered(id, Some(answer), world.now);
}
