//! The ends of accepted records, by the run: one settlement stands for as many records as were numbered in a row and
//! ended together, which is a whole batch as a rule.

use super::errors::ErrorTable;
use super::topics::Topics;
use client_core::io::Delivery;

/// First record id (low, high), count, topic, partition, offset of the first record (low, high; -1 when the broker did
/// not say), broker's timestamp (low, high; -1 for none), the error's number or -1.
pub(super) const WORDS_PER_SETTLEMENT: usize = 10;

/// The settlements since the last `drain`.
#[derive(Default)]
pub(super) struct Settlements {
    words: Vec<i32>,
}

impl Settlements {
    pub(super) fn clear(&mut self) {
        self.words.clear();
    }

    pub(super) fn words(&self) -> &[i32] {
        &self.words
    }

    pub(super) fn push(&mut self, delivery: &Delivery, topics: &mut Topics, errors: &mut ErrorTable) {
        let topic = topics.handle_of(&delivery.partition.topic) as i32;
        let partition = delivery.partition.partition;
        let (mut offset, time, error) = match &delivery.result {
            Ok(delivered) => (delivered.base_offset, delivered.log_append_time.unwrap_or(-1), -1),
            Err(error) => (None, -1, errors.number(error.clone())),
        };
        for (first, count) in delivery.records.runs() {
            let [first_low, first_high] = halves(*first as i64);
            let [offset_low, offset_high] = halves(offset.unwrap_or(-1));
            let [time_low, time_high] = halves(time);
            self.words.extend([
                first_low,
                first_high,
                *count as i32,
                topic,
                partition,
                offset_low,
                offset_high,
                time_low,
                time_high,
                error,
            ]);
            offset = offset.map(|offset| offset + i64::from(*count));
        }
    }
}

const fn halves(value: i64) -> [i32; 2] {
    [value as i32, (value >> 32) as i32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use client_core::io::{Delivered, RecordIds};
    use client_core::{Error, RecordId, TopicPartition};

    fn delivery(result: Result<Delivered, Error>) -> Delivery {
        let mut records = RecordIds::default();
        for id in [1_u64 << 32, (1 << 32) + 1, 7] {
            records.push(RecordId(id));
        }
        Delivery { partition: TopicPartition::new("t", 3), records, result }
    }

    fn check(result: Result<Delivered, Error>, expected: &[[i32; WORDS_PER_SETTLEMENT]]) {
        let mut settlements = Settlements::default();
        settlements.push(&delivery(result), &mut Topics::default(), &mut ErrorTable::default());
        assert_eq!(settlements.words(), expected.concat());
    }

    #[test]
    fn offsets_go_on_from_run_to_run() {
        check(
            Ok(Delivered { base_offset: Some(10), log_append_time: None }),
            &[[0, 1, 2, 0, 3, 10, 0, -1, -1, -1], [7, 0, 1, 0, 3, 12, 0, -1, -1, -1]],
        );
    }

    #[test]
    fn without_an_answer_there_is_no_offset() {
        let row = [0, 1, 2, 0, 3, -1, -1, -1, -1, -1];
        check(
            Ok(Delivered { base_offset: None, log_append_time: None }),
            &[row, [7, 0, 1, 0, 3, -1, -1, -1, -1, -1]],
        );
    }

    #[test]
    fn a_failure_names_its_error() {
        check(Err(Error::Stopped), &[[0, 1, 2, 0, 3, -1, -1, -1, -1, 0], [7, 0, 1, 0, 3, -1, -1, -1, -1, 0]]);
    }
}
