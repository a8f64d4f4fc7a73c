//! One TCP connection to a node: bytes to the owner, answers back, never more of either than one request at a time.

use std::io;
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use client_core::ids::NodeId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::WriteHalf;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::frames::Frames;
use super::owner::{Link, Told};
use crate::log::Log;

/// A client that accepts nothing for so long is gone.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// Bytes read from the socket at a time.
const READ_BYTES: usize = 64 * 1024;

/// Runs the connection to its end.
pub(super) async fn run(mut socket: TcpStream, node_id: NodeId, tell: mpsc::Sender<Told>, log: Log) {
    if socket.set_nodelay(true).is_err() {
        return;
    }
    let (answer, accepted) = oneshot::channel();
    if tell.send(Told::Accepted { node_id, answer }).await.is_err() {
        return;
    }
    let link = match accepted.await {
        Ok(Ok(link)) => link,
        Ok(Err(refused)) => {
            log.info("dev-broker-refused-link", &[("why", &refused)]);
            return;
        }
        // The cluster is gone, and so is everything soon.
        Err(_gone) => return,
    };
    let id = link.id;
    if let Err(error) = carry(&mut socket, link, &tell).await {
        log.info("dev-broker-link-broke", &[("link", &id), ("error", &error)]);
    }
    // Nobody listens any more only when the cluster is gone.
    let _ = tell.send(Told::Closed { link: id }).await;
}

async fn carry(socket: &mut TcpStream, mut link: Link, tell: &mpsc::Sender<Told>) -> io::Result<()> {
    let (mut read, mut write) = socket.split();
    let mut frames = Frames::default();
    let mut unfed = BytesMut::new();
    // Answered when the node has read what it was sent.
    let mut working: Option<oneshot::Receiver<()>> = None;
    loop {
        if working.is_none() && unfed.has_remaining() {
            let piece: Bytes = unfed.split_to(frames.up_to_end(&unfed)).freeze();
            let (done, answer) = oneshot::channel();
            if tell.send(Told::Received { link: link.id, bytes: piece, done }).await.is_err() {
                return Ok(());
            }
            working = Some(answer);
        }
        let done = async {
            match &mut working {
                Some(answer) => answer.await,
                None => std::future::pending().await,
            }
        };
        let free = unfed.is_empty();
        tokio::select! {
            // Answers first: the node gets the next request only when they are written.
            biased;
            output = link.outputs.recv() => match output {
                Some(bytes) => send(&mut write, &bytes).await?,
                None => return write.shutdown().await,
            },
            answered = done => {
                working = None;
                if answered.is_err() {
                    // The node closed the connection; what it sent before is still in `outputs`.
                    while let Some(bytes) = link.outputs.recv().await {
                        send(&mut write, &bytes).await?;
                    }
                    return write.shutdown().await;
                }
            }
            count = async { unfed.reserve(READ_BYTES); read.read_buf(&mut unfed).await }, if free => {
                if count? == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// Writes everything; each step has to make progress in time.
async fn send(write: &mut WriteHalf<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = timeout(WRITE_STALL, write.write(bytes)).await.map_err(io::Error::from)??;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[count..];
    }
    Ok(())
}
