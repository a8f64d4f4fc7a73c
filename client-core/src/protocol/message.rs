//! All messages in two enums, and their way into frames and back.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::api::ApiKey;
use super::decoder::{DecodeError, DecodeProblem, Decoded, Decoder};
use super::encoder::{EncodeError, EncodeProblem, Encoded, Encoder};
use super::error_code::ErrorCode;
use super::frame::{Frame, RequestHeader, ResponseHeader};
use super::messages::{
    ApiVersionsRequest, ApiVersionsResponse, CreatePartitionsRequest, CreatePartitionsResponse,
    CreateTopicsRequest, CreateTopicsResponse, DeleteRecordsRequest, DeleteRecordsResponse,
    DeleteTopicsRequest, DeleteTopicsResponse, DescribeConfigsRequest, DescribeConfigsResponse, FetchRequest,
    FetchResponse, FindCoordinatorRequest, FindCoordinatorResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, InitProducerIdRequest, InitProducerIdResponse, ListOffsetsRequest,
    ListOffsetsResponse, MetadataRequest, MetadataResponse, ProduceRequest, ProduceResponse,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use super::schema::{Shape, Wire};
use super::span::{NoRecorder, Recorder, SizePrefix, SpanRecorder, Spans};

/// A request or a response of some API.
pub trait Message: Sized {
    /// The API it belongs to.
    const API_KEY: ApiKey;
    /// Its name in the protocol guide.
    const NAME: &'static str;

    /// Encodes the message alone, without header and size.
    ///
    /// # Errors
    ///
    /// When we do not speak the version, or the version cannot carry the values.
    fn encode(&self, version: i16) -> Result<Vec<Bytes>, EncodeError>;

    /// Decodes the message alone, without header and size. The bytes must hold nothing else.
    ///
    /// # Errors
    ///
    /// When we do not speak the version, or the bytes are not such a message.
    fn decode(version: i16, bytes: Bytes) -> Result<Self, DecodeError>;
}

/// A request, and the response that answers it.
pub trait RequestMessage: Message {
    /// The response that answers it.
    type Response: Message;
}

macro_rules! apis {
    ($($api:ident: $request:ident => $response:ident;)*) => {
        /// A request of any API we speak.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Request {$(
            #[doc = concat!("A request of ", stringify!($api), ".")]
            $api($request),
        )*}

        /// A response of any API we speak.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Response {$(
            #[doc = concat!("A response of ", stringify!($api), ".")]
            $api($response),
        )*}

        impl Request {
            /// The API it belongs to.
            pub const fn api_key(&self) -> ApiKey {
                match self {$(
                    Self::$api(_) => ApiKey::$api,
                )*}
            }

            fn write(&self, encoder: &mut Encoder) -> Encoded {
                match self {$(
                    Self::$api(message) => Wire::encode(message, encoder, Shape::ELEMENT),
                )*}
            }

            fn read<R: Recorder>(api_key: ApiKey, decoder: &mut Decoder<R>) -> Decoded<Self> {
                match api_key {$(
                    ApiKey::$api => <$request as Wire>::decode(decoder, Shape::ELEMENT).map(Self::$api),
                )*}
            }
        }

        impl Response {
            /// The API it belongs to.
            pub const fn api_key(&self) -> ApiKey {
                match self {$(
                    Self::$api(_) => ApiKey::$api,
                )*}
            }

            fn write(&self, encoder: &mut Encoder) -> Encoded {
                match self {$(
                    Self::$api(message) => Wire::encode(message, encoder, Shape::ELEMENT),
                )*}
            }

            fn read<R: Recorder>(api_key: ApiKey, decoder: &mut Decoder<R>) -> Decoded<Self> {
                match api_key {$(
                    ApiKey::$api => <$response as Wire>::decode(decoder, Shape::ELEMENT).map(Self::$api),
                )*}
            }
        }

        $(
            impl RequestMessage for $request {
                type Response = $response;
            }

            apis!(@message $api $request);
            apis!(@message $api $response);

            impl From<$request> for Request {
                fn from(request: $request) -> Self {
                    Self::$api(request)
                }
            }

            impl From<$response> for Response {
                fn from(response: $response) -> Self {
                    Self::$api(response)
                }
            }
        )*
    };

    (@message $api:ident $name:ident) => {
        impl Message for $name {
            const API_KEY: ApiKey = ApiKey::$api;
            const NAME: &'static str = stringify!($name);

            fn encode(&self, version: i16) -> Result<Vec<Bytes>, EncodeError> {
                let mut encoder = Encoder::new();
                start_writing(&mut encoder, ApiKey::$api, version)
                    .and_then(|()| Wire::encode(self, &mut encoder, Shape::ELEMENT))
                    .map_err(|error| *error)?;
                Ok(encoder.into_segments())
            }

            fn decode(version: i16, bytes: Bytes) -> Result<Self, DecodeError> {
                let mut decoder = Decoder::new(bytes, NoRecorder);
                start_reading(&mut decoder, ApiKey::$api, version)
                    .and_then(|()| Wire::decode(&mut decoder, Shape::ELEMENT))
                    .and_then(|message| decoder.expect_end().map(|()| message))
                    .map_err(|error| *error)
            }
        }
    };
}

apis! {
    Produce: ProduceRequest => ProduceResponse;
    Fetch: FetchRequest => FetchResponse;
    ListOffsets: ListOffsetsRequest => ListOffsetsResponse;
    Metadata: MetadataRequest => MetadataResponse;
    FindCoordinator: FindCoordinatorRequest => FindCoordinatorResponse;
    SaslHandshake: SaslHandshakeRequest => SaslHandshakeResponse;
    ApiVersions: ApiVersionsRequest => ApiVersionsResponse;
    InitProducerId: InitProducerIdRequest => InitProducerIdResponse;
    SaslAuthenticate: SaslAuthenticateRequest => SaslAuthenticateResponse;
    CreateTopics: CreateTopicsRequest => CreateTopicsResponse;
    DeleteTopics: DeleteTopicsRequest => DeleteTopicsResponse;
    DeleteRecords: DeleteRecordsRequest => DeleteRecordsResponse;
    DescribeConfigs: DescribeConfigsRequest => DescribeConfigsResponse;
    CreatePartitions: CreatePartitionsRequest => CreatePartitionsResponse;
    IncrementalAlterConfigs: IncrementalAlterConfigsRequest => IncrementalAlterConfigsResponse;
}

impl Request {
    /// Encodes size, header and message.
    ///
    /// # Errors
    ///
    /// When we do not speak the version, or the version cannot carry the values.
    pub fn encode(
        &self,
        version: i16,
        correlation_id: i32,
        client_id: Option<&str>,
    ) -> Result<Frame, EncodeError> {
        let api_key = self.api_key();
        let header = RequestHeader {
            request_api_key: api_key.code(),
            request_api_version: version,
            correlation_id,
            client_id: client_id.map(String::from),
        };
        encode_frame(|encoder| {
            header.write(api_key, encoder)?;
            start_writing(encoder, api_key, version)?;
            self.write(encoder)
        })
    }

    /// Decodes header and message of a frame without its size, as
    /// [`FrameDecoder`](super::FrameDecoder) returns it. To treat requests of other APIs and versions
    /// differently from nonsense, read [`RequestHeader::decode`] first.
    ///
    /// # Errors
    ///
    /// When we do not speak the API or the version, or the bytes are not such a request.
    pub fn decode(frame: Bytes) -> Result<(RequestHeader, Self), DecodeError> {
        let mut decoder = Decoder::new(frame, NoRecorder);
        Self::read_frame(&mut decoder).map_err(|error| *error)
    }

    /// The meaning of every byte of a request, from the decoder itself.
    pub fn spans(frame: Bytes, size_prefix: SizePrefix) -> Spans {
        record_spans(frame, size_prefix, |decoder| Self::read_frame(decoder).map(|_| ()))
    }

    fn read_frame<R: Recorder>(decoder: &mut Decoder<R>) -> Decoded<(RequestHeader, Self)> {
        let header = RequestHeader::read(decoder)?;
        let api_key = ApiKey::try_from(header.request_api_key)
            .map_err(|unknown| decoder.problem(DecodeProblem::UnknownApiKey { got: unknown.0 }))?;
        start_reading(decoder, api_key, header.request_api_version)?;
        let request = Self::read(api_key, decoder)?;
        decoder.expect_end()?;
        Ok((header, request))
    }
}

impl Response {
    /// Encodes size, header and message.
    ///
    /// An ApiVersions response that says `UNSUPPORTED_VERSION` is encoded in version 0 whatever the version
    /// asked for, since the client may speak a newer protocol than we do (KIP-511).
    ///
    /// # Errors
    ///
    /// When we do not speak the version, or the version cannot carry the values.
    pub fn encode(&self, version: i16, correlation_id: i32) -> Result<Frame, EncodeError> {
        let api_key = self.api_key();
        let mut version = version;
        if let Self::ApiVersions(response) = self
            && response.error_code == ErrorCode::UnsupportedVersion.code()
        {
            version = 0;
        }
        encode_frame(|encoder| {
            ResponseHeader { correlation_id }.write(api_key, version, encoder)?;
            start_writing(encoder, api_key, version)?;
            self.write(encoder)
        })
    }

    /// Decodes header and message of a frame without its size, as
    /// [`FrameDecoder`](super::FrameDecoder) returns it. API and version are those of the request, which
    /// [`ResponseHeader::correlation_id_of`] finds.
    ///
    /// An ApiVersions response that says `UNSUPPORTED_VERSION` is decoded in version 0 whatever the version
    /// of the request, as brokers send it (KIP-511).
    ///
    /// # Errors
    ///
    /// When we do not speak the version, or the bytes are not such a response.
    pub fn decode(
        api_key: ApiKey,
        version: i16,
        frame: Bytes,
    ) -> Result<(ResponseHeader, Self), DecodeError> {
        let mut decoder = Decoder::new(frame, NoRecorder);
        Self::read_frame(api_key, version, &mut decoder).map_err(|error| *error)
    }

    /// The meaning of every byte of a response, from the decoder itself.
    pub fn spans(api_key: ApiKey, version: i16, frame: Bytes, size_prefix: SizePrefix) -> Spans {
        record_spans(frame, size_prefix, |decoder| Self::read_frame(api_key, version, decoder).map(|_| ()))
    }

    fn read_frame<R: Recorder>(
        api_key: ApiKey,
        version: i16,
        decoder: &mut Decoder<R>,
    ) -> Decoded<(ResponseHeader, Self)> {
        let header = ResponseHeader::read(api_key, version, decoder)?;
        let unsupported = ErrorCode::UnsupportedVersion.code().to_be_bytes();
        let fell_back = api_key == ApiKey::ApiVersions && decoder.peek() == Some(unsupported);
        let version = if fell_back { 0 } else { version };
        start_reading(decoder, api_key, version)?;
        let response = Self::read(api_key, decoder)?;
        decoder.expect_end()?;
        Ok((header, response))
    }
}

fn start_writing(encoder: &mut Encoder, api_key: ApiKey, version: i16) -> Encoded {
    encoder.set_version(version, api_key.is_flexible(version));
    let expected = api_key.versions();
    if expected.contains(version) {
        Ok(())
    } else {
        Err(encoder.problem(EncodeProblem::UnsupportedVersion { expected }))
    }
}

fn start_reading<R: Recorder>(decoder: &mut Decoder<R>, api_key: ApiKey, version: i16) -> Decoded<()> {
    decoder.set_version(version, api_key.is_flexible(version));
    let expected = api_key.versions();
    if expected.contains(version) {
        Ok(())
    } else {
        Err(decoder.problem(DecodeProblem::UnsupportedVersion { expected, got: version }))
    }
}

/// Encodes one response, size and header included, without those of other APIs: a client that encoded a [`Response`] would carry
/// the code for all of them.
pub(super) fn encode_response<M: Message + Wire>(
    response: &M,
    version: i16,
    correlation_id: i32,
) -> Result<Frame, EncodeError> {
    encode_frame(|encoder| {
        ResponseHeader { correlation_id }.write(M::API_KEY, version, encoder)?;
        start_writing(encoder, M::API_KEY, version)?;
        Wire::encode(response, encoder, Shape::ELEMENT)
    })
}

fn encode_frame(content: impl FnOnce(&mut Encoder) -> Encoded) -> Result<Frame, EncodeError> {
    let mut encoder = Encoder::new();
    let room_for_size = [0; 4];
    encoder.fixed(room_for_size);
    content(&mut encoder).map_err(|error| *error)?;
    let got = encoder.len() - room_for_size.len();
    match i32::try_from(got) {
        Ok(size) => Ok(Frame::complete(encoder, size)),
        Err(_) => {
            let problem = EncodeProblem::TooLong { expected_at_most: i32::MAX as usize, got };
            Err(*encoder.problem(problem))
        }
    }
}

fn record_spans(
    frame: Bytes,
    size_prefix: SizePrefix,
    read: impl FnOnce(&mut Decoder<SpanRecorder>) -> Decoded<()>,
) -> Spans {
    let length = frame.len();
    let mut decoder = Decoder::new(frame, SpanRecorder::default());
    let size = match size_prefix {
        SizePrefix::Included => decoder.frame_size(),
        SizePrefix::Stripped => Ok(()),
    };
    let result = size.and_then(|()| read(&mut decoder));
    decoder.into_recorder().finish(length, result.err().map(|error| *error))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;
    use alloc::vec::Vec;

    use bytes::Bytes;

    use super::*;
    use crate::protocol::messages::{
        ApiVersion, MetadataRequestTopic, MetadataResponseTopic, PartitionProduceData, TopicProduceData,
    };

    fn unframed(frame: &Frame) -> Bytes {
        frame.to_bytes().slice(4..)
    }

    #[test]
    fn a_request_as_the_protocol_guide_spells_it() {
        let request = Request::from(ApiVersionsRequest {
            client_software_name: "kw".into(),
            client_software_version: "1".into(),
            ..Default::default()
        });
        let frame = request.encode(3, 7, Some("me")).unwrap();
        let expected = [
            &[0, 0, 0, 19][..], // size
            &[0, 18, 0, 3],     // key, version
            &[0, 0, 0, 7],      // correlation id
            &[0, 2],            // length of the client id: two bytes even here
            b"me",
            &[0], // no tagged fields in the header
            &[3], // length + 1
            b"kw",
            &[2],
            b"1",
            &[0], // no tagged fields in the message
        ]
        .concat();
        assert_eq!(frame.to_bytes(), expected);
        assert_eq!(Request::decode(unframed(&frame)).unwrap().1, request);
    }

    #[test]
    fn an_unsupported_version_is_said_in_version_0() {
        let response = Response::from(ApiVersionsResponse {
            error_code: 35,
            api_keys: vec![ApiVersion { api_key: 18, min_version: 0, max_version: 2 }],
            ..Default::default()
        });
        let frame = response.encode(4, 1).unwrap();
        assert_eq!(
            frame.to_bytes().as_ref(),
            [0, 0, 0, 16, 0, 0, 0, 1, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 2]
        );
        assert_eq!(Response::decode(ApiKey::ApiVersions, 4, unframed(&frame)).unwrap().1, response);
    }

    #[test]
    fn values_a_version_cannot_carry_are_refused() {
        let no_creation =
            Request::from(MetadataRequest { allow_auto_topic_creation: false, ..Default::default() });
        assert!(no_creation.encode(4, 0, None).is_ok());
        let error = no_creation.encode(3, 0, None).unwrap_err();
        assert_eq!(error.problem, EncodeProblem::NotInVersion);
        assert_eq!(error.path, "allow_auto_topic_creation");

        let nameless = MetadataRequestTopic { name: None, ..Default::default() };
        let request = Request::from(MetadataRequest { topics: Some(vec![nameless]), ..Default::default() });
        let error = request.encode(9, 0, None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "in topics[0].name: expected a value, got null, which version 9 does not allow"
        );
        assert!(request.encode(14, 0, None).is_err());
    }

    #[test]
    fn large_payloads_are_shared() {
        let records = Bytes::from(vec![1; 5000]);
        let partition = |index| PartitionProduceData { index, records: Some(records.clone()) };
        let request = Request::from(ProduceRequest {
            topic_data: vec![TopicProduceData {
                name: "t".into(),
                partition_data: vec![partition(0), partition(1)],
                ..Default::default()
            }],
            ..Default::default()
        });
        let frame = request.encode(9, 0, None).unwrap();
        let shared = frame.segments().iter().filter(|segment| segment.as_ptr() == records.as_ptr());
        assert_eq!(shared.count(), 2);
        assert_eq!(frame.len(), frame.to_bytes().len());
        assert_eq!(Request::decode(unframed(&frame)).unwrap().1, request);
    }

    #[test]
    fn errors_say_where_and_what() {
        let response = Response::from(MetadataResponse {
            topics: vec![
                MetadataResponseTopic { name: Some("orders".into()), ..Default::default() },
                MetadataResponseTopic::default(),
            ],
            ..Default::default()
        });
        let frame = unframed(&response.encode(1, 0).unwrap());
        let cut = frame.slice(..frame.len() - 3);
        let error = Response::decode(ApiKey::Metadata, 1, cut).unwrap_err();
        assert_eq!(error.to_string(), "at byte 36, in topics[1].partitions: expected 4 more bytes, got 1");

        let longer = Bytes::from([&frame[..], &[0]].concat());
        let error = Response::decode(ApiKey::Metadata, 1, longer).unwrap_err();
        assert_eq!(error.problem, DecodeProblem::TrailingBytes { got: 1 });
    }

    #[test]
    fn a_count_is_compared_with_the_bytes_left() {
        // A response with 2^28 brokers in four bytes.
        let frame = Bytes::from_static(&[0, 0, 0, 1, 0x10, 0, 0, 0]);
        let error = Response::decode(ApiKey::Metadata, 0, frame).unwrap_err();
        assert_eq!(error.problem, DecodeProblem::CountTooLarge { expected_at_most: 0, got: 1 << 28 });
        assert_eq!((error.offset, error.path.as_str()), (4, "brokers"));
    }

    #[test]
    fn spans_tile_the_frame_even_when_it_is_broken() {
        let response = Response::from(MetadataResponse {
            topics: vec![MetadataResponseTopic { name: Some("orders".into()), ..Default::default() }],
            ..Default::default()
        });
        let frame = response.encode(12, 5).unwrap().to_bytes();
        let whole = Response::spans(ApiKey::Metadata, 12, frame.clone(), SizePrefix::Included);
        assert_eq!(whole.error, None);
        let name = whole.spans.iter().find(|span| span.path == "topics[0].name").unwrap();
        assert_eq!((&frame[name.range.clone()], name.value.as_str()), (&b"orders"[..], "orders"));

        for length in 0..=frame.len() {
            let cut = Response::spans(ApiKey::Metadata, 12, frame.slice(..length), SizePrefix::Included);
            let mut position = 0;
            for span in &cut.spans {
                assert_eq!(span.range.start, position, "{:?}", cut.spans);
                assert!(span.range.end > position);
                position = span.range.end;
            }
            assert_eq!(position, length);
            assert_eq!(cut.error.is_some(), length < frame.len());
        }
    }

    #[test]
    fn unknown_tagged_fields_are_skipped() {
        // InitProducerId version 2: throttle time, error, id, epoch, then one tagged field nobody knows.
        let mut body: Vec<u8> = vec![0, 0, 0, 9, 0];
        body.extend([0; 4 + 2 + 7]);
        body.extend([5, 0, 1, 1, 99, 3, 1, 2, 3]);
        let (header, response) = Response::decode(ApiKey::InitProducerId, 2, body.clone().into()).unwrap();
        assert_eq!(header.correlation_id, 9);
        let expected = InitProducerIdResponse { producer_id: 5, producer_epoch: 1, ..Default::default() };
        assert_eq!(response, expected.into());
        let spans = Response::spans(ApiKey::InitProducerId, 2, body.into(), SizePrefix::Stripped).spans;
        assert_eq!(spans.last().unwrap().kind, crate::protocol::SpanKind::UnknownTaggedField);
    }
}
