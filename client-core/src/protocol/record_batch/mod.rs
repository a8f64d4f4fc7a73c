//! Record batches (magic 2), the format of records on the wire and on brokers' disks since Kafka 0.11.
//!
//! This is the hot path: a record is copied once, into its batch, on the way out, and not at all on the way
//! in, where keys, values and headers are slices.
//!
//! - [`RecordBatchBuilder`] writes batches of an exactly known size.
//! - [`Batches`] walks over the records of a fetched partition; [`RecordBatch`] is one of them, with its
//!   checksum verified; [`Records`] walks over its records.
//! - [`RecordIndex`] says where everything is, in plain numbers, for readers on the other side of the
//!   JavaScript boundary.
//!
//! - [`compress`] and [`decompress`] are the codecs.
//!
//! Left out: message sets of magic 0 and 1, a typed error.

mod batch;
mod batches;
mod builder;
mod compression;
mod crc32;
pub mod crc32c;
mod crc_tables;
mod error;
mod index;
mod layout;
mod records;
mod spans;
mod varint;

pub use crate::compression::Compression;
pub use batch::{RecordBatch, TimestampType};
pub use batches::Batches;
pub use builder::{BatchFull, ProducerStamp, RecordBatchBuilder};
pub use compression::{CompressionError, CompressionProblem, compress, decompress};
pub use error::{RecordBatchError, RecordBatchProblem};
pub use index::RecordIndex;
pub use layout::BATCH_OVERHEAD;
pub use records::{RecordHeader, RecordHeaders, RecordView, Records};

pub(crate) use spans::record_spans;
