//! The task that owns the cluster: everything that happens to it happens here, one thing after the other.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use client_core::ids::NodeId;
use client_core::time::Instant as ClusterInstant;
use simulator::cluster::{AcceptError, Cluster, ClusterOutput, LinkId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::log::Log;

/// What may wait for a link to be written. A link sends the next piece of a request only when all of this was
/// written, so there is the answer that was waited for and the one after it; more means a mistake.
const OUTPUTS_MAX: usize = 16;

/// What a connection tells.
pub(super) enum Told {
    /// Somebody connected.
    Accepted { node_id: NodeId, answer: oneshot::Sender<Result<Link, AcceptError>> },
    /// Bytes arrived, at most up to the end of one request. `done` is answered when the node wants more.
    Received { link: LinkId, bytes: Bytes, done: oneshot::Sender<()> },
    /// The connection is gone.
    Closed { link: LinkId },
}

/// A connection that a node took in.
pub(super) struct Link {
    pub(super) id: LinkId,
    /// What to send. Ends when the node closes the connection.
    pub(super) outputs: mpsc::Receiver<Bytes>,
}

struct OpenLink {
    outputs: mpsc::Sender<Bytes>,
    /// Set while the node wants nothing more.
    done: Option<oneshot::Sender<()>>,
}

struct Owner {
    cluster: Cluster,
    links: BTreeMap<LinkId, OpenLink>,
    last_link: u64,
    log: Log,
}

/// Runs until nobody can tell anything any more.
pub(super) async fn run(cluster: Cluster, mut told: mpsc::Receiver<Told>, log: Log) {
    let began = Instant::now();
    let now = || {
        let since = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        ClusterInstant::from_micros(since)
    };
    let mut owner = Owner { cluster, links: BTreeMap::new(), last_link: 0, log };
    loop {
        let deadline = owner.cluster.poll_timeout();
        let timeout = async {
            match deadline {
                // Rounded up by the timer, so that the cluster is never asked before its time.
                Some(at) => sleep_until(began + Duration::from_micros(at.as_micros())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            next = told.recv() => match next {
                Some(next) => owner.handle(now(), next),
                None => return,
            },
            () = timeout => owner.cluster.handle_timeout(now()),
        }
        owner.drain();
    }
}

impl Owner {
    fn handle(&mut self, now: ClusterInstant, told: Told) {
        match told {
            Told::Accepted { node_id, answer } => {
                self.last_link += 1;
                let id = LinkId(self.last_link);
                let accepted = self.cluster.accept(now, node_id, id).map(|()| {
                    let (sender, outputs) = mpsc::channel(OUTPUTS_MAX);
                    self.links.insert(id, OpenLink { outputs: sender, done: None });
                    Link { id, outputs }
                });
                if answer.send(accepted).is_err() {
                    self.forget(now, id);
                }
            }
            Told::Received { link, bytes, done } => {
                if let Some(open) = self.links.get_mut(&link) {
                    open.done = Some(done);
                    self.cluster.receive(now, link, bytes);
                }
            }
            Told::Closed { link } => self.forget(now, link),
        }
    }

    fn forget(&mut self, now: ClusterInstant, link: LinkId) {
        if self.links.remove(&link).is_some() {
            self.cluster.closed(now, link);
        }
    }

    /// Hands out what the cluster wants sent, then tells who may go on.
    fn drain(&mut self) {
        while let Some(output) = self.cluster.poll_output() {
            match output {
                ClusterOutput::Send { link, bytes } => {
                    let Some(open) = self.links.get(&link) else { continue };
                    if let Err(mpsc::error::TrySendError::Full(_)) = open.outputs.try_send(bytes) {
                        self.log.warn("dev-broker-link-overflow", &[("link", &link)]);
                        self.links.remove(&link);
                    }
                }
                ClusterOutput::Close { link, why } => {
                    self.log.info("dev-broker-closed-link", &[("link", &link), ("why", &why)]);
                    // Dropping the sender ends the connection after what was sent before.
                    self.links.remove(&link);
                }
            }
        }
        for (link, open) in &mut self.links {
            if open.done.is_some() && !self.cluster.is_muted(*link) {
                // A connection that is gone does not listen; it says so in a moment.
                let _ = open.done.take().map(|done| done.send(()));
            }
        }
    }
}
