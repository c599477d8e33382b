//! What is particular to this transport: TLS, connectors, HTTP/2, runtimes, and what its failures are.

mod blocking;
mod connectors;
mod failures;
#[cfg(feature = "http2")]
mod http2;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod https;
#[cfg(feature = "native-tls")]
mod native_tls;
#[cfg(feature = "rustls")]
mod proxies;
mod runtimes;
#[cfg(feature = "rustls")]
mod rustls;
mod support;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod tls;
