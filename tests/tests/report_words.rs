//! The words of the report, by which calls into wasm answer with more than one number, are numbered in Rust and in TypeScript alike.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The variants of `enum Word` in a source file, with their numbers.
fn words(file: &str) -> BTreeMap<String, u32> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap();
    let (_, rest) = text.split_once("enum Word {").unwrap_or_else(|| panic!("{file} has no `enum Word`"));
    let (body, _) = rest.split_once("\n}").expect("an enum ends");
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    let read = |line: &str| {
        let (name, number) = line.trim_end_matches(',').split_once(" = ").expect("every word has its number");
        (name.to_owned(), number.parse().expect("a number"))
    };
    lines.map(read).collect()
}

#[test]
fn both_sides_number_the_words_alike() {
    let rust = words("wasm-bindings/src/exports/report.rs");
    assert!(rust.len() > 10, "the words were found: {rust:?}");
    assert_eq!(rust, words("wasm-bindings/js/src/boundary.ts"));
}
