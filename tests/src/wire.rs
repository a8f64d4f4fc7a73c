//! One request at a time over a plain socket: our codec against a real broker, and nothing else of the client.

use bytes::Bytes;
use client_core::protocol::{FrameDecoder, Request, Response};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection to a broker.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    frames: FrameDecoder,
    correlation_id: i32,
}

impl Wire {
    /// Connects to `host:port`.
    ///
    /// # Errors
    ///
    /// When nothing listens there.
    pub fn connect(address: &str) -> Result<Self> {
        const PATIENCE: Duration = Duration::from_secs(30);
        const FRAME_SIZE_MAX: usize = 16 * 1024 * 1024;
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, frames: FrameDecoder::new(FRAME_SIZE_MAX), correlation_id: 0 })
    }

    /// Sends a request in this version and waits for its response.
    ///
    /// # Errors
    ///
    /// When the request has no such form, the broker hangs up or is silent, or its answer cannot be read to the
    /// last byte.
    pub fn ask(&mut self, request: &Request, version: i16) -> Result<Response> {
        self.correlation_id += 1;
        let frame =
            request.encode(version, self.correlation_id, Some("kafka-wasm-tests")).map_err(invalid)?;
        self.stream.write_all(&frame.to_bytes())?;
        let (header, response) =
            Response::decode(request.api_key(), version, self.next_frame()?).map_err(invalid)?;
        if header.correlation_id == self.correlation_id {
            return Ok(response);
        }
        Err(invalid(format!("an answer to request {}, not {}", header.correlation_id, self.correlation_id)))
    }

    fn next_frame(&mut self) -> Result<Bytes> {
        let mut chunk = [0; 64 * 1024];
        loop {
            if let Some(frame) = self.frames.next_frame().map_err(invalid)? {
                return Ok(frame);
            }
            match self.stream.read(&mut chunk)? {
                0 => return Err(Error::from(ErrorKind::UnexpectedEof)),
                len => self.frames.push(Bytes::copy_from_slice(&chunk[..len])),
            }
        }
    }
}

fn invalid(cause: impl ToString) -> Error {
    Error::new(ErrorKind::InvalidData, cause.to_string())
}
