//! What no client should do, and what must not depend on anything but the inputs.

use durable_streams_conformance::reference::{Config, ExchangeId, Model};
use http::{Method, Request};

use crate::world::{TEXT, World};

#[test]
fn r12_02_paths_that_walk_upwards_or_are_broken_name_nothing() {
    let mut world = World::default();
    let long = format!("/{}", "x".repeat(5000));
    for (path, status) in [
        ("/a/../b", 400),
        ("/a/%2e%2E/b", 400),
        ("/./a", 400),
        ("/a/%2e%2e%2fb", 400),
        ("/a/..%5Cb", 400),
        ("/..%2F..%2Fetc%2Fpasswd", 400),
        ("/a%2F.", 400),
        ("/a/..b", 201),
        ("/a%2Fb...", 201),
        ("/a%00b", 400),
        ("/a%zz", 400),
        ("/a%4", 400),
        (&*long, 414),
    ] {
        assert_eq!(world.put(path, &[]).status(), status, "{path}");
    }
}

#[test]
fn r12_02_equivalent_paths_are_one_stream() {
    let mut world = World::default();
    world.create("/%7Euser/a%2fb", TEXT, "abc");
    assert_eq!(world.get("/~user/a%2Fb").text(), "abc");
    assert_eq!(world.get("/~user/a/b").status(), 404);
    assert_eq!(world.fork("/fork", "/%7euser/a%2Fb", &[]).status(), 201);
}

#[test]
fn r11_01_unknown_parameters_and_headers_are_ignored() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let read = world.send(
        Method::GET,
        "/s?a=b&&offset=-1&z",
        &[("stream-colour", "red")],
        b"",
    );
    assert_eq!(read.text(), "abc");
}

#[test]
fn unknown_methods_are_405_and_preflights_are_answered() {
    let mut world = World::default();
    world.create("/s", TEXT, "abc");
    let refused = world.send(Method::PATCH, "/s", &[], b"");
    assert_eq!(refused.status(), 405);
    assert!(refused.header("allow").is_some());
    let preflight = world.send(
        Method::OPTIONS,
        "/s",
        &[("origin", "https://example.com")],
        b"",
    );
    let allowed = preflight.header("access-control-allow-headers");
    assert_eq!(allowed, Some("*, authorization"));
    assert_eq!(
        world.send(Method::OPTIONS, "*", &[], b"").status(),
        204,
        "the server itself"
    );
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
}

#[test]
fn repeated_and_undecodable_headers_are_400() {
    let mut world = World::default();
    assert_eq!(
        world
            .put("/s", &[("stream-ttl", "1"), ("stream-ttl", "1")])
            .status(),
        400
    );
    assert_eq!(world.put("/s", &[("stream-ttl", "ä")]).status(), 400);
    assert_eq!(
        world.put("/s", &[("content-type", "nonsense")]).status(),
        400
    );
    assert_eq!(world.put("/s", &[("content-type", "ä/ö")]).status(), 400);
}

#[test]
fn an_id_that_is_used_again_cancels_what_it_named() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let poll = world.watch("/s?offset=now&live=long-poll");
    let request = Request::get("/s").body(bytes::Bytes::new()).unwrap();
    world.model.step(ExchangeId(poll), request, world.now);
    assert_eq!(world.model.open_exchanges(), 1);
    assert_eq!(world.model.next_deadline(), None);
}

#[test]
fn a_clock_that_goes_backwards_stands_still() {
    let mut world = World::default();
    world.create("/s", TEXT, "");
    let poll = world.watch("/s?offset=now&live=long-poll");
    world.now -= std::time::Duration::from_secs(3600);
    world.append("/s", "abc");
    assert_eq!(world.complete(poll).text(), "abc");
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let trace = || {
        let mut world = World::new(Config::default().with_seed(7));
        let mut out = String::new();
        world.create("/s", TEXT, "abc");
        let polls: Vec<u64> = (0..20)
            .map(|cursor| {
                world.watch(&format!(
                    "/s?offset=now&live=long-poll&cursor=99999{cursor:02}"
                ))
            })
            .collect();
        world.append("/s", "x");
        for id in polls {
            out += &format!("{:?}", world.complete(id));
        }
        out += &format!("{:?}", world.get("/s"));
        out
    };
    assert_eq!(trace(), trace());
}

#[test]
fn each_exchange_can_be_polled_by_itself() {
    let mut model = Model::new(Config::default());
    let now = std::time::SystemTime::UNIX_EPOCH;
    let request = Request::put("/s").body(bytes::Bytes::from("abc")).unwrap();
    model.step(ExchangeId(5), request, now);
    assert_eq!(model.poll_ready(), Some(ExchangeId(5)));
    assert_eq!(model.poll_ready(), None);
    assert!(model.poll_exchange(ExchangeId(4)).is_none());
    assert!(model.poll_exchange(ExchangeId(5)).is_some());
    assert!(model.poll_exchange(ExchangeId(5)).is_some());
    assert!(model.poll_exchange(ExchangeId(5)).is_none());
    assert_eq!(model.open_exchanges(), 0);
}
