//! Static files: what `--serve` names, nothing outside of it.
//!
//! Where a file has a compressed one beside it (`app.js.br`, `app.js.gz`), clients that can read it get that: compressing is done
//! once, by whoever builds the folder. One that is older than its file is left alone.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue,
    IF_NONE_MATCH, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio::fs::File;
use tokio::io::{AsyncRead as _, ReadBuf};

use super::{Body, empty, percent_decoded, text};
use crate::log::Log;

/// Bytes read from a file at a time, so that a large one is never held whole.
const READ_BYTES: usize = 64 * 1024;

/// A folder that is served.
#[derive(Debug)]
pub(crate) struct Files {
    /// Without links, so that what leads out of it can be told.
    root: PathBuf,
}

impl Files {
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self { root: folder.canonicalize()? })
    }

    pub(super) async fn answer<B>(&self, request: &Request<B>, log: Log) -> Response<Body> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response =
                text(StatusCode::METHOD_NOT_ALLOWED, "kafka-bridge: files are read with GET\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let not_found = || text(StatusCode::NOT_FOUND, "kafka-bridge: no such file\n");
        let Some(path) = relative_path(request.uri().path()) else { return not_found() };
        match self.open(&path).await {
            Ok(Some(plain)) => {
                let compressed = self.compressed(request, &path, &plain).await;
                let (encoding, found) =
                    compressed.map_or((None, None), |(name, found)| (Some(name), Some(found)));
                respond(request, &path, found.unwrap_or(plain), encoding)
            }
            Ok(None) => not_found(),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                not_found()
            }
            Err(error) => {
                log.warn("file-unreadable", &[("path", &path.display()), ("error", &error)]);
                text(StatusCode::INTERNAL_SERVER_ERROR, "kafka-bridge: the file cannot be read\n")
            }
        }
    }

    /// The file; `None` when it is outside of the folder or no regular file.
    async fn open(&self, path: &Path) -> io::Result<Option<Found>> {
        let found = tokio::fs::canonicalize(self.root.join(path)).await?;
        if !found.starts_with(&self.root) {
            return Ok(None);
        }
        let file = File::open(&found).await?;
        let metadata = file.metadata().await?;
        if !metadata.is_file() {
            return Ok(None);
        }
        Ok(Some(Found { file, length: metadata.len(), modified: metadata.modified()? }))
    }

    /// The best compressed form that the client can read and the folder has.
    async fn compressed<B>(
        &self,
        request: &Request<B>,
        path: &Path,
        plain: &Found,
    ) -> Option<(&'static str, Found)> {
        for (encoding, extension) in [("br", "br"), ("gzip", "gz")] {
            if !accepts(request, encoding) {
                continue;
            }
            let mut name = path.as_os_str().to_owned();
            name.push(".");
            name.push(extension);
            // What is not there, or cannot be read, is no loss: the file itself is.
            if let Ok(Some(found)) = self.open(Path::new(&name)).await
                && found.modified >= plain.modified
            {
                return Some((encoding, found));
            }
        }
        None
    }
}

/// A file that is there.
struct Found {
    file: File,
    length: u64,
    modified: SystemTime,
}

/// Whether the client says that it can read this encoding. `q=0` says that it cannot.
fn accepts<B>(request: &Request<B>, encoding: &str) -> bool {
    let lines = request.headers().get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|accepted| {
        let (name, quality) = accepted.split_once(';').unwrap_or((accepted, ""));
        let is_refused = quality
            .trim()
            .strip_prefix("q=")
            .is_some_and(|quality| quality.parse::<f32>().is_ok_and(|quality| quality <= 0.0));
        name.trim().eq_ignore_ascii_case(encoding) && !is_refused
    })
}

/// The path inside the folder; `None` for whatever does not name a file plainly.
fn relative_path(path: &str) -> Option<PathBuf> {
    let decoded = percent_decoded(path)?;
    let mut relative = PathBuf::new();
    for part in decoded.strip_prefix('/')?.split('/') {
        match part {
            "" | "." => {}
            part if part.starts_with('.') || part.contains(['\\', '\0', ':']) => return None,
            part => relative.push(part),
        }
    }
    if decoded.ends_with('/') {
        relative.push("index.html");
    }
    Some(relative)
}

fn respond<B>(
    request: &Request<B>,
    path: &Path,
    found: Found,
    encoding: Option<&'static str>,
) -> Response<Body> {
    let Found { file, length, modified } = found;
    let modified = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Each form of a file has a tag of its own.
    let tag = format!("\"{length:x}-{:x}{}\"", modified.as_nanos(), encoding.unwrap_or_default());
    let mut response = Response::new(empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache_control(path)));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    headers.insert(ETAG, HeaderValue::from_str(&tag).expect("letters and digits are a header value"));
    let known = request.headers().get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    if known.flat_map(|line| line.split(',')).any(|known| known.trim().trim_start_matches("W/") == tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if request.method() == Method::GET {
        *response.body_mut() = FileBody { file, remaining: length, chunk: vec![0; READ_BYTES] }.boxed();
    }
    response
}

fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" | "md" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// A name with a hash in it means one content for ever; anything else is asked for again, and answered with 304
/// when it is the same.
fn cache_control(path: &Path) -> &'static str {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_hash = |part: &str| {
        part.len() >= 16
            && part.bytes().all(|byte| byte.is_ascii_hexdigit())
            && part.bytes().any(|byte| byte.is_ascii_digit())
    };
    if stem.split(['-', '_', '.']).skip(1).any(is_hash) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    }
}

/// A file read as it is sent.
struct FileBody {
    file: File,
    remaining: u64,
    chunk: Vec<u8>,
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Self { file, remaining, chunk } = &mut *self;
        if *remaining == 0 {
            return Poll::Ready(None);
        }
        let wanted = usize::try_from(*remaining).unwrap_or(usize::MAX).min(chunk.len());
        let mut buffer = ReadBuf::new(&mut chunk[..wanted]);
        ready!(Pin::new(file).poll_read(cx, &mut buffer))?;
        if buffer.filled().is_empty() {
            // The promised length cannot be kept: cutting the connection is how HTTP/1.1 says so.
            return Poll::Ready(Some(Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter",
            ))));
        }
        let data = Bytes::copy_from_slice(buffer.filled());
        *remaining -= data.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leaves_the_folder() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(relative_path(path), expected.map(PathBuf::from), "{path}")
        };
        check("/", Some("index.html"));
        check("/lessons/", Some("lessons/index.html"));
        check("/a%20b.js", Some("a b.js"));
        check("//a//b.js", Some("a/b.js"));
        for outside in [
            "/../x",
            "/a/../../x",
            "/%2e%2e/x",
            "/..%2fx",
            "/a\\..\\x",
            "/%00",
            "/.git/config",
            "/C:/x",
            "x",
            "/%",
        ] {
            check(outside, None);
        }
    }

    #[test]
    fn only_names_with_a_hash_are_kept_for_ever() {
        for (name, expected) in [
            ("index.html", "no-cache"),
            ("playground.js", "no-cache"),
            ("playground-c79fb5c4a7a9a36e.js", "public, max-age=31536000, immutable"),
            ("playground-c79fb5c4a7a9a36e_bg.wasm", "public, max-age=31536000, immutable"),
            ("c79fb5c4a7a9a36e.js", "no-cache"),
        ] {
            assert_eq!(cache_control(Path::new(name)), expected, "{name}");
        }
    }
}
