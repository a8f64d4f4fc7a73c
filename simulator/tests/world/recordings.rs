//! Runs that once went wrong, kept for ever: each file in `tests/recordings/` is one, named after what went wrong.

use crate::soak::check_run;
use simulator::recording::Recording;

#[test]
fn what_once_went_wrong_does_so_no_more() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        check_run(&Recording::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}")), &name);
        count += 1;
    }
    assert!(count > 0, "no recordings in {folder}");
}
