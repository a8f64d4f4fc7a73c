//! Frames: a size, a header, a message.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::api::ApiKey;
use super::decoder::{DecodeError, Decoded, Decoder};
use super::encoder::{Encoded, Encoder};
use super::schema::{Shape, Wire, schema};
use super::span::{NoRecorder, Recorder};

schema! {
    /// What stands in front of every request.
    pub struct RequestHeader {
        /// The number of the API; see [`ApiKey`].
        request_api_key: i16 => since(0);
        /// The version of the request.
        request_api_version: i16 => since(0);
        /// The number the response will carry.
        correlation_id: i32 => since(0);
        /// The name of the client, which brokers use in logs and for quotas.
        client_id: Option<String> => since(1), nullable_since(1), inflexible();
    }

    /// What stands in front of every response.
    pub struct ResponseHeader {
        /// The number of the request this response belongs to.
        correlation_id: i32 => since(0);
    }
}

impl RequestHeader {
    /// Reads the header of a request, without its size, and returns it with the bytes of the message.
    ///
    /// Works for every API: of one we do not speak, the header is read up to the client id, and what
    /// follows is meaningless.
    ///
    /// # Errors
    ///
    /// When the bytes are not a header.
    pub fn decode(frame: &Bytes) -> Result<(Self, Bytes), DecodeError> {
        let mut decoder = Decoder::new(frame.clone(), NoRecorder);
        let header = Self::read(&mut decoder).map_err(|error| *error)?;
        Ok((header, decoder.rest()))
    }

    pub(crate) fn read<R: Recorder>(decoder: &mut Decoder<R>) -> Decoded<Self> {
        // Which header it is depends on its first two fields.
        let prefix = decoder.peek::<4>().unwrap_or_default();
        let [key_high, key_low, version_high, version_low] = prefix;
        let version = i16::from_be_bytes([version_high, version_low]);
        let header_version = ApiKey::try_from(i16::from_be_bytes([key_high, key_low]))
            .map_or(1, |api_key| api_key.request_header_version(version));
        decoder.set_version(header_version, header_version >= 2);
        decoder.named("header")
    }

    pub(crate) fn write(&self, api_key: ApiKey, encoder: &mut Encoder) -> Encoded {
        let header_version = api_key.request_header_version(self.request_api_version);
        encoder.set_version(header_version, header_version >= 2);
        self.encode(encoder, Shape::ELEMENT)
    }
}

impl ResponseHeader {
    /// The correlation id of a response, without its size: the first four bytes in every version. It tells
    /// which request the response belongs to, and so how to decode the rest.
    ///
    /// # Errors
    ///
    /// When there are fewer than four bytes.
    pub fn correlation_id_of(frame: &Bytes) -> Result<i32, DecodeError> {
        let mut decoder = Decoder::new(frame.clone(), NoRecorder);
        decoder.set_version(0, false);
        let header: Self = decoder.named("header").map_err(|error| *error)?;
        Ok(header.correlation_id)
    }

    pub(crate) fn read<R: Recorder>(
        api_key: ApiKey,
        version: i16,
        decoder: &mut Decoder<R>,
    ) -> Decoded<Self> {
        let header_version = api_key.response_header_version(version);
        decoder.set_version(header_version, header_version >= 1);
        decoder.named("header")
    }

    pub(crate) fn write(&self, api_key: ApiKey, version: i16, encoder: &mut Encoder) -> Encoded {
        let header_version = api_key.response_header_version(version);
        encoder.set_version(header_version, header_version >= 1);
        self.encode(encoder, Shape::ELEMENT)
    }
}

/// One encoded message with header and size, ready to be sent.
///
/// Payloads of 4 KiB and more are segments of their own, shared with whoever built them, not copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    segments: Vec<Bytes>,
}

impl Frame {
    /// Completes what was encoded after four bytes left free for the size. The caller has checked that the
    /// size fits.
    pub(crate) fn complete(mut encoder: Encoder, size: i32) -> Self {
        encoder.patch(0, &size.to_be_bytes());
        Self { segments: encoder.into_segments() }
    }

    /// The bytes to send, in order.
    pub fn segments(&self) -> &[Bytes] {
        &self.segments
    }

    /// The bytes to send, in order, to be kept.
    pub fn into_segments(self) -> Vec<Bytes> {
        self.segments
    }

    /// The number of bytes, the four of the size included.
    pub fn len(&self) -> usize {
        self.segments.iter().map(Bytes::len).sum()
    }

    /// Always false: a frame has at least its size.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in one piece, size first; copies unless there is a single segment.
    pub fn to_bytes(&self) -> Bytes {
        match self.segments.as_slice() {
            [single] => single.clone(),
            segments => segments.concat().into(),
        }
    }
}
