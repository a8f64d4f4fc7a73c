//! Compressed batches: what is compressed is read back, and nothing that is decompressed can do harm.

#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

use bytes::Bytes;
use client_core::protocol::record_batch::{
    BATCH_OVERHEAD, Compression, CompressionProblem, ProducerStamp, RecordBatch, RecordBatchBuilder,
    RecordBatchProblem, RecordIndex, compress, decompress,
};
use client_core::rng::Rng;
use proptest::collection::vec;
use proptest::prelude::*;

const CODECS: [Compression; 4] =
    [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
const STAMP: ProducerStamp =
    ProducerStamp { producer_id: 7, producer_epoch: 1, base_sequence: 40, is_transactional: true };

/// Text as applications write it: some of it again and again, some of it never twice.
fn text(size: usize) -> Vec<u8> {
    let mut rng = Rng::new(3);
    let mut text = String::new();
    while text.len() < size {
        let (user, amount) = (rng.below(500), rng.below(100_000));
        text.push_str(&format!("{{\"user\":\"user-{user}\",\"action\":\"buy\",\"amount\":{amount}}}\n"));
    }
    text.truncate(size);
    text.into_bytes()
}

fn noise(size: usize) -> Vec<u8> {
    let mut rng = Rng::new(5);
    (0..size).map(|_| rng.below(256) as u8).collect()
}

fn batch(compression: Compression, values: &[&[u8]]) -> Bytes {
    let mut builder = RecordBatchBuilder::new();
    for value in values {
        builder.append(Some(b"key"), Some(value), std::iter::empty(), 1_700_000_000_000).unwrap();
    }
    let sealed = builder.seal_compressed(STAMP, compression);
    assert!(builder.is_empty());
    sealed
}

fn decode(bytes: &Bytes) -> RecordBatch {
    RecordBatch::decode(bytes).unwrap().unwrap()
}

fn values(batch: &RecordBatch) -> Vec<Vec<u8>> {
    batch.records().unwrap().map(|record| record.unwrap().value.unwrap().to_vec()).collect()
}

#[test]
fn a_compressed_batch_is_the_batch_after_decompression() {
    let text = text(1000);
    for compression in CODECS {
        let bytes = batch(compression, &[&text, b"second", &text]);
        let compressed = decode(&bytes);
        let plain = decode(&batch(Compression::None, &[&text, b"second", &text]));
        assert!(bytes.len() < plain.bytes().len() / 2, "{compression:?} made {} bytes", bytes.len());
        assert_eq!(compressed.compression(), Ok(compression));
        assert_eq!(compressed.is_readable(), Ok(false));
        let problem = compressed.records().unwrap_err().problem;
        assert_eq!(problem, RecordBatchProblem::Compressed(compression));

        let opened = compressed.decompressed(10_000).unwrap();
        assert_eq!(opened.is_readable(), Ok(true));
        assert_eq!(opened.bytes()[BATCH_OVERHEAD..], plain.bytes()[BATCH_OVERHEAD..]);
        assert_eq!(opened.bytes()[..BATCH_OVERHEAD], bytes[..BATCH_OVERHEAD], "the header stays");
        assert_eq!((opened.crc(), opened.compression()), (compressed.crc(), Ok(compression)));
        assert_eq!(values(&opened), [&text[..], b"second", &text]);
        assert_eq!(opened.decompressed(0).unwrap(), opened, "once is enough");

        let (mut index, mut expected) = (RecordIndex::default(), RecordIndex::default());
        opened.index_into(1, 0, &mut index).unwrap();
        plain.index_into(1, 0, &mut expected).unwrap();
        assert_eq!(index, expected);
    }
}

#[test]
fn stamps_of_compressed_batches_change_and_their_compression_does_not() {
    let text = text(500);
    for compression in CODECS {
        let sealed = decode(&batch(compression, &[&text]));
        let base_sequence = 99;
        let restamped = sealed.clone().with_stamp(ProducerStamp { base_sequence, ..ProducerStamp::NONE });
        let again = decode(restamped.bytes());
        assert_eq!((again.base_sequence(), again.is_transactional()), (99, false));
        assert_eq!(again.compression(), Ok(compression));
        assert_eq!(values(&again.decompressed(1000).unwrap()), [&text[..]]);
        assert_eq!((sealed.base_sequence(), sealed.is_transactional()), (40, true));
        let placed = sealed.with_base_offset(70, 3);
        assert_eq!(placed.decompressed(1000).unwrap().records().unwrap().next().unwrap().unwrap().offset, 70);
    }
}

#[test]
fn what_does_not_shrink_is_not_compressed() {
    for compression in CODECS {
        for value in [&b"v"[..], &noise(2000)] {
            let bytes = batch(compression, &[value]);
            assert_eq!(bytes, batch(Compression::None, &[value]), "{compression:?}");
        }
    }
}

#[test]
fn limits_hold_to_the_byte() {
    for compression in CODECS {
        for size in [0, 1, 60, 1000, 65_535, 65_536, 65_537, 131_072, 300_000] {
            for records in [text(size), noise(size), vec![0; size]] {
                let compressed = compress(compression, &records);
                assert_eq!(decompress(compression, &compressed, size).as_deref(), Ok(&records[..]));
                assert_eq!(decompress(compression, &compressed, size + 7).as_deref(), Ok(&records[..]));
                if size > 0 {
                    let error = decompress(compression, &compressed, size - 1).unwrap_err();
                    let problem = CompressionProblem::TooLarge { limit: size - 1 };
                    assert_eq!((error.compression, error.problem), (compression, problem), "{size}");
                    assert!(decompress(compression, &compressed, 0).is_err());
                }
            }
        }
    }
}

/// 64 MiB of zeros in as few bytes as each compression manages.
#[test]
fn bombs_are_errors() {
    let records = vec![0; 64 << 20];
    for compression in CODECS {
        let compressed = compress(compression, &records);
        let limit = 1 << 20;
        let error = decompress(compression, &compressed, limit).unwrap_err();
        assert_eq!(error.problem, CompressionProblem::TooLarge { limit }, "{compression:?}");
        let text = error.to_string();
        assert!(text.contains(compression.name()) && text.contains("1048576"), "{text}");
    }
    let error = decompress(Compression::None, &records, 5).unwrap_err();
    assert_eq!(error.problem, CompressionProblem::TooLarge { limit: 5 });
}

/// Sizes that are claimed and not there: each would be gigabytes if it were believed.
#[test]
fn claims_are_not_believed() {
    let limit = 1 << 30;
    let check = |compression, bytes: &[u8]| decompress(compression, bytes, limit).unwrap_err().problem;
    // A Snappy block that claims 2^32 - 1 bytes, alone and in a frame; and one that claims just less than the limit.
    let claim = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, b'x'];
    assert!(matches!(check(Compression::Snappy, &claim), CompressionProblem::InvalidLength { .. }));
    let framed = [&b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0\0\x07"[..], &claim].concat();
    assert!(matches!(check(Compression::Snappy, &framed), CompressionProblem::InvalidLength { .. }));
    let claim = [0xff, 0xff, 0xff, 0xff, 0x03, 0, b'x'];
    assert!(matches!(check(Compression::Snappy, &claim), CompressionProblem::InvalidLength { .. }));
    // A block of a Snappy or LZ4 frame that is longer than all that follows.
    let framed = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\x7f\xff\xff\xff";
    let end = CompressionProblem::EndOfInput { expected: 0x7fff_ffff, got: 0 };
    assert_eq!(check(Compression::Snappy, framed), end);
    let frame = b"\x04\x22\x4d\x18\x60\x70\x73\x00\x00\x40\x00";
    assert_eq!(check(Compression::Lz4, frame), CompressionProblem::EndOfInput { expected: 4 << 20, got: 0 });
    let frame = b"\x04\x22\x4d\x18\x60\x70\x73\x01\x00\x40\x00";
    let problem = CompressionProblem::InvalidLength { expected_at_most: 4 << 20, got: (4 << 20) + 1 };
    assert_eq!(check(Compression::Lz4, frame), problem);
    // Zstandard: a content of 2^62 bytes; a window of 3.75 TiB, which is no harm by itself.
    let frame = b"\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\0\0\x40\x01\0\0";
    assert_eq!(check(Compression::Zstd, frame), CompressionProblem::TooLarge { limit });
    let frame = b"\x28\xb5\x2f\xfd\x00\xff\x1f\x00\x00x";
    assert!(matches!(check(Compression::Zstd, frame), CompressionProblem::Malformed(_)));
    let frame = b"\x28\xb5\x2f\xfd\x00\xff\x19\x00\x00xyz";
    assert_eq!(decompress(Compression::Zstd, frame, 3).as_deref(), Ok(&b"xyz"[..]));
    // gzip: a member whose size at the end is a lie.
    let mut member = compress(Compression::Gzip, b"abc");
    let end = member.len() - 4;
    member[end..].fill(0xff);
    let problem = CompressionProblem::InvalidLength { expected_at_most: 3, got: 0xffff_ffff };
    assert_eq!(check(Compression::Gzip, &member), problem);
    member[end - 1] ^= 1;
    assert!(matches!(check(Compression::Gzip, &member), CompressionProblem::ChecksumMismatch { .. }));
}

#[test]
fn variants_of_the_formats_that_we_do_not_write() {
    let check = |compression, bytes: &[u8], expected: &[u8]| {
        assert_eq!(decompress(compression, bytes, 100).as_deref(), Ok(expected), "{compression:?}");
    };
    // Snappy as librdkafka writes it, one block without a header: a literal, then a copy of it.
    check(Compression::Snappy, b"\x08\x0cabcd\x01\x04", b"abcdabcd");
    // gzip: two members, the second with extra field, name, comment and header checksum; then something that is none.
    let first = compress(Compression::Gzip, b"first ");
    let second = compress(Compression::Gzip, b"second");
    let header = b"\x1f\x8b\x08\x1f\0\0\0\0\0\x03\x02\0xxname\0comment\0cc";
    check(Compression::Gzip, &[&first, &header[..], &second[10..], b"\0\0"].concat(), b"first second");
    // LZ4: a frame with everything that is optional and linked blocks, the second of which refers to the first; then another frame.
    let everything =
        b"\x04\x22\x4d\x18\x5c\x40\x09\0\0\0\0\0\0\0h\x04\0\0\x80abcdBBBB\x09\0\0\0\x00\x04\0\x50cdefgBBBB\0\0\0\0CCCC";
    let stored = b"\x04\x22\x4d\x18\x60\x40\x82\x02\0\0\x80xy\0\0\0\0";
    check(Compression::Lz4, &[&everything[..], stored, b"?"].concat(), b"abcdabcdcdefgxy");
    // The same block in a frame whose blocks are independent has nothing to refer to.
    let independent = b"\x04\x22\x4d\x18\x60\x40\x82\x04\0\0\x80abcd\x09\0\0\0\x00\x04\0\x50cdefg\0\0\0\0";
    let error = decompress(Compression::Lz4, independent, 100).unwrap_err();
    assert!(matches!(error.problem, CompressionProblem::Malformed(_)), "{error}");
    // Zstandard: a skippable frame, one with content size and checksum, one without, and nothing else behind.
    let sized = b"\x28\xb5\x2f\xfd\x24\x03\x19\0\0abcSSSS";
    let unsized_frame = b"\x28\xb5\x2f\xfd\x00\x58\x19\0\0def";
    let skippable = b"\x55\x2a\x4d\x18\x02\0\0\0??";
    check(Compression::Zstd, &[&skippable[..], sized, unsized_frame, skippable].concat(), b"abcdef");
    let error = decompress(Compression::Zstd, &[&sized[..], b"garbage"].concat(), 100).unwrap_err();
    assert_eq!(error.position, sized.len());
    assert!(matches!(error.problem, CompressionProblem::WrongStart { .. }), "{error}");
    // What nobody may use, with words for it.
    for (compression, bytes, word) in [
        (Compression::Gzip, &b"\x1f\x8b\x08\xe0\0\0\0\0\0\x03"[..], "flags"),
        (Compression::Lz4, b"\x04\x22\x4d\x18\x61\x40\0\0\0\0\x82", "dictionary"),
        (Compression::Lz4, b"\x04\x22\x4d\x18\xa0\x40\x82", "version"),
        (Compression::Zstd, b"\x28\xb5\x2f\xfd\x21\x07\x03\x19\0\0abc", "dictionary"),
        (Compression::Zstd, b"\x28\xb5\x2f\xfd\x28\x03\x19\0\0abc", "flags"),
    ] {
        let error = decompress(compression, bytes, 100).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// Batches that other people's clients have compressed: `golden/README.md` tells where they come from.
#[test]
fn what_other_clients_have_compressed_is_read() {
    let mut found = std::collections::BTreeMap::new();
    for line in include_str!("golden/compressed.hex").lines() {
        let [client, codec, hex] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
        let bytes: Bytes = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect::<Vec<_>>().into();
        let batch = decode(&bytes);
        assert_eq!(batch.compression().unwrap().name(), codec);
        let opened = batch.decompressed(1 << 20).unwrap();
        for record in opened.records().unwrap() {
            let record = record.unwrap();
            let key = std::str::from_utf8(record.key.unwrap()).unwrap();
            let number: usize = key.strip_prefix("key-").unwrap().parse().unwrap();
            let word = ["view", "click", "buy", "leave"][number * 7 % 4];
            let again = format!("item {} {word} again ", number % 13).repeat(10);
            assert_eq!(record.value.unwrap(), format!("record {number}: {word} {again}").as_bytes());
            let headers: Vec<_> = record.headers.map(|header| header.unwrap()).collect();
            assert_eq!((headers[0].key, headers[0].value), (&b"n"[..], Some(number.to_string().as_bytes())));
            assert_eq!((headers[1].key, headers[1].value), (&b"twice"[..], Some(&b"a"[..])));
            *found.entry((client, codec)).or_insert(0) += 1;
        }
    }
    let expected = [("java", 4), ("librdkafka", 300)]
        .into_iter()
        .flat_map(|(client, records)| CODECS.map(|codec| ((client, codec.name()), records)));
    assert_eq!(found, expected.collect());
}

/// A batch whose compressed part is something else; length and checksum are right.
fn with_payload(bytes: &Bytes, payload: &[u8]) -> Bytes {
    let mut changed = [&bytes[..BATCH_OVERHEAD], payload].concat();
    let length = (changed.len() - 12) as u32;
    changed[8..12].copy_from_slice(&length.to_be_bytes());
    RecordBatch::decode(&with_checksum(changed)).unwrap().unwrap().bytes().clone()
}

fn with_checksum(mut bytes: Vec<u8>) -> Bytes {
    let crc = client_core::protocol::record_batch::crc32c::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

/// Reads everything in the batch; whatever happens must be an error or the whole.
fn read_to_the_end(bytes: &Bytes) -> Option<usize> {
    let opened = decode(bytes).decompressed(100_000).ok()?;
    let mut count = 0;
    for record in opened.records().ok()? {
        let record = record.ok()?;
        for header in record.headers {
            header.ok()?;
        }
        count += 1;
    }
    Some(count)
}

#[test]
fn a_batch_cut_off_anywhere_is_an_error_and_a_changed_bit_does_no_harm() {
    let text = text(700);
    for compression in CODECS {
        let bytes = batch(compression, &[&text[..300], b"x", &text[300..]]);
        let payload = &bytes[BATCH_OVERHEAD..];
        assert_eq!(read_to_the_end(&bytes), Some(3));
        for end in 0..payload.len() {
            assert_eq!(
                read_to_the_end(&with_payload(&bytes, &payload[..end])),
                None,
                "{compression:?} {end}"
            );
        }
        for bit in 0..payload.len() * 8 {
            let mut changed = payload.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            read_to_the_end(&with_payload(&bytes, &changed));
        }
    }
}

fn codec() -> impl Strategy<Value = Compression> {
    prop::sample::select(&CODECS[..])
}

/// Bytes with repetitions near and far.
fn repetitive() -> impl Strategy<Value = Vec<u8>> {
    let piece = (vec(any::<u8>(), 0..40), 1..200_usize, any::<bool>());
    vec(piece, 0..20).prop_map(|pieces| {
        let mut bytes = Vec::new();
        for (piece, times, again) in pieces {
            (0..times).for_each(|_| bytes.extend_from_slice(&piece));
            if again {
                let half = bytes.len() / 2;
                bytes.extend_from_within(half..);
            }
        }
        bytes.truncate(400_000);
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_compressed_is_decompressed(compression in codec(), records in repetitive()) {
        let compressed = compress(compression, &records);
        prop_assert_eq!(decompress(compression, &compressed, records.len()).unwrap(), records);
    }

    #[test]
    fn any_bytes_do_no_harm(compression in codec(), start in 0..20_usize, bytes in vec(any::<u8>(), 0..400), limit in 0..5000_usize) {
        // A good start leads further in.
        let good = compress(compression, b"good");
        let bytes = [&good[..start.min(good.len())], &bytes[..]].concat();
        if let Ok(records) = decompress(compression, &bytes, limit) {
            prop_assert!(records.len() <= limit);
        }
    }

    #[test]
    fn changed_bytes_do_no_harm(
        compression in codec(),
        records in repetitive(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        limit in 1..500_000_usize,
    ) {
        let mut compressed = compress(compression, &records);
        for (place, byte) in changes {
            let place = place.index(compressed.len());
            compressed[place] = byte;
        }
        if let Ok(records) = decompress(compression, &compressed, limit) {
            prop_assert!(records.len() <= limit);
        }
    }
}
