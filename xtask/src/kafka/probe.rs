//! Whether a broker is really there: it answers a Metadata request and knows the whole cluster.
//!
//! Written by hand in forty lines rather than with `client-core`, because the tests of `client-core` stand on it.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// How many brokers the one on this plaintext port knows.
pub(super) fn brokers(port: u16) -> Result<i32> {
    /// Metadata, version 1: no topics wanted.
    const REQUEST: &[u8] = b"\x00\x03\x00\x01\x00\x00\x00\x07\xff\xff\x00\x00\x00\x00";
    const CORRELATION_ID: i32 = 7;
    /// More than any answer without topics takes.
    const SIZE_MAX: i32 = 64 * 1024;

    let mut stream = connect(port)?;
    stream.write_all(&[&14_i32.to_be_bytes()[..], REQUEST].concat())?;
    let size = read_i32(&mut stream)?;
    if !(12..=SIZE_MAX).contains(&size) {
        return Err(Error::new(ErrorKind::InvalidData, format!("an answer of {size} bytes")));
    }
    let correlation_id = read_i32(&mut stream)?;
    if correlation_id != CORRELATION_ID {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("an answer to request {correlation_id}, not 7"),
        ));
    }
    read_i32(&mut stream)
}

/// Whether something listens on this port.
pub(super) fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

fn read_i32(stream: &mut TcpStream) -> Result<i32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(i32::from_be_bytes(bytes))
}
