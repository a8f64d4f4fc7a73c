//! Lives through many drawn worlds on every core. `cargo xtask soak` builds and runs it; it prints what it finds.
//!
//! `soak FROM COUNT SECONDS COMMIT FOLDER` lives through the seeds from FROM on, until there were COUNT or the time is
//! over (0: no limit). Each seed that breaks a law is printed with what it takes to see it again, made small, and
//! written to `FOLDER/SEED.recording`. `soak replay FILE` tells the story of such a recording.

use simulator::recording::Recording;
use simulator::sentence::{Detail, sentence};
use simulator::soak::{self, Breach, Law};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["replay", file] => replay(Path::new(file)),
        [from, count, seconds, commit, folder] => {
            Order::parse(from, count, seconds, commit, folder).and_then(|order| order.carry_out())
        }
        _ => Err("usage: soak FROM COUNT SECONDS COMMIT FOLDER, or soak replay FILE".to_owned()),
    };
    match done {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// After so many bad seeds there is enough to do.
const FAILURES_MAX: usize = 5;

/// How many lives making one failure small may cost.
const SHRINK_BUDGET: u32 = 1_500;

/// What was asked for.
struct Order {
    from: u64,
    count: u64,
    limit: Option<Duration>,
    commit: String,
    folder: PathBuf,
}

/// What all threads count.
#[derive(Default)]
struct Tally {
    next: AtomicU64,
    lives: AtomicU64,
    events: AtomicU64,
    records: AtomicU64,
    enough: AtomicBool,
    failed: Mutex<Vec<u64>>,
}

impl Order {
    fn parse(from: &str, count: &str, seconds: &str, commit: &str, folder: &str) -> Result<Self, String> {
        let number =
            |text: &str| text.parse::<u64>().map_err(|_| format!("expected a number, found {text:?}"));
        let seconds = number(seconds)?;
        Ok(Self {
            from: number(from)?,
            count: number(count)?,
            limit: (seconds > 0).then(|| Duration::from_secs(seconds)),
            commit: commit.to_owned(),
            folder: folder.into(),
        })
    }

    fn carry_out(&self) -> Result<ExitCode, String> {
        std::fs::create_dir_all(&self.folder)
            .map_err(|error| format!("cannot create {}: {error}", self.folder.display()))?;
        quiet_panics();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let tally = Tally::default();
        let start = now();
        println!("seeds from {}, {threads} threads, commit {}", self.from, self.commit);
        let problem = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.work(&tally, start))).collect();
            let mut told = Duration::ZERO;
            while workers.iter().any(|worker| !worker.is_finished()) {
                std::thread::sleep(Duration::from_millis(50));
                if start.elapsed() - told >= Duration::from_secs(5) {
                    told = start.elapsed();
                    eprintln!("{}", self.progress(&tally, told));
                }
            }
            workers.into_iter().find_map(|worker| match worker.join() {
                Ok(done) => done.err(),
                Err(_) => Some("a thread panicked outside of a life".to_owned()),
            })
        });
        println!("{}", self.progress(&tally, start.elapsed()));
        if let Some(problem) = problem {
            return Err(problem);
        }
        let failed = lock(&tally.failed);
        if failed.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        println!("broken seeds: {failed:?}");
        Ok(ExitCode::FAILURE)
    }

    fn progress(&self, tally: &Tally, elapsed: Duration) -> String {
        let lives = tally.lives.load(Ordering::Relaxed);
        let (events, records) = (tally.events.load(Ordering::Relaxed), tally.records.load(Ordering::Relaxed));
        let rate = lives as f64 / elapsed.as_secs_f64().max(0.001);
        let failed = lock(&tally.failed).len();
        format!(
            "{lives} worlds of {} in {:.0} s, {rate:.0} a second; {events} events, {records} records; {failed} broken",
            self.count,
            elapsed.as_secs_f64()
        )
    }

    fn work(&self, tally: &Tally, start: Instant) -> Result<(), String> {
        loop {
            let number = tally.next.fetch_add(1, Ordering::Relaxed);
            let late = self.limit.is_some_and(|limit| start.elapsed() >= limit);
            if number >= self.count || late || tally.enough.load(Ordering::Relaxed) {
                return Ok(());
            }
            let seed = self.from.wrapping_add(number);
            let life = live(&soak::draw(seed));
            tally.lives.fetch_add(1, Ordering::Relaxed);
            tally.events.fetch_add(life.events, Ordering::Relaxed);
            tally.records.fetch_add(life.records, Ordering::Relaxed);
            if let Some(breach) = life.breach {
                let mut failed = lock(&tally.failed);
                failed.push(seed);
                let enough = failed.len() >= FAILURES_MAX;
                drop(failed);
                if enough {
                    tally.enough.store(true, Ordering::Relaxed);
                }
                self.report(seed, &breach)?;
            }
        }
    }

    /// Says what broke and how to see it again, and writes the smallest run found.
    fn report(&self, seed: u64, breach: &Breach) -> Result<(), String> {
        let commit = &self.commit;
        let plan = soak::draw(seed);
        println!("seed {seed}, commit {commit}: {breach}\n  again: cargo xtask soak --seeds 1 --from {seed}");
        let small = soak::shrink(&plan, breach.law, SHRINK_BUDGET, |plan| live(plan).breach.map(|it| it.law));
        let life = live(&small);
        let path = self.folder.join(format!("{seed}.recording"));
        std::fs::write(&path, format!("{}\n", life.recording))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        let text = life.breach.map_or_else(|| "nothing".to_owned(), |breach| breach.to_string());
        println!(
            "seed {seed}, made small: {} choices of {}, and it breaks {text}\n  plan: {small}\n  recording: {}\n  \
             its story: cargo xtask soak --replay {}\n  in the playground: Open a recording, or the address with #{}",
            small.choices.len(),
            plan.choices.len(),
            path.display(),
            path.display(),
            life.recording
        );
        Ok(())
    }
}

/// What a life came to.
struct Life {
    recording: Recording,
    breach: Option<Breach>,
    events: u64,
    records: u64,
}

fn live(plan: &Recording) -> Life {
    let lived = catch_unwind(AssertUnwindSafe(|| soak::run(plan)));
    match lived {
        Ok(Ok(outcome)) => Life {
            recording: outcome.world.recording().clone(),
            breach: outcome.first().cloned(),
            events: outcome.world.events().len() as u64,
            records: outcome.world.ledger().sent.len() as u64,
        },
        Ok(Err(error)) => broken(plan, format!("the scenario makes no world: {error}")),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            broken(plan, text.to_owned())
        }
    }
}

fn broken(plan: &Recording, text: String) -> Life {
    let breach = Breach { law: Law::Panic, event: 0, text };
    Life { recording: plan.clone(), breach: Some(breach), events: 0, records: 0 }
}

/// A panic is a finding like any other, and is told where it was found.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

fn replay(file: &Path) -> Result<ExitCode, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let plan = Recording::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let outcome = soak::run(&plan).map_err(|error| error.to_string())?;
    for event in outcome.world.events() {
        println!("{}  [{}]", sentence(event, Detail::Full), event.key);
    }
    for breach in &outcome.breaches {
        println!("broken: {breach}");
    }
    println!("{}", outcome.world.recording());
    Ok(if outcome.breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A thread that panicked while it held the lock has pushed a number or has not: both are sound.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[expect(clippy::disallowed_methods, reason = "a program that measures how fast it is")]
fn now() -> Instant {
    Instant::now()
}
