//! The messages, one file per API: request and response side by side.
//!
//! Names of structs and fields are those of Kafka's protocol guide, in Rust's case.

mod api_versions;
mod fetch;
mod find_coordinator;
mod init_producer_id;
mod leader;
mod list_offsets;
mod metadata;
mod produce;
mod sasl_authenticate;
mod sasl_handshake;

pub use api_versions::*;
pub use fetch::*;
pub use find_coordinator::*;
pub use init_producer_id::*;
pub use leader::*;
pub use list_offsets::*;
pub use metadata::*;
pub use produce::*;
pub use sasl_authenticate::*;
pub use sasl_handshake::*;
