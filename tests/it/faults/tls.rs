//! An ingest behind TLS, with certificates of all kinds.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// The name that the loggers under test connect to.
pub(super) const NAME: &str = "ingest.test";

/// Somebody who signs certificates.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What is wrong with a certificate, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Certificate {
    Good,
    WrongName,
    Expired,
    NotYetValid,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// The root that a client has to know.
    pub(super) fn root(&self) -> reqwest::Certificate {
        reqwest::Certificate::from_der(self.0.der()).unwrap()
    }

    pub(super) fn root_pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key for a client, as PEM.
    pub(super) fn client(&self) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["client.test".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        format!("{}{}", certificate.pem(), key.serialize_pem())
    }

    fn issue(&self, kind: Certificate) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let name = match kind {
            Certificate::WrongName => "other.test",
            _ => NAME,
        };
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        match kind {
            Certificate::Expired => params.not_after = date_time_ymd(2001, 1, 1),
            Certificate::NotYetValid => params.not_before = date_time_ymd(2999, 1, 1),
            Certificate::Good | Certificate::WrongName => {}
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        (certificate.der().clone(), key)
    }
}

/// Takes TLS connections, and hands their content on to an ingest.
pub(super) struct Front {
    pub(super) address: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Front {
    pub(super) fn start(authority: &Authority, kind: Certificate, ingest: SocketAddr) -> Self {
        Self::with(config(authority, kind, None), ingest)
    }

    /// One that offers HTTP/2, to a server that speaks it.
    pub(super) fn with_http2(authority: &Authority, server: SocketAddr) -> Self {
        let mut config = config(authority, Certificate::Good, None);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self::with(config, server)
    }

    /// One that talks only to clients whose certificate `clients` has signed.
    pub(super) fn for_clients_of(
        authority: &Authority,
        clients: &Authority,
        ingest: SocketAddr,
    ) -> Self {
        Self::with(config(authority, Certificate::Good, Some(clients)), ingest)
    }

    fn with(config: ServerConfig, ingest: SocketAddr) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (address, stop) = super::network::serve(move |stream: TcpStream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let Ok(mut ingest) = TcpStream::connect(ingest).await else {
                    return;
                };
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut ingest).await;
            }
        });
        Self {
            address,
            _stop: stop,
        }
    }
}

fn config(authority: &Authority, kind: Certificate, clients: Option<&Authority>) -> ServerConfig {
    let (certificate, key) = authority.issue(kind);
    let builder = ServerConfig::builder();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    builder.with_single_cert(vec![certificate], key).unwrap()
}

/// Binds a port of this machine.
pub(super) fn listen() -> (std::net::TcpListener, SocketAddr) {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A listener of the runtime's from one of the system's.
pub(super) fn adopt(listener: std::net::TcpListener) -> TcpListener {
    TcpListener::from_std(listener).unwrap()
}
