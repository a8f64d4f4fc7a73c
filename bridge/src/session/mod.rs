//! One upgraded connection, from the 101 to the last byte. One task; three things happen in it at once: client to
//! broker, broker to client, and the watch over the clock.

mod control;
mod dial;
mod pump;

use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, sleep_until, timeout};

use self::control::Control;
use self::dial::{Upstream, dial};
use self::pump::{Activity, Inbound, Outbound, Written};
use crate::close::CloseCause;
use crate::policy::{Destination, Slot};
use crate::server::Shared;

/// A connection that was answered with 101, and what policy says about it.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) id: u64,
    pub(crate) client: IpAddr,
    /// What the client asked for; empty when it asked for nothing.
    pub(crate) target: String,
    /// Where to go, or why the session ends at once. Told as a close code because browsers hide HTTP refusals.
    pub(crate) verdict: Result<(Destination, Slot), CloseCause>,
}

/// Runs the session to its end. `received` is what the client sent right behind its request head.
pub(crate) async fn run(mut client: TcpStream, received: &[u8], admission: Admission, shared: &Shared) {
    let config = &shared.config;
    let metrics = &shared.metrics;
    metrics.session_began();
    let (control, activity) = (Control::default(), Activity::new());
    let (client_read, client_write) = client.split();
    let mut inbound =
        Inbound::new(client_read, received, config.max_message_bytes, &control, &activity, metrics);
    let mut outbound = Outbound::new(client_write, config.write_stall_timeout, &control, &activity, metrics);

    let cause = match admission.verdict {
        Err(cause) => refuse(&mut outbound, &control, cause, config.close_timeout).await,
        Ok((destination, _slot)) => {
            match reach(&destination, &mut inbound, &admission.target, shared).await {
                Err(cause) => refuse(&mut outbound, &control, cause, config.close_timeout).await,
                Ok(Upstream::Plain(mut broker)) => {
                    carry(broker.split(), &mut inbound, &mut outbound, &control, &activity, shared).await
                }
                Ok(Upstream::Tls(broker)) => {
                    let halves = tokio::io::split(broker);
                    carry(halves, &mut inbound, &mut outbound, &control, &activity, shared).await
                }
            }
        }
    };

    if !matches!(cause, CloseCause::ClientGone | CloseCause::ClientStalled { .. }) {
        // The client's own close frame or end of stream is all that is awaited: whatever the time says, it is over.
        let _ = timeout(config.close_timeout, async {
            outbound.finish().await;
            inbound.discard().await;
        })
        .await;
    }
    metrics.session_ended(&cause);
    shared.log.info(
        "session-ended",
        &[
            ("id", &admission.id),
            ("client", &admission.client),
            ("target", &admission.target),
            ("code", &cause.code()),
            ("reason", &cause.reason()),
            ("to-broker-bytes", &inbound.sent_bytes()),
            ("to-client-bytes", &outbound.sent_bytes()),
            ("ms", &activity.age().as_millis()),
        ],
    );
}

/// Dials while listening to the client, which may leave meanwhile.
async fn reach<R: AsyncRead + Unpin>(
    destination: &Destination,
    inbound: &mut Inbound<'_, R>,
    target: &str,
    shared: &Shared,
) -> Result<Upstream, CloseCause> {
    let limit = shared.config.dial_timeout;
    let dialling = dial(destination, shared.tls.as_ref(), &shared.own_addresses, limit, target);
    let mut dialling = std::pin::pin!(dialling);
    let began = tokio::time::Instant::now();
    let mut listening = true;
    loop {
        tokio::select! {
            dialled = &mut dialling => {
                if dialled.is_ok() {
                    shared.metrics.dialled(began.elapsed());
                }
                return dialled;
            }
            // Data is kept until there is somewhere to send it, and nothing more is read.
            data = inbound.until_data(), if listening => match data {
                Ok(()) => listening = false,
                Err(cause) => return Err(cause),
            },
            cause = shared.stopping.session_end() => return Err(cause),
        }
    }
}

/// Tells the client why there is no session.
async fn refuse<W: AsyncWrite + Unpin>(
    outbound: &mut Outbound<'_, W>,
    control: &Control,
    cause: CloseCause,
    limit: Duration,
) -> CloseCause {
    if cause == CloseCause::ClientGone {
        return cause;
    }
    control.close(cause.clone());
    match timeout(limit, outbound.run_without_broker()).await {
        Ok(Written::Closed(cause) | Written::Broken(cause)) => cause,
        Err(_elapsed) => CloseCause::ClientStalled { after: limit },
    }
}

/// Carries bytes until either side, the clock or the operator ends it.
async fn carry<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    (mut broker_read, mut broker_write): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    inbound: &mut Inbound<'_, R>,
    outbound: &mut Outbound<'_, W>,
    control: &Control,
    activity: &Activity,
    shared: &Shared,
) -> CloseCause {
    let config = &shared.config;
    let cause = {
        let mut writing = std::pin::pin!(outbound.run(&mut broker_read));
        let cause = tokio::select! {
            cause = inbound.run(&mut broker_write, config.write_stall_timeout) => cause,
            Written::Closed(cause) | Written::Broken(cause) = &mut writing => return cause,
            cause = watch(control, activity, shared) => cause,
            cause = shared.stopping.session_end() => cause,
        };
        if matches!(cause, CloseCause::UpstreamFailed { .. }) {
            // The broker takes nothing more, but its last answers may still be unread: they go out first.
            if let Ok(Written::Closed(cause) | Written::Broken(cause)) =
                timeout(config.close_timeout, &mut writing).await
            {
                return cause;
            }
        }
        if cause != CloseCause::ClientGone {
            // The writer may be in the middle of a frame: it ends that one, then writes the close frame.
            control.close(cause.clone());
            if !matches!(timeout(config.close_timeout, &mut writing).await, Ok(Written::Closed(_))) {
                shared.log.info("close-frame-not-sent", &[("reason", &cause.reason())]);
            }
        }
        cause
    };
    // What the client sent before it left is still on its way: end the stream instead of cutting it off.
    if broker_write.shutdown().await.is_ok() {
        // However the broker takes it, the session is over.
        let _ = timeout(config.close_timeout, discard(&mut broker_read)).await;
    }
    cause
}

/// Reads until the broker has closed too; a socket closed with unread bytes would be reset, and what is on its way
/// to the broker lost with it.
async fn discard(broker: &mut (impl AsyncRead + Unpin)) {
    let mut sink = [0; 4096];
    while matches!(broker.read(&mut sink).await, Ok(1..)) {}
}

/// Ends a session that is idle, or whose client shows no life.
async fn watch(control: &Control, activity: &Activity, shared: &Shared) -> CloseCause {
    let config = &shared.config;
    let idle = async {
        loop {
            let last_data = activity.last_data();
            sleep_until(last_data + config.idle_timeout).await;
            if activity.last_data() == last_data {
                return CloseCause::Idle { after: config.idle_timeout };
            }
        }
    };
    let alive = async {
        loop {
            sleep(config.ping_interval - config.pong_timeout).await;
            let reads = activity.client_reads();
            control.ask_ping();
            sleep(config.pong_timeout).await;
            // A ping that still waits behind data, or a client that is not read because the broker accepts
            // nothing, is the business of the write-stall timeouts.
            let could_answer = !control.ping_waits() && !activity.waits_for_broker();
            if could_answer && activity.client_reads() == reads {
                return CloseCause::PongMissing { after: config.pong_timeout };
            }
        }
    };
    tokio::select! {
        cause = idle => cause,
        cause = alive => cause,
    }
}
