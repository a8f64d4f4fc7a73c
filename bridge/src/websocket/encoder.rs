//! Server frames: never masked, never fragmented.

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::close::{CloseCause, REASON_BYTES_MAX};

/// Room to leave before a payload of at most 65 535 bytes for [`data_header`].
pub(crate) const DATA_HEADER_BYTES: usize = 4;

/// Writes the header of a binary message right before its payload, which begins at [`DATA_HEADER_BYTES`] of
/// `buffer` and has `payload_len` bytes (1 to 65 535); returns where the frame begins.
pub(crate) fn data_header(buffer: &mut [u8], payload_len: u16) -> usize {
    let header = FrameHeader { opcode: OpCode::Data(Data::Binary), ..FrameHeader::default() };
    let start = DATA_HEADER_BYTES - header.len(payload_len.into());
    let mut output = &mut buffer[start..DATA_HEADER_BYTES];
    header.format(payload_len.into(), &mut output).expect("the room is as long as the header");
    start
}

/// An empty ping.
pub(crate) fn ping_frame() -> Vec<u8> {
    control(Control::Ping, &[])
}

/// The answer to a ping with this payload.
pub(crate) fn pong_frame(payload: &[u8]) -> Vec<u8> {
    control(Control::Pong, payload)
}

/// The close frame that tells a client this cause.
pub(crate) fn close_frame(cause: &CloseCause) -> Vec<u8> {
    let reason = cause.reason();
    assert!(reason.len() <= REASON_BYTES_MAX, "a reason fits its frame");
    control(Control::Close, &[&cause.code().to_be_bytes(), reason.as_bytes()].concat())
}

fn control(control: Control, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 2);
    let header = FrameHeader { opcode: OpCode::Control(control), ..FrameHeader::default() };
    header.format(payload.len() as u64, &mut frame).expect("writing to a Vec cannot fail");
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_header_touches_its_payload() {
        for (payload_len, expected) in [
            (1, &[0x82, 1][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65_535, &[0x82, 126, 255, 255]),
        ] {
            let mut buffer = [0; DATA_HEADER_BYTES];
            let start = data_header(&mut buffer, payload_len);
            assert_eq!(&buffer[start..], expected, "{payload_len} bytes");
        }
    }

    #[test]
    fn a_close_frame_carries_code_and_reason() {
        let frame = close_frame(&CloseCause::UpstreamClosed);
        assert_eq!(frame[..4], [0x88, 17, 3, 232]);
        assert_eq!(&frame[4..], b"upstream-closed");
    }
}
