//! What is known of the cluster, and the machine that keeps it fresh.

mod refresh;
mod view;

pub(crate) use refresh::Refresh;
pub use view::{ClusterView, PartitionView, TopicView};
