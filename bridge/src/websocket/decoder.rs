//! Client frames: bytes in, events out. Knows no socket.

use std::io::Cursor;
use std::ops::Range;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::close::CloseCause;

/// RFC 6455 section 5.5: a control frame carries at most this many bytes.
const CONTROL_BYTES_MAX: u64 = 125;

/// What a client's frames mean to the bridge.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Unmasked payload at this place of the buffer, see [`Decoder::data`]; never empty.
    Data(Range<usize>),
    /// The client wants a pong with this payload.
    Ping(ControlPayload),
    /// The client answered a ping.
    Pong,
    /// The client is done. Nothing after this may be decoded.
    Close,
}

/// The payload of a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ControlPayload {
    bytes: [u8; CONTROL_BYTES_MAX as usize],
    len: usize,
}

impl ControlPayload {
    fn new(payload: &[u8]) -> Self {
        let mut bytes = [0; CONTROL_BYTES_MAX as usize];
        bytes[..payload.len()].copy_from_slice(payload);
        Self { bytes, len: payload.len() }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Decodes in place: the buffer given by [`Decoder::space`] is the only memory it uses.
#[derive(Debug)]
pub(crate) struct Decoder {
    buffer: Box<[u8]>,
    /// Where the bytes not yet decoded begin and end.
    unread: Range<usize>,
    /// The data frame whose payload is arriving.
    frame: Option<DataFrame>,
    /// Payload bytes of the message so far, over all its frames; `None` between messages.
    message_bytes: Option<u64>,
    message_bytes_max: u64,
}

#[derive(Debug)]
struct DataFrame {
    remaining: u64,
    mask: [u8; 4],
    is_final: bool,
}

impl Decoder {
    /// A decoder with a buffer of `capacity` bytes, at least one control frame long.
    pub(crate) fn new(capacity: usize, message_bytes_max: u64) -> Self {
        assert!(capacity >= 256, "a whole control frame must fit");
        Self {
            buffer: vec![0; capacity].into(),
            unread: 0..0,
            frame: None,
            message_bytes: None,
            message_bytes_max,
        }
    }

    /// Where the next bytes from the client go. Not empty once [`Decoder::poll`] returned `None`. Moves what is
    /// left to the front: places returned earlier are invalid afterwards.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.unread.start > 0 {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        &mut self.buffer[self.unread.end..]
    }

    /// Tells that `count` bytes were put at the start of [`Decoder::space`].
    pub(crate) fn filled(&mut self, count: usize) {
        self.unread.end += count;
        assert!(self.unread.end <= self.buffer.len(), "more bytes than space");
    }

    /// Bytes held and not yet decoded.
    pub(crate) fn unread_bytes(&self) -> usize {
        self.unread.len()
    }

    /// The payload of an [`Event::Data`], until the next call of [`Decoder::space`].
    pub(crate) fn data(&self, place: Range<usize>) -> &[u8] {
        &self.buffer[place]
    }

    /// The next event, or `None` when more bytes are needed.
    pub(crate) fn poll(&mut self) -> Result<Option<Event>, CloseCause> {
        loop {
            if let Some(frame) = &mut self.frame {
                if frame.remaining == 0 {
                    if frame.is_final {
                        self.message_bytes = None;
                    }
                    self.frame = None;
                    continue;
                }
                let available = usize::try_from(frame.remaining).unwrap_or(usize::MAX).min(self.unread.len());
                if available == 0 {
                    return Ok(None);
                }
                let place = self.unread.start..self.unread.start + available;
                unmask(&mut self.buffer[place.clone()], &mut frame.mask);
                frame.remaining -= available as u64;
                self.unread.start = place.end;
                return Ok(Some(Event::Data(place)));
            }
            let mut cursor = Cursor::new(&self.buffer[self.unread.clone()]);
            let parsed = FrameHeader::parse(&mut cursor).map_err(|_invalid| protocol_error("opcode"))?;
            let Some((header, payload_bytes)) = parsed else { return Ok(None) };
            let header_bytes = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
            if header.rsv1 || header.rsv2 || header.rsv3 {
                return Err(protocol_error("reserved-bits"));
            }
            let Some(mask) = header.mask else { return Err(protocol_error("unmasked-frame")) };
            match header.opcode {
                OpCode::Control(control) => {
                    if !header.is_final || payload_bytes > CONTROL_BYTES_MAX {
                        return Err(protocol_error("control-frame"));
                    }
                    let payload_len = payload_bytes as usize;
                    if self.unread.len() < header_bytes + payload_len {
                        return Ok(None);
                    }
                    let start = self.unread.start + header_bytes;
                    self.unread.start = start + payload_len;
                    return self.control(control, start..start + payload_len, mask).map(Some);
                }
                OpCode::Data(data) => {
                    self.begin_frame(data, payload_bytes)?;
                    self.unread.start += header_bytes;
                    self.frame =
                        Some(DataFrame { remaining: payload_bytes, mask, is_final: header.is_final });
                }
            }
        }
    }

    fn control(
        &mut self,
        control: Control,
        place: Range<usize>,
        mut mask: [u8; 4],
    ) -> Result<Event, CloseCause> {
        let payload = &mut self.buffer[place];
        unmask(payload, &mut mask);
        match control {
            Control::Ping => Ok(Event::Ping(ControlPayload::new(payload))),
            Control::Pong => Ok(Event::Pong),
            Control::Close if payload.len() == 1 => Err(protocol_error("close-frame")),
            Control::Close => Ok(Event::Close),
            Control::Reserved(_) => Err(protocol_error("opcode")),
        }
    }

    fn begin_frame(&mut self, data: Data, payload_bytes: u64) -> Result<(), CloseCause> {
        let before = match (data, self.message_bytes) {
            (Data::Text, _) => return Err(CloseCause::TextMessage),
            (Data::Binary, None) => 0,
            (Data::Continue, Some(before)) => before,
            (Data::Binary | Data::Continue, _) => return Err(protocol_error("fragmentation")),
            (Data::Reserved(_), _) => return Err(protocol_error("opcode")),
        };
        match before.checked_add(payload_bytes) {
            Some(total) if total <= self.message_bytes_max => self.message_bytes = Some(total),
            _ => return Err(CloseCause::MessageTooBig { limit_bytes: self.message_bytes_max }),
        }
        Ok(())
    }
}

fn protocol_error(problem: &'static str) -> CloseCause {
    CloseCause::ProtocolError { problem }
}

/// Removes the mask and turns it so that it fits the byte after `payload`.
fn unmask(payload: &mut [u8], mask: &mut [u8; 4]) {
    let [a, b, c, d] = *mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        if let Ok(bytes) = <[u8; 8]>::try_from(&*word) {
            word.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    mask.rotate_left(payload.len() % 4);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x11, 0x22, 0x33, 0x44];

    /// Every dialogue is decoded in pieces of every size up to 9 and of a whole buffer: chunking must not show.
    fn check(bytes: &[u8], expected: &str) {
        for piece in (1..10).chain([256]) {
            let mut decoder = Decoder::new(256, 1000);
            let mut told = String::new();
            let mut payload = Vec::new();
            'feeding: for part in bytes.chunks(piece) {
                decoder.space()[..part.len()].copy_from_slice(part);
                decoder.filled(part.len());
                loop {
                    match decoder.poll() {
                        Ok(None) => break,
                        Ok(Some(Event::Data(place))) => payload.extend_from_slice(decoder.data(place)),
                        Ok(Some(Event::Ping(ping))) => {
                            told += &format!("ping {} ", String::from_utf8_lossy(ping.as_slice()));
                        }
                        Ok(Some(Event::Pong)) => told += "pong ",
                        Ok(Some(Event::Close)) => {
                            told += "close ";
                            break 'feeding;
                        }
                        Err(cause) => {
                            told += &cause.reason();
                            break 'feeding;
                        }
                    }
                }
            }
            let told = format!("{}|{}", String::from_utf8_lossy(&payload), told.trim_end());
            assert_eq!(told, expected, "in pieces of {piece}");
        }
    }

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            len @ 0..=125 => bytes.push(0x80 | len as u8),
            len => {
                bytes.push(0x80 | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
        }
        bytes.extend(MASK);
        bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
        bytes
    }

    #[test]
    fn messages_are_a_stream() {
        check(&[frame(0x82, b"hello "), frame(0x82, b""), frame(0x82, b"world")].concat(), "hello world|");
        let long = "x".repeat(700);
        check(&frame(0x82, long.as_bytes()), &format!("{long}|"));
    }

    #[test]
    fn control_frames_may_come_between_fragments() {
        check(
            &[frame(0x02, b"one "), frame(0x89, b"beat"), frame(0x8a, b""), frame(0x80, b"two")].concat(),
            "one two|ping beat pong",
        );
        check(&[frame(0x82, b"a"), frame(0x88, &[3, 232]), frame(0x82, b"late")].concat(), "a|close");
    }

    #[test]
    fn what_rfc_6455_forbids_is_refused() {
        check(&frame(0x81, b"text"), "|binary-only");
        check(&frame(0x80, b"x"), "|protocol-error problem=fragmentation");
        check(&[frame(0x02, b"a"), frame(0x82, b"b")].concat(), "a|protocol-error problem=fragmentation");
        check(&frame(0x83, b""), "|protocol-error problem=opcode");
        check(&frame(0x8b, b""), "|protocol-error problem=opcode");
        check(&frame(0xc2, b""), "|protocol-error problem=reserved-bits");
        check(&frame(0x09, b""), "|protocol-error problem=control-frame");
        check(&frame(0x89, &[b'x'; 126]), "|protocol-error problem=control-frame");
        check(&frame(0x88, &[3]), "|protocol-error problem=close-frame");
        check(&[0x82, 0x01, b'x'], "|protocol-error problem=unmasked-frame");
    }

    #[test]
    fn the_message_limit_counts_all_fragments_and_trusts_no_length() {
        check(
            &[frame(0x02, &[b'x'; 600]), frame(0x80, &[b'x'; 401])].concat(),
            &format!("{}|message-too-big limit-bytes=1000", "x".repeat(600)),
        );
        let huge = [&[0x82, 0xff][..], &u64::MAX.to_be_bytes(), &MASK].concat();
        check(&huge, "|message-too-big limit-bytes=1000");
        let overflow =
            [frame(0x02, b"x"), [&[0x80, 0xff][..], &u64::MAX.to_be_bytes(), &MASK].concat()].concat();
        check(&overflow, "x|message-too-big limit-bytes=1000");
    }
}
