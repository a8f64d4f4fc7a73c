//! How fast record batches are written and read: MB/s of payload, and nanoseconds a record.
//!
//! `cargo run --release -p client-core --example record_batch_speed`

#![expect(clippy::print_stdout, reason = "printing is what it is for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock; the core does not")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use client_core::protocol::record_batch::{
    ProducerStamp, RecordBatch, RecordBatchBuilder, RecordIndex, crc32c::crc32c,
};

const RECORDS: usize = 160;

fn main() {
    for size in [100, 1024] {
        let payload = vec![b'x'; size];
        let mut builder = RecordBatchBuilder::new();
        let write = |builder: &mut RecordBatchBuilder| -> Bytes {
            builder.reserve(RECORDS * (size + 20) + 61);
            for number in 0..RECORDS {
                let timestamp = 1_700_000_000_000 + number as i64;
                let appended = builder.append(None, Some(black_box(&payload)), std::iter::empty(), timestamp);
                appended.expect("a small batch");
            }
            builder.seal(ProducerStamp::NONE)
        };
        let batch = write(&mut builder);
        report("write", size, median(|| drop(black_box(write(&mut builder)))));
        report(
            "read",
            size,
            median(|| {
                let batch = RecordBatch::decode(black_box(&batch)).expect("sound").expect("complete");
                for record in batch.records().expect("uncompressed") {
                    black_box(record.expect("sound").value);
                }
            }),
        );
        let mut index = RecordIndex::default();
        report(
            "index",
            size,
            median(|| {
                let batch = RecordBatch::decode(black_box(&batch)).expect("sound").expect("complete");
                index.clear();
                black_box(batch.index_into(0, 0, &mut index)).expect("sound");
            }),
        );
        report(
            "checksum",
            size,
            median(|| {
                black_box(crc32c(black_box(&batch)));
            }),
        );
    }
}

fn report(what: &str, size: usize, time: Duration) {
    let nanoseconds = time.as_nanos() as f64;
    let rate = (RECORDS * size) as f64 / nanoseconds * 1000.0;
    println!(
        "{what:>8} of {RECORDS} x {size:>4} B: {rate:>7.0} MB/s, {:>5.1} ns a record",
        nanoseconds / RECORDS as f64
    );
}

/// The time of one call: the median of many rounds.
fn median(mut work: impl FnMut()) -> Duration {
    const CALLS: u32 = 200;
    let mut rounds: Vec<_> = (0..41)
        .map(|_| {
            let start = Instant::now();
            (0..CALLS).for_each(|_| work());
            start.elapsed() / CALLS
        })
        .collect();
    rounds.sort();
    rounds[rounds.len() / 2]
}
