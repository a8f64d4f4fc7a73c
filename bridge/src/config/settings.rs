//! The table of keys: name, meaning, how a value is taken and how it is shown. The file, the flags, `--help` and
//! `--check` all read this one table.

use std::path::PathBuf;

use super::values::{
    address, advertised, broker, duration, host_header, number, origin, show_duration, target,
};
use super::{Config, LogLevel, RequireToken, Target, Token};

/// One key.
pub(super) struct Setting {
    /// The key in the file; also the flag, except that the flag of a list is in the singular.
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    /// What `--help` calls the value.
    value: &'static str,
    help: &'static str,
    pub(super) set: fn(&mut Config, &[Given]) -> Result<(), Wrong>,
    show: fn(&Config) -> String,
}

/// What values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`; the bare flag means `true`.
    Switch,
    /// A string.
    Text,
    /// A whole number.
    Number,
    /// A list; the flag, which may be repeated, replaces the file's whole list.
    List {
        /// The flag's name.
        flag: &'static str,
    },
}

/// One value as it was written.
#[derive(Clone, Debug)]
pub(super) enum Given {
    Text(String),
    /// A table of the file's `targets`, key by key.
    Target {
        advertise: Option<String>,
        dial: Option<String>,
        tls: bool,
    },
}

/// What is wrong with a value, and with which part of it.
pub(super) struct Wrong {
    /// What to append to the key, such as `[1].dial`.
    pub(super) part: String,
    pub(super) problem: String,
}

impl From<String> for Wrong {
    fn from(problem: String) -> Self {
        Self { part: String::new(), problem }
    }
}

impl Setting {
    /// The flag without its dashes.
    pub(super) fn flag(&self) -> &'static str {
        match self.kind {
            Kind::List { flag } => flag,
            Kind::Switch | Kind::Text | Kind::Number => self.key,
        }
    }
}

macro_rules! duration_setting {
    ($key:literal, $field:ident, $help:literal) => {
        Setting {
            key: $key,
            kind: Kind::Text,
            value: "TIME",
            help: $help,
            set: |config, given| put(&mut config.$field, duration(one(given)?)?),
            show: |config| quoted(&show_duration(config.$field)),
        }
    };
}

macro_rules! file_setting {
    ($key:literal, $field:ident, $help:literal) => {
        Setting {
            key: $key,
            kind: Kind::Text,
            value: "FILE",
            help: $help,
            set: |config, given| put(&mut config.$field, Some(PathBuf::from(one(given)?))),
            show: |config| optional(config.$field.as_ref().map(|path| path.display().to_string())),
        }
    };
}

macro_rules! switch_setting {
    ($key:literal, $field:ident, $help:literal) => {
        Setting {
            key: $key,
            kind: Kind::Switch,
            value: "",
            help: $help,
            set: |config, given| put(&mut config.$field, switch(one(given)?)?),
            show: |config| config.$field.to_string(),
        }
    };
}

macro_rules! number_setting {
    ($key:literal, $field:ident, $min:literal ..= $max:literal, $help:literal) => {
        Setting {
            key: $key,
            kind: Kind::Number,
            value: "N",
            help: $help,
            set: |config, given| {
                let number = number(one(given)?, $min, $max)?;
                config.$field = number.try_into().map_err(|_large| format!("{number} is too large here"))?;
                Ok(())
            },
            show: |config| config.$field.to_string(),
        }
    };
}

pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        key: "listen",
        kind: Kind::List { flag: "listen" },
        value: "ADDRESS",
        help: "where browsers connect; port 0 takes a free one",
        set: |config, given| put(&mut config.listen, each(given, address)?),
        show: |config| list(config.listen.iter().map(ToString::to_string)),
    },
    Setting {
        key: "management",
        kind: Kind::Text,
        value: "ADDRESS",
        help: "where /livez, /readyz and /metrics are answered (default: nowhere)",
        set: |config, given| put(&mut config.management, Some(address(one(given)?)?)),
        show: |config| optional(config.management.map(|address| address.to_string())),
    },
    Setting {
        key: "targets",
        kind: Kind::List { flag: "target" },
        value: "ADVERTISE[=DIAL]",
        help: "a broker that may be reached: the host:port its metadata advertises, and what to dial for it, with tls:// before it if it speaks TLS there",
        set: |config, given| put(&mut config.targets, targets(given)?),
        show: show_targets,
    },
    switch_setting!(
        "allow-target-loopback",
        allow_target_loopback,
        "any port of this machine may be reached, as 127.0.0.1, [::1] or localhost"
    ),
    file_setting!(
        "tls-ca",
        tls_ca,
        "certificates of who signs the brokers', PEM (default: those that the system trusts)"
    ),
    file_setting!(
        "tls-certificate",
        tls_certificate,
        "a certificate to show to brokers, with its chain, PEM"
    ),
    file_setting!("tls-key", tls_key, "the private key of tls-certificate, PEM"),
    Setting {
        key: "origins",
        kind: Kind::List { flag: "origin" },
        value: "ORIGIN",
        help: "an origin whose pages may connect, such as https://app.example",
        set: |config, given| put(&mut config.origins, each(given, origin)?.into_iter().collect()),
        show: |config| list(config.origins.iter().cloned()),
    },
    switch_setting!(
        "own-origin",
        own_origin,
        "whether pages served by this bridge may connect (default: true)"
    ),
    Setting {
        key: "hosts",
        kind: Kind::List { flag: "host" },
        value: "HOST[:PORT]",
        help: "a Host header to answer besides the listeners' own, such as the load balancer's name",
        set: |config, given| put(&mut config.hosts, each(given, host_header)?),
        show: |config| list(config.hosts.iter().cloned()),
    },
    Setting {
        key: "token",
        kind: Kind::Text,
        value: "SECRET",
        help: "the secret clients show; other users of the machine see flags, so prefer token-file",
        set: |config, given| {
            let token = Token::new(one(given)?);
            put(
                &mut config.token,
                Some(token.ok_or_else(|| "expected at least 16 bytes; the value is not shown".to_owned())?),
            )
        },
        show: |config| optional(config.token.as_ref().map(|_secret| "redacted".to_owned())),
    },
    file_setting!("token-file", token_file, "a file with the secret clients show"),
    Setting {
        key: "require-token",
        kind: Kind::Text,
        value: "always|missing-origin",
        help: "who has to show the token: everyone (default), or only clients without an Origin",
        set: |config, given| {
            put(
                &mut config.require_token,
                match one(given)? {
                    "always" => RequireToken::Always,
                    "missing-origin" => RequireToken::MissingOrigin,
                    other => return Err(format!("expected always or missing-origin, got {other:?}").into()),
                },
            )
        },
        show: |config| {
            quoted(match config.require_token {
                RequireToken::Always => "always",
                RequireToken::MissingOrigin => "missing-origin",
            })
        },
    },
    switch_setting!(
        "insecure",
        insecure,
        "start although other machines could connect without Origin list and token"
    ),
    Setting {
        key: "serve",
        kind: Kind::Text,
        value: "FOLDER",
        help: "static files to serve at /",
        set: |config, given| put(&mut config.serve, Some(PathBuf::from(one(given)?))),
        show: |config| optional(config.serve.as_ref().map(|path| path.display().to_string())),
    },
    switch_setting!(
        "dev-broker",
        dev_broker,
        "run a simulated cluster in this process and allow it as target"
    ),
    number_setting!(
        "dev-broker-nodes",
        dev_broker_nodes,
        1..=16,
        "nodes of the simulated cluster (default: 1)"
    ),
    duration_setting!("dial-timeout", dial_timeout, "reaching a broker (default: 10s)"),
    duration_setting!("handshake-timeout", handshake_timeout, "receiving a request head (default: 5s)"),
    duration_setting!("idle-timeout", idle_timeout, "no data in either direction (default: 10m)"),
    duration_setting!("write-stall-timeout", write_stall_timeout, "a write without progress (default: 30s)"),
    duration_setting!("ping-interval", ping_interval, "between pings (default: 25s)"),
    duration_setting!("pong-timeout", pong_timeout, "a ping without answer (default: 10s)"),
    duration_setting!("close-timeout", close_timeout, "waiting for the other side's goodbye (default: 2s)"),
    duration_setting!(
        "shutdown-grace",
        shutdown_grace,
        "sessions may take to end after SIGTERM (default: 5s)"
    ),
    number_setting!("max-connections", max_connections, 1..=1_000_000, "sessions in total (default: 1024)"),
    number_setting!(
        "max-connections-per-address",
        max_connections_per_address,
        1..=1_000_000,
        "sessions of one client address (default: 256)"
    ),
    number_setting!(
        "max-message-bytes",
        max_message_bytes,
        1024..=67_108_864,
        "payload of one message from a client (default: 1048576)"
    ),
    Setting {
        key: "log",
        kind: Kind::Text,
        value: "off|warn|info",
        help: "what is written to standard error (default: info)",
        set: |config, given| {
            put(
                &mut config.log,
                match one(given)? {
                    "off" => LogLevel::Off,
                    "warn" => LogLevel::Warn,
                    "info" => LogLevel::Info,
                    other => return Err(format!("expected off, warn or info, got {other:?}").into()),
                },
            )
        },
        show: |config| {
            quoted(match config.log {
                LogLevel::Off => "off",
                LogLevel::Warn => "warn",
                LogLevel::Info => "info",
            })
        },
    },
];

/// What `--check` prints: the resolved configuration as TOML, without secrets and without what is not set.
pub fn resolved(config: &Config) -> String {
    let lines = SETTINGS.iter().map(|setting| (setting.key, (setting.show)(config)));
    lines.filter(|(_, value)| !value.is_empty()).map(|(key, value)| format!("{key} = {value}\n")).collect()
}

/// What `--help` prints.
pub fn help() -> String {
    let mut text = "\
kafka-bridge carries bytes between browsers' WebSockets and Kafka brokers' TCP sockets.

  kafka-bridge [--config FILE] [--check] [flags]

Each flag is also a key of the TOML file (a list's key is in the plural: targets, origins, hosts). A flag wins
over the file; a list's flag may be repeated and replaces the file's list. Clients connect to
ws://ADDRESS/v1/tcp?target=HOST:PORT. Standard output has one name=value line per listener; logs go to standard error.

  --config FILE
        read this file first
  --check
        print the resolved configuration, secrets redacted, and exit
  --help, --version
"
    .to_owned();
    for setting in SETTINGS {
        let value = if setting.value.is_empty() { String::new() } else { format!(" {}", setting.value) };
        text.push_str(&format!("  --{}{value}\n        {}\n", setting.flag(), setting.help));
    }
    text
}

fn put<T>(place: &mut T, value: T) -> Result<(), Wrong> {
    *place = value;
    Ok(())
}

fn one(given: &[Given]) -> Result<&str, Wrong> {
    match given {
        [Given::Text(text)] => Ok(text),
        [Given::Target { .. }] => Err("expected a value, got a table".to_owned().into()),
        several => Err(format!("expected one value, got {}", several.len()).into()),
    }
}

fn each<T>(given: &[Given], parse: fn(&str) -> Result<T, String>) -> Result<Vec<T>, Wrong> {
    let parsed = given.iter().enumerate().map(|(index, item)| match item {
        Given::Text(text) => parse(text).map_err(|problem| Wrong { part: format!("[{index}]"), problem }),
        Given::Target { .. } => {
            Err(Wrong { part: format!("[{index}]"), problem: "expected a string, got a table".to_owned() })
        }
    });
    parsed.collect()
}

fn targets(given: &[Given]) -> Result<Vec<Target>, Wrong> {
    let parsed = given.iter().enumerate().map(|(index, item)| {
        let wrong = |part: &str, problem| Wrong { part: format!("[{index}]{part}"), problem };
        match item {
            Given::Text(text) => target(text).map_err(|problem| wrong("", problem)),
            Given::Target { advertise, dial, tls } => {
                let missing = || {
                    wrong(".advertise", "missing; expected the HOST:PORT that metadata advertises".to_owned())
                };
                let advertise = advertise.as_ref().ok_or_else(missing)?;
                let advertise = advertised(advertise).map_err(|problem| wrong(".advertise", problem))?;
                let dial =
                    broker(dial.as_ref().unwrap_or(&advertise)).map_err(|problem| wrong(".dial", problem))?;
                Ok(Target { advertise, dial, tls: *tls })
            }
        }
    });
    parsed.collect()
}

fn switch(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_invalid| format!("expected true or false, got {text:?}"))
}

fn show_targets(config: &Config) -> String {
    let tables = config.targets.iter().map(|target| {
        let tls = if target.tls { ", tls = true" } else { "" };
        format!("{{ advertise = {}, dial = {}{tls} }}", quoted(&target.advertise), quoted(&target.dial))
    });
    format!("[{}]", tables.collect::<Vec<_>>().join(", "))
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn optional(value: Option<String>) -> String {
    value.map_or_else(String::new, |text| quoted(&text))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.map(|item| quoted(&item)).collect::<Vec<_>>().join(", "))
}
