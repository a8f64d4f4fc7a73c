//! The command itself: what it prints, and how it stops.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::support::{TOKEN, guarded};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kafka-bridge"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// A running bridge; killed if a test fails before it ended.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    fn new(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening=http://").unwrap().parse().unwrap();
        Self { child, address }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Its exit code and what it wrote to standard error.
    async fn ended(mut self) -> (Option<i32>, String) {
        let code = guarded("the end of the process", async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status.code();
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        });
        let code = code.await;
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (code, log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails when it has ended already, which is how it should be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn sigterm_and_sigint_tell_clients_and_exit() {
    for signal in ["-TERM", "-INT"] {
        let bridge = Running::new(&["--listen=127.0.0.1:0", "--allow-target-loopback", "--token", TOKEN]);
        let broker = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/v1/tcp?target={}", bridge.address, broker.local_addr().unwrap());
        let mut request = url.into_client_request().unwrap();
        let offered =
            format!("kafka-bridge.v1, bearer.{}", data_encoding::BASE64URL_NOPAD.encode(TOKEN.as_bytes()));
        request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
        let stream = TcpStream::connect(bridge.address).await.unwrap();
        let (mut socket, _) = guarded("the handshake", client_async(request, stream)).await.unwrap();
        let (upstream, _) = guarded("the dialling", broker.accept()).await.unwrap();
        bridge.signal(signal);
        match guarded("the close frame", socket.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1012),
            other => panic!("expected a close frame, got {other:?}"),
        }
        while guarded("the end of the socket", socket.next()).await.is_some() {}
        drop((socket, upstream));
        let (code, log) = bridge.ended().await;
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("event=session-ended") && log.contains("code=1012"), "{log}");
        let encoded = data_encoding::BASE64URL_NOPAD.encode(TOKEN.as_bytes());
        assert!(!log.contains(TOKEN) && !log.contains(&encoded), "the token is in the log");
    }
}

#[test]
fn check_prints_the_configuration_without_secrets() {
    let output = run(&["--check", "--target=b1:9092", "--token", TOKEN]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(shown.contains("token = \"redacted\"\n"), "{shown}");
    assert!(shown.contains("listen = [\"127.0.0.1:8090\"]\n"), "{shown}");
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[test]
fn a_wrong_configuration_ends_with_one_line() {
    let output = run(&["--target=b1:9092", "--dial-timeout=soon"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let problem = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        problem,
        "kafka-bridge: --dial-timeout (on the command line): expected a number with ms, s or m such as 10s, got \"soon\"\n"
    );
}

#[test]
fn help_lists_every_key() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let shown = String::from_utf8(run(&["--check", "--target=b1:9092"]).stdout).unwrap();
    for line in shown.lines() {
        let key = line.split(' ').next().unwrap();
        let flag = if matches!(key, "targets" | "origins" | "hosts") { &key[..key.len() - 1] } else { key };
        assert!(help.contains(&format!("  --{flag}")), "{flag}: {help}");
    }
    assert!(String::from_utf8(run(&["--version"]).stdout).unwrap().starts_with("kafka-bridge "));
}
