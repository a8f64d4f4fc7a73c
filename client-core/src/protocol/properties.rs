//! What holds of every message in every version.

#![expect(clippy::unwrap_used, reason = "tests may panic, and so may their helpers")]

use alloc::vec::Vec;

use bytes::Bytes;
use proptest::prelude::*;

use super::api::ApiKey;
use super::decoder::DecodeProblem;
use super::message::{Request, Response};
use super::sample::{Random, sample_request, sample_response};
use super::span::{SizePrefix, SpanKind, Spans};

/// Every API in every version we speak.
fn versions() -> impl Iterator<Item = (ApiKey, i16)> {
    ApiKey::ALL
        .into_iter()
        .flat_map(|api_key| api_key.versions().iter().map(move |version| (api_key, version)))
}

/// Either direction of the protocol.
#[derive(Debug, Clone, PartialEq)]
enum Message {
    Request(Request),
    Response(Response),
}

impl Message {
    fn samples(random: &mut Random, api_key: ApiKey, version: i16) -> [Self; 2] {
        [
            Self::Request(sample_request(random, api_key, version)),
            Self::Response(sample_response(random, api_key, version)),
        ]
    }

    /// The frame without its size.
    fn encode(&self, version: i16) -> Bytes {
        let frame = match self {
            Self::Request(request) => request.encode(version, 77, Some("client")),
            Self::Response(response) => response.encode(version, 77),
        };
        let frame = frame.unwrap();
        let bytes = frame.to_bytes();
        assert_eq!(bytes.len(), frame.len());
        assert_eq!(bytes[..4], ((bytes.len() - 4) as i32).to_be_bytes(), "the size is that of the rest");
        bytes.slice(4..)
    }

    /// Another frame, read as this one.
    fn decode(&self, api_key: ApiKey, version: i16, frame: Bytes) -> Result<Self, super::DecodeError> {
        match self {
            Self::Request(_) => Request::decode(frame).map(|(header, request)| {
                assert_eq!(request.api_key().code(), header.request_api_key);
                Self::Request(request)
            }),
            Self::Response(_) => {
                Response::decode(api_key, version, frame).map(|(_, response)| Self::Response(response))
            }
        }
    }

    fn spans(&self, api_key: ApiKey, version: i16, frame: Bytes) -> Spans {
        match self {
            Self::Request(_) => Request::spans(frame, SizePrefix::Stripped),
            Self::Response(_) => Response::spans(api_key, version, frame, SizePrefix::Stripped),
        }
    }
}

#[track_caller]
fn check_tiles(spans: &Spans, length: usize) {
    let mut position = 0;
    for span in &spans.spans {
        assert_eq!(span.range.start, position, "a gap or an overlap at {span:?}");
        assert!(span.range.end > position, "an empty span: {span:?}");
        position = span.range.end;
    }
    assert_eq!(position, length, "the end is not covered");
}

/// An unsigned varint of the largest value.
const LARGEST_VARINT: [u8; 5] = [0xff, 0xff, 0xff, 0xff, 0x0f];

/// The frame with one length or count replaced by the largest there is.
fn exaggerated(frame: &Bytes, range: core::ops::Range<usize>, kind: SpanKind, flexible: bool) -> Bytes {
    let compact = flexible || matches!(kind, SpanKind::TagCount | SpanKind::TagSize);
    let largest: &[u8] = match range.len() {
        _ if compact => &LARGEST_VARINT,
        2 => &[0x7f, 0xff],
        _ => &[0x7f, 0xff, 0xff, 0xff],
    };
    [&frame[..range.start], largest, &frame[range.end..]].concat().into()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_encoded_is_decoded(seed in any::<u64>()) {
        let mut random = Random(seed);
        for (api_key, version) in versions() {
            for message in Message::samples(&mut random, api_key, version) {
                let frame = message.encode(version);
                let decoded = message.decode(api_key, version, frame.clone());
                prop_assert_eq!(decoded.as_ref(), Ok(&message), "{} version {}", api_key, version);
                prop_assert_eq!(message.encode(version), frame);
            }
        }
    }

    #[test]
    fn spans_tile_every_frame(seed in any::<u64>()) {
        let mut random = Random(seed);
        for (api_key, version) in versions() {
            for message in Message::samples(&mut random, api_key, version) {
                let frame = message.encode(version);
                let spans = message.spans(api_key, version, frame.clone());
                prop_assert_eq!(&spans.error, &None);
                check_tiles(&spans, frame.len());
            }
        }
    }

    #[test]
    fn no_cut_or_changed_frame_does_harm(seed in any::<u64>()) {
        let mut random = Random(seed);
        for (api_key, version) in versions() {
            for message in Message::samples(&mut random, api_key, version) {
                let frame = message.encode(version);
                let cut = frame.slice(..random.below(frame.len()));
                prop_assert!(message.decode(api_key, version, cut.clone()).is_err());
                check_tiles(&message.spans(api_key, version, cut.clone()), cut.len());

                let mut changed = frame.to_vec();
                for _ in 0..=random.below(4) {
                    let position = random.below(changed.len());
                    changed[position] = random.next() as u8;
                }
                let changed = Bytes::from(changed);
                let spans = message.spans(api_key, version, changed.clone());
                check_tiles(&spans, changed.len());
                let decoded = message.decode(api_key, version, changed);
                prop_assert_eq!(decoded.err(), spans.error, "decoder and spans agree");
            }
        }
    }

    /// A length that lies is found out before memory is set aside for it: two billion elements of the
    /// smallest kind would be more memory than there is.
    #[test]
    fn no_length_is_trusted(seed in any::<u64>()) {
        let mut random = Random(seed);
        for (api_key, version) in versions() {
            for message in Message::samples(&mut random, api_key, version) {
                let frame = message.encode(version);
                let spans = message.spans(api_key, version, frame.clone()).spans;
                let lengths: Vec<_> = spans.into_iter().filter(|span| {
                    let in_records = span.path.contains("batches[");
                    let measures = matches!(
                        span.kind,
                        SpanKind::Length | SpanKind::Count | SpanKind::TagCount | SpanKind::TagSize,
                    );
                    measures && !in_records
                }).collect();
                for span in lengths.into_iter().take(12) {
                    let inflexible = span.path.starts_with("header.client_id");
                    let flexible = api_key.is_flexible(version) && !inflexible;
                    let hostile = exaggerated(&frame, span.range.clone(), span.kind, flexible);
                    let error = message.decode(api_key, version, hostile).unwrap_err();
                    // Tagged fields that are not there are read from what follows, and may fail in any way.
                    let found_out = span.kind == SpanKind::TagCount
                        || matches!(
                            error.problem,
                            DecodeProblem::EndOfInput { .. } | DecodeProblem::CountTooLarge { .. }
                        );
                    prop_assert!(
                        found_out,
                        "{} version {}, {}: {}", api_key, version, span.path, error,
                    );
                }
            }
        }
    }

    #[test]
    fn noise_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let bytes = Bytes::from(bytes);
        let _ = Request::decode(bytes.clone());
        check_tiles(&Request::spans(bytes.clone(), SizePrefix::Included), bytes.len());
        for (api_key, version) in versions() {
            let _ = Response::decode(api_key, version, bytes.clone());
        }
    }
}
