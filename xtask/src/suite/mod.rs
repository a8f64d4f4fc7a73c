//! `cargo xtask test`: parts in lanes that run beside each other, each part with a log, and a closing table.

mod count;
mod kafka;
mod needs;
mod parts;
mod prepared;
mod report;
mod shell;

use crate::error::{Context, Error, Result};
use crate::signals::Interrupted;
use crate::{lock, paths, process, progress};
use count::Count;
use parts::{Lane, PARTS, Part};
use prepared::Prepared;
use report::{Outcome, Report};
use shell::Shell;
use std::fs::File;
use std::path::{Path, PathBuf};
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

/// The lanes beside each other, and then the end.
fn run_parts(chosen: &[&Part], program: &Path, interrupted: &Interrupted) -> Result<Report> {
    let prepared = Prepared::default();
    let run = Run { chosen, program, prepared: &prepared, interrupted };
    let rows = run.lanes();
    prepared.kafka().down()?;
    if interrupted.is_set() {
        return Err(Error::new("interrupted").help("what ran for the tests has been stopped"));
    }
    let mut rows = rows?;
    rows.sort_by_key(|row| row.place);
    let mut report = Report::default();
    for Row { place, outcome, seconds } in rows {
        report.add(chosen[place].name, outcome, seconds);
    }
    Ok(report)
}

/// What every lane needs to know.
#[derive(Clone, Copy)]
struct Run<'a> {
    chosen: &'a [&'a Part],
    program: &'a Path,
    prepared: &'a Prepared,
    interrupted: &'a Interrupted,
}

/// How a part ended.
struct Row {
    /// In the order of the parts that were chosen.
    place: usize,
    outcome: Outcome,
    seconds: f64,
}

impl Run<'_> {
    fn lanes(self) -> Result<Vec<Row>> {
        std::thread::scope(|scope| {
            let lanes = Lane::BESIDE.map(|lane| scope.spawn(move || self.lane(lane)));
            let mut rows = Vec::new();
            for lane in lanes {
                let ended = lane.join().map_err(|_panic| Error::new("a lane of the tests panicked"))?;
                rows.extend(ended?);
            }
            rows.extend(self.lane(Lane::End)?);
            Ok(rows)
        })
    }

    /// One part of the lane after the other.
    fn lane(self, lane: Lane) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for (place, part) in self.chosen.iter().copied().enumerate().filter(|(_, part)| part.lane == lane) {
            let heading = format!("[{:>2}/{}] {}", place + 1, self.chosen.len(), part.name);
            progress::say(&format!("{heading}: {} ...", part.about));
            let start = Instant::now();
            let outcome = run_part(part, self)?;
            let seconds = start.elapsed().as_secs_f64();
            progress::say(&format!("{heading}: {outcome} in {seconds:.1} s"));
            rows.push(Row { place, outcome, seconds });
            if self.interrupted.is_set() {
                break;
            }
        }
        Ok(rows)
    }
}

/// Installs what browser checks need if it is missing, this is Debian and we may.
pub(crate) fn install_browser() -> Result<()> {
    needs::install(needs::BROWSER)
}

fn run_part(part: &Part, Run { program, prepared, interrupted, .. }: Run<'_>) -> Result<Outcome> {
    let tools: Vec<_> = part.needs.iter().flat_map(|tools| *tools).copied().collect();
    if let Err(missing) = needs::check(&tools) {
        return Ok(Outcome::CouldNotRun { why: missing.to_string() });
    }
    let log = logs()?.join(format!("{}.log", part.name));
    let mut shell = Shell::new(&log, program, prepared, interrupted)?;
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
    if let Some(lock) = lock::try_in_folder(&logs()?, "lock")? {
        return Ok(lock);
    }
    progress::say("another `cargo xtask test` runs in this checkout: waiting for it");
    lock::in_folder(&logs()?, "lock")
}
