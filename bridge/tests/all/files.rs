//! `--serve`: the right types, nothing outside of the folder.

use std::path::{Path, PathBuf};

use bridge::Bridge;

use crate::support::{bridge_to, nobody, raw};

/// A folder with a few files, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(path.join("site/lessons")).unwrap();
        std::fs::write(path.join("secret.txt"), "secret").unwrap();
        for (file, content) in [
            ("index.html", "<!doctype html>start"),
            ("lessons/index.html", "<!doctype html>lessons"),
            ("app.wasm", "\0asm"),
            ("app.js", "export {}"),
            ("app-0123456789abcdef.js", "export {}"),
            (".hidden", "secret"),
        ] {
            std::fs::write(path.join("site").join(file), content).unwrap();
        }
        std::os::unix::fs::symlink("../secret.txt", path.join("site/link.txt")).unwrap();
        Self(path)
    }

    fn write(&self, file: &str, content: &str) {
        std::fs::write(self.0.join("site").join(file), content).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

async fn serving(folder: &Folder) -> Bridge {
    bridge_to(nobody().await, |config| config.serve = Some(folder.0.join("site"))).await
}

async fn ask(bridge: &Bridge, request_line: &str, headers: &str) -> String {
    let address = bridge.listening()[0];
    let request = format!("{request_line} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    String::from_utf8(raw(address, request.as_bytes()).await).unwrap()
}

#[tokio::test]
async fn files_have_their_types() {
    let folder = Folder::new("types");
    let bridge = serving(&folder).await;
    for (path, content_type, cache, content) in [
        ("/", "text/html; charset=utf-8", "no-cache", "<!doctype html>start"),
        ("/?lesson=1", "text/html; charset=utf-8", "no-cache", "<!doctype html>start"),
        ("/lessons/", "text/html; charset=utf-8", "no-cache", "<!doctype html>lessons"),
        ("/app.wasm", "application/wasm", "no-cache", "\0asm"),
        ("/app.js", "text/javascript; charset=utf-8", "no-cache", "export {}"),
        (
            "/app-0123456789abcdef.js",
            "text/javascript; charset=utf-8",
            "public, max-age=31536000, immutable",
            "export {}",
        ),
    ] {
        let answer = ask(&bridge, &format!("GET {path}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        assert!(answer.contains(&format!("content-type: {content_type}\r\n")), "{path}: {answer}");
        assert!(answer.contains(&format!("cache-control: {cache}\r\n")), "{path}: {answer}");
        assert!(answer.contains(&format!("content-length: {}\r\n", content.len())), "{path}: {answer}");
        assert!(answer.contains("x-content-type-options: nosniff\r\n"), "{path}: {answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{content}")), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_known_file_is_not_sent_again() {
    let folder = Folder::new("known");
    let bridge = serving(&folder).await;
    let answer = ask(&bridge, "HEAD /app.js", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    let tag = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
    let again = ask(&bridge, "GET /app.js", &format!("If-None-Match: {tag}\r\n")).await;
    assert!(again.starts_with("HTTP/1.1 304 ") && again.ends_with("\r\n\r\n"), "{again}");
    let other = ask(&bridge, "GET /app.js", "If-None-Match: \"other\"\r\n").await;
    assert!(other.starts_with("HTTP/1.1 200 "), "{other}");
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_served() {
    let folder = Folder::new("outside");
    let bridge = serving(&folder).await;
    for path in [
        "/../secret.txt",
        "/lessons/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/link.txt",
        "/.hidden",
        "/lessons",
        "/missing.js",
        "/app.js/x",
        "/%00",
    ] {
        let answer = ask(&bridge, &format!("GET {path}"), "").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        assert!(!answer.ends_with("secret"), "{path}: {answer}");
    }
    let answer = ask(&bridge, "POST /app.js", "Content-Length: 0\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET, HEAD\r\n"), "{answer}");
}

#[tokio::test]
async fn without_a_folder_nothing_is_served() {
    let bridge = bridge_to(nobody().await, |_| {}).await;
    assert!(ask(&bridge, "GET /", "").await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_compressed_file_is_served_to_those_who_can_read_it() {
    let folder = Folder::new("compressed");
    let bridge = serving(&folder).await;
    let plain = ask(&bridge, "GET /app.js", "Accept-Encoding: br, gzip\r\n").await;
    assert!(plain.starts_with("HTTP/1.1 200 ") && !plain.contains("content-encoding"), "{plain}");
    folder.write("app.js.gz", "gzipped");
    folder.write("app.js.br", "brotlied");
    for (accepted, encoding, body) in [
        ("gzip, deflate, br, zstd", Some("br"), "brotlied"),
        ("gzip", Some("gzip"), "gzipped"),
        ("br;q=0, gzip;q=0.5", Some("gzip"), "gzipped"),
        ("identity", None, "export"),
        ("brotli, xgzip", None, "export"),
    ] {
        let answer = ask(&bridge, "GET /app.js", &format!("Accept-Encoding: {accepted}\r\n")).await;
        let said = answer.lines().find_map(|line| line.strip_prefix("content-encoding: "));
        assert_eq!(said, encoding, "{accepted}: {answer}");
        assert!(answer.contains("content-type: text/javascript; charset=utf-8\r\n"), "{answer}");
        assert!(answer.contains("vary: accept-encoding\r\n"), "{answer}");
        let found = answer.split("\r\n\r\n").nth(1).unwrap();
        assert!(found.starts_with(body), "{accepted}: {answer}");
        assert!(answer.contains(&format!("content-length: {}\r\n", found.len())), "{answer}");
        let tag = answer.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap();
        let headers = format!("Accept-Encoding: {accepted}\r\nIf-None-Match: {tag}\r\n");
        let again = ask(&bridge, "GET /app.js", &headers).await;
        assert!(again.starts_with("HTTP/1.1 304 "), "{accepted}: {again}");
    }
    // A file that was written after its compressed forms is served as it is.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    folder.write("app.js", "newer");
    let newer = ask(&bridge, "GET /app.js", "Accept-Encoding: br\r\n").await;
    assert!(newer.ends_with("\r\n\r\nnewer"), "{newer}");
}
