//! The messages, one file per API: request and response side by side.
//!
//! Names of structs and fields are those of Kafka's protocol guide, in Rust's case.

mod api_versions;
mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;
mod describe_configs;
mod fetch;
mod find_coordinator;
mod incremental_alter_configs;
mod init_producer_id;
mod leader;
mod list_offsets;
mod metadata;
mod produce;
mod sasl_authenticate;
mod sasl_handshake;

pub use api_versions::*;
pub use create_partitions::*;
pub use create_topics::*;
pub use delete_records::*;
pub use delete_topics::*;
pub use describe_configs::*;
pub use fetch::*;
pub use find_coordinator::*;
pub use incremental_alter_configs::*;
pub use init_producer_id::*;
pub use leader::*;
pub use list_offsets::*;
pub use metadata::*;
pub use produce::*;
pub use sasl_authenticate::*;
pub use sasl_handshake::*;
