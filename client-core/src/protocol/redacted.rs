//! What may be shown of messages that hold secrets: everything but the secrets, in as many bytes.

use super::message::encode_response;
use super::{ApiKey, Response, ResponseHeader, SaslAuthenticateRequest, SaslAuthenticateResponse};
use alloc::vec;
use bytes::{BufMut, Bytes, BytesMut};

/// The same request with asterisks in place of the mechanism's message.
#[must_use]
pub fn redacted_request(request: &SaslAuthenticateRequest) -> SaslAuthenticateRequest {
    SaslAuthenticateRequest { auth_bytes: asterisks(request.auth_bytes.len()) }
}

/// The frame of a reply to SaslAuthenticate, without its size, with asterisks in place of the mechanism's message. Of one that
/// cannot be decoded everything but the correlation id.
#[must_use]
pub fn redacted_response(version: i16, frame: &Bytes) -> Bytes {
    const CORRELATION_ID: usize = 4;
    let decoded = Response::decode(ApiKey::SaslAuthenticate, version, frame.clone());
    if let Ok((ResponseHeader { correlation_id }, Response::SaslAuthenticate(secret))) = decoded {
        let shown = SaslAuthenticateResponse { auth_bytes: asterisks(secret.auth_bytes.len()), ..secret };
        let encoded = encode_response(&shown, version, correlation_id);
        // Fields of a later version are decoded to nothing, and would be missing.
        if let Some(shown) = encoded.ok().map(|frame| frame.to_bytes().slice(4..))
            && shown.len() == frame.len()
        {
            return shown;
        }
    }
    let kept = frame.len().min(CORRELATION_ID);
    let mut shown = BytesMut::with_capacity(frame.len());
    shown.put_slice(&frame[..kept]);
    shown.put_bytes(b'*', frame.len() - kept);
    shown.freeze()
}

fn asterisks(count: usize) -> Bytes {
    vec![b'*'; count].into()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn everything_but_the_secret_is_kept_in_as_many_bytes() {
        let request = SaslAuthenticateRequest { auth_bytes: Bytes::from_static(b"\0alice\0pencil") };
        assert_eq!(&redacted_request(&request).auth_bytes[..], b"*************");
        for version in 0..=2 {
            let response = SaslAuthenticateResponse {
                error_message: Some("because".into()),
                auth_bytes: Bytes::from_static(b"v=pencil"),
                session_lifetime_ms: if version > 0 { 7 } else { 0 },
                ..Default::default()
            };
            let frame = Response::from(response.clone()).encode(version, 5).unwrap().to_bytes().slice(4..);
            let shown = redacted_response(version, &frame);
            let (header, decoded) = Response::decode(ApiKey::SaslAuthenticate, version, shown).unwrap();
            let expected =
                SaslAuthenticateResponse { auth_bytes: Bytes::from_static(b"********"), ..response };
            assert_eq!((header.correlation_id, decoded), (5, expected.into()));

            // What is not understood is not shown: a frame cut short, one with more behind it, hardly one at all.
            let longer: Bytes = [&frame[..], b"pencil"].concat().into();
            for odd in
                [frame.slice(..frame.len() - 1), longer, frame.slice(..6), frame.slice(..2), Bytes::new()]
            {
                let shown = redacted_response(version, &odd);
                assert_eq!((shown.len(), &shown[..odd.len().min(4)]), (odd.len(), &odd[..odd.len().min(4)]));
                assert!(shown.iter().skip(4).all(|byte| *byte == b'*'), "{shown:?}");
            }
        }
    }
}
