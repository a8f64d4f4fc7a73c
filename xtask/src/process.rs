//! Running other programs: to the end with their output kept, or detached; and recognising them later.

use crate::error::{Context, Error, Result};
use rustix::process::Signal;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How much of a log is shown when something failed.
const TAIL_LINES: usize = 40;

/// Runs a program to its end and returns what it wrote to standard output; a failure shows the end of its output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| Error::new(format!("cannot run {shown}")).because(cause))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(Error::new(format!("{shown} failed ({})", output.status))
        .help(last_lines(&format!("{stdout}{stderr}"))))
}

/// Runs a program to its end and lets it speak for itself, on standard error: standard output is for results.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(|cause| Error::new(format!("cannot run {shown}")).because(cause))?;
    if status.success() { Ok(()) } else { Err(Error::new(format!("{shown} failed ({status})"))) }
}

/// Runs a program to its end, lets it speak on standard error, and returns what it wrote to standard output.
pub(crate) fn output_only(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|cause| Error::new(format!("cannot run {shown}")).because(cause))?;
    if !output.status.success() {
        return Err(Error::new(format!("{shown} failed ({})", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Starts a program which keeps running after this one ended, in its own process group, writing to `log`.
pub(crate) fn spawn_detached(command: &mut Command, log: &Path) -> Result<Child> {
    let shown = shown(command);
    let file = File::create(log).context(|| format!("cannot write {}", log.display()))?;
    let same_file = file.try_clone().context(|| format!("cannot write {}", log.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(same_file)
        .process_group(0)
        .spawn()
        .map_err(|cause| Error::new(format!("cannot start {shown}")).because(cause))
}

/// The last lines of a log file, for the reader of an error.
pub(crate) fn tail(log: &Path) -> String {
    const BYTES_MAX: u64 = 64 * 1024;
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let len = file.metadata()?.len();
        file.seek(SeekFrom::Start(len.saturating_sub(BYTES_MAX)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match read() {
        Ok(text) => last_lines(&text),
        Err(cause) => format!("(cannot read {}: {cause})", log.display()),
    }
}

/// A process which was started by an earlier run: its number, and when it started, because numbers are reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessId {
    pub(crate) pid: u32,
    /// Clock ticks after boot, from `/proc/<pid>/stat`.
    pub(crate) started_ticks: u64,
}

impl ProcessId {
    /// The identity of a process that runs now; `None` when there is no such process.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (state, started_ticks) = parse_stat(&stat)?;
        // A zombie has ended; only its parent has not looked yet.
        (state != 'Z' && state != 'X').then_some(Self { pid, started_ticks })
    }

    /// Whether this very process, not a later one with the same number, still runs.
    pub(crate) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Ends the process without asking it, and waits until it is gone. Nothing happens if it has ended already.
    pub(crate) fn kill(self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(10);
        if !self.is_alive() {
            return Ok(());
        }
        self.signal(Signal::KILL)?;
        let start = Instant::now();
        while self.is_alive() {
            if start.elapsed() > PATIENCE {
                return Err(Error::new(format!("process {} still runs 10 s after it was killed", self.pid)));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Sends a signal. Nothing happens if the process has ended in this very moment.
    pub(crate) fn signal(self, signal: Signal) -> Result<()> {
        let failed = |cause: String| {
            Err(Error::new(format!("cannot send {signal:?} to process {}", self.pid)).because(cause))
        };
        let Some(pid) = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw) else {
            return failed("its number is out of range".to_owned());
        };
        match rustix::process::kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(cause) => failed(cause.to_string()),
        }
    }
}

/// State letter and start time of a `/proc/<pid>/stat` line. The name in parentheses may itself hold parentheses.
fn parse_stat(stat: &str) -> Option<(char, u64)> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?.chars().next()?;
    // Field 22 of the line; `state` was field 3.
    let started_ticks = fields.nth(18)?.parse().ok()?;
    Some((state, started_ticks))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let line = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    format!("`{line}`")
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
        assert_eq!(parse_stat(stat), Some(('S', 987_654)));
        assert_eq!(parse_stat("7 (a"), None);
    }

    #[test]
    fn a_reused_number_is_another_process() {
        let this = ProcessId::of(std::process::id()).unwrap();
        assert!(this.is_alive());
        let earlier = ProcessId { started_ticks: this.started_ticks - 1, ..this };
        assert!(!earlier.is_alive());
        earlier.kill().unwrap();
        assert!(this.is_alive());
    }

    #[test]
    fn a_failure_shows_the_end_of_the_output() {
        let error = output(Command::new("sh").args(["-c", "echo first; echo last >&2; exit 3"])).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains("exit status: 3") && shown.contains("first") && shown.contains("last"),
            "{shown}"
        );
    }
}
