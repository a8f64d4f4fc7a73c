//! The tests that name lines: functions like `lc1_cn2_...` with `#[test]`, and titles like `'LC1, CN2: ...'` in JavaScript.

use super::lines::is_id;
use crate::error::{Context, Result};
use std::path::Path;

/// A test that names lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) lines: Vec<String>,
    /// The function's name, or as much of the title as is written out.
    pub(super) name: String,
    /// Relative to the root.
    pub(super) file: String,
}

/// Where tests are.
const FOLDERS: [&str; 6] = ["client-core", "simulator", "tests", "wasm-bindings", "bridge", "playground"];

/// Every test of the repository that names lines.
pub(super) fn find(root: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        walk(&root.join(folder), &mut |file| {
            let text = std::fs::read_to_string(file).context(|| format!("cannot read {}", file.display()))?;
            let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
            let tests = if name.ends_with(".rs") { in_rust(&text) } else { in_javascript(&text) };
            found.extend(tests.into_iter().map(|(lines, test)| Source {
                lines,
                name: test,
                file: name.clone(),
            }));
            Ok(())
        })?;
    }
    Ok(found)
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path) -> Result<()>) -> Result<()> {
    let failed = || format!("cannot read {}", folder.display());
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .context(failed)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .context(failed)?;
    entries.sort();
    for path in entries {
        let is_source = path.extension().is_some_and(|ending| ending == "rs" || ending == "mjs");
        if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
            walk(&path, visit)?;
        } else if is_source {
            visit(&path)?;
        }
    }
    Ok(())
}

fn in_rust(text: &str) -> Vec<(Vec<String>, String)> {
    let mut is_test = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ").filter(|_| is_test) {
            is_test = false;
            let name = rest.split('(').next().unwrap_or_default();
            let words = name.split('_').map(str::to_uppercase);
            let lines: Vec<String> = words.take_while(|word| is_id(word)).collect();
            if !lines.is_empty() {
                found.push((lines, name.to_owned()));
            }
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            is_test = false;
        }
    }
    found
}

fn in_javascript(text: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    for quote in ['\'', '`', '"'] {
        for part in text.split(quote).skip(1) {
            let title = part.split("${").next().unwrap_or_default().lines().next().unwrap_or_default();
            let Some((names, _)) = title.split_once(": ") else { continue };
            let lines: Vec<String> = names.split(", ").map(str::to_owned).collect();
            if lines.iter().all(|line| is_id(line)) {
                found.push((lines, title.to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_name_their_lines() {
        let rust = "#[test]\n#[ignore]\nfn lc1_cn12_it_works() {\n}\nfn lc2_no_test() {}\n#[test]\nfn other() {}\n\
                    proptest! {\n    #[test]\n    fn as3_random(steps in steps()) {\n";
        let found = in_rust(rust);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], (vec!["LC1".to_owned(), "CN12".to_owned()], "lc1_cn12_it_works".to_owned()));
        assert_eq!(found[1].0, ["AS3"]);

        let javascript = "test('LC1, CN3: it works', () => {})\ntest(`LC2: of ${role}`)\nconst x = 'no: line'\n// LC3: not a title";
        let found = in_javascript(javascript);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0], (vec!["LC1".to_owned(), "CN3".to_owned()], "LC1, CN3: it works".to_owned()));
        assert_eq!(found[1], (vec!["LC2".to_owned()], "LC2: of ".to_owned()));
    }
}
