//! Messages that nobody meant to send.

use super::Input;
use bytes::Bytes;
use client_core::protocol::{ApiKey, Request, Response, SizePrefix};

/// The first byte chooses the API, the second its version. What can be decoded can be encoded, and is the same again.
pub(super) fn responses(data: &[u8]) {
    let mut input = Input::new(data);
    let api = ApiKey::ALL[usize::from(input.byte()) % ApiKey::ALL.len()];
    let versions = api.versions();
    let version = versions.min + i16::from(input.byte()) % (versions.max - versions.min + 1);
    let frame = Bytes::copy_from_slice(input.rest);
    let decoded = Response::decode(api, version, frame.clone());
    // Spans know the name and the value of each field; the bytes that they cost are not the codec's.
    if frame.len() <= SPANS_SIZE_MAX {
        drop(Response::spans(api, version, frame, SizePrefix::Stripped));
    }
    if let Ok((header, response)) = decoded {
        let bytes = response.encode(version, header.correlation_id).expect("what was decoded can be encoded");
        let again = Response::decode(api, version, bytes.to_bytes().slice(4..));
        assert_eq!(again, Ok((header, response)), "decoded, encoded and decoded again");
    }
}

/// A request as a broker sees it. Its header says which it is.
pub(super) fn requests(data: &[u8]) {
    let frame = Bytes::copy_from_slice(data);
    let decoded = Request::decode(frame.clone());
    if frame.len() <= SPANS_SIZE_MAX {
        drop(Request::spans(frame, SizePrefix::Stripped));
    }
    if let Ok((header, request)) = decoded {
        let (version, id) = (header.request_api_version, header.correlation_id);
        let bytes = request.encode(version, id, header.client_id.as_deref());
        let bytes = bytes.expect("what was decoded can be encoded");
        let again = Request::decode(bytes.to_bytes().slice(4..));
        assert_eq!(again, Ok((header, request)), "decoded, encoded and decoded again");
    }
}

const SPANS_SIZE_MAX: usize = 512;
