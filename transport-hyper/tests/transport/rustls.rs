//! HTTPS by rustls.

use std::sync::Arc;

use durable_streams_hyper::{FailureKind, HyperTransport};
use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use super::support::{complete, fail, get, post, send, shown, transport};
use super::tls::{Authority, Config, authority, certificate, serve};

/// Trusts this authority alone.
fn trusting(authority: &Authority) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
}

fn over(config: ClientConfig) -> HyperTransport {
    HyperTransport::builder().rustls(config).build().unwrap()
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted() {
    let authority = authority();
    let server = serve(&authority, Config::default()).await;
    let transport = over(trusting(&authority).with_no_client_auth());
    let answer = send(&transport, post(&server.url)).await.unwrap();
    assert_eq!(complete(answer).await, "HTTP/1.1 POST /a?token=secret");
}

#[tokio::test]
async fn no_crypto_provider_is_installed_for_the_process() {
    let authority = authority();
    let server = serve(&authority, Config::default()).await;
    let transport = over(trusting(&authority).with_no_client_auth());
    send(&transport, get(&server.url)).await.unwrap();
    fail(&self::transport(), get(&server.url)).await;
    assert!(CryptoProvider::get_default().is_none());
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused() {
    let authority = authority();
    let stranger = super::tls::authority();
    let server = serve(&authority, Config::default()).await;
    let other_name = Config {
        name: "other.example",
        ..Config::default()
    };
    let misnamed = serve(&authority, other_name).await;
    for (transport, server) in [
        (over(trusting(&stranger).with_no_client_auth()), &server),
        (over(trusting(&authority).with_no_client_auth()), &misnamed),
    ] {
        let error = fail(&transport, post(&server.url)).await;
        assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
        assert!(!shown(&error).contains("secret"), "{}", shown(&error));
        assert_eq!(server.accepted(), 0);
    }
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let authority = authority();
    let wants_client = Config {
        wants_client: true,
        ..Config::default()
    };
    let server = serve(&authority, wants_client).await;
    let (certificate, key) = certificate(&authority, "client");
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let chain = vec![certificate.der().clone()];
    let config = trusting(&authority).with_client_auth_cert(chain, key.into());
    let answer = send(&over(config.unwrap()), get(&server.url)).await;
    assert_eq!(
        complete(answer.unwrap()).await,
        "HTTP/1.1 GET /a?token=secret"
    );
}

#[tokio::test]
async fn a_client_without_the_certificate_that_is_wanted_gets_no_answer() {
    let authority = authority();
    let wants_client = || Config {
        wants_client: true,
        ..Config::default()
    };
    let transport = over(trusting(&authority).with_no_client_auth());

    let server = serve(&authority, wants_client().tls12()).await;
    let error = fail(&transport, post(&server.url)).await;
    assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
    assert_eq!(server.accepted(), 0);

    // With TLS 1.3 a client is through with its handshake before the server has looked at its certificate, and the
    // request may be on its way.
    let server = serve(&authority, wants_client()).await;
    fail(&transport, post(&server.url)).await;
    assert_eq!(server.accepted(), 0);
}

/// What the server offers, and what is spoken with the feature `http2` and without.
#[tokio::test]
async fn the_server_chooses_the_version() {
    let authority = authority();
    let transport = over(trusting(&authority).with_no_client_auth());
    let best = if cfg!(feature = "http2") {
        http::Version::HTTP_2
    } else {
        http::Version::HTTP_11
    };
    for (protocols, version) in [
        (&["h2", "http/1.1"] as &[_], best),
        (&["http/1.1"], http::Version::HTTP_11),
        (&[], http::Version::HTTP_11),
    ] {
        let config = Config {
            protocols,
            ..Config::default()
        };
        let server = serve(&authority, config).await;
        for _ in 0..2 {
            let answer = send(&transport, get(&server.url)).await.unwrap();
            assert_eq!(answer.version(), version, "{protocols:?}");
            assert!(complete(answer).await.starts_with(b"HTTP/"));
        }
        assert_eq!(server.accepted(), 1);
    }
}

#[cfg(feature = "http2")]
#[tokio::test]
async fn http2_by_prior_knowledge_is_all_that_is_offered() {
    let authority = authority();
    let transport = HyperTransport::builder()
        .rustls(trusting(&authority).with_no_client_auth())
        .http2_prior_knowledge();
    let transport = transport.build().unwrap();
    let both = Config {
        protocols: &["http/1.1", "h2"],
        ..Config::default()
    };
    let server = serve(&authority, both).await;
    let answer = send(&transport, get(&server.url)).await.unwrap();
    assert_eq!(answer.version(), http::Version::HTTP_2);
    let old = Config {
        protocols: &["http/1.1"],
        ..Config::default()
    };
    let server = serve(&authority, old).await;
    let error = fail(&transport, get(&server.url)).await;
    assert_eq!(error.kind(), FailureKind::Connect, "{}", shown(&error));
}

/// The protocols that an application set would make a connection that speaks another version than the client.
#[tokio::test]
async fn the_protocols_of_a_configuration_are_replaced() {
    let authority = authority();
    let mut config = trusting(&authority).with_no_client_auth();
    config.alpn_protocols = vec![b"spdy/1".to_vec()];
    let strict = Config {
        protocols: &["http/1.1"],
        ..Config::default()
    };
    let server = serve(&authority, strict).await;
    let answer = send(&over(config), get(&server.url)).await.unwrap();
    assert_eq!(answer.version(), http::Version::HTTP_11);
}

#[cfg(feature = "native-tls")]
#[tokio::test]
async fn rustls_comes_first_unless_the_other_is_given() {
    let authority = authority();
    let server = serve(&authority, Config::default()).await;
    let error = fail(&transport(), get(&server.url)).await;
    assert!(shown(&error).contains("InvalidCertificate"));

    let distrusting = || native_tls::TlsConnector::new().unwrap();
    let trusting = || trusting(&authority).with_no_client_auth();
    let builder = HyperTransport::builder().rustls(trusting());
    let error = fail(
        &builder.native_tls(distrusting()).build().unwrap(),
        get(&server.url),
    )
    .await;
    assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
    let builder = HyperTransport::builder().native_tls(distrusting());
    let transport = builder.rustls(trusting()).build().unwrap();
    send(&transport, get(&server.url)).await.unwrap();
}
