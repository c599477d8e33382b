//! TLS: who is trusted, who is shown, and what is negotiated.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use durable_streams_conformance::script::{Authority, Reply, ScriptServer};
use durable_streams_isahc::{FailureKind, IsahcTransport};
use http::{Method, Version};
use isahc::HttpClientBuilder;
use isahc::config::{Configurable, VersionNegotiation};
use isahc::tls::{Identity, PrivateKey, TlsConfig, TrustStore};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::proxy::Proxy;
use super::support::{block_on, fail, fetch, post, read, request, send, shown};

fn trusting(root: &str) -> TlsConfig {
    let store = TrustStore::builder().certificate_from_pem(root);
    TlsConfig::builder().trust_store(store.build()).build()
}

fn with(
    tls: &TlsConfig,
    configure: impl Fn(HttpClientBuilder) -> HttpClientBuilder + Send + Sync + 'static,
) -> IsahcTransport {
    let tls = tls.clone();
    IsahcTransport::with(move |client| configure(client.tls_config(tls.clone()))).unwrap()
}

async fn serve(replies: impl IntoIterator<Item = Reply>) -> (ScriptServer, TlsConfig) {
    let authority = Authority::new().unwrap();
    let server = ScriptServer::start_tls(&authority).await.unwrap();
    server.replies(replies);
    (server, trusting(&authority.root_pem()))
}

/// The newest that both sides speak.
const NEWEST: Version = if cfg!(feature = "http2") {
    Version::HTTP_2
} else {
    Version::HTTP_11
};

#[test]
fn the_version_is_negotiated() {
    block_on(async {
        let (server, tls) = serve([]).await;
        server.answer_with(|_, _| Reply::new(200).body("well"));
        let newest = with(&tls, |client| client);
        let old = with(&tls, |client| {
            client.version_negotiation(VersionNegotiation::http11())
        });
        for (transport, version) in [(newest, NEWEST), (old, Version::HTTP_11)] {
            let answer = send(&transport, post(&server)).await.unwrap();
            assert_eq!(answer.version(), version);
            assert_eq!(read(answer).await.unwrap(), "well");
            assert_eq!(server.requests().pop().unwrap().version, version);
        }
    });
}

#[test]
fn a_proxy_makes_a_tunnel() {
    block_on(async {
        let (server, tls) = serve([Reply::new(200).body("through")]).await;
        let proxy = Proxy::start().unwrap();
        let url = proxy.url();
        let transport = with(&tls, move |client| client.proxy(url.clone()));
        assert_eq!(fetch(&transport, post(&server)).await, "through");
        let asked = format!(
            "CONNECT {} HTTP/1.1",
            server.url("").trim_start_matches("https://")
        );
        assert_eq!(proxy.asked(), [asked]);
    });
}

/// A server that wants to see a certificate of the authority that signed its own. It tells the client its name.
struct Strict {
    url: String,
    root: String,
    /// Of a client: its certificate and its key.
    identity: (String, String),
}

impl Strict {
    fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        // A certificate with the name of its issuer is one that nobody else signed.
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        let issue = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };

        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let (certificate, key) = issue("localhost");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        let (certificate, key) = issue("client");
        Self {
            url: listen(Arc::new(config)),
            root: root.pem(),
            identity: (certificate.pem(), key.serialize_pem()),
        }
    }

    fn identity(&self) -> Identity {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let name = format!("isahc-{}", std::process::id());
        let (certificate, key) = (
            directory.join(format!("{name}.crt")),
            directory.join(format!("{name}.key")),
        );
        fs::write(&certificate, &self.identity.0).unwrap();
        fs::write(&key, &self.identity.1).unwrap();
        let key = PrivateKey::from_pem_file(key, None);
        Identity::from_pem_file(certificate, Some(key))
    }
}

/// Answers what comes, on connections whose greeting succeeds.
fn listen(config: Arc<ServerConfig>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let stream = StreamOwned::new(connection, stream.unwrap());
            thread::spawn(move || answer(BufReader::new(stream)));
        }
    });
    format!("https://localhost:{port}/")
}

fn answer(mut stream: BufReader<StreamOwned<ServerConnection, TcpStream>>) -> io::Result<()> {
    let mut line = String::new();
    // The first of these fails without a certificate.
    while stream.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nknown";
            stream.get_mut().write_all(answer)?;
        }
        line.clear();
    }
    Ok(())
}

#[test]
fn a_client_shows_its_certificate() {
    block_on(async {
        let strict = Strict::start();
        let store = TrustStore::builder().certificate_from_pem(&strict.root);
        let tls = TlsConfig::builder()
            .trust_store(store.build())
            .identity(strict.identity())
            .build();
        let transport = with(&tls, |client| client);
        let sent = request(Method::GET, &strict.url, "");
        assert_eq!(fetch(&transport, sent).await, "known");

        // The client has done its part of the greeting of TLS 1.3 when the server turns it down.
        let stranger = with(&trusting(&strict.root), |client| client);
        let error = fail(&stranger, request(Method::GET, &strict.url, "")).await;
        assert_eq!(error.kind(), FailureKind::Interrupted, "{}", shown(&error));
    });
}
