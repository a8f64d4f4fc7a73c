//! Brokers that speak TLS: bytes both ways, and every reason for which there is none.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bridge::config::Target;
use bridge::{Bridge, Config, StartError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::support::{Broker, Client, KEY, bridge_to, echo, guarded};

/// An authority, and a folder for the files of one test.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = std::env::temp_dir().join(format!("kafka-bridge-tls-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self { issuer, folder }
    }

    fn file(&self, name: &str, content: &str) -> Option<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, content).unwrap();
        Some(path)
    }

    fn ca(&self) -> Option<PathBuf> {
        self.file("ca.pem", &self.issuer.pem())
    }

    /// A certificate for those names, and its key; both PEM.
    fn sign(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// A broker with such a certificate which sends back what it gets. `asks`: only those with a certificate of this authority get in.
    async fn echo(&self, (certificate, key): (String, String), asks: bool) -> SocketAddr {
        use tokio_rustls::rustls::pki_types::{CertificateDer, pem::PemObject as _};
        let provider = Arc::new(ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whom it does not let in is the tests' business.
                    let Ok(tls) = acceptor.accept(socket).await else { return };
                    let (mut read, mut write) = tokio::io::split(tls);
                    let mut buffer = vec![0; 16 * 1024];
                    while let Ok(count @ 1..) = read.read(&mut buffer).await {
                        if write.write_all(&buffer[..count]).await.is_err() || write.flush().await.is_err() {
                            return;
                        }
                        if buffer[..count].ends_with(b"bye") {
                            break;
                        }
                    }
                    let _ = write.shutdown().await;
                });
            }
        });
        address
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A bridge that leads the key to the broker over TLS.
async fn secure(broker: SocketAddr, ca: Option<PathBuf>, change: impl FnOnce(&mut Config)) -> Bridge {
    bridge_to(broker, |config| {
        config.targets[0].tls = true;
        config.tls_ca = ca;
        change(config);
    })
    .await
}

#[tokio::test]
async fn bytes_travel_both_ways_and_an_end_is_an_end() {
    let authority = Authority::new("both-ways");
    let broker = authority.echo(authority.sign(&["127.0.0.1"], |_| ()), false).await;
    let bridge = secure(broker, authority.ca(), |_| ()).await;
    let mut socket = Client::of(&bridge).connect().await;
    // More than any buffer on the way holds, so it has to be read while it is written.
    let sent: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    for piece in sent.chunks(50_000) {
        socket.send(piece).await;
        assert_eq!(socket.read_some(piece.len()).await, piece);
    }
    socket.send(b"bye").await;
    let (rest, ending) = socket.rest().await;
    assert_eq!((&rest[..], ending.as_str()), (&b"bye"[..], "1000 upstream-closed"));
    bridge.stop().await;
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_told_in_a_word() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let expired = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 2);
    };
    for (problem, broker) in [
        ("certificate-not-trusted", theirs.echo(theirs.sign(&["127.0.0.1"], |_| ()), false).await),
        ("certificate-of-another-name", ours.echo(ours.sign(&["localhost"], |_| ()), false).await),
        ("certificate-expired", ours.echo(ours.sign(&["127.0.0.1"], expired), false).await),
    ] {
        let bridge = secure(broker, ours.ca(), |_| ()).await;
        let ending = Client::of(&bridge).ending().await;
        assert_eq!(ending, format!("4502 dial-failed problem={problem} target={KEY}"));
        bridge.stop().await;
    }
}

#[tokio::test]
async fn a_broker_without_tls_gets_no_byte_of_the_clients() {
    let authority = Authority::new("plain");
    let broker = Broker::new().await;
    let bridge = secure(broker.address(), authority.ca(), |_| ()).await;
    let mut socket = Client::of(&bridge).connect().await;
    socket.send(b"a secret").await;
    let mut plain = broker.accept().await;
    let mut hello = [0; 5];
    guarded("the bridge's hello", plain.read_exact(&mut hello)).await.unwrap();
    assert_eq!(hello[0], 22, "a handshake of TLS");
    plain.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    assert_eq!(socket.ending().await, format!("4502 dial-failed problem=no-tls-there target={KEY}"));
    let mut rest = Vec::new();
    // However the bridge ends it: what came before is what counts.
    let _ = guarded("the end", plain.read_to_end(&mut rest)).await;
    assert!(!rest.windows(8).any(|window| window == b"a secret"));
    bridge.stop().await;
}

#[tokio::test]
async fn a_broker_that_never_answers_the_hello_is_a_timeout() {
    let authority = Authority::new("silent");
    let broker = Broker::new().await;
    let bridge =
        secure(broker.address(), authority.ca(), |config| config.dial_timeout = Duration::from_millis(200))
            .await;
    let ending = Client::of(&bridge).ending().await;
    assert_eq!(ending, format!("4504 dial-timeout after-ms=200 target={KEY}"));
    bridge.stop().await;
}

#[tokio::test]
async fn a_broker_that_asks_for_a_certificate_gets_ours() {
    let authority = Authority::new("asks");
    let broker = authority.echo(authority.sign(&["127.0.0.1"], |_| ()), true).await;
    let (certificate, key) = authority.sign(&["a client"], |_| ());
    let shown = (authority.file("client.pem", &certificate), authority.file("client.key", &key));
    let bridge =
        secure(broker, authority.ca(), |config| (config.tls_certificate, config.tls_key) = shown).await;
    let mut socket = Client::of(&bridge).connect().await;
    socket.send(b"hello").await;
    assert_eq!(socket.read(5).await, b"hello");
    bridge.stop().await;

    // Without one the broker ends it; in TLS 1.3 only after the handshake.
    let bridge = secure(broker, authority.ca(), |_| ()).await;
    let ending = Client::of(&bridge).ending().await;
    assert!(ending.starts_with("1011 upstream-failed"), "{ending}");
    bridge.stop().await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let (broker, _task) = echo().await;
    let authority = Authority::new("files");
    let (certificate, key) = authority.sign(&["a client"], |_| ());
    let (_, other_key) = authority.sign(&["another"], |_| ());
    let (certificate, key, other_key) = (
        authority.file("client.pem", &certificate),
        authority.file("client.key", &key),
        authority.file("other.key", &other_key),
    );
    let empty = authority.file("empty.pem", "nothing");
    let missing = Some(authority.folder.join("missing.pem"));
    let starting = async |change: &dyn Fn(&mut Config)| {
        let mut config = Config {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            targets: vec![Target { advertise: KEY.to_owned(), dial: broker.to_string(), tls: true }],
            tls_ca: authority.ca(),
            ..Config::default()
        };
        change(&mut config);
        match Bridge::start(config).await {
            Err(StartError::Config(error)) => format!("{}: {}", error.key, error.problem),
            Err(other) => other.to_string(),
            Ok(_) => "started".to_owned(),
        }
    };
    for (change, expected) in [
        (&|config: &mut Config| config.tls_ca = empty.clone(), "tls-ca: cannot use"),
        (&|config: &mut Config| config.tls_ca = missing.clone(), "tls-ca: cannot use"),
        (&|config: &mut Config| config.tls_certificate = certificate.clone(), "tls-key: missing"),
        (&|config: &mut Config| config.tls_key = key.clone(), "tls-certificate: missing"),
        (
            &|config: &mut Config| {
                config.tls_certificate = certificate.clone();
                config.tls_key = other_key.clone();
            },
            "tls-certificate: cannot use",
        ),
        (&|config: &mut Config| config.targets[0].tls = false, "tls-ca: no target is reached over TLS"),
    ] as [(&dyn Fn(&mut Config), &str); 6]
    {
        let said = starting(change).await;
        assert!(said.starts_with(expected), "expected {expected}, got {said}");
    }
}
