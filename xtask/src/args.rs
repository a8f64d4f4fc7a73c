//! Small helpers over `lexopt`, so that each verb rejects what it does not know in the same words.

use crate::error::{Error, Result};
use std::str::FromStr;

/// The value of the option just read, parsed; `wanted` names what would have been right.
pub(crate) fn value<T: FromStr>(args: &mut lexopt::Parser, option: &str, wanted: &str) -> Result<T> {
    let text = text(args)?;
    text.parse().map_err(|_| Error::new(format!("--{option} {text}: expected {wanted}")))
}

/// The value of the option just read, as text.
pub(crate) fn text(args: &mut lexopt::Parser) -> Result<String> {
    args.value()?
        .into_string()
        .map_err(|raw| Error::new(format!("the argument {} is not UTF-8", raw.to_string_lossy())))
}

/// The error for an option or word which the verb does not know: it names it.
pub(crate) fn unknown(verb: &str, arg: &lexopt::Arg<'_>) -> Error {
    let shown = match arg {
        lexopt::Arg::Short(letter) => format!("option -{letter}"),
        lexopt::Arg::Long(name) => format!("option --{name}"),
        lexopt::Arg::Value(word) => format!("argument `{}`", word.to_string_lossy()),
    };
    Error::new(format!("`cargo xtask {verb}` does not know the {shown}"))
        .help("`cargo xtask help` lists the verbs and their options")
}
