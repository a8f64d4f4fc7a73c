//! Reaching a broker: resolve once, look at the address, connect to that address.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

use crate::close::CloseCause;
use crate::policy::{Destination, never_dialled};

/// Connects within `limit`, name resolution included. `own` are the bridge's own listeners: a bridge that reaches
/// itself could be made to eat its own connections. `target` is the client's key, for the close reason only.
pub(super) async fn dial(
    destination: &Destination,
    own: &[SocketAddr],
    limit: Duration,
    target: &str,
) -> Result<TcpStream, CloseCause> {
    match timeout(limit, resolve_and_connect(destination, own, target)).await {
        Ok(result) => result,
        Err(_elapsed) => Err(CloseCause::DialTimedOut { after: limit, target: target.to_owned() }),
    }
}

async fn resolve_and_connect(
    destination: &Destination,
    own: &[SocketAddr],
    target: &str,
) -> Result<TcpStream, CloseCause> {
    let failed = |problem| CloseCause::DialFailed { problem, target: target.to_owned() };
    let addresses: Vec<SocketAddr> = match destination {
        Destination::Loopback(addresses) => addresses.clone(),
        Destination::Configured(dial) => {
            lookup_host(dial).await.map_err(|_error| failed("name-not-resolved"))?.collect()
        }
    };
    let mut cause = failed("name-without-address");
    for address in addresses {
        if let Some(problem) = never_dialled(address.ip()).or_else(|| own_listener(address, own)) {
            cause = CloseCause::TargetDenied { problem, target: target.to_owned() };
            continue;
        }
        match connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => cause = failed(word(&error)),
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
        _ => "input-output",
    }
}
