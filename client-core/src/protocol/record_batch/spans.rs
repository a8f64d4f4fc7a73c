//! The bytes of record batches, explained by the code that reads them.

use alloc::format;
use alloc::string::{String, ToString};
use core::ops::Range;

use bytes::Bytes;

use super::batch::RecordBatch;
use super::batches::Batches;
use super::layout::HEADER_FIELDS;
use super::records::Observer;
use crate::protocol::span::{Recorder, SpanKind};

/// Tells the recorder about the batches in the records that begin `start` bytes into the frame. What cannot
/// be read (a batch cut off or damaged) becomes one span with the reason, and so do compressed records.
pub(crate) fn record_spans<R: Recorder>(recorder: &mut R, records: &Bytes, start: usize) {
    let mut batches = Batches::new(records.clone());
    let mut position = 0;
    let mut number = 0;
    loop {
        let batch = batches.next();
        let end = batches.position();
        match batch {
            Some(Ok(batch)) => {
                recorder.enter_field("batches");
                recorder.enter_element(number);
                batch_spans(recorder, &batch, start + position);
                recorder.leave();
                recorder.leave();
                position = end;
                number += 1;
            }
            Some(Err(error)) => {
                return rest(recorder, start + position..start + records.len(), error.to_string());
            }
            None => {
                let cut_off = format!("{} bytes of a batch that was cut off", records.len() - position);
                return rest(recorder, start + position..start + records.len(), cut_off);
            }
        }
    }
}

fn batch_spans<R: Recorder>(recorder: &mut R, batch: &RecordBatch, start: usize) {
    let bytes = batch.bytes();
    for (name, kind, range) in HEADER_FIELDS {
        let value = match &bytes[range.clone()] {
            // Only the format and the checksum are not plain signed numbers of 2, 4 or 8 bytes.
            crc if kind == SpanKind::Uint32 => crc.iter().map(|byte| format!("{byte:02x}")).collect(),
            &[a] => format!("{}", a.cast_signed()),
            &[a, b] => format!("{}", i16::from_be_bytes([a, b])),
            &[a, b, c, d] => format!("{}", i32::from_be_bytes([a, b, c, d])),
            eight => {
                let value = eight.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
                format!("{}", value.cast_signed())
            }
        };
        recorder.record(kind, name, start + range.start..start + range.end, value);
    }
    let last_header_field = HEADER_FIELDS.last().map_or(0, |(_, _, range)| range.end);
    let mut position = start + last_header_field;
    // Where fields are in compressed records is nowhere in these bytes.
    if let (Ok(false), Ok(compression)) = (batch.is_readable(), batch.compression()) {
        let compressed = format!("{} records, compressed: {}", batch.record_count(), compression.name());
        return rest(recorder, position..start + bytes.len(), compressed);
    }
    if let Err(error) = each_record(recorder, batch, start, &mut position) {
        rest(recorder, position..start + bytes.len(), error.to_string());
    }
}

fn each_record<R: Recorder>(
    recorder: &mut R,
    batch: &RecordBatch,
    start: usize,
    position: &mut usize,
) -> Result<(), super::RecordBatchError> {
    let mut records = batch.records()?;
    let mut number = 0;
    loop {
        recorder.enter_field("records");
        recorder.enter_element(number);
        let mut observer = SpanObserver { recorder: &mut *recorder, start, position: &mut *position };
        let record = records.read(&mut observer);
        let mut result = record.as_ref().map(|_| ()).map_err(|error| *error);
        if let Ok(Some(record)) = &record {
            let mut headers = record.headers.clone();
            for number in 0..headers.count_left() {
                recorder.enter_field("headers");
                recorder.enter_element(number);
                let mut observer = SpanObserver { recorder: &mut *recorder, start, position: &mut *position };
                result = headers.read(&mut observer).map(|_| ());
                recorder.leave();
                recorder.leave();
                if result.is_err() {
                    break;
                }
            }
        }
        recorder.leave();
        recorder.leave();
        result?;
        if !matches!(record, Ok(Some(_))) {
            return Ok(());
        }
        number += 1;
    }
}

/// One span for bytes that could not be read, with the reason.
fn rest<R: Recorder>(recorder: &mut R, range: Range<usize>, reason: String) {
    recorder.record(SpanKind::Records, "", range, reason);
}

/// Passes what the record reader says on to a recorder.
struct SpanObserver<'r, R> {
    recorder: &'r mut R,
    /// Where the batch begins in the frame.
    start: usize,
    /// The end of the last span, in the frame.
    position: &'r mut usize,
}

impl<R: Recorder> SpanObserver<'_, R> {
    fn record(&mut self, kind: SpanKind, name: &'static str, range: Range<usize>, value: String) {
        *self.position = self.start + range.end;
        self.recorder.record(kind, name, self.start + range.start..self.start + range.end, value);
    }
}

impl<R: Recorder> Observer for SpanObserver<'_, R> {
    fn field(&mut self, name: &'static str, kind: SpanKind, range: Range<usize>, value: i64) {
        if kind == SpanKind::Length {
            self.recorder.enter_field(name);
            let text = if value < 0 { String::from("null") } else { format!("{value}") };
            self.record(kind, "length", range, text);
            self.recorder.leave();
        } else {
            self.record(kind, name, range, format!("{value}"));
        }
    }

    fn bytes(&mut self, name: &'static str, range: Range<usize>, bytes: &[u8]) {
        let value = match core::str::from_utf8(bytes) {
            Ok(text) => String::from(text),
            Err(_) => format!("{} bytes", bytes.len()),
        };
        self.record(SpanKind::Bytes, name, range, value);
    }
}
