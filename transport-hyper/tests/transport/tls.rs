//! A server with TLS, and certificates made for it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ALL_VERSIONS, version};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::support::echo;

/// Signs certificates. Nobody trusts it who was not told to.
pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Authority {
    let mut params = CertificateParams::default();
    // Another name than what it signs has: OpenSSL takes that for signed by itself.
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name, and its key.
pub(crate) fn certificate(authority: &Authority, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new([name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

/// What a server with TLS is like.
pub(crate) struct Config {
    /// The name in its certificate.
    pub(crate) name: &'static str,
    pub(crate) protocols: &'static [&'static str],
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
    /// Whether a client has to show a certificate of the same authority.
    pub(crate) wants_client: bool,
}

static TLS12: &[&SupportedProtocolVersion] = &[&version::TLS12];

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "localhost",
            protocols: &[],
            versions: ALL_VERSIONS,
            wants_client: false,
        }
    }
}

impl Config {
    pub(crate) fn tls12(self) -> Self {
        Self {
            versions: TLS12,
            ..self
        }
    }
}

/// Runs until the runtime of the test ends.
pub(crate) struct Server {
    pub(crate) url: String,
    accepted: Arc<AtomicUsize>,
}

impl Server {
    /// How many connections went beyond the handshake.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

pub(crate) async fn serve(authority: &Authority, config: Config) -> Server {
    let acceptor = acceptor(authority, config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = Arc::new(AtomicUsize::new(0));
    let server = Server {
        url: format!("https://localhost:{port}/a?token=secret"),
        accepted: Arc::clone(&accepted),
    };
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, accepted) = (acceptor.clone(), Arc::clone(&accepted));
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    accepted.fetch_add(1, Ordering::SeqCst);
                    echo(stream).await;
                }
            });
        }
    });
    server
}

fn acceptor(authority: &Authority, config: Config) -> TlsAcceptor {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(config.versions)
        .unwrap();
    let builder = if config.wants_client {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let (certificate, key) = certificate(authority, config.name);
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let chain = vec![certificate.der().clone()];
    let mut server = builder.with_single_cert(chain, key.into()).unwrap();
    server.alpn_protocols = config.protocols.iter().map(|&p| p.into()).collect();
    TlsAcceptor::from(Arc::new(server))
}
