//! The command: reads the configuration, prints where it listens, and stops on SIGTERM or SIGINT.

use std::io::{self, Write as _};
use std::process::ExitCode;

use bridge::config::{Invocation, help, read_arguments, resolved};
use bridge::{Bridge, Config, Stopped};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let mut arguments = Vec::new();
    for argument in std::env::args_os().skip(1) {
        match argument.into_string() {
            Ok(argument) => arguments.push(argument),
            Err(argument) => return failed(&format!("{argument:?} is not UTF-8")),
        }
    }
    match read_arguments(arguments) {
        Ok(Invocation::Help) => print(&help()),
        Ok(Invocation::Version) => print(&format!("kafka-bridge {}\n", env!("CARGO_PKG_VERSION"))),
        Ok(Invocation::Check(config)) => print(&resolved(&config)),
        Ok(Invocation::Run(config)) => run(*config),
        Err(error) => failed(&error.to_string()),
    }
}

fn run(config: Config) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("cannot start the runtime: {error}")),
    };
    match runtime.block_on(serve(config)) {
        Ok(code) => code,
        Err(error) => failed(&error.to_string()),
    }
}

async fn serve(config: Config) -> Result<ExitCode, Box<dyn std::error::Error>> {
    // Before the addresses are printed: who reads them may send a signal at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let bridge = Bridge::start(config).await?;
    let mut lines = String::new();
    for address in bridge.listening() {
        lines.push_str(&format!("listening=http://{address}\n"));
    }
    if let Some(address) = bridge.management() {
        lines.push_str(&format!("management=http://{address}\n"));
    }
    for address in bridge.dev_brokers() {
        lines.push_str(&format!("dev-broker={address}\n"));
    }
    let mut stdout = io::stdout();
    stdout.write_all(lines.as_bytes())?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // Whoever asks twice does not want to wait.
    let stopped = tokio::select! {
        stopped = bridge.stop() => stopped,
        _ = terminate.recv() => Stopped::CutOff,
        _ = interrupt.recv() => Stopped::CutOff,
    };
    if stopped == Stopped::CutOff {
        eprintln!("kafka-bridge: some sessions did not end in time and were cut off");
    }
    Ok(ExitCode::SUCCESS)
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("cannot write to standard output: {error}")),
    }
}

fn failed(problem: &str) -> ExitCode {
    eprintln!("kafka-bridge: {problem}");
    ExitCode::FAILURE
}
