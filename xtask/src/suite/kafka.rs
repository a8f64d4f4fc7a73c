//! The one real Apache Kafka which all parts share: started by the first that needs it.

use crate::error::Result;
use crate::kafka::{Cluster, Options};

/// Beside the cluster that people start by hand.
const NAME: &str = "test";

#[derive(Debug, Default)]
pub(super) struct SharedKafka {
    cluster: Option<Cluster>,
}

impl SharedKafka {
    /// What tests need to know, as environment variables.
    pub(super) fn environment(&mut self) -> Result<Vec<(&'static str, String)>> {
        let cluster = match &mut self.cluster {
            Some(cluster) => cluster,
            none => none.insert(Cluster::up(&Options { name: NAME.to_owned(), ..Options::default() })?),
        };
        Ok(cluster.environment())
    }

    /// Stops the cluster if it was started.
    pub(super) fn down(&mut self) -> Result<()> {
        match self.cluster.take() {
            Some(_cluster) => Cluster::down(NAME),
            None => Ok(()),
        }
    }
}

impl Drop for SharedKafka {
    fn drop(&mut self) {
        // Only when a run ends early by an error of ours, which is the one to report.
        let _ = self.down();
    }
}
