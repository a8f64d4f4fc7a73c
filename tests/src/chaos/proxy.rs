//! A TCP proxy between clients and brokers that breaks connections: each has its fate, a function of the seed and of its
//! number, and all of a broker's can be cut, stalled or refused at once.

use super::journal::{Millis, now};
use client_core::rng::Rng;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Whose connections a front takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// The core in this process, straight over TCP.
    Native,
    /// The npm package in Node, over WebSocket to the bridge, and from there over TCP.
    Bridge,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::Bridge => "bridge",
        })
    }
}

/// What a front does with all its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Bytes pass.
    Open,
    /// New connections open, but no byte passes on any.
    Silent,
    /// New connections are closed at once.
    Refusing,
}

/// Stands before one broker, for one path.
#[derive(Debug)]
pub struct Front {
    /// Whose connections.
    pub path: Path,
    /// To which broker, from 1.
    pub broker: usize,
    /// Where clients connect.
    pub port: u16,
    seed: u64,
    target: OnceLock<SocketAddr>,
    condition: watch::Sender<Condition>,
    cuts: watch::Sender<u64>,
    /// Whether connections get a fate.
    hostile: AtomicBool,
    accepted: Mutex<Vec<Millis>>,
    cut_in_passing: AtomicU64,
}

impl Front {
    /// Says where the broker is; until then nobody comes through.
    pub fn aim(&self, target: SocketAddr) {
        // Aimed once; a second aim would be at the same broker.
        let _ = self.target.set(target);
    }

    /// Changes what happens to all connections.
    pub fn set(&self, condition: Condition) {
        self.condition.send_replace(condition);
    }

    /// Resets every connection.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Whether connections made from now on get a fate of their own.
    pub fn set_hostile(&self, hostile: bool) {
        self.hostile.store(hostile, Ordering::Relaxed);
    }

    /// When each connection was made.
    #[must_use]
    pub fn accepted(&self) -> Vec<Millis> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections met their fate.
    #[must_use]
    pub fn cut_in_passing(&self) -> u64 {
        self.cut_in_passing.load(Ordering::Relaxed)
    }
}

/// Opens a front per path and broker on free loopback ports, and serves them in a thread of their own.
///
/// # Errors
/// When loopback cannot be listened on.
pub fn open(seed: u64, brokers: usize) -> io::Result<Vec<Arc<Front>>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut fronts = Vec::new();
    let mut serving = Vec::new();
    for path in [Path::Native, Path::Bridge] {
        for broker in 1..=brokers {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            let front = Arc::new(Front {
                path,
                broker,
                port: listener.local_addr()?.port(),
                seed,
                target: OnceLock::new(),
                condition: watch::Sender::new(Condition::Open),
                cuts: watch::Sender::new(0),
                hostile: AtomicBool::new(false),
                accepted: Mutex::default(),
                cut_in_passing: AtomicU64::new(0),
            });
            let entered = runtime.enter();
            serving.push((TcpListener::from_std(listener)?, Arc::clone(&front)));
            drop(entered);
            fronts.push(front);
        }
    }
    std::thread::spawn(move || {
        for (listener, front) in serving {
            runtime.spawn(serve(listener, front));
        }
        // They serve as long as the process lives.
        runtime.block_on(std::future::pending::<()>());
    });
    Ok(fronts)
}

async fn serve(listener: TcpListener, front: Arc<Front>) {
    loop {
        // Out of file descriptors, at worst: whoever waits to be accepted waits a little longer.
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let number = {
            let mut accepted = front.accepted.lock().unwrap_or_else(PoisonError::into_inner);
            accepted.push(now());
            accepted.len() as u64
        };
        let front = Arc::clone(&front);
        tokio::spawn(async move {
            let mut cuts = front.cuts.subscribe();
            tokio::select! {
                // Whichever way it ends, both sockets are closed by being dropped.
                _ended = carry(&front, client, number) => {}
                _cut = cuts.changed() => {}
            }
        });
    }
}

/// Carries one connection from its beginning to its end.
async fn carry(front: &Front, client: TcpStream, number: u64) -> io::Result<()> {
    // Dropping a socket then resets the connection; an orderly end is said with `shutdown`.
    client.set_zero_linger()?;
    client.set_nodelay(true)?;
    let mut condition = front.condition.subscribe();
    if *condition.borrow() == Condition::Refusing {
        return Ok(());
    }
    // The sender lives as long as the front.
    let _ = condition.wait_for(|&condition| condition != Condition::Silent).await;
    let Some(&target) = front.target.get() else { return Ok(()) };
    let broker = TcpStream::connect(target).await?;
    broker.set_zero_linger()?;
    broker.set_nodelay(true)?;
    let fate = front.hostile.load(Ordering::Relaxed).then(|| Fate::of(front, number));
    let (from_client, to_client) = client.into_split();
    let (from_broker, to_broker) = broker.into_split();
    let with_fate = |direction| fate.filter(|fate| fate.direction == direction);
    let both = tokio::try_join!(
        pass(front, from_client, to_broker, with_fate(Direction::ToBroker)),
        pass(front, from_broker, to_client, with_fate(Direction::ToClient)),
    );
    both.map(|_| ())
}

/// Passes one direction on until its sender has ended it.
async fn pass(
    front: &Front,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    fate: Option<Fate>,
) -> io::Result<()> {
    let mut condition = front.condition.subscribe();
    let mut buffer = vec![0; 16 << 10];
    let mut passed = 0_u64;
    let mut fate = fate;
    loop {
        let len = from.read(&mut buffer).await?;
        // The sender lives as long as the front.
        let _ = condition.wait_for(|&condition| condition != Condition::Silent).await;
        if len == 0 {
            return to.shutdown().await;
        }
        let mut rest = &buffer[..len];
        if let Some(Fate { after, what, .. }) = fate {
            if what == What::Drip && passed < after {
                for byte in rest.chunks(1) {
                    to.write_all(byte).await?;
                    tokio::task::yield_now().await;
                }
                passed += len as u64;
                continue;
            }
            let before = usize::try_from(after.saturating_sub(passed)).unwrap_or(usize::MAX);
            if what != What::Drip && before < len {
                fate = None;
                front.cut_in_passing.fetch_add(1, Ordering::Relaxed);
                to.write_all(&rest[..before]).await?;
                rest = &rest[before..];
                meet(what, &mut to).await?;
            }
        }
        to.write_all(rest).await?;
        passed += len as u64;
    }
}

/// What happens when so many bytes have passed, in the middle of whatever they are.
async fn meet(what: What, to: &mut OwnedWriteHalf) -> io::Result<()> {
    /// Long enough for the peer to have read what came before.
    const READ: Duration = Duration::from_millis(5);
    match what {
        What::Reset => {
            tokio::time::sleep(READ).await;
            Err(io::ErrorKind::ConnectionReset.into())
        }
        What::Close => {
            to.shutdown().await?;
            tokio::time::sleep(READ).await;
            Err(io::ErrorKind::ConnectionAborted.into())
        }
        What::Stall(time) => {
            tokio::time::sleep(time).await;
            Ok(())
        }
        What::Drip => Ok(()),
    }
}

/// What is going to happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fate {
    direction: Direction,
    /// After how many bytes in this direction; for [`What::Drip`], until.
    after: u64,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    ToBroker,
    ToClient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Reset,
    /// An orderly end, at a disorderly place.
    Close,
    /// Nothing more for a while, then the rest.
    Stall(Duration),
    /// Byte by byte.
    Drip,
}

impl Fate {
    /// A quarter of all connections are left alone: theirs lies beyond what ever passes.
    fn of(front: &Front, number: u64) -> Self {
        let path = Rng::new(front.seed).fork(&format!("{} {}", front.path, front.broker), 0);
        let mut rng = path.fork("fate", number);
        let direction = if rng.below(2) == 0 { Direction::ToBroker } else { Direction::ToClient };
        // As many in the first kilobyte, while the connection is being set up, as in the next three.
        let size = 1_u64 << rng.below(22);
        let after = size + rng.below(size);
        let what = match rng.below(20) {
            0..5 => return Self { direction, after: u64::MAX, what: What::Reset },
            5..12 => What::Reset,
            12..15 => What::Close,
            15..18 => What::Stall(Duration::from_millis(50 << rng.below(8))),
            _ => What::Drip,
        };
        Self { direction, after, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A front before a server that sends back what it gets.
    async fn front_with_echo() -> Arc<Front> {
        let echo = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let front = Arc::clone(&open(1, 1).unwrap()[0]);
        front.aim(echo.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = socket.split();
                    tokio::io::copy(&mut reader, &mut writer).await
                });
            }
        });
        front
    }

    async fn connect(front: &Front) -> io::Result<TcpStream> {
        TcpStream::connect((Ipv4Addr::LOCALHOST, front.port)).await
    }

    async fn echoes(socket: &mut TcpStream, text: &[u8]) -> io::Result<bool> {
        socket.write_all(text).await?;
        let mut found = vec![0; text.len()];
        socket.read_exact(&mut found).await?;
        Ok(found == text)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn bytes_pass_until_they_are_cut() {
        let front = front_with_echo().await;
        let mut socket = connect(&front).await.unwrap();
        assert!(echoes(&mut socket, b"hello").await.unwrap());
        front.cut();
        assert!(echoes(&mut socket, b"hello").await.is_err());
        assert!(echoes(&mut connect(&front).await.unwrap(), b"hello").await.unwrap());
        assert_eq!(front.accepted().len(), 2);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_refusing_front_closes_and_a_silent_one_waits() {
        let front = front_with_echo().await;
        front.set(Condition::Refusing);
        // The reset may come as early as that.
        if let Ok(mut socket) = connect(&front).await {
            assert!(echoes(&mut socket, b"hello").await.is_err());
        }
        front.set(Condition::Silent);
        let mut socket = connect(&front).await.unwrap();
        let mut echo = std::pin::pin!(echoes(&mut socket, b"hello"));
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut echo).await.is_err());
        front.set(Condition::Open);
        assert!(echo.await.unwrap());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn connections_meet_their_fate_and_no_byte_is_changed() {
        const CONNECTIONS: usize = 40;
        let front = front_with_echo().await;
        front.set_hostile(true);
        let text: Arc<Vec<u8>> = Arc::new((0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect());
        let connections: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (front, text) = (Arc::clone(&front), Arc::clone(&text));
                tokio::spawn(async move {
                    let (mut reader, mut writer) = connect(&front).await.unwrap().into_split();
                    let mut found = Vec::new();
                    let write = async {
                        // Ends early with the connection.
                        drop(writer.write_all(&text).await);
                        drop(writer.shutdown().await);
                    };
                    let read = reader.read_to_end(&mut found);
                    let both = async { drop(tokio::join!(write, read)) };
                    // Those that stall for longer are left as they are.
                    drop(tokio::time::timeout(Duration::from_secs(1), both).await);
                    assert!(text.starts_with(&found), "{} bytes are others", found.len());
                    usize::from(found.len() == text.len())
                })
            })
            .collect();
        let mut whole = 0;
        for connection in connections {
            whole += connection.await.unwrap();
        }
        assert!((1..CONNECTIONS).contains(&whole), "{whole}");
        assert!(front.cut_in_passing() > 5);
    }
}
