//! A wrong value names its key and where it came from.

use std::path::{Path, PathBuf};

use bridge::config::{Invocation, read_arguments, resolved};
use bridge::{Bridge, Config, StartError};

use crate::support::nobody;

/// A file of this content, removed at the end.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new(content: &str) -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("bridge-{}-{count}.toml", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn name(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn read(arguments: &[&str]) -> Result<Config, String> {
    match read_arguments(arguments.iter().map(|argument| (*argument).to_owned())) {
        Ok(Invocation::Run(config) | Invocation::Check(config)) => Ok(*config),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    }
}

/// The arguments are wrong in the way that `expected` begins to tell.
fn check_flags(arguments: &[&str], expected: &str) {
    let problem = read(arguments).expect_err(expected);
    assert!(problem.starts_with(expected), "{arguments:?}: {problem}");
}

/// The file is wrong; `{file}` in `expected` stands for its name.
fn check_file(content: &str, expected: &str) {
    let file = TemporaryFile::new(content);
    let expected = expected.replace("{file}", &file.name());
    let problem = read(&["--config", &file.name()]).expect_err(&expected);
    assert!(problem.starts_with(&expected), "{content}: {problem}");
}

#[test]
fn wrong_flags_are_named() {
    check_flags(&["serve"], "serve (on the command line): expected a flag");
    check_flags(&["--sevre=x"], "--sevre (on the command line): no such flag");
    check_flags(&["--targets=b1:1"], "--targets (on the command line): no such flag");
    check_flags(&["--listen"], "--listen (on the command line): needs a value");
    check_flags(&["--config"], "--config (on the command line): needs a file");
    check_flags(
        &["--config=/nonexistent.toml"],
        "--config (on the command line): cannot read /nonexistent.toml",
    );
    check_flags(&["--log=off", "--log=off"], "--log (on the command line): given twice");
    check_flags(&["--check", "--config=a", "--config=b"], "--config (on the command line): given twice");
}

#[test]
fn wrong_values_are_named() {
    let cases: &[(&str, &str, &str)] = &[
        ("listen", "localhost", "expected an address and port such as 127.0.0.1:8090, got \"localhost\""),
        ("management", "8090", "expected an address and port"),
        ("target", "b1", "expected HOST:PORT as metadata advertises it, got \"b1\" (no-port)"),
        ("target", "b1:9092=b2", "expected HOST:PORT such as b1.example:9092, got \"b2\" (no-port)"),
        (
            "target",
            "b1:9092=169.254.169.254:80",
            "\"169.254.169.254:80\" is never dialled (link-local-address)",
        ),
        ("target", "b1:9092=[fe80::1]:80", "\"[fe80::1]:80\" is never dialled (link-local-address)"),
        (
            "origin",
            "*",
            "expected an origin such as https://app.example, got \"*\": it would let in any page",
        ),
        ("origin", "null", "expected an origin"),
        (
            "origin",
            "app.example",
            "expected an origin such as https://app.example, got \"app.example\": it has no scheme",
        ),
        ("origin", "https://app.example/", "expected an origin"),
        ("origin", "https://App.example", "expected an origin"),
        ("origin", "https://app.example:443", "expected an origin"),
        ("origin", "ftp://app.example", "expected an origin"),
        ("host", "a b", "expected HOST or HOST:PORT, got \"a b\""),
        ("own-origin", "yes", "expected true or false, got \"yes\""),
        ("allow-target-loopback", "1", "expected true or false"),
        ("insecure", "1", "expected true or false"),
        ("dev-broker", "1", "expected true or false"),
        ("dev-broker-nodes", "0", "expected a whole number from 1 to 16, got \"0\""),
        ("token", "too short", "expected at least 16 bytes; the value is not shown"),
        ("require-token", "never", "expected always or missing-origin, got \"never\""),
        ("dial-timeout", "10", "expected a number with ms, s or m such as 10s, got \"10\""),
        ("dial-timeout", "0s", "expected more than 0 and at most a day, got \"0s\""),
        ("dial-timeout", "1500m", "expected more than 0 and at most a day"),
        ("dial-timeout", "99999999999999999999s", "expected a number with ms, s or m"),
        ("handshake-timeout", "-1s", "expected a number with ms, s or m"),
        ("idle-timeout", "ten", "expected a number with ms, s or m"),
        ("write-stall-timeout", "", "expected a number with ms, s or m"),
        ("ping-interval", "1h", "expected a number with ms, s or m"),
        ("pong-timeout", "s", "expected a number with ms, s or m"),
        ("close-timeout", "1.5s", "expected a number with ms, s or m"),
        ("shutdown-grace", "5 s", "expected a number with ms, s or m"),
        ("max-connections", "0", "expected a whole number from 1 to 1000000, got \"0\""),
        ("max-connections-per-address", "many", "expected a whole number from 1 to 1000000"),
        ("max-message-bytes", "1", "expected a whole number from 1024 to 67108864"),
        ("log", "debug", "expected off, warn or info, got \"debug\""),
    ];
    for (flag, value, problem) in cases {
        check_flags(&[&format!("--{flag}={value}")], &format!("--{flag} (on the command line): {problem}"));
    }
}

#[test]
fn wrong_files_are_named_down_to_the_key() {
    check_file("listen = ", "line 1 (in {file}): ");
    check_file("log = 'off'\nlog = 'off'", "line 2 (in {file}): ");
    check_file("liste = []", "liste (in {file}): no such key");
    check_file("target = []", "target (in {file}): no such key");
    check_file("listen = 8090", "listen (in {file}): expected a list, got a number");
    check_file("listen = ['127.0.0.1:0', 'x']", "listen[1] (in {file}): expected an address and port");
    check_file("origins = [1]", "origins[0] (in {file}): expected a string, got a number");
    check_file("insecure = 'true'", "insecure (in {file}): expected true or false, got a string");
    check_file("max-connections = '5'", "max-connections (in {file}): expected a whole number, got a string");
    check_file("max-connections = -5", "max-connections (in {file}): expected a whole number from 1");
    check_file("dial-timeout = 10", "dial-timeout (in {file}): expected a string, got a number");
    check_file("targets = [{ dial = 'b1:1' }]", "targets[0].advertise (in {file}): missing");
    check_file(
        "targets = [{ advertise = 'b1:1', dial = 'b1' }]",
        "targets[0].dial (in {file}): expected HOST:PORT",
    );
    check_file(
        "targets = [{ advertise = 'b1:1', tls = 1 }]",
        "targets[0].tls (in {file}): expected true or false",
    );
    check_file("targets = [{ advertise = 'b1:1', port = 1 }]", "targets[0].port (in {file}): no such key");
    check_file("targets = ['b1:1', 'b2']", "targets[1] (in {file}): expected HOST:PORT");
}

#[test]
fn values_that_do_not_fit_together_are_named() {
    let target = "--target=b1:9092";
    let resolved = |key: &str| format!("{key} (in the resolved configuration): ");
    check_flags(&[], &(resolved("targets") + "no broker may be reached"));
    check_flags(
        &["--target=b1:1=b2:2", "--target=b1:1=b3:3"],
        &(resolved("targets") + "b1:1 is advertised twice"),
    );
    check_flags(&[target, "--pong-timeout=30s"], &resolved("pong-timeout"));
    check_flags(&[target, "--max-connections=10"], &resolved("max-connections-per-address"));
    check_flags(
        &[target, "--require-token=missing-origin"],
        &(resolved("require-token") + "there is no token"),
    );
    check_flags(&[target, "--serve=/nonexistent"], &(resolved("serve") + "/nonexistent is not a folder"));
    check_flags(
        &[target, "--token-file=/nonexistent"],
        &(resolved("token-file") + "cannot read /nonexistent"),
    );
    let short = TemporaryFile::new("short\n");
    check_flags(&[target, &format!("--token-file={}", short.name())], &resolved("token-file"));
    let token = "--token=0123456789abcdef";
    check_flags(&[target, token, "--token-file=x"], &(resolved("token-file") + "token is given too"));
    check_file("listen = []\ntargets = ['b1:1']", &(resolved("listen") + "no address"));
}

#[test]
fn other_machines_are_let_in_only_with_origins_and_a_token() {
    let open = ["--target=b1:9092", "--listen=0.0.0.0:0"];
    let (origin, token) = ("--origin=https://app.example", "--token=0123456789abcdef");
    let refused = "listen (in the resolved configuration): 0.0.0.0:0 can be reached from other machines";
    check_flags(&open, refused);
    check_flags(&[&open[..], &[origin]].concat(), refused);
    check_flags(&[&open[..], &[token]].concat(), refused);
    check_flags(&[&open[..], &[origin, token, "--require-token=missing-origin"]].concat(), refused);
    read(&[&open[..], &[origin, token]].concat()).unwrap();
    read(&[&open[..], &["--insecure"]].concat()).unwrap();
    let management = "management (in the resolved configuration): 0.0.0.0:0 can be reached";
    check_flags(&["--target=b1:9092", "--management=0.0.0.0:0"], management);
}

#[test]
fn flags_win_over_the_file() {
    let file = TemporaryFile::new(
        "listen = '127.0.0.1:1'\nmax-connections = 500\nown-origin = false\n\
         targets = [{ advertise = 'b1:1', dial = '10.0.0.1:1', tls = false }, 'b2:2', 'b3:3=tls://10.0.0.3:3', 'tls://b4:4']\n",
    );
    let config = read(&[
        "--config",
        &file.name(),
        "--listen=127.0.0.1:2",
        "--listen",
        "[::1]:2",
        "--allow-target-loopback",
    ])
    .unwrap();
    let shown = resolved(&config);
    for line in [
        "listen = [\"127.0.0.1:2\", \"[::1]:2\"]\n",
        "max-connections = 500\n",
        "own-origin = false\n",
        "allow-target-loopback = true\n",
        "targets = [{ advertise = \"b1:1\", dial = \"10.0.0.1:1\" }, { advertise = \"b2:2\", dial = \"b2:2\" }, \
         { advertise = \"b3:3\", dial = \"10.0.0.3:3\", tls = true }, { advertise = \"b4:4\", dial = \"b4:4\", tls = true }]\n",
        "dial-timeout = \"10s\"\n",
        "idle-timeout = \"10m\"\n",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[test]
fn what_check_prints_can_be_read_again() {
    let flags = [
        "--target=b1:1=tls://b2:2",
        "--tls-ca=/ca.pem",
        "--origin=https://a.example",
        "--host=a.example",
        "--dial-timeout=1500ms",
    ];
    let shown = resolved(&read(&flags).unwrap());
    let file = TemporaryFile::new(&shown);
    assert_eq!(resolved(&read(&["--config", &file.name()]).unwrap()), shown);
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let first =
        Bridge::start(read(&["--target=b1:1", "--listen=127.0.0.1:0", "--log=off"]).unwrap()).await.unwrap();
    let taken = first.listening()[0];
    let second = Bridge::start(read(&["--target=b1:1", &format!("--listen={taken}")]).unwrap()).await;
    match second {
        Err(error @ StartError::Listen { .. }) => {
            assert!(error.to_string().starts_with(&format!("cannot listen on {taken}")))
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two bridges on one address"),
    }
}

#[tokio::test]
async fn a_program_is_checked_like_the_command() {
    let config = Config { listen: vec![nobody().await], ..Config::default() };
    assert!(matches!(Bridge::start(config).await, Err(StartError::Config(error)) if error.key == "targets"));
}
