//! The committed inputs of `fuzz/corpus`, and mutations of them, on any toolchain: no panic, and no more memory than the
//! target's bound.
//!
//! `FUZZ_SECONDS=60` mutates for longer, `FUZZ_TARGET=responses` looks at one target.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::fuzz::{TARGETS, Target, mutated};

fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target.name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let read =
        |path: &PathBuf| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap());
    files.iter().map(read).collect()
}

/// Gives an input to a target and weighs what it takes.
fn check(target: &Target, what: &dyn Fn() -> String, input: &[u8]) {
    let lived = std::panic::catch_unwind(|| allocation_counter::measure(|| (target.run)(input)));
    let bound = (target.memory)(input.len());
    let found = match lived {
        Ok(memory) if memory.bytes_max <= bound as u64 => return,
        Ok(memory) => format!("{} bytes at once, expected at most {bound}", memory.bytes_max),
        Err(_) => "a panic".to_owned(),
    };
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.input", target.name));
    fs::write(&path, input).unwrap();
    panic!("{}, {}: {found}; the input is in {}", target.name, what(), path.display());
}

#[test]
fn committed_inputs_and_mutations_of_them_find_nothing() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().map(|seconds| seconds.parse().unwrap());
    let only = std::env::var("FUZZ_TARGET").ok();
    for target in TARGETS.iter().filter(|target| only.as_deref().is_none_or(|only| only == target.name)) {
        let corpus = corpus(target);
        assert!(!corpus.is_empty(), "{} has inputs", target.name);
        for (name, input) in &corpus {
            check(target, &|| name.clone(), input);
        }
        // A fixed number of seeds in the everyday test, so that it is the same every day.
        let end = seconds.map(|seconds| started() + Duration::from_secs(seconds));
        for seed in 1.. {
            match end {
                None if seed > MUTATIONS => break,
                Some(end) if started() >= end => break,
                None | Some(_) => {}
            }
            let (name, input) = &corpus[seed as usize % corpus.len()];
            let input = mutated(input, seed, target.input_size_max);
            check(target, &|| format!("{name}, mutated with seed {seed}"), &input);
        }
    }
}

/// Mutations of each target in the everyday test.
const MUTATIONS: u64 = 150;

#[test]
fn every_target_has_its_program_and_its_corpus_and_nothing_else_has() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut names: Vec<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    names.sort();
    let found = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(fuzz.join(folder))
            .unwrap()
            .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(found("fuzz_targets"), names);
    assert_eq!(found("corpus"), names);
    let size: u64 = TARGETS.iter().flat_map(corpus).map(|(_, input)| input.len() as u64).sum();
    assert!(size < 1 << 20, "the corpora take {size} bytes; minimise them");
}

#[test]
fn the_scales_weigh() {
    let weight = |bytes: usize| {
        allocation_counter::measure(|| drop(std::hint::black_box(vec![0_u8; bytes]))).bytes_max
    };
    assert!(weight(100_000) >= 100_000);
    assert!(weight(10) < 100_000);
}

#[expect(clippy::disallowed_methods, reason = "a limit for people who ask for one")]
fn started() -> Instant {
    Instant::now()
}
