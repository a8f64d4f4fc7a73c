//! From a listener to connections: how many sockets there may be, and what becomes of each.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Shared;
use crate::http::{StallGuard, UpgradePlace, answer, answer_management};
use crate::session;

/// Sockets beyond `max-connections`: for static files, and for telling a client that there are too many.
const SPARE_SOCKETS: usize = 64;

/// Sockets of the management listener.
const MANAGEMENT_SOCKETS: usize = 16;

/// The longest request head.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The most header lines.
const HEADERS_MAX: usize = 64;

/// After an error that is not one connection's, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts browsers until the bridge stops, then waits for the connections that are left.
pub(super) async fn clients(listener: TcpListener, shared: Arc<Shared>) {
    let sockets = shared.config.max_connections + SPARE_SOCKETS;
    accept(listener, sockets, &shared, |socket, client| connection(socket, client, Arc::clone(&shared)))
        .await;
}

/// Answers probes. They are answered while sessions end, so this goes on until it is aborted or nobody is left.
pub(super) async fn management(listener: TcpListener, shared: Arc<Shared>) {
    accept(listener, MANAGEMENT_SOCKETS, &shared, |socket, _client| {
        management_connection(socket, Arc::clone(&shared))
    })
    .await;
}

async fn accept<F>(
    listener: TcpListener,
    sockets: usize,
    shared: &Shared,
    connection: impl Fn(TcpStream, SocketAddr) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(sockets));
    let mut connections = JoinSet::new();
    loop {
        // Without a permit nothing is accepted: the rest waits in the kernel's queue.
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = shared.stopping.begun() => break,
            Some(_ended) = connections.join_next() => continue,
        };
        match accepted {
            Ok((socket, client)) => {
                let connection = connection(socket, client);
                connections.spawn(async move {
                    let _permit = permit;
                    connection.await;
                });
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                shared.log.warn("accept-failed", &[("error", &error)]);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

fn http(shared: &Shared) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(shared.config.handshake_timeout)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
    http
}

async fn connection(socket: TcpStream, client: SocketAddr, shared: Arc<Shared>) {
    // An answer is one write: waiting for more to send would only delay it.
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let place = UpgradePlace::default();
    let service = service_fn(|request| answer(request, client.ip(), Arc::clone(&shared), Arc::clone(&place)));
    let io = TokioIo::new(StallGuard::new(socket, shared.config.write_stall_timeout));
    let mut http = std::pin::pin!(http(&shared).serve_connection(io, service).with_upgrades());
    let served = tokio::select! {
        served = &mut http => served,
        () = shared.stopping.begun() => {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if let Err(error) = served {
        shared.log.info("http-failed", &[("client", &client.ip()), ("error", &error)]);
    }
    let upgrade = place.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(upgrade) = upgrade else { return };
    let upgraded = match upgrade.socket.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            shared.log.info("upgrade-failed", &[("client", &client.ip()), ("error", &error)]);
            return;
        }
    };
    let parts = upgraded.downcast::<TokioIo<StallGuard>>().expect("this is the socket that was given to it");
    let socket = parts.io.into_inner().into_inner();
    session::run(socket, &parts.read_buf, upgrade.admission, &shared).await;
}

async fn management_connection(socket: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| std::future::ready(answer_management(&request, &shared)));
    let io = TokioIo::new(StallGuard::new(socket, shared.config.write_stall_timeout));
    if let Err(error) = http(&shared).keep_alive(false).serve_connection(io, service).await {
        shared.log.info("http-failed", &[("error", &error)]);
    }
}
