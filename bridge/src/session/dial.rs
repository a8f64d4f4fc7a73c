//! Reaching a broker: resolve once, look at the address, connect to that address, and speak TLS if the configuration says so.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::close::CloseCause;
use crate::policy::{Destination, never_dialled};
use crate::tls::Tls;

/// A connection to a broker.
pub(super) enum Upstream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects within `limit`, name resolution and TLS included. `own` are the bridge's own listeners: a bridge that reaches
/// itself could be made to eat its own connections. `target` is the client's key, for the close reason only.
pub(super) async fn dial(
    destination: &Destination,
    tls: Option<&Tls>,
    own: &[SocketAddr],
    limit: Duration,
    target: &str,
) -> Result<Upstream, CloseCause> {
    match timeout(limit, resolve_and_connect(destination, tls, own, target)).await {
        Ok(result) => result,
        Err(_elapsed) => Err(CloseCause::DialTimedOut { after: limit, target: target.to_owned() }),
    }
}

async fn resolve_and_connect(
    destination: &Destination,
    tls: Option<&Tls>,
    own: &[SocketAddr],
    target: &str,
) -> Result<Upstream, CloseCause> {
    let failed = |problem| CloseCause::DialFailed { problem, target: target.to_owned() };
    let (addresses, secure): (Vec<SocketAddr>, _) = match destination {
        Destination::Loopback(addresses) => (addresses.clone(), None),
        Destination::Configured(dial) => {
            let found = lookup_host(&dial.address).await.map_err(|_error| failed("name-not-resolved"))?;
            // Where TLS is wanted, nothing is ever sent without it.
            let secure = match (dial.tls, tls) {
                (false, _) => None,
                (true, Some(tls)) => Some((tls, dial.host())),
                (true, None) => return Err(failed("tls-failed")),
            };
            (found.collect(), secure)
        }
    };
    let mut cause = failed("name-without-address");
    for address in addresses {
        if let Some(problem) = never_dialled(address.ip()).or_else(|| own_listener(address, own)) {
            cause = CloseCause::TargetDenied { problem, target: target.to_owned() };
            continue;
        }
        match (connect(address).await, secure) {
            (Ok(stream), None) => return Ok(Upstream::Plain(stream)),
            (Ok(stream), Some((tls, host))) => match tls.connect(host, stream).await {
                Ok(stream) => return Ok(Upstream::Tls(stream)),
                Err(problem) => cause = failed(problem),
            },
            (Err(error), _) => cause = failed(word(&error)),
        }
    }
    Err(cause)
}

fn own_listener(address: SocketAddr, own: &[SocketAddr]) -> Option<&'static str> {
    let ip = address.ip().to_canonical();
    let reaches = |listener: &SocketAddr| {
        let listens = listener.ip().to_canonical();
        listener.port() == address.port() && (listens == ip || listens.is_unspecified() && ip.is_loopback())
    };
    own.iter().any(reaches).then_some("own-listener")
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_keepalive(true)?;
    // A request is one write: waiting for more to send would only delay it.
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

/// The operating system's error as a word for close reasons.
pub(super) fn word(error: &io::Error) -> &'static str {
    #[expect(clippy::wildcard_enum_match_arm, reason = "ErrorKind grows with the standard library")]
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "refused",
        io::ErrorKind::ConnectionReset => "reset",
        io::ErrorKind::ConnectionAborted => "aborted",
        io::ErrorKind::BrokenPipe => "broken-pipe",
        io::ErrorKind::TimedOut => "timed-out",
        io::ErrorKind::HostUnreachable => "host-unreachable",
        io::ErrorKind::NetworkUnreachable => "network-unreachable",
        io::ErrorKind::AddrNotAvailable => "no-local-address",
        io::ErrorKind::PermissionDenied => "not-permitted",
        // TLS that ends without its goodbye: whether something is missing, nobody knows.
        io::ErrorKind::UnexpectedEof => "cut-off",
        _ => "input-output",
    }
}
