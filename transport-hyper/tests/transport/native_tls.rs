//! HTTPS by the platform's own library.

use durable_streams_hyper::{FailureKind, HyperTransport};
use native_tls::{Certificate, Identity, TlsConnector, TlsConnectorBuilder};

use super::support::{complete, fail, get, post, send, shown};
use super::tls::{Authority, Config, authority, certificate, serve};

/// Trusts this authority as well.
fn trusting(authority: &Authority) -> TlsConnectorBuilder {
    let mut builder = TlsConnector::builder();
    builder.add_root_certificate(Certificate::from_der(authority.der()).unwrap());
    builder
}

fn over(builder: &TlsConnectorBuilder) -> HyperTransport {
    let builder = HyperTransport::builder().native_tls(builder.build().unwrap());
    builder.build().unwrap()
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted() {
    let authority = authority();
    let server = serve(&authority, Config::default()).await;
    let answer = send(&over(&trusting(&authority)), post(&server.url)).await;
    assert_eq!(
        complete(answer.unwrap()).await,
        "HTTP/1.1 POST /a?token=secret"
    );
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused() {
    let authority = authority();
    let server = serve(&authority, Config::default()).await;
    let error = fail(&over(&TlsConnector::builder()), post(&server.url)).await;
    assert_eq!(error.kind(), FailureKind::Refused, "{}", shown(&error));
    assert!(!shown(&error).contains("secret"), "{}", shown(&error));
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let authority = authority();
    let wants_client = || Config {
        wants_client: true,
        ..Config::default()
    };
    let server = serve(&authority, wants_client()).await;
    let (certificate, key) = certificate(&authority, "client");
    let (certificate, key) = (certificate.pem(), key.serialize_pem());
    let identity = Identity::from_pkcs8(certificate.as_bytes(), key.as_bytes()).unwrap();
    let mut builder = trusting(&authority);
    let transport = over(builder.identity(identity));
    send(&transport, get(&server.url)).await.unwrap();
    assert_eq!(server.accepted(), 1);

    let server = serve(&authority, wants_client().tls12()).await;
    let error = fail(&over(&trusting(&authority)), get(&server.url)).await;
    assert!(!error.kind().may_have_been_sent(), "{}", shown(&error));
    assert_eq!(server.accepted(), 0);
}

#[cfg(feature = "http2")]
#[tokio::test]
async fn a_connector_that_asks_for_http2_speaks_it() {
    let authority = authority();
    let both = || Config {
        protocols: &["h2", "http/1.1"],
        ..Config::default()
    };
    for (asked, version) in [
        (&["h2", "http/1.1"] as &[_], http::Version::HTTP_2),
        (&["http/1.1"], http::Version::HTTP_11),
        (&[], http::Version::HTTP_11),
    ] {
        let server = serve(&authority, both()).await;
        let transport = over(trusting(&authority).request_alpns(asked));
        let answer = send(&transport, get(&server.url)).await.unwrap();
        assert_eq!(answer.version(), version, "{asked:?}");
        assert!(complete(answer).await.starts_with(b"HTTP/"));
    }
}
