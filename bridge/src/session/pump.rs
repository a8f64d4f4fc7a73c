//! The two directions of a session. Each has one buffer and reads again only when everything it read before was
//! accepted by the other socket; a receiver that stops reading therefore stops its sender, and nothing piles up.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use super::control::Control;
use super::dial::word;
use crate::close::CloseCause;
use crate::metrics::{Buffered, Direction, Metrics};
use crate::websocket::{DATA_HEADER_BYTES, Decoder, Event, data_header};

/// What a session may hold in each direction; well below the 256 KiB that are promised.
pub(super) const BUFFER_BYTES: usize = 32 * 1024;

/// The longest payload that leaves room for its header in one buffer.
const CHUNK_BYTES: usize = BUFFER_BYTES - DATA_HEADER_BYTES;

/// Signs of life, shared by both directions and the one who watches the clock.
#[derive(Debug)]
pub(super) struct Activity {
    began: Instant,
    /// When data last went in either direction, in microseconds since the session began.
    last_data_us: AtomicU64,
    /// Reads from the client that brought anything, pongs included.
    client_reads: AtomicU64,
    /// Whether the client is not being read because the broker does not accept: then it cannot show life.
    waits_for_broker: AtomicBool,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            last_data_us: AtomicU64::new(0),
            client_reads: AtomicU64::new(0),
            waits_for_broker: AtomicBool::new(false),
        }
    }

    fn data(&self) {
        let since = self.began.elapsed().as_micros();
        self.last_data_us.store(u64::try_from(since).unwrap_or(u64::MAX), Relaxed);
    }

    pub(super) fn last_data(&self) -> Instant {
        self.began + Duration::from_micros(self.last_data_us.load(Relaxed))
    }

    pub(super) fn client_reads(&self) -> u64 {
        self.client_reads.load(Relaxed)
    }

    pub(super) fn waits_for_broker(&self) -> bool {
        self.waits_for_broker.load(Relaxed)
    }

    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }
}

/// From the client to the broker.
pub(super) struct Inbound<'a, R> {
    client: R,
    decoder: Decoder,
    /// Payload that was decoded before there was a broker to send it to.
    early: Option<Range<usize>>,
    control: &'a Control,
    activity: &'a Activity,
    metrics: &'a Metrics,
    buffered: Buffered<'a>,
    sent_bytes: u64,
}

impl<'a, R: AsyncRead + Unpin> Inbound<'a, R> {
    /// `received` is what arrived together with the request head.
    pub(super) fn new(
        client: R,
        received: &[u8],
        message_bytes_max: u64,
        control: &'a Control,
        activity: &'a Activity,
        metrics: &'a Metrics,
    ) -> Self {
        let mut decoder = Decoder::new(BUFFER_BYTES, message_bytes_max);
        decoder.space()[..received.len()].copy_from_slice(received);
        decoder.filled(received.len());
        let buffered = Buffered::new(metrics, Direction::ToBroker);
        Self { client, decoder, early: None, control, activity, metrics, buffered, sent_bytes: 0 }
    }

    pub(super) fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Answers control frames until the client sends data, which is kept for [`Inbound::run`]. May be dropped
    /// and called again at any time.
    pub(super) async fn until_data(&mut self) -> Result<(), CloseCause> {
        if self.early.is_none() {
            self.early = Some(self.next_data().await?);
        }
        Ok(())
    }

    /// Carries data until the session has to end, and says why.
    pub(super) async fn run(&mut self, mut broker: impl AsyncWrite + Unpin, stall: Duration) -> CloseCause {
        loop {
            let place = match self.early.take() {
                Some(place) => place,
                None => match self.next_data().await {
                    Ok(place) => place,
                    Err(cause) => return cause,
                },
            };
            let data = self.decoder.data(place);
            self.activity.waits_for_broker.store(true, Relaxed);
            let written = write_all(&mut broker, data, stall).await;
            self.activity.waits_for_broker.store(false, Relaxed);
            match written {
                Ok(()) => {}
                Err(Unwritten::Stalled) => return CloseCause::UpstreamStalled { after: stall },
                Err(Unwritten::Failed(error)) => return CloseCause::UpstreamFailed { problem: word(&error) },
            }
            self.sent_bytes += data.len() as u64;
            self.metrics.count_sent(Direction::ToBroker, data.len());
            self.buffered.set(self.decoder.unread_bytes());
        }
    }

    /// Reads on after the session has ended until the client has closed too, and throws everything away: closing
    /// a socket with unread bytes would destroy what is still on its way to the client, the close frame included.
    pub(super) async fn discard(&mut self) {
        let mut sink = [0; 4096];
        while matches!(self.client.read(&mut sink).await, Ok(1..)) {}
    }

    async fn next_data(&mut self) -> Result<Range<usize>, CloseCause> {
        loop {
            match self.decoder.poll()? {
                Some(Event::Data(place)) => {
                    self.metrics.count_received(Direction::ToBroker, place.len());
                    self.activity.data();
                    return Ok(place);
                }
                Some(Event::Ping(payload)) => self.control.answer(payload),
                // Any byte from the client is a sign of life; a pong needs no more attention than that.
                Some(Event::Pong) => {}
                Some(Event::Close) => return Err(CloseCause::ClientClosed),
                None => {
                    let count = match self.client.read(self.decoder.space()).await {
                        Ok(0) | Err(_) => return Err(CloseCause::ClientGone),
                        Ok(count) => count,
                    };
                    self.decoder.filled(count);
                    self.activity.client_reads.fetch_add(1, Relaxed);
                    self.buffered.set(self.decoder.unread_bytes());
                }
            }
        }
    }
}

/// From the broker to the client; the only one who writes to the client, control frames included.
pub(super) struct Outbound<'a, W> {
    client: W,
    buffer: Box<[u8]>,
    control: &'a Control,
    activity: &'a Activity,
    metrics: &'a Metrics,
    buffered: Buffered<'a>,
    stall: Duration,
    sent_bytes: u64,
}

/// How the writing to a client ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Everything, and then a close frame with this cause, the first that [`Control`] was given.
    Closed(CloseCause),
    /// The client takes nothing more, for this cause; a frame may be half written.
    Broken(CloseCause),
}

impl<'a, W: AsyncWrite + Unpin> Outbound<'a, W> {
    pub(super) fn new(
        client: W,
        stall: Duration,
        control: &'a Control,
        activity: &'a Activity,
        metrics: &'a Metrics,
    ) -> Self {
        let buffered = Buffered::new(metrics, Direction::ToClient);
        let buffer = vec![0; BUFFER_BYTES].into();
        Self { client, buffer, control, activity, metrics, buffered, stall, sent_bytes: 0 }
    }

    pub(super) fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Carries data until somebody asked [`Control`] to close, which includes this very function when the broker
    /// has closed: everything the broker sent before goes out first.
    pub(super) async fn run(&mut self, mut broker: impl AsyncRead + Unpin) -> Written {
        loop {
            while let Some(frame) = self.control.take() {
                if let Err(broken) = self.write(&frame.bytes).await {
                    return Written::Broken(broken);
                }
                if let Some(cause) = frame.closes {
                    return Written::Closed(cause);
                }
            }
            let read = tokio::select! {
                biased;
                () = self.control.changed() => continue,
                read = broker.read(&mut self.buffer[DATA_HEADER_BYTES..]) => read,
            };
            match read {
                Ok(0) => self.control.close(CloseCause::UpstreamClosed),
                Err(error) => self.control.close(CloseCause::UpstreamFailed { problem: word(&error) }),
                Ok(count) => {
                    if let Err(broken) = self.write_data(count).await {
                        return Written::Broken(broken);
                    }
                }
            }
        }
    }

    /// Writes the close frame and what was asked for before it, without a broker.
    pub(super) async fn run_without_broker(&mut self) -> Written {
        self.run(Never).await
    }

    /// Tells the client's TCP that nothing follows.
    pub(super) async fn finish(&mut self) {
        // The socket is dropped next: whether the goodbye got out changes nothing.
        let _ = self.client.shutdown().await;
    }

    async fn write_data(&mut self, count: usize) -> Result<(), CloseCause> {
        self.metrics.count_received(Direction::ToClient, count);
        self.activity.data();
        self.buffered.set(count);
        let payload_len = u16::try_from(count).expect("a chunk fits a 16-bit length");
        let start = data_header(&mut self.buffer, payload_len);
        let frame = &self.buffer[start..DATA_HEADER_BYTES + count];
        write_frame(&mut self.client, frame, self.stall).await?;
        self.buffered.set(0);
        self.sent_bytes += u64::from(payload_len);
        self.metrics.count_sent(Direction::ToClient, count);
        Ok(())
    }

    async fn write(&mut self, frame: &[u8]) -> Result<(), CloseCause> {
        write_frame(&mut self.client, frame, self.stall).await
    }
}

const _: () = assert!(CHUNK_BYTES <= u16::MAX as usize);

async fn write_frame(
    client: &mut (impl AsyncWrite + Unpin),
    frame: &[u8],
    stall: Duration,
) -> Result<(), CloseCause> {
    write_all(client, frame, stall).await.map_err(|unwritten| match unwritten {
        Unwritten::Stalled => CloseCause::ClientStalled { after: stall },
        Unwritten::Failed(_gone) => CloseCause::ClientGone,
    })
}

/// Why not everything was written.
enum Unwritten {
    /// Nothing was accepted for too long.
    Stalled,
    Failed(io::Error),
}

/// Writes everything; `stall` bounds each step, so a slow receiver may take as long as it goes on taking.
async fn write_all(
    socket: &mut (impl AsyncWrite + Unpin),
    mut data: &[u8],
    stall: Duration,
) -> Result<(), Unwritten> {
    while !data.is_empty() {
        match timeout(stall, socket.write(data)).await {
            Err(_elapsed) => return Err(Unwritten::Stalled),
            Ok(Err(error)) => return Err(Unwritten::Failed(error)),
            Ok(Ok(0)) => return Err(Unwritten::Failed(io::ErrorKind::WriteZero.into())),
            Ok(Ok(count)) => data = &data[count..],
        }
    }
    // TLS may hold back what it was given; a plain socket has nothing to flush.
    match timeout(stall, socket.flush()).await {
        Err(_elapsed) => Err(Unwritten::Stalled),
        Ok(flushed) => flushed.map_err(Unwritten::Failed),
    }
}

/// A broker that was never reached: nothing is ever read from it.
struct Never;

impl AsyncRead for Never {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
        _buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Pending
    }
}
