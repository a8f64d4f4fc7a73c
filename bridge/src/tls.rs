//! TLS to brokers: whom to trust, what to show, and what went wrong in words.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

use crate::config::{Config, ConfigError};

/// Speaks TLS to brokers; their certificates are always checked, the name included.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// Reads the certificates; `None` when no target is reached over TLS.
    pub(crate) fn new(config: &Config) -> Result<Option<Self>, ConfigError> {
        if !config.targets.iter().any(|target| target.tls) {
            return Ok(None);
        }
        let roots = match &config.tls_ca {
            Some(file) => listed_roots(file)?,
            None => system_roots()?,
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError::conflict("tls-ca", &error.to_string()))?
            .with_root_certificates(roots);
        let client = match (&config.tls_certificate, &config.tls_key) {
            (Some(certificate), Some(key)) => {
                let chain = certificates("tls-certificate", certificate)?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| unusable("tls-key", key, &error.to_string()))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    unusable("tls-certificate", certificate, &format!("{error}; is it tls-key's?"))
                })?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(Some(Self(TlsConnector::from(Arc::new(client)))))
    }

    /// Speaks TLS on a connected socket. The error is a word for close reasons.
    pub(crate) async fn connect(
        &self,
        host: &str,
        socket: TcpStream,
    ) -> Result<Box<TlsStream<TcpStream>>, &'static str> {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_invalid| "certificate-cannot-name-host")?;
        self.0.connect(name, socket).await.map(Box::new).map_err(|error| problem(&error))
    }
}

fn listed_roots(file: &Path) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("tls-ca", file)? {
        roots.add(certificate).map_err(|error| unusable("tls-ca", file, &error.to_string()))?;
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, ConfigError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems carry certificates that no longer follow the rules; of the others there are enough.
    let (usable, _unusable) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        let problem = "this system trusts nobody; install its package of CA certificates, or give tls-ca";
        return Err(ConfigError::conflict("tls-ca", problem));
    }
    Ok(roots)
}

fn certificates(key: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unusable(key, file, &error.to_string()))?;
    if certificates.is_empty() {
        return Err(unusable(key, file, "it holds no certificate in PEM form"));
    }
    Ok(certificates)
}

fn unusable(key: &str, file: &Path, problem: &str) -> ConfigError {
    ConfigError::conflict(key, &format!("cannot use {}: {problem}", file.display()))
}

/// Why there is no TLS, as a word for close reasons.
fn problem(error: &io::Error) -> &'static str {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return "tls-cut-off";
    };
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "rustls adds variants: what is new is some failure of TLS"
    )]
    match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            // A bad signature: another authority has the name of one that is trusted.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => "certificate-not-trusted",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "certificate-of-another-name"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate-expired",
            _ => "certificate-not-valid",
        },
        rustls::Error::AlertReceived(_) => "tls-refused-by-broker",
        rustls::Error::InvalidMessage(_) => "no-tls-there",
        _ => "tls-failed",
    }
}
