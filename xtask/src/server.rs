//! kafka-bridge as a child process: started, its addresses read, stopped again.

use crate::error::{Context, Error, Result};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A running bridge. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// The `name=value` lines it printed until it was listening.
    lines: Vec<String>,
}

impl Server {
    /// Starts the bridge and waits until it has said where it listens.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        let Some(stdout) = child.stdout.take() else {
            return Err(Error::new("the bridge has no standard output"));
        };
        let (send, receive) = mpsc::channel();
        // Reads to the end, so that the bridge never waits for a reader; it ends with the bridge.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(|line| line.ok()) {
                // Nobody listens any more once the address is known; the lines are read all the same.
                let _ = send.send(line);
            }
        });
        let mut server = Self { child, lines: Vec::new() };
        let start = Instant::now();
        while server.value("listening").is_none() {
            match receive.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(line) => server.lines.push(line),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(Error::new(format!(
                        "the bridge does not listen after {} s",
                        PATIENCE.as_secs()
                    )));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = server.child.wait().context(|| "cannot wait for the bridge".to_owned())?;
                    return Err(Error::new(format!("the bridge ended ({status}) instead of listening"))
                        .help("its own message is above"));
                }
            }
        }
        // What belongs to the same start is printed at the same time.
        server.lines.extend(std::iter::from_fn(|| receive.recv_timeout(Duration::from_millis(200)).ok()));
        Ok(server)
    }

    /// The value of the first line `name=value`.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether it has ended, and how.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context(|| "cannot watch the bridge".to_owned())
    }

    /// Asks it to stop, as Ctrl-C would, and waits; ends it when it does not.
    pub(crate) fn stop(mut self) -> Result<()> {
        const PATIENCE: Duration = Duration::from_secs(10);
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself in this very moment; then there is nothing to ask.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let start = Instant::now();
        while self.ended()?.is_none() {
            if start.elapsed() > PATIENCE {
                return Err(Error::new(format!("the bridge ignored SIGTERM for {} s", PATIENCE.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only for a process that has ended already, and then all is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
