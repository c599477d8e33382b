//! What is particular to isahc and libcurl. The rest of the contract is in the transport kit.

mod blocking;
mod cancelling;
mod failures;
mod heads;
mod logs;
mod proxies;
mod proxy;
mod requests;
mod resends;
mod support;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod tls;
