//! Lines of the client's source, cut out while compiling: the playground carries the lines it shows and not whole files.

/// A place in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The file, from the repository's root.
    pub path: &'static str,
    /// The number of the first line, from 1.
    pub first_line: usize,
    /// The lines.
    pub text: &'static str,
}

/// So many lines of a file, from the first one that contains a text. Does not compile when the file no longer has it.
macro_rules! code {
    ($path:literal, $begins_with:literal, $lines:literal) => {{
        const SOURCE: &str = include_str!(concat!("../../../", $path));
        const PLACE: $crate::lessons::excerpt::Place =
            $crate::lessons::excerpt::find(SOURCE, $begins_with, $lines);
        const BYTES: [u8; PLACE.end - PLACE.start] = $crate::lessons::excerpt::copy(SOURCE, PLACE.start);
        const TEXT: &str = match core::str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => panic!("whole lines of a text are a text"),
        };
        $crate::lessons::excerpt::Code { path: $path, first_line: PLACE.first_line, text: TEXT }
    }};
}
pub(super) use code;

/// Where lines stand in a file.
pub(super) struct Place {
    pub(super) first_line: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

pub(super) const fn find(source: &str, begins_with: &str, lines: usize) -> Place {
    let (source, wanted) = (source.as_bytes(), begins_with.as_bytes());
    let (mut first_line, mut start, mut at) = (1, 0, 0);
    while !has(source, at, wanted) {
        assert!(at < source.len(), "the file no longer has the place that the lesson is about");
        if source[at] == b'\n' {
            first_line += 1;
            start = at + 1;
        }
        at += 1;
    }
    let (mut end, mut count) = (at, 0);
    while count < lines {
        assert!(end < source.len(), "the file has fewer lines than the lesson wants to show");
        if source[end] == b'\n' {
            count += 1;
        }
        end += 1;
    }
    Place { first_line, start, end: end - 1 }
}

const fn has(source: &[u8], at: usize, wanted: &[u8]) -> bool {
    let mut index = 0;
    while index < wanted.len() {
        if at + index >= source.len() || source[at + index] != wanted[index] {
            return false;
        }
        index += 1;
    }
    true
}

pub(super) const fn copy<const N: usize>(source: &str, start: usize) -> [u8; N] {
    let mut bytes = [0; N];
    let mut index = 0;
    while index < N {
        bytes[index] = source.as_bytes()[start + index];
        index += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{copy, find};

    #[test]
    fn lines_are_cut_out_whole() {
        const TEXT: &str = "one\n  two begins\nthree\nfour\n";
        let place = find(TEXT, "two", 2);
        assert_eq!((place.first_line, place.start, place.end), (2, 4, 22));
        assert_eq!(&TEXT[place.start..place.end], "  two begins\nthree");
        assert_eq!(copy::<3>(TEXT, 0), *b"one");
        assert_eq!(find(TEXT, "one", 1).first_line, 1);
        assert_eq!(find(TEXT, "four", 1).end, TEXT.len() - 1);
    }
}
