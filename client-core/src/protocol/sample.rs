//! Random messages, made from the same schemas as everything else. For tests only.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::api::ApiKey;
use super::error_code::ErrorCode;
use super::message::{Request, Response};
use super::messages as m;
use super::schema::Shape;
use super::uuid::Uuid;

/// A random value that a version of the protocol can carry.
pub(crate) trait Sample {
    fn sample(random: &mut Random, version: i16, shape: Shape) -> Self;
}

/// A small generator (SplitMix64): equal seeds, equal messages.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to just below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

pub(crate) fn sample_request(random: &mut Random, api_key: ApiKey, version: i16) -> Request {
    macro_rules! sample {
        ($message:ident) => {
            m::$message::sample(random, version, Shape::ELEMENT).into()
        };
    }
    match api_key {
        ApiKey::Produce => sample!(ProduceRequest),
        ApiKey::Fetch => sample!(FetchRequest),
        ApiKey::ListOffsets => sample!(ListOffsetsRequest),
        ApiKey::Metadata => sample!(MetadataRequest),
        ApiKey::FindCoordinator => sample!(FindCoordinatorRequest),
        ApiKey::ApiVersions => sample!(ApiVersionsRequest),
        ApiKey::InitProducerId => sample!(InitProducerIdRequest),
        ApiKey::SaslHandshake => sample!(SaslHandshakeRequest),
        ApiKey::SaslAuthenticate => sample!(SaslAuthenticateRequest),
        ApiKey::CreateTopics => sample!(CreateTopicsRequest),
        ApiKey::DeleteTopics => sample!(DeleteTopicsRequest),
        ApiKey::DeleteRecords => sample!(DeleteRecordsRequest),
        ApiKey::DescribeConfigs => sample!(DescribeConfigsRequest),
        ApiKey::CreatePartitions => sample!(CreatePartitionsRequest),
        ApiKey::IncrementalAlterConfigs => sample!(IncrementalAlterConfigsRequest),
    }
}

pub(crate) fn sample_response(random: &mut Random, api_key: ApiKey, version: i16) -> Response {
    macro_rules! sample {
        ($message:ident) => {
            m::$message::sample(random, version, Shape::ELEMENT).into()
        };
    }
    match api_key {
        ApiKey::Produce => sample!(ProduceResponse),
        ApiKey::Fetch => sample!(FetchResponse),
        ApiKey::ListOffsets => sample!(ListOffsetsResponse),
        ApiKey::Metadata => sample!(MetadataResponse),
        ApiKey::FindCoordinator => sample!(FindCoordinatorResponse),
        ApiKey::ApiVersions => {
            let mut response = m::ApiVersionsResponse::sample(random, version, Shape::ELEMENT);
            if response.error_code == ErrorCode::UnsupportedVersion.code() {
                // It is always said in version 0, which a test of its own checks.
                response.error_code = 0;
            }
            response.into()
        }
        ApiKey::InitProducerId => sample!(InitProducerIdResponse),
        ApiKey::SaslHandshake => sample!(SaslHandshakeResponse),
        ApiKey::SaslAuthenticate => sample!(SaslAuthenticateResponse),
        ApiKey::CreateTopics => sample!(CreateTopicsResponse),
        ApiKey::DeleteTopics => sample!(DeleteTopicsResponse),
        ApiKey::DeleteRecords => sample!(DeleteRecordsResponse),
        ApiKey::DescribeConfigs => sample!(DescribeConfigsResponse),
        ApiKey::CreatePartitions => sample!(CreatePartitionsResponse),
        ApiKey::IncrementalAlterConfigs => sample!(IncrementalAlterConfigsResponse),
    }
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            fn sample(random: &mut Random, _version: i16, _shape: Shape) -> Self {
                match random.below(8) {
                    0 => Self::MIN,
                    1 => Self::MAX,
                    2 => -1,
                    3 => 0,
                    _ => random.next() as Self,
                }
            }
        }
    )*};
}

integers!(i8 i16 i32 i64);

impl Sample for bool {
    fn sample(random: &mut Random, _version: i16, _shape: Shape) -> Self {
        random.below(2) == 1
    }
}

impl Sample for Uuid {
    fn sample(random: &mut Random, _version: i16, _shape: Shape) -> Self {
        let mut bytes = [0; 16];
        if random.below(4) > 0 {
            bytes[..8].copy_from_slice(&random.next().to_be_bytes());
            bytes[8..].copy_from_slice(&random.next().to_be_bytes());
        }
        Self(bytes)
    }
}

impl Sample for String {
    fn sample(random: &mut Random, _version: i16, _shape: Shape) -> Self {
        const LETTERS: [char; 5] = ['a', 'z', '-', 'é', '漢'];
        // Beyond 127 bytes a compact length takes two bytes.
        let length = if random.below(16) == 0 { random.below(400) } else { random.below(12) };
        (0..length).map(|_| LETTERS[random.below(LETTERS.len())]).collect()
    }
}

impl Sample for Bytes {
    fn sample(random: &mut Random, _version: i16, _shape: Shape) -> Self {
        // From 4096 bytes on, a payload is a segment of its own.
        let length = if random.below(16) == 0 { 4000 + random.below(200) } else { random.below(40) };
        (0..length).map(|_| random.next() as u8).collect()
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(random: &mut Random, version: i16, _shape: Shape) -> Self {
        let length = random.below(4);
        (0..length).map(|_| T::sample(random, version, Shape::ELEMENT)).collect()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(random: &mut Random, version: i16, shape: Shape) -> Self {
        let null = shape.nullable && random.below(4) == 0;
        (!null).then(|| T::sample(random, version, shape))
    }
}
