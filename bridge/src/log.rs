//! One line per event on standard error: `time=… level=… event=… name=value …`. No payload and no secret ever.

use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::LogLevel;

/// Where lines go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log(pub(crate) LogLevel);

impl Log {
    pub(crate) fn warn(self, event: &str, pairs: &[(&str, &dyn Display)]) {
        self.line(LogLevel::Warn, "warn", event, pairs);
    }

    pub(crate) fn info(self, event: &str, pairs: &[(&str, &dyn Display)]) {
        self.line(LogLevel::Info, "info", event, pairs);
    }

    fn line(self, level: LogLevel, name: &str, event: &str, pairs: &[(&str, &dyn Display)]) {
        if self.0 < level {
            return;
        }
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut line = format!(
            "time={}.{:03} level={name} event={event}",
            since_epoch.as_secs(),
            since_epoch.subsec_millis()
        );
        for (name, value) in pairs {
            let value = value.to_string();
            let plain =
                !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
            // Writing to a String cannot fail. Quoting keeps what a client sent from looking like another line.
            let _ = if plain { write!(line, " {name}={value}") } else { write!(line, " {name}={value:?}") };
        }
        line.push('\n');
        // When standard error is gone there is nobody to tell; sessions go on.
        let _ = io::stderr().write_all(line.as_bytes());
    }
}
