//! The lines of docs/behaviour.md: rows of its tables whose first cell is a name such as `LC1`.

use crate::error::{Error, Result};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) text: String,
    /// Whether it says of itself that it is not built yet.
    pub(super) later: bool,
}

/// The kinds of lines; a name is one of these and a number.
const KINDS: [&str; 4] = ["LC", "CN", "CF", "AS"];

/// Reads the page. Lines of a kind are numbered from 1 without a gap, so that none can vanish unnoticed.
pub(super) fn read(page: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for row in page.lines() {
        let mut cells = row.split('|').map(str::trim);
        let (Some(""), Some(id), Some(text)) = (cells.next(), cells.next(), cells.next()) else { continue };
        if is_id(id) {
            let later = text.starts_with("*Later");
            lines.push(Line { id: id.to_owned(), text: text.to_owned(), later });
        }
    }
    for kind in KINDS {
        let numbers = lines.iter().filter_map(|line| line.id.strip_prefix(kind));
        let expected = (1..).map(|number: usize| number.to_string());
        if let Some((found, expected)) = numbers.zip(expected).find(|(found, expected)| found != expected) {
            return Err(Error::new(format!(
                "docs/behaviour.md: expected {kind}{expected}, found {kind}{found}"
            )));
        }
    }
    if lines.is_empty() {
        return Err(Error::new("docs/behaviour.md has no lines"));
    }
    Ok(lines)
}

/// Whether this is the name of a line.
pub(super) fn is_id(word: &str) -> bool {
    KINDS.iter().any(|kind| {
        word.strip_prefix(kind).is_some_and(|number| {
            !number.is_empty() && number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_tables_are_lines() {
        let page = "| line | what |\n|---|---|\n| LC1 | One. |\n| LC2 | *Later.* Two. |\nLC3 in a sentence\n| CN1 | x |\n";
        let lines = read(page).expect("a good page");
        let found: Vec<(&str, bool)> = lines.iter().map(|line| (line.id.as_str(), line.later)).collect();
        assert_eq!(found, [("LC1", false), ("LC2", true), ("CN1", false)]);
    }

    #[test]
    fn a_missing_line_is_an_error() {
        assert!(read("| LC1 | a |\n| LC3 | b |\n").is_err());
        assert!(read("nothing").is_err());
    }
}
