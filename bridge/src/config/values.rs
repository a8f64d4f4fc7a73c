//! From text to values. Each function's error says what was expected and what came.

use std::net::SocketAddr;
use std::time::Duration;

use super::Target;
use crate::policy::{never_dialled, split_host_port};

/// The longest duration that is taken for one: a day.
const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_invalid| format!("expected an address and port such as 127.0.0.1:8090, got {text:?}"))
}

/// A whole number and a unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected a number with ms, s or m such as 10s, got {text:?}");
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_invalid| expected())?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60 * 1000),
        _ => return Err(expected()),
    };
    match milliseconds.map(Duration::from_millis) {
        Some(duration) if !duration.is_zero() && duration <= DURATION_MAX => Ok(duration),
        _ => Err(format!("expected more than 0 and at most a day, got {text:?}")),
    }
}

pub(super) fn show_duration(duration: Duration) -> String {
    match duration.as_millis() {
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

pub(super) fn number(text: &str, min: u64, max: u64) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| format!("expected a whole number from {min} to {max}, got {text:?}"))
}

/// `scheme://host[:port]`, exactly as browsers send it.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let expected =
        |why: &str| Err(format!("expected an origin such as https://app.example, got {text:?}: {why}"));
    if matches!(text, "*" | "null") {
        return expected("it would let in any page; list the pages");
    }
    let Some((scheme, host)) = text.split_once("://") else { return expected("it has no scheme") };
    if !matches!(scheme, "http" | "https" | "chrome-extension" | "moz-extension" | "tauri") {
        return expected("the scheme is none that pages have");
    }
    if let Err(why) = host_header(host) {
        return expected(&why);
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return expected("browsers send lower case");
    }
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return Ok(text.to_owned()),
    };
    if host.ends_with(default_port) {
        return expected("browsers leave out the scheme's own port");
    }
    Ok(text.to_owned())
}

/// `host` or `host:port`.
pub(super) fn host_header(text: &str) -> Result<String, String> {
    // The port of a Host header is optional: with one appended, what is left has to be a host.
    let with_port = if split_host_port(text).is_ok() { text.to_owned() } else { format!("{text}:1") };
    match split_host_port(&with_port) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("expected HOST or HOST:PORT, got {text:?}")),
    }
}

/// `host:port` of a broker; an address that is never dialled is refused here already.
pub(super) fn broker(text: &str) -> Result<String, String> {
    let (host, _port) = split_host_port(text)
        .map_err(|word| format!("expected HOST:PORT such as b1.example:9092, got {text:?} ({word})"))?;
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    match literal.and_then(never_dialled) {
        Some(kind) => Err(format!("{text:?} is never dialled ({kind})")),
        None => Ok(text.to_owned()),
    }
}

/// `advertise` or `advertise=dial`; `tls://` before what is dialled if the broker speaks TLS there.
pub(super) fn target(text: &str) -> Result<Target, String> {
    let (advertise, dial) = match text.split_once('=') {
        Some((advertise, dial)) => (advertise, dial),
        None => (text.strip_prefix(TLS).unwrap_or(text), text),
    };
    let (dial, tls) = dial.strip_prefix(TLS).map_or((dial, false), |dial| (dial, true));
    Ok(Target { advertise: advertised(advertise)?, dial: broker(dial)?, tls })
}

/// Stands before what is dialled over TLS.
const TLS: &str = "tls://";

/// The key of a target: only compared, so any `host:port` will do.
pub(super) fn advertised(text: &str) -> Result<String, String> {
    match split_host_port(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(word) => Err(format!("expected HOST:PORT as metadata advertises it, got {text:?} ({word})")),
    }
}
