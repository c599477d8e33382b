//! Proxies are those of the application.

use durable_streams_isahc::IsahcTransport;
use http::Method;
use isahc::config::Configurable;

use super::proxy::Proxy;
use super::support::{block_on, fetch, request};

#[test]
fn a_proxy_is_asked_for_the_whole_url() {
    block_on(async {
        let proxy = Proxy::start().unwrap();
        let url = proxy.url();
        let transport = IsahcTransport::with(move |client| client.proxy(url.clone())).unwrap();
        let sent = request(Method::GET, "http://stream.invalid/a?b", "");
        assert_eq!(fetch(&transport, sent).await, "proxy");
        assert_eq!(proxy.asked(), ["GET http://stream.invalid/a?b HTTP/1.1"]);
    });
}
