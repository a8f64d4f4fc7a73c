//! `cargo xtask test`: parts that run one after the other, each with a log, and a closing table.

mod count;
mod kafka;
mod needs;
mod parts;
mod report;
mod shell;

use crate::error::{Context, Error, Result};
use crate::signals::Interrupted;
use crate::{paths, process, progress};
use count::Count;
use kafka::SharedKafka;
use parts::{PARTS, Part};
use report::{Outcome, Report};
use shell::Shell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread::ScopedJoinHandle;
use std::time::Instant;

/// Runs every part, or the one called `only`, or those whose names begin so, and prints the table. `Ok(false)`: something failed.
pub(crate) fn run(only: Option<&str>) -> Result<bool> {
    let exact = PARTS.iter().any(|part| only == Some(part.name));
    let is_meant = |name: &str, only: &str| if exact { name == only } else { name.starts_with(only) };
    let chosen: Vec<&Part> =
        PARTS.iter().filter(|part| only.is_none_or(|only| is_meant(part.name, only))).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        let only = only.unwrap_or_default();
        return Err(Error::new(format!("--only {only}: there is no such part"))
            .help(format!("the parts are: {}", names.join(", "))));
    }
    let program = std::env::current_exe().context(|| "cannot find this program".to_owned())?;
    let interrupted = Interrupted::watch()?;
    let _lock = lock()?;
    let needed: Vec<_> =
        chosen.iter().flat_map(|part| part.needs.iter().flat_map(|tools| *tools).copied()).collect();
    if let Err(error) = needs::install(&needed) {
        // What does not need it still runs; what does is listed at the end.
        progress::say(&error.to_string());
    }

    let start = Instant::now();
    let report = run_parts(&chosen, &program, &interrupted)?;
    let fail_on_missing = std::env::var("CI").is_ok_and(|ci| ci == "true");
    print!("{}", report.table(start.elapsed().as_secs_f64()));
    println!("{}", report.last_line());
    Ok(report.is_success(fail_on_missing))
}

/// One after the other, but for those that may run beside others.
fn run_parts(chosen: &[&Part], program: &Path, interrupted: &Interrupted) -> Result<Report> {
    let mut kafka = SharedKafka::default();
    let mut report = Report::default();
    let result = std::thread::scope(|scope| {
        let mut beside = Vec::new();
        for (index, part) in chosen.iter().copied().enumerate() {
            let heading = format!("[{:>2}/{}] {}", index + 1, chosen.len(), part.name);
            if part.beside {
                progress::say(&format!("{heading}: {}, beside the parts that follow ...", part.about));
                let alone = move || timed(part, &heading, program, &mut SharedKafka::default(), interrupted);
                beside.push((part, scope.spawn(alone)));
                continue;
            }
            if part.last {
                wait_for(&mut beside, &mut report)?;
            }
            progress::say(&format!("{heading}: {} ...", part.about));
            let (outcome, seconds) = timed(part, &heading, program, &mut kafka, interrupted)?;
            report.add(part.name, outcome, seconds);
            if interrupted.is_set() {
                break;
            }
        }
        wait_for(&mut beside, &mut report)
    });
    kafka.down()?;
    if interrupted.is_set() {
        return Err(Error::new("interrupted").help("what ran for the tests has been stopped"));
    }
    result.map(|()| report)
}

type Timed = Result<(Outcome, f64)>;

fn timed(
    part: &Part,
    heading: &str,
    program: &Path,
    kafka: &mut SharedKafka,
    interrupted: &Interrupted,
) -> Timed {
    let start = Instant::now();
    let result = run_part(part, program, kafka, interrupted);
    let down = if part.beside { kafka.down() } else { Ok(()) };
    let (outcome, seconds) = (result?, start.elapsed().as_secs_f64());
    down?;
    progress::say(&format!("{heading}: {outcome} in {seconds:.1} s"));
    Ok((outcome, seconds))
}

/// Waits for the parts that ran beside others.
fn wait_for(beside: &mut Vec<(&Part, ScopedJoinHandle<'_, Timed>)>, report: &mut Report) -> Result<()> {
    for (part, thread) in beside.drain(..) {
        if !thread.is_finished() {
            progress::say(&format!("waiting for {} ...", part.name));
        }
        let ended = thread.join().map_err(|_panic| Error::new(format!("the part {} panicked", part.name)))?;
        let (outcome, seconds) = ended?;
        report.add(part.name, outcome, seconds);
    }
    Ok(())
}

/// Installs what browser checks need if it is missing, this is Debian and we may.
pub(crate) fn install_browser() -> Result<()> {
    needs::install(needs::BROWSER)
}

fn run_part(
    part: &Part,
    program: &Path,
    kafka: &mut SharedKafka,
    interrupted: &Interrupted,
) -> Result<Outcome> {
    let tools: Vec<_> = part.needs.iter().flat_map(|tools| *tools).copied().collect();
    if let Err(missing) = needs::check(&tools) {
        return Ok(Outcome::CouldNotRun { why: missing.to_string() });
    }
    let log = logs()?.join(format!("{}.log", part.name));
    let mut shell = Shell::new(&log, program, kafka, interrupted)?;
    let result = (part.run)(&mut shell);
    let text = std::fs::read(&log).context(|| format!("cannot read {}", log.display()))?;
    let mut count = Count::of(&String::from_utf8_lossy(&text));
    let result = match result {
        // A suite in which nothing ran proves nothing.
        Ok(()) if part.has_tests && count.is_empty() => Err(Error::new("no test ran")),
        other => other,
    };
    match result {
        Ok(()) if count.failed == 0 => {
            if count.passed == 0 {
                count.passed = 1;
            }
            Ok(Outcome::Passed { count })
        }
        Ok(()) => Ok(failed(part, count, &log, "it reports failed tests")),
        Err(error) => {
            count.failed = count.failed.max(1);
            Ok(failed(part, count, &log, &error.to_string()))
        }
    }
}

/// Shows the end of the log, which says more than a number.
fn failed(part: &Part, count: Count, log: &Path, why: &str) -> Outcome {
    eprintln!("---- {}: the end of {}", part.name, log.display());
    eprintln!("{}", process::tail(log));
    eprintln!("---- {}: {why}", part.name);
    Outcome::Failed { count }
}

fn logs() -> Result<PathBuf> {
    let folder = paths::target().join("test-logs");
    std::fs::create_dir_all(&folder).context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// Two runs in one checkout would share a cluster and overwrite each other's logs: the second waits.
fn lock() -> Result<File> {
    let path = logs()?.join("lock");
    let file = File::create(&path).context(|| format!("cannot write {}", path.display()))?;
    if file.try_lock().is_err() {
        progress::say("another `cargo xtask test` runs in this checkout: waiting for it");
        file.lock().context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}
