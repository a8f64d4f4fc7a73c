//! The command line and the file, read into the table of keys.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::settings::{Given, Kind, SETTINGS, Setting};
use super::{Config, ConfigError, Source};

/// What the command line asks for.
#[derive(Debug)]
pub enum Invocation {
    /// Run with this configuration.
    Run(Box<Config>),
    /// Print this configuration and exit.
    Check(Box<Config>),
    /// Print the help and exit.
    Help,
    /// Print the version and exit.
    Version,
}

/// Reads the arguments (without the program's name), the file they name and the token file, and checks everything.
pub fn read_arguments(arguments: impl IntoIterator<Item = String>) -> Result<Invocation, ConfigError> {
    let mut arguments = arguments.into_iter();
    let mut file: Option<PathBuf> = None;
    let mut check = false;
    let mut flags: BTreeMap<&'static str, Vec<Given>> = BTreeMap::new();
    while let Some(argument) = arguments.next() {
        let wrong = |problem: &str| command_line(&argument, problem);
        let Some(flag) = argument.strip_prefix("--") else {
            return Err(wrong("expected a flag that begins with --; kafka-bridge --help lists them"));
        };
        let (flag, attached) = match flag.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (flag, None),
        };
        match (flag, &attached) {
            ("help", None) => return Ok(Invocation::Help),
            ("version", None) => return Ok(Invocation::Version),
            ("check", None) => {
                check = true;
                continue;
            }
            ("config", _) => {
                let value = attached.or_else(|| arguments.next()).ok_or_else(|| wrong("needs a file"))?;
                if file.replace(value.into()).is_some() {
                    return Err(wrong("given twice"));
                }
                continue;
            }
            _ => {}
        }
        let setting = SETTINGS.iter().find(|setting| setting.flag() == flag);
        let setting = setting.ok_or_else(|| wrong("no such flag; kafka-bridge --help lists them"))?;
        let value = match (setting.kind, attached) {
            (_, Some(value)) => value,
            (Kind::Switch, None) => "true".to_owned(),
            (Kind::Text | Kind::Number | Kind::List { .. }, None) => {
                arguments.next().ok_or_else(|| wrong("needs a value"))?
            }
        };
        let given = flags.entry(setting.key).or_default();
        if !given.is_empty() && !matches!(setting.kind, Kind::List { .. }) {
            return Err(wrong("given twice"));
        }
        given.push(Given::Text(value));
    }

    let mut config = Config::default();
    if let Some(path) = &file {
        read_file(&mut config, path)?;
    }
    for setting in SETTINGS {
        if let Some(given) = flags.get(setting.key) {
            (setting.set)(&mut config, given)
                .map_err(|wrong| command_line(&format!("--{}", setting.flag()), &wrong.problem))?;
        }
    }
    config.check()?;
    Ok(if check { Invocation::Check(Box::new(config)) } else { Invocation::Run(Box::new(config)) })
}

fn read_file(config: &mut Config, path: &Path) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| command_line("--config", &format!("cannot read {}: {error}", path.display())))?;
    let wrong =
        |key: String, problem: String| ConfigError { key, source: Source::File(path.to_owned()), problem };
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        // The message only: the error's own rendering would repeat the line, and the line may hold the token.
        let line = error
            .span()
            .map_or(0, |span| text.get(..span.start).map_or(0, |before| 1 + before.matches('\n').count()));
        wrong(format!("line {line}"), error.message().to_owned())
    })?;
    for (key, value) in &table {
        let setting = SETTINGS.iter().find(|setting| setting.key == key);
        let setting = setting
            .ok_or_else(|| wrong(key.clone(), "no such key; kafka-bridge --help lists them".to_owned()))?;
        let given =
            given(setting, value).map_err(|(part, problem)| wrong(format!("{key}{part}"), problem))?;
        (setting.set)(config, &given)
            .map_err(|error| wrong(format!("{key}{}", error.part), error.problem))?;
    }
    Ok(())
}

/// The file's value as the same text a flag would have. The error is the part of the key and the problem.
fn given(setting: &Setting, value: &Value) -> Result<Vec<Given>, (String, String)> {
    let expected = |what: &str| Err((String::new(), format!("expected {what}, got {}", described(value))));
    match (setting.kind, value) {
        (Kind::Switch, Value::Boolean(on)) => Ok(vec![Given::Text(on.to_string())]),
        (Kind::Switch, _) => expected("true or false"),
        (Kind::Number, Value::Integer(number)) => Ok(vec![Given::Text(number.to_string())]),
        (Kind::Number, _) => expected("a whole number"),
        (Kind::Text, Value::String(text)) => Ok(vec![Given::Text(text.clone())]),
        (Kind::Text, _) => expected("a string"),
        (Kind::List { .. }, Value::String(text)) => Ok(vec![Given::Text(text.clone())]),
        (Kind::List { .. }, Value::Array(items)) => {
            items.iter().enumerate().map(|(index, item)| list_item(setting, index, item)).collect()
        }
        (Kind::List { .. }, _) => expected("a list"),
    }
}

fn list_item(setting: &Setting, index: usize, item: &Value) -> Result<Given, (String, String)> {
    match item {
        Value::String(text) => Ok(Given::Text(text.clone())),
        Value::Table(table) if setting.key == "targets" => target_table(index, table),
        other @ (Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_)) => {
            Err((format!("[{index}]"), format!("expected a string, got {}", described(other))))
        }
    }
}

fn target_table(index: usize, table: &Table) -> Result<Given, (String, String)> {
    let (mut advertise, mut dial, mut tls) = (None, None, false);
    for (key, value) in table {
        let wrong = |problem: String| Err((format!("[{index}].{key}"), problem));
        match (key.as_str(), value) {
            ("advertise", Value::String(text)) => advertise = Some(text.clone()),
            ("dial", Value::String(text)) => dial = Some(text.clone()),
            ("advertise" | "dial", other) => {
                return wrong(format!("expected a string, got {}", described(other)));
            }
            ("tls", Value::Boolean(on)) => tls = *on,
            ("tls", other) => return wrong(format!("expected true or false, got {}", described(other))),
            _ => return wrong("no such key; expected advertise, dial or tls".to_owned()),
        }
    }
    Ok(Given::Target { advertise, dial, tls })
}

/// The kind of a value, never the value: it may be a secret.
fn described(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "a number",
        Value::Float(_) => "a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

fn command_line(flag: &str, problem: &str) -> ConfigError {
    // What comes after = may be a secret.
    let flag = flag.split_once('=').map_or(flag, |(flag, _value)| flag);
    ConfigError { key: flag.to_owned(), source: Source::CommandLine, problem: problem.to_owned() }
}
